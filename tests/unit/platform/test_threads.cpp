#include "platform/threads.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a second thread works beside the first, and the end of its scope waits for it") {
    std::atomic<bool> first_is_here = false, ended = false;
    const std::thread::id first = std::this_thread::get_id();
    std::thread::id second = first;
    {
        const SecondThread beside([&] {
            while (!first_is_here) { // ends only if both go on at the same time
                std::this_thread::yield();
            }
            second = std::this_thread::get_id();
            ended = true;
        });
        first_is_here = true;
    }
    CHECK(ended);
    CHECK(second != first);
}

TEST_CASE("what a second thread throws is thrown where it is joined, once, or by nobody") {
    SecondThread joined([] { throw std::runtime_error("no"); });
    CHECK_THROWS_AS(joined.join(), std::runtime_error);
    CHECK_NOTHROW(joined.join());
    const SecondThread left([] { throw std::runtime_error("no"); });
}
