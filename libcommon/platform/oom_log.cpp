#include "platform/oom_log.h"

#include "util/text.h"
#include "util/unique_fd.h"

#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_largest_record = 8192; // CONSOLE_EXT_LOG_MAX of the kernel
constexpr int k_most_records = 100'000;        // of a log that grows faster than it is read

template<class T>
std::optional<T> number_at(std::string_view text) {
    T number{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end != text.data() ? std::optional(number) : std::nullopt;
}

} // namespace

std::optional<OomVictim> oom_victim_of(std::string_view record) {
    // "Out of memory: Killed process 123 (python3) total-vm:…", and of a cgroup "Memory cgroup out of memory: Killed …".
    constexpr std::string_view k_killed = "ut of memory: Killed process ";
    const std::size_t semicolon = record.find(';');
    const std::vector<std::string_view> head = split(record.substr(0, semicolon), ',');
    const std::size_t killed = record.find(k_killed);
    if (semicolon == std::string_view::npos || head.size() < 3 || killed == std::string_view::npos ||
        killed < semicolon) {
        return std::nullopt;
    }
    const std::string_view rest = record.substr(killed + k_killed.size());
    const std::size_t open = rest.find('(');
    const std::size_t close = rest.rfind(") total-vm:");
    const auto microseconds = number_at<std::int64_t>(head[2]);
    const auto pid = number_at<int>(rest);
    if (!microseconds || !pid || open == std::string_view::npos || close == std::string_view::npos ||
        close < open) {
        return std::nullopt;
    }
    return OomVictim{Duration(*microseconds / 1000), *pid,
                     std::string(rest.substr(open + 1, close - open - 1))};
}

std::vector<OomVictim> oom_victims(Duration since, const Path& log) {
    std::vector<OomVictim> victims;
    const UniqueFd fd(::open(log.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    std::array<char, k_largest_record> record{};
    for (int i = 0; fd.valid() && i < k_most_records; ++i) {
        const ssize_t size = ::read(fd.get(), record.data(), record.size()); // one record each
        if (size < 0 && (errno == EPIPE || errno == EINTR)) {                // EPIPE: overwritten meanwhile
            continue;
        }
        if (size <= 0) {
            break;
        }
        const auto victim = oom_victim_of({record.data(), static_cast<std::size_t>(size)});
        if (victim && victim->boot >= since) {
            victims.push_back(*victim);
        }
    }
    return victims;
}

} // namespace lectio
