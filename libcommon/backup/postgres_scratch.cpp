#include "backup/postgres_scratch.h"

#include "backup/passing_file.h"
#include "platform/files.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/sql.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_record_prefix = ".lectio-scratch-"; // not what Archive::tidy() takes away
constexpr std::string_view k_proof_prefix = "lectio_verify_";
constexpr std::string_view k_site_prefix = "lectio_restore_";
constexpr mode_t k_ours_alone = 0600;
constexpr Bytes k_longest_record = 64_kB;
constexpr Duration k_to_drop = 2min;
constexpr int k_has_force = 13; // DROP DATABASE … WITH (FORCE)

constexpr Phrase k_does_not_restore{"it cannot be restored: {}", "она не восстанавливается: {}"};

Path record_of(const Path& folder, const std::string& database) {
    return folder / fmt::format("{}{}.json", k_record_prefix, database);
}

bool is_ours(std::string_view database) {
    constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return (database.starts_with(k_proof_prefix) || database.starts_with(k_site_prefix)) &&
           database.find_first_not_of(k_letters) == database.npos;
}

// A restore that was killed goes on in the server until that has noticed.
Result<void> drop_database(const ScratchPlace& place, const std::string& database, World& world,
                           SteadyTime until) {
    const Result<PostgresServer> server = look_at(place.way, world.clock, until);
    LECTIO_TRY(server);
    const SteadyTime patience = std::max(until, world.clock.steady() + k_to_drop);
    Result<PostgresConnection> connection = open_session(place.way, world.clock, patience);
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> dropped =
        connection->statement(fmt::format("DROP DATABASE IF EXISTS {}{}", sql_identifier(database),
                                          server->major >= k_has_force ? " WITH (FORCE)" : ""));
    LECTIO_TRY(dropped);
    return place.folder.empty() ? Result<void>{} : remove_file(record_of(place.folder, database));
}

// What the script of a dump says of its database: "CREATE DATABASE name WITH TEMPLATE = template0 ENCODING = 'UTF8' …;".
struct Making {
    std::string name; // as it stands there, quoted where it has to be
    std::string how;
};
Result<Making> making_in(std::string_view script) {
    constexpr std::string_view k_begin = "\nCREATE DATABASE ";
    constexpr std::string_view k_with = " WITH TEMPLATE = template0";
    const std::size_t begin = script.find(k_begin);
    const std::size_t with = begin == script.npos ? begin : script.find(k_with, begin);
    const std::size_t end = with == script.npos ? with : script.find(";\n", with);
    if (end == script.npos) {
        return Error{ErrorKind::invalid, "pg_restore does not say how its database is made"};
    }
    const std::size_t name = begin + k_begin.size();
    return Making{std::string(script.substr(name, with - name)),
                  std::string(script.substr(with, end - with))};
}

// The statements that make the database itself what it was: its owner, who may connect, its settings.
Result<std::string> script_of_database(const PostgresPrograms& programs, const Path& dump, World& world,
                                       SteadyTime until) {
    const Result<std::string> all =
        programs.run("pg_restore", {"--create", "--list", dump.string()}, world, until);
    LECTIO_TRY(all);
    std::string wanted;
    for (const std::string_view line : split_lines(*all)) {
        if (line.find(" DATABASE ") != line.npos) {
            wanted += std::string(line) + "\n";
        }
    }
    const PassingFile list(dump.string() + ".list", PassingFile::Earlier::goes);
    LECTIO_TRY(world.files.create_synced(list.path(), wanted, k_ours_alone));
    return programs.run("pg_restore",
                        {"--create", "--use-list=" + list.path().string(), "--file=-", dump.string()}, world,
                        until);
}

} // namespace

// Each begins a line and names the database as it was called; a text in it may have lines of its own.
Result<std::vector<std::string>> properties_in(std::string_view script, std::string_view name) {
    constexpr std::array<std::string_view, 4> k_verbs{"ALTER ", "COMMENT ON ", "GRANT ", "REVOKE "};
    const Result<Making> making = making_in(script);
    LECTIO_TRY(making);
    const std::string was = " DATABASE " + making->name + " ";
    std::vector<std::string> statements;
    bool is_whole = true;
    for (const std::string_view line : split_lines(script)) {
        if (is_whole) {
            const bool is_one = std::any_of(k_verbs.begin(), k_verbs.end(),
                                            [&](std::string_view verb) { return line.starts_with(verb); });
            const std::size_t at = is_one ? line.find(was) : line.npos;
            if (at == line.npos) {
                continue;
            }
            statements.emplace_back(line);
            statements.back().replace(at, was.size(), fmt::format(" DATABASE {} ", name));
        } else {
            statements.back() += "\n" + std::string(line);
        }
        const std::string& so_far = statements.back();
        is_whole = so_far.ends_with(';') && std::count(so_far.begin(), so_far.end(), '\'') % 2 == 0;
    }
    return statements;
}

Result<void> drop_leftovers(const ScratchPlace& place, World& world, SteadyTime until) {
    const Result<std::vector<std::string>> names = world.files.list(place.folder);
    LECTIO_TRY(names);
    for (const std::string& name : *names) {
        if (!name.starts_with(k_record_prefix)) {
            continue;
        }
        const Result<std::string> text = world.files.read(place.folder / name, k_longest_record);
        const nlohmann::json record = text ? json_within_depth(*text) : nlohmann::json();
        const std::string database = text_of(record, "database");
        if (text_of(record, "source") == place.source && is_ours(database)) {
            LECTIO_TRY(drop_database(place, database, world, until));
        }
    }
    return {};
}

ScratchDatabase::ScratchDatabase(ScratchPlace place, Use use, const std::string& id, World& world,
                                 SteadyTime until)
    : m_place(std::move(place)), m_use(use),
      m_name(fmt::format("{}{}", use == Use::proof ? k_proof_prefix : k_site_prefix, id)), m_world(world),
      m_until(until) {}

ScratchDatabase::~ScratchDatabase() {
    if (m_is_there) { // what went wrong before is told; what stays is written down
        [[maybe_unused]] const Result<void> gone = drop();
    }
}

Result<void> ScratchDatabase::create(std::string_view script) {
    const Result<Making> making = making_in(script);
    LECTIO_TRY(making);
    if (!m_place.folder.empty()) {
        const nlohmann::json record{{"schema", 1}, {"source", m_place.source}, {"database", m_name}};
        LECTIO_TRY(write_atomically(m_world.files, record_of(m_place.folder, m_name), record.dump() + "\n",
                                    k_ours_alone));
    }
    m_is_there = true;
    Result<PostgresConnection> connection = open_session(m_place.way, m_world.clock, m_until);
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> created =
        connection->statement(fmt::format("CREATE DATABASE {}{}", sql_identifier(m_name), making->how));
    return created ? Result<void>{} : created.error();
}

Result<void> ScratchDatabase::take_over_properties(std::string_view script) {
    Result<std::vector<std::string>> statements = properties_in(script, sql_identifier(m_name));
    LECTIO_TRY(statements);
    Result<PostgresConnection> connection = open_session(m_place.way, m_world.clock, m_until);
    LECTIO_TRY(connection);
    for (const std::string& statement : *statements) {
        const Result<std::vector<PostgresRow>> done = connection->statement(statement);
        LECTIO_TRY(done);
    }
    return {};
}

Result<void> ScratchDatabase::restore(const Path& dump) {
    const Result<PostgresServer> server = look_at(m_place.way, m_world.clock, m_until);
    LECTIO_TRY(server);
    if (!server->may_create_databases) {
        return Error{ErrorKind::permission,
                     "the role may not create databases, so none can be restored: ALTER ROLE … CREATEDB"};
    }
    LECTIO_TRY(drop());
    const Result<PostgresPrograms> programs =
        PostgresPrograms::fit_for(server->major, m_place.way.url, m_world, m_until);
    LECTIO_TRY(programs);
    const Result<std::string> script = script_of_database(*programs, dump, m_world, m_until);
    LECTIO_TRY(script);
    LECTIO_TRY(create(*script));
    std::vector<std::string> arguments{"--no-password", "--exit-on-error", "--dbname=" + m_name};
    if (m_use == Use::proof) {
        arguments.insert(arguments.end(),
                         {"--no-owner", "--no-privileges", "--no-comments", "--no-publications",
                          "--no-subscriptions", "--no-security-labels", "--no-tablespaces"});
    }
    arguments.push_back(dump.string());
    const Result<std::string> restored = programs->run("pg_restore", std::move(arguments), m_world, m_until);
    LECTIO_TRY(restored);
    return m_use == Use::site ? fit_for_the_site(*script) : Result<void>{};
}

// Without what the planner knows of its tables the site would be slow at first.
Result<void> ScratchDatabase::fit_for_the_site(std::string_view script) {
    {
        Result<PostgresConnection> connection = without_limits();
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> analyzed = connection->statement("ANALYZE");
        LECTIO_TRY(analyzed);
    }
    return take_over_properties(script);
}

// What a site's role or database is limited to is not meant for us.
Result<PostgresConnection> ScratchDatabase::without_limits() {
    Result<PostgresConnection> connection = open_session({m_place.way.url, m_name}, m_world.clock, m_until);
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> set = connection->statement(
        "SELECT set_config('statement_timeout', '0', false), set_config('row_security', 'off', false)");
    LECTIO_TRY(set);
    return connection;
}

Result<std::vector<Text>> ScratchDatabase::flaws(const snapshots::RowCounts& rows) {
    Result<PostgresConnection> connection = without_limits();
    LECTIO_TRY(connection);
    const Result<snapshots::RowCounts> found = count_rows(*connection);
    LECTIO_TRY(found);
    return snapshots::row_flaws(*found, rows);
}

Result<void> ScratchDatabase::drop() {
    const Result<void> dropped = drop_database(m_place, m_name, m_world, m_until);
    m_is_there = m_is_there && !dropped;
    return dropped;
}

Result<void> ScratchDatabase::give_away() {
    m_is_there = false;
    return m_place.folder.empty() ? Result<void>{} : remove_file(record_of(m_place.folder, m_name));
}

Result<std::vector<Text>> flaws_when_restored(const Path& tar, const PostgresSnapshot& snapshot,
                                              const BackupSource* source, const std::string& id, World& world,
                                              SteadyTime until) {
    if (source == nullptr || source->postgres.url.empty()) {
        return Error{ErrorKind::not_found, "its source is no longer in the configuration"};
    }
    const PassingFile dump(dump_beside(tar), PassingFile::Earlier::goes);
    LECTIO_TRY(extract_dump(tar, world, until));
    const ScratchPlace place{source->name, {source->postgres.url}, tar.parent_path()};
    ScratchDatabase database(place, ScratchDatabase::Use::proof, id, world, until);
    LECTIO_TRY(drop_leftovers(place, world, until));
    const Result<void> restored = database.restore(dump.path());
    if (!restored) {
        // pg_restore that ends by itself while the server is well says that the dump is not.
        const bool was_ours = restored.error().kind == ErrorKind::io &&
                              look_at({source->postgres.url}, world.clock, until).ok();
        return was_ours
                   ? Result<std::vector<Text>>(std::vector{say(k_does_not_restore, restored.error().message)})
                   : restored.error();
    }
    Result<std::vector<Text>> flaws = database.flaws(snapshot.rows);
    LECTIO_TRY(flaws);
    LECTIO_TRY(database.drop());
    return flaws;
}

} // namespace lectio::backup
