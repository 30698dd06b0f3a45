#include "platform/zstd_file.h"

#include "platform/sha256.h"
#include "util/text.h"

#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <zstd.h>

namespace lectio {
namespace {

constexpr int k_level = 3;
// Two cores share it where there are two; pieces of this size bound what that takes of memory.
constexpr int k_workers = 2, k_piece = 2 << 20;

struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Error no_zstd(std::string_view what, const Path& file, std::string_view reason) {
    return {ErrorKind::invalid, fmt::format("unable to {} {}: {}", what, clean_line(file.string()), reason)};
}

} // namespace

Result<Compressed> compress_file(const Path& from, const Path& to, Clock& clock, SteadyTime until) {
    const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
    if (context == nullptr) {
        return Error{ErrorKind::internal, "out of memory"};
    }
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, k_level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    // A library that was built without threads refuses these and does it alone.
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_nbWorkers, k_workers);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_jobSize, k_piece);
    std::vector<char> room(ZSTD_CStreamOutSize());
    const auto press = [&](std::string_view bytes, ZSTD_EndDirective how, const Give& give) -> Result<void> {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{room.data(), room.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, how);
            if (ZSTD_isError(left) != 0) {
                return no_zstd("compress", from, ZSTD_getErrorName(left));
            }
            LECTIO_TRY(give({room.data(), out.pos}));
            if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) {
                return {};
            }
        }
    };
    Sha256 hash; // while the workers are at it
    Compressed done;
    Result<FileDigest> packed = transform_file(
        from, to, clock, until,
        [&](std::string_view bytes, const Give& give) -> Result<void> {
            LECTIO_TRY(press(bytes, ZSTD_e_continue, give));
            hash.add(bytes);
            done.plain.size.count += bytes.size();
            return {};
        },
        [&](const Give& give) { return press({}, ZSTD_e_end, give); });
    LECTIO_TRY(packed);
    done.plain.sha256 = hash.finish();
    done.packed = std::move(*packed);
    return done;
}

Result<FileDigest> expand_file(const Path& from, const Path& to, Bytes limit, Clock& clock,
                               SteadyTime until) {
    const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
    if (context == nullptr) {
        return Error{ErrorKind::internal, "out of memory"};
    }
    std::vector<char> room(ZSTD_DStreamOutSize());
    std::size_t wanted = 1; // 0: a frame has just ended
    Bytes written;
    const auto expand = [&](std::string_view bytes, const Give& give) -> Result<void> {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (bool more = true; more;) {
            ZSTD_outBuffer out{room.data(), room.size(), 0};
            wanted = ZSTD_decompressStream(context.get(), &out, &in);
            if (ZSTD_isError(wanted) != 0) {
                return no_zstd("read", from, ZSTD_getErrorName(wanted));
            }
            written.count += out.pos;
            if (written > limit) {
                return Error{ErrorKind::too_large,
                             fmt::format("unable to read {}: it holds more than it should",
                                         clean_line(from.string()))};
            }
            LECTIO_TRY(give({room.data(), out.pos}));
            // What filled the room to its last byte may have been all: asked again it would wait for another frame.
            more = in.pos < in.size || (wanted != 0 && out.pos == out.size);
        }
        return {};
    };
    return transform_file(from, to, clock, until, expand, [&](const Give&) -> Result<void> {
        return wanted == 0 ? Result<void>{} : no_zstd("read", from, "its end is missing");
    });
}

} // namespace lectio
