#include "platform/gzip.h"

#include <string>

#include <fmt/format.h>

#include <zlib.h>

namespace lectio {
namespace {

constexpr Bytes k_read = 256_kB;
constexpr std::size_t k_given = 256 * 1024;
constexpr int k_gzip_only = 16; // added to the window's bits (zlib.h)

class Inflater {
  public:
    Inflater() : m_ready(inflateInit2(&m_stream, MAX_WBITS + k_gzip_only) == Z_OK) {}
    ~Inflater() { inflateEnd(&m_stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    [[nodiscard]] bool ready() const { return m_ready; }
    z_stream& stream() { return m_stream; }

  private:
    z_stream m_stream{};
    bool m_ready;
};

} // namespace

bool is_gzip(std::string_view head) {
    return head.starts_with("\x1f\x8b");
}

Result<void> read_gzip(Files& files, const Path& path, const std::function<bool(std::string_view)>& take) {
    Inflater inflater;
    if (!inflater.ready()) {
        return Error{ErrorKind::internal, "unable to set up zlib"};
    }
    z_stream& stream = inflater.stream();
    std::string text(k_given, '\0');
    bool is_whole = false; // what was read so far ends where a member does
    for (std::uint64_t offset = 0;;) {
        const Result<std::string> read = files.read_from(path, {offset}, k_read);
        LECTIO_TRY(read);
        if (read->empty()) {
            return is_whole ? Result<void>()
                            : Error{ErrorKind::invalid,
                                    fmt::format("{} is damaged: its end is missing", path.string())};
        }
        offset += read->size();
        std::string packed = *read;
        stream.next_in = reinterpret_cast<Bytef*>(packed.data());
        stream.avail_in = static_cast<uInt>(packed.size());
        do {
            stream.next_out = reinterpret_cast<Bytef*>(text.data());
            stream.avail_out = static_cast<uInt>(text.size());
            const int done = inflate(&stream, Z_NO_FLUSH);
            is_whole = done == Z_STREAM_END;
            const std::size_t given = text.size() - stream.avail_out;
            if (given > 0 && !take(std::string_view(text).substr(0, given))) {
                return {};
            }
            if (done == Z_STREAM_END) { // members may follow one another (RFC 1952, 2.2)
                inflateReset(&stream);
            } else if (done != Z_OK && done != Z_BUF_ERROR) {
                return Error{ErrorKind::invalid, fmt::format("{} is damaged: {}", path.string(),
                                                             stream.msg != nullptr ? stream.msg : "no gzip")};
            }
        } while (stream.avail_in > 0 || stream.avail_out == 0);
    }
}

} // namespace lectio
