#include "checks/log_reader.h"

#include "util/fnv1a.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Bytes k_chunk = 1_MB;
// A line of a log begins with its time: this much of a file is like no other's.
constexpr Bytes k_head = 512_B;
// A shorter head is no proof that a copy is a copy.
constexpr std::uint64_t k_shortest_proof = 32;
constexpr std::size_t k_most_siblings = 200;

class Follower {
  public:
    Follower(Files& files, const Path& path, Bytes most, const TakeLines& take)
        : m_files(files), m_path(path), m_left(most.count), m_take(take) {}

    Result<LogReading> follow(const std::optional<LogPosition>& from, LogStart start) {
        Result<FileInfo> seen = look_at(m_path);
        LECTIO_TRY(seen);
        if (!from) {
            m_position = {seen->inode, start == LogStart::end ? start_of_last_line(*seen) : 0, 0, 0};
        } else if (is_same(*from, m_path, *seen)) {
            m_position = *from;
        } else {
            LECTIO_TRY(finish_old(*from));
            if (m_stopped) {
                return LogReading{m_position, LogReading::Reached::limit};
            }
            seen = look_at(m_path); // it may have been rotated just now
            LECTIO_TRY(seen);
            m_position = {seen->inode, 0, 0, 0};
        }
        LECTIO_TRY(read_on(m_path, Tail::may_grow));
        renew_head(m_path);
        return LogReading{m_position, m_stopped ? LogReading::Reached::limit : LogReading::Reached::end};
    }

  private:
    enum class Tail { may_grow, is_final };

    Result<FileInfo> look_at(const Path& path) const {
        Result<FileInfo> info = m_files.info(path, Files::Follow::yes);
        if (info && info->type != FileInfo::Type::regular) {
            return Error{ErrorKind::invalid, fmt::format("{} is not a regular file", path.string())};
        }
        return info;
    }

    // The same file as then, with at least what was read then.
    bool is_same(const LogPosition& before, const Path& path, const FileInfo& seen) const {
        return seen.inode == before.inode && holds(before, path, seen);
    }
    bool holds(const LogPosition& before, const Path& path, const FileInfo& seen) const {
        if (seen.size.count < before.offset) {
            return false;
        }
        const Result<std::string> head = m_files.read_from(path, 0_B, {before.head_size});
        return head && head->size() == before.head_size && fnv1a(*head) == before.head_hash;
    }

    // What was not read yet before the log was rotated away, if the file can still be found.
    Result<void> finish_old(const LogPosition& before) {
        const std::optional<Path> old = find_old(before);
        if (!old) {
            return {};
        }
        const Result<FileInfo> seen = look_at(*old);
        LECTIO_TRY(seen);
        m_position = before;
        m_position.inode = seen->inode; // another one after copytruncate
        LECTIO_TRY(read_on(*old, Tail::is_final));
        renew_head(*old);
        return {};
    }

    std::optional<Path> find_old(const LogPosition& before) const {
        const std::vector<Path> siblings = rotated_siblings();
        for (const Path& path : siblings) { // renamed
            const Result<FileInfo> info = look_at(path);
            if (info && is_same(before, path, *info)) {
                return path;
            }
        }
        for (const Path& path : siblings) { // copied
            const Result<FileInfo> info = look_at(path);
            if (info && before.head_size >= k_shortest_proof && holds(before, path, *info)) {
                return path;
            }
        }
        return std::nullopt;
    }

    // error.log.1, error.log-20260122 …
    std::vector<Path> rotated_siblings() const {
        const std::string name = m_path.filename().string();
        std::vector<Path> siblings;
        for (const std::string& other : m_files.list(m_path.parent_path()).value_or({})) {
            if (other.size() > name.size() && other.starts_with(name) && siblings.size() < k_most_siblings) {
                siblings.push_back(m_path.parent_path() / other);
            }
        }
        return siblings;
    }

    Result<void> read_on(const Path& path, Tail tail) {
        while (!m_stopped) {
            const Result<std::string> chunk = m_files.read_from(path, {m_position.offset}, k_chunk);
            LECTIO_TRY(chunk);
            // Rotated between the looks: this may be another file's text. The next run sorts it out.
            const Result<FileInfo> now = look_at(path);
            if (!now || now->inode != m_position.inode ||
                now->size.count < m_position.offset + chunk->size()) {
                return {};
            }
            const std::size_t whole = whole_lines(*chunk, tail);
            if (whole == 0) {
                return {};
            }
            m_position.offset += whole;
            m_left -= std::min<std::uint64_t>(m_left, whole);
            m_stopped = !m_take(std::string_view(*chunk).substr(0, whole)) || m_left == 0;
        }
        return {};
    }

    // How much of the chunk is to be taken.
    static std::size_t whole_lines(std::string_view chunk, Tail tail) {
        const std::size_t last = chunk.rfind('\n');
        if (last != std::string_view::npos) {
            return last + 1;
        }
        return chunk.size() == k_chunk.count || tail == Tail::is_final ? chunk.size() : 0;
    }

    // Begun at the end, a line that is being written is still read from its start.
    std::uint64_t start_of_last_line(const FileInfo& seen) const {
        const std::uint64_t from = seen.size.count - std::min(seen.size.count, k_chunk.count);
        const Result<std::string> tail = m_files.read_from(m_path, {from}, {seen.size.count - from});
        const std::size_t last = tail ? tail->rfind('\n') : std::string::npos;
        if (last != std::string::npos) {
            return from + last + 1;
        }
        return from == 0 && tail ? 0 : seen.size.count;
    }

    void renew_head(const Path& path) {
        const std::uint64_t wanted = std::min(m_position.offset, k_head.count);
        if (m_position.head_size == wanted) {
            return;
        }
        const Result<std::string> head = m_files.read_from(path, 0_B, {wanted});
        const Result<FileInfo> now = look_at(path);
        if (head && head->size() == wanted && now && now->inode == m_position.inode) {
            m_position.head_size = wanted;
            m_position.head_hash = fnv1a(*head);
        }
    }

    Files& m_files;
    const Path& m_path;
    std::uint64_t m_left;
    const TakeLines& m_take;
    LogPosition m_position;
    bool m_stopped = false; // the limit is reached, or who takes the lines has enough
};

} // namespace

std::string position_to_text(const LogPosition& position) {
    return fmt::format("{} {} {} {}", position.inode, position.offset, position.head_size,
                       position.head_hash);
}

std::optional<LogPosition> position_from_text(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, ' ');
    std::array<std::uint64_t, 4> numbers{};
    if (parts.size() != numbers.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto [end, reason] =
            std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), numbers[i]);
        if (reason != std::errc{} || end != parts[i].data() + parts[i].size()) {
            return std::nullopt;
        }
    }
    if (numbers[2] > std::min(numbers[1], k_head.count)) {
        return std::nullopt;
    }
    return LogPosition{numbers[0], numbers[1], numbers[2], numbers[3]};
}

Result<LogReading> read_new_lines(Files& files, const Path& path, const std::optional<LogPosition>& from,
                                  LogStart start, Bytes most, const TakeLines& take) {
    return Follower(files, path, most, take).follow(from, start);
}

} // namespace lectio
