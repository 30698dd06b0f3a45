#include "store/past_runs.h"

#include "store/history_tables.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lectio {
namespace {

std::int64_t ms(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime wall(std::int64_t ms) {
    return WallTime(Duration(ms));
}

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    for (const std::string_view name : split(list, ',')) {
        if (!name.empty()) {
            names.emplace_back(name);
        }
    }
    return names;
}

// Calls `take` for each row of a statement that may have failed to be made.
template<class Take>
Result<void> for_each_row(Result<Statement>& rows, Take take) {
    if (!rows) {
        return rows.error();
    }
    for (;;) {
        const Result<bool> row = rows->step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return {};
        }
        take(*rows);
    }
}

} // namespace

Result<PastRuns> PastRuns::at(Files& files, Clock& clock, const HistoryPlace& place, SteadyTime deadline) {
    const Result<FileInfo> info = files.info(place.file());
    if (!info) {
        return info.error();
    }
    if (info->type != FileInfo::Type::regular) {
        return Error{ErrorKind::invalid,
                     fmt::format("unable to read {}: not a regular file", place.file().string())};
    }
    Result<Database> database = Database::at(place.file(), Database::Access::read_only, clock, deadline);
    if (!database) {
        return database.error();
    }
    LECTIO_TRY(database->run("BEGIN")); // what is read later belongs together
    const Result<HistoryVersion> version = read_version(*database);
    if (!version) {
        return version.error();
    }
    if (version->blank) {
        return Error{ErrorKind::not_found, fmt::format("{} is empty", place.file().string())};
    }
    if (version->application != HistoryPlace::k_application) {
        return Error{ErrorKind::invalid, fmt::format("{} is of another program", place.file().string())};
    }
    if (version->schema != HistoryPlace::k_schema) {
        return Error{ErrorKind::invalid,
                     fmt::format("{} was written by another version", place.file().string())};
    }
    PastRuns runs(std::move(database).value());
    LECTIO_TRY(runs.load_forms());
    return runs;
}

Result<void> PastRuns::load_forms() {
    Result<Statement> forms =
        m_database.prepare("SELECT look.id, name, type, cause, status, shown, remedy, passing, "
                           "words, metrics FROM look JOIN subject ON subject.id = subject");
    LECTIO_TRY(for_each_row(forms, [&](const Statement& row) {
        const auto number = [&](int column) { return static_cast<int>(row.number(column)); };
        const auto text = [&](int column) { return std::string(row.text(column)); };
        m_forms[row.number(0)] = LookForm{text(1),   text(2),        text(3), number(4), number(5),
                                          number(6), number(7) != 0, text(8), text(9)};
    }));
    Result<Statement> boots = m_database.prepare("SELECT id, boot_id FROM boot");
    return for_each_row(boots, [&](const Statement& row) { m_boots[row.number(0)] = row.text(1); });
}

// The first run of the period is found by the index of times; from there on the table is read in its own order.
Result<Statement> PastRuns::select(std::string_view sql, const Period& period, std::string_view order) {
    Result<Statement> rows = m_database.prepare(
        fmt::format("{} run.id >= (SELECT min(id) FROM run WHERE start_ms >= ?1) AND +run.start_ms >= ?1 AND "
                    "+run.start_ms < ?2 AND (?3 = '' OR run.tool = ?3) ORDER BY {}",
                    sql, order));
    if (rows) {
        rows->bind(1, ms(period.from)).bind(2, ms(period.until)).bind(3, period.tool);
    }
    return rows;
}

Result<void> PastRuns::each(const Period& period, const std::function<void(const PastRun&)>& look) {
    Result<Statement> rows =
        select("SELECT id, start_ms, took_us, tool, status, exit_code, partial, quiet, boot, "
               "boot_ms, looks FROM run WHERE",
               period, "run.id");
    return for_each_row(rows, [&](const Statement& row) {
        PastRun run;
        run.id = row.number(0);
        run.started.wall = wall(row.number(1));
        run.took = std::chrono::microseconds(row.number(2));
        run.tool = row.text(3);
        run.status = static_cast<int>(row.number(4));
        run.exit_code = static_cast<int>(row.number(5));
        run.partial = row.number(6) != 0;
        run.quiet = row.text(7);
        const auto boot = m_boots.find(row.number(8));
        run.started.boot_id = boot == m_boots.end() ? std::string() : boot->second;
        run.started.boot = Duration(row.number(9));
        if (read_looks(row.bytes(10), run)) {
            look(run);
        }
    });
}

bool PastRuns::read_looks(std::string_view bytes, PastRun& run) const {
    Unpacker unpacker(bytes);
    std::optional<std::vector<PastLook>> looks = read_list(unpacker);
    std::optional<std::vector<PastLook>> after_healing = looks ? read_list(unpacker) : std::nullopt;
    if (!after_healing || !unpacker.at_end()) {
        return false;
    }
    run.looks = std::move(*looks);
    run.after_healing = std::move(*after_healing);
    return true;
}

std::optional<std::vector<PastLook>> PastRuns::read_list(Unpacker& bytes) const {
    std::vector<PastLook> looks;
    for (std::uint64_t left = bytes.number().value_or(0); left > 0; --left) {
        const auto form = m_forms.find(static_cast<std::int64_t>(bytes.number().value_or(0)));
        const std::optional<std::uint64_t> took = bytes.number();
        if (form == m_forms.end() || !took) {
            return std::nullopt;
        }
        PastLook& look = looks.emplace_back();
        look.form = &form->second;
        look.figures.took = std::chrono::microseconds(*took);
        for (std::size_t i = look.form->places(); i > 0; --i) {
            look.figures.numbers.push_back(bytes.number().value_or(1));
        }
        for (std::size_t i = look.form->figures(); i > 0; --i) {
            look.figures.values.push_back(bytes.figure().value_or(0));
        }
    }
    return looks;
}

Result<std::vector<WallTime>> PastRuns::beginnings(const Period& period) {
    Result<Statement> rows = select("SELECT start_ms FROM run WHERE", period, "run.id");
    std::vector<WallTime> times;
    LECTIO_TRY(for_each_row(rows, [&](const Statement& row) { times.push_back(wall(row.number(0))); }));
    return times;
}

Result<std::vector<std::string>> PastRuns::names(const std::string& tool) {
    Result<Statement> rows =
        m_database.prepare("SELECT DISTINCT name FROM subject WHERE tool = ? ORDER BY name");
    if (rows) {
        rows->bind(1, tool);
    }
    std::vector<std::string> names;
    LECTIO_TRY(for_each_row(rows, [&](const Statement& row) { names.emplace_back(row.text(0)); }));
    return names;
}

Result<std::vector<AtTime<RecordedEvent>>> PastRuns::events(const Period& period) {
    Result<Statement> rows =
        select("SELECT run, start_ms, kind, event, name, incident, event.status, message_en, "
               "message_ru FROM event JOIN run ON run.id = run WHERE",
               period, "run, n");
    std::vector<AtTime<RecordedEvent>> events;
    LECTIO_TRY(for_each_row(rows, [&](const Statement& row) {
        const auto text = [&](int column) { return std::string(row.text(column)); };
        const auto kind = row.number(2) == 0 ? RecordedEvent::Kind::change : RecordedEvent::Kind::told;
        events.push_back(
            {row.number(0),
             wall(row.number(1)),
             {kind, text(3), text(4), text(5), static_cast<int>(row.number(6)), {text(7), text(8)}}});
    }));
    return events;
}

Result<std::vector<AtTime<RecordedDeed>>> PastRuns::deeds(const Period& period) {
    Result<Statement> rows =
        select("SELECT run, start_ms, rung, action, target, ok, detail_en, detail_ru, fixed, "
               "took_ms FROM deed JOIN run ON run.id = run WHERE",
               period, "run, n");
    std::vector<AtTime<RecordedDeed>> deeds;
    LECTIO_TRY(for_each_row(rows, [&](const Statement& row) {
        const auto text = [&](int column) { return std::string(row.text(column)); };
        deeds.push_back({row.number(0),
                         wall(row.number(1)),
                         {text(2),
                          text(3),
                          text(4),
                          row.number(5) != 0,
                          {text(6), text(7)},
                          names_in(row.text(8)),
                          Duration(row.number(9))}});
    }));
    return deeds;
}

} // namespace lectio
