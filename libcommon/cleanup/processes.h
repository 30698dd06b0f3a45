// Processes that are ended because a rule names them: [cleanup] kill.
#pragma once

#include "cleanup/deed.h"
#include "config/cleanup.h"
#include "platform/process_table.h"
#include "util/pattern.h"

#include <functional>
#include <set>
#include <vector>

#include <sys/types.h>

namespace lectio::cleanup {

// Why a process that is running is not ended; no: the rule names it.
enum class Spared { no, not_meant, too_young, too_small, family, another_users, of_a_unit, contained };
struct KillOrder {
    const KillRule& rule;
    const Pattern& pattern;  // of the rule
    uid_t whose = 0;         // the only user whose processes are ended
    bool memory_low = false; // as the rule has it
    std::set<int> family;    // this process and all that it descends from
};
// Pure. `place`: where it belongs; asked for last.
Spared why_spared(const ProcessInfo& process, const KillOrder& order,
                  const std::function<ProcessPlace(int pid)>& place);

// TERM, `wait`, KILL. A process is held before it is looked at once more: what has got its number meanwhile, or has become
// another program, is left alone.
void end_processes(const KillRule& rule, ProcessTable& table, Sweep& sweep);

// "npm run build (812)", cleaned and short.
std::string shown(const ProcessInfo& process);

} // namespace lectio::cleanup
