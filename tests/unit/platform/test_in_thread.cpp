#include "platform/curl_http.h"
#include "platform/in_thread.h"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

Task<std::string> ask(Http& http, std::function<std::string()> work) {
    Result<std::string> answer = co_await in_thread(http, std::move(work));
    co_return answer ? *answer : answer.error().message;
}

void poll_until_done(Http& http, const Task<std::string>& task) {
    while (!task.done()) {
        http.poll(1s);
    }
}

} // namespace

TEST_CASE("what may block runs beside the loop, which goes on with its answer") {
    CurlHttp http;
    std::promise<void> go;
    std::thread::id worker;
    Task<std::string> task = ask(http, [&] {
        worker = std::this_thread::get_id();
        go.get_future().wait();
        return std::string("seen");
    });
    std::thread::id resumed;
    task.start([&] { resumed = std::this_thread::get_id(); });
    CHECK_FALSE(task.done()); // or this would be waited for here, for ever
    go.set_value();
    poll_until_done(http, task);
    CHECK(task.value() == "seen");
    CHECK(worker != std::this_thread::get_id());
    CHECK(resumed == std::this_thread::get_id());
}

TEST_CASE("what is thrown beside the loop is thrown where it is awaited") {
    CurlHttp http;
    Task<std::string> task = ask(http, []() -> std::string { throw std::runtime_error("no"); });
    task.start([] {});
    poll_until_done(http, task);
    CHECK_THROWS_WITH(task.value(), "no");
}

TEST_CASE("who does not wait any more is not resumed") {
    CurlHttp http;
    std::promise<void> go;
    bool resumed = false;
    // Gone with the thread's function, which the loop lets go of when it has called what was posted.
    std::weak_ptr<int> thread;
    {
        auto alive = std::make_shared<int>();
        thread = alive;
        Task<std::string> task = ask(http, [&go, alive = std::move(alive)] {
            go.get_future().wait();
            return std::string("late");
        });
        task.start([&] { resumed = true; });
    }
    go.set_value();
    while (!thread.expired()) {
        http.poll(10ms);
    }
    http.poll(0ms); // posted before the thread ended
    CHECK_FALSE(resumed);
}
