// What the history knows of the last day: how each check went hour by hour, and what it said last.
#pragma once

#include "status/overview.h"
#include "store/past_runs.h"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lectio::status {

class LastDay {
  public:
    explicit LastDay(WallTime now) : m_now(now) {}

    // In the order of the record. A run that is dated later than now says nothing of the hours before it.
    void take(const PastRun& run);

    struct Said {
        RecordedLook look; // the last; after an action what was found then
        Now at;            // the beginning of its run
        Day day{};
    };
    // By "tool/check", what tools notice of themselves by "tool/name#cause".
    [[nodiscard]] std::map<std::string, Said> said() const;
    // The last run of each tool, by its short name.
    [[nodiscard]] const std::map<std::string, Now>& last_runs() const { return m_last_runs; }

  private:
    // Put together at the end: once a check, not once a look.
    struct Thread {
        PastLook last;
        Now at;
        Day day{};
    };
    Thread& thread_of(const PastRun& run, const PastLook& look);
    void take(const PastRun& run, const PastLook& look);

    WallTime m_now;
    std::map<std::string, Thread> m_threads;
    std::unordered_map<const LookForm*, Thread*> m_by_form; // they live as long as the PastRuns
    std::map<std::string, Now> m_last_runs;
};

// One character an hour: its figures as bars between the day's lowest and highest, "×" where it was broken, "!"
// where there was a warning, "?" where it could not be looked at, "·" where nobody looked.
std::string sparkline(const Day& day);

} // namespace lectio::status
