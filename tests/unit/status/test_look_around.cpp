#include "alerts/channels.h"
#include "pipeline/tool_state.h"
#include "status/look_around.h"
#include "store/history.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace lectio;
using namespace lectio::status;
using namespace std::chrono_literals;

namespace {

// A host with lectio-health and one check, whose runs are made up.
class Place {
  public:
    Place() {
        std::filesystem::create_directories(m_folder / "run");
        config.timezone = "UTC";
        config.paths.state = m_folder / "state";
        config.paths.run = m_folder / "run";
        config.paths.logs = m_folder / "logs";
        CheckSettings site;
        site.name = "site";
        site.type = "http";
        config.health.checks.push_back(site);
    }

    void save(const ToolState& state) {
        StateKeeper keeper(bare.files, config.paths.state / "health", config.paths.run / "health-state",
                           m_folder / "no-memory", ::geteuid());
        [[maybe_unused]] const StateKeeper::Loaded before =
            keeper.load(bare.clock.now().wall, StateFile::Access::owner);
        REQUIRE_FALSE(keeper.save(state).problem);
    }
    // A whole run; in the history, too.
    void run(Status status, const std::string& message, const std::vector<RecordedEvent>& events = {}) {
        ToolState state;
        const Now now = bare.clock.now();
        CheckState& check = state.judge.checks["site"];
        check.type = "http";
        check.status = check.known = status;
        check.seen = check.known_at = now;
        state.judge.epoch = "aaaaaa";
        state.judge.run = ++m_runs;
        state.judge.last_run = state.finished = now;
        save(state);
        RecordedLook look;
        look.check = "site";
        look.type = "http";
        look.status = look.shown = static_cast<int>(status);
        look.message = verbatim(message);
        look.metrics = {{"time", "s", 0.5, {}, {}}};
        RecordedRun run;
        run.tool = "health";
        run.started = now;
        run.looks = {look};
        run.events = events;
        REQUIRE_FALSE(History(bare.files, bare.clock,
                              {config.paths.state, m_folder / "run/history.lock", ::geteuid()}, {})
                          .record(run)
                          .lost);
    }
    Overview look() {
        Delivery delivery(bare.world, delivery_settings(config), {});
        return look_around(bare.world, config, delivery, {"lectio-1", {}}, bare.clock.steady() + 10s);
    }
    [[nodiscard]] Path state_file() const { return config.paths.state / "health/state.json"; }

    BareWorld bare;
    Config config;

  private:
    TempFolder m_folder;
    std::uint64_t m_runs = 0;
};

std::string all_troubles(const Overview& overview) {
    std::string all;
    for (const Gap& gap : overview.troubles()) {
        all += gap.words.en + "\n";
    }
    return all;
}

} // namespace

TEST_CASE("a host where nothing has run is not good", "[status]") {
    Place place;
    const Overview overview = place.look();
    CHECK(overview.status() == Status::unknown);
    CHECK(all_troubles(overview) == "lectio-health has never finished a run here\n");
    REQUIRE(overview.checks.size() == 1);
    CHECK(overview.checks[0].status == Status::skipped);
    CHECK_FALSE(std::filesystem::exists(place.config.paths.state)); // it only looks
}

TEST_CASE("what the last run found, with its day and its age", "[status]") {
    Place place;
    place.run(Status::critical, "HTTP 500");
    place.bare.clock.advance(2h);
    place.run(Status::ok, "HTTP 200");
    place.bare.clock.advance(30s);
    const Overview overview = place.look();
    CHECK(overview.status() == Status::ok);
    REQUIRE(overview.checks.size() == 1);
    const CheckRow& site = overview.checks[0];
    CHECK(site.message.en == "HTTP 200");
    CHECK(site.age == 30s);
    CHECK_FALSE(site.stale);
    REQUIRE(site.metrics.size() == 1);
    CHECK(site.metrics[0].value == 0.5);
    CHECK(site.day[k_hours - 3].worst == Status::critical);
    CHECK(site.day[k_hours - 1].worst == Status::ok);
}

TEST_CASE("what is over is said to be so once", "[status]") {
    Place place;
    RecordedEvent of_check, of_key;
    of_check.event = of_key.event = "resolved";
    of_check.check = "site";
    of_check.message = verbatim("HTTP 200");
    of_key.check = "key-export";
    of_key.message = verbatim("over: export failed"); // as its check says it
    place.run(Status::ok, "HTTP 200", {of_check, of_key});
    std::vector<std::string> said;
    for (const Recovery& each : place.look().recoveries) {
        said.push_back(each.check + " " + each.words.en);
    }
    std::sort(said.begin(), said.end());
    CHECK(said ==
          std::vector<std::string>{"health/key-export over: export failed", "health/site over: HTTP 200"});
}

TEST_CASE("what was good an hour ago is not known to be so", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    place.bare.clock.advance(1h);
    const Overview overview = place.look();
    CHECK(overview.status() == Status::warning); // the tool does not run
    CHECK(overview.checks[0].stale);
    CHECK(overview.checks[0].worth() == Status::unknown);
    SECTION("unless it is asked so seldom, and its tool runs") {
        place.config.health.checks[0].common.every = 24h;
        place.config.heartbeat.tools["health"] = 2h;
        CHECK(place.look().status() == Status::ok);
    }
}

TEST_CASE("a run that the history lost is shown by what the state knows", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    place.bare.clock.advance(1min);
    ToolState state;
    CheckState& check = state.judge.checks["site"];
    check.type = "http";
    check.status = check.known = Status::critical;
    check.seen = check.known_at = place.bare.clock.now();
    state.judge.last_run = state.finished = place.bare.clock.now();
    place.save(state);
    const Overview overview = place.look();
    CHECK(overview.checks[0].status == Status::critical);
    CHECK(overview.checks[0].message.empty());
    CHECK(overview.status() == Status::critical);
}

TEST_CASE("state that is damaged or gone is said, and what the history knows is stale", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    SECTION("garbage, and no previous one") {
        spill(place.state_file(), "garbage");
    }
    SECTION("empty") {
        spill(place.state_file(), "");
    }
    SECTION("gone") {
        std::filesystem::remove_all(place.config.paths.state / "health");
    }
    SECTION("of a newer version") {
        spill(place.state_file(), R"({"schema":99})");
    }
    const Overview overview = place.look();
    CHECK(overview.status() == Status::warning);
    CHECK(all_troubles(overview).find("the state of lectio-health") == 0);
    REQUIRE(overview.checks.size() == 1);
    CHECK(overview.checks[0].message.en == "HTTP 200");
    CHECK(overview.checks[0].worth() == Status::unknown);
}

TEST_CASE("a history that is damaged or gone is said", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    const Path history = place.config.paths.state / "history.sqlite";
    SECTION("gone") {
        for (const char* end : {"", "-wal", "-shm"}) {
            std::filesystem::remove(history.string() + end);
        }
    }
    SECTION("garbage") {
        for (const char* end : {"-wal", "-shm"}) {
            std::filesystem::remove(history.string() + end);
        }
        spill(history, std::string(8192, 'x'));
    }
    SECTION("a folder") {
        for (const char* end : {"", "-wal", "-shm"}) {
            std::filesystem::remove(history.string() + end);
        }
        std::filesystem::create_directory(history);
    }
    const Overview overview = place.look();
    CHECK(overview.status() == Status::warning);
    CHECK(all_troubles(overview).find("history") != std::string::npos);
    CHECK(overview.checks[0].status == Status::ok); // of the state
}

TEST_CASE("a state of a time to come is not fresh", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    place.bare.clock.reboot(1min);
    place.bare.clock.jump_wall(-24h);
    const Overview overview = place.look();
    CHECK(overview.status() == Status::warning);
    CHECK(overview.tools[0].state == ToolRow::State::future);
    CHECK(overview.checks[0].worth() == Status::unknown);
}

TEST_CASE("a source without a proven backup is said, and a tool that never ran for it", "[status]") {
    Place place;
    place.run(Status::ok, "HTTP 200");
    BackupSource source;
    source.name = "database";
    source.type = "sqlite";
    place.config.backup.dir = place.config.paths.state / "backups";
    place.config.backup.sources = {source};
    const Overview overview = place.look();
    CHECK(overview.status() == Status::critical);
    CHECK(all_troubles(overview) == "database: there is no proven backup\n"
                                    "lectio-backup has never finished a run here\n"); // the worst first
    REQUIRE(overview.tools.size() == 2);
    CHECK(overview.tools[0].name == "health");
}
