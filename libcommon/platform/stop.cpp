#include "platform/stop.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace lectio {
namespace {

std::atomic<int> g_signal{0};
std::atomic<std::int64_t> g_end_at_ns{0}; // steady clock; 0 = never

sigset_t stop_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGHUP);
    return set;
}

std::int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

void end_now() {
    constexpr char k_words[] = "the run did not end by its deadline and ends itself\n";
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, k_words, sizeof k_words - 1);
    ::_exit(70);
}

[[noreturn]] void watch(const std::function<void()>& wake) {
    const sigset_t set = stop_signals();
    for (;;) {
        // The tick is for the limit, which may be set while this thread already waits.
        const timespec tick{.tv_sec = 1, .tv_nsec = 0};
        const int signal = ::sigtimedwait(&set, nullptr, &tick);
        if (signal > 0) {
            int none = 0;
            g_signal.compare_exchange_strong(none, signal);
            wake();
        }
        const std::int64_t end = g_end_at_ns.load();
        if (end != 0 && steady_ns() > end) {
            end_now();
        }
    }
}

} // namespace

bool stop_requested() {
    return g_signal.load(std::memory_order_relaxed) != 0;
}

int stop_signal() {
    return g_signal.load();
}

void catch_stop_signals(std::function<void()> wake) {
    const sigset_t set = stop_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write(), not the end of a watcher
    std::thread([wake = std::move(wake)] { watch(wake); }).detach();
}

void end_process_after(Duration limit) {
    g_end_at_ns = steady_ns() + std::chrono::nanoseconds(limit).count();
}

void request_stop_for_test(int signal) {
    g_signal = signal;
}

} // namespace lectio
