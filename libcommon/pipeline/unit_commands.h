// Who is woken by "it does not answer" wants to know of which unit that is said: the commands to look with are named where
// the configuration says whose service a check asks.
#pragma once

#include "incidents/judge.h"
#include "recovery/ladder.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

// Pure. Puts after the hint of a service that hangs, or that nobody listens for, the commands to look with: at the unit
// whose check it needs, else what the first rung for it looks with. `unit_checks`: unit → its check.
void name_commands(const CheckPolicy& check, const std::map<std::string, std::string>& unit_checks,
                   const std::vector<Rung>& ladder, CheckResult& seen);

} // namespace lectio
