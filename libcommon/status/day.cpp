#include "status/day.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

namespace lectio::status {
namespace {

using std::chrono::hours;

constexpr std::array<std::string_view, 8> k_bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view k_broken = "×", k_failing = "!", k_unseen = "·", k_unknown = "?";
constexpr double k_flat = 0.05; // of the highest: what differs by less is noise

std::string key_of(const std::string& tool, const LookForm& form) {
    return form.cause.empty() ? fmt::format("{}/{}", tool, form.check)
                              : fmt::format("{}/{}#{}", tool, form.check, form.cause);
}

} // namespace

void LastDay::take(const PastRun& run) {
    m_last_runs[run.tool] = run.started;
    for (const PastLook& look : run.looks) {
        take(run, look);
    }
    // What an action has mended was broken nevertheless: it counts in the hour, and what was found then is the last word.
    for (const PastLook& look : run.after_healing) {
        thread_of(run, look).last = look;
    }
}

// A form is that of one check of one tool. There are some 20,000 looks in a day of a usual host, and few forms.
LastDay::Thread& LastDay::thread_of(const PastRun& run, const PastLook& look) {
    Thread*& thread = m_by_form[look.form];
    if (thread == nullptr) {
        thread = &m_threads[key_of(run.tool, *look.form)];
    }
    return *thread;
}

void LastDay::take(const PastRun& run, const PastLook& look) {
    Thread& thread = thread_of(run, look);
    thread.last = look;
    thread.at = run.started;
    const Duration ago = m_now - run.started.wall;
    if (ago < Duration::zero() || ago >= hours(k_hours)) {
        return;
    }
    Hour& hour = thread.day.at(k_hours - 1 - static_cast<std::size_t>(ago / hours(1)));
    hour.worst = worst(hour.worst, static_cast<Status>(std::clamp(look.form->shown, 0, 4)));
    if (!look.figures.values.empty()) {
        hour.figure =
            std::max(hour.figure.value_or(look.figures.values.front()), look.figures.values.front());
    }
}

std::map<std::string, LastDay::Said> LastDay::said() const {
    std::map<std::string, Said> all;
    for (const auto& [key, thread] : m_threads) {
        all.emplace(key, Said{thread.last.whole(), thread.at, thread.day});
    }
    return all;
}

std::string sparkline(const Day& day) {
    std::optional<double> lowest, highest;
    for (const Hour& hour : day) {
        if (hour.figure) {
            lowest = std::min(lowest.value_or(*hour.figure), *hour.figure);
            highest = std::max(highest.value_or(*hour.figure), *hour.figure);
        }
    }
    const double range = highest ? *highest - *lowest : 0;
    const bool is_flat = !(range > 0) || range < k_flat * std::max(std::abs(*highest), std::abs(*lowest));
    std::string line;
    for (const Hour& hour : day) {
        if (hour.worst == Status::critical) {
            line += k_broken;
        } else if (hour.worst == Status::warning) {
            line += k_failing;
        } else if (hour.worst == Status::skipped) {
            line += k_unseen;
        } else if (hour.worst == Status::unknown) {
            line += k_unknown;
        } else if (!hour.figure || is_flat) {
            line += k_bars.front();
        } else {
            const double share = (*hour.figure - *lowest) / range;
            line += k_bars.at(static_cast<std::size_t>(share * (k_bars.size() - 1) + 0.5));
        }
    }
    return line;
}

} // namespace lectio::status
