#include "store/history_tables.h"

#include "store/history_format.h"

#include <functional>

#include <fmt/format.h>

namespace lectio {
namespace {

// A database of our own must be no heavier than it needs to be. Of `size` this much is for the log beside it.
constexpr Bytes k_for_the_log = 2_MB;
// What one run deletes and gives back at most, some 10 ms of work: no run is held up by a limit that was lowered.
// Of what is too old less: a clock that is wrong for an hour must not cost the history of months.
constexpr int k_most_too_old = 200;
constexpr int k_most_too_many = 1000;
constexpr int k_most_forms = 2000;
constexpr int k_most_pages = 512;

constexpr std::int64_t k_day_ms = 24 * 60 * 60 * 1000;

// auto_vacuum has to be set before the first table. A view of a run in plain SQL is not to be had for the price:
// `looks` holds what changes each minute, packed (history_format.h), and `look` the rest.
constexpr const char* k_tables = R"(
CREATE TABLE boot (id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE);
CREATE TABLE subject (
  id INTEGER PRIMARY KEY, tool TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, cause TEXT NOT NULL,
  UNIQUE (tool, name, type, cause));
CREATE TABLE look (
  id INTEGER PRIMARY KEY, key INTEGER NOT NULL, last_day INTEGER NOT NULL, subject INTEGER NOT NULL,
  status INTEGER NOT NULL, shown INTEGER NOT NULL, remedy INTEGER NOT NULL, passing INTEGER NOT NULL,
  words TEXT NOT NULL, metrics TEXT NOT NULL);
CREATE INDEX look_key ON look (key);
CREATE TABLE run (
  id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, took_us INTEGER NOT NULL, tool TEXT NOT NULL,
  status INTEGER NOT NULL, exit_code INTEGER NOT NULL, partial INTEGER NOT NULL, quiet TEXT NOT NULL,
  boot INTEGER NOT NULL, boot_ms INTEGER NOT NULL, looks BLOB NOT NULL);
CREATE INDEX run_start ON run (start_ms);
CREATE TABLE event (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, n INTEGER NOT NULL, kind INTEGER NOT NULL,
  event TEXT NOT NULL, name TEXT NOT NULL, incident TEXT NOT NULL, status INTEGER NOT NULL,
  message_en TEXT NOT NULL, message_ru TEXT NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;
CREATE TABLE deed (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, n INTEGER NOT NULL, rung TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, ok INTEGER NOT NULL, detail_en TEXT NOT NULL,
  detail_ru TEXT NOT NULL, fixed TEXT NOT NULL, took_ms INTEGER NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;
)";

std::int64_t ms(WallTime time) {
    return time.time_since_epoch().count();
}

// ── one run ─────────────────────────────────────────────────────────────────────────────────────────────────

Text kept_text(const Text& text) {
    return {for_keeping(text.en), for_keeping(text.ru)};
}

class Insertion {
  public:
    Insertion(Database& database, const RecordedRun& run) : m_database(database), m_run(run) {}

    Result<void> insert() {
        std::string looks;
        LECTIO_TRY(add_looks(looks, m_run.looks));
        LECTIO_TRY(add_looks(looks, m_run.after_healing));
        LECTIO_TRY(insert_row(looks));
        const std::int64_t id = m_database.last_insert_id();
        LECTIO_TRY(insert_events(id));
        return insert_deeds(id);
    }

  private:
    Result<void> add_looks(std::string& bytes, const std::vector<RecordedLook>& looks) {
        put_number(bytes, looks.size());
        for (const RecordedLook& look : looks) {
            const DividedLook divided = divide(look);
            const Result<std::int64_t> form = id_of(divided.form);
            if (!form) {
                return form.error();
            }
            put_look(bytes, *form, divided.figures);
        }
        return {};
    }

    Result<std::int64_t> id_of(const LookForm& form) {
        const Result<std::int64_t> subject = subject_of(form);
        if (!subject) {
            return subject.error();
        }
        if (!m_find_form) {
            LECTIO_TRY(prepare(m_find_form,
                               "SELECT id, last_day FROM look WHERE key = ?1 AND subject = ?2 AND "
                               "status = ?3 AND shown = ?4 AND remedy = ?5 AND passing = ?6 AND "
                               "words = ?7 AND metrics = ?8"));
        }
        bind(*m_find_form, *subject, form);
        const Result<bool> known = m_find_form->step();
        if (!known) {
            return known.error();
        }
        const std::int64_t id = *known ? m_find_form->number(0) : 0;
        const bool used_today = *known && m_find_form->number(1) >= today();
        m_find_form->reset();
        if (!*known) {
            return insert_form(*subject, form);
        }
        if (!used_today) { // once a day: a row that is not written is a page that is not
            LECTIO_TRY(
                m_database.run(fmt::format("UPDATE look SET last_day = {} WHERE id = {}", today(), id)));
        }
        return id;
    }

    static void bind(Statement& statement, std::int64_t subject, const LookForm& form) {
        // The key only shortens the search: equality decides, so another library's hash does no harm. With the subject
        // in it, for many checks have the same words; spread, because subjects are small numbers.
        constexpr std::uint64_t k_spread = 0x9E37'79B9'7F4A'7C15;
        const std::uint64_t key = std::hash<std::string>()(form.words) ^
                                  std::hash<std::string>()(form.metrics) ^
                                  static_cast<std::uint64_t>(subject) * k_spread;
        statement.bind(1, static_cast<std::int64_t>(key)).bind(2, subject);
        statement.bind(3, std::int64_t{form.status}).bind(4, std::int64_t{form.shown});
        statement.bind(5, std::int64_t{form.remedy}).bind(6, std::int64_t{form.passing});
        statement.bind(7, form.words).bind(8, form.metrics);
    }

    Result<std::int64_t> insert_form(std::int64_t subject, const LookForm& form) {
        if (!m_insert_form) {
            LECTIO_TRY(
                prepare(m_insert_form,
                        "INSERT INTO look (key, subject, status, shown, remedy, passing, words, metrics, "
                        "last_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
        }
        bind(*m_insert_form, subject, form);
        LECTIO_TRY(m_insert_form->bind(9, today()).run());
        return m_database.last_insert_id();
    }

    Result<std::int64_t> subject_of(const LookForm& form) {
        if (!m_find_subject) {
            LECTIO_TRY(prepare(m_find_subject,
                               "SELECT id FROM subject WHERE tool = ? AND name = ? AND type = ? AND "
                               "cause = ?"));
        }
        m_find_subject->bind(1, m_run.tool).bind(2, form.check).bind(3, form.type).bind(4, form.cause);
        const Result<bool> known = m_find_subject->step();
        if (!known) {
            return known.error();
        }
        const std::int64_t id = *known ? m_find_subject->number(0) : 0;
        m_find_subject->reset();
        if (*known) {
            return id;
        }
        Result<Statement> insert =
            m_database.prepare("INSERT INTO subject (tool, name, type, cause) VALUES (?, ?, ?, ?)");
        if (!insert) {
            return insert.error();
        }
        LECTIO_TRY(
            insert->bind(1, m_run.tool).bind(2, form.check).bind(3, form.type).bind(4, form.cause).run());
        return m_database.last_insert_id();
    }

    Result<std::int64_t> boot() {
        Result<Statement> insert = m_database.prepare("INSERT OR IGNORE INTO boot (boot_id) VALUES (?)");
        Result<Statement> find = m_database.prepare("SELECT id FROM boot WHERE boot_id = ?");
        if (!insert || !find) {
            return insert ? find.error() : insert.error();
        }
        find->bind(1, m_run.started.boot_id);
        Result<bool> known = find->step();
        if (known && !*known) {
            LECTIO_TRY(insert->bind(1, m_run.started.boot_id).run());
            return m_database.last_insert_id();
        }
        return known ? Result<std::int64_t>(find->number(0)) : Result<std::int64_t>(known.error());
    }

    Result<void> insert_row(const std::string& looks) {
        const Result<std::int64_t> boot_id = boot();
        if (!boot_id) {
            return boot_id.error();
        }
        Result<Statement> insert = m_database.prepare("INSERT INTO run (start_ms, took_us, tool, status, "
                                                      "exit_code, partial, quiet, boot, boot_ms, looks) "
                                                      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        if (!insert) {
            return insert.error();
        }
        insert->bind(1, ms(m_run.started.wall)).bind(2, m_run.took.count()).bind(3, m_run.tool);
        insert->bind(4, std::int64_t{m_run.status}).bind(5, std::int64_t{m_run.exit_code});
        insert->bind(6, std::int64_t{m_run.partial}).bind(7, m_run.quiet);
        insert->bind(8, *boot_id).bind(9, m_run.started.boot.count()).bind_bytes(10, looks);
        return insert->run();
    }

    Result<void> insert_events(std::int64_t run) {
        std::optional<Statement> insert;
        std::int64_t n = 0;
        for (const RecordedEvent& event : m_run.events) {
            if (!insert) {
                LECTIO_TRY(prepare(insert, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
            }
            insert->bind(1, run).bind(2, n++).bind(3, static_cast<std::int64_t>(event.kind));
            insert->bind(4, event.event).bind(5, event.check).bind(6, event.incident);
            insert->bind(7, std::int64_t{event.status});
            const Text message = kept_text(event.message);
            LECTIO_TRY(insert->bind(8, message.en).bind(9, message.ru).run());
        }
        return {};
    }

    Result<void> insert_deeds(std::int64_t run) {
        std::optional<Statement> insert;
        std::int64_t n = 0;
        for (const RecordedDeed& deed : m_run.deeds) {
            if (!insert) {
                LECTIO_TRY(prepare(insert, "INSERT INTO deed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
            }
            insert->bind(1, run).bind(2, n++).bind(3, deed.rung).bind(4, deed.action).bind(5, deed.target);
            const Text detail = kept_text(deed.detail);
            insert->bind(6, std::int64_t{deed.ok}).bind(7, detail.en).bind(8, detail.ru);
            const std::string fixed = fmt::format("{}", fmt::join(deed.fixed, ","));
            LECTIO_TRY(insert->bind(9, fixed).bind(10, deed.took.count()).run());
        }
        return {};
    }

    Result<void> prepare(std::optional<Statement>& statement, std::string_view sql) {
        Result<Statement> prepared = m_database.prepare(sql);
        if (!prepared) {
            return prepared.error();
        }
        statement.emplace(std::move(prepared).value());
        return {};
    }

    [[nodiscard]] std::int64_t today() const { return ms(m_run.started.wall) / k_day_ms; }

    Database& m_database;
    const RecordedRun& m_run;
    std::optional<Statement> m_find_form, m_insert_form, m_find_subject;
};

// ── keeping it small ────────────────────────────────────────────────────────────────────────────────────────

Result<void> delete_too_old(Database& database, WallTime before) {
    // By time, not by number: what a clock that was wrong has dated into the future goes when its time comes.
    return database.run(fmt::format("DELETE FROM run WHERE id IN (SELECT id FROM run WHERE start_ms < {} "
                                    "ORDER BY start_ms LIMIT {})",
                                    ms(before), k_most_too_old));
}

// A fiftieth of all, for of runs that are large there are few; never the last.
Result<void> delete_too_many(Database& database) {
    return database.run(fmt::format("DELETE FROM run WHERE id IN (SELECT id FROM run ORDER BY id LIMIT "
                                    "(SELECT min({}, (max(id) - min(id) + 49) / 50) FROM run))",
                                    k_most_too_many));
}

Result<std::int64_t> oldest_day(Database& database) {
    return database.number(fmt::format("SELECT min(start_ms) / {} FROM run", k_day_ms));
}

// A form that no kept run can have used.
Result<void> delete_forms(Database& database, std::int64_t before_day) {
    return database.run(
        fmt::format("DELETE FROM look WHERE id IN (SELECT id FROM look WHERE last_day < {} LIMIT {})",
                    before_day, k_most_forms));
}

Result<void> trim_to_size(Database& database, std::int64_t most_pages) {
    const Result<std::int64_t> pages = database.number("PRAGMA page_count");
    const Result<std::int64_t> free = database.number("PRAGMA freelist_count");
    if (!pages || !free) {
        return pages ? free.error() : pages.error();
    }
    if (*pages - *free > most_pages) {
        LECTIO_TRY(delete_too_many(database));
    }
    // What a lower limit has freed goes back to the disk; otherwise the runs to come use it.
    return *pages > most_pages ? database.run(fmt::format("PRAGMA incremental_vacuum({})", k_most_pages))
                               : Result<void>();
}

} // namespace

Result<HistoryVersion> read_version(Database& database) {
    const Result<std::int64_t> application = database.number("PRAGMA application_id");
    const Result<std::int64_t> schema = database.number("PRAGMA user_version");
    const Result<std::int64_t> tables = database.number("SELECT count(*) FROM sqlite_master");
    for (const Result<std::int64_t>* number : {&application, &schema, &tables}) {
        LECTIO_TRY(*number);
    }
    return HistoryVersion{*application == 0 && *schema == 0 && *tables == 0, *application, *schema};
}

Result<void> make_history_tables(Database& database) {
    LECTIO_TRY(database.run(k_tables));
    return database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                    HistoryPlace::k_application, HistoryPlace::k_schema));
}

Result<void> insert_run(Database& database, const RecordedRun& run) {
    return Insertion(database, run).insert();
}

Result<void> trim_history(Database& database, const HistoryLimits& limits, WallTime now) {
    const Result<std::int64_t> page_size = database.number("PRAGMA page_size");
    const Result<std::int64_t> before = oldest_day(database);
    if (!page_size || !before) {
        return page_size ? before.error() : page_size.error();
    }
    LECTIO_TRY(delete_too_old(database, now - limits.keep));
    const std::uint64_t for_pages =
        limits.size > k_for_the_log ? limits.size.count - k_for_the_log.count : limits.size.count / 2;
    LECTIO_TRY(trim_to_size(database, static_cast<std::int64_t>(for_pages) / *page_size));
    const Result<std::int64_t> after = oldest_day(database);
    if (!after) {
        return after.error();
    }
    return *after != *before ? delete_forms(database, *after) : Result<void>();
}

} // namespace lectio
