// The state of the last run may be lost, what was told is not: the operator has it on the phone.
#include "incidents/judge.h"
#include "util/by_name.h"

#include <algorithm>

namespace lectio {
namespace {

IncidentState* find(JudgeState& state, const std::string& id) {
    const auto found = std::find_if(state.incidents.begin(), state.incidents.end(),
                                    [&](const IncidentState& incident) { return incident.id == id; });
    return found == state.incidents.end() ? nullptr : &*found;
}

void take_as_told(IncidentState& incident, const LastWord& word) {
    incident.told = word.level;
    incident.told_at = {word.time, {}, {}};
    incident.level_told_at = incident.told_at;
    incident.alarmed = incident.alarmed || word.level == Status::critical;
    incident.told_escalated = incident.told_escalated || word.event == Event::escalated;
    incident.told_flapping = incident.told_flapping || word.event == Event::flapping;
    incident.told_gave_up = incident.told_gave_up || word.event == Event::needs_person;
}

// The incident as far as its message tells of it. Notices of the suite are told afresh instead: what it notices of
// itself in this run is a better witness than what it said once.
void open_as_told(JudgeState& state, const LastWord& word, const ByName<CheckPolicy>& checks) {
    const CheckPolicy* check = checks.find(word.check);
    if (check == nullptr || state.open_incident(word.check) != nullptr) {
        return;
    }
    IncidentState incident;
    incident.id = word.id;
    incident.subject = check->name;
    incident.check = check->name;
    incident.type = check->type;
    incident.level = word.level;
    incident.severity = check->common.severity;
    incident.since = {word.since, {}, {}};
    incident.note = check->common.note;
    const std::string prefix = word.check + ": ";
    const bool prefixed = word.summary.starts_with(prefix);
    incident.message = verbatim(word.summary.substr(prefixed ? prefix.size() : 0));
    take_as_told(incident, word);
    state.incidents.push_back(std::move(incident));
}

} // namespace

bool is_behind(const JudgeState& state, const std::vector<LastWord>& words) {
    return std::any_of(words.begin(), words.end(), [&](const LastWord& word) {
        return state.epoch.empty() || (word.run.epoch == state.epoch && word.run.run > state.run);
    });
}

JudgeState reconcile(JudgeState state, const std::vector<LastWord>& words, const Policy& policy) {
    const ByName<CheckPolicy> checks(policy.checks);
    std::vector<LastWord> latest_first = words;
    std::stable_sort(latest_first.begin(), latest_first.end(),
                     [](const LastWord& a, const LastWord& b) { return a.time > b.time; });
    for (const LastWord& word : latest_first) {
        if (is_over(word.event)) {
            std::erase_if(state.incidents,
                          [&](const IncidentState& incident) { return incident.id == word.id; });
        } else if (IncidentState* incident = find(state, word.id)) {
            take_as_told(*incident, word);
        } else {
            open_as_told(state, word, checks);
        }
    }
    state.epoch.clear(); // judge() begins another
    return state;
}

} // namespace lectio
