#include "checks/memory.h"

#include "checks/moment.h"
#include "checks/shared_words.h"
#include "checks/thresholds.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_available{"{} available of {}", "доступно {} из {}"};
constexpr Phrase k_low{"memory is running out: {}", "память заканчивается: {}"};
constexpr Phrase k_swapping{"{} of swap in use", "занято {} подкачки"};
constexpr Phrase k_killed{"out of memory: the kernel has killed {}", "не хватило памяти: ядро убило {}"};
constexpr Noun k_victims{"process", "processes", "процесс", "процесса", "процессов"};
constexpr Phrase k_look_oom{"which: journalctl -k --since -1h | grep -i 'killed process'",
                            "какие: journalctl -k --since -1h | grep -i 'killed process'"};
constexpr Phrase k_cannot_look{"unable to look at the memory: {}", "не удалось посмотреть память: {}"};

// A kill is a moment, not a state: shown this long after, so that one kill is one alert and not two in a
// row, and a second one soon after belongs to it.
constexpr Duration k_oom_shown = std::chrono::minutes(15);

constexpr const char* k_counter = "oom-counter";
constexpr const char* k_boot = "oom-boot";
constexpr const char* k_last = "oom-last";     // when kills were seen last
constexpr const char* k_names = "oom-names";   // of those, as far as known
constexpr const char* k_recent = "oom-recent"; // how many since they began to be shown

constexpr std::size_t k_largest_shown = 5;
constexpr std::size_t k_shown_command = 60; // characters
constexpr std::size_t k_shown_name = 40;
constexpr std::size_t k_shown_names = 120;

const Schema<MemorySettings>& memory_schema() {
    static const Schema<MemorySettings> schema =
        Schema<MemorySettings>{
            optional("available", &MemorySettings::available, "what programs can still get without swapping")
                .units({Amount::Unit::bytes, Amount::Unit::percent})
                .runs_out(),
            optional("swap_used", &MemorySettings::swap_used, "swap in use")
                .units({Amount::Unit::bytes, Amount::Unit::percent})
                .grows(),
            optional("oom", &MemorySettings::oom,
                     "a process killed by the kernel for want of memory; shown for 15 minutes")
                .one_of({{"off", MemorySettings::Oom::off},
                         {"warn", MemorySettings::Oom::warn},
                         {"critical", MemorySettings::Oom::critical}}),
            optional("clear", &MemorySettings::clear, "`available` at which it is well again")
                .units({Amount::Unit::bytes, Amount::Unit::percent})
                .or_empty(),
        }
            .verify([](const MemorySettings& settings) {
                return clear_complaints(settings.available, settings.clear, Limits::Direction::runs_out);
            });
    return schema;
}

std::uint64_t count_in(const std::map<std::string, std::string>& memory, const char* key) {
    const auto kept = memory.find(key);
    std::uint64_t count = 0;
    if (kept != memory.end()) {
        std::from_chars(kept->second.data(), kept->second.data() + kept->second.size(), count);
    }
    return count;
}

void judge_available(CheckResult& result, const MemoryInfo& info, const MemorySettings& settings,
                     const std::map<std::string, std::string>& memory) {
    const Quantity seen{static_cast<double>(info.available.count), static_cast<double>(info.total.count)};
    result.metrics.push_back({"available", seen.value, "B", in_units_of(seen, settings.available.warn),
                              in_units_of(seen, settings.available.critical), Metric::Bad::below});
    result.status = judge_thresholds(seen, settings.available, settings.clear, Direction::runs_out,
                                     "available", memory, result.memory);
    result.message = say(k_available, format_size(info.available), format_size(info.total));
    if (result.status != Status::ok) {
        result.message = say(k_low, result.message);
        result.hint = say(k_look_memory);
    }
}

void judge_swap(CheckResult& result, const MemoryInfo& info, const MemorySettings& settings,
                const std::map<std::string, std::string>& memory) {
    if (info.swap_total == 0_B) {
        return;
    }
    const Bytes used{info.swap_total.count - std::min(info.swap_free, info.swap_total).count};
    const Quantity seen{static_cast<double>(used.count), static_cast<double>(info.swap_total.count)};
    result.metrics.push_back({"swap_used", seen.value, "B", in_units_of(seen, settings.swap_used.warn),
                              in_units_of(seen, settings.swap_used.critical)});
    const Status status =
        judge_thresholds(seen, settings.swap_used, {}, Direction::grows, "swap", memory, result.memory);
    if (status != Status::ok) {
        result.message = join("; ", {say(k_swapping, format_size(used)), result.message});
        result.hint = say(k_look_memory);
    }
    result.status = worst(result.status, status);
}

// "python3, celery", each once.
std::string names_of(const std::vector<OomVictim>& victims) {
    std::set<std::string> names;
    for (const OomVictim& victim : victims) {
        names.insert(shorten(clean_line(victim.name), k_shown_name));
    }
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return shorten(text, k_shown_names);
}

Text killed_words(std::uint64_t count, const std::string& names) {
    const Text killed = say(k_killed, counted(static_cast<std::int64_t>(count), k_victims));
    return join(": ", {killed, verbatim(names)});
}

void judge_oom(CheckResult& result, const MemorySample& sample, const MemorySettings& settings,
               const Now& now, const std::map<std::string, std::string>& memory) {
    const std::uint64_t counter = *sample.oom_kills;
    const auto last = memory.find(k_last);
    const std::optional<Now> seen = last == memory.end() ? std::nullopt : moment_from_text(last->second);
    const bool still_shown = seen && elapsed(*seen, now) < k_oom_shown;
    const std::uint64_t fresh = new_oom_kills(counter, now, memory);
    const std::uint64_t recent = fresh + (still_shown ? count_in(memory, k_recent) : 0);
    result.memory[k_counter] = std::to_string(counter);
    result.memory[k_boot] = now.boot_id;
    result.metrics.push_back({"oom_kills", static_cast<double>(fresh), "", std::nullopt, std::nullopt});
    if (recent == 0) {
        return;
    }
    result.memory[k_last] = fresh > 0 || !seen ? moment_to_text(now) : last->second;
    result.memory[k_recent] = std::to_string(recent);
    std::string names = names_of(sample.victims);
    if (const auto kept = memory.find(k_names); names.empty() && still_shown && kept != memory.end()) {
        names = kept->second;
    }
    if (!names.empty()) {
        result.memory[k_names] = names;
    }
    result.message = join("; ", {killed_words(recent, names), result.message});
    result.hint = say(k_look_oom);
    result.status = worst(result.status,
                          settings.oom == MemorySettings::Oom::critical ? Status::critical : Status::warning);
}

class MemoryCheck final : public BlockingCheck {
  public:
    explicit MemoryCheck(MemorySettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<MemoryInfo> info = context.world.host.memory();
        if (!info) {
            CheckResult result;
            result.status = Status::unknown;
            result.message = say(k_cannot_look, error_words(info.error().message));
            result.memory = context.memory;
            return result;
        }
        MemorySample sample{*info, std::nullopt, {}};
        if (const Result<std::uint64_t> kills = context.world.host.oom_kills()) {
            sample.oom_kills = *kills;
            if (new_oom_kills(*kills, context.now, context.memory) > 0) {
                sample.victims = oom_victims(context.now.boot - k_oom_shown);
            }
        }
        CheckResult result = evaluate_memory(sample, m_settings, context.now, context.memory);
        if (result.status != Status::ok) {
            result.evidence = largest(context.world.host); // only then: it reads every process
        }
        return result;
    }

  private:
    static std::string largest(Host& host) {
        const Result<std::vector<ProcessInfo>> all = host.processes();
        return all ? largest_processes(*all, [&](int pid) { return host.place(pid).value_or({}).unit; })
                   : std::string();
    }

    MemorySettings m_settings;
};

} // namespace

// In another boot the counter began at 0 again; in the first run ever, what happened before is nobody's news.
std::uint64_t new_oom_kills(std::uint64_t counter, const Now& now,
                            const std::map<std::string, std::string>& memory) {
    if (!memory.contains(k_counter)) {
        return 0;
    }
    const auto boot = memory.find(k_boot);
    const bool same_boot = boot != memory.end() && boot->second == now.boot_id;
    const std::uint64_t before = same_boot ? count_in(memory, k_counter) : 0;
    return counter >= before ? counter - before : counter;
}

std::string largest_processes(std::vector<ProcessInfo> all,
                              const std::function<std::string(int pid)>& unit_of) {
    const auto count = std::min(all.size(), k_largest_shown);
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                      [](const ProcessInfo& a, const ProcessInfo& b) { return a.rss > b.rss; });
    std::string lines;
    for (const ProcessInfo& process : std::span(all).first(count)) {
        const std::string& words = process.command_line.empty() ? process.name : process.command_line;
        const std::string unit = clean_line(unit_of(process.pid));
        lines += fmt::format("{}{}  {} ({}{}{})", lines.empty() ? "" : "\n", format_size(process.rss),
                             shorten(redact(clean_line(words)), k_shown_command), process.pid,
                             unit.empty() ? "" : ", ", unit);
    }
    return lines;
}

CheckResult evaluate_memory(const MemorySample& sample, const MemorySettings& settings, const Now& now,
                            const std::map<std::string, std::string>& memory) {
    CheckResult result;
    judge_available(result, sample.info, settings, memory);
    judge_swap(result, sample.info, settings, memory);
    if (sample.oom_kills && settings.oom != MemorySettings::Oom::off) {
        judge_oom(result, sample, settings, now, memory);
    }
    return result;
}

CheckType memory_check_type() {
    return make_check_type<memory_schema, MemoryCheck>("memory", Layer::memory, Recheck::no,
                                                       "available memory, swap, kills by the kernel");
}

} // namespace lectio
