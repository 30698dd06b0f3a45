#include "recovery/ladder.h"

#include "platform/stop.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace lectio {
namespace {

using Names = std::vector<std::string>;

// Less time than this before the deadline: no action is begun, because its proof would come too late.
constexpr Duration k_room_to_act{3'000};
// Between two looks at the failing checks: most services are back at once, so the first looks are close
// together.
constexpr Duration k_first_pause{100};
constexpr Duration k_longest_pause{500};
// What passes is looked at once more after this: a service that falls at its start passes in between, and was told as
// mended. As with failing (CONTRACT 14), only what is seen twice counts.
constexpr Duration k_proof{1'000};

constexpr Phrase k_outside_host{"the cause lies outside this host: nothing here can mend it",
                                "причина вне этого сервера: отсюда её не исправить"};
constexpr Phrase k_cannot_help{"restarting would not help here", "перезапуск здесь не поможет"};
constexpr Phrase k_not_yet{"attempt {} did not help; until the next one: {}",
                           "попытка {} не помогла; до следующей: {}"};
constexpr Phrase k_call_first{"attempt {} did not help; a person is called before anything else is tried",
                              "попытка {} не помогла; прежде чем пробовать дальше, зовём человека"};
constexpr Phrase k_hour_is_full{"{} in the last hour already, that is the limit; until the next one: {}",
                                "за последний час уже {}, это предел; до следующего: {}"};
constexpr Phrase k_forbidden{"restarts and other interventions are forbidden (limits.per_hour = 0)",
                             "перезапуски и другие вмешательства запрещены (limits.per_hour = 0)"};
constexpr Noun k_actions{"action", "actions", "вмешательство", "вмешательства", "вмешательств"};
constexpr Phrase k_deploy_running{"a deploy is running ({}), so nothing was touched",
                                  "идёт выкладка ({}), поэтому ничего не трогали"};
constexpr Phrase k_no_time{"the time of this run was over, the next run goes on",
                           "время этого запуска вышло, продолжит следующий"};
constexpr Phrase k_no_time_to_look{
    "it took the time of this run, and none was left to look whether it helped: the next run looks",
    "на это ушло всё время запуска, проверить, помогло ли, не успели: проверит следующий"};
constexpr Phrase k_saw_nothing{"whether it helped could not be seen: {}",
                               "помогло ли, увидеть не удалось: {}"};
constexpr Phrase k_waited{"nothing else was needed", "вмешиваться не пришлось"};
constexpr Phrase k_waited_in_vain{"it is not up yet (waited: {})", "пока не поднялось (подождали: {})"};

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool triggered_by(const Rung& rung, const Names& roots) {
    return std::any_of(roots.begin(), roots.end(),
                       [&](const std::string& root) { return contains(rung.when, root); });
}

bool has_rung(const std::vector<const Rung*>& rungs, const std::string& root) {
    return std::any_of(rungs.begin(), rungs.end(),
                       [&](const Rung* rung) { return contains(rung->when, root); });
}

std::vector<const Rung*> all_of(const std::vector<Rung>& ladder) {
    std::vector<const Rung*> rungs;
    for (const Rung& rung : ladder) {
        rungs.push_back(&rung);
    }
    return rungs;
}

Text spoken_for(Duration duration) {
    return spoken(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

Text not_yet(const Turn& turn) {
    return say(k_not_yet, turn.attempt - 1, spoken_for(turn.left));
}

// What a person can go on with: the commands of every rung for this root.
Names commands_for(const std::string& root, const std::vector<const Rung*>& rungs) {
    Names commands;
    for (const Rung* rung : rungs) {
        if (!contains(rung->when, root)) {
            continue;
        }
        for (std::string& command : rung->doing->look_with()) {
            if (!contains(commands, command)) {
                commands.push_back(std::move(command));
            }
        }
    }
    return commands;
}

Text hour_is_full(const RecoveryLimits& limits, Duration wait) {
    return say(k_hour_is_full, counted(limits.per_hour, k_actions), spoken_for(wait));
}

std::optional<Text> why_acting_is_useless(Remedy remedy) {
    switch (remedy) {
    case Remedy::try_it:
        return std::nullopt;
    case Remedy::outside_host:
        return say(k_outside_host);
    case Remedy::cannot_help:
        return say(k_cannot_help);
    }
    return std::nullopt;
}

// One way down the ladder.
class Climb {
  public:
    Climb(RecoveryPlan plan, const RecoveryLimits& limits, RecoveryState state,
          std::vector<ConfirmedFailure> failures, const Climber& climber)
        : m_plan(std::move(plan)), m_limits(limits), m_failures(std::move(failures)), m_climber(climber) {
        m_outcome.state = std::move(state);
        m_outcome.not_acted = m_plan.not_acted;
        for (const ConfirmedFailure& failure : m_failures) {
            if (failure.status == Status::critical) {
                m_failing.push_back(failure.check);
            } else if (failure.status == Status::warning) {
                m_warning.push_back(failure.check);
            }
        }
    }

    RecoveryOutcome run() {
        climb(m_plan.rungs);
        for (Names left = outlived(); !left.empty(); left = outlived()) {
            take_up(left);
        }
        draw_the_line();
        return std::move(m_outcome);
    }

  private:
    enum class Step { done, waited };

    void climb(const std::vector<const Rung*>& rungs) {
        for (const Rung* rung : rungs) {
            if (m_blocked || stop_requested()) {
                break;
            }
            const Names roots = roots_for(*rung);
            if (!roots.empty()) {
                climb(*rung, roots);
            }
        }
    }

    // Symptoms that had all the time to pass that their mended root allows, and did not: what fails because a service
    // is still starting is none of them. Without the time for that, or where nothing may be touched any more, there is
    // nothing to say of them yet.
    Names outlived() {
        const bool held_up = m_blocked && !m_out_of_time;
        if (!m_climber.outliving || held_up || stop_requested() || m_climber.forbidden()) {
            return {};
        }
        const Names left = unexplained();
        if (still_unsettled(left)) {
            settle(roots_behind(left), m_last_settle);
            return settled(unexplained());
        }
        return left;
    }

    // Of the judge: what stands under another root by now is no fault of its own.
    Names unexplained() {
        Names left;
        for (const ConfirmedFailure& failure : m_failures) {
            const bool fails = failure.status == Status::critical && contains(m_failing, failure.check);
            const bool root_is_mended =
                is_root(failure.symptom_of) && !contains(m_failing, failure.symptom_of);
            const bool is_new = !m_taken_up.contains(failure.check) && m_seen.contains(failure.check);
            if (fails && root_is_mended && is_new) {
                left.push_back(failure.check);
            }
        }
        return left.empty() ? left : m_climber.outliving->unexplained(m_outcome.results, left);
    }

    bool is_root(const std::string& check) const {
        return std::any_of(m_failures.begin(), m_failures.end(), [&](const ConfirmedFailure& failure) {
            return failure.check == check && failure.status == Status::critical && failure.symptom_of.empty();
        });
    }

    bool still_unsettled(const Names& left) const { return settled(left).size() < left.size(); }

    Names settled(const Names& left) const {
        Names had_time;
        std::copy_if(left.begin(), left.end(), std::back_inserter(had_time),
                     [&](const std::string& check) { return m_settled.contains(check); });
        return had_time;
    }

    Names roots_behind(const Names& symptoms) const {
        Names roots;
        for (const ConfirmedFailure& failure : m_failures) {
            if (contains(symptoms, failure.check) && !contains(roots, failure.symptom_of)) {
                roots.push_back(failure.symptom_of);
            }
        }
        return roots;
    }

    void take_up(const Names& left) {
        NextRound next = m_climber.outliving->take_up(m_outcome.results, left);
        m_taken_up.insert(left.begin(), left.end());
        for (ConfirmedFailure& failure : next.failures) {
            std::erase_if(m_failures, [&](const ConfirmedFailure& it) { return it.check == failure.check; });
            m_failures.push_back(std::move(failure));
        }
        for (const NotActed& entry : next.plan.not_acted) {
            not_acted({entry.check}, entry.reason);
        }
        append(m_plan.roots, next.plan.roots);
        append(m_plan.rungs, next.plan.rungs);
        append(m_plan.held_back, next.plan.held_back);
        climb(next.plan.rungs);
    }

    template<typename T>
    static void append(std::vector<T>& all, const std::vector<T>& more) {
        all.insert(all.end(), more.begin(), more.end());
    }

    // What is on its way up already is waited for once, then looked at anew.
    void climb(const Rung& rung, const Names& roots) {
        if (attempt(rung, roots, Wait::allowed) == Step::done) {
            return;
        }
        const Names failing = still_failing(roots);
        if (!failing.empty() && !stop_requested()) {
            m_waited.insert(failing.begin(), failing.end());
            attempt(rung, failing, Wait::was_in_vain);
        }
    }

    enum class Wait { allowed, was_in_vain };

    Step attempt(const Rung& rung, const Names& roots, Wait wait) {
        Lock lock;
        if (!may_begin(rung, roots) || !take_lock(lock, roots)) {
            return Step::done;
        }
        // Under the lock, which a deploy of ours takes; a marker laid by hand or by an old script is all we see of others.
        if (const std::optional<Text> why = m_climber.forbidden()) {
            block(roots, *why);
            return Step::done;
        }
        // Once: what falls and is started again and again is always young.
        const bool has_had_time = wait == Wait::was_in_vain || was_touched_here(rung);
        const Duration start_up = has_had_time ? Duration::zero() : rung.settle;
        ActionContext context{m_climber.world, m_climber.deadline, Duration::zero(),
                              start_up,        m_climber.way_back, incidents_of(roots)};
        Readiness ready = rung.doing->look(context);
        if (ready.kind == Readiness::Kind::go && !remember(rung, roots)) {
            context.least_uptime = m_limits.cooldown;
            ready = rung.doing->look(context);
        }
        switch (ready.kind) {
        case Readiness::Kind::nothing_to_change:
            break;
        case Readiness::Kind::wait:
            if (wait == Wait::allowed) {
                lock.release(); // waiting changes nothing
                wait_for_unit(rung, roots, ready);
                return Step::waited;
            }
            break;
        case Readiness::Kind::refused:
            refuse(rung, roots, ready.words);
            break;
        case Readiness::Kind::go:
            act(rung, roots, context, lock);
            break;
        }
        return Step::done;
    }

    // Limits of this run and of the hour.
    bool may_begin(const Rung& rung, const Names& roots) {
        if (time_left() < k_room_to_act) {
            block(roots, say(k_no_time));
            m_out_of_time = true;
            return false;
        }
        if (rung.disruptive == Disruptive::no) {
            return true;
        }
        // The same restart twice in one pass heals nothing that the first one did not.
        if (m_disrupted.contains({rung.action, rung.doing->target()})) {
            return false;
        }
        // What was mended and proved a moment ago is not put down again for what outlived it.
        if (!m_taken_up.empty() && was_touched_here(rung)) {
            return false;
        }
        const Duration wait = until_disruptive(m_outcome.state, m_limits, m_climber.world.clock.now());
        if (wait > Duration::zero()) {
            not_acted(roots, hour_is_full(m_limits, wait));
            m_held_back.insert(roots.begin(), roots.end());
            return false;
        }
        return true;
    }

    // A lock that cannot be made (run folder full or read-only) is a trouble of ours and stops no healing;
    // a deploy could not have taken it either.
    bool take_lock(Lock& lock, const Names& roots) {
        Result<Lock> taken =
            m_climber.world.files.lock(m_climber.host_lock, m_climber.tool, m_climber.world.clock.now().wall);
        if (!taken.ok() && taken.error().kind == ErrorKind::busy) {
            block(roots, say(k_deploy_running, error_words(taken.error().message)));
            return false;
        }
        if (taken.ok()) {
            lock = std::move(taken).value();
        }
        return true;
    }

    // Stores the state as it must be found if this process dies while acting.
    bool remember(const Rung& rung, const Names& roots) {
        const Now now = m_climber.world.clock.now();
        RecoveryState if_we_die = m_outcome.state;
        if (rung.disruptive == Disruptive::yes) {
            note_disruptive(if_we_die, now);
        }
        for (const std::string& root : roots) {
            note_attempt(if_we_die, root, now);
        }
        return m_climber.remember(if_we_die).ok();
    }

    void act(const Rung& rung, const Names& roots, const ActionContext& context, Lock& lock) {
        const SteadyTime begun = m_climber.world.clock.steady();
        const Now now = m_climber.world.clock.now();
        ActionResult result = rung.doing->act(context);
        lock.release();
        if (result.stood_aside) {
            return not_acted(roots, result.detail);
        }
        if (rung.disruptive == Disruptive::yes) {
            note_disruptive(m_outcome.state, now);
            m_disrupted.emplace(rung.action, rung.doing->target());
        }
        m_tried.insert(roots.begin(), roots.end());
        const Duration took = since(begun);
        const Names failed_before = broken();
        settle(roots, rung.settle);
        add_deed(rung, rung.action, result.ok, std::move(result.detail), failed_before, took);
    }

    void refuse(const Rung& rung, const Names& roots, const Text& words) {
        m_tried.insert(roots.begin(), roots.end());
        add_deed(rung, rung.action, false, words, broken(), Duration::zero());
    }

    void wait_for_unit(const Rung& rung, const Names& roots, const Readiness& ready) {
        const SteadyTime begun = m_climber.world.clock.steady();
        const Names failed_before = broken();
        settle(roots, std::max(rung.settle, ready.at_most));
        const Duration took = since(begun);
        const bool up = still_failing(roots).empty();
        const Text outcome = up ? say(k_waited) : say(k_waited_in_vain, spoken_for(took));
        add_deed(rung, "wait", up, join("; ", {ready.words, outcome}), failed_before, took);
    }

    Names incidents_of(const Names& roots) const {
        Names ids;
        for (const ConfirmedFailure& failure : m_failures) {
            if (contains(roots, failure.check) && !failure.incident.empty()) {
                ids.push_back(failure.incident);
            }
        }
        return ids;
    }

    // Its target was acted on in this pass: that it is young is our doing, and was waited for.
    bool was_touched_here(const Rung& rung) const {
        return std::any_of(m_disrupted.begin(), m_disrupted.end(),
                           [&](const auto& done) { return done.second == rung.doing->target(); });
    }

    // Asks the roots of the rung and their symptoms until they pass or the time is over, then the other
    // failing checks once: an action may mend more than it was meant for.
    void settle(const Names& roots, Duration at_most) {
        const SteadyTime whole = m_climber.world.clock.steady() + at_most;
        const SteadyTime until = std::min(m_climber.deadline, whole);
        const Names asked = with_symptoms(roots);
        m_seen.clear();
        m_settled.clear();
        m_last_settle = at_most;
        Duration pause = k_first_pause;
        for (;;) {
            ask_again(still_failing(asked));
            if (still_failing(asked).empty()) {
                nap(k_proof);
                ask_again(asked);
            }
            const Duration left = std::chrono::floor<Duration>(until - m_climber.world.clock.steady());
            if (still_failing(asked).empty() || left <= Duration::zero() || stop_requested()) {
                break;
            }
            nap(std::min(pause, left));
            pause = std::min(pause * 2, k_longest_pause);
        }
        if (m_climber.world.clock.steady() >= whole && !stop_requested()) {
            const Names failing = still_failing(asked);
            m_settled.insert(failing.begin(), failing.end());
            std::erase_if(m_settled,
                          [&](const std::string& check) { return !m_failed_last.contains(check); });
        }
        if (!still_failing(asked).empty()) {
            ask_again(passing(asked)); // while the rest failed they may have fallen again
        }
        ask_again(others_than(asked));
        if (still_failing(asked).empty()) {
            ask_again(m_warning);
        }
    }

    void nap(Duration duration) {
        Clock& clock = m_climber.world.clock;
        sleep_unless_stopped(clock, std::min(m_climber.deadline, clock.steady() + duration));
    }

    void ask_again(const Names& checks) {
        if (checks.empty() || stop_requested()) {
            return;
        }
        for (auto& [check, result] : m_climber.recheck(checks)) {
            m_failed_last.erase(check);
            if (result.status == Status::unknown || result.status == Status::skipped) {
                saw_nothing(check, result);
                continue;
            }
            if (result.status != Status::critical) {
                std::erase(m_failing, check);
            } else {
                m_failed_last.insert(check);
                if (!contains(m_failing, check)) {
                    m_failing.push_back(check);
                }
            }
            if (result.status == Status::ok) {
                std::erase(m_warning, check);
            }
            m_seen.insert(check);
            m_unseen.erase(check);
            m_outcome.results.insert_or_assign(check, std::move(result));
        }
    }

    // That is no look: the one before it stands, and a failure that was confirmed stays one (decision 0005).
    void saw_nothing(const std::string& check, const CheckResult& result) {
        if (!m_seen.contains(check)) {
            m_unseen[check] =
                time_left() <= Duration::zero() ? say(k_no_time_to_look) : say(k_saw_nothing, result.message);
        }
    }

    void draw_the_line() {
        const Now now = m_climber.world.clock.now();
        for (const std::string& root : m_plan.roots) {
            if (!contains(m_failing, root)) {
                note_success(m_outcome.state, root, m_limits, now);
            } else if (m_tried.contains(root)) {
                note_attempt(m_outcome.state, root, now);
                if (!stop_requested()) { // else it was not seen how it ended
                    say_what_follows(root, now);
                }
            } else if (const bool waited = m_waited.contains(root);
                       (waited || m_out_of_time) && waited_too_often(m_outcome.state, root, m_limits, now)) {
                const CallReason reason = waited ? CallReason::never_comes_up : CallReason::no_time;
                call_for({root, commands_for(root, m_plan.rungs), reason}, now);
            }
        }
        for (const PersonNeeded& held : m_plan.held_back) {
            call_for(held, now);
        }
        for (const std::string& root : m_held_back) {
            call_for({root, commands_for(root, m_plan.rungs), CallReason::hour_is_full}, now);
        }
    }

    void say_what_follows(const std::string& root, const Now& now) {
        if (const auto unseen = m_unseen.find(root); unseen != m_unseen.end()) {
            not_acted({root}, unseen->second);
        }
        if (give_up(m_outcome.state, root, m_limits)) {
            m_outcome.needs_person.push_back({root, commands_for(root, m_plan.rungs)});
        } else if (!is_explained(root)) {
            not_acted({root}, not_yet(turn_of(m_outcome.state.roots.at(root), m_limits, now)));
        }
    }

    // The machine does nothing more for it, in this run or for up to an hour. To say so and call nobody would leave the
    // operator waiting for a restart that does not come.
    void call_for(const PersonNeeded& held, const Now& now) {
        if (!contains(m_failing, held.check)) {
            note_success(m_outcome.state, held.check, m_limits, now); // something else has mended it
        } else if (!stop_requested() && call_person(m_outcome.state, held.check, now)) {
            m_outcome.needs_person.push_back(held);
        }
    }

    // The failing root causes that may be acted on by this rung, as things stand now.
    Names roots_for(const Rung& rung) {
        Names roots;
        for (const std::string& root : m_plan.roots) {
            if (contains(rung.when, root) && contains(m_failing, root) && may_help(root)) {
                roots.push_back(root);
            }
        }
        return roots;
    }

    // What came to light after an action may show that acting cannot help (a password refused by a restarted
    // Redis).
    bool may_help(const std::string& root) {
        const auto latest = m_outcome.results.find(root);
        if (latest == m_outcome.results.end()) {
            return true;
        }
        const std::optional<Text> reason = why_acting_is_useless(latest->second.remedy);
        if (reason) {
            not_acted({root}, *reason);
        }
        return !reason;
    }

    Names with_symptoms(const Names& roots) const {
        Names all = roots;
        for (const ConfirmedFailure& failure : m_failures) {
            if (contains(roots, failure.symptom_of) && contains(m_failing, failure.check)) {
                all.push_back(failure.check);
            }
        }
        return all;
    }

    Names still_failing(const Names& checks) const {
        Names failing;
        std::copy_if(checks.begin(), checks.end(), std::back_inserter(failing),
                     [&](const std::string& check) { return contains(m_failing, check); });
        return failing;
    }

    Names passing(const Names& checks) const {
        Names passing;
        std::copy_if(checks.begin(), checks.end(), std::back_inserter(passing),
                     [&](const std::string& check) { return !contains(m_failing, check); });
        return passing;
    }

    Names broken() const {
        Names all = m_failing;
        all.insert(all.end(), m_warning.begin(), m_warning.end());
        return all;
    }

    Names others_than(const Names& checks) const {
        Names others;
        std::copy_if(m_failing.begin(), m_failing.end(), std::back_inserter(others),
                     [&](const std::string& check) { return !contains(checks, check); });
        return others;
    }

    void add_deed(const Rung& rung, std::string action, bool ok, Text detail, const Names& failed_before,
                  Duration took) {
        Names fixed;
        std::copy_if(failed_before.begin(), failed_before.end(), std::back_inserter(fixed),
                     [&](const std::string& check) {
                         return !contains(m_failing, check) && !contains(m_warning, check);
                     });
        m_outcome.deeds.push_back(Deed{rung.name, std::move(action), rung.doing->target(), ok,
                                       std::move(detail), std::move(fixed), took});
    }

    void not_acted(const Names& roots, const Text& reason) {
        for (const std::string& root : roots) {
            const auto same = [&](const NotActed& entry) {
                return entry.check == root && entry.reason == reason;
            };
            if (std::none_of(m_outcome.not_acted.begin(), m_outcome.not_acted.end(), same)) {
                m_outcome.not_acted.push_back({root, reason});
            }
        }
    }

    bool is_explained(const std::string& root) const {
        return std::any_of(m_outcome.not_acted.begin(), m_outcome.not_acted.end(),
                           [&](const NotActed& entry) { return entry.check == root; });
    }

    void block(const Names& roots, const Text& reason) {
        m_blocked = true;
        not_acted(roots, reason);
    }

    Duration time_left() const {
        return std::chrono::floor<Duration>(m_climber.deadline - m_climber.world.clock.steady());
    }
    Duration since(SteadyTime begun) const {
        return std::chrono::floor<Duration>(m_climber.world.clock.steady() - begun);
    }

    RecoveryPlan m_plan; // and what was added for symptoms that outlived their root
    const RecoveryLimits& m_limits;
    std::vector<ConfirmedFailure> m_failures;
    const Climber& m_climber;
    RecoveryOutcome m_outcome;
    Names m_failing; // root causes and symptoms that have not been seen good yet
    Names m_warning; // no cause to act, but it may pass with what is mended ("failed: nginx.service")
    std::set<std::string> m_tried;     // root causes for which something was done or refused
    std::set<std::string> m_waited;    // root causes that were waited for in vain
    std::set<std::string> m_held_back; // root causes with a rung that per_hour held back in this pass
    std::set<std::pair<std::string, std::string>> m_disrupted; // action and target, in this pass
    std::set<std::string> m_seen;                              // since the last action
    std::map<std::string, Text> m_unseen;                      // not seen since the last action, and why
    std::set<std::string> m_failed_last;                       // in its last look of all
    std::set<std::string> m_settled; // failed on through the whole `settle` of the last action
    Duration m_last_settle{};
    std::set<std::string> m_taken_up; // symptoms that became faults of their own in this run
    bool m_out_of_time = false;       // some rung was not begun for want of it
    bool m_blocked = false;           // nothing more is begun in this run
};

// Disruptive rungs leave the plan while per_hour is used up, and with them the root causes that have no other.
void hold_back_disruptive(RecoveryPlan& plan, const RecoveryLimits& limits, const RecoveryState& state,
                          const Now& now) {
    const Duration wait = until_disruptive(state, limits, now);
    if (wait == Duration::zero()) {
        return;
    }
    const auto is_disruptive = [](const Rung* rung) { return rung->disruptive == Disruptive::yes; };
    std::vector<const Rung*> held;
    std::copy_if(plan.rungs.begin(), plan.rungs.end(), std::back_inserter(held), is_disruptive);
    // Who has forbidden them altogether expects to be told of the fault, and not to be called a second time.
    const bool forbidden = limits.per_hour == 0;
    for (const std::string& root : plan.roots) {
        if (!has_rung(held, root)) {
            continue;
        }
        if (!forbidden) {
            plan.held_back.push_back({root, commands_for(root, plan.rungs), CallReason::hour_is_full});
        }
        plan.not_acted.push_back({root, forbidden ? say(k_forbidden) : hour_is_full(limits, wait)});
    }
    std::erase_if(plan.rungs, is_disruptive);
    std::erase_if(plan.roots, [&](const std::string& root) { return !has_rung(plan.rungs, root); });
}

} // namespace

RecoveryPlan plan_recovery(const std::vector<Rung>& ladder, const RecoveryLimits& limits,
                           const RecoveryState& state, const std::vector<ConfirmedFailure>& failures,
                           const Now& now) {
    RecoveryPlan plan;
    for (const ConfirmedFailure& failure : failures) {
        const bool wanted = std::any_of(ladder.begin(), ladder.end(),
                                        [&](const Rung& rung) { return contains(rung.when, failure.check); });
        if (!wanted || failure.status != Status::critical || !failure.symptom_of.empty()) {
            continue;
        }
        if (const std::optional<Text> reason = why_acting_is_useless(failure.remedy)) {
            plan.not_acted.push_back({failure.check, *reason});
            continue;
        }
        const auto earlier = state.roots.find(failure.check);
        const Attempts attempts = earlier == state.roots.end() ? Attempts{} : earlier->second;
        const Turn turn = turn_of(attempts, limits, now);
        if (owes_a_call(attempts, limits)) {
            plan.held_back.push_back({failure.check, commands_for(failure.check, all_of(ladder))});
            plan.not_acted.push_back({failure.check, say(k_call_first, attempts.failed)});
        } else if (turn.now()) {
            plan.roots.push_back(failure.check);
        } else {
            plan.not_acted.push_back({failure.check, not_yet(turn)});
        }
    }
    for (const Rung& rung : ladder) {
        if (triggered_by(rung, plan.roots)) {
            plan.rungs.push_back(&rung);
        }
    }
    hold_back_disruptive(plan, limits, state, now);
    return plan;
}

Names roots_of(const Rung& rung, const RecoveryPlan& plan) {
    Names roots;
    std::copy_if(plan.roots.begin(), plan.roots.end(), std::back_inserter(roots),
                 [&](const std::string& root) { return contains(rung.when, root); });
    return roots;
}

RecoveryOutcome climb(const RecoveryPlan& plan, const RecoveryLimits& limits, RecoveryState state,
                      const std::vector<ConfirmedFailure>& failures, const Climber& climber) {
    return Climb(plan, limits, std::move(state), failures, climber).run();
}

} // namespace lectio
