#include "checks/systemd.h"
#include "checks/unit_words.h"
#include "support/bare_world.h"
#include "support/fake_services.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

using Memory = std::map<std::string, std::string>;

CheckResult look(const UnitState& unit, const SystemdSettings& settings = {}, const Memory& memory = {}) {
    return evaluate_unit(unit, settings, memory, FakeClock().now());
}

bool says(const CheckResult& result, std::string_view words) {
    return result.message.en.find(words) != std::string::npos;
}

UnitState in_state(const std::string& active, const std::string& sub) {
    UnitState unit = running_unit("app.service");
    unit.active_state = active;
    unit.sub_state = sub;
    return unit;
}

CheckResult run_check(Services& services) {
    BareWorld bare;
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, services, bare.redis};
    SystemdSettings settings;
    settings.unit = "app";
    const std::unique_ptr<Check> check = systemd_check_type().make(&settings);
    const Memory memory{{"restarts", "3"}};
    return dynamic_cast<const BlockingCheck&>(*check).run(
        {world, bare.clock.now(), bare.clock.steady() + 10s, memory, false});
}

} // namespace

TEST_CASE("A running unit is well") {
    const CheckResult result = look(running_unit("app.service"));
    CHECK(result.status == Status::ok);
    CHECK(says(result, "app.service is running"));
}

TEST_CASE("How a unit ended is told in words") {
    struct Case {
        UnitState unit;
        std::string words;
    };
    const auto seen = GENERATE(values<Case>({
        {failed_unit("a.service", "exit-code", CLD_EXITED, 3), "exit status 3"},
        {failed_unit("a.service", "exit-code", CLD_EXITED, 203), "missing or cannot be executed"},
        {failed_unit("a.service", "oom-kill", CLD_KILLED, SIGKILL),
         "killed by the kernel for lack of memory"},
        {failed_unit("a.service", "watchdog", CLD_KILLED, SIGABRT), "watchdog"},
        {failed_unit("a.service", "signal", CLD_KILLED, SIGKILL), "SIGKILL"},
        {failed_unit("a.service", "core-dump", CLD_DUMPED, SIGSEGV), "crashed (signal SIGSEGV)"},
        {failed_unit("a.service", "timeout", CLD_KILLED, SIGTERM), "time allowed"},
        {failed_unit("a.service", "start-limit-hit", CLD_EXITED, 1), "given up restarting it; exit status 1"},
        {failed_unit("a.service", "some-new-result", 0, 0), "some-new-result"},
    }));
    const CheckResult result = look(seen.unit);
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::try_it);
    INFO(result.message.en);
    CHECK(says(result, seen.words));
}

TEST_CASE("Stopped on purpose is told apart from fallen, and is what the configuration says") {
    SystemdSettings settings;
    CHECK(look(in_state("inactive", "dead"), settings).status == Status::critical);
    settings.stopped = Status::warning;
    CHECK(look(in_state("inactive", "dead"), settings).status == Status::warning);
    settings.stopped = Status::ok;
    CHECK(look(in_state("inactive", "dead"), settings).status == Status::ok);
    CHECK(look(failed_unit("app.service", "signal", CLD_KILLED, SIGKILL), settings).status ==
          Status::critical);
    UnitState disabled = in_state("inactive", "dead");
    disabled.unit_file_state = "disabled";
    CHECK(says(look(disabled), "app.service is stopped; it is disabled"));
}

TEST_CASE("What is watched only because it fell may be stopped, forgotten, removed or forbidden: its fall is "
          "over") {
    SystemdSettings settings;
    settings.only_as_it_fell = true;
    const auto over = [&](const UnitState& unit) {
        const CheckResult result = look(unit, settings);
        CHECK(is_let_go(result));
        return result.message;
    };
    UnitState unit = in_state("inactive", "dead");
    unit.state_changed = FakeClock().now().wall - 60s;
    CHECK(over(unit).ru == "app.service остановлен намеренно");
    unit.result = "exit-code"; // stopped while it waited for its next start
    CHECK(over(unit).en == "app.service was stopped on purpose");
    unit.state_changed.reset();
    CHECK(over(unit).en == "app.service is not running, and not failed any more");

    UnitState removed = failed_unit("app.service", "exit-code", CLD_EXITED, 3);
    removed.load_state = "not-found";
    CHECK(over(removed).ru == "такого юнита больше нет: app.service");
    removed.load_state = "masked";
    CHECK(over(removed).en == "app.service is masked: somebody has forbidden its start");

    UnitState stopping = in_state("deactivating", "stop-sigterm");
    stopping.job = "stop";
    CHECK(over(stopping).en == "app.service was stopped on purpose");
    stopping.job = ""; // on its way down after a fall
    CHECK(look(stopping, settings).status == Status::critical);

    const CheckResult fallen = look(failed_unit("app.service", "exit-code", CLD_EXITED, 3), settings);
    CHECK(fallen.status == Status::critical);
    CHECK(!is_let_go(look(running_unit("app.service"), settings)));
}

TEST_CASE("A fall of what runs and ends is over with a run that ends well") {
    SystemdSettings settings;
    settings.only_as_it_fell = true;
    UnitState unit = in_state("inactive", "dead");
    unit.type = "oneshot";
    unit.state_changed = FakeClock().now().wall - 60s;
    CHECK(look(unit, settings).message.en == "app.service has run and ended well");
    CHECK(!is_let_go(look(unit, settings)));
    unit.exit_status = 3; // systemctl reset-failed: it did not end well
    CHECK(is_let_go(look(unit, settings)));
}

TEST_CASE("What a timer starts may rest between its runs") {
    UnitState unit = in_state("inactive", "dead");
    unit.type = "oneshot";
    CHECK(look(unit).status == Status::critical); // never ran
    unit.state_changed = FakeClock().now().wall - 1h;
    CHECK(look(unit).status == Status::ok);
}

TEST_CASE("A unit that is starting gets a moment, one that starts again and again does not") {
    UnitState unit = in_state("activating", "start");
    unit.state_changed = FakeClock().now().wall - 3s;
    CHECK(look(unit).status == Status::ok);
    unit.restarts = 4;
    const CheckResult fallen = look(unit, {}, {{"restarts", "3"}});
    CHECK(fallen.status == Status::critical);
    // Asked again in the same run, when the counter is no news any more.
    CHECK(look(unit, {}, fallen.memory).status == Status::critical);
    unit.restarts = 0;
    unit.state_changed = FakeClock().now().wall - 40s;
    CHECK(says(look(unit), "has been starting for 40 seconds"));

    UnitState falling = in_state("activating", "auto-restart");
    falling.result = "exit-code";
    falling.exit_code = CLD_EXITED;
    falling.exit_status = 3;
    CHECK(look(falling).status == Status::critical);
    CHECK(says(look(falling), "systemd is restarting it: exit status 3"));
}

TEST_CASE("A unit that somebody is restarting gets the same moment while it stops") {
    UnitState unit = in_state("deactivating", "stop-sigterm");
    unit.state_changed = FakeClock().now().wall - 3s;
    CHECK(look(unit).status == Status::critical);
    unit.job = "stop";
    CHECK(look(unit).status == Status::critical);
    unit.job = "restart";
    CHECK(look(unit).status == Status::ok);
    unit.state_changed = FakeClock().now().wall - 40s;
    CHECK(look(unit).status == Status::critical);
    CHECK(says(look(unit), "has been stopping for 40 seconds, to be started again"));
}

TEST_CASE("No restart helps a unit that is unknown or masked") {
    UnitState unit = in_state("inactive", "dead");
    unit.load_state = GENERATE("not-found", "masked", "bad-setting");
    const CheckResult result = look(unit);
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
    // Its journal would not say why: it never ran.
    const std::string hint = result.hint.en;
    CHECK(hint.find("journalctl") == std::string::npos);
    CHECK((unit.load_state != "masked" || hint.find("systemctl unmask " + unit.id) != std::string::npos));
}

TEST_CASE("Restarts by systemd are counted over the last hour") {
    FakeClock clock;
    SystemdSettings settings;
    settings.restarts = {Amount{Amount::Unit::number, 1}, Amount{Amount::Unit::number, 5}};
    UnitState unit = running_unit("app.service");
    unit.restarts = 7; // of days long past: unknown when
    Memory memory;
    const auto minute = [&](Duration passed, std::uint32_t restarts) {
        clock.advance(passed);
        unit.restarts = restarts;
        const CheckResult result = evaluate_unit(unit, settings, memory, clock.now());
        memory = result.memory;
        return result;
    };
    CHECK(minute(1min, 7).status == Status::ok);
    const CheckResult one = minute(1min, 8);
    CHECK(one.status == Status::warning);
    CHECK(says(one, "restarted app.service 1 time in the last hour"));
    CHECK(minute(1min, 8).status == Status::warning); // the same one
    CHECK(minute(1min, 12).status == Status::critical);
    // Started by hand: the counter begins again, what was seen in the hour is not forgotten.
    CHECK(minute(1min, 0).status == Status::critical);
    CHECK(minute(2h, 0).status == Status::ok);
}

TEST_CASE("A unit that falls again and again is not well in the moment between two falls") {
    FakeClock clock;
    Memory memory;
    const auto minute = [&](UnitState unit, std::uint32_t restarts, Duration passed = 1min) {
        clock.advance(passed);
        unit.restarts = restarts;
        const CheckResult result = evaluate_unit(unit, {}, memory, clock.now());
        memory = result.memory;
        return result;
    };
    const UnitState running = running_unit("app.service");
    const UnitState between_two = in_state("activating", "auto-restart");
    CHECK(minute(running, 3).status == Status::ok);
    CHECK(minute(running, 4).status == Status::ok); // one fall, and systemd has mended it
    CHECK(minute(between_two, 5).status == Status::critical);
    const CheckResult again = minute(running, 19);
    CHECK(again.status == Status::critical);
    CHECK(again.remedy == Remedy::cannot_help);
    CHECK(says(again, "fell again, systemd has restarted it"));
    CHECK(minute(running, 30).status == Status::critical);
    CHECK(minute(running, 30).status == Status::ok); // a minute without a fall

    CHECK(minute(between_two, 30).status == Status::critical);
    CHECK(minute(running, 31).status == Status::ok); // the start that it was waiting for
    CHECK(minute(between_two, 31).status == Status::critical);
    CHECK(minute(running, 0).status == Status::ok); // restarted by hand
    CHECK(minute(between_two, 1).status == Status::critical);
    CHECK(minute(running, 3, 5s).status == Status::ok); // brought up by the healer, in the same run
}

TEST_CASE("A damaged memory counts as none") {
    const auto falls =
        GENERATE(as<std::string>{}, "", "x", "*", "9999999999999999999*1", "1*99999999999999999999");
    SystemdSettings settings;
    settings.restarts.warn = Amount{Amount::Unit::number, 1};
    CHECK(look(running_unit("app.service"), settings, {{"restarts", "0"}, {"falls", falls}}).status ==
          Status::ok);
}

TEST_CASE("Failed units of the host are listed") {
    CHECK(evaluate_failed_units({}).status == Status::ok);
    std::vector<std::string> failed;
    for (int i = 0; i < 7; ++i) {
        failed.push_back("u" + std::to_string(i) + ".service");
    }
    const CheckResult result = evaluate_failed_units(failed);
    CHECK(result.status == Status::warning);
    CHECK(says(result, "u0.service, u1.service, u2.service, u3.service, u4.service and 2 more"));
    CHECK(failed_units_of(result) == failed);
    CHECK(failed_units_of(evaluate_failed_units({})).empty());
    failed.resize(101, "x.service");
    CHECK(failed_units_of(evaluate_failed_units(failed)).empty()); // nothing is left to others by mistake
}

TEST_CASE("What the unit itself says of being started again is obeyed, and named") {
    UnitState unit;
    unit.restart = "always";
    unit.result = "exit-code";
    unit.exit_code = CLD_EXITED;
    unit.exit_status = 3;
    CHECK(will_be_restarted(unit));
    CHECK(why_not_restarted(unit).empty());
    unit.restart_prevented.signals = {3}; // SIGQUIT is another matter
    CHECK(will_be_restarted(unit));
    unit.restart_prevented.statuses = {2, 3};
    CHECK_FALSE(will_be_restarted(unit));
    CHECK(why_not_restarted(unit).en == "its RestartPreventExitStatus= names this: exit status 3");
    CHECK(why_not_restarted(unit).ru == "так задано в его RestartPreventExitStatus= (код выхода 3)");
    unit.exit_code = CLD_KILLED;
    unit.exit_status = SIGQUIT;
    CHECK_FALSE(will_be_restarted(unit));
    unit.restart_prevented = {};
    unit.restart = "no";
    CHECK(why_not_restarted(unit).en == "its Restart= is no");
    unit.restart_forced.signals = {SIGQUIT};
    CHECK(will_be_restarted(unit));
    unit.result = "start-limit-hit"; // says itself why
    CHECK_FALSE(will_be_restarted(unit));
    CHECK(why_not_restarted(unit).empty());
}

TEST_CASE("Without systemd the check is skipped; a silent bus is unknown; the counters are kept") {
    FakeServices services;
    services.broken = Error{ErrorKind::not_found, "systemd is not running on this host"};
    CheckResult result = run_check(services);
    CHECK(result.status == Status::skipped);
    CHECK(result.memory.at("restarts") == "3");
    services.broken = Error{ErrorKind::timeout, "systemd does not answer"};
    CHECK(run_check(services).status == Status::unknown);
    services.broken.reset();
    services.units["app.service"] = running_unit("app.service");
    CHECK(run_check(services).status == Status::ok);
}

TEST_CASE("Of what a unit has written the lines that say why it fell are shown, without secrets") {
    using Lines = std::vector<std::string>;
    CHECK(why_it_fell(Lines{}).empty());
    CHECK(why_it_fell(Lines{"starting", "listening on 8000"}) == "listening on 8000");
    CHECK(why_it_fell(Lines{"nginx: [warn] conflicting name",
                            "nginx: [emerg] host not found in upstream \"app\"",
                            "nginx: configuration file /etc/nginx/nginx.conf test failed", "bye"}) ==
          "nginx: [emerg] host not found in upstream \"app\"\n"
          "nginx: configuration file /etc/nginx/nginx.conf test failed");
    CHECK(why_it_fell(Lines{"Error: connect(password='made up') refused\x1b[0m"}).find("made up") ==
          std::string::npos);
}

TEST_CASE("The hint for a stopped unit names the command that starts it") {
    CHECK(look(in_state("inactive", "dead")).hint.en ==
          "systemctl start app.service; journalctl -u app.service -n 50 --no-pager");
    CHECK(look(in_state("failed", "failed")).hint.en == "journalctl -u app.service -n 50 --no-pager");
}
