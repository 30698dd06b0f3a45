#include "backup/postgres_restore.h"
#include "backup/postgres_scratch.h"
#include "backup/postgres_snapshot.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

PostgresSnapshot snapshot() {
    PostgresSnapshot one;
    one.taken = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 16h;
    one.took = 1500ms;
    one.made_with = "pg_dump (PostgreSQL) 15.18";
    one.file = {Bytes{10240}, std::string(64, 'a')};
    one.server = "15.18";
    one.database = "lectio";
    one.rows = {{"public.known", 2000}, {"\"Odd name\".x", 0}};
    one.has_globals = true;
    return one;
}

} // namespace

TEST_CASE("a snapshot of PostgreSQL is known again from its manifest, and nothing else is") {
    const Json json = json_of(snapshot());
    CHECK(postgres_snapshot_from(json).value() == snapshot());
    for (const auto& [key, value] : {std::pair<const char*, Json>{"type", "sqlite"},
                                     {"schema", 2},
                                     {"taken", "yesterday"},
                                     {"sha256", "a"},
                                     {"size", 0},
                                     {"database", ""},
                                     {"rows", Json{{"x", "many"}}}}) {
        Json other = json;
        other[key] = value;
        INFO(key);
        CHECK_FALSE(postgres_snapshot_from(other));
    }
    CHECK_FALSE(postgres_snapshot_from(Json::array()));
}

TEST_CASE("what belongs to the database itself is taken over from a dump's script, whatever it is called") {
    const std::string script = "SET row_security = off;\n\n"
                               "CREATE DATABASE \"Le ctio\" WITH TEMPLATE = template0 ENCODING = 'UTF8';\n\n"
                               "ALTER DATABASE \"Le ctio\" OWNER TO site;\n"
                               "\\connect -reuse-previous=on \"dbname='Le ctio'\"\n"
                               "COMMENT ON DATABASE \"Le ctio\" IS 'one;\ntwo '' GRANT';\n"
                               "ALTER ROLE site IN DATABASE \"Le ctio\" SET work_mem TO '5MB';\n"
                               "GRANT CONNECT ON DATABASE \"Le ctio\" TO reader;\n"
                               "ALTER DATABASE other OWNER TO site;\n";
    CHECK(properties_in(script, "\"n\"").value() ==
          std::vector<std::string>{"ALTER DATABASE \"n\" OWNER TO site;",
                                   "COMMENT ON DATABASE \"n\" IS 'one;\ntwo '' GRANT';",
                                   "ALTER ROLE site IN DATABASE \"n\" SET work_mem TO '5MB';",
                                   "GRANT CONNECT ON DATABASE \"n\" TO reader;"});
    CHECK_FALSE(properties_in("SET row_security = off;\n", "n"));
}

TEST_CASE("--to leads to a database by its name or by a URL") {
    const Secret url("postgresql://keeper:made-up@db.example/lectio");
    CHECK(target_of("then", url).value().database == "then");
    CHECK(target_of("then", url).value().url == url);
    CHECK(target_of("postgresql://keeper@127.0.0.1/other", url).value().database == "other");
    CHECK(target_of("postgresql://keeper@127.0.0.1", url).value().database == "keeper");
    CHECK_FALSE(target_of("postgresql://127.0.0.1", url));
    CHECK_FALSE(target_of("mysql://127.0.0.1/x", url));
}

TEST_CASE("PostgreSQL's own programs are told by their environment where to go") {
    using Pair = std::pair<std::string, std::string>;
    const std::vector<Pair> told =
        postgres_environment(Secret("postgresql://keeper:made-up@db.example:5433/lectio?sslmode=require"))
            .value();
    for (const Pair& one :
         {Pair{"PGHOST", "db.example"}, Pair{"PGPORT", "5433"}, Pair{"PGUSER", "keeper"},
          Pair{"PGPASSWORD", "made-up"}, Pair{"PGDATABASE", "lectio"}, Pair{"PGSSLMODE", "require"}}) {
        INFO(one.first);
        CHECK(std::count(told.begin(), told.end(), one) == 1);
    }
    CHECK_FALSE(postgres_environment(Secret("mysql://x")));
    // libpq quotes what it cannot take apart.
    for (const char* password : {"hunter%zz", "hun\"ter%zz", "hun/ter%zz"}) {
        const auto broken = postgres_environment(
            Secret(std::string("postgresql://keeper:") + password + "@db.example/lectio"));
        REQUIRE_FALSE(broken);
        INFO(broken.error().message);
        CHECK(broken.error().message.find("ter") == std::string::npos);
        CHECK(broken.error().message.find("hun") == std::string::npos);
    }
}
