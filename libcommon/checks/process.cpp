#include "checks/process.h"

#include "checks/thresholds.h"
#include "platform/users.h"
#include "util/pattern.h"
#include "util/text.h"

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
constexpr Phrase k_look{"look: ps -eo pid,user,etime,rss,args", "посмотреть: ps -eo pid,user,etime,rss,args"};
constexpr Phrase k_cannot_look{"unable to look at the processes: {}", "не удалось посмотреть процессы: {}"};

constexpr std::size_t k_shown_name = 60; // characters of a command line

const Schema<ProcessSettings>& process_schema() {
    static const Schema<ProcessSettings> schema{
        required("match", &ProcessSettings::match,
                 "regular expression over the command line, found anywhere in it")
            .check(pattern_complaint),
        optional("user", &ProcessSettings::user, "only processes of this user"),
        optional("min", &ProcessSettings::min, "fewer: critical").between(0, 100'000),
        optional("max", &ProcessSettings::max, "more: warning").between(0, 100'000),
        optional("rss", &ProcessSettings::rss, "resident memory of any one of them")
            .units({Amount::Unit::bytes})
            .grows(),
        optional("age", &ProcessSettings::age, "running time of any one of them")
            .units({Amount::Unit::milliseconds})
            .grows(),
        later<Thresholds>("cpu", "share of one core, of any one of them").grows(),
        later<Thresholds>("zombies", "dead processes that nobody has collected").grows(),
    };
    return schema;
}

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

std::string shown_name(const ProcessInfo& process) {
    return shorten(clean_line(process.command_line), k_shown_name);
}

CheckResult unable(const Error& error, const CheckContext& context) {
    CheckResult result;
    result.status = Status::unknown;
    result.message = say(k_cannot_look, error.message);
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
    Metric metric{"processes", static_cast<double>(count), "", std::nullopt,
                  static_cast<double>(settings.min)};
    if (settings.max) {
        metric.warn = *settings.max;
    }
    result.metrics.push_back(std::move(metric));
}

// One of them that is past its threshold makes the message, unless something worse is said already.
void raise(CheckResult& result, Status status, const Text& message) {
    if (status != Status::ok && worst(status, result.status) == status && status != result.status) {
        result.status = status;
        result.message = message;
    }
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
    if (oldest == processes.end() || (!settings.age.warn && !settings.age.critical)) {
        return;
    }
    const Quantity seen{static_cast<double>(oldest->age.count()), std::nullopt};
    result.metrics.push_back({"age", seen.value / 1000, "s", std::nullopt, std::nullopt});
    raise(result, judge_thresholds(seen, settings.age, {}, Direction::grows, "age", memory, result.memory),
          say(k_too_old, oldest->pid, shown_name(*oldest), spoken(oldest->age.count() / 1000)));
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
        const Result<std::vector<ProcessInfo>> all = context.world.host.processes();
        if (!all) {
            return unable(all.error(), context);
        }
        Result<std::vector<ProcessInfo>> found =
            matching_processes(*all, m_settings.match, owner, context.world.host.self_pid());
        if (!found) {
            return unable(found.error(), context);
        }
        return evaluate_process({std::move(*found)}, m_settings, context.memory);
    }

  private:
    ProcessSettings m_settings;
};

} // namespace

Result<std::vector<ProcessInfo>> matching_processes(const std::vector<ProcessInfo>& all,
                                                    const std::string& match, std::optional<uid_t> owner,
                                                    int self) {
    const Result<Pattern> pattern = Pattern::compile(match);
    LECTIO_TRY(pattern);
    const std::set<int> ours = self_and_ancestors(all, self);
    std::vector<ProcessInfo> found;
    for (const ProcessInfo& process : all) {
        const bool dead = process.state == 'Z' || process.state == 'X';
        if (dead || ours.contains(process.pid) || process.command_line.empty() ||
            (owner && process.owner != *owner)) {
            continue;
        }
        const Result<bool> matches = pattern->found_in(process.command_line);
        LECTIO_TRY(matches);
        if (*matches) {
            found.push_back(process);
        }
    }
    return found;
}

CheckResult evaluate_process(const ProcessSample& sample, const ProcessSettings& settings,
                             const std::map<std::string, std::string>& memory) {
    CheckResult result;
    judge_count(result, sample.processes.size(), settings);
    judge_largest(result, sample.processes, settings, memory);
    judge_oldest(result, sample.processes, settings, memory);
    if (result.status != Status::ok) {
        result.hint = say(k_look);
    }
    return result;
}

CheckType process_check_type() {
    return make_check_type<process_schema, ProcessCheck>("process", Layer::application, Recheck::yes,
                                                         "enough processes with a certain command line run");
}

} // namespace lectio
