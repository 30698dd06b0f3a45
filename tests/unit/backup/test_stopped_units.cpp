#include "backup/stopped_units.h"
#include "support/bare_world.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;
using Verb = Services::Verb;
using Jobs = std::vector<FakeServices::Job>;

namespace {

struct Place {
    Place() {
        for (const char* name : {"web.service", "queue.service"}) {
            services.units[name] = running_unit(name);
        }
        services.units["old.service"] = running_unit("old.service");
        services.units["old.service"].active_state = "inactive";
    }
    [[nodiscard]] bool is_written_down() {
        return bare.files.info(folder / ".lectio-stopped-units.json", Files::Follow::no).ok();
    }

    TempFolder folder;
    BareWorld bare;
    FakeServices services;
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, services, bare.redis};
};

} // namespace

TEST_CASE("units that run are stopped in their order and started the other way round; others are let be") {
    Place place;
    StoppedUnits units(place.folder.path(), place.world);
    REQUIRE(units.stop({"web", "old", "queue.service"}));
    CHECK(place.is_written_down());
    CHECK(place.services.units["web.service"].active_state == "inactive");
    CHECK(units.start().empty());
    CHECK(place.services.jobs == Jobs{{"web.service", Verb::stop},
                                      {"queue.service", Verb::stop},
                                      {"queue.service", Verb::start},
                                      {"web.service", Verb::start}});
    CHECK_FALSE(place.is_written_down());
    CHECK(units.start().empty());
    CHECK(place.services.jobs.size() == 4);
}

TEST_CASE("a unit that is not there stops none, one that does not stop starts the others again") {
    Place place;
    StoppedUnits units(place.folder.path(), place.world);
    const Result<void> unknown = units.stop({"web", "wbe"});
    REQUIRE_FALSE(unknown);
    CHECK_THAT(unknown.error().message, Contains("unable to stop wbe.service: no such unit"));
    CHECK(place.services.jobs.empty());

    place.services.on_job = [](UnitState& unit, Verb verb) {
        const bool hangs = unit.id == "queue.service" && verb == Verb::stop;
        return JobResult{hangs ? "timeout" : "done", 1ms};
    };
    const Result<void> hanging = units.stop({"web", "queue"});
    REQUIRE_FALSE(hanging);
    CHECK_THAT(hanging.error().message, Contains("unable to stop queue.service: timeout"));
    CHECK(place.services.jobs.back() == FakeServices::Job{"web.service", Verb::start});
    CHECK_FALSE(place.is_written_down());

    place.services.broken = Error{ErrorKind::not_found, "systemd is not running on this host"};
    CHECK(units.stop({"web"}).error().kind == ErrorKind::not_found);
}

TEST_CASE("what a restore that was killed has left stopped is started by who comes next, once") {
    Place place;
    std::string left_behind;
    {
        StoppedUnits killed(place.folder.path(), place.world);
        REQUIRE(killed.stop({"web", "queue"}));
        left_behind = place.bare.files.read(place.folder / ".lectio-stopped-units.json", 1_MB).value();
    }
    REQUIRE(place.bare.files.create_synced(place.folder / ".lectio-stopped-units.json", left_behind, 0600));
    place.services.jobs.clear();
    place.services.on_job = [](UnitState& unit, Verb) {
        return JobResult{unit.id == "queue.service" ? "failed" : "done", 1ms};
    };
    StoppedUnits next(place.folder.path(), place.world);
    const StoppedUnits::Left left = next.start_left();
    CHECK(left.units == std::vector<std::string>{"web.service", "queue.service"});
    REQUIRE(left.problems.size() == 1);
    CHECK_THAT(left.problems.front().en, Contains("queue.service does not run again: failed"));
    CHECK(place.services.jobs == Jobs{{"queue.service", Verb::start}, {"web.service", Verb::start}});
    CHECK_FALSE(place.is_written_down());
    CHECK(next.start_left().units.empty());
}
