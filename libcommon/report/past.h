// Past: what the history holds of one tool in a period, counted and put together for people and programs.
#pragma once

#include "checks/check.h"
#include "incidents/news.h"
#include "store/past_runs.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

// Runs of a check, one after the other, that found the same: the same status, and the same words where it is not ok.
struct Stretch {
    Status status = Status::ok; // as reported: capped by `severity`
    WallTime since;             // begin of the first such run
    WallTime until; // of the run that found something else; of the last one before a gap or the end
    int runs = 0;
    Text message;        // of the last of them
    bool mended = false; // the last of them was broken and mended in one run
};

struct CheckPast {
    std::string name, type;
    int looks = 0;  // that saw something: ok, warning or critical
    int broken = 0; // of these: critical, also when mended in the same run
    std::vector<Stretch> stretches;
    // Share of looks that did not find it broken; nothing without looks.
    [[nodiscard]] std::optional<double> availability() const;
};

struct Gap { // no run of the tool began in between, though some should have
    WallTime from, until;
};

struct Past {
    std::string tool; // "lectio-health"
    WallTime since, now;
    int runs = 0;
    std::vector<CheckPast> checks; // in the order in which they were first seen
    std::vector<Gap> gaps;
    std::vector<AtTime<RecordedEvent>> events;
    std::vector<AtTime<RecordedDeed>> deeds;
};

// Pauses between runs that are no gap: up to three times the usual one, and at least three minutes.
std::vector<Gap> gaps_in(const std::vector<WallTime>& beginnings);

struct PastQuestion {
    std::string tool; // "health"
    WallTime since, now;
    std::optional<std::string> check; // this one alone
};
Result<Past> read_past(PastRuns& runs, const PastQuestion& question);

struct PastView {
    Lang lang = Lang::ru;
    std::string zone, host;
    enum class Stretches {
        of_broken,
        all
    } stretches = Stretches::of_broken; // checks that were ok throughout: one line
};
std::string render_past_text(const Past& past, const PastView& view);
// One object on one line (docs/history.md). Ends in a newline.
std::string render_past_json(const Past& past, const PastView& view);

} // namespace lectio
