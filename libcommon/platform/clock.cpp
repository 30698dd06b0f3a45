#include "platform/clock.h"

#include "util/text.h"
#include "util/unique_fd.h"

#include <array>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr Duration k_longest_interval = std::chrono::hours(24 * 366);

std::string read_boot_id() {
    const UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 64> buffer{};
    const ssize_t size = fd.valid() ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
    return size > 0 ? std::string(trim({buffer.data(), static_cast<std::size_t>(size)})) : std::string();
}

std::tm broken_down(WallTime time, const std::string& timezone) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm result{};
    if (timezone.empty()) {
        ::localtime_r(&seconds, &result);
        return result;
    }
    // g++ 12 has no time zones in <chrono>; the C library knows one at a time, named by TZ. Tools
    // set the zone once at start; a different one asked for here is set for good.
    static std::string current;
    if (current != timezone) {
        ::setenv("TZ", timezone.c_str(), 1);
        ::tzset();
        current = timezone;
    }
    ::localtime_r(&seconds, &result);
    return result;
}

// "2026-11-20 10:00" → "2026-11-20T10:00:00Z"
std::string completed(std::string_view text) {
    constexpr std::string_view k_midnight = "0000-00-00 00:00:00";
    std::string whole(text);
    whole += text.size() < k_midnight.size() ? k_midnight.substr(text.size()) : std::string_view();
    std::replace(whole.begin(), whole.end(), ' ', 'T');
    return whole + 'Z';
}

} // namespace

Duration elapsed(const Now& before, const Now& after) {
    if (!before.boot_id.empty() && before.boot_id == after.boot_id) {
        const Duration by_boot = after.boot - before.boot;
        if (by_boot >= Duration::zero() && by_boot <= k_longest_interval) {
            return by_boot;
        }
    }
    const Duration by_wall = after.wall - before.wall;
    return by_wall >= Duration::zero() && by_wall <= k_longest_interval ? by_wall : Duration::zero();
}

Now SystemClock::now() {
    if (m_boot_id.empty()) {
        m_boot_id = read_boot_id();
    }
    timespec boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &boot);
    return Now{std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()),
               std::chrono::seconds(boot.tv_sec) + Duration(boot.tv_nsec / 1'000'000), m_boot_id};
}

SteadyTime SystemClock::steady() {
    return std::chrono::steady_clock::now();
}

void SystemClock::sleep_for(Duration duration) {
    std::this_thread::sleep_for(duration);
}

std::string format_utc(WallTime time) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

Result<WallTime> parse_utc(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') {
        return Error{ErrorKind::invalid, "not a time like 2026-01-22T10:00:00Z"};
    }
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string format_local(WallTime time, const std::string& timezone) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", broken_down(time, timezone));
}

std::string format_local_clock(WallTime time, const std::string& timezone) {
    return fmt::format("{:%H:%M}", broken_down(time, timezone));
}

Result<WallTime> parse_moment(std::string_view text, WallTime now, const std::string& zone) {
    if (const Result<Duration> ago = parse_duration(text)) {
        return now - *ago;
    }
    const Error error{ErrorKind::invalid, "no time"};
    constexpr std::size_t k_date = 10, k_to_the_minute = 16, k_to_the_second = 19;
    const Result<WallTime> wanted = parse_utc(completed(text));
    // What is written back otherwise was no day of the calendar: 2026-02-31.
    const bool whole =
        text.size() == k_date || text.size() == k_to_the_minute || text.size() == k_to_the_second;
    if (!whole || !wanted || format_utc(*wanted) != completed(text)) {
        return error;
    }
    // What the zone's clock shows at a guess tells how far the guess is off; where the clock was changed in
    // between, the second one is right.
    WallTime guess = *wanted;
    for (int i = 0; i < 2; ++i) {
        const Result<WallTime> shown = parse_utc(completed(format_local(guess, zone)));
        if (!shown) {
            return error;
        }
        guess += *wanted - *shown;
    }
    return guess;
}

} // namespace lectio
