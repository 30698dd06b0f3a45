// What [cleanup] does beside files and processes: units, the journal, releases, the report of memory.
#include "cleanup/journal.h"
#include "cleanup/memory_report.h"
#include "cleanup/releases.h"
#include "cleanup/units.h"
#include "config/config.h"
#include "made_up_table.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_processes.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <filesystem>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::cleanup;
using Catch::Contains;

namespace {

struct Place {
    BareWorld bare;
    FakeHost host;
    FakeProcesses processes;
    FakeServices services;
    World world{bare.clock, bare.files, host, bare.http, processes, services, bare.redis};
    TempFolder folder;
    Config config;
    Sweep sweep{world, config, Sweep::Effect::real, [] { return true; }};
    MadeUpTable table;

    Place() {
        config.file = folder / "config.toml";
        config.paths.run = folder / "run";
        std::filesystem::create_directories(config.paths.run);
        services.units["celery-default.service"] = running_unit("celery-default.service");
        table.self = 70;
        add(70, 1, "lectio-cleanup", 'S');
        add(100, 1, "celery worker main", 'S').place.unit = "celery-default.service";
    }
    MadeUpProcess& add(int pid, int parent, const std::string& command, char state) {
        ProcessInfo info;
        info.pid = pid;
        info.parent = parent;
        info.name = command;
        info.command_line = state == 'Z' ? "" : command;
        info.state = state;
        info.rss = 100_MB;
        return table.add(info);
    }
    void add_zombies(int parent, int count) {
        for (int i = 0; i < count; ++i) {
            add(parent * 1000 + i, parent, "dead", 'Z');
        }
    }
    [[nodiscard]] const cleanup::Deed& deed() const {
        REQUIRE(sweep.deeds.size() == 1);
        return sweep.deeds.front();
    }
};

const FakeServices::Job k_restarted{"celery-default.service", Services::Verb::restart};

} // namespace

TEST_CASE("zombies: their parent is named, and never ended", "[upkeep]") {
    Place place;
    place.add_zombies(100, 19);
    look_for_zombies({20, {}}, place.table, place.sweep);
    CHECK(place.sweep.deeds.empty());
    place.add_zombies(100, 20);
    SECTION("nothing is allowed") {
        look_for_zombies({20, {}}, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
        CHECK(place.deed().target == "celery worker main (100)");
        CHECK_THAT(place.deed().words.en, Contains("20 zombies") && Contains("celery-default.service"));
        CHECK(place.services.jobs.empty());
    }
    SECTION("its unit may be restarted") {
        look_for_zombies({20, {"celery-default"}}, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::done);
        CHECK(place.services.jobs == std::vector<FakeServices::Job>{k_restarted});
        CHECK(place.deed().freed == std::nullopt); // which the log does not call "0 B freed"
        CHECK_THAT(line_of(place.deed()).en, Catch::StartsWith("zombies: celery-default.service: ") &&
                                                 Contains("20 zombies") && !Contains("freed"));
    }
    SECTION("by --dry-run it is not") {
        place.sweep.effect = Sweep::Effect::none;
        look_for_zombies({20, {"celery-default"}}, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::shown);
        CHECK(place.services.jobs.empty());
    }
    SECTION("another unit's may be") {
        look_for_zombies({20, {"site.service"}}, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
        CHECK(place.services.jobs.empty());
    }
    SECTION("in a container its unit is not ours") {
        place.table.running.at(100).place.contained = true;
        look_for_zombies({20, {"celery-default"}}, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
        CHECK(place.services.jobs.empty());
    }
    CHECK(place.table.signals.empty());
}

TEST_CASE("workers: too many of them are a reason to restart, unless somebody else is at work", "[upkeep]") {
    Place place;
    const WorkerRule rule{"celery worker", 2, "celery-default"};
    place.add(101, 100, "celery worker", 'S');
    look_for_workers(rule, place.table, place.sweep);
    CHECK(place.sweep.deeds.empty());
    place.add(102, 100, "celery worker", 'S');
    SECTION("restarted") {
        look_for_workers(rule, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::done);
        CHECK(place.services.jobs == std::vector<FakeServices::Job>{k_restarted});
        return;
    }
    SECTION("not during a deploy") {
        spill(place.config.paths.run / "deploy_in_progress", "");
        place.bare.clock.jump_wall(SystemClock().now().wall - place.bare.clock.now().wall);
        look_for_workers(rule, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::left);
    }
    SECTION("not while the healer has the host") {
        const Result<Lock> healer =
            place.bare.files.lock(place.config.paths.run / "host.lock", "lectio-health", WallTime{});
        REQUIRE(healer);
        look_for_workers(rule, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::left);
    }
    SECTION("not while systemd starts it") {
        place.services.units["celery-default.service"].active_state = "activating";
        look_for_workers(rule, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::left);
    }
    SECTION("a unit that is not there is told") {
        place.services.units.clear();
        look_for_workers(rule, place.table, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
    }
    CHECK(place.services.jobs.empty());
}

TEST_CASE("journal: what journalctl says of its size", "[upkeep]") {
    const auto usage = [](const std::string& size) {
        return parse_disk_usage("Archived and active journals take up " + size + " in the file system.\n");
    };
    CHECK(usage("64.5M") == Bytes{67633152});
    CHECK(usage("0B") == 0_B);
    CHECK(usage("1.0G") == 1_GB);
    CHECK(usage("16K") == 16_kB);
    CHECK(!usage(""));
    CHECK(!usage("a lot"));
    CHECK(!usage("-1M"));
    CHECK(!parse_disk_usage("No journal files were found."));
}

TEST_CASE("journal: made small only where it is larger", "[upkeep]") {
    Place place;
    const auto says = [&](const std::string& size) {
        place.processes.answers.insert_or_assign(
            "journalctl",
            exited(0, "Archived and active journals take up " + size + " in the file system.\n"));
    };
    SECTION("small enough") {
        says("64.0M");
        vacuum_journal(100_MB, place.sweep);
        CHECK(place.sweep.deeds.empty());
        CHECK(place.processes.asked().size() == 1);
    }
    SECTION("too large, and all of it is being written") {
        says("164.0M");
        vacuum_journal(100_MB, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::left);
        REQUIRE(place.processes.asked().size() == 3);
        CHECK(place.processes.asked()[1].command ==
              std::vector<std::string>{"journalctl", "--vacuum-size=104857600"});
    }
    SECTION("by --dry-run") {
        says("164.0M");
        place.sweep.effect = Sweep::Effect::none;
        vacuum_journal(100_MB, place.sweep);
        CHECK(place.deed().freed == 64_MB);
        CHECK(place.processes.asked().size() == 1);
    }
    SECTION("there is no journalctl") {
        vacuum_journal(100_MB, place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
    }
}

TEST_CASE("releases: what lectio-deploy removes by its own rule is what is said", "[upkeep]") {
    Place place;
    const auto answers = [&](const ProcessAnswer& answer) {
        place.processes.answers.insert_or_assign("/x/lectio-deploy", answer);
    };
    tidy_releases("/x/lectio-deploy", place.sweep);
    CHECK(place.processes.asked().empty()); // nothing is released here
    place.config.deploy.frontend.emplace().path = place.folder / "build";
    SECTION("by --dry-run it is asked what it would remove") {
        place.sweep.effect = Sweep::Effect::none;
        answers(exited(0, R"({"releases":[{"id":"f1","size":5000}],"would_remove":["f1"]})"));
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.deed().target == "f1");
        CHECK(place.deed().freed == 5000_B);
        CHECK(place.deed().end == cleanup::Deed::End::shown);
        CHECK(place.processes.asked().back().command.back() == "--dry-run");
    }
    SECTION("by --dry-run nothing is nothing") {
        place.sweep.effect = Sweep::Effect::none;
        answers(exited(0, R"({"releases":[{"id":"f1","size":5000}],"would_remove":[]})"));
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.sweep.deeds.empty());
    }
    SECTION("removed") {
        answers(exited(0, R"({"releases":[{"id":"f1","size":5000},{"id":"f2","size":1}],"removed":["f1"]})"));
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.deed().target == "f1");
        CHECK(place.deed().freed == 5000_B);
        CHECK(place.deed().end == cleanup::Deed::End::done);
        REQUIRE(place.processes.asked().size() == 2);
        CHECK(place.processes.asked()[1].command == std::vector<std::string>{"/x/lectio-deploy", "--config",
                                                                             place.config.file, "--format",
                                                                             "json", "cleanup"});
    }
    SECTION("a deploy is under way") {
        answers(exited(75, R"({"reason":"another deploy"})"));
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::left);
    }
    SECTION("it could not") {
        answers(exited(70, R"({"reason":"the disk is gone"})"));
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
        CHECK_THAT(place.deed().words.en, Contains("70: the disk is gone"));
    }
    SECTION("it is not there") {
        tidy_releases("/x/lectio-deploy", place.sweep);
        CHECK(place.deed().end == cleanup::Deed::End::failed);
    }
}

TEST_CASE("memory: the largest processes are named only when it is short", "[upkeep]") {
    Place place;
    place.host.memory_info = MemoryInfo{2_GB, 300_MB, 1_GB, 512_MB};
    ProcessInfo large;
    large.pid = 812;
    large.command_line = "gunicorn: worker";
    large.rss = 900_MB;
    place.host.process_list = std::vector<ProcessInfo>{large};
    place.host.places[812].unit = "site.service";
    CHECK(!memory_report(300_MB, place.world));
    const std::optional<Text> words = memory_report(301_MB, place.world);
    REQUIRE(words);
    CHECK_THAT(words->en, Contains("300 MB available, 512 MB of swap free") &&
                              Contains("900 MB  gunicorn: worker (812, site.service)"));
    place.host.memory_info = Error{ErrorKind::io, "unable"};
    CHECK(!memory_report(301_MB, place.world));
}
