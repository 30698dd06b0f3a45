#include "backup/postgres_server.h"

#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_patience = 30s;
constexpr std::string_view k_debian = "/usr/lib/postgresql"; // NN/bin, postgresql-client-NN
constexpr std::size_t k_most_tables = 100'000;

// What none may be found older than.
std::optional<int> oldest_that_fits(int server, World& world) {
    std::optional<int> best;
    const Result<std::vector<std::string>> versions = world.files.list(k_debian);
    for (const std::string& name : versions ? *versions : std::vector<std::string>()) {
        const std::optional<int> version = number_from<int>(name);
        if (version && *version >= server && (!best || *version < *best) &&
            world.files.info(Path(k_debian) / name / "bin/pg_dump", Files::Follow::yes)) {
            best = version;
        }
    }
    return best;
}

// "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
std::optional<int> major_in(std::string_view words) {
    constexpr std::string_view k_before = "(PostgreSQL) ";
    const std::size_t at = words.find(k_before);
    if (at == words.npos) {
        return std::nullopt;
    }
    words.remove_prefix(at + k_before.size());
    return number_from<int>(words.substr(0, words.find_first_not_of("0123456789")));
}

// "pg_dump: error: why" and "pg_dump: detail: more of it"; around them stand warnings and what it did just then.
std::string reason_in(const std::vector<std::string>& lines) {
    std::string reason;
    for (const std::string_view mark : {": error: ", ": detail: "}) {
        const auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& one) {
            return one.find(mark) != std::string::npos;
        });
        if (line != lines.end()) {
            reason += (reason.empty() ? "" : ": ") + line->substr(line->find(mark) + mark.size());
        }
    }
    return reason.empty() && !lines.empty() ? lines.front() : reason;
}

ErrorKind kind_of(std::string_view reason) {
    const auto says = [&](std::string_view words) { return reason.find(words) != reason.npos; };
    if (says("No space left on device")) {
        return ErrorKind::no_space;
    }
    // A server that was restarted meanwhile says nothing of the dump, though it answers again a moment later.
    for (const std::string_view lost :
         {"server closed the connection", "terminating connection", "connection to server",
          "no connection to the server", "the database system is"}) {
        if (says(lost)) {
            return ErrorKind::timeout;
        }
    }
    return says("permission denied") || says("must be ") ? ErrorKind::permission : ErrorKind::io;
}

} // namespace

Result<PostgresConnection> open_session(const PostgresWay& way, Clock& clock, SteadyTime until) {
    return PostgresConnection::at({way.url, "", until, way.database}, clock);
}

Result<std::string> database_in(const Secret& url) {
    const Result<std::vector<std::pair<std::string, std::string>>> environment = postgres_environment(url);
    LECTIO_TRY(environment);
    for (const std::string_view name : {"PGDATABASE", "PGUSER"}) {
        const auto found = std::find_if(environment->begin(), environment->end(),
                                        [&](const auto& one) { return one.first == name; });
        if (found != environment->end()) {
            return found->second;
        }
    }
    return std::string();
}

Result<PostgresServer> look_at(const PostgresWay& way, Clock& clock, SteadyTime until) {
    Result<PostgresConnection> connection =
        open_session(way, clock, std::min(until, clock.steady() + k_patience));
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> rows = connection->query(
        "SELECT current_setting('server_version_num'), current_setting('server_version'), current_database(),"
        " has_table_privilege('pg_catalog.pg_authid', 'select'), rolsuper OR rolcreatedb,"
        " pg_database_size(current_database()) FROM pg_catalog.pg_roles WHERE rolname = current_user");
    LECTIO_TRY(rows);
    constexpr int k_per_major = 10'000; // 150018
    const auto value = [&](std::size_t column) { return rows->front().at(column).value_or(""); };
    const std::optional<int> version = rows->empty() ? std::nullopt : number_from<int>(value(0));
    const std::optional<std::uint64_t> size =
        rows->empty() ? std::nullopt : number_from<std::uint64_t>(value(5));
    if (!version || !size) {
        return Error{ErrorKind::protocol, "PostgreSQL does not say its version"};
    }
    return PostgresServer{*version / k_per_major, clean_line(value(1)), value(2),
                          value(3) == "t",        value(4) == "t",      Bytes{*size}};
}

// Those of extensions are made by them; system schemas begin with pg_.
Result<snapshots::RowCounts> count_rows(PostgresConnection& connection) {
    const Result<std::vector<PostgresRow>> tables = connection.statement(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'"
        " AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d"
        " WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = "
        "'e')",
        k_most_tables);
    LECTIO_TRY(tables);
    snapshots::RowCounts counts;
    for (const PostgresRow& row : *tables) {
        const std::string table = row.front().value_or("");
        const Result<std::vector<PostgresRow>> rows =
            connection.statement(fmt::format("SELECT pg_catalog.count(*) FROM {}", table));
        LECTIO_TRY(rows);
        counts[table] =
            rows->empty() ? 0 : number_from<std::int64_t>(rows->front().front().value_or("")).value_or(0);
    }
    return counts;
}

Result<PostgresPrograms> PostgresPrograms::fit_for(int server, const Secret& url, World& world,
                                                   SteadyTime until) {
    PostgresPrograms programs;
    Result<std::vector<std::pair<std::string, std::string>>> environment = postgres_environment(url);
    LECTIO_TRY(environment);
    programs.m_environment = std::move(*environment);
    const auto has = [&](std::string_view name) {
        return std::any_of(programs.m_environment.begin(), programs.m_environment.end(),
                           [&](const auto& one) { return one.first == name; });
    };
    if (!has("PGCONNECT_TIMEOUT")) { // it would wait for a server that is gone as long as TCP does
        programs.m_environment.emplace_back("PGCONNECT_TIMEOUT", fmt::format("{}", k_patience / 1s));
    }
    if (const std::optional<int> debian = oldest_that_fits(server, world)) {
        programs.m_folder = Path(k_debian) / fmt::format("{}/bin", *debian);
        return programs;
    }
    const Result<std::string> version = programs.run("pg_dump", {"--version"}, world, until);
    if (!version) {
        return Error{ErrorKind::not_found,
                     fmt::format("pg_dump is not installed: apt-get install postgresql-client-{}", server)};
    }
    if (major_in(*version).value_or(0) < server) {
        return Error{ErrorKind::not_found,
                     fmt::format("PostgreSQL {0} on the server, pg_dump here is older ({1}): apt-get install "
                                 "postgresql-client-{0}",
                                 server, clean_line(*version))};
    }
    return programs;
}

Result<std::string> PostgresPrograms::run(std::string_view name, std::vector<std::string> arguments,
                                          World& world, SteadyTime until) const {
    constexpr int k_any = 255;
    ProcessRequest request;
    request.command = {m_folder.empty() ? std::string(name) : (m_folder / name).string()};
    std::move(arguments.begin(), arguments.end(), std::back_inserter(request.command));
    request.environment = m_environment;
    const Result<Said> said = run_program(std::move(request), k_any, world, until);
    LECTIO_TRY(said);
    if (said->status == 0) {
        return said->out;
    }
    const std::string reason = reason_in(said->lines);
    return Error{kind_of(reason), reason.empty() ? fmt::format("{}: exit status {}", name, said->status)
                                                 : fmt::format("{}: {}", name, reason)};
}

} // namespace lectio::backup
