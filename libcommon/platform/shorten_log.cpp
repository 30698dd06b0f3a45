#include "platform/shorten_log.h"

#include "platform/cut_mark.h"
#include "platform/folder_names.h"
#include "platform/write_all.h"
#include "util/fnv1a.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace lectio {
namespace {

constexpr std::uint64_t k_chunk = 1 << 20;
constexpr std::uint64_t k_most_kept = 64 << 20;
constexpr std::uint64_t k_kept_of_one_line = 64 << 10;
constexpr std::uint64_t k_block = 512; // of st_blocks, stat(2)
constexpr int k_gzip = 16;             // added to the window's bits (zlib.h)
constexpr int k_level = 6;
constexpr int k_memory = 8;

struct Size {
    std::uint64_t bytes = 0, on_disk = 0;
};
Result<Size> size_of(int fd, const Path& shown) {
    struct stat seen {};
    if (::fstat(fd, &seen) != 0) {
        return unable("examine", shown);
    }
    return Size{static_cast<std::uint64_t>(seen.st_size),
                static_cast<std::uint64_t>(seen.st_blocks) * k_block};
}

Bytes freed_of(const Size& before, const Size& after) {
    return {before.on_disk - std::min(before.on_disk, after.on_disk)};
}

// Less only where the file is no longer so long.
Result<std::string> read_at(int fd, std::uint64_t from, std::uint64_t size, const Path& shown) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
        const ssize_t more = ::pread(fd, text.data() + got, size - got, static_cast<off_t>(from + got));
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more < 0) {
            return unable("read", shown);
        }
        if (more == 0) {
            break;
        }
        got += static_cast<std::size_t>(more);
    }
    text.resize(got);
    return text;
}

Result<void> write_at(int fd, std::uint64_t at, std::string_view text, const Path& shown) {
    while (!text.empty()) {
        const ssize_t done = ::pwrite(fd, text.data(), text.size(), static_cast<off_t>(at));
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return unable("write", shown);
        }
        at += static_cast<std::uint64_t>(done);
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
}

// Where the last `lines` lines begin. What has no end of line for long is no log of lines.
Result<std::uint64_t> start_of_last(int fd, std::uint64_t size, int lines, const Path& shown) {
    std::uint64_t at = lines == 0 ? 0 : size;
    std::uint64_t begin = size;
    int seen = 0;
    while (at > 0 && size - at < k_most_kept) {
        const std::uint64_t from = at - std::min(at, k_chunk);
        const Result<std::string> chunk = read_at(fd, from, at - from, shown);
        LECTIO_TRY(chunk);
        for (std::uint64_t i = chunk->size(); i > 0; --i) {
            if ((*chunk)[i - 1] == '\n' && from + i != size) { // the end of the last line begins none
                begin = from + i;
                if (++seen == lines) {
                    return begin;
                }
            }
        }
        at = from;
    }
    if (at == 0) {
        return lines == 0 ? size : 0;
    }
    return begin < size ? begin : size - std::min(size, k_kept_of_one_line);
}

class Deflater {
  public:
    Deflater()
        : m_ready(deflateInit2(&m_stream, k_level, Z_DEFLATED, MAX_WBITS + k_gzip, k_memory,
                               Z_DEFAULT_STRATEGY) == Z_OK) {}
    ~Deflater() { deflateEnd(&m_stream); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    [[nodiscard]] bool ready() const { return m_ready; }

    Result<void> give(int fd, std::string_view text, int flush, const Path& shown) {
        std::vector<unsigned char> out(k_chunk);
        std::string in(text);
        m_stream.next_in = reinterpret_cast<unsigned char*>(in.data());
        m_stream.avail_in = static_cast<unsigned>(in.size());
        do {
            m_stream.next_out = out.data();
            m_stream.avail_out = static_cast<unsigned>(out.size());
            deflate(&m_stream, flush);
            const std::size_t made = out.size() - m_stream.avail_out;
            if (!write_all(fd, {reinterpret_cast<const char*>(out.data()), made})) {
                return unable("write", shown);
            }
        } while (m_stream.avail_out == 0);
        return {};
    }

  private:
    z_stream m_stream{};
    bool m_ready;
};

// A member of its own of all that stands in the log from `from` on; returns up to where.
Result<std::uint64_t> pack_from(int log, std::uint64_t from, int packed, const Path& shown,
                                const std::function<bool()>& may_go_on) {
    Deflater deflater;
    if (!deflater.ready()) {
        return Error{ErrorKind::internal, "unable to pack: no memory"};
    }
    for (;;) {
        if (!may_go_on()) {
            return no_time_left("pack", shown);
        }
        const Result<std::string> chunk = read_at(log, from, k_chunk, shown);
        LECTIO_TRY(chunk);
        LECTIO_TRY(deflater.give(packed, *chunk, chunk->empty() ? Z_FINISH : Z_NO_FLUSH, shown));
        if (chunk->empty()) {
            return from;
        }
        from += chunk->size();
    }
}

Result<UniqueFd> new_file_like(int log, int folder, const std::string& name, const Path& shown) {
    struct stat seen {};
    ::unlinkat(folder, name.c_str(), 0); // of a run that was killed
    UniqueFd made(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made.valid() || ::fstat(log, &seen) != 0) {
        return unable("create", shown);
    }
    // As nobody but root we may not give it away: then it is ours.
    [[maybe_unused]] const int given = ::fchown(made.get(), seen.st_uid, seen.st_gid);
    if (::fchmod(made.get(), seen.st_mode & 0666) != 0) {
        return unable("create", shown);
    }
    return made;
}

// Whole and synced under its name.
Result<std::uint64_t> pack_into(int log, int folder, const std::string& hidden, const std::string& name,
                                const UniqueFd& packed, const Path& shown,
                                const std::function<bool()>& may_go_on) {
    Result<std::uint64_t> until = pack_from(log, 0, packed.get(), shown, may_go_on);
    LECTIO_TRY(until);
    if (::fsync(packed.get()) != 0) {
        return unable("write", shown);
    }
    if (::renameat2(folder, hidden.c_str(), folder, name.c_str(), RENAME_NOREPLACE) != 0) {
        return unable("create", shown.parent_path() / name);
    }
    const UniqueFd here(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return here.valid() && ::fsync(here.get()) == 0 ? until : Result<std::uint64_t>(unable("write", shown));
}

} // namespace

Result<ShortenedLog> cut_log(int log, const Path& shown, const CutRules& rules) {
    const Result<Size> before = size_of(log, shown);
    LECTIO_TRY(before);
    const Result<std::uint64_t> last = start_of_last(log, before->bytes, rules.keep_lines, shown);
    LECTIO_TRY(last);
    const std::uint64_t begin = std::min(*last, rules.keep_from.value_or(*last));
    const Result<std::string> head = read_at(log, 0, k_log_head.count, shown);
    LECTIO_TRY(head);
    const std::string mark = line_of({begin, head->size(), fnv1a(*head)});
    if (mark.size() + (before->bytes - begin) > begin) {
        return ShortenedLog{};
    }
    // What is written over is what goes: until the end of the file is moved, nothing of the rest is touched.
    std::uint64_t from = begin;
    std::uint64_t to = mark.size();
    bool marked = false;
    for (;;) {
        const Result<std::string> chunk = read_at(log, from, k_chunk, shown);
        LECTIO_TRY(chunk);
        if (chunk->empty() && marked) {
            break;
        }
        if (chunk->empty()) {
            LECTIO_TRY(write_at(log, 0, mark, shown));
            marked = true;
            continue;
        }
        if (to + chunk->size() > begin) {
            return Error{ErrorKind::busy,
                         fmt::format("unable to shorten {}: it grows too fast", shown.string())};
        }
        LECTIO_TRY(write_at(log, to, *chunk, shown));
        from += chunk->size();
        to += chunk->size();
    }
    if (::ftruncate(log, static_cast<off_t>(to)) != 0) {
        return unable("shorten", shown);
    }
    const Result<Size> after = size_of(log, shown);
    LECTIO_TRY(after);
    return ShortenedLog{true, freed_of(*before, *after), {}};
}

Result<ShortenedLog> pack_log(int log, int folder, const std::string& packed, const Path& shown,
                              const std::function<bool()>& may_go_on) {
    const Result<Size> before = size_of(log, shown);
    LECTIO_TRY(before);
    if (before->bytes == 0) {
        return ShortenedLog{};
    }
    const std::string hidden = "." + packed + ".part";
    const Result<UniqueFd> file = new_file_like(log, folder, hidden, shown.parent_path() / packed);
    LECTIO_TRY(file);
    Result<std::uint64_t> until = pack_into(log, folder, hidden, packed, *file, shown, may_go_on);
    if (!until) {
        ::unlinkat(folder, hidden.c_str(), 0);
        return until.error();
    }
    // What came meanwhile, as members of their own.
    for (Result<Size> now = size_of(log, shown); now && now->bytes > *until; now = size_of(log, shown)) {
        until = pack_from(log, *until, file->get(), shown, may_go_on);
        if (!until || ::fsync(file->get()) != 0) {
            return until ? unable("write", shown) : until.error();
        }
    }
    if (::ftruncate(log, 0) != 0) {
        return unable("shorten", shown);
    }
    const Result<Size> after = size_of(file->get(), shown);
    LECTIO_TRY(after);
    return ShortenedLog{true, freed_of(*before, *after), packed};
}

} // namespace lectio
