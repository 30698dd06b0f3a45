#include "pipeline/pipeline.h"

#include "alerts/message_json.h"
#include "checks/growth.h"
#include "checks/runner.h"
#include "checks/systemd.h"
#include "config/run_time.h"
#include "incidents/acknowledgements.h"
#include "incidents/rules.h"
#include "incidents/unit_falls.h"
#include "pipeline/failed_units.h"
#include "pipeline/kept_looks.h"
#include "pipeline/policy.h"
#include "pipeline/run_log.h"
#include "pipeline/run_record.h"
#include "pipeline/run_report.h"
#include "pipeline/tool_state.h"
#include "pipeline/unit_commands.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "platform/services.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "report/prometheus.h"
#include "store/past_runs.h"
#include "words/error_words.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// Sending must not hold up the next minute's run while Telegram hangs; what is not sent by then waits its
// turn.
constexpr Duration k_longest_telling{8'000};
constexpr Duration k_asking_systemd{1'000};
// A record lost to a lock that was held too long is nothing to wake anybody for; several in a row are.
constexpr int k_lost_in_a_row = 3;

// Of a thousand checks few take so long, and only they are worth a place in the state.
constexpr Duration k_slow_look{100};

// The summary of a day reads 1,440 runs back.
constexpr Duration k_day = std::chrono::hours(24);
constexpr Duration k_looking_back{1'000};

// Of a unit that fell more than once within the hour.
constexpr int k_good_looks_after_falls = 5;

constexpr mode_t k_run_mode = 0755;

constexpr Phrase k_state_not_written{"the state folder cannot be written: {}",
                                     "не удаётся записать состояние: {}"};
constexpr Phrase k_state_in_stopgap{
    "the state folder could not be written; what the last run knew was kept in {}",
    "папка состояния не пишется; что знал прошлый запуск, хранится во временной {}"};
constexpr Phrase k_state_hint{"check free space, permissions and whether the disk is read-only: {}",
                              "проверьте свободное место, права и не стал ли диск только для чтения: {}"};
constexpr Phrase k_no_lock{"the lock could not be taken, the run went on without it: {}",
                           "не удалось взять блокировку, запуск прошёл без неё: {}"};
constexpr Phrase k_metrics_not_written{"the metrics cannot be written: {}",
                                       "не удаётся записать метрики: {}"};
constexpr Phrase k_not_recorded{"this run is not in the history: {}", "этот запуск не попал в историю: {}"};
constexpr Phrase k_history_not_written{"the history of runs cannot be written: {}",
                                       "не удаётся записать историю запусков: {}"};
constexpr Phrase k_would_act{"would try {} ({} {}) for {}", "попытался бы: {} ({} {}) из-за {}"};
constexpr Phrase k_would_act_how{"{}: {}", "{}: {}"};
constexpr Phrase k_would_wait{"would wait for {} because of {}: {}", "подождал бы {} из-за {}: {}"};
constexpr Phrase k_nothing_to_change{"{} finds nothing to change", "для {} менять нечего"};
constexpr Phrase k_would_not_act{"would not act for {}: {}", "не стал бы ничего делать с {}: {}"};
constexpr Phrase k_not_acted{"recovery of {}: {}", "восстановление {}: {}"};
constexpr Phrase k_host_stops{"the host is shutting down, so this is no failure: {}",
                              "сервер выключается, так что это не сбой: {}"};

std::vector<Observation> observations_of(const std::vector<CheckRun>& runs) {
    std::vector<Observation> observations;
    observations.reserve(runs.size());
    for (const CheckRun& run : runs) {
        observations.push_back({run.name, run.result, false});
    }
    return observations;
}

bool seen_working(Status status) {
    return status == Status::ok || status == Status::warning;
}

class Run {
  public:
    Run(const Job& job, const Wishes& wishes, World world, std::vector<std::unique_ptr<Channel>> channels,
        std::optional<RunLock> lock)
        : m_job(job), m_wishes(wishes), m_world(world), m_started(world.clock.steady()),
          m_now(world.clock.now()),
          m_keeper(world.files, job.paths.state / job.short_name, job.paths.run / (job.short_name + "-state"),
                   job.paths.memory, effective_user()),
          m_delivery(m_world, delivery_of(job), std::move(channels)), m_log(m_world, job),
          m_policy(policy_of(job)), m_checks(job.checks), m_unit_checks(job.unit_checks),
          m_lock(std::move(lock)) {}

    RunOutcome run() {
        if (!take_lock()) {
            return std::move(m_outcome);
        }
        load_state();
        observe();
        if (stop_requested()) {
            return stopped();
        }
        judge_it();
        heal();
        remember_looks();
        tell_it();
        record();
        return report();
    }

  private:
    // State and locks of a job lie in one place, whoever keeps them.
    static DeliverySettings delivery_of(const Job& job) {
        DeliverySettings settings = job.delivery;
        settings.state = job.paths.state;
        settings.run = job.paths.run;
        settings.memory = job.paths.memory;
        return settings;
    }

    static Policy policy_of(const Job& job) {
        Policy policy;
        policy.tool = job.short_name;
        policy.host = job.host;
        policy.remind = job.remind;
        policy.per_hour = job.per_hour;
        policy.quiet = job.quiet;
        policy.digest = job.digest;
        policy.zone = job.zone;
        policy.boot_grace = job.boot_grace;
        for (const JobCheck& check : job.checks) {
            policy.checks.push_back(check.policy);
        }
        return policy;
    }

    [[nodiscard]] SteadyTime end_of_looking() const { return m_started + time_to_look(m_job.deadline); }
    [[nodiscard]] SteadyTime end_of_mending() const { return m_started + time_to_mend(m_job.deadline); }

    // ── one run at a time ───────────────────────────────────────────────────────────────────────────────

    // False: another run is under way, or we have no right to run. --dry-run needs neither.
    bool take_lock() {
        if (m_wishes.dry_run) {
            return true;
        }
        if (!m_lock) {
            Result<RunLock> lock = lock_run(m_world, m_job.paths.run, m_job.tool, m_job.short_name);
            if (!lock) {
                m_outcome.no_run = lock.error();
                m_outcome.exit = exit_code(lock.error());
                return false;
            }
            m_lock = std::move(*lock);
        }
        m_no_lock = m_lock->refused;
        return true;
    }

    void load_state() {
        const auto access = m_wishes.dry_run ? StateFile::Access::reader : StateFile::Access::owner;
        StateKeeper::Loaded loaded = m_keeper.load(m_now.wall, access);
        m_state = std::move(loaded.state);
        m_state.recovery = current_state(std::move(m_state.recovery), m_now);
        reconcile_with_the_told();
        // Before the events: what is acknowledged is certainly among them then, if it is as new as that.
        m_acknowledged = left_for(acknowledgements(), m_job.short_name);
        watch_fallen_units();
        take_over_keys();
        adopt(m_state.judge, m_acknowledged);
        for (const Text& trouble : loaded.troubles) {
            notice("state", "damaged", Status::warning, trouble, {}, SelfNotice::Life::passing);
        }
        m_known_problems = m_delivery.problems();
        tell_of_history();
        notice_unwritable(loaded.stopgap);
    }

    [[nodiscard]] DropFolder acknowledgements() const {
        return acknowledgement_folder(m_world.files, m_job.paths.state);
    }

    // Once the state that knows of them is durable.
    void remove_acknowledgements() {
        for (const Acknowledgement& acknowledgement : std::exchange(m_acknowledged, {})) {
            [[maybe_unused]] const Result<void> removed = acknowledgements().remove(acknowledgement.file);
        }
    }

    // What lectio-notify has told of since the last run, and what fell before and is not known to be well.
    void watch_fallen_units() {
        if (m_job.check_of_unit == nullptr) {
            return;
        }
        const std::vector<UnitFall> falls = left_falls(events());
        for (const FallenUnit& unit : m_state.units) {
            watch(unit.unit);
        }
        for (const UnitFall& fall : falls) {
            watch(fall.unit);
        }
        take_over(falls);
    }

    void watch(const std::string& unit) {
        if (m_unit_checks.contains(unit) || m_checks.size() >= k_most_checks) {
            return;
        }
        std::vector<std::string> taken;
        for (const JobCheck& check : m_checks) {
            taken.push_back(check.policy.name);
        }
        const std::string name = check_for_unit(unit, taken);
        m_unit_checks[unit] = name;
        m_checks.push_back(m_job.check_of_unit(name, unit));
        add_escalations(m_checks.back().policy, m_job.short_name, m_job.delivery.routes);
        m_policy.checks.push_back(m_checks.back().policy);
    }

    void take_over(const std::vector<UnitFall>& falls) {
        adopt(m_state.judge, m_state.units, falls,
              {m_policy, m_unit_checks, m_delivery.last_words(m_job.short_name)});
        for (const UnitFall& fall : falls) {
            m_taken_over.push_back(fall.file);
        }
        for (const FallenUnit& unit : m_state.units) {
            if (is_restless(unit, m_now.wall)) {
                let_prove(unit.check);
            }
        }
    }

    // What scripts have told under a key: as it was said, until they say that it is over.
    void take_over_keys() {
        if (m_job.check_of_unit == nullptr) {
            return;
        }
        forget_silent(m_state.keys, m_now.wall);
        std::vector<std::string> files;
        for (const KeyEvent& event : left_key_events(events())) {
            const std::vector<std::string>& counted = m_state.counted;
            if (std::find(counted.begin(), counted.end(), event.file) == counted.end()) {
                count(m_state.keys, event);
            }
            files.push_back(event.file);
        }
        m_taken_over.insert(m_taken_over.end(), files.begin(), files.end());
        m_state.counted = std::move(files);
        if (m_state.keys.empty()) {
            return;
        }
        const std::vector<LastWord> words = m_delivery.last_words(m_job.short_name);
        for (const KnownKey& key : m_state.keys) {
            adopt(m_state.judge, key, words);
            if (is_incident(key) && m_policy.checks.size() < k_most_checks) {
                m_policy.checks.push_back(policy_of_key(key));
                add_escalations(m_policy.checks.back(), m_job.short_name, m_job.delivery.routes);
            }
        }
    }

    // Information breaks nothing, unless it is what a fault has become.
    [[nodiscard]] bool is_incident(const KnownKey& key) const {
        return key.level != KeyLevel::info || m_state.judge.open_incident(check_of_key(key.key)) != nullptr;
    }

    void look_at_keys() {
        for (const KnownKey& key : m_state.keys) {
            const std::string name = check_of_key(key.key);
            if (is_incident(key) && wanted(name)) {
                m_facts.observations.push_back({name, look_at(key), false});
            }
        }
    }

    void forget_ended_keys() {
        std::erase_if(m_state.keys, [&](const KnownKey& key) {
            return key.level == KeyLevel::over &&
                   m_judgement.state.open_incident(check_of_key(key.key)) == nullptr;
        });
    }

    // What fell again and again is well when it has been so for a while.
    void let_prove(const std::string& name) {
        for (CheckPolicy& check : m_policy.checks) {
            if (check.name == name) {
                check.common.recover_confirm =
                    std::max(check.common.recover_confirm, k_good_looks_after_falls);
            }
        }
    }

    // It fell while we looked, and was told by lectio-notify: not to be told once more. Where it looks good the fall
    // came after our look, and is for the next run.
    void take_over_what_fell_meanwhile() {
        if (m_job.check_of_unit == nullptr) {
            return;
        }
        std::vector<UnitFall> falls = left_falls(events());
        std::erase_if(falls, [&](const UnitFall& fall) {
            const auto check = m_unit_checks.find(fall.unit);
            const CheckResult* seen = check == m_unit_checks.end() ? nullptr : result_of(check->second);
            return seen == nullptr || !is_bad(seen->status);
        });
        take_over(falls);
    }

    void leave_to_own_checks(std::vector<Observation>& seen) {
        for (Observation& look : seen) {
            if (failed_units_of(look.result).empty()) {
                continue; // nearly all of a thousand
            }
            std::set<std::string> just_told;
            for (const UnitFall& fall : left_falls(events())) {
                just_told.insert(fall.unit);
            }
            for (CheckPolicy& check : m_policy.checks) {
                if (check.name == look.name) {
                    lectio::leave_to_own_checks(check, look.result, m_unit_checks, just_told);
                }
            }
        }
    }

    void name_commands(std::vector<Observation>& seen) const {
        for (Observation& look : seen) {
            if (look.result.status != Status::critical) {
                continue; // nearly all of a thousand
            }
            for (const CheckPolicy& check : m_policy.checks) {
                if (check.name == look.name) {
                    lectio::name_commands(check, m_unit_checks, m_job.ladder, look.result);
                }
            }
        }
    }

    [[nodiscard]] DropFolder events() const { return event_folder(m_world.files, m_job.paths.state); }

    // Once the state that knows of them is durable.
    void remove_what_was_taken_over() {
        for (const std::string& file : std::exchange(m_taken_over, {})) {
            [[maybe_unused]] const Result<void> removed = events().remove(file);
        }
    }

    // A state that was lost or could not be written knows less than the operator's phone.
    void reconcile_with_the_told() {
        if (m_wishes.dry_run) {
            return; // looking into the outbox puts aside what is damaged there
        }
        const std::vector<LastWord> words = m_delivery.last_words(m_job.short_name);
        if (is_behind(m_state.judge, words)) {
            m_state.judge = reconcile(std::move(m_state.judge), words, m_policy);
        }
    }

    // One disk that refuses state, outbox and lock is one trouble.
    void notice_unwritable(const Path& stopgap) {
        const std::string cause = "unwritable";
        const auto outbox = std::find_if(m_known_problems.begin(), m_known_problems.end(),
                                         [](const ChannelProblem& problem) { return problem.of_storage; });
        if (!stopgap.empty()) {
            notice("state", cause, Status::critical, say(k_state_in_stopgap, stopgap.string()),
                   say(k_state_hint, m_job.paths.state.string()));
        } else if (outbox != m_known_problems.end()) {
            notice("state", cause, outbox->status, outbox->message, outbox->hint);
        } else if (m_no_lock) {
            notice("state", cause, Status::warning, say(k_no_lock, error_words(m_no_lock->message)));
        }
    }

    // What the last run met with when it had told everything already.
    void tell_of_history() {
        const HistoryMemory& memory = m_state.history;
        if (!memory.set_aside.empty()) {
            notice("state", "history", Status::warning, memory.set_aside, {}, SelfNotice::Life::passing);
        }
        if (memory.lost >= k_lost_in_a_row) {
            notice("state", "history-unwritable", Status::warning,
                   say(k_history_not_written, memory.lost_why),
                   say(k_state_hint, m_job.paths.state.string()));
        }
    }

    // ── observe ─────────────────────────────────────────────────────────────────────────────────────────

    void observe() {
        std::vector<CheckToRun> to_run;
        const std::vector<std::string> due_list = due(m_state.judge, m_policy, m_now);
        const std::set<std::string_view> due_now(due_list.begin(), due_list.end());
        const std::set<std::string> beside = worth_a_look_beside();
        for (const JobCheck& check : m_checks) {
            const std::string& name = check.policy.name;
            const bool is_due =
                m_wishes.asks_all || due_now.contains(name) ||
                is_out_of_date(m_state.looks, name, m_job.settings_mark, m_job.ask_failed_after, m_now);
            if (wanted(name) && is_due) {
                const auto known = m_state.judge.checks.find(name);
                const bool by_length =
                    m_job.begin == Job::Begin::slowest_first && known != m_state.judge.checks.end();
                const Duration took = by_length ? known->second.took : Duration();
                to_run.push_back(
                    {name, check.check, m_state.judge.memory(name), took, beside.contains(name)});
            }
        }
        m_runner.emplace(m_world, std::move(to_run), m_job.paths.state);
        m_runs = m_runner->run(end_of_looking());
        m_facts.observations = observations_of(m_runs);
        look_at_keys();
        look_again();
        if (m_job.join) {
            m_job.join(m_facts.observations);
        }
        look_at_causes();
        excuse_what_stops_with_the_host();
    }

    // What would be asked once more if it failed now.
    [[nodiscard]] std::set<std::string> worth_a_look_beside() const {
        if (m_job.second_look == Job::SecondLook::after) {
            return {};
        }
        std::vector<Observation> failing;
        for (const JobCheck& check : m_checks) {
            Observation& seen = failing.emplace_back();
            seen.name = check.policy.name;
            seen.result.status = Status::critical;
        }
        const auto names = worth_a_second_look(m_state.judge, m_policy, failing, healable());
        return {names.begin(), names.end()};
    }

    // One lost packet is nothing, and one good answer of a service that falls again and again proves nothing: what would
    // open an incident or end one is asked once more (CONTRACT 14), all in one go.
    void look_again() {
        const std::vector<std::string> names =
            worth_a_second_look(m_state.judge, m_policy, m_facts.observations, healable());
        if (names.empty() || stop_requested()) {
            return;
        }
        std::vector<std::string> all = not_asked_beside(names);
        nap(longest_recheck(all));
        const std::vector<std::string> woken = skipped_behind(m_policy, m_facts.observations, names);
        all.insert(all.end(), woken.begin(), woken.end());
        if (!all.empty()) {
            ask_again(all);
            look_once_more_at(woken);
        }
    }

    // Of `names` those whose second look is still to come; that of the others counts from here on.
    std::vector<std::string> not_asked_beside(const std::vector<std::string>& names) {
        std::vector<std::string> left = names;
        std::vector<Observation> seconds;
        for (const CheckRun& run : m_runs) {
            if (run.second && std::erase(left, run.name) > 0) {
                seconds.push_back({run.name, *run.second, false});
            }
        }
        merge_second_look(m_state.judge, m_facts.observations, std::move(seconds));
        return left;
    }

    // What could be looked at only now, because what it needs passes now, has had one look so far.
    void look_once_more_at(const std::vector<std::string>& woken) {
        std::vector<Observation> fresh;
        for (const Observation& seen : m_facts.observations) {
            if (std::find(woken.begin(), woken.end(), seen.name) != woken.end()) {
                fresh.push_back(seen);
            }
        }
        const std::vector<std::string> names =
            worth_a_second_look(m_state.judge, m_policy, fresh, healable());
        if (!names.empty() && !stop_requested()) {
            ask_again(names);
        }
    }

    void ask_again(const std::vector<std::string>& names) {
        std::vector<CheckRun> again = m_runner->run_again(names, end_of_looking());
        std::vector<Observation> seen = observations_of(again);
        for (CheckRun& first : m_runs) {
            const auto run = std::find_if(again.begin(), again.end(),
                                          [&](const CheckRun& each) { return each.name == first.name; });
            if (first.result.status == Status::skipped && run != again.end()) {
                first = std::move(*run);
            }
        }
        merge_second_look(m_state.judge, m_facts.observations, std::move(seen));
    }

    // What --only leaves out is known from the run before. Somebody who has just mended a cause asks for what it had
    // broken: that must not be explained by what is over. Only what passes twice counts (decision 0005); what fails
    // still is as it was known, and is for the next whole run to act on.
    void look_at_causes() {
        std::vector<std::string> names =
            m_wishes.only.empty() || stop_requested() ? std::vector<std::string>{} : known_causes();
        if (names.empty()) {
            return;
        }
        std::vector<CheckToRun> to_run;
        for (const JobCheck& check : m_checks) {
            if (std::find(names.begin(), names.end(), check.policy.name) != names.end()) {
                to_run.push_back(
                    {check.policy.name, check.check, m_state.judge.memory(check.policy.name), {}});
            }
        }
        Runner runner(m_world, std::move(to_run), m_job.paths.state);
        const auto keep_passing = [&](const std::vector<CheckRun>& runs) {
            names.clear();
            for (const CheckRun& run : runs) {
                if (run.result.status == Status::ok) {
                    names.push_back(run.name);
                }
            }
        };
        keep_passing(runner.run(end_of_looking()));
        nap(longest_recheck(names));
        const std::vector<CheckRun> again = runner.run_again(names, end_of_looking());
        for (const CheckRun& run : again) {
            if (run.result.status == Status::ok) {
                m_facts.observations.push_back({run.name, run.result, false});
                m_runs.push_back(run);
            }
        }
    }

    // What failed in the last run, was not looked at in this one, and is needed by what fails now.
    [[nodiscard]] std::vector<std::string> known_causes() const {
        std::set<std::string> needed;
        for (const Observation& seen : m_facts.observations) {
            if (is_bad(seen.result.status)) {
                add_needs(seen.name, needed);
            }
        }
        std::vector<std::string> names;
        for (const std::string& name : needed) {
            const auto known = m_state.judge.checks.find(name);
            const bool failed = m_state.judge.open_incident(name) != nullptr ||
                                (known != m_state.judge.checks.end() && is_bad(known->second.known));
            if (failed && result_of(name) == nullptr) {
                names.push_back(name);
            }
        }
        return names;
    }

    // Directly and through others.
    void add_needs(const std::string& name, std::set<std::string>& needed) const {
        for (const CheckPolicy& check : m_policy.checks) {
            if (check.name != name) {
                continue;
            }
            for (const std::string& need : check.common.needs) {
                if (needed.insert(need).second) {
                    add_needs(need, needed);
                }
            }
        }
    }

    // A planned reboot at night begins at a full minute, as we do. What is down then was stopped on purpose, and what is
    // broken besides is found after the boot.
    void excuse_what_stops_with_the_host() {
        std::vector<Observation>& seen = m_facts.observations;
        const auto is_failing = [](const Observation& look) { return is_bad(look.result.status); };
        if (std::none_of(seen.begin(), seen.end(), is_failing) ||
            !m_world.services.host_is_stopping(k_asking_systemd).value_or(false)) {
            return;
        }
        for (Observation& look : seen) {
            if (is_failing(look)) {
                look.result.status = Status::skipped;
                look.result.message = say(k_host_stops, look.result.message);
            }
        }
    }

    [[nodiscard]] bool wanted(const std::string& name) const {
        return m_wishes.only.empty() ||
               std::find(m_wishes.only.begin(), m_wishes.only.end(), name) != m_wishes.only.end();
    }

    [[nodiscard]] std::set<std::string> healable() const {
        std::set<std::string> names;
        if (m_wishes.heal) {
            for (const Rung& rung : m_job.ladder) {
                names.insert(rung.when.begin(), rung.when.end());
            }
        }
        return names;
    }

    [[nodiscard]] Duration longest_recheck(const std::vector<std::string>& names) const {
        const std::set<std::string_view> named(names.begin(), names.end());
        Duration longest{};
        for (const JobCheck& check : m_checks) {
            if (named.contains(check.policy.name)) {
                longest = std::max(longest, check.policy.common.recheck);
            }
        }
        return longest;
    }

    void nap(Duration duration) {
        sleep_unless_stopped(m_world.clock, std::min(m_world.clock.steady() + duration, end_of_looking()));
    }

    // ── judge ───────────────────────────────────────────────────────────────────────────────────────────

    void judge_it() {
        take_over_what_fell_meanwhile();
        leave_to_own_checks(m_facts.observations);
        name_commands(m_facts.observations);
        m_facts.suppression = suppression_at(m_now, m_state.judge.quiet_before());
        for (const QuietSpan& span : m_facts.suppression.spans) {
            m_outcome.report.quiet.push_back(quiet_words(span, m_job.zone));
        }
        m_facts.now = m_now;
        m_facts.seed = seed();
        m_facts.notices.insert(m_facts.notices.end(), m_job.notices.begin(), m_job.notices.end());
        for (const ChannelProblem& problem : m_known_problems) {
            if (!problem.of_storage) {
                notice("channel-" + problem.channel, "", problem.status, problem.message, problem.hint);
            }
        }
        // Before judging, which takes the new types: another type under the same name is another check.
        forget_all_but(m_state.recovery, names_of_checks_as_before());
        if (!m_wishes.tells_of_itself) {
            m_facts.notices.clear();
            m_facts.suppression.notices.clear();
        }
        for (const IncidentState& incident : m_state.judge.incidents) {
            m_known_incidents.insert(incident.id);
        }
        m_judgement = judge(std::move(m_state.judge), m_facts, m_policy);
        remember_slow_looks();
        forget_well(m_state.units, m_judgement.state, m_now.wall);
        forget_ended_keys();
        for (const Observation& seen : m_facts.observations) {
            count_for_recovery(seen);
        }
        m_log.changes(m_judgement);
    }

    void remember_slow_looks() {
        for (const CheckRun& run : m_runs) {
            const auto check = m_judgement.state.checks.find(run.name);
            if (check != m_judgement.state.checks.end()) {
                const auto took = duration_cast<Duration>(run.duration);
                check->second.took = took < k_slow_look ? Duration() : took;
            }
        }
    }

    // A row of attempts ends by what is over and stays so, not by the moment between two falls (decision 0005).
    void count_for_recovery(const Observation& seen) {
        const IncidentState* incident = m_judgement.state.open_incident(seen.name);
        const bool is_over = incident == nullptr || incident->level != Status::critical;
        if (seen.result.status == Status::critical || seen.unsteady) {
            note_fall(m_state.recovery, seen.name);
        } else if (seen_working(seen.result.status) && is_over) {
            note_success(m_state.recovery, seen.name, m_job.limits, m_now);
        }
    }

    [[nodiscard]] Suppression suppression_at(const Now& now, const QuietBefore& before) const {
        Markers markers = read_markers(m_world.files, marker_paths(m_job.paths.run, m_job.mute_file));
        markers.always_muted = m_job.always_muted;
        return judge_markers(markers, m_job.short_name, before, m_job.deploy_grace, now);
    }

    // Unpredictable enough for ids that differ between hosts and beginnings.
    [[nodiscard]] std::uint64_t seed() const {
        const std::hash<std::string> hash;
        return hash(m_now.boot_id + m_job.host) ^
               static_cast<std::uint64_t>(m_now.wall.time_since_epoch().count());
    }

    [[nodiscard]] std::vector<std::string> names_of_checks_as_before() const {
        std::vector<std::string> names;
        for (const JobCheck& check : m_checks) {
            const auto before = m_state.judge.checks.find(check.policy.name);
            if (before == m_state.judge.checks.end() || before->second.type == check.policy.type) {
                names.push_back(check.policy.name);
            }
        }
        return names;
    }

    void notice(std::string name, std::string cause, Status status, Text message, Text hint = {},
                SelfNotice::Life life = SelfNotice::Life::lasting) {
        m_facts.notices.push_back(
            {std::move(name), std::move(cause), status, std::move(message), std::move(hint), life});
    }

    // ── heal ────────────────────────────────────────────────────────────────────────────────────────────

    void heal() {
        if (!m_wishes.heal || m_facts.suppression.forbids_healing() || stop_requested()) {
            return;
        }
        const std::vector<ConfirmedFailure> failures = confirmed_failures();
        const RecoveryPlan plan =
            plan_recovery(m_job.ladder, m_job.limits, m_state.recovery, failures, m_now);
        if (m_wishes.dry_run) {
            say_plan(plan);
            return;
        }
        remark(plan.not_acted);
        if (plan.rungs.empty() && plan.held_back.empty()) {
            return;
        }
        RecoveryOutcome healed = climb(plan, m_job.limits, m_state.recovery, failures, climber());
        m_state.recovery = std::move(healed.state);
        m_healing.deeds = std::move(healed.deeds);
        for (PersonNeeded& person : healed.needs_person) {
            m_healing.gave_up.push_back(
                {std::move(person.check), std::move(person.look_with), person.reason});
        }
        m_healing.not_acted.clear(); // the outcome repeats the plan's
        remark(healed.not_acted);
        take_new_looks(healed.results);
        remember_gave_up(m_judgement.state, m_healing.gave_up);
        remember_deeds(m_judgement.state, m_healing.deeds);
        m_log.deeds(m_healing.deeds);
    }

    Climber climber() {
        Climber climber{m_world, m_job.paths.run / "host.lock", m_job.tool, end_of_mending(), {}, {}};
        climber.recheck = [this](const std::vector<std::string>& names) {
            std::map<std::string, CheckResult> results;
            for (CheckRun& run : m_runner->run_again(names, end_of_mending())) {
                results.emplace(run.name, std::move(run.result));
            }
            return results;
        };
        // The openings are on disk before the first action: a run that dies while healing is told by the
        // next.
        climber.remember = [this](const RecoveryState& recovery) -> Result<void> {
            ToolState state{m_judgement.state, recovery,        m_state.pending,
                            m_state.finished,  m_state.history, m_state.looks,
                            m_state.units,     m_state.keys,    m_state.counted};
            const StateKeeper::SaveResult saved = m_keeper.save(state);
            if (saved.where == StateKeeper::Saved::nowhere && saved.problem) {
                return *saved.problem;
            }
            return {};
        };
        climber.forbidden = [this] { return forbidden_by_now(); };
        climber.outliving = outliving();
        climber.way_back = m_job.way_back.get();
        return climber;
    }

    // Between judging and the last rung lies most of a minute: long enough for somebody to begin a deploy, or to come
    // and mend by hand what is to be restarted here.
    [[nodiscard]] std::optional<Text> forbidden_by_now() const {
        const Suppression suppression = suppression_at(m_world.clock.now(), {});
        for (const QuietSpan& span : suppression.spans) {
            if (span.quiet != Quiet::mute) {
                return quiet_words(span, m_job.zone);
            }
        }
        return std::nullopt;
    }

    // What was asked of a running service passes with what is mended; what was read as new is not read twice.
    [[nodiscard]] std::set<std::string_view> asked_of_services() const {
        std::set<std::string_view> names;
        for (const JobCheck& check : m_checks) {
            if (check.policy.recheck == Recheck::yes) {
                names.insert(check.policy.name);
            }
        }
        return names;
    }

    // What may be acted on; beside it what must not be, for the words why not, and symptoms and warnings, which are
    // asked again because they may pass with it.
    [[nodiscard]] std::vector<ConfirmedFailure> confirmed_failures() const {
        std::vector<ConfirmedFailure> failures;
        for (const std::string& root : m_judgement.to_heal) {
            failures.push_back({root, Status::critical, Remedy::try_it, "", incident_of(root)});
        }
        const std::set<std::string_view> may_pass = asked_of_services();
        for (const Verdict& verdict : m_judgement.verdicts) {
            if (verdict.status == Status::warning && verdict.type != k_self &&
                may_pass.contains(verdict.name)) {
                failures.push_back({verdict.name, Status::warning, Remedy::try_it, verdict.symptom_of});
            }
            if (verdict.status != Status::critical || verdict.type == k_self) {
                continue;
            }
            const CheckResult* seen = result_of(verdict.name);
            if (!verdict.symptom_of.empty()) {
                failures.push_back({verdict.name, Status::critical, Remedy::try_it, verdict.symptom_of});
            } else if (seen != nullptr && seen->remedy != Remedy::try_it && !verdict.incident.empty()) {
                failures.push_back({verdict.name, Status::critical, seen->remedy, ""});
            }
        }
        return failures;
    }

    [[nodiscard]] std::string incident_of(const std::string& check) const {
        const std::vector<Verdict>& all = m_judgement.verdicts;
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Verdict& it) { return it.name == check; });
        return found == all.end() ? std::string() : found->incident;
    }

    [[nodiscard]] const CheckResult* result_of(const std::string& name) const {
        for (const Observation& seen : m_facts.observations) {
            if (seen.name == name) {
                return &seen.result;
            }
        }
        return nullptr;
    }

    void say_plan(const RecoveryPlan& plan) {
        for (const Rung* rung : plan.rungs) {
            note_once(what_would_be_done(*rung, fmt::format("{}", fmt::join(roots_of(*rung, plan), ", "))));
        }
        for (const NotActed& skipped : plan.not_acted) {
            note_once(say(k_would_not_act, skipped.check, skipped.reason));
        }
    }

    // Two rungs for the same roots can be refused for the same reason.
    void note_once(Text note) {
        if (std::find(m_notes.begin(), m_notes.end(), note) == m_notes.end()) {
            m_notes.push_back(std::move(note));
        }
    }

    // The action looks first in a run, too: what it then refuses is not to be promised here.
    [[nodiscard]] Text what_would_be_done(const Rung& rung, const std::string& roots) {
        using Kind = Readiness::Kind;
        const Readiness ready = rung.doing->look(
            {m_world, end_of_mending(), Duration::zero(), rung.settle, m_job.way_back.get()});
        if (ready.kind == Kind::refused) {
            return say(k_would_not_act, roots, ready.words);
        }
        if (ready.kind == Kind::nothing_to_change) {
            return say(k_would_not_act, roots, say(k_nothing_to_change, rung.name));
        }
        if (ready.kind == Kind::wait) {
            return say(k_would_wait, rung.doing->target(), roots, ready.words);
        }
        const Text would = say(k_would_act, rung.name, rung.action, rung.doing->target(), roots);
        return ready.words.empty() ? would : say(k_would_act_how, would, ready.words);
    }

    void remark(const std::vector<NotActed>& not_acted) {
        for (const NotActed& skipped : not_acted) {
            m_healing.not_acted.push_back({skipped.check, skipped.reason});
        }
    }

    void take_new_looks(const LatestLooks& results, const std::set<std::string>& outlived = {}) {
        std::vector<Observation> rechecked;
        for (const auto& [name, result] : results) {
            rechecked.push_back({name, result, false});
        }
        name_commands(rechecked);
        for (const Observation& again : rechecked) {
            for (Observation& seen : m_facts.observations) {
                if (seen.name == again.name) {
                    m_before_healing.emplace(again.name, std::exchange(seen.result, again.result));
                }
            }
        }
        leave_to_own_checks(rechecked);
        m_judgement =
            judge_after_healing(std::move(m_judgement), rechecked, m_world.clock.now(), m_policy, outlived);
    }

    [[nodiscard]] Outliving outliving() {
        return {[this](const LatestLooks& looks, const std::vector<std::string>& symptoms) {
                    return unexplained(looks, symptoms);
                },
                [this](const LatestLooks& looks, const std::vector<std::string>& symptoms) {
                    return take_up(looks, symptoms);
                }};
    }

    // Asked of the judge without holding to its answer: they may pass yet.
    [[nodiscard]] std::vector<std::string> unexplained(const LatestLooks& looks,
                                                       const std::vector<std::string>& symptoms) const {
        std::vector<Observation> rechecked;
        for (const auto& [name, result] : looks) {
            rechecked.push_back({name, result, false});
        }
        const Judgement now = judge_after_healing(m_judgement, rechecked, m_world.clock.now(), m_policy);
        std::vector<std::string> names;
        for (const Verdict& verdict : now.verdicts) {
            const bool is_asked = std::find(symptoms.begin(), symptoms.end(), verdict.name) != symptoms.end();
            if (is_asked && verdict.type != k_self && verdict.symptom_of.empty()) {
                names.push_back(verdict.name);
            }
        }
        return names;
    }

    // Told with the rest of this run, whatever becomes of the attempts to mend them.
    NextRound take_up(const LatestLooks& looks, const std::vector<std::string>& symptoms) {
        const std::size_t logged = m_judgement.changes.size();
        take_new_looks(looks, {symptoms.begin(), symptoms.end()});
        m_log.changes(m_judgement, logged);
        NextRound next;
        next.failures = confirmed_failures();
        next.plan = plan_recovery(m_job.ladder, m_job.limits, m_state.recovery, next.failures, m_now);
        return next;
    }

    // ── looks that count until the next ────────────────────────────────────────────────────────────────────

    void remember_looks() {
        keep_looks(m_state.looks, m_judgement.verdicts, m_facts.observations, m_policy, m_now,
                   m_job.settings_mark);
        m_kept = kept_verdicts(m_state.looks, m_judgement.verdicts, m_judgement.state, m_policy, m_now);
        const auto is_unwanted = [&](const auto& of) { return !wanted(of.name); };
        std::erase_if(m_kept.verdicts, is_unwanted);
        std::erase_if(m_kept.rows, is_unwanted);
    }

    // ── tell and remember ───────────────────────────────────────────────────────────────────────────────

    void tell_it() {
        if (m_wishes.dry_run) {
            say_what_would_be_sent();
            return;
        }
        if (m_wishes.only.empty()) {
            m_state.finished = m_now;
        }
        // Without a channel nobody is told, and nothing counts as told: it is, once there is one.
        if (!m_wishes.notify || !m_delivery.has_channels()) {
            remember(m_judgement.state);
            m_outcome.report.alerts.waiting =
                m_delivery.count_waiting() + static_cast<int>(m_state.pending.size());
            return;
        }
        const ToTell told = tell_now();
        const std::vector<Outgoing> letters = m_delivery.letters(told.news);
        m_state.pending.insert(m_state.pending.end(), letters.begin(), letters.end());
        // That it is told and what is to be told in one write; then stored, then sent. Where this is cut off, the
        // next run goes on with what it finds pending.
        remember(told.state);
        m_told = told.news.items;
        DeliveryReport delivered = hand_over();
        if (!stop_requested()) {
            add(delivered, m_delivery.flush(telling_deadline()));
        }
        take_problems(delivered.problems);
        const int waiting = delivered.waiting + static_cast<int>(m_state.pending.size());
        m_outcome.report.alerts = {delivered.queued, delivered.sent, waiting, delivered.rejected,
                                   delivered.why_waiting};
        m_log.alerts(delivered.log);
    }

    DeliveryReport hand_over() {
        if (m_state.pending.empty()) {
            return {};
        }
        DeliveryReport delivered = m_delivery.hand_over(m_state.pending, telling_deadline());
        save_state();
        return delivered;
    }

    ToTell tell_now() {
        const Now now = m_world.clock.now();
        DayFigures day;
        if (wants_summary(m_judgement.state, m_facts.suppression, now, m_policy)) {
            day = figures_of_the_day(now);
        }
        const std::size_t messages = m_policy.per_hour > 0 ? m_delivery.messages_of_the_hour() : 0;
        ToTell told = tell(m_judgement.state, m_facts.suppression, m_healing, now, m_policy, day, messages);
        say_what_was_let_go(told.news);
        say_what_grows(told.news);
        return told;
    }

    // In the summary of the day, also what this run has not asked.
    void say_what_grows(News& news) const {
        for (NewsItem& item : news.items) {
            if (item.event != Event::summary) {
                continue;
            }
            for (const std::vector<Verdict>* verdicts : {&m_judgement.verdicts, &m_kept.verdicts}) {
                for (const Verdict& verdict : *verdicts) {
                    if (verdict.type == k_growth_type && verdict.status != Status::skipped) {
                        item.remarks.push_back(verdict.message);
                    }
                }
            }
        }
    }

    // "All right again" would be false of a unit that somebody has stopped or removed.
    void say_what_was_let_go(News& news) const {
        for (NewsItem& item : news.items) {
            const CheckResult* seen = result_of(item.incident.check);
            if (is_over(item.event) && seen != nullptr && is_let_go(*seen)) {
                item.remarks.push_back(seen->message);
            }
        }
    }

    // Nothing, where the history cannot be read: that is told elsewhere.
    [[nodiscard]] DayFigures figures_of_the_day(const Now& now) {
        DayFigures day;
        Result<PastRuns> past = PastRuns::at(m_world.files, m_world.clock, history_place(),
                                             m_world.clock.steady() + k_looking_back);
        if (!past) {
            return day;
        }
        const Period period{now.wall - k_day, now.wall, m_job.short_name};
        const Result<void> read = past->each(period, [&](const PastRun& run) {
            day.runs += run.partial ? 0 : 1;
            day.good_runs += !run.partial && run.status != static_cast<int>(Status::critical) ? 1 : 0;
        });
        const Result<std::vector<AtTime<RecordedEvent>>> events = past->events(period);
        if (!read || !events) {
            return DayFigures{};
        }
        day.incidents = std::count_if(events->begin(), events->end(), [](const auto& event) {
            return event.what.kind == RecordedEvent::Kind::change &&
                   event.what.event == to_string(Event::opened);
        });
        return day;
    }

    [[nodiscard]] HistoryPlace history_place() const {
        return {m_job.paths.state, m_job.paths.run / "history.lock", effective_user()};
    }

    void say_what_would_be_sent() {
        const ToTell told = tell_now();
        if (const std::optional<Message> message = compose(told.news, Voice{m_job.lang, m_job.zone})) {
            m_outcome.would_send.push_back(plain_text(*message));
        }
    }

    [[nodiscard]] SteadyTime telling_deadline() const {
        return std::min(m_world.clock.steady() + k_longest_telling, m_started + m_job.deadline);
    }

    static void add(DeliveryReport& sum, const DeliveryReport& more) {
        sum.sent += more.sent;
        sum.rejected += more.rejected;
        sum.waiting = more.waiting;
        sum.why_waiting = more.why_waiting;
        sum.log.insert(sum.log.end(), more.log.begin(), more.log.end());
        sum.problems.insert(sum.problems.end(), more.problems.begin(), more.problems.end());
    }

    // What came to light while sending; what was known before stands in the report already.
    void take_problems(const std::vector<ChannelProblem>& problems) {
        for (const ChannelProblem& problem : problems) {
            m_disk_refuses = m_disk_refuses || problem.of_storage;
            const std::string name = problem.of_storage ? "state" : "channel-" + problem.channel;
            const bool known = std::any_of(m_judgement.verdicts.begin(), m_judgement.verdicts.end(),
                                           [&](const Verdict& verdict) { return is_own(verdict, name); });
            if (!known) {
                note_late({name, problem.status, problem.message, problem.hint});
            }
        }
    }

    void remember(const JudgeState& judged) {
        m_state.judge = judged;
        save_state();
    }

    void save_state() {
        const StateKeeper::SaveResult saved = m_keeper.save(m_state);
        if (saved.problem) {
            m_disk_refuses = true;
            note_late({"state", Status::critical,
                       say(k_state_not_written, error_words(saved.problem->message)),
                       say(k_state_hint, m_job.paths.state.string())});
        } else {
            remove_acknowledgements();
            remove_what_was_taken_over();
        }
    }

    // The suite's own row of this name: a check may have the same.
    static bool is_own(const Verdict& verdict, const std::string& name) {
        return verdict.type == k_self && verdict.name == name;
    }

    // One row a name, and in it the worst that is known.
    void note_late(LateTrouble trouble) {
        const auto take_if_worse = [&](auto& row) {
            if (row.status != trouble.status && worst(row.status, trouble.status) == trouble.status) {
                row.status = trouble.status;
                row.message = std::move(trouble.message);
                row.hint = std::move(trouble.hint);
            }
        };
        const auto row = std::find_if(m_judgement.verdicts.begin(), m_judgement.verdicts.end(),
                                      [&](const Verdict& verdict) { return is_own(verdict, trouble.name); });
        const auto late = std::find_if(m_late_troubles.begin(), m_late_troubles.end(),
                                       [&](const LateTrouble& known) { return known.name == trouble.name; });
        if (row != m_judgement.verdicts.end()) {
            take_if_worse(*row);
        } else if (late != m_late_troubles.end()) {
            take_if_worse(*late);
        } else {
            m_late_troubles.push_back(std::move(trouble));
        }
    }

    // ── history ─────────────────────────────────────────────────────────────────────────────────────────

    // When all is done and told: nothing waits for it.
    void record() {
        if (m_wishes.dry_run || stop_requested()) {
            return;
        }
        RecordedRun run =
            record_of({m_policy, m_facts, m_before_healing, m_runs, m_judgement, m_healing.deeds, m_told});
        run.tool = m_job.short_name;
        run.took = duration_cast<microseconds>(m_world.clock.steady() - m_started);
        run.partial = !m_wishes.only.empty();
        run.status = static_cast<int>(worst(static_cast<Status>(run.status), overall(m_kept.verdicts)));
        const auto code = exit_code(static_cast<Status>(run.status));
        run.exit_code = static_cast<int>(m_job.wrong_configuration.empty() ? code : ExitCode::configuration);
        History history(m_world.files, m_world.clock, history_place(), m_job.history);
        const bool again = m_state.history.lost + 1 >= k_lost_in_a_row;
        take_outcome(history.record(run, again ? History::Newer::set_aside : History::Newer::leave));
    }

    void take_outcome(const History::Outcome& outcome) {
        if (m_disk_refuses) {
            return; // one disk that refuses both is one trouble
        }
        HistoryMemory memory;
        memory.set_aside = outcome.trouble;
        if (outcome.lost) {
            memory.lost = m_state.history.lost + 1;
            memory.lost_why = error_words(outcome.lost->message);
        }
        show_trouble(memory, outcome);
        if (m_state.history != memory) {
            m_state.history = std::move(memory);
            [[maybe_unused]] const StateKeeper::SaveResult saved = m_keeper.save(m_state);
        }
    }

    void show_trouble(const HistoryMemory& memory, const History::Outcome& outcome) {
        if (!memory.set_aside.empty()) {
            note_late({"state", Status::warning, memory.set_aside, {}});
        }
        if (!outcome.lost || m_state.history.lost >= k_lost_in_a_row) { // told from the start
            return;
        }
        const bool may_pass =
            outcome.lost->kind == ErrorKind::busy || outcome.lost->kind == ErrorKind::timeout;
        if (may_pass && memory.lost < k_lost_in_a_row) {
            m_notes.push_back(say(k_not_recorded, memory.lost_why));
        } else {
            note_late({"state", Status::warning, say(k_history_not_written, memory.lost_why),
                       say(k_state_hint, m_job.paths.state.string())});
        }
    }

    // ── report ──────────────────────────────────────────────────────────────────────────────────────────

    RunOutcome report() {
        if (stop_requested()) {
            return stopped();
        }
        write_logs();
        Report& report = m_outcome.report;
        report.tool = m_job.tool;
        report.host = m_job.host;
        report.time = m_now.wall;
        report.reason = m_job.wrong_configuration;
        report.notes = m_job.notes;
        report.notes.insert(report.notes.end(), m_notes.begin(), m_notes.end());
        for (const Remark& remark : m_healing.not_acted) {
            report.notes.push_back(say(k_not_acted, remark.check, remark.words));
        }
        report.checks = check_rows(m_judgement.verdicts, m_facts.observations, m_runs);
        report.checks.insert(report.checks.end(), m_kept.rows.begin(), m_kept.rows.end());
        for (const ShelvedCheck& shelved : m_job.shelved) {
            if (wanted(shelved.name)) {
                report.checks.push_back(row_of(shelved));
            }
        }
        m_outcome.changed = !m_judgement.changes.empty() || !m_healing.deeds.empty();
        report.recovery = m_healing.deeds;
        report.incidents = incident_rows(m_judgement.state);
        leave_out_foreign_incidents(report);
        report.status = worst(overall(m_judgement.verdicts), overall(m_kept.verdicts));
        for (const LateTrouble& trouble : m_late_troubles) {
            report.checks.push_back(row_of(trouble));
            report.status = worst(report.status, trouble.status);
        }
        report.duration = duration_cast<microseconds>(m_world.clock.steady() - m_started);
        m_outcome.exit =
            m_job.wrong_configuration.empty() ? exit_code(report.status) : ExitCode::configuration;
        report.exit_code = static_cast<int>(m_outcome.exit);
        m_outcome.signal = stop_signal();
        if (m_outcome.signal == 0) {
            publish(report);
        }
        return std::move(m_outcome);
    }

    // What a run that changes nothing has opened is kept nowhere: nobody could acknowledge it. And of what --only leaves
    // out nothing was asked.
    void leave_out_foreign_incidents(Report& report) const {
        const auto is_kept = [&](const std::string& id) {
            return !m_wishes.dry_run || m_known_incidents.contains(id);
        };
        std::erase_if(report.incidents, [&](const IncidentReport& incident) {
            return !is_kept(incident.id) || !wanted(incident.check);
        });
        for (CheckReport& check : report.checks) {
            if (check.incident && !is_kept(*check.incident)) {
                check.incident.reset();
            }
        }
    }

    // Not of a part of the checks: to whom reads the metrics, the others would be gone.
    void publish(Report& report) {
        if (m_job.paths.metrics.empty() || m_wishes.dry_run || !m_wishes.only.empty()) {
            return;
        }
        const Result<void> written =
            write_metrics(m_world.files, m_job.paths.metrics, render_prometheus(report));
        if (!written) {
            report.notes.push_back(say(k_metrics_not_written, error_words(written.error().message)));
        }
    }

    // Asked to stop: what was done is on disk, what was not finished is for the next run.
    RunOutcome stopped() {
        m_outcome.signal = stop_signal();
        m_log.stopped_by(m_outcome.signal);
        write_logs();
        return std::move(m_outcome);
    }

    void write_logs() {
        if (m_wishes.dry_run) {
            return;
        }
        std::vector<Verdict> verdicts = m_judgement.verdicts;
        verdicts.insert(verdicts.end(), m_kept.verdicts.begin(), m_kept.verdicts.end());
        m_log.closing(verdicts, m_outcome.report.quiet,
                      duration_cast<Duration>(m_world.clock.steady() - m_started));
        for (Text& note : m_log.flush()) {
            m_notes.push_back(std::move(note));
        }
    }

    const Job& m_job;
    const Wishes& m_wishes;
    World m_world;
    SteadyTime m_started;
    Now m_now;
    StateKeeper m_keeper;
    Delivery m_delivery;
    RunLog m_log;
    Policy m_policy;
    std::vector<JobCheck> m_checks;                   // the job's, and those of units that fell
    std::map<std::string, std::string> m_unit_checks; // unit → its check

    std::optional<RunLock> m_lock;
    std::optional<Error> m_no_lock;
    ToolState m_state;
    std::vector<Acknowledgement> m_acknowledged;  // by operators since the last run
    std::vector<std::string> m_taken_over;        // files of falls that the state knows of, once it is saved
    std::vector<ChannelProblem> m_known_problems; // with the channels, before this run
    std::optional<Runner> m_runner;
    std::vector<CheckRun> m_runs;
    RunFacts m_facts;
    Judgement m_judgement;
    std::map<std::string, CheckResult> m_before_healing; // first looks at what was asked again since
    Healing m_healing;
    std::set<std::string> m_known_incidents; // before this run
    KeptVerdicts m_kept;                     // of checks that this run has not asked
    std::vector<NewsItem> m_told;
    std::vector<Text> m_notes;
    std::vector<LateTrouble> m_late_troubles;
    bool m_disk_refuses = false; // the state or the outbox
    RunOutcome m_outcome;
};

} // namespace

Result<RunLock> lock_run(World& world, const Path& run, const std::string& tool,
                         const std::string& short_name) {
    const Result<void> folder = world.files.make_folders(run, k_run_mode);
    Result<Lock> lock = folder ? world.files.lock(run / (short_name + ".lock"), tool, world.clock.now().wall)
                               : Result<Lock>(folder.error());
    if (lock) {
        return RunLock{std::move(*lock), std::nullopt};
    }
    const bool busy = lock.error().kind == ErrorKind::busy;
    const bool no_rights = lock.error().kind == ErrorKind::permission && effective_user() != 0;
    if (busy || no_rights) {
        return lock.error();
    }
    // A full or read-only file system must not end the watch; two runs at once do less harm than none.
    return RunLock{{}, lock.error()};
}

RunOutcome run_pipeline(const Job& job, const Wishes& wishes, World world,
                        std::vector<std::unique_ptr<Channel>> channels, std::optional<RunLock> lock) {
    return Run(job, wishes, world, std::move(channels), std::move(lock)).run();
}

} // namespace lectio
