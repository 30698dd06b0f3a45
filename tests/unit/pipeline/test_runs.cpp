// Whole runs of the pipeline in a made-up world: what the operator's phone shows after them.
#include "checks/beside.h"
#include "machine.h"
#include "platform/sqlite.h"
#include "platform/users.h"
#include "store/past_runs.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

class Grown final : public BlockingCheck {
  public:
    explicit Grown(std::string name) : m_name(std::move(name)) {}
    CheckResult run(const CheckContext&) const override {
        CheckResult result;
        result.status = Status::ok;
        result.message = verbatim(m_name + ": +1 GB");
        return result;
    }

  private:
    std::string m_name;
};

// Says that it took so long, and notes that it was begun.
class Lasting final : public AsyncCheck {
  public:
    Lasting(std::vector<std::string>& begun, std::string name, Duration took)
        : m_begun(begun), m_name(std::move(name)), m_took(took) {}
    Task<CheckResult> run(const CheckContext&) const override {
        m_begun.push_back(m_name);
        CheckResult result;
        result.status = Status::ok;
        result.took = m_took;
        co_return result;
    }

  private:
    std::vector<std::string>& m_begun;
    std::string m_name;
    Duration m_took;
};

// A site that hangs: silent for 5 s wherever something is broken, else it answers at once.
class Silent final : public AskedBeside {
  public:
    explicit Silent(Outside& outside) : m_outside(outside) {}
    Task<CheckResult> run(const CheckContext& context) const override {
        HttpRequest request;
        request.url = "http://look/" + std::to_string(++m_outside.looks);
        const bool bad = m_outside.broken || m_outside.bad_looks.contains(m_outside.looks);
        auto& http = dynamic_cast<FakeHttp&>(context.world.http);
        http.on(request.url, page(200), bad ? Duration(5'000) : Duration(10));
        co_await fetch(http, std::move(request));
        CheckResult result;
        result.status = bad ? Status::critical : Status::ok;
        result.message = verbatim(bad ? "silent" : "HTTP 200");
        co_return result;
    }
    std::optional<Duration> limit_of_silence() const override { return Duration(5'000); }

  private:
    Outside& m_outside;
};

} // namespace

TEST_CASE("what took long is begun first the next time, where the order is nobody's") {
    const auto order = GENERATE(Job::Begin::slowest_first, Job::Begin::in_order);
    std::vector<std::string> begun;
    Machine host;
    host.job.begin = order;
    host.job.checks.clear();
    for (const auto& [name, took] : {std::pair{"quick", Duration(1)}, {"slow", Duration(5000)}}) {
        JobCheck check;
        check.policy.name = name;
        check.policy.type = "http";
        check.check = std::make_shared<Lasting>(begun, name, took);
        host.job.checks.push_back(check);
    }
    host.run();
    host.run();
    const bool in_order = order == Job::Begin::in_order;
    CHECK(begun == std::vector<std::string>{"quick", "slow", in_order ? "quick" : "slow",
                                            in_order ? "slow" : "quick"});
}

TEST_CASE("all good: exit 0 and nothing said") {
    Machine host;
    for (int i = 0; i < 5; ++i) {
        const RunOutcome outcome = host.run();
        CHECK(outcome.exit == ExitCode::ok);
    }
    CHECK(host.outside.phone.empty());
    CHECK(host.outside.looks == 5); // nothing is asked twice for nothing
}

TEST_CASE("ten runs with the same unmended fault: one message without recovery") {
    Machine host;
    host.outside.broken = true;
    for (int i = 0; i < 10; ++i) {
        CHECK(host.run(without_recovery()).exit == ExitCode::critical);
    }
    CHECK(host.outside.phone.size() == 1);
    CHECK(host.outside.told() == Events{Event::opened});
    CHECK(host.outside.acts == 0);
}

TEST_CASE("the same with recovery that does not help: at most two") {
    Machine host;
    host.outside.broken = true;
    for (int i = 0; i < 30; ++i) {
        CHECK(host.run().exit == ExitCode::critical);
    }
    CHECK(host.outside.told() == Events{Event::opened, Event::needs_person});
    CHECK(host.outside.acts > 1);
    CHECK(host.outside.acts <= 6); // the limits hold over runs
}

TEST_CASE("what waits for the next attempt says so, in the report and in the message") {
    Machine host;
    host.job.limits.waits = {std::chrono::minutes(5)};
    host.outside.broken = true;
    const auto says_so = [](const RunOutcome& outcome) {
        return std::any_of(outcome.report.notes.begin(), outcome.report.notes.end(), [](const Text& note) {
            return note.en.starts_with("recovery of site: attempt 1 did not help; until the next one: ");
        });
    };
    CHECK(says_so(host.run()));
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(plain_text(host.outside.phone[0]).find("Автоматическая починка: попытка 1 не помогла") !=
          std::string::npos);
    CHECK(says_so(host.run()));
    CHECK(host.outside.acts == 1);
}

TEST_CASE("an outage that nobody could look at after healing is still an outage") {
    Machine host;
    host.outside.broken = true;
    host.outside.acting_blinds = true;
    const RunOutcome outcome = host.run();
    CHECK(host.outside.acts == 1);
    CHECK(outcome.exit == ExitCode::critical);
    REQUIRE(outcome.report.checks.size() == 1);
    CHECK(outcome.report.checks[0].result.status == Status::critical);
    CHECK(outcome.report.checks[0].result.message == verbatim("HTTP 500, expected 200"));
    CHECK(host.outside.told() == Events{Event::opened});
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(plain_text(host.outside.phone[0]).find("помогло ли, увидеть не удалось") != std::string::npos);
}

TEST_CASE("one bad answer among good ones: nothing") {
    Machine host;
    host.outside.bad_looks = {3};
    for (int i = 0; i < 6; ++i) {
        CHECK(host.run().exit == ExitCode::ok);
    }
    CHECK(host.outside.phone.empty());
    CHECK(host.outside.acts == 0);
}

TEST_CASE("a service that passes between two falls: one opening, no end until it passes twice") {
    Machine host;
    host.outside.broken = true;
    host.run(without_recovery());
    host.outside.broken = false;
    for (int i = 0; i < 5; ++i) {
        host.outside.bad_looks = {host.outside.looks + 2};
        CHECK(host.run(without_recovery()).exit == ExitCode::critical);
    }
    CHECK(host.outside.told() == Events{Event::opened});
    const int before = host.outside.looks;
    CHECK(host.run(without_recovery()).exit == ExitCode::ok);
    CHECK(host.outside.looks == before + 2);
    CHECK(host.outside.told() == Events{Event::opened, Event::resolved});
}

TEST_CASE(
    "what hangs is acted on once two looks beside each other were silent, each for the whole of its limit") {
    const auto second = GENERATE(Job::SecondLook::beside, Job::SecondLook::after);
    Machine host;
    host.job.checks[0].check = std::make_shared<Silent>(host.outside);
    host.job.second_look = second;
    host.outside.acting_helps = true;
    host.run();
    host.outside.broken = true;
    SteadyTime acted;
    host.outside.on_act = [&] { acted = host.bare.clock.steady(); };
    const SteadyTime begun = host.bare.clock.steady() + std::chrono::minutes(1);
    CHECK(host.run().exit == ExitCode::ok);
    CHECK(host.outside.acts == 1);
    const bool beside = second == Job::SecondLook::beside;
    CHECK(acted - begun >= std::chrono::milliseconds(beside ? 5'500 : 11'000));
    CHECK(acted - begun < std::chrono::milliseconds(beside ? 5'600 : 11'100));
    CHECK(host.outside.told() == Events{Event::mended});
}

TEST_CASE("one lost connection is neither told nor acted on, and its run asks no more than it did") {
    Machine host;
    host.job.checks[0].check = std::make_shared<Silent>(host.outside);
    host.job.second_look = Job::SecondLook::beside;
    host.outside.bad_looks = {2, 4};
    for (int i = 0; i < 4; ++i) {
        CHECK(host.run().exit == ExitCode::ok);
    }
    CHECK(host.outside.looks == 6);
    CHECK(host.outside.acts == 0);
    CHECK(host.outside.phone.empty());
}

TEST_CASE("a failure that would not count yet is not asked twice, beside or after") {
    Machine host;
    host.job.checks[0].check = std::make_shared<Silent>(host.outside);
    host.job.checks[0].policy.common.confirm = 2;
    host.job.second_look = Job::SecondLook::beside;
    host.outside.broken = true;
    host.run(without_recovery());
    CHECK(host.outside.looks == 1);
    CHECK(host.outside.phone.empty());
    host.run(without_recovery());
    CHECK(host.outside.looks == 3);
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("an open incident is not over by one of two looks beside each other") {
    Machine host;
    host.job.checks[0].check = std::make_shared<Silent>(host.outside);
    host.job.second_look = Job::SecondLook::beside;
    host.job.ladder.clear();
    host.outside.broken = true;
    host.run();
    CHECK(host.outside.looks == 2);
    host.outside.broken = false;
    host.outside.bad_looks = {3};
    CHECK(host.run().exit == ExitCode::critical);
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("attempts go on being counted over a moment in which the site is well") {
    Machine host;
    host.outside.broken = true;
    int called_after = 0;
    for (int minute = 0; called_after == 0 && minute < 60; ++minute) {
        host.outside.broken = minute % 4 != 3; // its end is told each time, and it falls again
        host.run();
        const Events told = host.outside.told();
        called_after = told.back() == Event::needs_person ? host.outside.acts : 0;
    }
    CHECK(called_after == 3);
}

TEST_CASE("--dry-run promises no action where a run would wait") {
    Machine host;
    host.job.ladder[0].doing = std::make_shared<OnItsWay>();
    host.outside.broken = true;
    Wishes wishes;
    wishes.dry_run = true;
    const std::vector<Text> notes = host.run(wishes).report.notes;
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].en == "would wait for nginx.service because of site: systemd is starting it");
}

TEST_CASE("broken and mended in one run: one message, exit 0") {
    Machine host;
    host.run();
    host.outside.broken = true;
    host.outside.acting_helps = true;
    const RunOutcome outcome = host.run();
    CHECK(outcome.exit == ExitCode::ok);
    REQUIRE(outcome.report.recovery.size() == 1);
    CHECK(outcome.report.recovery[0].fixed == std::vector<std::string>{"site"});
    host.run();
    CHECK(host.outside.told() == Events{Event::mended});
}

namespace {

// A check of a machine that is how the test says.
class Said final : public AsyncCheck {
  public:
    explicit Said(const bool& broken) : m_broken(broken) {}
    Task<CheckResult> run(const CheckContext&) const override {
        CheckResult result;
        result.status = m_broken ? Status::critical : Status::ok;
        result.message = verbatim(m_broken ? "may not be read" : "all there");
        co_return result;
    }

  private:
    const bool& m_broken;
};

std::string told_in(const Message& message) {
    std::string all;
    for (const Subject& subject : message.subjects) {
        all += (all.empty() ? "" : ", ") + std::string(to_string(subject.event)) + " " + subject.check;
    }
    return all;
}

} // namespace

TEST_CASE("two causes at once: what outlives the first is told and mended in the same run") {
    Machine host; // its "site" stands for nginx here
    bool files_broken = false;
    JobCheck frontend = host.job.checks[0];
    frontend.policy.name = "frontend";
    frontend.policy.common.needs = {"site"};
    frontend.check = std::make_shared<Said>(files_broken);
    host.job.checks.push_back(frontend);
    Outside files; // of the rung for them
    Rung rung = host.job.ladder[0];
    rung.name = "permissions";
    rung.when = {"frontend"};
    rung.action = "fix-permissions";
    rung.doing = std::make_shared<Restart>(files, "/srv/site");
    host.job.ladder.push_back(rung);
    host.run();

    host.outside.broken = files_broken = true;
    host.outside.acting_helps = true;
    SECTION("mended") {
        files.on_act = [&] { files_broken = false; };
        const RunOutcome outcome = host.run();
        CHECK(outcome.exit == ExitCode::ok);
        CHECK(files.acts == 1);
        REQUIRE(host.outside.phone.size() == 1);
        CHECK(told_in(host.outside.phone[0]) == "mended health/site, mended health/frontend");
        REQUIRE(outcome.report.recovery.size() == 2);
        CHECK(outcome.report.recovery[0].fixed == std::vector<std::string>{"site"});
        CHECK(outcome.report.recovery[1].fixed == std::vector<std::string>{"frontend"});
    }
    SECTION("in vain") {
        const RunOutcome outcome = host.run();
        CHECK(outcome.exit == ExitCode::critical);
        CHECK(files.acts == 1);
        REQUIRE(host.outside.phone.size() == 1);
        CHECK(told_in(host.outside.phone[0]) == "opened health/frontend, mended health/site");
        const auto is_open = [](const IncidentReport& incident) {
            return incident.state == IncidentReport::State::open;
        };
        const std::vector<IncidentReport>& incidents = outcome.report.incidents;
        CHECK(std::count_if(incidents.begin(), incidents.end(), is_open) == 1);
        files_broken = false;
        host.run();
        REQUIRE(host.outside.phone.size() == 2);
        CHECK(told_in(host.outside.phone[1]) == "resolved health/frontend");
    }
    SECTION("without a rung of its own it is told as well") {
        host.job.ladder.pop_back();
        host.run();
        REQUIRE(host.outside.phone.size() == 1);
        CHECK(told_in(host.outside.phone[0]) == "opened health/frontend, mended health/site");
    }
}

TEST_CASE("--only: what was mended since explains nothing any more") {
    Machine host;
    bool page_broken = true;
    JobCheck page = host.job.checks[0];
    page.policy.name = "page";
    page.policy.common.needs = {"site"};
    page.check = std::make_shared<Said>(page_broken);
    host.job.checks.push_back(page);
    host.outside.broken = true;
    host.run(without_recovery());
    Wishes only = without_recovery();
    only.only = {"page"};
    const auto row = [](const RunOutcome& outcome) {
        return *std::find_if(outcome.report.checks.begin(), outcome.report.checks.end(),
                             [](const auto& check) { return check.name == "page"; });
    };
    SECTION("mended by hand") {
        host.outside.broken = false;
        CHECK(row(host.run(only)).symptom_of.value_or("").empty());
        CHECK(told_in(host.outside.phone.back()) == "opened health/page, resolved health/site");
    }
    SECTION("it is broken still") {
        const RunOutcome outcome = host.run(only);
        CHECK(row(outcome).symptom_of.value_or("") == "site");
        CHECK(outcome.report.checks.size() == 1);
        CHECK(host.outside.phone.size() == 1);
    }
    SECTION("it passes once, between two falls") {
        host.outside.broken = false;
        host.outside.bad_looks = {host.outside.looks + 2};
        CHECK(row(host.run(only)).symptom_of.value_or("") == "site");
    }
}

TEST_CASE("a deploy marker hides and forbids healing; what outlives it is told at once") {
    Machine host;
    host.run();
    spill(host.job.paths.run / "deploy_in_progress", "");
    std::filesystem::last_write_time(host.job.paths.run / "deploy_in_progress",
                                     std::filesystem::file_time_type::clock::now());
    // The marker's time is the disk's, so the made-up clock follows it.
    const auto real =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    host.bare.clock.jump_wall(real - host.bare.clock.now().wall);
    host.outside.broken = true;
    const RunOutcome silent = host.run();
    CHECK(silent.exit == ExitCode::critical);
    CHECK(host.outside.told().empty());
    CHECK(host.outside.acts == 0);
    REQUIRE(silent.report.quiet.size() == 1);
    CHECK(slurp(host.job.paths.logs / "health.log").find(silent.report.quiet[0].in(host.job.lang)) !=
          std::string::npos);
    std::filesystem::remove(host.job.paths.run / "deploy_in_progress");
    host.run();
    CHECK(host.outside.told() == Events{Event::opened});
    CHECK(host.outside.acts > 0);
}

TEST_CASE("a maintenance that begins while the run heals ends its healing") {
    Machine host;
    host.run();
    const auto real =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    host.bare.clock.jump_wall(real - host.bare.clock.now().wall);
    Rung second = host.job.ladder.front();
    second.name = "backend";
    second.doing = std::make_shared<Restart>(host.outside, "backend.service");
    host.job.ladder.push_back(second);
    host.outside.broken = true;
    host.outside.on_act = [&] { spill(host.job.paths.run / "maintenance_mode", ""); };
    const RunOutcome outcome = host.run();
    CHECK(host.outside.acts == 1);
    REQUIRE_FALSE(outcome.report.notes.empty());
    CHECK(outcome.report.notes.back().en.find("maintenance until") != std::string::npos);
}

TEST_CASE("what stops because the host does is neither told nor started again") {
    Machine host;
    host.run();
    host.outside.broken = true;
    host.bare.services.stopping = true;
    const RunOutcome going_down = host.run();
    CHECK(host.outside.told().empty());
    CHECK(host.outside.acts == 0);
    CHECK(going_down.report.checks.at(0).result.status == Status::skipped);
    CHECK(going_down.report.checks.at(0).result.message.en ==
          "the host is shutting down, so this is no failure: HTTP 500, expected 200");
    host.bare.services.stopping = false; // booted again
    host.run(without_recovery());
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("a mute marker elsewhere takes the place of the one in the run folder") {
    Machine host;
    const Path elsewhere = host.folder / "mute";
    host.job.mute_file = elsewhere;
    host.outside.broken = true;
    const auto in_an_hour =
        std::chrono::floor<std::chrono::seconds>(host.bare.clock.now().wall) + std::chrono::hours(1);
    spill(elsewhere, std::to_string(in_an_hour.time_since_epoch().count()));
    host.run(without_recovery());
    CHECK(host.outside.told().empty());
    std::filesystem::remove(elsewhere);
    host.run(without_recovery());
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("--dry-run writes nothing, acts on nothing, and says what it would send") {
    Machine host;
    host.run();
    host.outside.broken = true;
    const std::set<std::string> before = everything_in(host.folder.path());
    const std::string state = slurp(host.job.paths.state / "health/state.json");
    Wishes wishes;
    wishes.dry_run = true;
    const RunOutcome outcome = host.run(wishes);
    CHECK(outcome.exit == ExitCode::critical);
    CHECK(outcome.would_send.size() == 1);
    CHECK(everything_in(host.folder.path()) == before);
    CHECK(slurp(host.job.paths.state / "health/state.json") == state);
    CHECK(host.outside.phone.empty());
    CHECK(host.outside.acts == 0);
}

TEST_CASE("after --no-notify the next normal run tells") {
    Machine host;
    host.outside.broken = true;
    Wishes silent = without_recovery();
    silent.notify = false;
    host.run(silent);
    CHECK(host.outside.phone.empty());
    host.run(without_recovery());
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("without a channel nothing counts as told: it is, once there is one") {
    Machine host;
    host.outside.has_phone = false;
    host.outside.broken = true;
    for (int run = 0; run < 3; ++run) {
        CHECK(host.run(without_recovery()).exit == ExitCode::critical);
    }
    host.outside.has_phone = true;
    host.run(without_recovery());
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(host.outside.phone[0].title.starts_with("🚨"));
    CHECK(host.phone_agrees());
    CHECK(host.run(without_recovery()).report.alerts.queued == 0);
    CHECK(host.outside.phone.size() == 1);
}

TEST_CASE("what came and went while there was no channel is told whole by one message") {
    Machine host;
    host.outside.has_phone = false;
    host.outside.broken = true;
    host.run(without_recovery());
    host.outside.broken = false;
    host.run(without_recovery());
    host.outside.has_phone = true;
    for (int run = 0; run < 3; ++run) {
        host.run(without_recovery());
    }
    REQUIRE(host.outside.phone.size() == 1);
    const std::string text = plain_text(host.outside.phone[0]);
    INFO(text);
    CHECK(text.find("HTTP 500") != std::string::npos);
}

TEST_CASE("a call for a person that --no-notify kept back is made by the next normal run") {
    Machine host;
    host.outside.broken = true;
    Wishes silent;
    silent.notify = false;
    for (int i = 0; i < 40; ++i) {
        host.run(silent);
    }
    CHECK(host.outside.phone.empty());
    host.run();
    CHECK(host.outside.told() == Events{Event::opened, Event::needs_person});
    host.run();
    CHECK(host.outside.told().size() == 2);
}

TEST_CASE("a call for a person that could neither be stored nor sent is made by the next run that can") {
    Machine host;
    host.outside.broken = true;
    host.outside.phone_reachable = false;
    host.files.fail_writing(EROFS, host.folder / "state/outbox");
    for (int i = 0; i < 40; ++i) {
        host.run();
    }
    host.outside.phone_reachable = true;
    host.run();
    CHECK(host.outside.told() == Events{Event::opened, Event::needs_person});
}

TEST_CASE("warnings of the night are in the morning's message, in one run after a restart of the host, too") {
    Machine host;
    host.job.quiet = "23:00-08:00";
    host.job.zone = "UTC";
    host.job.checks[0].policy.common.severity = Severity::warning;
    host.run();
    host.bare.clock.advance(std::chrono::hours(14)); // midnight
    host.outside.broken = true;
    host.run();
    host.outside.broken = false;
    host.run();
    host.outside.broken = true;
    CHECK(host.run().exit == ExitCode::warning);
    CHECK(host.outside.phone.empty());
    host.bare.clock.reboot(std::chrono::hours(8));
    host.bare.clock.advance(std::chrono::minutes(5));
    host.run();
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(host.outside.told() == Events{Event::opened, Event::mended});
    host.run();
    CHECK(host.outside.phone.size() == 1);
}

TEST_CASE("an unreachable phone: told when it is back, and once") {
    Machine host;
    host.outside.broken = true;
    host.outside.phone_reachable = false;
    host.run(without_recovery());
    CHECK(host.outside.phone.empty());
    host.outside.phone_reachable = true;
    for (int i = 0; i < 15; ++i) {
        host.run(without_recovery());
    }
    CHECK(host.outside.told() == Events{Event::opened});
}

TEST_CASE("a damaged state stops neither checks nor recovery nor alerts") {
    for (const char* damage : {"", "{", "\xff\xff", "{\"schema\":1,\"judge\":[]}", "{\"schema\":999}"}) {
        CAPTURE(damage);
        Machine host;
        host.run();
        host.run();
        for (const auto& entry : std::filesystem::directory_iterator(host.job.paths.state / "health")) {
            spill(entry.path(), damage);
        }
        host.outside.broken = true;
        host.outside.acting_helps = true;
        host.run();
        CHECK(host.outside.acts == 1);
        CHECK(host.outside.told() == Events{Event::mended});
    }
}

TEST_CASE("a full or read-only disk stops neither checks nor recovery nor alerts") {
    for (const int error : {EROFS, ENOSPC}) {
        CAPTURE(error);
        Machine host;
        host.run();
        host.files.fail_writing(error);
        host.outside.broken = true;
        host.outside.acting_helps = true;
        const RunOutcome outcome = host.run();
        CHECK_FALSE(outcome.no_run.has_value());
        CHECK(host.outside.acts == 1);
        CHECK(host.outside.told() == Events{Event::mended});
        CHECK(outcome.exit ==
              ExitCode::critical); // the state could not be kept: the site is well, we are not
        host.files.heal();
        CHECK(host.run().exit != ExitCode::internal);
    }
}

TEST_CASE("one disk that refuses everything: told of once, and not each minute") {
    for (const int error : {EROFS, ENOSPC}) {
        CAPTURE(error);
        TempFolder memory;
        Machine host;
        host.job.paths.memory = memory.path();
        host.run();
        host.files.fail_writing(error, host.folder.path());
        host.outside.broken = true;
        for (int i = 0; i < 10; ++i) {
            host.run(without_recovery());
        }
        CHECK(host.outside.told() == Events{Event::opened});
        CHECK(host.outside.phone.size() == 2); // the other: that the state cannot be written
        host.outside.broken = false;
        host.run();
        CHECK(host.outside.told() == Events{Event::opened, Event::resolved});
        host.files.heal();
        host.run();
        host.run();
        CHECK(host.outside.phone.size() == 4); // and that it can
    }
}

TEST_CASE("what waited when the disk began to refuse is told once, and the disk with it") {
    for (const int error : {EROFS, ENOSPC}) {
        CAPTURE(error);
        TempFolder memory;
        Machine host;
        host.job.paths.memory = memory.path();
        host.outside.broken = true;
        host.outside.phone_reachable = false;
        host.run(without_recovery());
        host.files.fail_writing(error, host.folder / "state/outbox"); // state itself can be written
        host.outside.phone_reachable = true;
        for (int i = 0; i < 5; ++i) {
            host.run(without_recovery());
        }
        CHECK(host.outside.told() == Events{Event::opened});
        REQUIRE(host.outside.phone.size() == 2);
        CHECK(host.outside.phone[1].subjects[0].check == "health/state");
        host.files.heal();
        for (int i = 0; i < 3; ++i) {
            host.run(without_recovery());
        }
        CHECK(host.outside.told() == Events{Event::opened});
        REQUIRE(host.outside.phone.size() == 3);
        CHECK(host.outside.phone[2].subjects[0].event == Event::resolved);
    }
}

TEST_CASE("a damaged state: what was told is known from those who told it") {
    for (const char* files : {"state.json", "state.json state.prev.json"}) {
        for (const bool was_over : {false, true}) {
            for (const bool broken : {false, true}) {
                CAPTURE(files, was_over, broken);
                Machine host;
                host.run();
                host.outside.broken = true;
                host.run(without_recovery());
                host.outside.broken = !was_over;
                host.run(without_recovery());
                const std::size_t told = host.outside.told().size();
                CHECK(told == (was_over ? 2 : 1));
                for (const auto& entry :
                     std::filesystem::directory_iterator(host.job.paths.state / "health")) {
                    if (std::string(files).find(entry.path().filename()) != std::string::npos) {
                        spill(entry.path(), "garbage");
                    }
                }
                host.outside.broken = broken;
                for (int i = 0; i < 2; ++i) {
                    host.run(without_recovery());
                    CHECK(host.phone_agrees());
                    CHECK(host.outside.told().size() == told + (was_over == broken ? 1 : 0));
                }
            }
        }
    }
}

TEST_CASE("one trouble of the suite is one row") {
    Machine host;
    host.run();
    host.files.fail_writing(EROFS, host.folder.path());
    for (int i = 0; i < 3; ++i) {
        const Report report = host.run().report;
        CHECK(std::count_if(report.checks.begin(), report.checks.end(),
                            [](const CheckReport& check) { return check.name == "state"; }) == 1);
    }
}

TEST_CASE("a check may bear the name of a trouble of the suite: neither takes the other's row") {
    Machine host;
    host.job.checks[0].policy.name = "channel-phone";
    host.job.ladder[0].when = {"channel-phone"};
    host.outside.broken = true;
    host.outside.phone_refuses = true;
    const Report report = host.run(without_recovery()).report;
    REQUIRE(report.checks.size() == 2);
    CHECK(report.checks[0].type == "http");
    CHECK(report.checks[0].result.status == Status::critical);
    CHECK(report.checks[1].type == "self");
    CHECK(report.checks[1].result.status == Status::warning);
}

TEST_CASE("a check of another type under the same name begins with no attempts") {
    Machine host;
    host.job.limits.waits = {std::chrono::minutes(30)};
    host.outside.broken = true;
    host.run();
    host.run();
    CHECK(host.outside.acts == 1); // the second attempt waits
    host.job.checks[0].policy.type = "tcp";
    host.run();
    CHECK(host.outside.acts == 2);
    host.run();
    CHECK(host.outside.acts == 2);
}

TEST_CASE("an alert that was refused for good stands in the report, and is told by the next run") {
    Machine host;
    host.outside.broken = true;
    host.outside.phone_refuses = true;
    const Report report = host.run(without_recovery()).report;
    CHECK(report.alerts.rejected == 1);
    const auto channel = std::find_if(report.checks.begin(), report.checks.end(),
                                      [](const CheckReport& check) { return check.name == "channel-phone"; });
    REQUIRE(channel != report.checks.end());
    CHECK(channel->result.status == Status::warning);
    host.outside.phone_refuses = false;
    host.run(without_recovery());
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(host.outside.phone[0].subjects[0].check == "health/channel-phone");
}

TEST_CASE("a run that dies while healing is told by the next") {
    Machine host;
    host.run();
    host.outside.broken = true;
    host.outside.acting_helps = true;
    for (std::size_t step = 1; host.outside.acts == 0; ++step) {
        REQUIRE(step < 200);
        host.files.crash_at(step);
        stopped_by_crash([&] { host.run(); });
        host.files.heal();
    }
    for (int i = 0; i < 3; ++i) {
        CHECK(host.run().exit != ExitCode::critical);
    }
    REQUIRE_FALSE(host.outside.told().empty());
    const Event last = host.outside.told().back();
    CHECK((last == Event::mended || last == Event::resolved));
}

TEST_CASE("a lock that cannot be made stops nothing, and is said") {
    for (const int error : {EROFS, ENOSPC}) {
        CAPTURE(error);
        Machine host;
        host.files.fail_writing(error, host.job.paths.run);
        host.outside.broken = true;
        host.outside.acting_helps = true;
        const RunOutcome outcome = host.run();
        CHECK_FALSE(outcome.no_run.has_value());
        CHECK(outcome.exit == ExitCode::warning);
        const std::vector<CheckReport>& checks = outcome.report.checks;
        const auto state = std::find_if(checks.begin(), checks.end(),
                                        [](const CheckReport& check) { return check.name == "state"; });
        REQUIRE(state != checks.end());
        CHECK(state->result.message.en.find("went on without it") != std::string::npos);
        CHECK(host.outside.told() == Events{Event::mended});
    }
}

TEST_CASE("a second run beside the first says who holds the lock") {
    Machine host;
    host.run();
    const Result<Lock> held =
        host.files.lock(host.job.paths.run / "health.lock", "lectio-health", host.bare.clock.now().wall);
    REQUIRE(held.ok());
    const RunOutcome outcome = host.run();
    CHECK(outcome.exit == ExitCode::locked);
    CHECK(outcome.no_run.has_value());
    CHECK(host.outside.looks == 1);
}

// ── history and metrics ─────────────────────────────────────────────────────────────────────────────────────

namespace {

HistoryPlace history_of(const Machine& host) {
    return {host.job.paths.state, host.job.paths.run / "history.lock", effective_user()};
}

PastRuns past_of(Machine& host) {
    Result<PastRuns> past = PastRuns::at(host.files, host.bare.clock, history_of(host),
                                         host.bare.clock.steady() + Duration(1000));
    REQUIRE(past);
    return std::move(past).value();
}

std::size_t recorded(Machine& host) {
    PastRuns past = past_of(host);
    const Result<std::vector<WallTime>> beginnings = past.beginnings({});
    REQUIRE(beginnings);
    return beginnings->size();
}

std::string trouble_in(const RunOutcome& outcome) {
    for (const CheckReport& check : outcome.report.checks) {
        if (check.name == "state") {
            return check.result.message.en;
        }
    }
    return {};
}

} // namespace

TEST_CASE("a run that found, mended and told is in the history with all of it") {
    Machine host;
    host.run();
    host.outside.broken = true;
    host.outside.acting_helps = true;
    host.run();
    PastRuns past = past_of(host);
    std::vector<PastRun> runs;
    REQUIRE(past.each({}, [&](const PastRun& run) { runs.push_back(run); }));
    REQUIRE(runs.size() == 2);
    CHECK(runs[1].tool == "health");
    CHECK(runs[1].status == static_cast<int>(Status::ok));
    REQUIRE(runs[1].looks.size() == 1);
    const RecordedLook first = runs[1].looks[0].whole();
    CHECK(first.status == static_cast<int>(Status::critical));
    CHECK(first.message.en == "HTTP 500, expected 200");
    REQUIRE(runs[1].after_healing.size() == 1);
    CHECK(runs[1].after_healing[0].whole().status == static_cast<int>(Status::ok));
    const auto deeds = past.deeds({});
    REQUIRE(deeds);
    REQUIRE(deeds->size() == 1);
    CHECK(deeds->at(0).what.fixed == std::vector<std::string>{"site"});
    const auto events = past.events({});
    REQUIRE(events);
    std::vector<std::string> words;
    for (const auto& event : *events) {
        words.push_back((event.what.kind == RecordedEvent::Kind::told ? "told " : "") + event.what.event);
    }
    CHECK(words == std::vector<std::string>{"opened", "resolved", "told mended"});
}

TEST_CASE("the day is summed up from the history, once") {
    Machine host;
    host.job.digest = "09:00"; // the made-up clock begins at 10:00
    host.job.zone = "UTC";
    host.run(without_recovery());
    host.outside.broken = true;
    host.run(without_recovery());
    host.outside.broken = false;
    host.run(without_recovery());
    host.run(without_recovery());
    CHECK(host.outside.phone.size() == 2);
    host.bare.clock.advance(std::chrono::hours(22) + std::chrono::minutes(57));
    for (int i = 0; i < 3; ++i) {
        host.run(without_recovery());
    }
    REQUIRE(host.outside.phone.size() == 3);
    const Message& summary = host.outside.phone.back();
    CHECK(summary.title == "ℹ️ всё в порядке: 4 запуска, 1 инцидент, 75,00% · test-1");
    REQUIRE(summary.subjects.size() == 1);
    CHECK(summary.subjects[0].event == Event::summary);
}

TEST_CASE("the summary of the day says what grows, asked in this run or before, and nothing else does") {
    Machine host;
    host.job.digest = "09:00";
    host.job.zone = "UTC";
    const auto add = [&](const char* name, Duration every) {
        JobCheck growth;
        growth.policy.name = name;
        growth.policy.type = "growth";
        growth.policy.common.severity = Severity::info;
        growth.policy.common.every = every;
        growth.check = std::make_shared<Grown>(name);
        host.job.checks.push_back(growth);
    };
    add("disks", Duration(0));
    add("media", std::chrono::hours(48));
    host.run(without_recovery());
    CHECK(host.outside.phone.empty());
    host.bare.clock.advance(std::chrono::hours(23));
    host.run(without_recovery());
    REQUIRE(host.outside.phone.size() == 1);
    const Message& summary = host.outside.phone.back();
    REQUIRE(summary.subjects.size() == 1);
    CHECK(summary.subjects[0].event == Event::summary);
    const std::string words = plain_text(summary);
    CHECK_THAT(words, Catch::Contains("Рост: disks: +1 GB"));
    CHECK_THAT(words, Catch::Contains("Рост: media: +1 GB"));
    CHECK_THAT(words, !Catch::Contains("Рост: HTTP 200"));
}

TEST_CASE("a history that cannot be read: the summary says so, and nothing else is held up by it") {
    Machine host;
    host.job.digest = "09:00";
    host.job.zone = "UTC";
    host.run(without_recovery());
    std::filesystem::remove(history_of(host).file().string() + "-wal");
    spill(history_of(host).file(), std::string(9000, 'x'));
    host.bare.clock.advance(std::chrono::hours(23));
    host.outside.broken = true;
    host.run(without_recovery());
    REQUIRE(host.outside.phone.size() == 1);
    CHECK(host.outside.told() == Events{Event::opened});
    CHECK(host.outside.phone[0].subjects.back().event == Event::summary);
    CHECK(host.outside.phone[0].subjects.back().summary == "сводка: записей за сутки нет");
}

TEST_CASE("--dry-run names no incident that is kept nowhere, and --only none of what it has not asked") {
    Machine host;
    host.outside.broken = true;
    Wishes wishes;
    wishes.dry_run = true;
    const Report first = host.run(wishes).report;
    CHECK(first.status == Status::critical);
    CHECK(first.incidents.empty());
    CHECK(std::none_of(first.checks.begin(), first.checks.end(),
                       [](const CheckReport& check) { return check.incident.has_value(); }));
    const Report opened = host.run(without_recovery()).report;
    REQUIRE(opened.incidents.size() == 1);
    const Report again = host.run(wishes).report;
    REQUIRE(again.incidents.size() == 1);
    CHECK(again.incidents[0].id == opened.incidents[0].id);
    wishes.only = {"nothing-of-it"};
    CHECK(host.run(wishes).report.incidents.empty());
}

TEST_CASE("a look by hand says nothing of the suite itself") {
    Machine host;
    host.job.notices.push_back({"config", "cause", Status::warning, verbatim("a variable is not set"), {}});
    Wishes wishes;
    wishes.dry_run = true;
    CHECK(host.run(wishes).report.status == Status::warning);
    wishes.tells_of_itself = false;
    const RunOutcome look = host.run(wishes);
    CHECK(look.report.status == Status::ok);
    CHECK(look.exit == ExitCode::ok);
}

TEST_CASE("--dry-run is not in the history, --only is as a part") {
    Machine host;
    Wishes wishes;
    wishes.dry_run = true;
    host.run(wishes);
    CHECK_FALSE(std::filesystem::exists(history_of(host).file()));
    wishes.dry_run = false;
    wishes.only = {"site"};
    host.run(wishes);
    PastRuns past = past_of(host);
    bool partial = false;
    REQUIRE(past.each({}, [&](const PastRun& run) { partial = run.partial; }));
    CHECK(partial);
}

TEST_CASE("a damaged history: told once, and the run is what it would have been") {
    Machine host;
    host.run();
    std::filesystem::remove(history_of(host).file().string() + "-wal");
    spill(history_of(host).file(), std::string(9000, 'x'));
    host.outside.broken = true;
    host.outside.acting_helps = true;
    const RunOutcome outcome = host.run();
    CHECK(host.outside.told() == Events{Event::mended});
    CHECK(outcome.exit == ExitCode::warning);
    CHECK(trouble_in(outcome).find("a new one was begun") != std::string::npos);
    CHECK(recorded(host) == 1);
    const std::size_t before = host.outside.phone.size();
    for (int i = 0; i < 5; ++i) {
        host.run();
    }
    CHECK(host.outside.phone.size() == before + 1);
    CHECK(host.run().exit == ExitCode::ok);
}

TEST_CASE("a history that another holds locked: no run is held up, and only what lasts is told") {
    Machine host;
    host.run();
    {
        Result<Database> holder = Database::at(history_of(host).file(), Database::Access::read_write,
                                               host.bare.clock, host.bare.clock.steady() + Duration(1000));
        REQUIRE(holder);
        const Result<Transaction> held = Transaction::begin(*holder);
        REQUIRE(held);
        const Duration slept = host.bare.clock.slept();
        CHECK(host.run().exit == ExitCode::ok);
        CHECK(host.bare.clock.slept() - slept <= History::k_at_most + Duration(100));
        CHECK(host.run().exit == ExitCode::ok);
        CHECK(host.outside.phone.empty());
        host.run();
        host.run();
        CHECK(host.outside.phone.size() == 1);
        CHECK(recorded(host) == 1);
    }
    host.run();
    host.run();
    CHECK(host.outside.phone.size() == 2); // and its end
    CHECK(host.run().exit == ExitCode::ok);
    CHECK(recorded(host) == 4);
}

TEST_CASE("a history that cannot be written is a warning at once") {
    Machine host;
    host.run();
    REQUIRE(std::filesystem::remove(history_of(host).file()));
    std::filesystem::create_directory(history_of(host).file());
    host.files.fail_writing(EACCES, history_of(host).file());
    const RunOutcome outcome = host.run();
    CHECK(outcome.exit == ExitCode::warning);
    CHECK(trouble_in(outcome).find("history") != std::string::npos);
}

TEST_CASE("metrics are written after each whole run, and not being able to is a note") {
    Machine host;
    host.job.paths.metrics = host.folder / "metrics/lectio.prom";
    const RunOutcome without_folder = host.run();
    CHECK(without_folder.exit == ExitCode::ok);
    CHECK(without_folder.report.notes.size() == 1);
    std::filesystem::create_directory(host.folder / "metrics");
    host.outside.broken = true;
    CHECK(host.run(without_recovery()).report.notes.empty());
    const std::string text = slurp(host.job.paths.metrics);
    CHECK(text.find("lectio_check_status{tool=\"health\",check=\"site\"} 2\n") != std::string::npos);
    CHECK(text.find("lectio_incident_open{tool=\"health\",check=\"site\"} 1\n") != std::string::npos);
    host.outside.broken = false;
    Wishes only = without_recovery();
    only.only = {"site"};
    host.run(only);
    CHECK(slurp(host.job.paths.metrics) == text); // not of a part of the checks
}
