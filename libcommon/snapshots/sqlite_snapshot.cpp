#include "snapshots/sqlite_snapshot.h"

#include "platform/sha256.h"
#include "platform/sqlite.h"
#include "platform/threads.h"
#include "util/json_members.h"
#include "util/sql.h"
#include "util/text.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::snapshots {
namespace {

using Json = nlohmann::json;
using namespace std::string_view_literals;

constexpr int k_schema = 1;
constexpr mode_t k_ours_alone = 0600;
constexpr std::size_t k_most_flaws = 5; // told of one file

constexpr Phrase k_other_size{"it has {} bytes instead of {}", "в нём {} байт вместо {}"};
constexpr Phrase k_other_bytes{"its bytes have changed: SHA-256 is {} instead of {}",
                               "его содержимое изменилось: SHA-256 {} вместо {}"};
constexpr Phrase k_damaged{"it is damaged: {}", "он повреждён: {}"};
constexpr Phrase k_other_schema{"its tables are defined otherwise", "его таблицы определены иначе"};
constexpr Phrase k_other_facts{"its version or its foreign keys are others than in the manifest",
                               "версия или внешние ключи не те, что в описании"};

Error no_copy(const Path& source, std::string_view reason) {
    return {ErrorKind::invalid,
            fmt::format("unable to copy {}: {}", clean_line(source.string()), clean_line(reason))};
}

struct Header {
    bool log = false;
};

// sqlite.org/fileformat2.html, section 1.3.
Result<Header> read_header(const Path& source, Files& files) {
    constexpr std::string_view k_magic = "SQLite format 3\0"sv;
    constexpr std::size_t k_write_version = 18;
    const Result<std::string> head = files.read_from(source, 0_B, 100_B);
    LECTIO_TRY(head);
    if (head->empty()) {
        return no_copy(source, "it is empty");
    }
    if (head->size() <= k_write_version || !head->starts_with(k_magic)) {
        return no_copy(source, "it is no SQLite database");
    }
    return Header{(*head)[k_write_version] == '\2'};
}

Result<std::vector<std::string>> texts(Database& database, std::string_view sql) {
    Result<Statement> statement = database.prepare(sql);
    LECTIO_TRY(statement);
    std::vector<std::string> all;
    for (;;) {
        const Result<bool> row = statement->step();
        LECTIO_TRY(row);
        if (!*row) {
            return all;
        }
        all.emplace_back(statement->text(0));
    }
}

Result<SqliteSchema> schema_in(Database& database) {
    SqliteSchema schema;
    Result<std::vector<std::string>> lines =
        texts(database, "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '')"
                        " FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_' ORDER BY type, name");
    LECTIO_TRY(lines);
    Sha256 hash;
    for (const std::string& line : *lines) {
        hash.add(line);
        hash.add("\0"sv);
    }
    schema.hash = hash.finish();
    const Result<std::int64_t> django = database.number(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'django_migrations'");
    LECTIO_TRY(django);
    if (*django > 0) {
        const Result<std::vector<std::string>> last =
            texts(database, "SELECT app || '.' || name FROM django_migrations ORDER BY id DESC LIMIT 1");
        LECTIO_TRY(last);
        schema.last_migration = last->empty() ? std::string() : last->front();
    }
    return schema;
}

Result<RowCounts> rows_in(Database& database) {
    RowCounts counts;
    const Result<std::vector<std::string>> tables = texts(
        database, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
                  " AND substr(name, 1, 7) <> 'sqlite_'");
    LECTIO_TRY(tables);
    for (const std::string& table : *tables) {
        const Result<std::int64_t> rows =
            database.number(fmt::format("SELECT count(*) FROM {}", sql_identifier(table)));
        LECTIO_TRY(rows);
        counts[table] = *rows;
    }
    return counts;
}

Result<SqliteFacts> facts_in(Database& database) {
    SqliteFacts facts;
    Result<SqliteSchema> schema = schema_in(database);
    LECTIO_TRY(schema);
    facts.schema = std::move(*schema);
    const Result<std::int64_t> version = database.number("PRAGMA user_version");
    const Result<std::int64_t> application = database.number("PRAGMA application_id");
    const Result<std::int64_t> orphans = database.number("SELECT count(*) FROM pragma_foreign_key_check");
    LECTIO_TRY(version);
    LECTIO_TRY(application);
    facts.user_version = *version;
    facts.application_id = *application;
    // A key that leads to no key of its table cannot be followed at all: that is the schema's, and so it was.
    facts.orphans = orphans.value_or(-1);
    Result<RowCounts> rows = rows_in(database);
    LECTIO_TRY(rows);
    facts.rows = std::move(*rows);
    return facts;
}

// The first of what integrity_check finds; empty: it is whole.
Result<std::string> damage_in(Database& database) {
    const Result<std::vector<std::string>> lines = texts(database, "PRAGMA integrity_check(1)");
    LECTIO_TRY(lines);
    const bool whole = lines->size() == 1 && lines->front() == "ok";
    return whole ? std::string() : shorten(clean_line(lines->empty() ? "" : lines->front()), 200);
}

// A file that nobody else writes, without locks and without anything beside it.
Result<Database> open_still(const Path& file, Clock& clock, SteadyTime until) {
    return Database::at(file, Database::Access::without_locks, clock, until);
}

Result<void> copy_pages(const Path& source, const Path& into, Clock& clock, SteadyTime until) {
    using Access = Database::Access;
    // Opened for writing, where we may: a log or a journal that a writer left when it died is put in order, as whoever
    // opens the database next would do it. SQLite makes what lies beside it its owner's.
    Result<Database> from = Database::at(source, Access::read_write, clock, until);
    LECTIO_TRY(from);
    Result<Database> copy = Database::at(into, Access::read_write, clock, until);
    LECTIO_TRY(copy);
    // It is put on the disk as a whole afterwards, and nobody wants half of it.
    LECTIO_TRY(copy->run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF"));
    LECTIO_TRY(from->copy_into(*copy));
    return copy->run("PRAGMA journal_mode = DELETE"); // the header's word came along
}

// What the copy holds, once it is found whole.
Result<SqliteFacts> look_at_copy(const Path& source, const Path& of_it, Clock& clock, SteadyTime until) {
    Result<Database> copy = open_still(of_it, clock, until);
    LECTIO_TRY(copy);
    const Result<std::string> damage = damage_in(*copy);
    LECTIO_TRY(damage);
    if (!damage->empty()) {
        return no_copy(source, fmt::format("it is damaged: {}", *damage));
    }
    return facts_in(*copy);
}

Result<SqliteSnapshot> copy_and_look(const Path& source, const Path& into, Clock& clock, SteadyTime until,
                                     const ReadThrough& read) {
    LECTIO_TRY(copy_pages(source, into, clock, until));
    // The copy is still: who reads it through and who looks whether it is whole go over it at the same time, and it is in
    // memory once for both.
    Result<SqliteFacts> facts(SqliteFacts{});
    SecondThread looking([&] { facts = look_at_copy(source, into, clock, until); });
    Result<FileDigest> digest = read(into, clock, until);
    looking.join();
    LECTIO_TRY(facts);
    LECTIO_TRY(digest);
    SqliteSnapshot snapshot;
    snapshot.facts = std::move(*facts);
    snapshot.file = std::move(*digest);
    return snapshot;
}

std::vector<Text> compare(const SqliteFacts& found, const SqliteFacts& expected) {
    std::vector<Text> flaws = row_flaws(found.rows, expected.rows);
    if (found.schema != expected.schema) {
        flaws.push_back(say(k_other_schema));
    } else if (flaws.empty() && found != expected) {
        flaws.push_back(say(k_other_facts));
    }
    flaws.resize(std::min(flaws.size(), k_most_flaws));
    return flaws;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

Json json_of(const SqliteSnapshot& snapshot) {
    const SqliteFacts& facts = snapshot.facts;
    return {{"schema", k_schema},
            {"type", "sqlite"},
            {"taken", format_utc(snapshot.taken)},
            {"duration_ms", snapshot.took.count()},
            {"made_with", snapshot.made_with},
            {"size", snapshot.file.size.count},
            {"sha256", snapshot.file.sha256},
            {"log", snapshot.log},
            {"schema_hash", facts.schema.hash},
            {"last_migration", facts.schema.last_migration},
            {"user_version", facts.user_version},
            {"application_id", facts.application_id},
            {"orphans", facts.orphans},
            {"rows", facts.rows}};
}

Result<SqliteSnapshot> sqlite_snapshot_from(const Json& json) {
    SqliteSnapshot snapshot;
    const Result<WallTime> taken = parse_utc(text_of(json, "taken"));
    snapshot.file.sha256 = text_of(json, "sha256");
    const Json rows = object_of(json, "rows");
    if (integer_of(json, "schema") != k_schema || text_of(json, "type") != "sqlite" || !taken ||
        !is_sha256(snapshot.file.sha256) || integer_of(json, "size") <= 0 || !are_row_counts(rows)) {
        return Error{ErrorKind::invalid, "this is no manifest of a snapshot of SQLite"};
    }
    snapshot.taken = *taken;
    snapshot.took = Duration(integer_of(json, "duration_ms"));
    snapshot.made_with = text_of(json, "made_with");
    snapshot.file.size.count = static_cast<std::uint64_t>(integer_of(json, "size"));
    snapshot.log = flag_of(json, "log");
    snapshot.facts.schema = {text_of(json, "schema_hash"), text_of(json, "last_migration")};
    snapshot.facts.user_version = integer_of(json, "user_version");
    snapshot.facts.application_id = integer_of(json, "application_id");
    snapshot.facts.orphans = integer_of(json, "orphans");
    snapshot.facts.rows = row_counts_from(rows);
    return snapshot;
}

Result<SqliteSnapshot> take_sqlite(const Path& source, const Path& into, Files& files, Clock& clock,
                                   SteadyTime until, const ReadThrough& read) {
    const SteadyTime begun = clock.steady();
    const WallTime taken = clock.now().wall;
    const Result<Path> place = real_place(source);
    LECTIO_TRY(place);
    const Result<Header> header = read_header(*place, files);
    LECTIO_TRY(header);
    LECTIO_TRY(files.create_synced(into, "", k_ours_alone));
    Result<SqliteSnapshot> snapshot = copy_and_look(*place, into, clock, until, read);
    if (!snapshot) {
        [[maybe_unused]] const Result<void> removed = remove_file(into); // why there is none is what counts
        return snapshot;
    }
    snapshot->taken = std::chrono::floor<std::chrono::seconds>(taken);
    snapshot->took = std::chrono::duration_cast<Duration>(clock.steady() - begun);
    snapshot->made_with = "SQLite " + sqlite_version();
    snapshot->log = header->log;
    return snapshot;
}

Result<std::optional<Text>> other_bytes(const Path& file, const SqliteSnapshot& snapshot, Clock& clock,
                                        SteadyTime until) {
    const Result<FileDigest> digest = digest_of(file, clock, until);
    LECTIO_TRY(digest);
    if (digest->size != snapshot.file.size) {
        return std::optional(say(k_other_size, digest->size.count, snapshot.file.size.count));
    }
    return *digest == snapshot.file ? std::optional<Text>()
                                    : std::optional(say(k_other_bytes, digest->sha256, snapshot.file.sha256));
}

Result<std::vector<Text>> flaws_of_sqlite(const Path& file, const SqliteSnapshot& snapshot, Clock& clock,
                                          SteadyTime until) {
    Result<std::optional<Text>> other = other_bytes(file, snapshot, clock, until);
    LECTIO_TRY(other);
    if (*other) {
        return std::vector{std::move(**other)};
    }
    Result<Database> database = open_still(file, clock, until);
    LECTIO_TRY(database);
    const Result<std::string> damage = damage_in(*database);
    const Result<SqliteFacts> facts = damage ? facts_in(*database) : damage.error();
    for (const Error* error : {damage ? nullptr : &damage.error(), facts ? nullptr : &facts.error()}) {
        if (error != nullptr && error->kind == ErrorKind::invalid) {
            return std::vector{say(k_damaged, error->message)};
        }
    }
    LECTIO_TRY(facts);
    return damage->empty() ? compare(*facts, snapshot.facts) : std::vector{say(k_damaged, *damage)};
}

Result<RowCounts> rows_of_sqlite(const Path& database, Clock& clock, SteadyTime until) {
    const Result<Path> place = real_place(database);
    LECTIO_TRY(place);
    Result<Database> opened = Database::at(*place, Database::Access::read_write, clock, until);
    LECTIO_TRY(opened);
    return rows_in(*opened);
}

Result<SqliteSchema> schema_of_sqlite(const Path& database, Clock& clock, SteadyTime until) {
    const Result<Path> place = real_place(database);
    LECTIO_TRY(place);
    Result<Database> opened = Database::at(*place, Database::Access::read_write, clock, until);
    LECTIO_TRY(opened);
    return schema_in(*opened);
}

} // namespace lectio::snapshots
