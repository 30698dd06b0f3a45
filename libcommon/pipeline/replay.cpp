#include "pipeline/replay.h"

#include "incidents/rules.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace lectio {
namespace {

constexpr Duration k_day = std::chrono::hours(24);
constexpr std::uint64_t k_seed = 1; // ids of a replay mean nothing outside of it
constexpr int k_worst_status = static_cast<int>(Status::skipped);

// A number from the disk.
Status status_of(int recorded) {
    return recorded >= 0 && recorded <= k_worst_status ? static_cast<Status>(recorded) : Status::unknown;
}

// "mute deploy:site,api", as a run is recorded.
Suppression suppression_of(const std::string& recorded) {
    Suppression suppression;
    for (const std::string_view word : split(recorded, ' ')) {
        const std::size_t colon = word.find(':');
        for (const Quiet quiet : k_quiets) {
            if (word.substr(0, colon) == to_string(quiet)) {
                suppression.reasons.push_back(quiet);
            }
        }
        if (colon != std::string_view::npos) {
            suppression.deploy_names_checks = true;
            for (const std::string_view check : split(word.substr(colon + 1), ',')) {
                suppression.deploy_checks.emplace_back(check);
            }
        }
    }
    return suppression;
}

SelfNotice notice_of(const RecordedLook& look) {
    return {look.check,   look.cause, status_of(look.status),
            look.message, look.hint,  look.passing ? SelfNotice::Life::passing : SelfNotice::Life::lasting};
}

Observation observation_of(const RecordedLook& look) {
    Observation seen;
    seen.name = look.check;
    seen.result.status = status_of(look.status);
    seen.result.message = look.message;
    seen.result.hint = look.hint;
    seen.result.evidence = look.evidence;
    return seen;
}

} // namespace

Replay::Replay(Policy policy, const std::vector<AtTime<RecordedDeed>>& deeds,
               const std::vector<AtTime<RecordedEvent>>& events)
    : m_policy(std::move(policy)) {
    for (const AtTime<RecordedDeed>& deed : deeds) {
        m_healing[deed.run].deeds.push_back({deed.what.rung, deed.what.action, deed.what.target, deed.what.ok,
                                             deed.what.detail, deed.what.fixed, deed.what.took});
    }
    for (const AtTime<RecordedEvent>& event : events) {
        if (event.what.event == "needs-person") {
            m_healing[event.run].gave_up.push_back({event.what.check, {}, CallReason::useless_attempts});
        }
    }
}

News Replay::next(const PastRun& run) {
    ++m_runs;
    Judgement judgement = judge(std::move(m_state), facts_of(run), m_policy);
    if (!run.after_healing.empty()) {
        judgement = judge_after_healing(std::move(judgement), observations_of(run.after_healing), run.started,
                                        m_policy);
    }
    const DayFigures day = count_day(run, judgement);
    ToTell told = tell(std::move(judgement.state), suppression_of(run.quiet), healing_of(run), run.started,
                       m_policy, day);
    m_state = std::move(told.state);
    return std::move(told.news);
}

RunFacts Replay::facts_of(const PastRun& run) const {
    RunFacts facts;
    facts.now = run.started;
    facts.seed = k_seed;
    facts.suppression = suppression_of(run.quiet);
    facts.observations = observations_of(run.looks);
    for (const PastLook& look : run.looks) {
        if (look.form->type == k_self) {
            facts.notices.push_back(notice_of(look.whole()));
        }
    }
    return facts;
}

// Of the checks that there would be; the others are not there to be judged.
std::vector<Observation> Replay::observations_of(const std::vector<PastLook>& looks) const {
    std::vector<Observation> seen;
    for (const PastLook& look : looks) {
        const bool is_known =
            std::any_of(m_policy.checks.begin(), m_policy.checks.end(), [&](const CheckPolicy& check) {
                return check.name == look.form->check && check.type == look.form->type;
            });
        if (is_known) {
            seen.push_back(observation_of(look.whole()));
        }
    }
    return seen;
}

Healing Replay::healing_of(const PastRun& run) const {
    const auto found = m_healing.find(run.id);
    return found == m_healing.end() ? Healing{} : found->second;
}

DayFigures Replay::count_day(const PastRun& run, const Judgement& judgement) {
    const auto opened = std::count_if(judgement.changes.begin(), judgement.changes.end(),
                                      [](const Change& change) { return change.event == Event::opened; });
    m_day.push_back(
        {run.started.wall, overall(judgement.verdicts) != Status::critical, static_cast<int>(opened)});
    while (m_day.front().time < run.started.wall - k_day) {
        m_day.pop_front();
    }
    DayFigures day;
    for (const DayRun& each : m_day) {
        ++day.runs;
        day.good_runs += each.good ? 1 : 0;
        day.incidents += each.opened;
    }
    return day;
}

} // namespace lectio
