#include "platform/stop.h"

#include "platform/processes.h"
#include "platform/signal_set.h"
#include "platform/threads.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>

#include <unistd.h>

namespace lectio {
namespace {

std::atomic<int> g_signal{0};
std::atomic<std::int64_t> g_end_at_ns{0}; // steady clock; 0 = never

std::atomic<bool> g_takes_its_time{false};
std::atomic<bool> g_nobody_watches{false}; // the thread that waits for signals could not be started

// What a run gets to end by itself after a signal. Whatever holds it longer hangs (in the kernel, in a call
// that knows no limit), and what it has on disk is whole at any instant.
constexpr std::chrono::milliseconds k_patience_after_signal{800};
constexpr Duration k_slice{100}; // of a sleep: how soon a wish to stop is noticed
constexpr std::chrono::milliseconds k_tick{1000};
constexpr std::chrono::milliseconds k_tick_after_signal{50};

sigset_t stop_signals(Hangup hangup) {
    return hangup == Hangup::stops ? signal_set({SIGTERM, SIGINT, SIGHUP}) : signal_set({SIGTERM, SIGINT});
}

std::int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

[[noreturn]] void end_now(int status) {
    end_running_programs();
    ::_exit(status);
}

void end_at_limit() {
    const std::int64_t end = g_end_at_ns.load();
    if (end == 0 || steady_ns() <= end) {
        return;
    }
    constexpr char k_words[] = "the run did not end by its deadline and ends itself\n";
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, k_words, sizeof k_words - 1);
    end_now(70);
}

timespec timespec_of(std::chrono::nanoseconds duration) {
    return {.tv_sec = duration.count() / 1'000'000'000, .tv_nsec = duration.count() % 1'000'000'000};
}

[[noreturn]] void watch(const sigset_t& set, const std::function<void()>& wake) {
    std::int64_t signalled_at = 0;
    for (;;) {
        // The tick is for the limits; that of the run may be set while this thread already waits.
        const timespec tick = timespec_of(signalled_at == 0 ? k_tick : k_tick_after_signal);
        const int signal = ::sigtimedwait(&set, nullptr, &tick);
        if (signal > 0) {
            int none = 0;
            g_signal.compare_exchange_strong(none, signal);
            signalled_at = signalled_at == 0 ? steady_ns() : signalled_at;
            wake();
        }
        if (signalled_at != 0 && !g_takes_its_time &&
            steady_ns() - signalled_at > std::chrono::nanoseconds(k_patience_after_signal).count()) {
            end_now(128 + g_signal.load());
        }
        end_at_limit();
    }
}

} // namespace

bool stop_requested() {
    return g_signal.load(std::memory_order_relaxed) != 0;
}

int stop_signal() {
    return g_signal.load();
}

void catch_stop_signals(std::function<void()> wake, Hangup hangup) {
    const sigset_t set = stop_signals(hangup);
    if (hangup == Hangup::ignored) {
        std::signal(SIGHUP, SIG_IGN);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A parent that ignored SIGCHLD hands that on through execve(): the kernel would then take the ends of our
    // children from us, and their numbers would soon be somebody else's.
    std::signal(SIGCHLD, SIG_DFL);
    const sigset_t child = signal_set({SIGCHLD});
    ::pthread_sigmask(SIG_UNBLOCK, &child, nullptr);
    // A closed pipe or a limit on the size of files is an error of write(), not the end of a watcher.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    if (!start_abandonable([set, wake = std::move(wake)] { watch(set, wake); })) {
        // A host out of processes needs its watcher most: without this thread the kernel ends us at once.
        ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        g_nobody_watches = true;
    }
}

void take_time_to_stop() {
    g_takes_its_time = true;
}

void end_process_after(Duration limit) {
    g_end_at_ns = steady_ns() + std::chrono::nanoseconds(limit).count();
    if (g_nobody_watches) {
        ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(limit).count()));
    }
}

void sleep_unless_stopped(Clock& clock, SteadyTime end) {
    while (!stop_requested() && clock.steady() < end) {
        clock.sleep_for(std::min(std::chrono::ceil<Duration>(end - clock.steady()), k_slice));
    }
}

void request_stop_for_test(int signal) {
    g_signal = signal;
}

} // namespace lectio
