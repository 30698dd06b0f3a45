#include "platform/plain_bytes.h"

#include "platform/build_rules.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include <archive.h>
#include <unistd.h>
#include <zlib.h>

namespace lectio {
namespace {

constexpr std::size_t k_piece = 64 * 1024;
constexpr std::size_t k_beginning = 512;    // a block of a tar
constexpr int k_gzip_only = 16 + MAX_WBITS; // zlib.h, inflateInit2: with header, CRC and length

constexpr Phrase k_cut{
    "it ends too early ({} received): the connection broke, or the disk of the sender is full",
    "обрывается на середине (получено {}): прервалась связь или у отправителя нет места"};
constexpr Phrase k_damaged{"damaged on the way: {}", "повреждено по дороге: {}"};
constexpr Phrase k_junk{"something else follows after its end", "после конца идёт что-то ещё"};
constexpr Phrase k_bomb{"becomes more than {} times larger when unpacked: this is no build",
                        "при распаковке становится больше чем в {} раз: это не сборка"};

// zlib's words about wrong bytes are for those who know them; they stand behind ours.
Text damaged(const char* words) {
    return say(k_damaged, words == nullptr ? "" : words);
}

} // namespace

// ── the descriptor ──────────────────────────────────────────────────────────────────────────────────────────────

class PlainBytes::Source {
  public:
    explicit Source(int input) : m_input(input), m_piece(k_piece, '\0') {}

    // Empty: the end.
    Result<std::string_view> next() {
        if (!m_kept.empty()) {
            return std::exchange(m_kept, std::string_view());
        }
        return read(0);
    }

    // Enough of it to see what it is; next() gives it once more.
    Result<std::string_view> peek(std::size_t size) {
        std::size_t have = 0;
        while (have < size) {
            const Result<std::string_view> more = read(have);
            LECTIO_TRY(more);
            if (more->empty()) {
                break;
            }
            have += more->size();
        }
        m_kept = std::string_view(m_piece).substr(0, have);
        return m_kept;
    }

    [[nodiscard]] std::uint64_t came() const { return m_came; }

  private:
    Result<std::string_view> read(std::size_t at) {
        for (;;) {
            const ssize_t got = ::read(m_input, m_piece.data() + at, m_piece.size() - at);
            if (got >= 0) {
                m_came += static_cast<std::uint64_t>(got);
                return std::string_view(m_piece).substr(at, static_cast<std::size_t>(got));
            }
            if (errno != EINTR) {
                return errno_error("read the archive", errno);
            }
        }
    }

    int m_input;
    std::string m_piece;
    std::string_view m_kept;
    std::uint64_t m_came = 0;
};

// ── layers ──────────────────────────────────────────────────────────────────────────────────────────────────────

class PlainBytes::Layer {
  public:
    virtual ~Layer() = default;
    // Empty at the end, and with `refused`.
    virtual Result<std::string_view> next(Source& source, Text& refused) = 0;
};

class PlainBytes::AsItIs final : public Layer {
  public:
    Result<std::string_view> next(Source& source, Text&) override { return source.next(); }
};

// Not libarchive's, which compares neither checksum nor length (libarchive 3.6, archive_read_support_filter_gzip.c).
class PlainBytes::Gzip final : public Layer {
  public:
    Gzip() : m_plain(k_piece, '\0') { m_ready = inflateInit2(&m_stream, k_gzip_only) == Z_OK; }
    ~Gzip() override { inflateEnd(&m_stream); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    Result<std::string_view> next(Source& source, Text& refused) override {
        if (!m_ready) {
            return Error{ErrorKind::internal, "unable to set up zlib"};
        }
        for (;;) {
            LECTIO_TRY(fill(source));
            if (m_member_ended && m_stream.avail_in == 0) {
                if (m_ended) {
                    return std::string_view();
                }
                continue;
            }
            if (m_member_ended && !begin_member()) {
                refused = say(k_junk);
                return std::string_view();
            }
            m_stream.next_out = reinterpret_cast<Bytef*>(m_plain.data());
            m_stream.avail_out = static_cast<uInt>(m_plain.size());
            const int done = inflate(&m_stream, Z_NO_FLUSH);
            const std::size_t given = m_plain.size() - m_stream.avail_out;
            m_member_ended = done == Z_STREAM_END;
            if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) {
                refused = damaged(m_stream.msg);
                return std::string_view();
            }
            if (given > 0) {
                return std::string_view(m_plain).substr(0, given);
            }
            if (m_ended && !m_member_ended) {
                refused = say(k_cut, format_size({source.came()}));
                return std::string_view();
            }
        }
    }

  private:
    Result<void> fill(Source& source) {
        if (m_stream.avail_in == 0 && !m_ended) {
            const Result<std::string_view> more = source.next();
            LECTIO_TRY(more);
            m_packed = *more;
            m_stream.next_in = reinterpret_cast<Bytef*>(m_packed.data());
            m_stream.avail_in = static_cast<uInt>(m_packed.size());
            m_ended = more->empty();
        }
        while (m_member_ended && m_stream.avail_in > 0 && *m_stream.next_in == 0) {
            ++m_stream.next_in, --m_stream.avail_in; // zeros fill up the last block of a tape
        }
        return {};
    }

    // Members may follow one another (RFC 1952, 2.2).
    bool begin_member() {
        constexpr Bytef k_first_of_magic = 0x1f;
        m_member_ended = false;
        return *m_stream.next_in == k_first_of_magic && inflateReset(&m_stream) == Z_OK;
    }

    z_stream m_stream{};
    bool m_ready = false;
    bool m_ended = false; // of what comes
    bool m_member_ended = false;
    std::string m_packed, m_plain;
};

// One filter by name: libarchive on its own would go on through as many layers as it finds, and would start programs for
// those that it was not built with.
class PlainBytes::ByLibarchive final : public Layer {
  public:
    ByLibarchive(int filter, const char* name) : m_archive(archive_read_new()), m_name(name) {
        if (m_archive != nullptr) {
            archive_read_support_format_raw(m_archive);
            m_ready = archive_read_append_filter(m_archive, filter) == ARCHIVE_OK;
        }
    }
    ~ByLibarchive() override { archive_read_free(m_archive); }
    ByLibarchive(const ByLibarchive&) = delete;
    ByLibarchive& operator=(const ByLibarchive&) = delete;

    Result<std::string_view> next(Source& source, Text& refused) override {
        if (!m_ready) {
            return Error{ErrorKind::internal, "unable to set up libarchive"};
        }
        m_source = &source;
        if (!m_open) {
            m_open = true;
            archive_entry* entry = nullptr;
            if (archive_read_open(m_archive, this, nullptr, give, nullptr) != ARCHIVE_OK ||
                archive_read_next_header(m_archive, &entry) != ARCHIVE_OK) {
                return failed(refused);
            }
        }
        const void* piece = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        switch (archive_read_data_block(m_archive, &piece, &size, &offset)) {
        case ARCHIVE_OK:
            return std::string_view(static_cast<const char*>(piece), size);
        case ARCHIVE_EOF:
            return std::string_view();
        default:
            return failed(refused);
        }
    }

  private:
    static la_ssize_t give(archive* reader, void* self, const void** piece) {
        auto& layer = *static_cast<ByLibarchive*>(self);
        const Result<std::string_view> next = layer.m_source->next();
        if (!next) {
            layer.m_error = next.error();
            archive_set_error(reader, EIO, "unable to read");
            return ARCHIVE_FATAL;
        }
        layer.m_at_end = next->empty();
        *piece = next->data();
        return static_cast<la_ssize_t>(next->size());
    }

    Result<std::string_view> failed(Text& refused) {
        if (m_error) {
            return *m_error;
        }
        refused = m_at_end ? say(k_cut, format_size({m_source->came()})) : damaged(m_name);
        return std::string_view();
    }

    archive* m_archive;
    const char* m_name; // libarchive's own words are "Unrecognized archive format"
    bool m_ready = false, m_open = false, m_at_end = false;
    Source* m_source = nullptr;
    std::optional<Error> m_error;
};

// ── all together ────────────────────────────────────────────────────────────────────────────────────────────────

PlainBytes::PlainBytes(int input, const ReceiveLimits& limits)
    : m_limits(limits), m_source(std::make_unique<Source>(input)) {}
PlainBytes::~PlainBytes() = default;

Result<void> PlainBytes::begin() {
    constexpr std::size_t k_magic = 6; // the longest below
    const Result<std::string_view> bytes_there = m_source->peek(k_magic);
    LECTIO_TRY(bytes_there);
    const std::string_view bytes = *bytes_there;
    if (bytes.starts_with("\x1f\x8b")) {
        m_compression = "gz";
        m_layer = std::make_unique<Gzip>();
    } else if (bytes.starts_with("\x28\xb5\x2f\xfd")) {
        m_compression = "zst";
        m_layer = std::make_unique<ByLibarchive>(ARCHIVE_FILTER_ZSTD, "zstd");
    } else if (bytes.starts_with(std::string_view("\xfd"
                                                  "7zXZ\0",
                                                  6))) {
        m_compression = "xz";
        m_layer = std::make_unique<ByLibarchive>(ARCHIVE_FILTER_XZ, "xz");
    } else if (bytes.starts_with("BZh")) {
        m_compression = "bz2";
        m_layer = std::make_unique<ByLibarchive>(ARCHIVE_FILTER_BZIP2, "bzip2");
    } else {
        m_layer = std::make_unique<AsItIs>();
    }
    return {};
}

Result<std::string_view> PlainBytes::next() {
    if (!m_layer) {
        LECTIO_TRY(begin());
    }
    if (!m_refused.empty()) {
        return std::string_view();
    }
    const Result<std::string_view> piece = m_layer->next(*m_source, m_refused);
    LECTIO_TRY(piece);
    m_given += piece->size();
    m_beginning += piece->substr(0, k_beginning - std::min(k_beginning, m_beginning.size()));
    const std::size_t last = piece->find_last_not_of('\0');
    m_zeros = last == piece->npos ? m_zeros + piece->size() : piece->size() - last - 1;
    if (m_refused.empty()) {
        m_refused = why_out_of_proportion(m_given, came(), m_limits);
    }
    return m_refused.empty() ? *piece : std::string_view();
}

const Text& PlainBytes::refused() const {
    return m_refused;
}
std::string_view PlainBytes::beginning() const {
    return m_beginning;
}
std::string_view PlainBytes::compression() const {
    return m_compression;
}
std::uint64_t PlainBytes::came() const {
    return m_source->came();
}
std::uint64_t PlainBytes::given() const {
    return m_given;
}
std::uint64_t PlainBytes::zeros_at_end() const {
    return m_zeros;
}

Text why_out_of_proportion(std::uint64_t became, std::uint64_t came, const ReceiveLimits& limits) {
    return became > limits.ratio_from.count && became / limits.ratio > came ? say(k_bomb, limits.ratio)
                                                                            : Text{};
}

} // namespace lectio
