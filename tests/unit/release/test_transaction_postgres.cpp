// Migrations of a real Django on a real PostgreSQL, behind the fence: tests/integration/test_deploy_postgres.py brings the
// server, and a role that owns its database and may create others.
#include "backup/postgres_server.h"
#include "django_site.h"
#include "made_up_site.h"
#include "platform/postgres.h"
#include "platform/stop.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;
using Ends = Outcome::Result;
using Asking = release::Transaction::Asking;

namespace {

using Migrations = std::map<std::string, MadeUpMigration>;
const Migrations k_lossy{{"0002_worse", {"migrations.RemoveField('lesson', 'notes')"}}};
const Migrations k_additive{
    {"0002_room", {"migrations.AddField('lesson', 'room', models.TextField(null=True))"}}};

std::string given_url() {
    const char* url = std::getenv("LECTIO_TEST_POSTGRES");
    return url == nullptr ? "" : url;
}

std::string replaced_in(std::string text, std::string_view what, std::string_view with) {
    const std::size_t at = text.find(what);
    return at == text.npos ? text : text.replace(at, what.size(), with);
}

// The same server, another database.
std::string url_of(std::string_view database, const std::string& url = given_url()) {
    return url.substr(0, url.rfind('/') + 1) + std::string(database);
}

PostgresConnection connected(const std::string& url) {
    static SystemClock clock; // which the connection goes on asking
    return std::move(
        PostgresConnection::at({Secret(url), "", clock.steady() + std::chrono::minutes(10)}, clock).value());
}

// As the superuser of the server.
void as_superuser(const std::string& sql, std::string_view database = "postgres") {
    const std::string url = url_of(database, replaced_in(given_url(), "site@", "postgres@"));
    const Result<std::vector<PostgresRow>> done = connected(url).statement(sql);
    INFO(sql << ": " << (done ? "" : done.error().message));
    REQUIRE(done);
}

// A site of Django's with a database on a server, which it makes anew each time.
struct ServedByPostgres : MadeUpSite {
    explicit ServedByPostgres(const std::string& name = "site") : MadeUpSite(Kind::backend) {
        REQUIRE_FALSE(given_url().empty());
        as_superuser("DROP DATABASE IF EXISTS \"" + name + "\" WITH (FORCE)");
        const std::vector<PostgresRow> replaced =
            connected(url_of("postgres"))
                .query("SELECT datname FROM pg_database WHERE datname ~ '^site_(before|left)_'")
                .value();
        for (const PostgresRow& row : replaced) {
            as_superuser("DROP DATABASE \"" + row.front().value_or("") + "\"");
        }
        as_superuser("CREATE DATABASE \"" + name + "\" OWNER site");
        programs.asks_django = true;
        use_postgres(url_of(name));
        for (const auto& [path, content] : build("first", {})) {
            std::filesystem::create_directories((served() / path).parent_path());
            spill(served() / path, content);
        }
        ProcessRequest request;
        request.command = {"python", "manage.py", "migrate"};
        request.folder = served().string();
        request.timeout = std::chrono::minutes(2);
        REQUIRE(programs.run(request)->exit_status == 0);
        adopt();
        boot();
        before = schema();
        programs.on_migrate = [this] { content_before = content(); };
    }
    [[nodiscard]] Build build(const std::string& word, const Migrations& migrations) const {
        Build all = build_of(word);
        for (const auto& [path, content] : django_project(programs.postgres, migrations)) {
            all[path] = content;
        }
        return all;
    }
    // What visitors have written, row by row.
    [[nodiscard]] std::string content() const {
        return ask_server(
            "SELECT coalesce(string_agg(id || ' ' || title, E'\\n' ORDER BY id), '') FROM lessons_lesson");
    }
    // Each row is as it was when the migrations began; those of later visitors follow.
    void has_kept_its_rows() const {
        CHECK_FALSE(content_before.empty());
        CHECK(content().substr(0, content_before.size()) == content_before);
    }
    void is_as_before(const Outcome& outcome, Ends expected) {
        INFO(outcome.reason.en << "; " << outcome.hint.en);
        CHECK(outcome.result == expected);
        CHECK(serves_whole("first"));
        CHECK(schema() == before);
        has_kept_its_rows();
        CHECK(running["celery.service"] == word_served());
        check_invariants(*this);
    }
    // Nobody was stopped for it, and nothing of ours stays on the server.
    void refuses(const Build& build, const std::string& words, const std::string& hint = "") {
        services.jobs.clear();
        const Outcome outcome = release(build);
        INFO(outcome.reason.en << "; " << outcome.hint.en);
        CHECK(outcome.result == Ends::refused);
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK(outcome.hint.en.find(hint) != std::string::npos);
        CHECK(services.jobs.empty());
        CHECK(schema() == before);
        check_invariants(*this);
    }
    [[nodiscard]] std::string left_on_server() const {
        return ask_server(
            "SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database WHERE datname LIKE 'lectio\\_%'");
    }
    // All that pg_dump knows of the database, its own properties, too.
    [[nodiscard]] std::string whole() {
        World world{clock, files, host, bare.http, processes, services, bare.redis};
        const SteadyTime until = clock.steady() + std::chrono::minutes(2);
        const Secret url(given_url());
        const Result<backup::PostgresPrograms> theirs =
            backup::PostgresPrograms::fit_for(backup::look_at({url}, clock, until)->major, url, world, until);
        const std::string text = theirs->run("pg_dump", {"--create"}, world, until).value();
        std::string kept;
        for (const std::string_view line : split_lines(text)) {
            if (line.find("restrict ") == line.npos) { // a key of that call alone
                kept += std::string(line) + "\n";
            }
        }
        return kept;
    }
    std::string before, content_before;
    SystemClock clock;
    SystemProcesses processes;
};

} // namespace

TEST_CASE("PostgreSQL: migrations of each kind, and a gate that fails before and after visitors come",
          "[.postgres]") {
    struct Row {
        const char* kind;
        Migrations migrations;
        bool is_applied = true, changes_tables = true;
    };
    const std::array<Row, 6> rows{{
        {"additive", k_additive},
        {"reversible",
         {{"0002_wider", {"migrations.AlterField('lesson', 'title', models.CharField(max_length=80))"}}}},
        {"lossy", k_lossy},
        {"irreversible",
         {{"0002_text", {"migrations.RunSQL(\"UPDATE lessons_lesson SET title = 'gone'\")"}}},
         true,
         false},
        {"fails half way",
         {{"0002_half",
           {"migrations.RunSQL('ALTER TABLE lessons_lesson ADD level integer'), migrations.RunSQL('DELETE "
            "FROM "
            "lessons_lesson'), migrations.RunSQL('DELETE FROM no_such')",
            "atomic = False"}}},
         false},
        {"fails",
         {{"0002_worse", {"migrations.RemoveField('lesson', 'notes')"}},
          {"0003_fails", {"migrations.RunSQL('DELETE FROM no_such')"}}},
         false},
    }};
    for (const Row& row : rows) {
        INFO(row.kind);
        ServedByPostgres site;
        const bool adds = std::string_view(row.kind) == "additive";
        // Before anybody has met it.
        site.canary_is_broken = row.is_applied;
        const Outcome early = site.release(site.build("second", row.migrations));
        site.canary_is_broken = false;
        CHECK(early.phase == "migrate");
        if (!row.is_applied) {
            CHECK(early.reason.en.find("relation \"no_such\" does not exist") != std::string::npos);
            site.is_as_before(early, Ends::refused);
            continue;
        }
        if (adds) { // stays, for the code of before goes on with it
            CHECK(early.result == Ends::refused);
            CHECK(site.schema() != site.before);
            CHECK(is_known_to_fit(*site.record(site.served_id()), site.schema()));
            site.has_kept_its_rows();
            check_invariants(site);
        } else {
            site.is_as_before(early, Ends::refused);
        }
        // Visitors were let in, and nobody came.
        ServedByPostgres nobody;
        nobody.refuses_to_start = "second";
        const Outcome late = nobody.release(nobody.build("second", row.migrations));
        nobody.refuses_to_start.clear();
        if (adds) {
            CHECK(late.result == Ends::rolled_back);
            CHECK(nobody.serves_whole("first"));
            nobody.has_kept_its_rows();
            check_invariants(nobody);
        } else {
            nobody.is_as_before(late, Ends::rolled_back);
        }
        // They came, and wrote.
        ServedByPostgres visited;
        const Outcome written = visited.release(visited.build("broken", row.migrations));
        INFO(written.reason.en);
        CHECK(written.result == (adds ? Ends::rolled_back : Ends::needs_human));
        CHECK(visited.serves_whole(adds ? "first" : "broken"));
        CHECK((visited.schema() != visited.before) == row.changes_tables);
        check_invariants(visited);
        if (!adds) {
            CHECK(visited.record(visited.served_id())->state == State::failing);
        }
        // And where nothing is wrong with it.
        ServedByPostgres good;
        CHECK(good.release(good.build("second", row.migrations)).result == Ends::released);
        CHECK(good.serves_whole("second"));
        CHECK(good.left_on_server().empty());
        check_invariants(good);
    }
}

TEST_CASE("PostgreSQL: a long name is cut between two letters", "[.postgres]") {
    ServedByPostgres site("учебная_панель_большой_школы"); // with "_before_" and an id it is too long
    site.canary_is_broken = true;
    site.is_as_before(site.release(site.build("second", k_lossy)), Ends::refused);
    const std::string kept =
        site.ask_server("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '_before_be-'");
    CHECK(kept.starts_with("учебная_панель"));
    as_superuser("DROP DATABASE \"" + kept + "\"");
}

TEST_CASE("PostgreSQL: who stops a release that is being watched has not judged it", "[.postgres]") {
    ServedByPostgres site;
    site.on_look = [&] { request_stop_for_test(site.serves_whole("second") ? SIGTERM : 0); };
    const Outcome outcome = site.release(site.build("second", k_lossy));
    request_stop_for_test(0);
    site.on_look = {};
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::stopped);
    CHECK(site.serves_whole("second"));
    CHECK(site.record(outcome.release)->state == State::staged);
    REQUIRE(site.recover().size() == 1);
    CHECK(site.record(outcome.release)->state == State::good);
    check_invariants(site);
}

TEST_CASE("PostgreSQL: what is put back is what was there, all of it", "[.postgres]") {
    ServedByPostgres site;
    as_superuser("DROP ROLE IF EXISTS reader");
    as_superuser("CREATE ROLE reader");
    for (const char* sql :
         {"CREATE EXTENSION IF NOT EXISTS pg_trgm",
          "CREATE SCHEMA IF NOT EXISTS apart",
          "CREATE TABLE apart.notes (id bigint GENERATED ALWAYS AS IDENTITY (START 700), body text, CHECK "
          "(body <> ''))",
          "INSERT INTO apart.notes (body) VALUES ('one'), ('two')",
          "CREATE INDEX ON apart.notes USING gin (body public.gin_trgm_ops)",
          "CREATE SEQUENCE apart.invoices INCREMENT 10",
          "SELECT nextval('apart.invoices')",
          "SELECT setval('lessons_lesson_id_seq', 4711, false)",
          "SELECT lo_from_bytea(0, '\\x00ff61')",
          "CREATE MATERIALIZED VIEW apart.counted AS SELECT count(*) FROM apart.notes",
          "CREATE FUNCTION apart.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
          "CREATE TRIGGER touch BEFORE UPDATE ON apart.notes FOR EACH ROW EXECUTE FUNCTION apart.touch()",
          "COMMENT ON TABLE apart.notes IS 'it''s mine'",
          "CREATE UNLOGGED TABLE apart.passing AS SELECT 1 AS one",
          "ALTER TABLE apart.notes ENABLE ROW LEVEL SECURITY",
          "GRANT USAGE ON SCHEMA apart TO reader",
          "GRANT SELECT (body) ON apart.notes TO reader WITH GRANT OPTION",
          "ALTER DEFAULT PRIVILEGES IN SCHEMA apart GRANT SELECT ON TABLES TO reader",
          "GRANT CONNECT ON DATABASE site TO reader",
          "REVOKE CONNECT ON DATABASE site FROM public",
          "ALTER DATABASE site SET statement_timeout = '7s'",
          "ALTER DATABASE site SET search_path = public, apart",
          "ALTER DATABASE site CONNECTION LIMIT 9",
          "COMMENT ON DATABASE site IS 'of the site; ''all'' of it'",
          "ALTER ROLE site IN DATABASE site SET work_mem = '7MB'"}) {
        INFO(sql);
        site.change_database(sql);
    }
    site.before = site.schema();
    std::string before;
    site.programs.on_migrate = [&] {
        before = site.whole();
        site.content_before = site.content();
    };
    site.canary_is_broken = true;
    site.programs.on_migrate();
    const Migrations all{
        {"0002_worse",
         {"migrations.RemoveField('lesson', 'notes'), migrations.RunSQL('DROP SCHEMA apart CASCADE'), "
          "migrations.RunSQL(\"SELECT lo_unlink(oid) FROM pg_largeobject_metadata\")"}}};
    const Outcome outcome = site.release(site.build("second", all));
    CHECK(outcome.reason.en.find("private socket") == std::string::npos);
    CHECK(site.whole() == before);
    site.canary_is_broken = false;
    site.is_as_before(outcome, Ends::refused);
    CHECK(site.ask_server("SELECT count(*) FROM pg_stats WHERE tablename = 'lessons_lesson'") !=
          "0"); // the planner's
}

TEST_CASE("PostgreSQL: what others write meanwhile lies beside what was put back", "[.postgres]") {
    ServedByPostgres site;
    // A command of cron, which nobody stops: after the copy was made, and after the migration.
    site.programs.on_migrate = [&] {
        site.content_before = site.content();
        site.change_database("INSERT INTO lessons_lesson (title, notes) VALUES ('by cron', '')");
    };
    site.canary_is_broken = true;
    const Outcome outcome = site.release(site.build("second", k_lossy));
    site.is_as_before(outcome, Ends::refused);
    CHECK(site.content().find("by cron") == std::string::npos);
    for (const Text& note : outcome.notes) {
        UNSCOPED_INFO(note.en);
    }
    const std::string aside = "site_before_" + outcome.release;
    const bool told = std::any_of(outcome.notes.begin(), outcome.notes.end(), [&](const Text& note) {
        return note.en.find("postgresql:" + aside) != std::string::npos;
    });
    CHECK(told);
    const std::string there = url_of(aside);
    INFO(there);
    CHECK(connected(there)
              .query("SELECT title FROM lessons_lesson ORDER BY id DESC LIMIT 1")
              ->front()
              .front() == "by cron");
}

TEST_CASE("PostgreSQL: who else is connected is ended, waited for or named", "[.postgres]") {
    ServedByPostgres site;
    // A pool keeps it for units that do not run any more.
    PostgresConnection idle = connected(given_url());
    REQUIRE(idle.statement("SELECT 1"));
    site.canary_is_broken = true;
    site.is_as_before(site.release(site.build("second", k_lossy)), Ends::refused);
    CHECK_FALSE(idle.statement("SELECT 1"));

    // Somebody works in it when the units have stopped: nothing is begun.
    std::optional<PostgresConnection> busy = connected(given_url());
    REQUIRE(busy->statement("SET application_name = 'psql of olga'"));
    REQUIRE(busy->statement("BEGIN"));
    const Outcome refused = site.release(site.build("second", k_lossy));
    CHECK(refused.reason.en.find("psql of olga (") != std::string::npos);
    CHECK(refused.hint.en.find("pg_terminate_backend") != std::string::npos);
    site.is_as_before(refused, Ends::refused);
    REQUIRE(busy->statement("COMMIT"));
    busy.reset();

    // A person of other rights, who does nothing: seen and named, never ended.
    const std::string other = replaced_in(given_url(), "site@", "postgres@");
    std::optional<PostgresConnection> operators = connected(other);
    REQUIRE(operators->statement("SELECT 1"));
    const Outcome named = site.release(site.build("second", k_lossy));
    CHECK(named.reason.en.find("no code of the site runs: lectio (") != std::string::npos);
    site.is_as_before(named, Ends::refused);
    CHECK(operators->statement("SELECT 1"));
    operators.reset();

    // What was prepared for later would be lost with the database that is replaced.
    busy = connected(given_url());
    if (site.ask_server("SHOW max_prepared_transactions") != "0") {
        REQUIRE(busy->statement("BEGIN"));
        REQUIRE(busy->statement("INSERT INTO lessons_lesson (title, notes) VALUES ('prepared', '')"));
        REQUIRE(busy->statement("PREPARE TRANSACTION 'later'"));
        const Outcome prepared = site.release(site.build("second", k_lossy));
        CHECK(prepared.reason.en.find("prepared transaction later") != std::string::npos);
        site.is_as_before(prepared, Ends::refused);
        REQUIRE(
            connected(given_url()).statement("ROLLBACK PREPARED 'later'")); // what has prepared it was idle
    }
    busy.reset();

    // They come while the tables change: it cannot be put back, so the site goes on and a person decides.
    site.programs.on_migrate = [&] {
        site.content_before = site.content();
        busy = connected(given_url());
        REQUIRE(busy->statement("BEGIN"));
        REQUIRE(busy->statement("SELECT 1"));
    };
    const Outcome stranded = site.release(site.build("second", k_lossy));
    INFO(stranded.reason.en);
    CHECK(stranded.result == Ends::needs_human);
    CHECK(stranded.waits_for_word);
    CHECK(stranded.reason.en.find("it is open in lectio (") != std::string::npos);
    busy.reset();
    site.change_database("INSERT INTO lessons_lesson (title) VALUES ('meanwhile')");
    CHECK(site.recover().front().waits_for_word);
    site.canary_is_broken = false;
    const std::vector<Outcome> said = site.recover(Asking::possible, WordOnDatabase::put_back);
    REQUIRE(said.size() == 1);
    CHECK(said.front().warnings.empty());
    site.is_as_before(said.front(), Ends::refused);
    const std::string aside = url_of("site_before_" + stranded.release);
    CHECK(connected(aside)
              .query("SELECT title FROM lessons_lesson ORDER BY id DESC LIMIT 1")
              ->front()
              .front() == "meanwhile");
}

TEST_CASE("PostgreSQL: who keeps a table is named, and nobody waits for long behind it", "[.postgres]") {
    ServedByPostgres site;
    std::optional<PostgresConnection> busy = connected(given_url());
    REQUIRE(busy->statement("SET application_name = 'psql of olga'"));
    REQUIRE(busy->statement("BEGIN"));
    REQUIRE(busy->statement("SELECT count(*) FROM lessons_lesson"));
    const Outcome outcome = site.release(site.build("second", k_additive));
    CHECK(outcome.reason.en.find("lock timeout") != std::string::npos);
    CHECK(outcome.reason.en.find("psql of olga (") != std::string::npos);
    site.is_as_before(outcome, Ends::refused);
    busy.reset();
    CHECK(site.release(site.build("second", k_additive)).result == Ends::released);
    check_invariants(site);
}

TEST_CASE("PostgreSQL: what could not be undone is refused before anybody is stopped", "[.postgres]") {
    ServedByPostgres site;
    const Build lossy = site.build("second", k_lossy);
    site.database_key = "postgresql://site@127.0.0.1:1/site"; // nobody listens there
    site.refuses(lossy, "127.0.0.1");
    site.database_key = url_of("lectio"); // another one than Django's
    site.refuses(lossy, "deploy.backend.database leads to lectio", "the one that Django has");
    site.database_key = given_url();

    as_superuser("ALTER ROLE site NOCREATEDB");
    site.refuses(lossy, "may not create databases", "ALTER ROLE site CREATEDB");
    as_superuser("ALTER ROLE site CREATEDB");
    as_superuser("ALTER DATABASE site OWNER TO postgres");
    site.refuses(lossy, "does not own it", "ALTER DATABASE site OWNER TO site");
    as_superuser("ALTER DATABASE site OWNER TO site");

    site.most_held = 1_MB;
    site.refuses(lossy, "requests would wait too long");
    site.most_held = 200_MB;
    site.disk.free = 10_MB;
    site.refuses(lossy, "a copy of");
    site.refuses(site.build("second", k_additive), "a copy of");
    site.disk.free.reset();

    site.files.hidden = "/usr/lib/postgresql";
    site.programs.pg_dump_version = "pg_dump (PostgreSQL) 9.6.24";
    site.refuses(lossy, "pg_dump here is older (pg_dump (PostgreSQL) 9.6.24)", "");
    site.files.hidden.clear();
    site.programs.pg_dump_version.clear();

    // What the role could not make again: seen by making it.
    as_superuser("CREATE EXTENSION pg_stat_statements", "site");
    site.before = site.schema();
    site.refuses(lossy, "permission denied to create extension \"pg_stat_statements\"", "superuser");
    as_superuser("DROP EXTENSION pg_stat_statements", "site");
    site.before = site.schema();
    as_superuser("ALTER ROLE monitor IN DATABASE site SET work_mem = '8MB'");
    site.refuses(lossy, "could not be restored beside itself", "superuser");
    // The superuser may, and Django goes on as it did.
    site.database_key = replaced_in(given_url(), "site@", "postgres@");
    site.canary_is_broken = true;
    site.is_as_before(site.release(lossy), Ends::refused);
    CHECK(site.ask_server(
              "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
              " WHERE d.datname = 'site' AND setrole <> 0") == "1");
    site.canary_is_broken = false;
    site.database_key = given_url();
    as_superuser("ALTER ROLE monitor IN DATABASE site RESET ALL");

    // Rows that its own owner may not see would be missing in the copy.
    site.change_database("CREATE TABLE hidden AS SELECT 1 AS one");
    site.change_database("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY");
    site.change_database("ALTER TABLE hidden FORCE ROW LEVEL SECURITY");
    CHECK(site.release(lossy).reason.en.find("row-level security") != std::string::npos);
    CHECK(site.left_on_server().empty());
}

// As only a process that is gone leaves it: each of these is removed by whoever made it.
TEST_CASE("PostgreSQL: what a rehearsal that was killed has left goes", "[.postgres]") {
    ServedByPostgres site;
    const Path scratch = site.folder / "state/deploy/scratch";
    std::filesystem::create_directories(scratch);
    for (const char* name : {"rehearsal.tar", "rehearsal.tar.database.dump", "rehearsal.tar.globals.sql"}) {
        std::ofstream(scratch / name) << "half";
    }
    CHECK(site.release(site.build("second", k_lossy)).result == Ends::released);
    CHECK(std::filesystem::is_empty(scratch));
    check_invariants(site);
}

TEST_CASE("PostgreSQL: a word on the database of another server is not taken", "[.postgres]") {
    ServedByPostgres site;
    site.canary_is_broken = true;
    site.disk.refuses_record = "restored";
    std::optional<PostgresConnection> busy;
    site.programs.on_migrate = [&] {
        site.content_before = site.content();
        busy = connected(given_url());
        REQUIRE(busy->statement("BEGIN"));
    };
    REQUIRE(site.release(site.build("second", k_lossy)).waits_for_word);
    busy.reset();
    site.disk.refuses_record.reset();
    const char* other = std::getenv("LECTIO_TEST_OTHER_POSTGRES"); // with a database of the same name
    REQUIRE(other != nullptr);
    site.database_key = other;
    const std::vector<Outcome> wrong = site.recover(Asking::possible, WordOnDatabase::put_back);
    REQUIRE(wrong.size() == 1);
    CHECK(wrong.front().reason.en.find("leads to another server") != std::string::npos);
    CHECK(wrong.front().waits_for_word);
    site.database_key = given_url();
    site.canary_is_broken = false;
    const std::vector<Outcome> right = site.recover(Asking::possible, WordOnDatabase::put_back);
    REQUIRE(right.size() == 1);
    site.is_as_before(right.front(), Ends::refused);
}

namespace {

// Somebody starts the machine again, or calls `recover`; what cannot be known yet waits for the latter.
void recover_and_check(ServedByPostgres& site, bool by_start) {
    const std::vector<Outcome> outcomes = site.recover(by_start ? Asking::not_now : Asking::possible);
    if (by_start) {
        site.boot();
    }
    if (!outcomes.empty() && outcomes.front().result == Ends::needs_human) {
        site.recover();
    }
    CHECK((site.schema() == site.before) == site.serves_whole("first"));
    if (!site.content_before.empty()) {
        site.has_kept_its_rows();
    }
    site.refuses_to_start.clear();
    check_invariants(site);
}

} // namespace

TEST_CASE("PostgreSQL: killed at each record of the journal and taken up again", "[.postgres]") {
    const bool soak = std::getenv("LECTIO_SOAK") != nullptr;
    for (const char* mark :
         {"fence", "snapshot", "migrate", "migrated", "swap", "admit", "undo", "restored", "commit"}) {
        for (const bool after : {false, true}) {
            for (const bool by_start : soak ? std::vector{false, true} : std::vector{after}) {
                INFO(mark << (after ? ", after it" : ", before it") << (by_start ? ", by a start" : ""));
                ServedByPostgres site;
                const std::string_view at(mark);
                site.refuses_to_start =
                    at == "undo" || at == "restored" ? "second" : ""; // else it never comes to that
                site.disk.dies_at_record = mark;
                site.disk.dies_after_it = after;
                site.content_before = site.content();
                CHECK(site.killed([&] { site.release(site.build("second", k_lossy)); }));
                recover_and_check(site, by_start);
                // The next one tidies up on the server, whatever becomes of it.
                site.disk.free = 0_B;
                CHECK(site.release(site.build("third", k_lossy)).phase == "room");
                CHECK(site.left_on_server().empty());
            }
        }
    }
}

namespace {

const Wishes k_with_database{.by = "olga", .restores_database = true, .accepts_loss = std::chrono::hours(1)};

// Served by "second", whose migration has lost a column, and written to since.
struct LeftByPostgres : ServedByPostgres {
    LeftByPostgres() {
        REQUIRE(release(build("second", k_lossy)).result == Ends::released);
        first = releases().front().id;
        after = schema();
        before_it = content();
    }
    void is_whole() {
        INFO(page());
        CHECK(serves_whole("first") != serves_whole("second"));
        CHECK(schema() == (serves_whole("first") ? before : after));
        const std::string& kept = serves_whole("first") ? content_before : before_it;
        CHECK(content().substr(0, kept.size()) == kept);
        visits = rows();
        check_invariants(*this);
    }
    std::string first, after, before_it;
};

} // namespace

TEST_CASE("PostgreSQL: back with the database, and forward again", "[.postgres]") {
    LeftByPostgres site;
    const Outcome alone = site.roll_back();
    CHECK(alone.phase == "schema");
    CHECK(alone.hint.en.find("--to " + site.first + " --restore-db --accept-data-loss=") !=
          std::string::npos);
    const std::string all = site.content();
    const Outcome back = site.roll_back(std::nullopt, k_with_database);
    INFO(back.reason.en << "; " << back.hint.en);
    REQUIRE(back.result == Ends::released);
    CHECK(site.serves_whole("first"));
    CHECK(site.content().find(site.content_before) == 0);
    site.is_whole();
    CHECK(site.left_on_server().empty());
    // It is there, under its own name.
    const std::string left = site.ask_server("SELECT datname FROM pg_database WHERE datname ~ '^site_left_'");
    const std::vector<PostgresRow> kept =
        connected(url_of(left))
            .query("SELECT string_agg(id || ' ' || title, E'\n' ORDER BY id) FROM lessons_lesson")
            .value();
    CHECK(kept.front().front().value_or("").find(all) == 0);
    const std::string newer = back.previous;
    const Outcome again = site.roll_back(newer, k_with_database);
    INFO(again.reason.en << "; " << again.hint.en);
    CHECK(again.result == Ends::released);
    CHECK(site.content().find(all) == 0);
    site.is_whole();
}

TEST_CASE(
    "PostgreSQL: a way back that fails before visitors are let in, or is killed, leaves one whole release",
    "[.postgres]") {
    {
        LeftByPostgres site;
        site.canary_is_broken = true;
        CHECK(site.roll_back(std::nullopt, k_with_database).phase == "migrate");
        CHECK(site.serves_whole("second"));
        site.is_whole();
        site.canary_is_broken = false;
        site.refuses_to_start = "first";
        CHECK(site.roll_back(std::nullopt, k_with_database).result == Ends::rolled_back);
        CHECK(site.serves_whole("second"));
        site.is_whole();
        CHECK(site.left_on_server().empty());
    }
    for (const char* mark :
         {"fence", "snapshot", "migrate", "migrated", "swap", "admit", "undo", "restored", "commit"}) {
        for (const bool after : {false, true}) {
            INFO(mark << (after ? ", after it" : ", before it"));
            LeftByPostgres site;
            const std::string_view at(mark);
            site.refuses_to_start = at == "undo" || at == "restored" ? "first" : "";
            site.disk.dies_at_record = mark;
            site.disk.dies_after_it = after;
            CHECK(site.killed([&] { site.roll_back(std::nullopt, k_with_database); }));
            site.refuses_to_start.clear();
            const std::vector<Outcome> outcomes = site.recover(after ? Asking::not_now : Asking::possible);
            site.boot();
            if (std::any_of(outcomes.begin(), outcomes.end(),
                            [](const Outcome& each) { return each.result == Ends::needs_human; })) {
                site.recover();
            }
            site.is_whole();
            CHECK(site.left_on_server().empty());
        }
    }
}

TEST_CASE("PostgreSQL: a server that starts with the machine is waited for", "[.postgres]") {
    for (const char* mark : {"migrate", "admit"}) { // put back at once; looked at before that
        INFO(mark);
        ServedByPostgres site;
        site.content_before = site.content();
        site.disk.dies_at_record = mark;
        site.disk.dies_after_it = true;
        REQUIRE(site.killed([&] { site.release(site.build("second", k_lossy)); }));
        as_superuser("ALTER ROLE site CONNECTION LIMIT 0");
        site.sleepless.on_sleep = [] { as_superuser("ALTER ROLE site CONNECTION LIMIT -1"); };
        const std::vector<Outcome> outcomes = site.recover(Asking::not_now);
        site.sleepless.on_sleep = nullptr;
        as_superuser("ALTER ROLE site CONNECTION LIMIT -1");
        REQUIRE(outcomes.size() == 1);
        CHECK_FALSE(outcomes.front().waits_for_word);
        CHECK(outcomes.front().result != Ends::needs_human);
        CHECK(site.schema() == site.before);
        CHECK(site.serves_whole("first"));
        site.boot();
        check_invariants(site);
    }
}

TEST_CASE("PostgreSQL: killed anywhere and taken up again", "[.postgres]") {
    const bool soak = std::getenv("LECTIO_SOAK") != nullptr;
    for (const bool starts : {true, false}) {
        for (std::size_t step = 1;; step += soak ? 1 : 11) {
            ServedByPostgres site;
            site.refuses_to_start = starts ? "" : "second";
            site.content_before = site.content();
            site.fuse = {.length = step, .burnt = 0};
            INFO("starts " << starts << ", step " << step);
            const bool died = site.killed([&] { site.release(site.build("second", k_lossy)); });
            recover_and_check(site, step % 2 == 0);
            if (!died) {
                break;
            }
        }
    }
}
