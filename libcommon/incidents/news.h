// News: what a run has to tell, as data. The judge and the ladder make it, alerts/ puts it into words.
#pragma once

#include "checks/check.h"
#include "platform/clock.h"
#include "words/phrase.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct Incident {
    std::string id; // 6 base32 letters
    std::string tool, check, type;
    Status status = Status::critical; // warning or critical
    Severity severity = Severity::critical;
    Now since;
    Text message, hint;
    std::string evidence, note;
    bool acknowledged = false;
    bool blind = false; // the check could not look: whether anything is broken is not known
    std::string key{};  // under which a script has told it (send --key); empty: it is a check's
};

// One action of the recovery ladder and what came of it.
struct Deed {
    std::string rung;   // the name in the configuration: "frontend-permissions"
    std::string action; // restart reload start fix-permissions exec
    std::string target; // a unit or a path
    bool ok = false;
    Text detail;                    // "12 files", or why not
    std::vector<std::string> fixed; // checks that pass now and did not before
    Duration took{};
    bool operator==(const Deed&) const = default;
};

enum class Event {
    opened,       // broken
    risen,        // a warning became critical, same id
    eased,        // critical became a warning: better, not over
    resolved,     // over
    mended,       // broken and mended in one run: one message tells both
    unwatched,    // its check is gone from the configuration: nobody knows whether it is over
    reminder,     // still broken
    needs_person, // recovery has given up; told once, with the commands to look with
    escalated, // told long ago, still broken, and nobody has acknowledged it: whom the route names next is told
    flapping, // changes too often to tell each time
    note,     // the suite tells of itself (config, state, markers, clock …)
    summary,  // how the day was
};

// Nothing follows it: the incident is closed.
constexpr bool is_over(Event event) {
    return event == Event::resolved || event == Event::mended || event == Event::unwatched;
}

// Why the ladder calls for a person.
enum class CallReason {
    useless_attempts,
    hour_is_full,
    no_time,        // each run was over before it came to act
    never_comes_up, // systemd starts it again and again, and so nothing is done here
};

// The day behind a summary. Of it nothing is told where nothing is known of it: `runs` is 0.
struct DayFigures {
    std::int64_t runs = 0, good_runs = 0; // good: nothing was critical when they ended
    std::int64_t incidents = 0;           // opened in it
};

struct NewsItem {
    Event event = Event::opened;
    Incident incident;
    bool waited = false; // for the end of the quiet hours, or for room among the messages of the hour
    std::vector<Incident> symptoms;                   // consequences, and what its deed has mended, too
    std::vector<Deed> deeds;                          // what was tried in this run
    std::vector<Text> remarks;                        // why nothing (more) was, and when it will be
    Duration lasted{};                                // resolved, mended, reminder: since it began
    std::vector<std::string> look_with;               // needs_person: commands for the shell
    CallReason reason = CallReason::useless_attempts; // needs_person
    DayFigures day{};                                 // summary; `symptoms` are what is open
};

// By which run something was told: two tellings of one run are the same telling, however often it is repeated.
struct RunId {
    std::string epoch; // of the tool's state; empty: told by no run
    std::uint64_t run = 0;
    bool operator==(const RunId&) const = default;
};

// All that one run tells; becomes one message a chat.
struct News {
    std::string tool;
    std::string host;
    Now time;
    std::vector<NewsItem> items; // root causes first
    RunId run;
};

} // namespace lectio
