#include "checks/process.h"
#include "support/bare_world.h"
#include "support/fake_host.h"

#include <catch2/catch.hpp>

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
