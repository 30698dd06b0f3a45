#include "report/past.h"

#include <algorithm>
#include <map>

namespace lectio {
namespace {

using std::chrono::minutes;

constexpr minutes k_no_gap{3};
constexpr int k_usual_pauses = 3;

class Reading {
  public:
    Reading(const PastQuestion& question, std::vector<Gap> gaps) : m_question(question) {
        m_past.since = question.since;
        m_past.now = question.now;
        m_past.tool = "lectio-" + question.tool;
        m_past.gaps = std::move(gaps);
    }

    void take(const PastRun& run) {
        ++m_past.runs;
        // Runs come as they were recorded, so after a gap has ended it is behind us for good.
        while (m_gap < m_past.gaps.size() && run.started.wall >= m_past.gaps[m_gap].until) {
            ++m_gap;
        }
        for (const PastLook& look : run.looks) {
            if (!m_question.check || look.form->check == *m_question.check) {
                take(run, look);
            }
        }
    }

    Past done() {
        for (const auto& [name, thread] : m_threads) {
            word(thread);
        }
        return std::move(m_past);
    }

  private:
    // Where the story of a check is: which look its last stretch is made of, and before which gap that was.
    struct Thread {
        std::size_t index = 0;
        const LookForm* form = nullptr;
        LookFigures figures{};
        std::size_t gap = 0;
    };

    // Put together once a stretch, not once a look: there are two million of those in 90 days.
    void word(const Thread& thread) {
        m_past.checks[thread.index].stretches.back().message =
            put_together(*thread.form, thread.figures).message;
    }

    void take(const PastRun& run, const PastLook& look) {
        const auto [at, is_new] = m_threads.try_emplace(look.form->check);
        Thread& thread = at->second;
        if (is_new) {
            thread.index = m_past.checks.size();
            m_past.checks.push_back({look.form->check, look.form->type, 0, 0, {}});
        }
        CheckPast& check = m_past.checks[thread.index];
        const auto status = static_cast<Status>(look.form->shown);
        check.looks +=
            status == Status::ok || status == Status::warning || status == Status::critical ? 1 : 0;
        check.broken += status == Status::critical ? 1 : 0;
        const bool after_gap = thread.gap != m_gap;
        if (check.stretches.empty() || after_gap || !is_same(*thread.form, *look.form)) {
            if (!check.stretches.empty()) {
                word(thread);
                Stretch& last = check.stretches.back();
                last.until = after_gap ? last.until : run.started.wall;
            }
            check.stretches.push_back({status, run.started.wall, {}, 0, {}, false});
        }
        Stretch& stretch = check.stretches.back();
        stretch.until = run.started.wall;
        stretch.mended = is_mended(run, look);
        ++stretch.runs;
        thread.form = look.form;
        thread.figures = look.figures;
        thread.gap = m_gap;
    }

    static bool is_same(const LookForm& a, const LookForm& b) {
        const bool fine = a.shown == static_cast<int>(Status::ok);
        return a.shown == b.shown && (fine || &a == &b);
    }

    static bool is_mended(const PastRun& run, const PastLook& look) {
        return look.form->shown == static_cast<int>(Status::critical) &&
               std::any_of(run.after_healing.begin(), run.after_healing.end(), [&](const PastLook& after) {
                   return after.form->check == look.form->check &&
                          after.form->shown < static_cast<int>(Status::critical);
               });
    }

    const PastQuestion& m_question;
    Past m_past;
    std::size_t m_gap = 0; // how many gaps are over
    std::map<std::string, Thread> m_threads;
};

} // namespace

std::optional<double> CheckPast::availability() const {
    return looks == 0 ? std::nullopt : std::optional(1.0 - static_cast<double>(broken) / looks);
}

std::vector<Gap> gaps_in(const std::vector<WallTime>& beginnings) {
    std::vector<Duration> pauses;
    for (std::size_t i = 1; i < beginnings.size(); ++i) {
        pauses.push_back(beginnings[i] - beginnings[i - 1]);
    }
    if (pauses.empty()) {
        return {};
    }
    std::vector<Duration> sorted = pauses;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const Duration longest = std::max<Duration>(k_no_gap, *middle * k_usual_pauses);
    std::vector<Gap> gaps;
    for (std::size_t i = 0; i < pauses.size(); ++i) {
        if (pauses[i] > longest) {
            gaps.push_back({beginnings[i], beginnings[i + 1]});
        }
    }
    return gaps;
}

Result<Past> read_past(PastRuns& runs, const PastQuestion& question) {
    const Period period{question.since, WallTime::max(), question.tool};
    const Result<std::vector<WallTime>> beginnings = runs.beginnings(period);
    if (!beginnings) {
        return beginnings.error();
    }
    Reading reading(question, gaps_in(*beginnings));
    LECTIO_TRY(runs.each(period, [&](const PastRun& run) { reading.take(run); }));
    Result<std::vector<AtTime<RecordedEvent>>> events = runs.events(period);
    Result<std::vector<AtTime<RecordedDeed>>> deeds = runs.deeds(period);
    if (!events || !deeds) {
        return events ? deeds.error() : events.error();
    }
    Past past = reading.done();
    past.events = std::move(*events);
    past.deeds = std::move(*deeds);
    if (question.check) {
        std::erase_if(past.events, [&](const auto& event) { return event.what.check != *question.check; });
        std::erase_if(past.deeds, [&](const auto& deed) {
            const std::vector<std::string>& fixed = deed.what.fixed;
            return std::find(fixed.begin(), fixed.end(), *question.check) == fixed.end();
        });
    }
    return past;
}

} // namespace lectio
