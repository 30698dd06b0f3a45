// Story: runs of the judge with made-up time, told minute by minute.
//
// The state goes through JSON between any two runs, as in life, so every story is also one about state files.
#pragma once

#include "incidents/judge.h"
#include "support/fake_clock.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio {

CheckPolicy policy_for(std::string name, Layer layer = Layer::web, std::vector<std::string> needs = {});

struct Minute {
    std::map<std::string, Status> seen;   // what the checks find; others do not run
    std::map<std::string, Status> healed; // what the ladder's rechecks find
    std::vector<SelfNotice> notices;
    Healing healing;
    bool notify = true;               // false: --no-notify
    std::set<std::string> outlived{}; // of `healed`: what failed on while its mended root settled
};

class Story {
  public:
    explicit Story(std::vector<CheckPolicy> checks);

    Policy policy;
    FakeClock clock;
    JudgeState state;
    Suppression quiet;
    Duration between = std::chrono::minutes(1);
    bool through_json = true; // between runs; switched off where thousands of runs would be mostly that

    // One run, `between` after the last. Returns what it told.
    News run(const Minute& minute);
    News run(std::map<std::string, Status> seen) { return run(Minute{std::move(seen), {}, {}, {}, true}); }
    // `minutes` runs that find the same; what they told, one after another.
    std::vector<NewsItem> run_for(int minutes, const std::map<std::string, Status>& seen);

    const Judgement& judged() const { return m_judged; }
    const RunId& run_id() const { return m_run; } // of the last run
    [[nodiscard]] const Verdict& verdict(const std::string& name) const;
    void mute() { quiet.reasons = {Quiet::mute}; }
    void unmute() { quiet.reasons.clear(); }

  private:
    [[nodiscard]] JudgeState between_runs() const;

    Judgement m_judged;
    RunId m_run;
};

// "opened site", "resolved site, opened disk", "" for nothing.
std::string words(const std::vector<NewsItem>& items);
std::string words(const News& news);
std::string_view word(Event event);

// A check's life as letters, one a minute: O ok, W warning, C critical, U unknown, S skipped, M found
// critical and mended by the ladder. Returns what was told, with the minute (from 1): "2 opened, 5 resolved".
std::string told_of(const CheckPolicy& check, std::string_view life);

} // namespace lectio
