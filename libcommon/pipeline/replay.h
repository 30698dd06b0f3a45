// Replay: recorded runs through the judge again, under another configuration. What would have been told?
//
// What the checks had found stands as it was recorded, also where limits of values have changed since; what is asked
// again is everything after it: confirming, windows, flapping, dependencies, severities, reminders, hours, digests.
#pragma once

#include "incidents/judge.h"
#include "store/past_runs.h"

#include <deque>
#include <map>
#include <vector>

namespace lectio {

class Replay {
  public:
    // `deeds` and `events`: recorded in the period that is replayed.
    Replay(Policy policy, const std::vector<AtTime<RecordedDeed>>& deeds,
           const std::vector<AtTime<RecordedEvent>>& events);

    // The runs in the order in which they were recorded, from the first on: what was broken then is told as new. No
    // items: this run would have told nothing.
    News next(const PastRun& run);

    [[nodiscard]] int runs() const { return m_runs; }

  private:
    [[nodiscard]] RunFacts facts_of(const PastRun& run) const;
    [[nodiscard]] std::vector<Observation> observations_of(const std::vector<PastLook>& looks) const;
    [[nodiscard]] Healing healing_of(const PastRun& run) const;
    DayFigures count_day(const PastRun& run, const Judgement& judgement);

    struct DayRun {
        WallTime time;
        bool good = false;
        int opened = 0;
    };
    Policy m_policy;
    std::map<std::int64_t, Healing> m_healing; // by run
    JudgeState m_state;
    std::deque<DayRun> m_day; // of the last 24 hours
    int m_runs = 0;
};

} // namespace lectio
