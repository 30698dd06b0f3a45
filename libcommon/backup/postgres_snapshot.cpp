#include "backup/postgres_snapshot.h"

#include "backup/manifest.h"
#include "backup/passing_file.h"
#include "backup/postgres_server.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr mode_t k_ours_alone = 0600;
constexpr Duration k_lock_wait =
    1min; // behind a migration: then there is no backup rather than a queue behind us
constexpr int k_has_transaction_timeout = 17;

constexpr Phrase k_other_bytes{"its content has changed", "её содержимое изменилось"};

Path beside(const Path& tar, std::string_view member) {
    return tar.string() + "." + std::string(member);
}

// A transaction that sees one moment and holds it, for us and for pg_dump.
class Moment {
  public:
    static Result<Moment> now(const PostgresSource& source, int server, Clock& clock, SteadyTime until) {
        Result<PostgresConnection> connection = open_session({source.url}, clock, until);
        LECTIO_TRY(connection);
        // As pg_dump has it: what the role is limited to is meant for the site.
        std::string settings = fmt::format(
            "SELECT set_config('search_path', '', false), set_config('row_security', 'off', false),"
            " set_config('statement_timeout', '0', false), set_config('lock_timeout', '{}', false),"
            " set_config('idle_in_transaction_session_timeout', '0', false)",
            k_lock_wait.count());
        if (server >= k_has_transaction_timeout) {
            settings += ", set_config('transaction_timeout', '0', false)";
        }
        const Result<std::vector<PostgresRow>> set = connection->statement(settings);
        LECTIO_TRY(set);
        const Result<std::vector<PostgresRow>> begun =
            connection->statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        LECTIO_TRY(begun);
        const Result<std::vector<PostgresRow>> name =
            connection->statement("SELECT pg_catalog.pg_export_snapshot()");
        LECTIO_TRY(name);
        return Moment(std::move(*connection), name->front().front().value_or(""));
    }
    [[nodiscard]] const std::string& name() const { return m_name; }
    Result<snapshots::RowCounts> count() { return count_rows(m_connection); }

  private:
    Moment(PostgresConnection connection, std::string name)
        : m_connection(std::move(connection)), m_name(std::move(name)) {}
    PostgresConnection m_connection;
    std::string m_name;
};

class Taking {
  public:
    Taking(const PostgresSource& source, const Path& into, World& world, SteadyTime until,
           const ReadThrough& read)
        : m_source(source), m_into(into), m_dump(beside(into, k_postgres_dump)),
          m_globals(beside(into, k_postgres_globals)), m_world(world), m_until(until), m_read(read) {}

    Result<PostgresSnapshot> go() {
        const Result<PostgresServer> server = look_at({m_source.url}, m_world.clock, m_until);
        LECTIO_TRY(server);
        const Result<PostgresPrograms> programs =
            PostgresPrograms::fit_for(server->major, m_source.url, m_world, m_until);
        LECTIO_TRY(programs);
        m_snapshot.server = server->version;
        m_snapshot.database = server->database;
        m_snapshot.has_globals = m_source.globals;
        m_snapshot.has_passwords = m_source.globals && server->may_read_passwords;
        Result<std::string> version = programs->run("pg_dump", {"--version"}, m_world, m_until);
        LECTIO_TRY(version);
        m_snapshot.made_with = clean_line(*version);
        LECTIO_TRY(dump(*server, *programs));
        if (m_source.globals) {
            LECTIO_TRY(dump_globals(*programs));
        }
        LECTIO_TRY(put_together());
        Result<FileDigest> digest = m_read(m_into, m_world.clock, m_until);
        LECTIO_TRY(digest);
        m_snapshot.file = std::move(*digest);
        return m_snapshot;
    }

  private:
    // Not compressed: zstd does that better, and the plain size is what is compared with the last one's.
    Result<void> dump(const PostgresServer& server, const PostgresPrograms& programs) {
        Result<Moment> moment = Moment::now(m_source, server.major, m_world.clock, m_until);
        LECTIO_TRY(moment);
        m_snapshot.taken = std::chrono::floor<std::chrono::seconds>(m_world.clock.now().wall);
        Result<snapshots::RowCounts> rows = moment->count();
        LECTIO_TRY(rows);
        if (rows->empty()) {
            return Error{ErrorKind::invalid,
                         fmt::format("unable to back up {}: it has no tables", clean_line(server.database))};
        }
        m_snapshot.rows = std::move(*rows);
        LECTIO_TRY(m_world.files.create_synced(m_dump.path(), "", k_ours_alone)); // pg_dump keeps the mode
        const Result<std::string> dumped =
            programs.run("pg_dump",
                         {"--format=custom", "--compress=0", "--no-password",
                          fmt::format("--lock-wait-timeout={}", k_lock_wait.count()),
                          "--snapshot=" + moment->name(), "--file=" + m_dump.path().string()},
                         m_world, m_until);
        LECTIO_TRY(dumped);
        const Result<std::string> list =
            programs.run("pg_restore", {"--list", m_dump.path().string()}, m_world, m_until);
        LECTIO_TRY(list);
        return list->find(" TABLE DATA ") != std::string::npos
                   ? Result<void>{}
                   : Error{ErrorKind::invalid, fmt::format("unable to back up {}: the dump has no tables",
                                                           clean_line(server.database))};
    }

    Result<void> dump_globals(const PostgresPrograms& programs) {
        LECTIO_TRY(m_world.files.create_synced(m_globals.path(), "", k_ours_alone));
        std::vector<std::string> arguments{"--globals-only", "--no-password",
                                           "--database=" + m_snapshot.database,
                                           "--file=" + m_globals.path().string()};
        if (!m_snapshot.has_passwords) {
            arguments.emplace_back("--no-role-passwords");
        }
        const Result<std::string> done = programs.run("pg_dumpall", std::move(arguments), m_world, m_until);
        return done ? Result<void>{} : done.error();
    }

    // The names in the tar are ours, whatever its own name is.
    Result<void> put_together() {
        LECTIO_TRY(m_world.files.create_synced(m_into, "", k_ours_alone));
        std::vector<std::string> arguments{"--create",
                                           "--format=gnu",
                                           "--file=" + m_into.string(),
                                           "--directory=" + m_into.parent_path().string(),
                                           fmt::format("--transform=s|^{}\\.||", m_into.filename().string()),
                                           "--"};
        if (m_source.globals) {
            arguments.push_back(m_globals.path().filename().string());
        }
        arguments.push_back(m_dump.path().filename().string());
        const Result<Said> said = run_tar(std::move(arguments), m_world, m_until);
        LECTIO_TRY(said);
        if (said->status != 0) {
            return Error{ErrorKind::io, said->lines.empty() ? "tar: exit status 1" : said->lines.front()};
        }
        return {};
    }

    const PostgresSource& m_source;
    const Path& m_into;
    PassingFile m_dump, m_globals;
    World& m_world;
    SteadyTime m_until;
    const ReadThrough& m_read;
    PostgresSnapshot m_snapshot;
};

} // namespace

Json json_of(const PostgresSnapshot& snapshot) {
    return manifest_of(head_of(snapshot), "postgres",
                       {{"server", snapshot.server},
                        {"database", snapshot.database},
                        {"rows", snapshot.rows},
                        {"globals", snapshot.has_globals},
                        {"passwords", snapshot.has_passwords}});
}

Result<PostgresSnapshot> postgres_snapshot_from(const Json& json) {
    PostgresSnapshot snapshot;
    const Json rows = object_of(json, "rows");
    snapshot.database = text_of(json, "database");
    const Result<ManifestHead> head = head_from(json, "postgres");
    if (!head || snapshot.database.empty() || !snapshots::are_row_counts(rows)) {
        return Error{ErrorKind::invalid, "this is no manifest of a snapshot of PostgreSQL"};
    }
    take_over(*head, snapshot);
    snapshot.server = text_of(json, "server");
    snapshot.rows = snapshots::row_counts_from(rows);
    snapshot.has_globals = flag_of(json, "globals");
    snapshot.has_passwords = flag_of(json, "passwords");
    return snapshot;
}

Result<PostgresSnapshot> take_postgres(const PostgresSource& source, const Path& into, World& world,
                                       SteadyTime until, const ReadThrough& read) {
    const SteadyTime begun = world.clock.steady();
    Result<PostgresSnapshot> snapshot = Taking(source, into, world, until, read).go();
    if (!snapshot) {
        [[maybe_unused]] const Result<void> removed = remove_file(into); // why there is none is what counts
        return snapshot;
    }
    snapshot->took = std::chrono::duration_cast<Duration>(world.clock.steady() - begun);
    return snapshot;
}

Result<std::vector<Text>> flaws_of_postgres(const Path& tar, const PostgresSnapshot& snapshot, World& world,
                                            SteadyTime until) {
    const Result<FileDigest> digest = digest_of(tar, world.clock, until);
    LECTIO_TRY(digest);
    return *digest == snapshot.file ? std::vector<Text>{} : std::vector{say(k_other_bytes)};
}

Path dump_beside(const Path& tar) {
    return beside(tar, k_postgres_dump);
}

Result<void> extract_dump(const Path& tar, World& world, SteadyTime until) {
    LECTIO_TRY(remove_file(dump_beside(tar)));
    const Result<Said> said = run_tar({"--extract", "--no-same-owner", "--file=" + tar.string(),
                                       "--directory=" + tar.parent_path().string(),
                                       fmt::format("--transform=s|^|{}.|", tar.filename().string()), "--",
                                       std::string(k_postgres_dump)},
                                      world, until);
    return said ? Result<void>{} : said.error();
}

} // namespace lectio::backup
