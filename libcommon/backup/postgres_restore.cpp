#include "backup/postgres_restore.h"

#include "backup/passing_file.h"
#include "util/sql.h"
#include "util/text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

// Every server has both; nothing of the site's is in the first.
constexpr std::string_view k_always_there = "postgres", k_also_there = "template1";
constexpr std::size_t k_longest_name = 63; // NAMEDATALEN

} // namespace

PostgresWay way_beside(const Secret& url, std::string_view name) {
    return {url, std::string(name == k_always_there ? k_also_there : k_always_there)};
}

// Of sessions of other roles a role sees no more than that they are there; what has no user is the server's own.
Result<std::vector<std::string>> users_of(PostgresConnection& connection, const std::string& database) {
    constexpr std::size_t k_most = 1'000;
    const Result<std::vector<PostgresRow>> rows = connection.query(
        fmt::format(
            "SELECT coalesce(nullif(application_name, ''), usename, '?') || ' (' || pid"
            " || coalesce(' ' || pg_catalog.host(client_addr), '') || ')', pid"
            " FROM pg_catalog.pg_stat_activity WHERE datname = {0} AND pid <> pg_backend_pid()"
            " AND usesysid IS NOT NULL UNION ALL"
            " SELECT 'prepared transaction ' || gid, 0 FROM pg_catalog.pg_prepared_xacts WHERE database = {0}"
            " ORDER BY 2",
            sql_literal(database)),
        k_most);
    LECTIO_TRY(rows);
    std::vector<std::string> users;
    for (const PostgresRow& row : *rows) {
        users.push_back(clean_line(row.front().value_or("")));
    }
    return users;
}

Result<PostgresTarget> target_of(std::string_view to, const Secret& url) {
    const bool is_url = to.find("://") != to.npos;
    PostgresTarget target;
    target.url = is_url ? Secret(std::string(to)) : url;
    Result<std::string> named = database_in(target.url);
    LECTIO_TRY(named);
    target.database = is_url ? std::move(*named) : std::string(to);
    if (target.database.empty()) {
        return Error{ErrorKind::invalid, "the URL names no database"};
    }
    return target;
}

PostgresRestore::PostgresRestore(PostgresTarget target, const std::string& id, World& world, SteadyTime until)
    : m_target(std::move(target)), m_world(world), m_until(until), m_begun(world.clock.now().wall),
      m_beside({m_target.source, way_beside(m_target.url, m_target.database),
                m_target.source.empty() ? Path() : m_target.folder},
               ScratchDatabase::Use::site, id, world, until) {}

PostgresWay PostgresRestore::way() const {
    return way_beside(m_target.url, m_target.database);
}

std::string PostgresRestore::name_aside() const {
    if (!m_target.aside.empty()) {
        return m_target.aside;
    }
    std::string moment = format_utc(m_begun); // 2026-11-22T16:45:01Z
    std::erase_if(moment, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
    std::replace(moment.begin(), moment.end(), 'T', '_');
    const std::string ending = "_before_" + moment;
    return m_target.database.substr(0, k_longest_name - ending.size()) + ending;
}

Result<bool> PostgresRestore::is_there() {
    Result<PostgresConnection> connection = open_session(way(), m_world.clock, m_until);
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> rows = connection->query(fmt::format(
        "SELECT 1 FROM pg_catalog.pg_database WHERE datname = {}", sql_literal(m_target.database)));
    LECTIO_TRY(rows);
    return !rows->empty();
}

Result<void> PostgresRestore::prepare(const Path& tar, const PostgresSnapshot& snapshot) {
    const PassingFile dump(dump_beside(tar), PassingFile::Earlier::goes);
    LECTIO_TRY(extract_dump(tar, m_world, m_until));
    LECTIO_TRY(m_beside.restore(dump.path()));
    const Result<std::vector<Text>> flaws = m_beside.flaws(snapshot.rows);
    LECTIO_TRY(flaws);
    return flaws->empty()
               ? Result<void>{}
               : Error{ErrorKind::invalid, fmt::format("unable to restore {}: {}",
                                                       clean_line(m_target.database), flaws->front().en)};
}

Result<std::vector<std::string>> PostgresRestore::users() {
    Result<PostgresConnection> connection = open_session(way(), m_world.clock, m_until);
    LECTIO_TRY(connection);
    return users_of(*connection, m_target.database);
}

// One transaction: at no moment is there none, and a crash leaves either.
Result<std::string> PostgresRestore::take_its_place() {
    const Result<bool> stands = is_there();
    LECTIO_TRY(stands);
    const std::string aside = *stands ? name_aside() : std::string();
    Result<PostgresConnection> connection = open_session(way(), m_world.clock, m_until);
    LECTIO_TRY(connection);
    const auto renaming = [](const std::string& from, const std::string& to) {
        return fmt::format("ALTER DATABASE {} RENAME TO {};", sql_identifier(from), sql_identifier(to));
    };
    const Result<std::vector<PostgresRow>> done = connection->statement(
        fmt::format("BEGIN; {}{} COMMIT", *stands ? renaming(m_target.database, aside) : "",
                    renaming(m_beside.name(), m_target.database)));
    LECTIO_TRY(done);
    LECTIO_TRY(m_beside.give_away());
    return aside;
}

} // namespace lectio::backup
