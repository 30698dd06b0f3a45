#include "pipeline/run_record.h"

#include "incidents/rules.h"
#include "util/by_name.h"

#include <fmt/format.h>

namespace lectio {
namespace {

std::string_view word_of(Event event) {
    switch (event) {
    case Event::opened:
        return "opened";
    case Event::risen:
        return "risen";
    case Event::eased:
        return "eased";
    case Event::resolved:
        return "resolved";
    case Event::unwatched:
        return "unwatched";
    case Event::mended:
        return "mended";
    case Event::reminder:
        return "reminder";
    case Event::needs_person:
        return "needs-person";
    case Event::escalated:
        return "escalated";
    case Event::summary:
        return "summary";
    case Event::flapping:
        return "flapping";
    case Event::note:
        return "note";
    }
    return "";
}

std::string quiet_words(const Suppression& suppression) {
    std::vector<std::string> words;
    for (const Quiet quiet : suppression.reasons) {
        std::string word(to_string(quiet));
        if (quiet == Quiet::deploy && suppression.deploy_names_checks) {
            word += fmt::format(":{}", fmt::join(suppression.deploy_checks, ","));
        }
        words.push_back(std::move(word));
    }
    return fmt::format("{}", fmt::join(words, " "));
}

RecordedLook look_of(const CheckPolicy& policy, const CheckResult& result) {
    RecordedLook look;
    look.check = policy.name;
    look.type = policy.type;
    look.status = static_cast<int>(result.status);
    look.shown = static_cast<int>(capped(result.status, policy.common.severity));
    look.remedy = static_cast<int>(result.remedy);
    look.message = result.message;
    look.hint = result.hint;
    look.evidence = result.evidence;
    for (const Metric& metric : result.metrics) {
        look.metrics.push_back({metric.name, metric.unit, metric.value, metric.warn, metric.crit});
    }
    return look;
}

RecordedLook look_of(const SelfNotice& notice) {
    RecordedLook look;
    look.check = notice.name;
    look.type = k_self;
    look.cause = notice.cause;
    look.status = look.shown = static_cast<int>(notice.status);
    look.passing = notice.life == SelfNotice::Life::passing;
    look.message = notice.message;
    look.hint = notice.hint;
    return look;
}

class Recording {
  public:
    explicit Recording(const RunToRecord& run)
        : m_run(run), m_policies(run.policy.checks), m_runs(run.runs) {}

    RecordedRun record() {
        m_record.started = m_run.facts.now;
        m_record.status = static_cast<int>(overall(m_run.judgement.verdicts));
        m_record.quiet = quiet_words(m_run.facts.suppression);
        for (const Observation& seen : m_run.facts.observations) {
            add_looks(seen);
        }
        add_notices(m_run.facts.notices);
        add_notices(m_run.facts.suppression.notices);
        add_events();
        for (const Deed& deed : m_run.deeds) {
            m_record.deeds.push_back(
                {deed.rung, deed.action, deed.target, deed.ok, deed.detail, deed.fixed, deed.took});
        }
        return std::move(m_record);
    }

  private:
    void add_looks(const Observation& seen) {
        const CheckPolicy* policy = m_policies.find(seen.name);
        if (policy == nullptr) {
            return;
        }
        const auto first = m_run.before_healing.find(seen.name);
        const bool asked_again = first != m_run.before_healing.end();
        m_record.looks.push_back(look_of(*policy, asked_again ? first->second : seen.result));
        m_record.looks.back().took = took(seen.name);
        if (asked_again) {
            m_record.after_healing.push_back(look_of(*policy, seen.result));
        }
    }

    [[nodiscard]] std::chrono::microseconds took(const std::string& check) const {
        const CheckRun* run = m_runs.find(check);
        return run == nullptr ? std::chrono::microseconds{} : run->duration;
    }

    void add_notices(const std::vector<SelfNotice>& notices) {
        for (const SelfNotice& notice : notices) {
            m_record.looks.push_back(look_of(notice));
        }
    }

    void add_events() {
        using Kind = RecordedEvent::Kind;
        for (const Change& change : m_run.judgement.changes) {
            const Verdict verdict = verdict_of(change.check);
            m_record.events.push_back({Kind::change, std::string(word_of(change.event)), change.check,
                                       change.incident, static_cast<int>(verdict.status), verdict.message});
        }
        for (const NewsItem& item : m_run.told) {
            m_record.events.push_back({Kind::told,
                                       std::string(word_of(item.event)),
                                       item.incident.check,
                                       item.incident.id,
                                       static_cast<int>(item.incident.status),
                                       {}});
        }
    }

    // As the report has it; nothing of a check that was not looked at, or a notice that is gone.
    [[nodiscard]] Verdict verdict_of(const std::string& check) const {
        for (const Verdict& verdict : m_run.judgement.verdicts) {
            if (verdict.name == check) {
                return verdict;
            }
        }
        Verdict none;
        none.status = Status::ok;
        return none;
    }

    const RunToRecord& m_run;
    ByName<CheckPolicy> m_policies;
    ByName<CheckRun> m_runs;
    RecordedRun m_record;
};

} // namespace

RecordedRun record_of(const RunToRecord& run) {
    return Recording(run).record();
}

} // namespace lectio
