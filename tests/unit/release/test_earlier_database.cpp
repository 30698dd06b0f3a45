// Which of the snapshots that deploys have taken a release is gone back to with.
#include "release/earlier_database.h"
#include "release/migrations.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

struct Deploy {
    std::string from, to;
    std::string migrations{}, schema{}; // of the database before them
    MigrationClass what = MigrationClass::lossy;
    bool committed = true, restored = false;
};

// One every hour.
std::vector<Shelf::Past> journals_of(const std::vector<Deploy>& deploys) {
    std::vector<Shelf::Past> all;
    WallTime time{};
    for (const Deploy& deploy : deploys) {
        time += std::chrono::hours(1);
        std::vector<Entry> entries{{Mark::begin, time, {{"id", deploy.to}}}};
        if (!deploy.migrations.empty()) {
            entries.push_back({Mark::snapshot, time, {}});
            entries.push_back({Mark::migrate,
                               time + std::chrono::minutes(1),
                               {{"migrations", deploy.migrations},
                                {"schema", deploy.schema},
                                {"class", std::string(to_string(deploy.what))},
                                {"undo", deploy.what == MigrationClass::additive ? "" : "restore"},
                                {"database", "/srv/db"}}});
        }
        if (deploy.restored) {
            entries.push_back({Mark::restored, time, {}});
        }
        if (deploy.committed) {
            entries.push_back({Mark::swap, time, {{"from", deploy.from}, {"to", deploy.to}}});
            entries.push_back({Mark::commit, time, {}});
        }
        entries.push_back({Mark::end, time, {}});
        all.push_back({deploy.to, {entries, false, 0_B}, standing_of(entries)});
    }
    return all;
}

Release release_with(const std::string& id, const std::vector<std::string>& schemas) {
    Release release;
    release.id = id;
    release.schemas = schemas;
    return release;
}

std::vector<std::string> ids_of(const SinceServed& since) {
    std::vector<std::string> ids;
    for (const EarlierDatabase& each : since.all) {
        ids.push_back(each.id);
    }
    return ids;
}

} // namespace

TEST_CASE("the newest snapshot with which a release runs loses least", "[earlier]") {
    const std::vector<Shelf::Past> chain =
        journals_of({{"a", "b", "app.0002", "s0"}, {"b", "c"}, {"c", "d", "app.0003, app.0004", "s1"}});
    const SinceServed first = since_served(chain, release_with("a", {"s0"}));
    CHECK(first.is_beyond_adding);
    REQUIRE(ids_of(first) == std::vector<std::string>{"b"});
    CHECK(first.all.front().schema == "s0");
    CHECK(first.all.front().place == "/srv/db");
    CHECK(first.all.front().taken == WallTime{} + std::chrono::hours(1)); // not a minute later
    CHECK(first.all.front().done == std::vector<std::string>{"app.0002", "app.0003, app.0004"});
    for (const char* id : {"b", "c"}) { // both ran with it
        const SinceServed second = since_served(chain, release_with(id, {"s1"}));
        CHECK(second.is_beyond_adding);
        CHECK(ids_of(second) == std::vector<std::string>{"d"});
    }
    const SinceServed last = since_served(chain, release_with("d", {"s2"}));
    CHECK_FALSE(last.is_beyond_adding);
    CHECK(last.all.empty());
}

TEST_CASE("why code does not go back alone is said", "[earlier]") {
    const Release target = release_with("a", {"s0"});
    const SinceServed nothing, changed = since_served(journals_of({{"a", "b", "app.0002", "s0"}}), target);
    CHECK(against_code_alone(nothing, target, "s0").empty());
    CHECK(against_code_alone(nothing, release_with("a", {}), "s0").empty()); // there was no database
    CHECK(against_code_alone(nothing, target, "s1").en.find("since a was served") != std::string::npos);
    CHECK(against_code_alone(changed, target, "s0").en.find("do more than add") != std::string::npos);
}

TEST_CASE("tables that look the same may hold what a program has made of them", "[earlier]") {
    const Release target = release_with("a", {"s0", "s1"});
    const SinceServed changed =
        since_served(journals_of({{"a", "b", "app.0002", "s0", MigrationClass::irreversible},
                                  {"b", "c", "app.0003", "s0", MigrationClass::additive}}),
                     target);
    CHECK(changed.is_beyond_adding);
    CHECK(ids_of(changed) == std::vector<std::string>{"b"}); // the one of c has it already
    const SinceServed added =
        since_served(journals_of({{"a", "b", "app.0002", "s0", MigrationClass::additive},
                                  {"b", "c", "app.0003", "s1", MigrationClass::lossy}}),
                     target);
    CHECK(ids_of(added) == std::vector<std::string>{"c", "b"});
}

TEST_CASE("what was undone counts for nothing, and its snapshot is as good as another", "[earlier]") {
    const SinceServed since =
        since_served(journals_of({{"a", "b", "app.0002", "s0", MigrationClass::lossy, false, true},
                                  {"a", "c"},
                                  {"c", "d", "app.0003", "s0", MigrationClass::lossy, false, true}}),
                     release_with("a", {"s0"}));
    CHECK_FALSE(since.is_beyond_adding);
    REQUIRE(ids_of(since) == std::vector<std::string>{"d"});
    CHECK(since.all.front().done.empty());
}

TEST_CASE("what was gone back from is gone forward to by the snapshot of that rollback", "[earlier]") {
    const std::vector<Shelf::Past> journals =
        journals_of({{"a", "b", "app.0002", "s0"}, {"b", "a", "-app.0002", "s1"}});
    CHECK(ids_of(since_served(journals, release_with("b", {"s1"}))) == std::vector<std::string>{"a"});
    CHECK_FALSE(since_served(journals_of({}), release_with("a", {"s0"})).is_beyond_adding); // forgotten
}

TEST_CASE("what journals say of a release outlives all that is not needed for it", "[earlier]") {
    const std::vector<Shelf::Past> all =
        journals_of({{"o", "a", "app.0001", "sx"},
                     {"a", "b"},
                     {"b", "a"},
                     {"a", "c"},
                     {"c", "d", "app.0002", "s0", MigrationClass::irreversible, false, true},
                     {"c", "e", "app.0002", "s0", MigrationClass::irreversible},
                     {"e", "f"},
                     {"f", "g", "app.0003", "s0", MigrationClass::additive},
                     {"g", "h"}});
    const std::vector<Release> releases{release_with("a", {"s0"}), release_with("f", {"s0"}),
                                        release_with("h", {"s0"})};
    const std::set<std::string> telling = telling_of(all, releases);
    CHECK(telling == std::set<std::string>{"c", "d", "e", "g"});
    std::vector<Shelf::Past> rest;
    std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
                 [&](const Shelf::Past& past) { return telling.contains(past.id); });
    for (const Release& release : releases) {
        INFO(release.id);
        const SinceServed before = since_served(all, release), after = since_served(rest, release);
        CHECK(before.is_beyond_adding == after.is_beyond_adding);
        CHECK(ids_of(before) == ids_of(after));
        REQUIRE(before.all.size() == after.all.size());
        for (std::size_t i = 0; i < before.all.size(); ++i) {
            CHECK(before.all[i].done == after.all[i].done);
        }
    }
}

TEST_CASE("what a person has to type leaves time to type it", "[earlier]") {
    CHECK(as_accepted(std::chrono::seconds(5)) == "3m");
    CHECK(as_accepted(std::chrono::minutes(57)) == "59m");
    CHECK(as_accepted(std::chrono::minutes(58)) == "1h");
    CHECK(as_accepted(std::chrono::hours(5)) == "6h");
}
