#include "incidents/judge.h"

#include "incidents/dependencies.h"
#include "incidents/history.h"
#include "incidents/ids.h"
#include "incidents/rules.h"
#include "util/by_name.h"
#include "util/text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_blind{"nothing could be seen for five runs in a row: {}",
                         "пять запусков подряд проверить не удаётся: {}"};
constexpr Phrase k_full{
    "more incidents are open or still to be told than are kept ({}): what else breaks stands in the "
    "report only",
    "открытых и ещё не отправленных инцидентов больше, чем хранится ({}): остальное видно только "
    "в отчёте"};
constexpr Phrase k_clock_ahead{"the clock of this host was moved ahead by {}",
                               "часы сервера переведены вперёд: {}"};
constexpr Phrase k_clock_back{"the clock of this host was moved back by {}",
                              "часы сервера переведены назад: {}"};
constexpr Phrase k_clock_hint{"look at timedatectl", "посмотрите timedatectl"};

constexpr std::string_view k_clock = "clock";
constexpr Duration k_clock_jump = std::chrono::minutes(5);
constexpr Duration k_note_again = std::chrono::hours(24);
// A clock that two services fight over jumps each minute: so many of its jumps are told within k_note_again.
constexpr std::ptrdiff_t k_most_jumps_told = 6;
// A check of each five minutes must not become one of each six because cron was half a second early.
constexpr Duration k_cron_jitter = std::chrono::seconds(30);
constexpr int k_self_forgotten_after = 64; // good runs: the whole history

// ── the frame of a run ──────────────────────────────────────────────────────────────────────────────────

struct Pass {
    JudgeState& state;
    const Policy& policy;
    const Now& now;
    std::vector<Change>& changes;
    bool starting; // the machine is: failures are shown and not counted
    bool full = false;
};

bool is_starting(const Policy& policy, const Now& now) {
    return now.boot < policy.boot_grace;
}

// ── times that cannot be ────────────────────────────────────────────────────────────────────────────────

// elapsed() is 0 for a time that lies ahead of now or absurdly far behind. Left as it is, a reminder or an
// `every` that waits from there would wait until the clock catches up.
void correct(Now& time, const Now& now) {
    const bool same_boot = !time.boot_id.empty() && time.boot_id == now.boot_id && time.boot <= now.boot;
    const bool by_wall = time.wall <= now.wall && now.wall - time.wall <= std::chrono::hours(24 * 366);
    if (!same_boot && !by_wall) {
        time = now;
    }
}

void correct_times(JudgeState& state, const Now& now) {
    for (auto& [subject, check] : state.checks) {
        correct(check.seen, now);
        correct(check.known_at, now);
    }
    for (IncidentState& incident : state.incidents) {
        correct(incident.since, now);
        correct(incident.told_at, now);
        correct(incident.level_told_at, now);
        if (incident.ended) {
            correct(*incident.ended, now);
        }
    }
    for (PassingNote& note : state.notes) {
        correct(note.noticed, now);
    }
    for (Now& message : state.messages) {
        correct(message, now);
    }
    if (state.summed_up) {
        correct(*state.summed_up, now);
    }
}

// Each jump is another event, told under a cause of its own; beyond the limit it bears the name of one that was told.
std::string cause_of_jump(const JudgeState& state) {
    const auto is_jump = [](const PassingNote& note) { return note.name == k_clock; };
    if (std::count_if(state.notes.begin(), state.notes.end(), is_jump) < k_most_jumps_told) {
        return fmt::format("jump-{}", state.run);
    }
    const std::string& subject = std::find_if(state.notes.begin(), state.notes.end(), is_jump)->subject;
    return subject.substr(std::min(subject.find('#') + 1, subject.size()));
}

std::optional<SelfNotice> notice_clock_jump(const JudgeState& state, const Now& now) {
    const std::optional<Now>& last = state.last_run;
    if (!last || last->boot_id.empty() || last->boot_id != now.boot_id || last->boot > now.boot) {
        return std::nullopt;
    }
    const Duration jump = (now.wall - last->wall) - (now.boot - last->boot);
    if (std::chrono::abs(jump) < k_clock_jump) {
        return std::nullopt;
    }
    const Text by = spoken(std::chrono::floor<std::chrono::seconds>(std::chrono::abs(jump)).count());
    return SelfNotice{std::string(k_clock), cause_of_jump(state),
                      Status::warning,      say(jump < Duration::zero() ? k_clock_back : k_clock_ahead, by),
                      say(k_clock_hint),    SelfNotice::Life::passing};
}

// ── incidents ───────────────────────────────────────────────────────────────────────────────────────────

std::string new_id(const JudgeState& state, std::string_view subject) {
    std::string named = fmt::format("{}/{}/{}", state.epoch, state.run, subject);
    const auto taken = [&](const std::string& id) {
        return std::any_of(state.incidents.begin(), state.incidents.end(),
                           [&](const IncidentState& incident) { return incident.id == id; });
    };
    std::string id = base32_id(stable_hash(named));
    while (taken(id)) {
        named += '+';
        id = base32_id(stable_hash(named));
    }
    return id;
}

void note_change(Pass& pass, Event event, const IncidentState& incident) {
    pass.changes.push_back({event, incident.check, incident.id});
}

// What the incident says of itself: of a look as bad as the incident is.
void take_words(IncidentState& incident, const CheckResult& result) {
    incident.message = result.message;
    incident.hint = result.hint;
    incident.evidence = result.evidence;
    incident.blind = false;
}

IncidentState& open_incident(Pass& pass, const std::string& subject, const CheckPolicy& check, Status level,
                             const CheckResult& result) {
    IncidentState incident;
    incident.id = new_id(pass.state, subject);
    incident.subject = subject;
    incident.check = check.name;
    incident.type = check.type;
    incident.level = level;
    incident.severity = check.common.severity;
    incident.since = pass.now;
    incident.note = check.common.note;
    take_words(incident, result);
    note_change(pass, Event::opened, incident);
    return pass.state.incidents.emplace_back(std::move(incident));
}

void close_incident(Pass& pass, IncidentState& incident) {
    incident.ended = pass.now;
    incident.flapping = false;
    if (const auto check = pass.state.checks.find(incident.subject); check != pass.state.checks.end()) {
        begin_window(check->second.history);
    }
    note_change(pass, incident.unwatched ? Event::unwatched : Event::resolved, incident);
}

void raise_incident(Pass& pass, IncidentState& incident, const CheckResult& result) {
    incident.level = Status::critical;
    incident.acknowledged = false; // what was acknowledged was a warning
    incident.told_escalated = false;
    take_words(incident, result);
    note_change(pass, Event::risen, incident);
}

void ease_incident(Pass& pass, IncidentState& incident, const CheckResult& result) {
    incident.level = Status::warning;
    take_words(incident, result);
    note_change(pass, Event::eased, incident);
}

void follow_flapping(Pass& pass, IncidentState& incident, const CheckState& seen, const CheckCommon& rules) {
    if (!incident.flapping && flaps(seen, rules)) {
        incident.flapping = true;
        note_change(pass, Event::flapping, incident);
    } else if (incident.flapping && steady(seen, rules)) {
        incident.flapping = false; // what it settled in is told where the flapping was
    }
}

// An incident beyond what the state keeps would be forgotten by the next run and told again by it, each minute. What
// came and went untold makes room first.
bool make_room(Pass& pass, const CheckPolicy& check) {
    std::vector<IncidentState>& incidents = pass.state.incidents;
    const bool own = check.type == k_self;
    const auto counts = [&](const IncidentState& incident) { return own || incident.type != k_self; };
    const auto most = static_cast<std::ptrdiff_t>(own ? k_most_kept : k_most_checks);
    if (std::count_if(incidents.begin(), incidents.end(), counts) < most) {
        return true;
    }
    pass.full = true;
    const auto over = std::find_if(incidents.begin(), incidents.end(), [](const IncidentState& incident) {
        return incident.ended && !incident.told;
    });
    if (over == incidents.end()) {
        return false;
    }
    incidents.erase(over);
    return true;
}

// The check has just been looked at and is not good: does that open an incident?
void maybe_open(Pass& pass, const std::string& subject, const CheckPolicy& check, const CheckState& seen,
                const CheckResult& result) {
    const bool unsteady = flaps(seen, check.common);
    const Status level = unsteady ? seen.status : confirmed_level(seen, check.common);
    if (!is_bad(level) || !make_room(pass, check)) {
        return;
    }
    IncidentState& incident = open_incident(pass, subject, check, level, result);
    if (unsteady) {
        follow_flapping(pass, incident, seen, check.common);
    }
}

// Nothing could be seen, again.
void maybe_open_blind(Pass& pass, const std::string& subject, const CheckPolicy& check,
                      const CheckState& seen, const CheckResult& result) {
    if (is_blind(seen) && pass.state.open_incident(subject) == nullptr && make_room(pass, check)) {
        CheckResult words = result;
        words.message = say(k_blind, result.message);
        open_incident(pass, subject, check, Status::warning, words).blind = true;
    }
}

// What this look means for the check's incident. `seen` has counted it; result.status is capped.
void follow(Pass& pass, const std::string& subject, const CheckPolicy& check, const CheckState& seen,
            const CheckResult& result, bool is_symptom) {
    if (pass.starting && result.status != Status::ok) {
        return;
    }
    if (result.status == Status::unknown) {
        maybe_open_blind(pass, subject, check, seen, result);
        return;
    }
    if (!is_known(result.status)) {
        return;
    }
    IncidentState* incident = pass.state.open_incident(subject);
    if (incident == nullptr) {
        if (is_bad(result.status) && !is_symptom) {
            maybe_open(pass, subject, check, seen, result);
        }
        return;
    }
    incident->severity = check.common.severity;
    incident->note = check.common.note;
    follow_flapping(pass, *incident, seen, check.common);
    if (incident->level == Status::warning && !is_symptom &&
        confirmed_level(seen, check.common) == Status::critical) {
        raise_incident(pass, *incident, result);
    } else if (!incident->flapping && is_over(seen, check.common)) {
        close_incident(pass, *incident);
    } else if (!incident->flapping && incident->level == Status::critical && is_eased(seen, check.common)) {
        ease_incident(pass, *incident, result);
    } else if (result.status == incident->level) {
        take_words(*incident, result);
    }
}

// ── checks ──────────────────────────────────────────────────────────────────────────────────────────────

// Checks that are no longer in the configuration, or another check under the same name: their incidents are
// closed with a word, because nobody will look at them again.
void forget_removed_checks(Pass& pass) {
    const ByName<CheckPolicy> policies(pass.policy.checks);
    const auto removed = [&](const std::string& name, const std::string& type) {
        const CheckPolicy* check = policies.find(name);
        return type != k_self && (check == nullptr || check->type != type);
    };
    for (IncidentState& incident : pass.state.incidents) {
        if (!incident.ended && removed(incident.subject, incident.type)) {
            incident.unwatched = true;
            incident.hint = {};
            incident.evidence.clear();
            incident.hidden = true; // who was not told that it broke need not hear of this
            close_incident(pass, incident);
        }
    }
    std::erase_if(pass.state.checks,
                  [&](const auto& check) { return removed(check.first, check.second.type); });
}

void remember_look(Pass& pass, CheckState& check, const CheckResult& result) {
    check.status = result.status;
    check.seen = pass.now;
    if (!result.memory.empty()) { // a check that could not look keeps its place
        check.memory = result.memory;
    }
    if (is_known(result.status)) {
        check.known = result.status;
        check.known_at = pass.now;
    }
}

// The observation of a configured check with its severity applied.
struct Seen {
    const CheckPolicy* check;
    CheckResult result;
    bool unsteady = false;
};

std::vector<Seen> match(const std::vector<Observation>& observations, const Policy& policy) {
    const ByName<CheckPolicy> policies(policy.checks);
    std::vector<Seen> all;
    for (const Observation& observation : observations) {
        if (const CheckPolicy* check = policies.find(observation.name)) {
            all.push_back({check, observation.result, observation.unsteady});
            all.back().result.status = capped(observation.result.status, check->common.severity);
        }
    }
    return all;
}

std::set<std::string> names_of(const std::vector<Seen>& all) {
    std::set<std::string> names;
    for (const Seen& seen : all) {
        names.insert(seen.check->name);
    }
    return names;
}

// Under each root's incident what fails because of it; of the last run in which anything did, so that a
// message after the mending still knows what was broken.
void note_symptoms(JudgeState& state, const std::vector<Seen>& all,
                   const std::map<std::string, std::string>& roots) {
    std::map<std::string, std::vector<Symptom>> of;
    for (const Seen& seen : all) {
        const auto root = roots.find(seen.check->name);
        if (root != roots.end() && is_bad(seen.result.status)) {
            of[root->second].push_back(
                {seen.check->name, seen.check->type, seen.result.status, seen.result.message});
        }
    }
    for (auto& [root, symptoms] : of) {
        if (IncidentState* incident = state.open_incident(root)) {
            incident->symptoms = std::move(symptoms);
        }
    }
}

// It was a symptom, and its root is good again.
void stand_alone(Pass& pass, const Seen& seen) {
    const std::string& name = seen.check->name;
    follow(pass, name, *seen.check, pass.state.checks[name], seen.result, false);
    if (IncidentState* incident = pass.state.open_incident(name)) {
        incident->symptom = false;
    }
}

// What fails on was not broken by what is over; perhaps by what has just become an incident.
void tell_apart(JudgeState& state, const std::vector<Seen>& all,
                const std::map<std::string, std::string>& roots, const std::set<std::string>& outlived) {
    for (const Seen& seen : all) {
        const std::string& name = seen.check->name;
        const auto is_it = [&](const Symptom& symptom) { return symptom.check == name; };
        const bool has_another_cause = outlived.contains(name) || roots.contains(name);
        if (!is_bad(seen.result.status) || !has_another_cause) {
            continue;
        }
        for (IncidentState& incident : state.incidents) {
            if (incident.ended) {
                std::erase_if(incident.symptoms, is_it);
            }
        }
        const auto root = roots.find(name);
        IncidentState* cause = root == roots.end() ? nullptr : state.open_incident(root->second);
        if (cause != nullptr && std::none_of(cause->symptoms.begin(), cause->symptoms.end(), is_it)) {
            cause->symptoms.push_back({name, seen.check->type, seen.result.status, seen.result.message});
        }
    }
}

// ── notices ─────────────────────────────────────────────────────────────────────────────────────────────

CheckPolicy self_policy(const SelfNotice& notice) {
    CheckPolicy check;
    check.name = notice.name;
    check.type = k_self;
    check.layer = Layer::suite;
    check.recheck = Recheck::no;
    return check;
}

std::string subject_of(const SelfNotice& notice) {
    return notice.name + '#' + notice.cause; // '#' stands in no check's name
}

void follow_notice(Pass& pass, const SelfNotice& notice, Status status) {
    const CheckPolicy check = self_policy(notice);
    const std::string subject = subject_of(notice);
    CheckResult result;
    result.status = status;
    result.message = notice.message;
    result.hint = notice.hint;
    CheckState& seen = pass.state.checks[subject];
    seen.type = check.type;
    remember_look(pass, seen, result);
    if (!pass.starting || status == Status::ok) {
        count_look(seen, status);
    }
    follow(pass, subject, check, seen, result, false);
}

// By another cause: a configuration with a mistake was edited, and has another one now.
bool is_still_noticed(const std::set<std::string>& noticed, const std::string& name) {
    const std::string begin = name + '#';
    const auto next = noticed.lower_bound(begin);
    return next != noticed.end() && next->starts_with(begin);
}

// "✅ config" while the configuration is wrong in another way would be false: the end of the last one is told.
void end_in_silence(JudgeState& state, const std::string& subject) {
    if (IncidentState* incident = state.open_incident(subject)) {
        incident->told.reset();
        incident->hidden = true;
    }
}

// What is not noticed any more is good again.
void follow_absent_notices(Pass& pass, const std::set<std::string>& noticed) {
    std::vector<std::string> absent;
    for (const auto& [subject, check] : pass.state.checks) {
        if (check.type == k_self && !noticed.contains(subject)) {
            absent.push_back(subject);
        }
    }
    for (const std::string& subject : absent) {
        SelfNotice gone;
        const std::size_t mark = std::min(subject.find('#'), subject.size());
        gone.name = subject.substr(0, mark);
        gone.cause = subject.substr(std::min(mark + 1, subject.size()));
        if (is_still_noticed(noticed, gone.name)) {
            end_in_silence(pass.state, subject);
        }
        follow_notice(pass, gone, Status::ok);
        if (pass.state.checks[subject].good >= k_self_forgotten_after &&
            pass.state.open_incident(subject) == nullptr) {
            pass.state.checks.erase(subject);
        }
    }
}

void note_passing(Pass& pass, const SelfNotice& notice) {
    const std::string subject = subject_of(notice);
    const bool known = std::any_of(pass.state.notes.begin(), pass.state.notes.end(),
                                   [&](const PassingNote& note) { return note.subject == subject; });
    if (!known) {
        pass.state.notes.push_back({new_id(pass.state, subject), subject, notice.name, notice.status,
                                    notice.message, notice.hint, pass.now, false});
    }
}

void forget_old_notes(Pass& pass) {
    std::erase_if(pass.state.notes, [&](const PassingNote& note) {
        return note.told && elapsed(note.noticed, pass.now) >= k_note_again;
    });
}

void judge_notices(Pass& pass, const std::vector<SelfNotice>& notices) {
    forget_old_notes(pass);
    std::set<std::string> noticed;
    for (const SelfNotice& notice : notices) {
        if (notice.life == SelfNotice::Life::passing) {
            note_passing(pass, notice);
        } else if (noticed.insert(subject_of(notice)).second) {
            follow_notice(pass, notice, notice.status);
        }
    }
    follow_absent_notices(pass, noticed);
}

// ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────

Verdict verdict_of(const JudgeState& state, const Seen& seen,
                   const std::map<std::string, std::string>& roots) {
    Verdict verdict;
    verdict.name = seen.check->name;
    verdict.type = seen.check->type;
    verdict.status = seen.result.status;
    verdict.message = seen.result.message;
    verdict.hint = seen.result.hint;
    if (const auto root = roots.find(verdict.name); root != roots.end() && is_bad(verdict.status)) {
        verdict.symptom_of = root->second;
    }
    if (const IncidentState* incident = state.open_incident(verdict.name)) {
        verdict.incident = incident->id;
    }
    verdict.in_overall = seen.check->common.severity != Severity::info;
    return verdict;
}

// One a name, however many causes it has.
void add_notice_verdicts(std::vector<Verdict>& verdicts, const JudgeState& state,
                         const std::vector<SelfNotice>& notices) {
    const std::size_t first = verdicts.size();
    for (const SelfNotice& notice : notices) {
        const auto same = std::find_if(verdicts.begin() + static_cast<std::ptrdiff_t>(first), verdicts.end(),
                                       [&](const Verdict& verdict) { return verdict.name == notice.name; });
        if (same != verdicts.end()) {
            same->status = worst(same->status, notice.status);
            same->message = join("; ", {same->message, notice.message});
            if (notice.hint.en.starts_with(same->hint.en)) { // the same, and more
                same->hint = notice.hint;
            } else if (same->hint.en.find(notice.hint.en) == std::string::npos) {
                same->hint = join("; ", {same->hint, notice.hint});
            }
            continue;
        }
        Verdict verdict;
        verdict.name = notice.name;
        verdict.type = k_self;
        verdict.status = notice.status;
        verdict.message = notice.message;
        verdict.hint = notice.hint;
        if (const IncidentState* incident = state.open_incident(subject_of(notice))) {
            verdict.incident = incident->id;
        }
        verdicts.push_back(std::move(verdict));
    }
}

std::vector<std::string> healable_roots(const Pass& pass, const std::vector<Seen>& all,
                                        const std::map<std::string, std::string>& roots) {
    std::vector<const CheckPolicy*> found;
    for (const Seen& seen : all) {
        const IncidentState* incident = pass.state.open_incident(seen.check->name);
        const bool confirmed = incident != nullptr && incident->level == Status::critical &&
                               seen.result.status == Status::critical;
        const bool steady = !seen.unsteady; // else the next run decides
        if (confirmed && steady && seen.result.remedy == Remedy::try_it &&
            !roots.contains(seen.check->name)) {
            found.push_back(seen.check);
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const CheckPolicy* a, const CheckPolicy* b) { return a->layer < b->layer; });
    std::vector<std::string> names;
    for (const CheckPolicy* check : found) {
        names.push_back(check->name);
    }
    return names;
}

// What is still broken when a quiet is over is to be told, even if it ends before anybody could tell it.
void end_of_hiding(JudgeState& state, const Suppression& suppression) {
    for (IncidentState& incident : state.incidents) {
        if (!incident.ended && !suppression.hides(incident.check)) {
            incident.hidden = false;
        }
    }
}

void begin_run(JudgeState& state, std::uint64_t seed, const Now& now) {
    begin_state(state, seed);
    ++state.run;
    correct_times(state, now);
}

} // namespace

// ── state ───────────────────────────────────────────────────────────────────────────────────────────────

QuietBefore JudgeState::quiet_before() const {
    return {quiet, last_run ? last_run->boot_id : std::string()};
}

const std::map<std::string, std::string>& JudgeState::memory(const std::string& check) const {
    static const std::map<std::string, std::string> k_nothing;
    const auto found = checks.find(check);
    return found == checks.end() ? k_nothing : found->second.memory;
}

namespace {

template<class Incidents>
auto* open_one(Incidents& incidents, std::string_view subject) {
    const auto found = std::find_if(incidents.begin(), incidents.end(), [&](const IncidentState& incident) {
        return incident.subject == subject && !incident.ended;
    });
    return found == incidents.end() ? nullptr : &*found;
}

} // namespace

const IncidentState* JudgeState::open_incident(std::string_view subject) const {
    return open_one(incidents, subject);
}

IncidentState* JudgeState::open_incident(std::string_view subject) {
    return open_one(incidents, subject);
}

void begin_state(JudgeState& state, std::uint64_t seed) {
    if (state.epoch.empty()) {
        state.epoch = base32_id(stable_hash(fmt::format("{}", seed)));
    }
}

// ── before judging ──────────────────────────────────────────────────────────────────────────────────────

std::vector<std::string> due(const JudgeState& state, const Policy& policy, const Now& now) {
    std::vector<std::string> names;
    for (const CheckPolicy& check : policy.checks) {
        const auto seen = state.checks.find(check.name);
        const Duration every = check.common.every;
        // What was skipped was not looked at.
        if (every == Duration::zero() || seen == state.checks.end() || seen->second.type != check.type ||
            seen->second.status == Status::skipped ||
            elapsed(seen->second.seen, now) + std::min(k_cron_jitter, every / 10) >= every) {
            names.push_back(check.name);
        }
    }
    return names;
}

std::vector<std::string> worth_a_second_look(const JudgeState& state, const Policy& policy,
                                             const std::vector<Observation>& observations,
                                             const std::set<std::string>& healable) {
    std::vector<std::string> names;
    for (const Seen& seen : match(observations, policy)) {
        const CheckPolicy& check = *seen.check;
        const bool can = check.recheck == Recheck::yes && check.common.recheck > Duration::zero();
        if (!can || !is_known(seen.result.status)) {
            continue;
        }
        const auto before = state.checks.find(check.name);
        const bool same = before != state.checks.end() && before->second.type == check.type;
        CheckState counted = same ? before->second : CheckState{};
        count_look(counted, seen.result.status);
        counted.status = seen.result.status;
        const Status confirmed = confirmed_level(counted, check.common);
        const IncidentState* incident = same ? state.open_incident(check.name) : nullptr;
        const bool opens = incident == nullptr && (is_bad(confirmed) || flaps(counted, check.common));
        const bool raises =
            incident != nullptr && incident->level == Status::warning && confirmed == Status::critical;
        const bool heals = healable.contains(check.name) && confirmed == Status::critical;
        const bool ends = incident != nullptr && would_end(*incident, counted, check.common);
        if (opens || raises || heals || ends) {
            names.push_back(check.name);
        }
    }
    return names;
}

std::vector<std::string> skipped_behind(const Policy& policy, const std::vector<Observation>& observations,
                                        const std::vector<std::string>& names) {
    std::set<std::string_view> in_front(names.begin(), names.end());
    std::vector<std::string> behind;
    for (bool more = true; more;) { // one may stand behind another
        more = false;
        for (const Seen& seen : match(observations, policy)) {
            const CheckPolicy& check = *seen.check;
            const std::vector<std::string>& needs = check.common.needs;
            const bool waits = std::any_of(needs.begin(), needs.end(),
                                           [&](const std::string& need) { return in_front.contains(need); });
            if (waits && seen.result.status == Status::skipped && check.recheck == Recheck::yes &&
                in_front.insert(check.name).second) {
                behind.push_back(check.name);
                more = true;
            }
        }
    }
    return behind;
}

void merge_second_look(const JudgeState& state, std::vector<Observation>& observations,
                       std::vector<Observation> second) {
    for (Observation& again : second) {
        const auto first = std::find_if(observations.begin(), observations.end(),
                                        [&](const Observation& it) { return it.name == again.name; });
        if (first == observations.end() || !is_known(again.result.status)) {
            continue;
        }
        if (first->result.status == Status::skipped) {
            first->result = std::move(again.result);
            continue;
        }
        if (again.result.memory.empty()) {
            again.result.memory = first->result.memory;
        }
        const IncidentState* incident = state.open_incident(again.name);
        const bool one_passed = (first->result.status == Status::ok) != (again.result.status == Status::ok);
        first->unsteady = incident != nullptr && one_passed;
        const bool first_is_milder = worst(first->result.status, again.result.status) != first->result.status;
        const bool first_counts = first->unsteady ? !first_is_milder : first_is_milder;
        if (first_counts) {
            first->result.memory = std::move(again.result.memory);
        } else {
            first->result = std::move(again.result);
        }
        if (first->unsteady && incident->level == Status::warning) {
            first->result.status = Status::warning; // it rises by what fails twice only
        }
    }
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────

Status overall(const std::vector<Verdict>& verdicts) {
    Status all = Status::skipped;
    for (const Verdict& verdict : verdicts) {
        if (verdict.in_overall) {
            all = worst(all, verdict.status);
        }
    }
    return all;
}

Judgement judge(JudgeState before, const RunFacts& facts, const Policy& policy) {
    Judgement judged;
    judged.state = std::move(before);
    Pass pass{judged.state, policy, facts.now, judged.changes, is_starting(policy, facts.now)};

    std::vector<SelfNotice> notices = facts.notices;
    notices.insert(notices.end(), facts.suppression.notices.begin(), facts.suppression.notices.end());
    if (const std::optional<SelfNotice> jump = notice_clock_jump(judged.state, facts.now)) {
        notices.push_back(*jump);
    }
    begin_run(judged.state, facts.seed, facts.now);
    forget_removed_checks(pass);

    const std::vector<Seen> all = match(facts.observations, policy);
    for (const Seen& seen : all) {
        CheckState& check = judged.state.checks[seen.check->name];
        check.type = seen.check->type;
        remember_look(pass, check, seen.result);
        if (!pass.starting || seen.result.status == Status::ok) {
            count_look(check, seen.result.status);
        }
    }
    const std::map<std::string, std::string> roots =
        find_roots(judged.state, policy, names_of(all), facts.now);
    for (const Seen& seen : all) {
        const std::string& name = seen.check->name;
        follow(pass, name, *seen.check, judged.state.checks[name], seen.result, roots.contains(name));
    }
    for (const Seen& seen : all) {
        if (IncidentState* incident = judged.state.open_incident(seen.check->name)) {
            incident->symptom = roots.contains(seen.check->name);
            if (is_bad(seen.result.status)) {
                incident->deeds.clear(); // they have not mended it
            }
        }
    }
    note_symptoms(judged.state, all, roots);
    if (pass.full) {
        notices.push_back({"state", "full", Status::warning, say(k_full, k_most_checks), {}, {}});
    }
    judge_notices(pass, notices);
    end_of_hiding(judged.state, facts.suppression);

    for (const Seen& seen : all) {
        judged.verdicts.push_back(verdict_of(judged.state, seen, roots));
    }
    add_notice_verdicts(judged.verdicts, judged.state, notices);
    if (!pass.starting && !facts.suppression.forbids_healing()) {
        judged.to_heal = healable_roots(pass, all, roots);
    }
    judged.state.last_run = facts.now;
    judged.state.quiet = facts.suppression.reasons;
    return judged;
}

Judgement judge_after_healing(Judgement judged, const std::vector<Observation>& rechecked, const Now& now,
                              const Policy& policy, const std::set<std::string>& outlived) {
    Pass pass{judged.state, policy, now, judged.changes, is_starting(policy, now)};
    std::vector<Seen> all = match(rechecked, policy);
    std::erase_if(all, [](const Seen& seen) { return !is_known(seen.result.status); });
    std::set<std::string> better;
    for (const Seen& seen : all) {
        CheckState& check = judged.state.checks[seen.check->name];
        const Status first = check.status;
        remember_look(pass, check, seen.result);
        const bool improved =
            is_bad(first) && worst(first, seen.result.status) == first && first != seen.result.status;
        if (improved) {
            count_improvement(check, seen.result.status);
            better.insert(seen.check->name);
        }
    }
    std::set<std::string> observed;
    for (const Verdict& verdict : judged.verdicts) {
        observed.insert(verdict.name);
    }
    const std::map<std::string, std::string> roots = find_roots(judged.state, policy, observed, now);
    for (const Seen& seen : all) {
        const std::string& name = seen.check->name;
        IncidentState* incident = judged.state.open_incident(name);
        if (outlived.contains(name) && !roots.contains(name)) {
            stand_alone(pass, seen);
        } else if (incident != nullptr && better.contains(name)) {
            follow(pass, name, *seen.check, judged.state.checks[name], seen.result, roots.contains(name));
        } else if (incident != nullptr && seen.result.status == incident->level) {
            take_words(*incident, seen.result);
        }
        const Verdict verdict = verdict_of(judged.state, seen, roots);
        std::replace_if(
            judged.verdicts.begin(), judged.verdicts.end(),
            [&](const Verdict& it) { return it.name == name && it.type != k_self; }, verdict);
    }
    tell_apart(judged.state, all, roots, outlived);
    std::erase_if(all, [&](const Seen& seen) { return !outlived.contains(seen.check->name); });
    judged.to_heal = pass.starting ? std::vector<std::string>{} : healable_roots(pass, all, roots);
    return judged;
}

} // namespace lectio
