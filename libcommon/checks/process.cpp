#include "checks/process.h"

#include "checks/moment.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "platform/users.h"
#include "util/number.h"
#include "util/pattern.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Noun k_process{"process", "processes", "процесс", "процесса", "процессов"};
constexpr Phrase k_running{"{} running", "работает {}"};
constexpr Phrase k_too_few{"{} running, at least {} expected", "работает {}, а нужно не меньше {}"};
constexpr Phrase k_too_many{"{} running, at most {} expected", "работает {}, а должно быть не больше {}"};
constexpr Phrase k_too_large{"process {} ({}) uses {} of memory", "процесс {} ({}) занимает {} памяти"};
constexpr Phrase k_too_old{"process {} ({}) has been running for {}", "процесс {} ({}) работает уже {}"};
constexpr Phrase k_too_busy{"process {} ({}) takes {:.0f}% of a core",
                            "процесс {} ({}) занимает {:.0f}% ядра"};
constexpr Noun k_dead{"dead process", "dead processes", "мёртвый процесс", "мёртвых процесса",
                      "мёртвых процессов"};
constexpr Phrase k_zombies{"zombies: {} not collected by process {} ({})",
                           "зомби: {}, их не убирает процесс {} ({})"};
constexpr Phrase k_of_unit{"{}, unit {}", "{}, юнит {}"};
constexpr Phrase k_gone_parent{"which has gone", "его уже нет"};
constexpr Phrase k_look_zombies{
    "only their parent can collect them, or its restart: ps -eo pid,ppid,stat,args | grep ' Z'",
    "убрать их может только их родитель или его перезапуск: ps -eo pid,ppid,stat,args | grep ' Z'"};
constexpr Phrase k_look{"look: ps -eo pid,user,etime,rss,args", "посмотреть: ps -eo pid,user,etime,rss,args"};
constexpr Phrase k_cannot_look{"unable to look at the processes: {}", "не удалось посмотреть процессы: {}"};

constexpr Phrase k_max_below_min{"{} is below min, which is {}: no number would be right",
                                 "{} меньше, чем min ({}): ни одно число не подойдёт"};

constexpr std::size_t k_shown_name = 60; // characters of a command line

// Over less than this a start, or one request, would look like a busy process.
constexpr Duration k_least_span{5'000};
constexpr std::size_t k_most_kept = 200; // processes whose CPU time is kept for the next run
constexpr const char* k_cpu_at = "cpu-at";
constexpr const char* k_cpu = "cpu";

std::vector<Complaint> impossible_count(const ProcessSettings& settings) {
    if (settings.max && *settings.max < settings.min) {
        return {{"max", say(k_max_below_min, *settings.max, settings.min)}};
    }
    return {};
}

const Schema<ProcessSettings>& process_schema() {
    static const Schema<ProcessSettings> schema =
        Schema<ProcessSettings>{
            required("match", &ProcessSettings::match,
                     "regular expression over the command line, found anywhere in it")
                .check(pattern_complaint),
            optional("user", &ProcessSettings::user, "only processes of this user").check(user_complaint),
            optional("min", &ProcessSettings::min, "fewer: critical").between(0, 100'000),
            optional("max", &ProcessSettings::max, "more: warning").between(0, 100'000),
            optional("rss", &ProcessSettings::rss, "resident memory of any one of them")
                .units({Amount::Unit::bytes})
                .grows(),
            optional("age", &ProcessSettings::age, "running time of any one of them")
                .units({Amount::Unit::milliseconds})
                .grows(),
            optional("cpu", &ProcessSettings::cpu, "share of one core since the last run, of any one of them")
                .units({Amount::Unit::percent})
                .grows(),
            optional("zombies", &ProcessSettings::zombies,
                     "dead processes that nobody has collected: their children, or of a matching name")
                .units({Amount::Unit::number})
                .grows(),
        }
            .verify(impossible_count);
    return schema;
}

bool is_set(const Thresholds& thresholds) {
    return thresholds.warn || thresholds.critical;
}

std::string shown_name(const ProcessInfo& process) {
    return shorten(clean_line(process.command_line), k_shown_name);
}

CheckResult unable(const Error& error, const CheckContext& context) {
    CheckResult result;
    result.status = Status::unknown;
    result.message = say(k_cannot_look, error_words(clean_line(error.message)));
    result.memory = context.memory;
    return result;
}

void judge_count(CheckResult& result, std::size_t count, const ProcessSettings& settings) {
    const auto running = counted(static_cast<std::int64_t>(count), k_process);
    const auto number = static_cast<int>(count);
    result.status = Status::ok;
    result.message = say(k_running, running);
    if (number < settings.min) {
        result.status = Status::critical;
        result.message = say(k_too_few, running, settings.min);
    } else if (settings.max && number > *settings.max) {
        result.status = Status::warning;
        result.message = say(k_too_many, running, *settings.max);
    }
    Metric metric{"processes",  static_cast<double>(count),        "",
                  std::nullopt, static_cast<double>(settings.min), Metric::Bad::below};
    if (settings.max) {
        metric.warn = *settings.max;
        metric.bad = Metric::Bad::outside;
    }
    result.metrics.push_back(std::move(metric));
}

void judge_largest(CheckResult& result, const std::vector<ProcessInfo>& processes,
                   const ProcessSettings& settings, const std::map<std::string, std::string>& memory) {
    const auto largest = std::max_element(processes.begin(), processes.end(),
                                          [](const auto& a, const auto& b) { return a.rss < b.rss; });
    if (largest == processes.end()) {
        return;
    }
    const Quantity seen{static_cast<double>(largest->rss.count), std::nullopt};
    result.metrics.push_back({"rss", seen.value, "B", in_units_of(seen, settings.rss.warn),
                              in_units_of(seen, settings.rss.critical)});
    raise(result, judge_thresholds(seen, settings.rss, {}, Direction::grows, "rss", memory, result.memory),
          say(k_too_large, largest->pid, shown_name(*largest), format_size(largest->rss)));
}

void judge_oldest(CheckResult& result, const std::vector<ProcessInfo>& processes,
                  const ProcessSettings& settings, const std::map<std::string, std::string>& memory) {
    const auto oldest = std::max_element(processes.begin(), processes.end(),
                                         [](const auto& a, const auto& b) { return a.age < b.age; });
    if (oldest == processes.end() || !is_set(settings.age)) {
        return;
    }
    const Quantity seen{static_cast<double>(oldest->age.count()), std::nullopt};
    result.metrics.push_back({"age", seen.value / 1000, "s", std::nullopt, std::nullopt});
    raise(result, judge_thresholds(seen, settings.age, {}, Direction::grows, "age", memory, result.memory),
          say(k_too_old, oldest->pid, shown_name(*oldest), span_of(oldest->age.count() / 1000)));
}

void judge_busiest(CheckResult& result, const CpuUse& cpu, const ProcessSettings& settings,
                   const std::map<std::string, std::string>& memory) {
    result.memory.insert(cpu.memory.begin(), cpu.memory.end());
    if (!cpu.busiest) {
        return;
    }
    const Quantity seen{cpu.busiest->percent, std::nullopt};
    result.metrics.push_back({"cpu", seen.value, "%", in_units_of(seen, settings.cpu.warn),
                              in_units_of(seen, settings.cpu.critical)});
    raise(result, judge_thresholds(seen, settings.cpu, {}, Direction::grows, "cpu", memory, result.memory),
          say(k_too_busy, cpu.busiest->pid, cpu.busiest->name, seen.value));
}

Text parent_words(const Zombies& zombies) {
    if (zombies.parent_name.empty()) {
        return say(k_gone_parent);
    }
    return zombies.parent_unit.empty() ? verbatim(zombies.parent_name)
                                       : say(k_of_unit, zombies.parent_name, zombies.parent_unit);
}

void judge_zombies(CheckResult& result, const Zombies& zombies, const ProcessSettings& settings,
                   const std::map<std::string, std::string>& memory) {
    if (!is_set(settings.zombies)) {
        return;
    }
    const Quantity seen{static_cast<double>(zombies.count), std::nullopt};
    result.metrics.push_back({"zombies", seen.value, "", in_units_of(seen, settings.zombies.warn),
                              in_units_of(seen, settings.zombies.critical)});
    raise(result,
          judge_thresholds(seen, settings.zombies, {}, Direction::grows, "zombies", memory, result.memory),
          say(k_zombies, counted(static_cast<std::int64_t>(zombies.count), k_dead), zombies.parent,
              parent_words(zombies)),
          say(k_look_zombies));
}

// ── CPU time ────────────────────────────────────────────────────────────────────────────────────────────────────

// What is kept of a process: "PID/START/CPU/SHARE", in ticks since boot, milliseconds and percent.
struct KeptTime {
    std::uint64_t start = 0;
    Duration cpu{};
    std::optional<double> percent;
};

std::map<int, KeptTime> read_times(const std::string& text) {
    std::map<int, KeptTime> times;
    for (const std::string_view word : split(text, ' ')) {
        const std::vector<std::string_view> parts = split(word, '/');
        if (parts.size() != 4 || times.size() >= k_most_kept) {
            continue;
        }
        const auto pid = number_from<int>(parts[0]);
        const auto start = number_from<std::uint64_t>(parts[1]);
        const auto cpu = number_from<std::int64_t>(parts[2]);
        if (pid && start && cpu) {
            times[*pid] = {*start, Duration(*cpu), number_from<double>(parts[3])};
        }
    }
    return times;
}

std::string write_times(const std::map<int, KeptTime>& times) {
    std::string text;
    for (const auto& [pid, time] : times) {
        text += fmt::format("{}{}/{}/{}/{}", text.empty() ? "" : " ", pid, time.start, time.cpu.count(),
                            time.percent ? fmt::format("{:.1f}", *time.percent) : "-");
    }
    return text;
}

// `before`: what was kept of this very process. One that began since then is measured over its life.
std::optional<double> percent_of(const ProcessInfo& process, const KeptTime* before, Duration since) {
    const Duration span = before != nullptr ? since : process.age;
    const Duration used = before != nullptr ? process.cpu_time - before->cpu : process.cpu_time;
    if (span < k_least_span || span > since || used < Duration::zero()) {
        return std::nullopt;
    }
    return static_cast<double>(used.count()) / static_cast<double>(span.count()) * 100;
}

const KeptTime* kept_of(const ProcessInfo& process, const std::map<int, KeptTime>& times) {
    const auto kept = times.find(process.pid);
    return kept != times.end() && kept->second.start == process.start_ticks ? &kept->second : nullptr;
}

void note_busiest(CpuUse& use, const ProcessInfo& process, const std::optional<double>& percent) {
    if (percent && (!use.busiest || *percent > use.busiest->percent)) {
        use.busiest = {process.pid, shown_name(process), *percent};
    }
}

// The last measurement once more, and its beginning stays that of the next.
CpuUse measured_before(const std::vector<ProcessInfo>& processes,
                       const std::map<std::string, std::string>& memory,
                       const std::map<int, KeptTime>& times) {
    CpuUse use;
    for (const ProcessInfo& process : processes) {
        if (const KeptTime* kept = kept_of(process, times)) {
            note_busiest(use, process, kept->percent);
        }
    }
    for (const char* key : {k_cpu, k_cpu_at}) {
        if (const auto kept = memory.find(key); kept != memory.end()) {
            use.memory.insert(*kept);
        }
    }
    return use;
}

class ProcessCheck final : public BlockingCheck {
  public:
    explicit ProcessCheck(ProcessSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        std::optional<uid_t> owner;
        if (!m_settings.user.empty()) {
            const Result<User> user = find_user(m_settings.user);
            if (!user) {
                return unable(user.error(), context);
            }
            owner = user->uid;
        }
        Result<Seen> seen = look(context.world.host, owner);
        if (!seen) {
            return unable(seen.error(), context);
        }
        auto& [found, zombies] = *seen;
        CpuUse cpu;
        if (is_set(m_settings.cpu)) {
            cpu = measure_cpu(found, context.memory, context.now,
                              context.recheck ? Measure::not_again : Measure::on);
        }
        if (zombies.count > 0) {
            zombies.parent_unit = unit_of(zombies.parent, context.world.host);
        }
        return evaluate_process({std::move(found), std::move(zombies), std::move(cpu)}, m_settings,
                                context.memory);
    }

  private:
    struct Seen {
        std::vector<ProcessInfo> matching;
        Zombies zombies;
    };

    // All processes are read only where the dead are judged: they have no command line.
    [[nodiscard]] Result<Seen> look(Host& host, std::optional<uid_t> owner) const {
        if (!is_set(m_settings.zombies)) {
            Result<std::vector<ProcessInfo>> found = matching_processes(host, m_settings.match, owner);
            LECTIO_TRY(found);
            return Seen{std::move(*found), {}};
        }
        const Result<std::vector<ProcessInfo>> all = host.processes();
        LECTIO_TRY(all);
        Result<std::vector<ProcessInfo>> found =
            matching_processes(*all, m_settings.match, owner, host.self_pid());
        LECTIO_TRY(found);
        Result<Zombies> zombies = matching_zombies(*all, *found, m_settings.match);
        LECTIO_TRY(zombies);
        return Seen{std::move(*found), std::move(*zombies)};
    }

    static std::string unit_of(int pid, Host& host) {
        const Result<ProcessPlace> place = host.place(pid);
        return place ? clean_line(place->unit) : std::string();
    }

    ProcessSettings m_settings;
};

} // namespace

std::set<int> self_and_ancestors(const std::vector<ProcessInfo>& all, int self) {
    std::map<int, int> parents;
    for (const ProcessInfo& process : all) {
        parents[process.pid] = process.parent;
    }
    std::set<int> chain;
    // insert() fails on a number seen before: the list is no snapshot and might hold a circle.
    for (int pid = self; pid > 0 && chain.insert(pid).second;) {
        const auto parent = parents.find(pid);
        pid = parent == parents.end() ? 0 : parent->second;
    }
    return chain;
}

namespace {

Result<std::vector<ProcessInfo>> select(const std::vector<ProcessInfo>& all, const Pattern& pattern,
                                        std::optional<uid_t> owner, int self) {
    const std::set<int> ours = self_and_ancestors(all, self);
    std::vector<ProcessInfo> found;
    for (const ProcessInfo& process : all) {
        const bool dead = process.state == 'Z' || process.state == 'X';
        if (dead || ours.contains(process.pid) || process.command_line.empty() ||
            (owner && process.owner != *owner)) {
            continue;
        }
        const Result<bool> matches = pattern.found_in(process.command_line);
        LECTIO_TRY(matches);
        if (*matches) {
            found.push_back(process);
        }
    }
    return found;
}

} // namespace

Result<std::vector<ProcessInfo>> matching_processes(const std::vector<ProcessInfo>& all,
                                                    const std::string& match, std::optional<uid_t> owner,
                                                    int self) {
    const Result<Pattern> pattern = Pattern::compile(match);
    LECTIO_TRY(pattern);
    return select(all, *pattern, owner, self);
}

Result<std::vector<ProcessInfo>> matching_processes(Host& host, const std::string& match,
                                                    std::optional<uid_t> owner) {
    const Result<Pattern> pattern = Pattern::compile(match);
    LECTIO_TRY(pattern);
    const auto wanted = [&](const std::string& command_line) {
        return pattern->found_in(command_line)
            .value_or(true); // one that cannot be judged is told by select()
    };
    const Result<std::vector<ProcessInfo>> some = host.processes_with(wanted);
    LECTIO_TRY(some);
    return select(*some, *pattern, owner, host.self_pid());
}

Result<Zombies> matching_zombies(const std::vector<ProcessInfo>& all,
                                 const std::vector<ProcessInfo>& matching, const std::string& match) {
    const Result<Pattern> pattern = Pattern::compile(match);
    LECTIO_TRY(pattern);
    std::set<int> parents;
    for (const ProcessInfo& process : matching) {
        parents.insert(process.pid);
    }
    Zombies zombies;
    std::map<int, std::size_t> by_parent;
    for (const ProcessInfo& process : all) {
        if (process.state != 'Z') {
            continue;
        }
        const Result<bool> by_name = pattern->found_in(process.name);
        LECTIO_TRY(by_name);
        if (*by_name || parents.contains(process.parent)) {
            ++zombies.count;
            ++by_parent[process.parent];
        }
    }
    const auto most = std::max_element(by_parent.begin(), by_parent.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    zombies.parent = most == by_parent.end() ? 0 : most->first;
    for (const ProcessInfo& process : all) {
        if (process.pid == zombies.parent) {
            zombies.parent_name =
                process.command_line.empty() ? clean_line(process.name) : shown_name(process);
        }
    }
    return zombies;
}

CpuUse measure_cpu(const std::vector<ProcessInfo>& processes,
                   const std::map<std::string, std::string>& memory, const Now& now, Measure measure) {
    const auto at = memory.find(k_cpu_at);
    const std::optional<Now> last = at == memory.end() ? std::nullopt : moment_from_text(at->second);
    const auto kept = memory.find(k_cpu);
    const auto times = kept == memory.end() ? std::map<int, KeptTime>() : read_times(kept->second);
    const Duration since = last ? elapsed(*last, now) : Duration::zero();
    if (last && (measure == Measure::not_again || since < k_least_span)) {
        return measured_before(processes, memory, times);
    }
    CpuUse use;
    std::map<int, KeptTime> fresh;
    for (const ProcessInfo& process : processes) {
        const auto percent = last ? percent_of(process, kept_of(process, times), since) : std::nullopt;
        note_busiest(use, process, percent);
        if (fresh.size() < k_most_kept) {
            fresh[process.pid] = {process.start_ticks, process.cpu_time, percent};
        }
    }
    use.memory[k_cpu_at] = moment_to_text(now);
    use.memory[k_cpu] = write_times(fresh);
    return use;
}

CheckResult evaluate_process(const ProcessSample& sample, const ProcessSettings& settings,
                             const std::map<std::string, std::string>& memory) {
    CheckResult result;
    judge_count(result, sample.processes.size(), settings);
    judge_largest(result, sample.processes, settings, memory);
    judge_oldest(result, sample.processes, settings, memory);
    judge_busiest(result, sample.cpu, settings, memory);
    judge_zombies(result, sample.zombies, settings, memory);
    if (result.status != Status::ok && result.hint.empty()) {
        result.hint = say(k_look);
    }
    return result;
}

CheckType process_check_type() {
    return make_check_type<process_schema, ProcessCheck>("process", Layer::application, Recheck::yes,
                                                         "enough processes with a certain command line run");
}

} // namespace lectio
