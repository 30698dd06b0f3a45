#include "checks/exec.h"
#include "support/bare_world.h"
#include "support/fake_processes.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

CheckResult judged(const ProcessAnswer& answer) {
    return evaluate_exec(answer, {});
}

} // namespace

TEST_CASE("the exit status is the status, the first line the message") {
    CHECK(judged(exited(0, "OK - fine\n")).status == Status::ok);
    CHECK(judged(exited(1, "WARNING\n")).status == Status::warning);
    CHECK(judged(exited(2, "CRITICAL\n")).status == Status::critical);
    CHECK(judged(exited(3, "UNKNOWN\n")).status == Status::unknown);
    const CheckResult result = judged(exited(2, "CRITICAL - 3 down|down=3;1;2\nweb1\nweb2|up=4\nmore=5ms\n"));
    CHECK(result.message.en == "CRITICAL - 3 down");
    CHECK(result.evidence == "web1\nweb2");
    REQUIRE(result.metrics.size() == 3);
    CHECK(result.metrics[0].name == "down");
    CHECK(result.metrics[0].warn == 1);
    CHECK(result.metrics[0].crit == 2);
    CHECK(result.metrics[2].value == 0.005);
    CHECK(result.metrics[2].unit == "s");
}

TEST_CASE("what is no plugin's answer is unknown, and says what came") {
    const CheckResult odd = judged(exited(127, "", "sh: 1: frobnicate: not found\n"));
    CHECK(odd.status == Status::unknown);
    CHECK(odd.message.en == "exit status 127 is none of a check's (0 to 3): sh: 1: frobnicate: not found");
    ProcessAnswer killed;
    killed.signal = SIGSEGV;
    CHECK(judged(killed).status == Status::unknown);
    CHECK(judged(exited(2)).message.en == "exit status 2, no output");
}

TEST_CASE("no answer in time is critical") {
    ProcessAnswer late;
    late.timed_out = true;
    late.signal = SIGKILL;
    CHECK(judged(late).status == Status::critical);
    CHECK(judged(late).message.ru == "нет ответа за 10 s");
}

TEST_CASE("output is outside text: cleaned, without secrets, and of a length for a phone") {
    const CheckResult result =
        judged(exited(1, "\x1B[31mbad redis://u:pw@h/0 " + std::string(5000, 'x') + "\n"));
    CHECK(result.message.en.find('\x1B') == std::string::npos);
    CHECK(result.message.en.find("pw@") == std::string::npos);
    CHECK(result.message.en.size() < 400);
}

TEST_CASE("performance data") {
    const std::vector<Metric> metrics =
        parse_performance_data("time=0.5s;1;2;0;10 'free space'=1.5GB;;@1:2 'it''s'=3 load=50% hits=7c "
                               "unknown=U x=1furlong =5 broken 'open=1");
    REQUIRE(metrics.size() == 5);
    CHECK(metrics[0].name == "time");
    CHECK(metrics[0].crit == 2);
    CHECK(metrics[1].name == "free space");
    CHECK(metrics[1].value == 1.5 * 1024 * 1024 * 1024);
    CHECK(metrics[1].unit == "B");
    CHECK_FALSE(metrics[1].warn.has_value());
    CHECK_FALSE(metrics[1].crit.has_value()); // a range has no single value
    CHECK(metrics[2].name == "it's");
    CHECK(metrics[3].unit == "%");
    CHECK(metrics[4].unit.empty());
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "m=1 ";
    }
    CHECK(parse_performance_data(many).size() == 50);
}

TEST_CASE("the program gets its arguments, user and time; one that does not start is unknown") {
    BareWorld bare;
    FakeProcesses processes;
    World world{bare.clock, bare.files, bare.host, bare.http, processes, bare.services, bare.redis};
    ExecSettings settings{{"/usr/lib/nagios/plugins/check_x", "-w", "a b"}, "nobody", Duration(3000)};
    const auto check = exec_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const auto look = [&] {
        return static_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + Duration(60'000), memory, false});
    };
    CHECK(look().status == Status::unknown);
    processes.answers.emplace("/usr/lib/nagios/plugins/check_x", exited(0, "fine"));
    CHECK(look().status == Status::ok);
    const ProcessRequest asked = processes.asked().back();
    CHECK(asked.command == settings.command);
    CHECK(asked.user == "nobody");
    CHECK(asked.timeout == Duration(3000));
}

TEST_CASE("no number is no metric") {
    CHECK(parse_performance_data("a=nan b=inf;1 c=-infinity d=U e=1e999 f=2").size() == 1);
    CHECK_FALSE(parse_performance_data("a=1;nan;inf").at(0).warn.has_value());
}

TEST_CASE("a program that ends without a word leaves no loose end in the message") {
    ProcessAnswer killed;
    killed.signal = SIGSEGV;
    CHECK(judged(killed).message.en == "ended by signal 11");
    CHECK(judged(exited(42)).message.en == "exit status 42 is none of a check's (0 to 3): no output");
}

TEST_CASE("a plugin gets no more time than the run has, and is not blamed for it") {
    using namespace std::chrono_literals;
    BareWorld bare;
    FakeProcesses processes;
    ProcessAnswer late;
    late.timed_out = true;
    processes.answers.insert_or_assign("plugin", late);
    World world{bare.clock, bare.files, bare.host, bare.http, processes, bare.services, bare.redis};
    ExecSettings settings;
    settings.command = {"plugin"};
    settings.timeout = 10s;
    const auto check = exec_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const auto run = [&](Duration left) {
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + left, memory});
    };
    CHECK(run(3s).status == Status::unknown);
    CHECK(processes.asked().at(0).timeout == 3s);
    CHECK(run(1h).status == Status::critical);
    CHECK(processes.asked().at(1).timeout == 10s);
}
