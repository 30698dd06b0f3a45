#include "checks/process.h"
#include "support/bare_world.h"
#include "support/fake_host.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;

namespace {

std::vector<ProcessInfo> workers(std::size_t count) {
    std::vector<ProcessInfo> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(made_up_process(static_cast<int>(i) + 10, 1, "gunicorn: worker [teaching_panel]"));
    }
    return all;
}

ProcessSettings settings() {
    ProcessSettings made;
    made.match = "gunicorn: worker|gunicorn.*teaching_panel";
    made.min = 2;
    return made;
}

std::size_t matching(const std::vector<ProcessInfo>& all, const std::string& match, int self = 999,
                     std::optional<uid_t> owner = std::nullopt) {
    return matching_processes(all, match, owner, self).value().size();
}

} // namespace

TEST_CASE("enough is ok, fewer is critical, more than max a warning") {
    CHECK(evaluate_process({workers(2)}, settings(), {}).status == Status::ok);
    const CheckResult few = evaluate_process({workers(1)}, settings(), {});
    CHECK(few.status == Status::critical);
    CHECK(few.message.en == "1 process running, at least 2 expected");
    CHECK(few.message.ru == "работает 1 процесс, а нужно не меньше 2");
    CHECK(evaluate_process({}, settings(), {}).message.ru == "работает 0 процессов, а нужно не меньше 2");
    ProcessSettings bounded = settings();
    bounded.max = 3;
    CHECK(evaluate_process({workers(3)}, bounded, {}).status == Status::ok);
    CHECK(evaluate_process({workers(4)}, bounded, {}).status == Status::warning);
    CHECK(evaluate_process({workers(4)}, bounded, {}).metrics.front().value == 4);
}

TEST_CASE("none may be what is wanted") {
    ProcessSettings none;
    none.match = "npm install";
    none.min = 0;
    none.max = 0;
    CHECK(evaluate_process({}, none, {}).status == Status::ok);
    CHECK(evaluate_process({workers(1)}, none, {}).status == Status::warning);
}

TEST_CASE("memory and age of any one of them") {
    std::vector<ProcessInfo> all = workers(3);
    all[1].rss = 600_MB;
    all[2].age = std::chrono::hours(3);
    ProcessSettings limited = settings();
    limited.rss.warn = Amount{Amount::Unit::bytes, 500.0 * 1024 * 1024};
    const CheckResult large = evaluate_process({all}, limited, {});
    CHECK(large.status == Status::warning);
    CHECK(large.message.en == "process 11 (gunicorn: worker [teaching_panel]) uses 600 MB of memory");
    limited.age.critical = Amount{Amount::Unit::milliseconds, 3600.0 * 1000};
    const CheckResult old = evaluate_process({all}, limited, {});
    CHECK(old.status == Status::critical);
    CHECK(old.message.ru.find("работает уже 3 часа") != std::string::npos);
    // Below the threshold, but not yet clear.
    all[1].rss = 450_MB;
    CHECK(evaluate_process({all}, limited, large.memory).memory.contains("level-rss"));
    // Too few is worse news than too large, and stays the message.
    CHECK(evaluate_process({{all[1]}}, limited, {}).message.en == "1 process running, at least 2 expected");
}

TEST_CASE("zombies, oneself, one's ancestors and kernel threads do not count") {
    std::vector<ProcessInfo> all{
        made_up_process(1, 0, "init"),
        made_up_process(50, 1, "sh -c lectio-health # gunicorn"), // cron's shell with the pattern in it
        made_up_process(51, 50, "lectio-health --only gunicorn"), // us
        made_up_process(60, 1, "gunicorn: master"),
        made_up_process(61, 60, "gunicorn: worker"),
        made_up_process(62, 60, ""),
    };
    all.push_back(made_up_process(63, 60, "gunicorn: worker"));
    all.back().state = 'Z';
    CHECK(matching(all, "gunicorn", 51) == 2);
    CHECK(matching(all, "gunicorn", 999) == 4);
    CHECK(matching(all, "^gunicorn: worker$", 51) == 1);
}

TEST_CASE("a circle of parents ends") {
    CHECK(matching({made_up_process(2, 3, "x"), made_up_process(3, 2, "x"), made_up_process(4, 1, "x")}, "x",
                   2) == 1);
}

TEST_CASE("only the user's processes count when one is named") {
    std::vector<ProcessInfo> all = workers(3);
    all[0].owner = 33;
    CHECK(matching(all, "gunicorn", 999, 33) == 1);
    CHECK(matching(all, "gunicorn", 999, 0) == 2);
}

TEST_CASE("an expression that gives up, a host that cannot be read, a user that is not there: unknown") {
    const Result<std::vector<ProcessInfo>> found =
        matching_processes({made_up_process(2, 1, std::string(4000, 'a') + "b")}, "(a+)+$", std::nullopt, 9);
    CHECK_FALSE(found);

    BareWorld bare;
    FakeHost host;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    const auto look = [&](ProcessSettings wanted) {
        const auto check = process_check_type().make(&wanted);
        const std::map<std::string, std::string> memory{{"level-rss", "warning"}};
        return static_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady(), memory, false});
    };
    const CheckResult unread = look(settings());
    CHECK(unread.status == Status::unknown);
    CHECK(unread.memory.contains("level-rss"));
    host.process_list = workers(2);
    CHECK(look(settings()).status == Status::ok);
    ProcessSettings stranger = settings();
    stranger.user = "no-such-user";
    CHECK(look(stranger).status == Status::unknown);
}

namespace {

const Now k_now{WallTime(Duration(1'769'076'000'000)), std::chrono::hours(5), "boot"};

Now later(Duration passed) {
    return {k_now.wall + passed, k_now.boot + passed, k_now.boot_id};
}

ProcessInfo busy(int pid, Duration cpu, Duration age = std::chrono::hours(1), std::uint64_t start = 7) {
    ProcessInfo process = made_up_process(pid, 1, "gunicorn: worker");
    process.cpu_time = cpu;
    process.age = age;
    process.start_ticks = start;
    return process;
}

double percent_of(const CpuUse& use) {
    return use.busiest ? use.busiest->percent : -1;
}

ProcessInfo zombie(int pid, int parent, const std::string& name) {
    ProcessInfo dead = made_up_process(pid, parent, "");
    dead.state = 'Z';
    dead.name = name;
    return dead;
}

} // namespace

TEST_CASE("cpu is measured since the last run") {
    using namespace std::chrono_literals;
    const CpuUse first = measure_cpu({busy(10, 100s), busy(11, 5s)}, {}, k_now, Measure::on);
    CHECK_FALSE(first.busiest); // a long life says nothing of now
    const CpuUse second =
        measure_cpu({busy(10, 106s), busy(11, 59s)}, first.memory, later(1min), Measure::on);
    CHECK(percent_of(second) == Approx(90));
    CHECK(second.busiest->pid == 11);
    SECTION("asked again in the same run: the same answer, and the next run measures from there") {
        const CpuUse again =
            measure_cpu({busy(10, 106s), busy(11, 60s)}, second.memory, later(61s), Measure::not_again);
        CHECK(percent_of(again) == Approx(90));
        CHECK(again.memory == second.memory);
    }
    SECTION("two runs right after each other") {
        const CpuUse soon =
            measure_cpu({busy(10, 107s), busy(11, 59s)}, second.memory, later(61s), Measure::on);
        CHECK(percent_of(soon) == Approx(90));
        CHECK(soon.memory == second.memory);
    }
    SECTION("another process has got the number: it is measured over its own life") {
        CHECK(percent_of(measure_cpu({busy(11, 15s, 30s, 99)}, second.memory, later(2min), Measure::on)) ==
              Approx(50));
        CHECK(percent_of(measure_cpu({busy(11, 2s, 2s, 99)}, second.memory, later(2min), Measure::on)) == -1);
        // It lived before the last run, but did not match then.
        CHECK(percent_of(measure_cpu({busy(12, 50s, 1h, 99)}, second.memory, later(2min), Measure::on)) ==
              -1);
    }
    SECTION("what is kept may be garbage") {
        for (const char* kept :
             {"", "/", "11/7", "11/7/x/1", "11/7/-1/1", "x/7/1/1 11/7/99999999999999999999/1"}) {
            CHECK_NOTHROW(measure_cpu({busy(11, 60s)},
                                      {{"cpu-at", second.memory.at("cpu-at")}, {"cpu", kept}}, later(2min),
                                      Measure::on));
        }
        CHECK(percent_of(measure_cpu({busy(11, 60s)}, {{"cpu-at", "yesterday"}, {"cpu", "11/7/1000/5"}},
                                     later(2min), Measure::on)) == -1);
    }
}

TEST_CASE("a busy process by its threshold, named") {
    ProcessSettings limited = settings();
    limited.cpu.warn = Amount{Amount::Unit::percent, 90};
    ProcessSample sample{workers(2)};
    sample.cpu.busiest = {11, "gunicorn: worker", 93.4};
    sample.cpu.memory = {{"cpu", "kept"}};
    const CheckResult hot = evaluate_process(sample, limited, {});
    CHECK(hot.status == Status::warning);
    CHECK(hot.message.en == "process 11 (gunicorn: worker) takes 93% of a core");
    CHECK(hot.memory.at("cpu") == "kept");
    sample.cpu.busiest->percent = 80; // not yet clear
    CHECK(evaluate_process(sample, limited, hot.memory).status == Status::warning);
    CHECK(evaluate_process(sample, limited, {}).status == Status::ok);
}

TEST_CASE("zombies of the matching processes, with the parent that leaves them") {
    std::vector<ProcessInfo> all{made_up_process(1, 0, "init"),   made_up_process(60, 1, "gunicorn: master"),
                                 made_up_process(70, 1, "other"), zombie(61, 60, "python3"),
                                 zombie(62, 60, "python3"),       zombie(71, 70, "sh"),
                                 zombie(72, 70, "gunicorn")};
    const std::vector<ProcessInfo> matching = matching_processes(all, "gunicorn", std::nullopt, 999).value();
    const Zombies found = matching_zombies(all, matching, "gunicorn").value();
    CHECK(found.count == 3);
    CHECK(found.parent == 60);
    CHECK(found.parent_name == "gunicorn: master");
    CHECK(matching_zombies(all, {}, "nothing").value().count == 0);

    ProcessSettings limited = settings();
    limited.min = 1;
    limited.zombies.warn = Amount{Amount::Unit::number, 3};
    ProcessSample sample{matching, found};
    sample.zombies.parent_unit = "app.service";
    const CheckResult result = evaluate_process(sample, limited, {});
    CHECK(result.status == Status::warning);
    CHECK(result.message.en ==
          "zombies: 3 dead processes not collected by process 60 (gunicorn: master, unit app.service)");
    CHECK(result.hint.en.find("only their parent") == 0);
    sample.zombies.count = 1;
    CHECK(evaluate_process(sample, limited, {}).status == Status::ok);
}

TEST_CASE("a real zombie on this machine") {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    SystemHost host;
    const std::vector<ProcessInfo> all = host.processes().value();
    const auto self =
        std::find_if(all.begin(), all.end(), [](const auto& one) { return one.pid == ::getpid(); });
    REQUIRE(self != all.end());
    const Zombies found = matching_zombies(all, {*self}, "no such name").value();
    CHECK(found.count == 1);
    CHECK(found.parent == ::getpid());
    ::waitpid(child, nullptr, 0);
}
