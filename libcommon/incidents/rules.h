// The rules of a single check, over what its last runs have shown. Each reads as CONTRACT 9, 11, 13 say it.
#pragma once

#include "incidents/judge.h"

namespace lectio {

// What the state keeps of one tool, whatever happens: each of its checks may have an incident. Of checks beyond the
// first number none runs; the rest of the second is for what the suite notices of itself.
constexpr std::size_t k_most_checks = 5000;
constexpr std::size_t k_most_kept = 6000; // of checks and notices, and of their incidents

// The type under which the suite speaks of itself; a check may have the same name as what it notices.
constexpr std::string_view k_self = "self";

// ok, warning or critical: something was seen. unknown and skipped say nothing of the target.
bool is_known(Status status);
bool is_bad(Status status); // warning or critical

// The worst that `severity` lets a failure be.
Status capped(Status status, Severity severity);

// One more look of this outcome: runs in a row, and the history.
void count_look(CheckState& check, Status status);
// The ladder's recheck saw the check better than this run had found it.
void count_improvement(CheckState& check, Status status);

// The level at which the check's failure counts now; ok: it passes, or not yet often enough failed.
Status confirmed_level(const CheckState& check, const CheckCommon& rules);
bool is_over(const CheckState& check, const CheckCommon& rules);
// This look, counted already, ends the incident.
bool would_end(const IncidentState& incident, const CheckState& check, const CheckCommon& rules);
// No longer critical, but not over.
bool is_eased(const CheckState& check, const CheckCommon& rules);
// Silence is not health: five runs in a row have seen nothing.
bool is_blind(const CheckState& check);

bool flaps(const CheckState& check, const CheckCommon& rules);
// Steady again: at most half of the changes that made it flapping.
bool steady(const CheckState& check, const CheckCommon& rules);

} // namespace lectio
