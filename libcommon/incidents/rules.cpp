#include "incidents/rules.h"

#include "incidents/history.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr int k_blind_after = 5;
constexpr int k_most = 1'000'000; // counts stop here: far above any setting, far below overflow

void count(int& in_a_row, bool again) {
    in_a_row = again ? std::min(in_a_row + 1, k_most) : 0;
}

bool confirmed(AtLeast level, int in_a_row, const CheckState& check, const CheckCommon& rules) {
    if (in_a_row == 0) {
        return false;
    }
    if (rules.window.some > 0) {
        return bad_runs(check.history, level, rules.window.of) >= rules.window.some;
    }
    return in_a_row >= rules.confirm;
}

} // namespace

bool is_known(Status status) {
    return status == Status::ok || is_bad(status);
}

bool is_bad(Status status) {
    return status == Status::warning || status == Status::critical;
}

Status capped(Status status, Severity severity) {
    return status == Status::critical && severity != Severity::critical ? Status::warning : status;
}

void count_look(CheckState& check, Status status) {
    if (status == Status::unknown) {
        count(check.unknown, true);
    }
    if (!is_known(status)) {
        return; // a failure before it and one after it are still in a row
    }
    check.unknown = 0;
    count(check.bad, is_bad(status));
    count(check.critical, status == Status::critical);
    count(check.good, status == Status::ok);
    count(check.below_critical, status != Status::critical);
    add_run(check.history, status);
}

void count_improvement(CheckState& check, Status status) {
    if (status == Status::ok) {
        note_mended(check.history);
        check.bad = 0;
        check.good = 1;
    }
    check.critical = 0;
    check.below_critical = 1;
}

Status confirmed_level(const CheckState& check, const CheckCommon& rules) {
    if (confirmed(AtLeast::critical, check.critical, check, rules)) {
        return Status::critical;
    }
    return confirmed(AtLeast::warning, check.bad, check, rules) ? Status::warning : Status::ok;
}

bool is_over(const CheckState& check, const CheckCommon& rules) {
    return check.good > 0 && check.good >= rules.recover_confirm;
}

bool would_end(const IncidentState& incident, const CheckState& check, const CheckCommon& rules) {
    const bool unsteady = incident.flapping ? !steady(check, rules) : flaps(check, rules);
    return !unsteady && is_over(check, rules);
}

bool is_eased(const CheckState& check, const CheckCommon& rules) {
    return check.bad > 0 && check.below_critical > 0 && check.below_critical >= rules.recover_confirm;
}

bool is_blind(const CheckState& check) {
    return check.unknown >= k_blind_after;
}

bool flaps(const CheckState& check, const CheckCommon& rules) {
    return rules.flap.some > 0 && changes(check.history, rules.flap.of) >= rules.flap.some;
}

bool steady(const CheckState& check, const CheckCommon& rules) {
    return changes(check.history, rules.flap.of) <= rules.flap.some / 2;
}

} // namespace lectio
