#include "backup/drills.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;

namespace {

constexpr Duration k_every = 90 * 24h;
const WallTime k_now = parse_utc("2026-11-23T10:00:00Z").value();

Drill good(Duration age) {
    Drill drill;
    drill.tried = drill.since = k_now - age;
    drill.id = "abcdef";
    return drill;
}

Drill failed(Duration age, Duration since_good) {
    Drill drill = good(since_good);
    drill.tried = k_now - age;
    drill.trouble = "the remote is silent";
    return drill;
}

} // namespace

TEST_CASE("a drill is due when the last is old enough, and a failed one each day") {
    CHECK(is_drill_due(nullptr, k_every, k_now));
    const auto due = [](const Drill& last, Duration every = k_every) {
        return is_drill_due(&last, every, k_now);
    };
    CHECK_FALSE(due(good(k_every - 1s)));
    CHECK(due(good(k_every)));
    CHECK_FALSE(due(failed(1h, 100 * 24h)));
    CHECK(due(failed(24h, 100 * 24h)));
    CHECK(due(failed(1h, 2h), 1h)); // asked for more often than each day
    CHECK(due(good(-1h)));          // the clock was wrong
    for (const Duration off : {Duration{}, Duration{-1}}) {
        CHECK_FALSE(is_drill_due(nullptr, off, k_now));
    }
}

TEST_CASE("how drills stand: what is bad comes first, then what is overdue, then what has failed") {
    const auto standing = [](const Drill& last, Duration every = k_every) {
        return standing_of(&last, every, k_now);
    };
    CHECK(standing_of(nullptr, k_every, k_now) == DrillStanding::waiting);
    CHECK(standing_of(nullptr, {}, k_now) == DrillStanding::off);
    CHECK(standing(good(1h), {}) == DrillStanding::off);
    CHECK(standing(good(k_every + 48h)) == DrillStanding::good);
    CHECK(standing(good(k_every + 48h + 1s)) == DrillStanding::overdue); // also when nobody has tried
    CHECK(standing(good(2h), 1h) == DrillStanding::good);
    CHECK(standing(good(2h + 1s), 1h) == DrillStanding::overdue);
    CHECK(standing(failed(1h, 24h)) == DrillStanding::failed);
    CHECK(standing(failed(1h, k_every + 49h)) == DrillStanding::overdue);
    Drill bad = failed(1h, k_every + 49h);
    bad.is_bad = true;
    CHECK(standing(bad) == DrillStanding::bad);
}

TEST_CASE("drills are kept; what is damaged is as if it were not there") {
    const TempFolder folder;
    SystemFiles files;
    const Path state = folder / "state";
    CHECK(read_drills(files, state).empty());
    Drills drills{{"database", good(1h)}, {"media", failed(1h, 48h)}};
    drills["media"].is_bad = true;
    drills["media"].proof = Proof::unchanged;
    REQUIRE(write_drills(drills, files, state));
    CHECK(read_drills(files, state) == drills);
    CHECK(files.info(state / "backup/drills.json", Files::Follow::no)->mode == 0600);
    const std::string whole = slurp(state / "backup/drills.json");
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
        spill(state / "backup/drills.json", whole.substr(0, length));
        CHECK(read_drills(files, state).empty());
    }
    for (const char* odd :
         {"[]", "7", R"({"schema":1})", R"({"schema":2,"drills":{"a":{}}})", R"({"schema":1,"drills":[1]})",
          R"({"schema":1,"drills":{"../a":{"tried":"2026-11-23T10:00:00Z","since":"2026-11-23T10:00:00Z"}}})",
          R"({"schema":1,"drills":{"a":7,"b":{"tried":1}}})"}) {
        INFO(odd);
        spill(state / "backup/drills.json", odd);
        CHECK(read_drills(files, state).empty());
    }
}
