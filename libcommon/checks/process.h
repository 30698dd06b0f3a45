// process: enough processes with a certain command line are running, none of them too old, large or busy, and their
// dead children are collected.
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio {

struct ProcessSettings {
    std::string match;
    std::string user;
    int min = 1;
    std::optional<int> max;
    Thresholds rss, age, cpu, zombies;
};

// Which of the processes took the most of one core, measured over the time since an earlier run.
struct CpuUse {
    struct Busiest {
        int pid = 0;
        std::string name;
        double percent = 0; // of one core: more than 100 with several threads
    };
    std::optional<Busiest> busiest; // none: nothing to compare with yet
    std::map<std::string, std::string> memory;
};
enum class Measure { on, not_again }; // not_again: asked twice in one run (CONTRACT 14)
CpuUse measure_cpu(const std::vector<ProcessInfo>& processes,
                   const std::map<std::string, std::string>& memory, const Now& now, Measure measure);

struct Zombies {
    std::size_t count = 0;
    // Of the parent with the most of them; without a name when it has gone.
    int parent = 0;
    std::string parent_name, parent_unit;
};

struct ProcessSample {
    std::vector<ProcessInfo> processes; // those that count
    Zombies zombies = {};
    CpuUse cpu = {};
};

// `self` and all that it descends from.
std::set<int> self_and_ancestors(const std::vector<ProcessInfo>& all, int self);
// Whose command line matches; zombies, the process `self` and its ancestors do not count (CONTRACT 9).
Result<std::vector<ProcessInfo>> matching_processes(const std::vector<ProcessInfo>& all,
                                                    const std::string& match, std::optional<uid_t> owner,
                                                    int self);
// The same of all that run on this host, without reading more than the command line of those that do not match.
Result<std::vector<ProcessInfo>> matching_processes(Host& host, const std::string& match,
                                                    std::optional<uid_t> owner);
// The dead that nobody has collected: children of `matching`, and those whose own name matches.
Result<Zombies> matching_zombies(const std::vector<ProcessInfo>& all,
                                 const std::vector<ProcessInfo>& matching, const std::string& match);
CheckResult evaluate_process(const ProcessSample& sample, const ProcessSettings& settings,
                             const std::map<std::string, std::string>& memory);
CheckType process_check_type();

} // namespace lectio
