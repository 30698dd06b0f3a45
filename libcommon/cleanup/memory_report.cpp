#include "cleanup/memory_report.h"

#include "checks/memory.h"
#include "platform/clock.h"
#include "platform/host.h"
#include "platform/oom_log.h"
#include "util/text.h"

#include <chrono>
#include <string>

#include <fmt/format.h>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_looks_back = 1h; // cron's interval

constexpr Phrase k_short{"memory is short: {} available, {} of swap free",
                         "мало памяти: доступно {}, в подкачке свободно {}"};
constexpr Phrase k_largest{"the largest processes:\n{}", "самые большие процессы:\n{}"};
constexpr Phrase k_killed{"killed by the kernel in the last hour: {}", "за последний час ядро убило: {}"};

} // namespace

std::optional<Text> memory_report(Bytes least, World& world) {
    const Result<MemoryInfo> memory = world.host.memory();
    if (!memory || memory->available >= least) {
        return std::nullopt;
    }
    Text words = say(k_short, format_size(memory->available), format_size(memory->swap_free));
    if (const Result<std::vector<ProcessInfo>> all = world.host.processes()) {
        const std::string largest =
            largest_processes(*all, [&](int pid) { return world.host.place(pid).value_or({}).unit; });
        words = join("\n", {words, say(k_largest, largest)});
    }
    std::string victims;
    const Duration now = world.clock.now().boot;
    for (const OomVictim& victim : oom_victims(now - std::min(now, k_looks_back))) {
        victims += fmt::format("{}{} ({})", victims.empty() ? "" : ", ", clean_line(victim.name), victim.pid);
    }
    return victims.empty() ? words : join("\n", {words, say(k_killed, victims)});
}

} // namespace lectio::cleanup
