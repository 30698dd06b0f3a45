#include "platform/sqlite_probe.h"

#include "platform/file_locks.h"
#include "platform/sqlite.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace lectio {
namespace {

// What SQLite locks (sqlite.org/src/file/src/os.h, sqlite.org/walformat.html): a writer without a log has RESERVED or,
// while it writes, PENDING and SHARED exclusively; a writer with a log the first of the index's locks; who has a log
// open at all holds the last, "dead man's switch".
constexpr std::int64_t k_pending = 0x40000000, k_shared_last = k_pending + 511;
constexpr std::int64_t k_log_writer = 120, k_log_open = 128;

constexpr Duration k_between_looks{50};
constexpr Duration k_settled{20}; // the kernel's clock of file times ticks less often than the clock
constexpr int k_attempts = 3;
constexpr Duration k_longest_lock{
    200}; // a reader's, where nothing else is left: below what any writer waits for
constexpr std::size_t k_most_lines = 5;

struct Footprint {
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0; // nanoseconds since 1970
    bool operator==(const Footprint&) const = default;
};

Footprint footprint(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return {};
    }
    return {true, info.st_dev, info.st_ino, info.st_size,
            std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

// The database, its log, its rollback journal: whoever writes leaves a trace in one of them.
struct Traces {
    Footprint file, log, journal;
    bool operator==(const Traces&) const = default;
};

Traces traces_of(const std::string& path) {
    return {footprint(path), footprint(path + "-wal"), footprint(path + "-journal")};
}

bool overlaps(const FileLock& lock, std::int64_t first, std::int64_t last) {
    return lock.first <= last && lock.last >= first;
}

bool is_on(const FileLock& lock, const Footprint& file) {
    return file.there && lock.inode == file.inode && lock.device == file.device;
}

// Who may write now; nothing: nobody.
std::optional<int> writer_of(const std::vector<FileLock>& locks, const Footprint& file,
                             const Footprint& index) {
    for (const FileLock& lock : locks) {
        const bool of_file = is_on(lock, file) && overlaps(lock, k_pending, k_shared_last);
        const bool of_log = is_on(lock, index) && overlaps(lock, k_log_writer, k_log_writer);
        if (lock.writes && (of_file || of_log)) {
            return lock.pid;
        }
    }
    return std::nullopt;
}

class Probe {
  public:
    Probe(const SqliteQuestion& question, Clock& clock)
        : m_question(question), m_clock(clock), m_path(question.path.string()) {}

    SqliteSighting look() {
        const Traces seen = traces_of(m_path);
        m_sighting.size = {static_cast<std::uint64_t>(seen.file.size)};
        m_sighting.log = {static_cast<std::uint64_t>(seen.log.size)};
        watch_lock();
        if (is_abandoned()) {
            m_sighting.abandoned = true;
            return std::move(m_sighting);
        }
        count_pages();
        if (m_question.quick_check && !m_sighting.unreadable && !m_sighting.idle) {
            check_pages();
        }
        return std::move(m_sighting);
    }

    Result<std::string> value(const std::string& query) {
        Result<std::string> seen = std::string();
        const bool believed = repeat_while_disturbed([&](Way how) {
            seen =
                value_by(how == Way::with_log ? Database::Access::read_only : Database::Access::without_locks,
                         query, m_question.deadline);
            // What changed meanwhile may be wrong without looking damaged; what took all the time took it anyhow.
            return !seen && seen.error().kind == ErrorKind::timeout;
        });
        if (m_sighting.idle) {
            return Error{ErrorKind::io, "nobody has the database open, and its log is not copied back"};
        }
        return believed ? seen : value_by_locks(query);
    }

  private:
    // ── the write lock ──

    // A writer that commits shows by what it writes; one that does neither that nor lets go keeps all others out.
    void watch_lock() {
        if (m_question.watch_lock <= Duration::zero()) {
            return;
        }
        const SteadyTime begun = m_clock.steady();
        const SteadyTime end = std::min(begun + m_question.watch_lock, m_question.deadline);
        const Traces before = traces_of(m_path);
        const std::optional<int> holder = writer();
        while (holder) {
            if (m_clock.steady() >= end) {
                m_sighting.locked = std::chrono::floor<Duration>(m_clock.steady() - begun);
                m_sighting.holder = *holder;
                return;
            }
            m_clock.sleep_for(k_between_looks);
            if (writer() != holder || traces_of(m_path) != before) {
                return;
            }
        }
    }

    // A kernel that does not list locks tells of none.
    [[nodiscard]] std::optional<int> writer() const {
        const Result<std::vector<FileLock>> locks = file_locks();
        return locks ? writer_of(*locks, footprint(m_path), footprint(m_path + "-shm")) : std::nullopt;
    }

    // ── the rollback journal ──

    // A change is under way, or was when its writer died. What is kept between changes (journal_mode=PERSIST) begins
    // with zeros (sqlite.org/fileformat2.html, 3).
    [[nodiscard]] bool holds_change() const {
        constexpr std::array<unsigned char, 8> k_magic{0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
        const UniqueFd journal(::open((m_path + "-journal").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        std::array<unsigned char, k_magic.size()> seen{};
        return journal.valid() &&
               ::read(journal.get(), seen.data(), seen.size()) == static_cast<ssize_t>(seen.size()) &&
               seen == k_magic;
    }

    // Who changes something holds a lock, and the journal goes when that is done.
    [[nodiscard]] bool is_abandoned() const {
        const auto nobody_writes = [&] {
            const Result<std::vector<FileLock>> locks = file_locks();
            return locks && !writer_of(*locks, footprint(m_path), footprint(m_path + "-shm"));
        };
        const Traces before = traces_of(m_path);
        if (!holds_change() || !nobody_writes()) {
            return false;
        }
        m_clock.sleep_for(k_between_looks);
        return holds_change() && nobody_writes() && traces_of(m_path) == before;
    }

    // ── the pages ──

    // Opened with its log: a reader meets no writer there. Who would be the first to open it would have to bring the log
    // in order first, and that keeps writers out.
    enum class Way { with_log, without_locks, not_at_all };
    [[nodiscard]] Way way(const Traces& traces) const {
        if (traces.log.size == 0) {
            return Way::without_locks;
        }
        const Result<std::vector<FileLock>> locks = file_locks();
        const Footprint index = footprint(m_path + "-shm");
        const bool is_open = locks && std::any_of(locks->begin(), locks->end(), [&](const FileLock& lock) {
                                 return is_on(lock, index) && overlaps(lock, k_log_open, k_log_open);
                             });
        return is_open ? Way::with_log : Way::not_at_all;
    }

    [[nodiscard]] Result<Database> open(Way way) const {
        return open(way == Way::with_log ? Database::Access::read_only : Database::Access::without_locks,
                    m_question.deadline);
    }
    [[nodiscard]] Result<Database> open(Database::Access access, SteadyTime deadline) const {
        Result<Database> database = Database::at(m_question.path, access, m_clock, deadline);
        if (database) {
            LECTIO_TRY(database->keep_log()); // or closing would copy it back
        }
        return database;
    }

    // Who reads with locks keeps writers without a log waiting for as long as the query runs.
    [[nodiscard]] Result<std::string> value_by_locks(const std::string& query) const {
        const SteadyTime end = std::min(m_question.deadline, m_clock.steady() + k_longest_lock);
        Result<std::string> seen = value_by(Database::Access::read_only, query, end);
        const bool too_long =
            !seen && (seen.error().kind == ErrorKind::timeout || seen.error().kind == ErrorKind::busy);
        return too_long ? Error{ErrorKind::busy,
                                "it is written to all the time, and the query would keep writers out"}
                        : std::move(seen);
    }

    [[nodiscard]] Result<std::string> value_by(Database::Access access, const std::string& query,
                                               SteadyTime deadline) const {
        Result<std::string> seen = first_value(access, query, deadline);
        if (!seen && seen.error().kind == ErrorKind::timeout) { // SQLite says “interrupted”
            return Error{ErrorKind::timeout, "the query did not end in time"};
        }
        return seen;
    }

    [[nodiscard]] Result<std::string> first_value(Database::Access access, const std::string& query,
                                                  SteadyTime deadline) const {
        Result<Database> database = open(access, deadline);
        if (!database) {
            return database.error();
        }
        Result<Statement> statement = database->prepare(query);
        if (!statement) {
            return statement.error();
        }
        const Result<bool> row = statement->step();
        if (!row) {
            return row.error();
        }
        return *row ? std::string(statement->text(0)) : std::string();
    }

    // Every look at the pages: `look` says whether what it met may be the fault of somebody who wrote meanwhile.
    template<class Look>
    bool repeat_while_disturbed(const Look& look) {
        for (int attempt = 0; attempt < k_attempts; ++attempt) {
            const Traces before = traces_of(m_path);
            const Way how = way(before);
            if (how == Way::not_at_all) {
                m_sighting.idle = true;
                return true;
            }
            if (look(how) || how == Way::with_log || is_undisturbed(before)) {
                return true;
            }
            m_clock.sleep_for(k_between_looks);
        }
        return false;
    }

    void count_pages() {
        repeat_while_disturbed([&](Way how) {
            m_sighting.unreadable.reset();
            count_pages_once(how);
            return !m_sighting.unreadable;
        });
    }

    void count_pages_once(Way how) {
        Result<Database> database = open(how);
        const Result<std::int64_t> pages =
            database ? database->number("PRAGMA page_count") : Result<std::int64_t>(database.error());
        const Result<std::int64_t> unused =
            pages ? database->number("PRAGMA freelist_count") : Result<std::int64_t>(pages.error());
        if (!unused) {
            m_sighting.unreadable = unused.error();
            return;
        }
        m_sighting.pages = *pages;
        m_sighting.unused = *unused;
    }

    void check_pages() {
        using Check = SqliteSighting::Check;
        const bool believed = repeat_while_disturbed([&](Way how) {
            m_sighting.damage.clear();
            m_sighting.check = check_once(how);
            return m_sighting.check != Check::damaged;
        });
        if (!believed) {
            m_sighting.check = Check::disturbed;
            m_sighting.damage.clear();
        }
    }

    SqliteSighting::Check check_once(Way how) {
        using Check = SqliteSighting::Check;
        Result<Database> database = open(how);
        if (!database) {
            return refused(database.error());
        }
        Result<Statement> lines = database->prepare(fmt::format("PRAGMA quick_check({})", k_most_lines));
        if (!lines) {
            return refused(lines.error());
        }
        for (;;) {
            const Result<bool> row = lines->step();
            if (!row) {
                return refused(row.error());
            }
            if (!*row) {
                return m_sighting.damage.empty() ? Check::good : Check::damaged;
            }
            if (const std::string_view line = lines->text(0); line != "ok") {
                m_sighting.damage.emplace_back(line);
            }
        }
    }

    SqliteSighting::Check refused(const Error& error) {
        using Check = SqliteSighting::Check;
        switch (error.kind) {
        case ErrorKind::timeout:
        case ErrorKind::busy:
            return m_sighting.damage.empty() ? Check::unfinished : Check::damaged;
        default:
            m_sighting.damage.push_back(error.message);
            return Check::damaged;
        }
    }

    [[nodiscard]] bool is_undisturbed(const Traces& before) const {
        const std::int64_t settled = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                         (m_clock.now().wall - k_settled).time_since_epoch())
                                         .count();
        return traces_of(m_path) == before && !holds_change() && before.file.modified < settled &&
               before.journal.modified < settled;
    }

    const SqliteQuestion& m_question;
    Clock& m_clock;
    const std::string m_path;
    SqliteSighting m_sighting;
};

} // namespace

SqliteSighting sqlite_probe(const SqliteQuestion& question, Clock& clock) {
    return Probe(question, clock).look();
}

Result<std::string> sqlite_value(const Path& path, const std::string& query, Clock& clock,
                                 SteadyTime deadline) {
    const SqliteQuestion question{path, false, {}, deadline};
    return Probe(question, clock).value(query);
}

} // namespace lectio
