// The judge: every rule about confirming, levels, dependencies, flapping, silence and reminders.
//
// Pure functions from state and observations to a new state: no clock, no files, no network, no randomness.
// One run uses them in this order:
//
//     due()                   which checks run now (`every`)
//     worth_a_second_look()   which failures are asked again in this run, then merge()
//     judge()                 → state to be stored before the first action, and what may be healed
//     judge_after_healing()   what the ladder's rechecks have changed
//     tell()                  → what to say, and the state in which it counts as said
//
// Telling is a difference: each incident remembers what the operator was told of it, and tell() says what is
// true beyond that. So a mute, --no-notify and a run that died before telling need no rules of their own:
// what was not told then is told later.
#pragma once

#include "checks/check.h"
#include "config/values.h"
#include "incidents/markers.h"
#include "incidents/news.h"
#include "platform/clock.h"
#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// ── policy: what the configuration says ─────────────────────────────────────────────────────────────────

struct CheckPolicy {
    std::string name, type;
    Layer layer = Layer::other;
    Recheck recheck = Recheck::yes; // of the type; common.recheck = 0 turns it off, too
    CheckCommon common;
    // Told so long ago at that level, still open and not acknowledged: whom the route names next is told.
    std::optional<Duration> escalate_critical{}, escalate_warning{};
};

struct Policy {
    std::string tool;
    std::string host;                // the name in messages
    std::vector<CheckPolicy> checks; // all that are enabled, in the order of the file, whatever --only says
    Duration remind = std::chrono::hours(1); // 0: never
    int per_hour = 0;     // messages; what is not critical and new waits for room among them. 0: no limit
    std::string quiet{};  // "23:00-08:00": what is not critical waits for their end. Empty: none
    std::string digest{}; // "09:00": a summary a day. Empty: none
    std::string zone{};   // of these hours; empty: the host's
    Duration boot_grace = std::chrono::minutes(2);
};

// ── state: what is kept from run to run ─────────────────────────────────────────────────────────────────

// The last runs of a check as bits, the newest lowest. A run mended by the ladder was bad and ended good.
struct RunHistory {
    std::uint64_t bad = 0, critical = 0, mended = 0;
    int runs = 0;  // how many bits mean something, at most 64
    int fresh = 0; // of these the runs since the last incident ended: what a window may count
    bool operator==(const RunHistory&) const = default;
};

struct CheckState {
    std::string type;                 // another type under the same name is another check
    Status status = Status::skipped;  // as last seen
    Status known = Status::skipped;   // the last that was ok, warning or critical
    Now seen, known_at;               // when
    int bad = 0, critical = 0;        // runs in a row at least so bad
    int good = 0, below_critical = 0; // runs in a row at most so bad
    int unknown = 0;
    RunHistory history;
    std::map<std::string, std::string> memory; // what the check keeps for its next run
    Duration took{};                           // its last look, where that was long: it is begun first
    bool operator==(const CheckState&) const = default;
};

struct Symptom {
    std::string check, type;
    Status status = Status::critical;
    Text message;
    bool operator==(const Symptom&) const = default;
};

// What is broken, and beside it what the operator has been told of it.
struct IncidentState {
    std::string id;      // 6 base32 letters
    std::string subject; // key in JudgeState::checks: the check's name; "name#cause" for a notice
    std::string check, type;
    Status level = Status::critical; // warning or critical: the confirmed one
    Severity severity = Severity::critical;
    Now since;
    Text message, hint;
    std::string evidence, note;
    std::vector<Symptom> symptoms; // as last seen
    bool acknowledged = false;
    bool flapping = false;
    bool symptom = false;   // of another one's fault just now: that one's message tells it
    bool blind = false;     // opened because nothing could be seen, and nothing wrong has been seen since
    bool unwatched = false; // ended because its check is gone, not because it was seen to be good
    std::optional<Now> ended;
    std::vector<Deed> deeds; // what has mended it, until it fails again: its end may be told long after
    std::vector<std::string> look_with; // recovery has given up: commands to look with
    bool gave_up = false;
    CallReason reason = CallReason::useless_attempts; // of gave_up

    std::optional<Status> told; // the level last told; none: the operator does not know of it
    Now told_at;                // of the opening, rise or reminder
    int reminders = 0;
    bool told_flapping = false, told_gave_up = false;
    // Is told at no time if it ends so: a mute, deploy or maintenance has hidden it from its first run that would have
    // told it. What already waited for the morning when the quiet began is not of it.
    bool hidden = false;
    Now level_told_at; // the level it has now was told first; escalation counts from here
    bool told_escalated = false;
    bool alarmed = false; // was told as critical once: what follows does not wait for the morning
    bool waited = false;  // something of it waits, or has waited, to be told
    std::string key{};    // as of Incident
    std::string during{}; // the release whose deploy has hidden its opening
};

struct PassingNote { // a notice without an end
    std::string id, subject, name;
    Status status = Status::warning;
    Text message, hint;
    Now noticed;
    bool told = false;
};

struct JudgeState {
    std::string epoch;     // 6 base32 letters, made when the state is begun: run numbers start again with it
    std::uint64_t run = 0; // counts judged runs
    std::optional<Now> last_run;
    std::map<std::string, CheckState> checks; // by subject
    std::vector<IncidentState> incidents;     // open, and ended but not yet told
    std::vector<PassingNote> notes;
    std::vector<Quiet> quiet;     // in force in the last run
    std::vector<Now> messages;    // told in the last hour, the oldest first
    std::optional<Now> summed_up; // until when summaries have told; where there is none they begin there

    [[nodiscard]] QuietBefore quiet_before() const;
    [[nodiscard]] const std::map<std::string, std::string>& memory(const std::string& check) const;
    [[nodiscard]] const IncidentState* open_incident(std::string_view subject) const;
    [[nodiscard]] IncidentState* open_incident(std::string_view subject);
};

// Tolerant: whatever is odd is left out with a word about it, never a failure. Sizes are bounded both ways.
struct LoadedJudgeState {
    JudgeState state;
    std::vector<Text> dropped;
};
std::string to_json(const JudgeState& state);
LoadedJudgeState judge_state_from_json(std::string_view text);

// ── a run ───────────────────────────────────────────────────────────────────────────────────────────────

struct Observation {
    std::string name;
    CheckResult result;
    // Of the two looks of this run one passed and one failed, while an incident is open: it is not over, and nothing
    // is acted on. `result` is the failing look.
    bool unsteady = false;
};

// Names of the checks whose `every` has passed, in the order of the policy.
std::vector<std::string> due(const JudgeState& state, const Policy& policy, const Now& now);

// What can be asked again (CONTRACT 14) and would change something: failures that would open or raise an incident, or
// start a recovery (`healable`: checks that a rung would be tried for if they failed), and passes that would end one.
std::vector<std::string> worth_a_second_look(const JudgeState& state, const Policy& policy,
                                             const std::vector<Observation>& observations,
                                             const std::set<std::string>& healable);
// What was skipped because of something that is asked again: it can be looked at, if that passes now.
std::vector<std::string> skipped_behind(const Policy& policy, const std::vector<Observation>& observations,
                                        const std::vector<std::string>& names);
// Only what fails twice counts, at the milder of its two levels, and an open incident is over only when both looks
// pass. A second look that saw nothing (unknown, skipped) leaves the first as it was: in doubt the operator is told.
// Of what was skipped at first it is the first look.
void merge_second_look(const JudgeState& state, std::vector<Observation>& observations,
                       std::vector<Observation> second);

// Gives a state that is begun the mark that ids of incidents are made of; `seed`: any random number. Stored
// before anything is told, it lets a first run that died tell the same again under the same ids.
void begin_state(JudgeState& state, std::uint64_t seed);

struct RunFacts {
    std::vector<Observation> observations; // of the checks that ran; others keep state and incidents
    std::vector<SelfNotice> notices;       // those of the suppression need not be repeated here
    Suppression suppression;
    Now now;
    std::uint64_t seed = 0; // for begin_state(), where that is still to be done
};

// What stands in the report for one check (or notice: type "self").
struct Verdict {
    std::string name, type;
    Status status = Status::unknown; // capped by `severity`
    Text message, hint;
    std::string symptom_of; // "" = none
    std::string incident;   // id of the open one, or ""
    bool in_overall = true; // false for severity = "info"
};
Status overall(const std::vector<Verdict>& verdicts);

struct Change {
    Event event; // opened, risen, eased, resolved, unwatched, flapping
    std::string check, incident;
};

struct Judgement {
    JudgeState state;
    std::vector<Verdict> verdicts;
    std::vector<Change> changes; // for the log; what is told is up to tell()
    // Confirmed critical root causes, seen failing in this run, that acting on this host may help; the lowest
    // layer first. Empty during a deploy, maintenance and boot grace.
    std::vector<std::string> to_heal;
};
Judgement judge(JudgeState before, const RunFacts& facts, const Policy& policy);

// `rechecked`: the last look at each check that the ladder asked again. It can only make things better: what
// is worse now is for the next run to find, and unknown and skipped are no look: the one before stands.
// `outlived`: those of them that were symptoms and failed on for as long as their mended root was given to settle. Where
// nothing else explains them they are incidents of their own from now on, and `to_heal` names those to be acted on.
Judgement judge_after_healing(Judgement judged, const std::vector<Observation>& rechecked, const Now& now,
                              const Policy& policy, const std::set<std::string>& outlived = {});

// ── telling ─────────────────────────────────────────────────────────────────────────────────────────────

// What the ladder has to say of one check. `words`: why nothing was done about it; shown with its news.
struct Remark {
    std::string check;
    Text words;
};
// The ladder has used up its attempts for this check, or what it may do in an hour; may be said in every run, is
// told once an incident.
struct GaveUp {
    std::string check;
    std::vector<std::string> look_with;
    CallReason reason = CallReason::useless_attempts;
};
struct Healing {
    std::vector<Deed> deeds; // of this run
    std::vector<GaveUp> gave_up;
    std::vector<Remark> not_acted;
};

// The ladder gives up once, whether that run tells (--no-notify, nothing gets through) or not: the incidents
// remember it until it is told. tell() does this, too.
void remember_gave_up(JudgeState& state, const std::vector<GaveUp>& all);
// What mended an incident is told with its end, whichever run tells that. tell() does this, too.
void remember_deeds(JudgeState& state, const std::vector<Deed>& deeds);

// The moment of the day's summary has come, and nothing hides it. Cheap: asked in every run.
bool wants_summary(const JudgeState& state, const Suppression& suppression, const Now& now,
                   const Policy& policy);

struct ToTell {
    News news;        // no items: nothing to say
    JudgeState state; // in which `news` counts as told
};
// With --no-notify it is not called, so nothing counts as told. `day`: what to sum up, where wants_summary().
// `messages`: of the last hour, from all tools, as far as it is known; its own are counted in the state.
ToTell tell(JudgeState state, const Suppression& suppression, const Healing& healing, const Now& now,
            const Policy& policy, const DayFigures& day = {}, std::size_t messages = 0);

// ── when the state was lost ─────────────────────────────────────────────────────────────────────────────

// What the channels know of an incident: the last word about it.
struct LastWord {
    std::string id, check; // `check` without the tool
    Event event = Event::opened;
    Status level = Status::critical; // while it is not over
    WallTime since, time;
    std::string summary;
    RunId run;
};
// The state is older than what was told: damaged and begun afresh, taken from its predecessor, never written.
bool is_behind(const JudgeState& state, const std::vector<LastWord>& words);
// What was told is true of the state again: what was said to be over is not open, and of what was said to be
// broken the end will be told. It goes on under a new epoch, so that no id comes twice.
JudgeState reconcile(JudgeState state, const std::vector<LastWord>& words, const Policy& policy);

} // namespace lectio
