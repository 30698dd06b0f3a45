#include "store/history.h"

#include "store/history_tables.h"
#include "store/set_aside.h"
#include "words/error_words.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_folder_mode = 0700;
constexpr Bytes k_smallest = 512_B; // SQLite's smallest page: it takes less for nothing at all
constexpr Duration k_nap{10};       // while another tool begins the history
// Each process reads the log once through, so it is kept short: some thirty runs.
constexpr Bytes k_long_log = 256_kB;
// Longer only while somebody who reads does not end.
constexpr Bytes k_longest_log = 16_MB;
// One: a history may be as large as its limit.
constexpr std::size_t k_set_aside_kept = 1;

constexpr std::string_view k_stem = "history";
constexpr std::string_view k_damaged_label = "damaged";
constexpr std::string_view k_newer_label = "newer";

constexpr Phrase k_empty{"empty", "пуст"};
constexpr Phrase k_cut{"cut short", "обрезан"};
constexpr Phrase k_damaged{"damaged ({})", "повреждён ({})"};
constexpr Phrase k_foreign{"belongs to another user", "принадлежит другому пользователю"};
constexpr Phrase k_not_regular{"{} is not a regular file", "{} — не обычный файл"};
constexpr Phrase k_other_program{"of another program", "от другой программы"};
constexpr Phrase k_newer_version{"written by a newer version", "записан более новой версией"};
constexpr Phrase k_unusable{"history of runs {}: {}", "файл истории запусков {}: {}"};
constexpr Phrase k_set_aside{"set aside as {}", "отложен как {}"};
constexpr Phrase k_begun_afresh{"a new one was begun", "история начата заново"};

// SQLite's files beside the database: the write-ahead log, and the index of that.
constexpr std::array<std::string_view, 2> k_companions{"-wal", "-shm"};

Path companion(const Path& file, std::string_view ending) {
    return Path(file.string() + std::string(ending));
}

} // namespace

struct History::Found {
    enum class State {
        good,
        absent,
        blank,    // nothing in it yet: somebody is just beginning it, or was ended then
        newer,    // of our own, by a later version
        unusable, // by what it is or holds
        unknown,  // it could not be looked at or written: `problem`
    };
    State state = State::good;
    Text reason{}; // newer, unusable, blank
    std::optional<Error> problem{};

    // Damage is what the file is; everything else is what kept us from using it.
    static Found of(const Error& error) {
        if (error.kind == ErrorKind::invalid || error.kind == ErrorKind::internal) {
            return {State::unusable, say(k_damaged, error_words(error.message)), {}};
        }
        return {State::unknown, {}, error};
    }
};

History::History(Files& files, Clock& clock, HistoryPlace place, HistoryLimits limits)
    : m_files(files), m_clock(clock), m_place(std::move(place)), m_limits(limits) {}

History::Outcome History::record(const RecordedRun& run, Newer newer) {
    m_deadline = m_clock.steady() + k_at_most;
    Outcome outcome;
    const Result<void> recorded = record_by_deadline(run, newer, outcome.trouble);
    if (!recorded) {
        outcome.lost = recorded.error();
    }
    return outcome;
}

Result<void> History::record_by_deadline(const RecordedRun& run, Newer newer, Text& trouble) {
    LECTIO_TRY(m_files.make_folders(m_place.folder, k_folder_mode));
    Found found = try_to_write(run);
    if (!must_replace(found, newer)) {
        return answer(found);
    }
    // Who begins a history or sets one aside is alone; what he was about to replace may be good by now.
    const Result<Lock> alone = lock_alone(run.started.wall);
    if (!alone) {
        return alone.error();
    }
    found = try_to_write(run);
    if (!must_replace(found, newer)) {
        return answer(found);
    }
    LECTIO_TRY(replace(found, run.started.wall, trouble));
    return answer(try_to_write(run));
}

bool History::must_replace(const Found& found, Newer newer) {
    using State = Found::State;
    return found.state == State::absent || found.state == State::blank || found.state == State::unusable ||
           (found.state == State::newer && newer == Newer::set_aside);
}

Result<void> History::answer(const Found& found) {
    if (found.state == Found::State::good) {
        return {};
    }
    return found.problem ? *found.problem : Error{ErrorKind::busy, found.reason.en};
}

History::Found History::try_to_write(const RecordedRun& run) {
    std::optional<Database> database;
    Found found = look(database);
    if (found.state != Found::State::good) {
        return found;
    }
    const Result<void> written = write(*database, run);
    return written ? Found{} : Found::of(written.error());
}

Result<void> History::write(Database& database, const RecordedRun& run) {
    // Durable with the next checkpoint only: a power cut may cost some minutes of history, never the whole.
    LECTIO_TRY(database.run("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"));
    LECTIO_TRY(database.keep_log());
    Result<Transaction> transaction = Transaction::begin(database);
    if (!transaction) {
        return transaction.error();
    }
    LECTIO_TRY(insert_run(database, run));
    LECTIO_TRY(trim_history(database, m_limits, run.started.wall));
    LECTIO_TRY(transaction->commit());
    if (log_size() > k_long_log) {
        // Recorded is recorded: what keeps the log from being copied back now is for a later run.
        [[maybe_unused]] const Result<void> emptied = database.empty_log();
    }
    return {};
}

Bytes History::log_size() {
    const Result<FileInfo> info = m_files.info(companion(m_place.file(), k_companions[0]));
    return info ? info->size : Bytes{};
}

// ── looking at what is there ────────────────────────────────────────────────────────────────────────────────

History::Found History::look(std::optional<Database>& database) {
    Found found = look_outside();
    if (found.state != Found::State::good) {
        return found;
    }
    Result<Database> opened = Database::at(m_place.file(), Database::Access::read_write, m_clock, m_deadline);
    if (!opened) {
        return Found::of(opened.error());
    }
    database.emplace(std::move(opened).value());
    return look_inside(*database);
}

// What is no file of ours is never opened: reading a FIFO could hang, following a link reaches anywhere.
History::Found History::look_outside() {
    using State = Found::State;
    const Found history = look_at(m_place.file());
    if (history.state != State::good) {
        return history;
    }
    for (const std::string_view ending : k_companions) {
        const Found found = look_at(companion(m_place.file(), ending));
        if (found.state == State::unusable || found.state == State::unknown) {
            return found;
        }
    }
    return {};
}

History::Found History::look_at(const Path& path) {
    using State = Found::State;
    const Result<FileInfo> info = m_files.info(path);
    if (!info) {
        return info.error().kind == ErrorKind::not_found ? Found{State::absent} : Found::of(info.error());
    }
    if (info->type != FileInfo::Type::regular) {
        return {State::unusable, say(k_not_regular, path.filename().string()), {}};
    }
    if (info->owner != m_place.us && info->owner != 0) {
        return {State::unusable, say(k_foreign), {}};
    }
    if (info->size.count == 0) {
        return {State::blank, say(k_empty), {}};
    }
    return info->size < k_smallest && path == m_place.file() ? Found{State::unusable, say(k_cut), {}}
                                                             : Found{};
}

History::Found History::look_inside(Database& database) {
    using State = Found::State;
    const Result<HistoryVersion> version = read_version(database);
    if (!version) {
        return Found::of(version.error());
    }
    if (version->blank) {
        return {State::blank};
    }
    if (version->application != HistoryPlace::k_application || version->schema < 1) {
        return {State::unusable, say(k_other_program), {}};
    }
    if (version->schema > HistoryPlace::k_schema) {
        return {State::newer, say(k_newer_version), {}};
    }
    return look_at_log(database);
}

// A reader that never ends keeps the log from being copied back, and it would grow without end.
History::Found History::look_at_log(Database& database) {
    if (log_size() <= k_longest_log) {
        return {};
    }
    const Result<void> emptied = database.empty_log();
    return emptied ? Found{} : Found::of(emptied.error());
}

// ── beginning afresh ────────────────────────────────────────────────────────────────────────────────────────

Result<Lock> History::lock_alone(WallTime now) {
    for (;;) {
        Result<Lock> lock = m_files.lock(m_place.lock, "history", now);
        const bool busy = !lock && lock.error().kind == ErrorKind::busy;
        if (!busy || m_clock.steady() >= m_deadline) {
            return lock;
        }
        m_clock.sleep_for(k_nap);
    }
}

Result<void> History::replace(const Found& found, WallTime now, Text& trouble) {
    using State = Found::State;
    Text aside;
    if (found.state == State::unusable || found.state == State::newer) {
        const std::string_view label = found.state == State::newer ? k_newer_label : k_damaged_label;
        const Result<std::string> name = set_aside(label, now);
        if (!name) {
            return name.error();
        }
        aside = say(k_set_aside, *name);
    }
    LECTIO_TRY(begin());
    if (!found.reason.empty()) {
        const Text what = say(k_unusable, m_place.file().string(), found.reason);
        trouble = join("; ", {aside.empty() ? what : join(", ", {what, aside}), say(k_begun_afresh)});
    }
    return {};
}

Result<std::string> History::set_aside(std::string_view label, WallTime now) {
    const std::string name = name_aside(k_stem, label, now, ".sqlite");
    // The log first: a history beside a log that is not its own would be damaged in earnest.
    for (const std::string_view ending : k_companions) {
        const Path path = companion(m_place.file(), ending);
        if (m_files.info(path) && !m_files.remove(path)) {
            LECTIO_TRY(m_files.rename(path, m_place.folder / name_aside(k_stem, label, now, ending)));
        }
    }
    if (m_files.info(m_place.file())) {
        LECTIO_TRY(m_files.rename(m_place.file(), m_place.folder / name));
    }
    keep_newest_aside(m_files, m_place.folder, k_stem, label, k_set_aside_kept);
    return name;
}

Result<void> History::begin() {
    const Result<void> made = make();
    if (!made) {
        // A full disk leaves the name with nothing behind it; once there is room that would be told as damage.
        const Result<FileInfo> left = m_files.info(m_place.file());
        if (left && left->size < k_smallest) {
            [[maybe_unused]] const Result<void> removed = m_files.remove(m_place.file());
        }
    }
    return made;
}

Result<void> History::make() {
    Result<Database> database = Database::at(m_place.file(), Database::Access::create, m_clock, m_deadline);
    if (!database) {
        return database.error();
    }
    // auto_vacuum counts before the first table only; so does nothing else here.
    LECTIO_TRY(database->run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"));
    LECTIO_TRY(database->keep_log());
    Result<Transaction> transaction = Transaction::begin(*database);
    if (!transaction) {
        return transaction.error();
    }
    LECTIO_TRY(make_history_tables(*database));
    return transaction->commit();
}

} // namespace lectio
