#include "checks/log_reader.h"

#include "platform/cut_mark.h"
#include "platform/gzip.h"
#include "util/fnv1a.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Bytes k_chunk = 1_MB;
// A shorter head is no proof that a copy is a copy.
constexpr std::uint64_t k_shortest_proof = 32;
constexpr std::size_t k_most_siblings = 200; // of each way to name them

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
        } else if (const std::optional<std::uint64_t> offset = behind_cut(*from, *seen)) {
            m_position = {seen->inode, *offset, 0, 0};
        } else {
            LECTIO_TRY(read_what_was_rotated_away(*from));
            if (m_stopped) {
                return LogReading{m_position, LogReading::Reached::limit, m_lost_track};
            }
            seen = look_at(m_path); // it may have been rotated just now
            LECTIO_TRY(seen);
            m_position = {seen->inode, 0, 0, 0};
        }
        LECTIO_TRY(read_on(m_path, Tail::may_grow));
        renew_head(m_path);
        return LogReading{m_position, m_stopped ? LogReading::Reached::limit : LogReading::Reached::end,
                          m_lost_track};
    }

  private:
    enum class Tail { may_grow, is_final };

    Result<FileInfo> look_at(const Path& path) const {
        Result<FileInfo> info = m_files.info(path, Files::Follow::yes);
        if (info && info->type != FileInfo::Type::regular) {
            return Error{ErrorKind::invalid,
                         fmt::format("unable to read {}: not a regular file", path.string())};
        }
        return info;
    }

    // The same file as then, with at least what was read then.
    bool is_same(const LogPosition& before, const Path& path, const FileInfo& seen) const {
        return seen.inode == before.inode && holds(before, path, seen);
    }
    bool holds(const LogPosition& before, const Path& path, const FileInfo& seen) const {
        return seen.size.count >= before.offset && begins_as(before, head_of(path, before.head_size));
    }
    // Where that position is in the same file with its beginning cut off by lectio-cleanup.
    std::optional<std::uint64_t> behind_cut(const LogPosition& before, const FileInfo& seen) {
        const std::optional<FoundMark> found = seen.inode == before.inode && before.head_size > 0
                                                   ? mark_at_beginning(head_of(m_path, k_longest_mark.count))
                                                   : std::nullopt;
        if (!found || found->mark.head_size != before.head_size ||
            found->mark.head_hash != before.head_hash) {
            return std::nullopt;
        }
        m_lost_track = before.offset < found->mark.removed;
        const std::uint64_t left = before.offset - std::min(before.offset, found->mark.removed);
        return found->length + left <= seen.size.count ? std::optional(found->length + left) : std::nullopt;
    }
    static bool begins_as(const LogPosition& before, std::string_view head) {
        // An empty head has no hash yet: any file begins with nothing.
        return head.size() == before.head_size && (head.empty() || fnv1a(head) == before.head_hash);
    }
    std::string head_of(const Path& path, std::uint64_t size) const {
        return m_files.read_from(path, 0_B, {size}).value_or({});
    }
    std::string gzipped_head_of(const Path& path, std::uint64_t size) const {
        std::string head;
        const Result<void> read = read_gzip(m_files, path, [&](std::string_view text) {
            head += text.substr(0, size - head.size());
            return head.size() < size;
        });
        return read.ok() ? head : std::string();
    }

    // From the old position on, oldest first, as far as the files can still be found.
    Result<void> read_what_was_rotated_away(const LogPosition& before) {
        const std::vector<Sibling> siblings = rotated_siblings();
        const Sibling* old = find_old(before, siblings);
        if (old == nullptr) {
            m_lost_track = true;
            return {};
        }
        LECTIO_TRY(read_rotated(*old, before));
        for (const Sibling* next : newer_than(*old, siblings)) {
            if (m_stopped) {
                return {};
            }
            LECTIO_TRY(read_rotated(*next, {}));
        }
        return {};
    }

    // What a rotated file's name says of when it was rotated away.
    struct Sibling {
        Path path;
        enum class Order { unknown, number, date } order = Order::unknown;
        std::uint64_t rank = 0; // number: the smaller the newer; date: the greater
        bool gzipped = false;
    };

    const Sibling* find_old(const LogPosition& before, const std::vector<Sibling>& siblings) const {
        const auto first = [&](const auto& is_it) {
            const auto found = std::find_if(siblings.begin(), siblings.end(), [&](const Sibling& sibling) {
                const Result<FileInfo> info = look_at(sibling.path);
                return info && is_it(sibling, *info);
            });
            return found == siblings.end() ? nullptr : &*found;
        };
        const bool is_proof = before.head_size >= k_shortest_proof;
        if (const Sibling *renamed = first([&](const Sibling& sibling, const FileInfo& info) {
                return !sibling.gzipped && is_same(before, sibling.path, info);
            })) {
            return renamed;
        }
        if (const Sibling *copied = first([&](const Sibling& sibling, const FileInfo& info) {
                return is_proof && !sibling.gzipped && holds(before, sibling.path, info);
            })) {
            return copied;
        }
        return first([&](const Sibling& sibling, const FileInfo&) {
            return is_proof && sibling.gzipped &&
                   begins_as(before, gzipped_head_of(sibling.path, before.head_size));
        });
    }

    static std::vector<const Sibling*> newer_than(const Sibling& old, const std::vector<Sibling>& siblings) {
        using Order = Sibling::Order;
        std::vector<const Sibling*> newer;
        for (const Sibling& one : siblings) {
            const bool is_newer = one.order == Order::number ? one.rank < old.rank : one.rank > old.rank;
            // While it is being packed both are there, and only the plain one is whole.
            const bool is_double =
                one.gzipped && std::any_of(siblings.begin(), siblings.end(), [&](const Sibling& other) {
                    return !other.gzipped && other.order == one.order && other.rank == one.rank;
                });
            if (one.order == old.order && one.order != Order::unknown && is_newer && !is_double) {
                newer.push_back(&one);
            }
        }
        std::sort(newer.begin(), newer.end(), [](const Sibling* a, const Sibling* b) {
            return a->order == Order::number ? a->rank > b->rank : a->rank < b->rank;
        });
        return newer;
    }

    // error.log.1, error.log.2.gz, error.log-20260122, error.log-20260122-1769040000 …
    std::vector<Sibling> rotated_siblings() const {
        const std::string name = m_path.filename().string();
        std::vector<Sibling> siblings;
        for (const std::string& other : m_files.list(m_path.parent_path()).value_or({})) {
            if (other.size() > name.size() && other.starts_with(name)) {
                siblings.push_back(sibling_of(m_path.parent_path() / other, other.substr(name.size())));
            }
        }
        return newest_of(std::move(siblings));
    }

    // Each kind of name by itself, those that tell their age first: of years of archives it is the newest that may hold
    // what was not read yet.
    static std::vector<Sibling> newest_of(std::vector<Sibling> siblings) {
        using Order = Sibling::Order;
        std::sort(siblings.begin(), siblings.end(), [](const Sibling& a, const Sibling& b) {
            if (a.order != b.order) {
                return a.order > b.order;
            }
            return a.order == Order::number ? a.rank < b.rank : a.rank > b.rank;
        });
        std::size_t of_its_kind = 0;
        auto last = Order::unknown;
        std::erase_if(siblings, [&](const Sibling& one) {
            of_its_kind = one.order == last ? of_its_kind + 1 : 1;
            last = one.order;
            return of_its_kind > k_most_siblings;
        });
        return siblings;
    }

    static Sibling sibling_of(const Path& path, std::string_view suffix) {
        using Order = Sibling::Order;
        constexpr std::string_view k_gz = ".gz";
        constexpr std::size_t k_longest_number = 4;
        Sibling sibling{path, Order::unknown, 0, suffix.ends_with(k_gz)};
        suffix.remove_suffix(sibling.gzipped ? k_gz.size() : 0);
        std::string digits;
        for (const char c : suffix) {
            if (c >= '0' && c <= '9') {
                digits += c;
            } else if (c != '.' && c != '-' && c != '_') {
                return sibling; // error.log.bak
            }
        }
        if (const auto rank = number_from<std::uint64_t>(digits)) {
            sibling.order = digits.size() <= k_longest_number ? Order::number : Order::date;
            sibling.rank = *rank;
        }
        return sibling;
    }

    Result<void> read_rotated(const Sibling& sibling, const LogPosition& from) {
        const Result<FileInfo> seen = look_at(sibling.path);
        if (!seen &&
            seen.error().kind == ErrorKind::not_found) { // gone since it was listed; the log itself is there
            m_lost_track = true;
            return {};
        }
        LECTIO_TRY(seen);
        m_position = from;
        m_position.inode = seen->inode; // another one after copytruncate, or when it was gzipped
        if (sibling.gzipped) {
            const Result<void> read = read_gzipped(sibling.path);
            // A damaged one stays damaged: what can be read of the rest is not held up by it.
            m_lost_track = m_lost_track || !read.ok();
        } else {
            LECTIO_TRY(read_on(sibling.path, Tail::is_final));
            renew_head(sibling.path);
        }
        return {};
    }

    // A packed file can only be read from its beginning.
    Result<void> read_gzipped(const Path& path) {
        std::uint64_t to_skip = m_position.offset;
        std::string kept; // the line that is not complete yet
        std::string head;
        const auto give = [&](std::string_view lines) {
            m_position.offset += lines.size();
            m_left -= std::min<std::uint64_t>(m_left, lines.size());
            m_stopped = !m_take(lines) || m_left == 0;
        };
        const Result<void> read = read_gzip(m_files, path, [&](std::string_view text) {
            head += text.substr(0, k_log_head.count - std::min<std::size_t>(head.size(), k_log_head.count));
            const std::size_t skipped = std::min<std::uint64_t>(to_skip, text.size());
            to_skip -= skipped;
            kept += text.substr(skipped);
            if (const std::size_t whole = kept.rfind('\n') + 1; whole > 0) {
                give(std::string_view(kept).substr(0, whole));
                kept.erase(0, whole);
            } else if (kept.size() >= k_chunk.count) {
                give(kept);
                kept.clear();
            }
            return !m_stopped;
        });
        if (read.ok() && !m_stopped && !kept.empty()) {
            give(kept);
        }
        m_position.head_size = std::min<std::uint64_t>(m_position.offset, head.size());
        m_position.head_hash = fnv1a(std::string_view(head).substr(0, m_position.head_size));
        return read;
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
        const std::uint64_t wanted = std::min(m_position.offset, k_log_head.count);
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
    bool m_lost_track = false;
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
    if (numbers[2] > std::min(numbers[1], k_log_head.count)) {
        return std::nullopt;
    }
    return LogPosition{numbers[0], numbers[1], numbers[2], numbers[3]};
}

Result<LogReading> read_new_lines(Files& files, const Path& path, const std::optional<LogPosition>& from,
                                  LogStart start, Bytes most, const TakeLines& take) {
    return Follower(files, path, most, take).follow(from, start);
}

} // namespace lectio
