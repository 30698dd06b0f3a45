#include "checks/beside.h"
#include "checks/runner.h"
#include "platform/stop.h"
#include "support/bare_world.h"
#include "util/secret.h"

#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

CheckResult ok(const std::string& message) {
    CheckResult result;
    result.status = Status::ok;
    result.message = verbatim(message);
    return result;
}

class Blocking final : public BlockingCheck {
  public:
    using Look = std::function<CheckResult(const CheckContext&)>;
    explicit Blocking(Look look) : m_look(std::move(look)) {}
    CheckResult run(const CheckContext& context) const override { return m_look(context); }

  private:
    Look m_look;
};

class Fetching final : public AsyncCheck {
  public:
    explicit Fetching(std::string url) : m_url(std::move(url)) {}
    Task<CheckResult> run(const CheckContext& context) const override {
        HttpRequest request;
        request.url = m_url;
        const HttpAnswer answer = co_await fetch(context.world.http, std::move(request));
        if (answer.status == 418) {
            throw std::runtime_error("teapot");
        }
        co_return ok(answer.body);
    }

  private:
    std::string m_url;
};

// One question, each look of it answered in its own time: 0 never, less than 0 badly.
class Answering final : public AskedBeside {
  public:
    Answering(std::vector<Duration> looks, std::optional<Duration> limit)
        : m_looks(std::move(looks)), m_limit(limit) {}
    Task<CheckResult> run(const CheckContext& context) const override {
        const Duration takes = m_begun < m_looks.size() ? m_looks[m_begun] : 0ms;
        HttpRequest request;
        request.url = "http://look/" + std::to_string(++m_begun);
        request.new_connection = context.recheck;
        auto& http = dynamic_cast<FakeHttp&>(context.world.http);
        const bool silent = takes == 0ms || std::chrono::abs(takes) > *m_limit;
        http.on(request.url, page(takes < 0ms ? 502 : 200), silent ? *m_limit : std::chrono::abs(takes));
        const HttpAnswer answer = co_await fetch(http, std::move(request));
        CheckResult result = ok("answered");
        if (silent || answer.status != 200) {
            result.status = Status::critical;
            result.message = verbatim(silent ? "silent" : "502");
        }
        co_return result;
    }
    std::optional<Duration> limit_of_silence() const override { return m_limit; }

  private:
    std::vector<Duration> m_looks;
    std::optional<Duration> m_limit;
    mutable std::size_t m_begun = 0;
};

// Answers at once and writes down that it was begun.
class Noting final : public AsyncCheck {
  public:
    Noting(std::vector<std::string>& begun, std::string name) : m_begun(begun), m_name(std::move(name)) {}
    Task<CheckResult> run(const CheckContext&) const override {
        m_begun.push_back(m_name);
        co_return ok(m_name);
    }

  private:
    std::vector<std::string>& m_begun;
    std::string m_name;
};

CheckToRun blocking(const std::string& name, Blocking::Look look,
                    std::map<std::string, std::string> memory = {}) {
    return {name, std::make_shared<Blocking>(std::move(look)), std::move(memory)};
}
CheckToRun fetching(const std::string& name, const std::string& url) {
    return {name, std::make_shared<Fetching>(url), {}};
}

// One run over one check with 5 s to answer, which may be asked a second time while it is silent.
struct Beside {
    BareWorld bare;
    SteadyTime start = bare.clock.steady();
    CheckRun seen;
    Duration lasted{};

    explicit Beside(const std::vector<Duration>& looks, Duration took = {}, Duration until = 45s) {
        Runner runner(bare.world, {{"site", std::make_shared<Answering>(looks, 5s), {}, took, true}});
        seen = runner.run(start + until).at(0);
        lasted = std::chrono::floor<Duration>(bare.clock.steady() - start);
    }
    [[nodiscard]] std::size_t asked() const { return bare.http.requests().size(); }
    [[nodiscard]] bool failed_twice() const {
        return seen.result.status == Status::critical && seen.second &&
               seen.second->status == Status::critical;
    }
};

// A call that hangs until the test lets it go, and tells when the thread is through with it.
class Hang {
  public:
    // `last`: what the thread still does when it was let go.
    CheckResult operator()(const std::function<void()>& last = [] {}) {
        std::unique_lock lock(m_mutex);
        ++m_entered;
        m_changed.notify_all();
        m_changed.wait(lock, [this] { return m_released; });
        last();
        ++m_left;
        m_changed.notify_all();
        return ok("late");
    }
    void release() {
        const std::scoped_lock lock(m_mutex);
        m_released = true;
        m_changed.notify_all();
    }
    void wait_until_left() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_entered > 0 && m_left == m_entered; });
    }
    int entered() {
        const std::scoped_lock lock(m_mutex);
        return m_entered;
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    bool m_released = false;
    int m_entered = 0;
    int m_left = 0;
};

} // namespace

TEST_CASE("runner: all checks, in the order given, whatever they are", "[runner]") {
    BareWorld bare;
    bare.http.on("http://a/", page(200, "from a"), 2s);
    bare.http.on("http://b/", page(200, "from b"), 1s);
    Runner runner(bare.world, {fetching("a", "http://a/"), blocking("disk", [](auto&) { return ok("disk"); }),
                               fetching("b", "http://b/")});
    const auto runs = runner.run(bare.clock.steady() + 10s);
    REQUIRE(runs.size() == 3);
    CHECK(runs[0].name == "a");
    CHECK(runs[0].result.message.en == "from a");
    CHECK(runs[0].duration == 2s);
    CHECK(runs[1].result.message.en == "disk");
    CHECK(runs[2].result.message.en == "from b");
    CHECK(runs[2].duration == 1s);
}

TEST_CASE("runner: what took long is begun first, and stays where it was among the answers", "[runner]") {
    std::vector<std::string> begun;
    const auto noting = [&](const std::string& name, Duration took) {
        CheckToRun item{name, std::make_shared<Noting>(begun, name), {}, took};
        return item;
    };
    BareWorld bare;
    Runner runner(bare.world, {noting("a", {}), noting("b", 200ms), noting("c", {}), noting("d", 5s)});
    const std::vector<CheckRun> runs = runner.run(bare.clock.steady() + 1s);
    CHECK(begun == std::vector<std::string>{"d", "b", "a", "c"});
    CHECK(runs.front().name == "a");
    CHECK(runs.back().name == "d");
}

TEST_CASE("runner: the wall time is that of the slowest", "[runner]") {
    BareWorld bare;
    std::vector<CheckToRun> checks;
    for (int i = 0; i < 50; ++i) {
        const std::string url = "http://127.0.0.1/" + std::to_string(i);
        bare.http.on(url, page(200), std::chrono::milliseconds(20 * i));
        checks.push_back(fetching("c" + std::to_string(i), url));
    }
    const SteadyTime start = bare.clock.steady();
    Runner runner(bare.world, std::move(checks));
    CHECK(runner.run(start + 60s).size() == 50);
    CHECK(bare.clock.steady() - start == 980ms);
}

TEST_CASE("runner: what is late is unknown and its transfer is cancelled", "[runner]") {
    BareWorld bare;
    bare.http.never("http://silent/");
    const SteadyTime start = bare.clock.steady();
    Runner runner(bare.world, {fetching("silent", "http://silent/")});
    const auto runs = runner.run(start + 3s);
    CHECK(runs[0].result.status == Status::unknown);
    CHECK(runs[0].finished == Finished::no);
    CHECK_FALSE(runs[0].result.message.ru.empty());
    CHECK(bare.clock.steady() - start == 3s);
    CHECK(bare.http.waiting() == 0);
}

TEST_CASE("runner: a thread that hangs is left behind, with its memory kept", "[runner]") {
    auto hang = std::make_shared<Hang>();
    {
        BareWorld bare;
        Runner runner(bare.world, {blocking("nfs", [hang](auto&) { return (*hang)(); }, {{"kept", "1"}}),
                                   blocking("disk", [](auto&) { return ok("fine"); })});
        const auto runs = runner.run(bare.clock.steady() + 200ms);
        CHECK(runs[0].result.status == Status::unknown);
        CHECK(runs[0].finished == Finished::no);
        CHECK(runs[0].result.memory.at("kept") == "1");
        CHECK(runs[1].result.status == Status::ok);

        SECTION("and not started a second time while it hangs") {
            const auto again = runner.run_again({"nfs"}, bare.clock.steady() + 10s);
            REQUIRE(again.size() == 1);
            CHECK(again[0].result.status == Status::unknown);
            CHECK(hang->entered() == 1);
        }
    }
    // The world is gone when it wakes up: it must not touch it (the sanitizer watches).
    hang->release();
    hang->wait_until_left();
}

TEST_CASE("runner: an exception is our own fault, and loses no memory", "[runner]") {
    BareWorld bare;
    bare.http.on("http://pot/", page(418));
    Runner runner(bare.world,
                  {blocking("a", [](auto&) -> CheckResult { throw std::runtime_error("out of luck"); },
                            {{"position", "42"}}),
                   blocking("b", [](auto&) -> CheckResult { throw 7; }), fetching("c", "http://pot/")});
    const auto runs = runner.run(bare.clock.steady() + 10s);
    for (const CheckRun& run : runs) {
        CHECK(run.result.status == Status::unknown);
        CHECK(run.finished == Finished::yes);
    }
    CHECK_THAT(runs[0].result.message.en, Catch::Contains("out of luck"));
    CHECK(runs[0].result.memory.at("position") == "42");
    CHECK_THAT(runs[2].result.message.en, Catch::Contains("teapot"));
}

TEST_CASE("runner: again asks the named ones only, says so, and hands on what they kept", "[runner]") {
    BareWorld bare;
    const auto counting = [](const CheckContext& context) {
        const auto kept = context.memory.find("count");
        CheckResult result = ok(context.recheck ? "again" : "first");
        result.memory["count"] = (kept == context.memory.end() ? "" : kept->second) + "I";
        return result;
    };
    Runner runner(bare.world, {blocking("a", counting), blocking("b", counting)});
    CHECK(runner.run(bare.clock.steady() + 10s)[0].result.message.en == "first");
    const auto again = runner.run_again({"b", "nobody"}, bare.clock.steady() + 10s);
    REQUIRE(again.size() == 1);
    CHECK(again[0].name == "b");
    CHECK(again[0].result.message.en == "again");
    CHECK(again[0].result.memory.at("count") == "II");
}

TEST_CASE("runner: a run that is asked to stop comes back at once", "[runner]") {
    BareWorld bare;
    bare.http.never("http://silent/");
    Runner runner(bare.world, {fetching("silent", "http://silent/")});
    request_stop_for_test(SIGTERM);
    const SteadyTime start = bare.clock.steady();
    const auto runs = runner.run(start + 50s);
    request_stop_for_test(0);
    CHECK(runs[0].result.status == Status::unknown);
    CHECK(bare.clock.steady() == start);
}

// ASan sees it: a thread that was given up goes on when everything of the run is gone.
TEST_CASE("runner: a look that was given up outlives the run", "[runner]") {
    BareWorld bare;
    const auto hang = std::make_shared<Hang>();
    const auto seen = std::make_shared<std::string>();
    {
        auto world = std::make_unique<World>(bare.world);
        auto check = blocking("redis",
                              [hang, seen](const CheckContext& context) {
                                  return (*hang)([&] {
                                      static_cast<void>(context.world.clock.steady());
                                      *seen = context.memory.at("position") + " " + context.state.string();
                                  });
                              },
                              {{"position", "kept in memory, too long for the string itself"}});
        Runner runner(*world, {std::move(check)}, "/state/of/the/suite/too/long/for/the/path");
        const auto runs = runner.run(bare.clock.steady());
        CHECK(runs.at(0).finished == Finished::no);
    }
    hang->release();
    hang->wait_until_left();
    CHECK(*seen ==
          "kept in memory, too long for the string itself /state/of/the/suite/too/long/for/the/path");
}

TEST_CASE("runner: nothing to ask is an empty answer", "[runner]") {
    BareWorld bare;
    CHECK(Runner(bare.world, {}).run(bare.clock.steady() + 10s).empty());
}

TEST_CASE("no secret leaves a check, whatever it has seen", "[runner]") {
    BareWorld bare;
    const Secret password("c0ntrabass");
    Runner runner(bare.world, {blocking("process", [](const CheckContext&) {
                      CheckResult result = ok("process 7 (worker --password c0ntrabass)");
                      result.hint = verbatim("kill c0ntrabass");
                      result.evidence = "c0ntrabass";
                      return result;
                  })});
    const CheckResult result = runner.run(bare.clock.steady() + 10s).at(0).result;
    CHECK(result.message.en == "process 7 (worker --password ***)");
    CHECK(result.message.ru == result.message.en);
    CHECK(result.hint.ru == "kill ***");
    CHECK(result.evidence == "***");
}

TEST_CASE("beside: what answers soon is asked once", "[runner]") {
    const Beside run({30ms});
    CHECK(run.asked() == 1);
    CHECK(run.seen.result.status == Status::ok);
    CHECK_FALSE(run.seen.second);
    CHECK(run.lasted == 30ms);
}

TEST_CASE("beside: what hangs has failed twice, each time after the whole of its limit", "[runner]") {
    const Beside run({0ms, 0ms});
    CHECK(run.asked() == 2);
    CHECK(run.failed_twice());
    CHECK(run.lasted == 5500ms);
    CHECK(run.seen.duration == 5s);
    CHECK_FALSE(run.bare.http.requests()[0].new_connection);
    CHECK(run.bare.http.requests()[1].new_connection);
    CHECK(run.bare.http.waiting() == 0);
}

TEST_CASE("beside: what is only slow is well, and its second look is given up", "[runner]") {
    const Beside run({4s, 4s});
    CHECK(run.asked() == 2);
    CHECK(run.seen.result.status == Status::ok);
    CHECK_FALSE(run.seen.second);
    CHECK(run.lasted == 4s);
    CHECK(run.bare.http.waiting() == 0);
}

TEST_CASE("beside: one connection that is lost is no failure, however slow the other one is", "[runner]") {
    const Duration slow = GENERATE(30ms, 4s, 4990ms);
    const Beside run({0ms, slow});
    CHECK(run.asked() == 2);
    CHECK(run.seen.result.status == Status::critical);
    REQUIRE(run.seen.second);
    CHECK(run.seen.second->status == Status::ok);
}

TEST_CASE("beside: what is known to be slow is not asked while it is silent", "[runner]") {
    const Beside run({4s}, 4s);
    CHECK(run.asked() == 1);
    CHECK(run.seen.result.status == Status::ok);
    const Beside lost({0ms}, 4s);
    CHECK(lost.asked() == 1);
    CHECK_FALSE(lost.seen.second); // it is asked again when the first look has ended
    CHECK(lost.lasted == 5s);
}

TEST_CASE("beside: what fails otherwise than by silence is to be asked again", "[runner]") {
    SECTION("the first look, before the second began") {
        const Beside run({-400ms});
        CHECK(run.asked() == 1);
        CHECK_FALSE(run.seen.second);
    }
    SECTION("both in one moment") {
        const Beside run({-600ms, -100ms});
        CHECK(run.asked() == 2);
        CHECK(run.seen.result.status == Status::critical);
        CHECK_FALSE(run.seen.second);
    }
    SECTION("one of the two") {
        CHECK_FALSE(Beside({0ms, -100ms}).seen.second);
        CHECK_FALSE(Beside({-600ms, 0ms}).seen.second);
    }
}

TEST_CASE("beside: a first look that fails waits for the second, which may pass", "[runner]") {
    const Beside run({-600ms, 2s});
    CHECK(run.seen.result.message.en == "502");
    REQUIRE(run.seen.second);
    CHECK(run.seen.second->status == Status::ok);
    CHECK(run.lasted == 2500ms);
}

TEST_CASE("beside: nothing is begun that could not be waited for", "[runner]") {
    const Beside run({0ms}, 0ms, 5400ms);
    CHECK(run.asked() == 1);
    CHECK(run.seen.finished == Finished::yes);
    CHECK(run.lasted == 5s);
}

TEST_CASE("beside: only what may be, and not when it is asked again", "[runner]") {
    BareWorld bare;
    const auto hanging = [] { return std::make_shared<Answering>(std::vector<Duration>{}, 5s); };
    bare.http.on("http://walk/", page(200), 5s);
    CheckToRun walk = fetching("walk", "http://walk/"); // a check that does not say that it may
    walk.beside = true;
    Runner runner(bare.world, {{"not-worth-it", hanging(), {}, {}, false}, walk});
    runner.run(bare.clock.steady() + 45s);
    CHECK(bare.http.requests().size() == 2);
    Runner again(bare.world, {{"site", hanging(), {}, {}, true}});
    again.run_again({"site"}, bare.clock.steady() + 45s);
    CHECK(bare.http.requests().size() == 3);
}

TEST_CASE("beside: a run in which much is silent asks no more than some of it", "[runner]") {
    BareWorld bare;
    std::vector<CheckToRun> checks;
    for (int i = 0; i < 100; ++i) {
        checks.push_back({"c" + std::to_string(i),
                          std::make_shared<Answering>(std::vector<Duration>{}, 5s),
                          {},
                          {},
                          true});
    }
    Runner(bare.world, std::move(checks)).run(bare.clock.steady() + 45s);
    CHECK(bare.http.requests().size() == 116);
}

TEST_CASE("beside: a run that is asked to stop gives up both looks", "[runner]") {
    BareWorld bare;
    const SteadyTime start = bare.clock.steady();
    bare.http.on_any([](const HttpRequest&) { return page(200); });
    class StopsInTheSecond final : public AskedBeside {
      public:
        Task<CheckResult> run(const CheckContext& context) const override {
            HttpRequest request;
            request.url = "http://silent/";
            if (context.recheck) {
                request_stop_for_test(SIGTERM);
            }
            co_await fetch(context.world.http, std::move(request));
            co_return CheckResult{};
        }
        std::optional<Duration> limit_of_silence() const override { return 5s; }
    };
    bare.http.never("http://silent/");
    Runner runner(bare.world, {{"site", std::make_shared<StopsInTheSecond>(), {}, {}, true}});
    const auto runs = runner.run(start + 45s);
    request_stop_for_test(0);
    CHECK(runs[0].result.status == Status::unknown);
    CHECK_FALSE(runs[0].second);
    CHECK(bare.clock.steady() - start < 1s);
    CHECK(bare.http.waiting() == 0);
}

TEST_CASE("a second look begins well beyond what the last one took, or not at all", "[runner]") {
    CHECK(silence_before_second_look(0ms, 5s) == 500ms);
    CHECK(silence_before_second_look(200ms, 5s) == 500ms);
    CHECK(silence_before_second_look(600ms, 5s) == 1200ms);
    CHECK(silence_before_second_look(1250ms, 5s) == 2500ms);
    CHECK_FALSE(silence_before_second_look(1251ms, 5s));
    CHECK_FALSE(silence_before_second_look(5s, 5s)); // as it was in the run before
    CHECK(silence_before_second_look(0ms, 1s) == 500ms);
    CHECK_FALSE(silence_before_second_look(0ms, 900ms));
}
