#include "status/charts.h"

#include "status/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace lectio::status {
namespace {

// Of the bars: in each step of 4 a bar of 3.
constexpr int k_step = 4, k_width = 3, k_height = 30;
constexpr int k_top = 3, k_line = 27; // of a good day
constexpr int k_warned_top = 10, k_unseen_top = 17, k_tick_top = 24;
constexpr int k_least_red = 6; // a minute of a day is seen, too
constexpr std::size_t k_most_titles = 40;
constexpr std::size_t k_most_said = 5;

// Of the times.
constexpr double k_times_width = 240, k_times_height = 64, k_hour = k_times_width / DayTimes::k_hours;

constexpr Phrase k_day{"{}, broken {} of {}", "{}, сломано {} из {}"};
constexpr Phrase k_no_looks{"nobody looked", "не проверялось"};
constexpr Phrase k_could_not{"could not be looked at", "проверить не удалось"};
constexpr Phrase k_bars{"Availability in {} days: {}", "Доступность за {} дней: {}"};
constexpr Phrase k_bars_worst{"the worst: {}", "хуже всего: {}"};
constexpr Phrase k_good{"good", "работало"};
constexpr Phrase k_warned{"shorter: a warning", "короче: предупреждение"};
constexpr Phrase k_broken{"below the line: broken", "ниже черты: сломано"};
constexpr Phrase k_unseen{"half: could not look", "половина: не удалось проверить"};
constexpr Phrase k_nobody{"a tick: nobody looked", "след: не проверялось"};
constexpr Phrase k_times{"Answer times of the last 24 hours: median {}, 95% within {}, the slowest hour {}",
                         "Время ответа за 24 часа: медиана {}, 95% не дольше {}, самый медленный час {}"};

enum class Kind { none, unseen, good, warned, broken };

Kind kind_of(const DayCount& day) {
    return day.broken > 0   ? Kind::broken
           : day.warned > 0 ? Kind::warned
           : day.looks > 0  ? Kind::good
           : day.unseen > 0 ? Kind::unseen
                            : Kind::none;
}

std::string percent(const DayCount& day) {
    const double share = day.availability().value_or(0) * 100;
    const std::string words = fmt::format("{:.2f}", day.broken > 0 ? std::min(share, 99.99) : share);
    return (words.ends_with(".00") ? words.substr(0, words.size() - 3) : words) + "%";
}

DayCount sum_of(const std::vector<DayCount>& days) {
    DayCount sum;
    for (const DayCount& day : days) {
        sum.add(day);
    }
    return sum;
}

std::string box(int left, int top, int bottom) {
    return fmt::format("M{} {}h{}v{}h-{}z", left, top, k_width, bottom - top, k_width);
}

// Of one kind all bars are one path: that is a tenth of what elements of their own would be.
class Bars {
  public:
    void add(std::size_t index, const DayCount& day) {
        const int left = static_cast<int>(index) * k_step;
        switch (kind_of(day)) {
        case Kind::none:
            path('n') += box(left, k_tick_top, k_line);
            break;
        case Kind::unseen:
            path('u') += box(left, k_unseen_top, k_line);
            break;
        case Kind::good:
            path('g') += box(left, k_top, k_line);
            break;
        case Kind::warned:
            path('w') += box(left, k_warned_top, k_line);
            break;
        case Kind::broken:
            const double share = static_cast<double>(day.broken) / day.looks;
            const int red = std::max(k_least_red, static_cast<int>(std::lround(share * (k_line - k_top))));
            if (k_line - red > k_top) {
                path('g') += box(left, k_top, k_line - red);
            }
            path('b') += box(left, k_line - red, k_height);
            break;
        }
    }

    [[nodiscard]] std::string paths() const {
        std::string all;
        for (const auto& [kind, path] : m_paths) {
            all += path.empty() ? "" : fmt::format("<path class=\"{}\" d=\"{}\"/>", kind, path);
        }
        return all;
    }

  private:
    std::string& path(char kind) {
        return std::find_if(m_paths.begin(), m_paths.end(),
                            [&](const auto& each) { return each.first == kind; })
            ->second;
    }
    std::array<std::pair<char, std::string>, 5> m_paths{
        {{'n', {}}, {'u', {}}, {'g', {}}, {'w', {}}, {'b', {}}}};
};

// The days that were not good, the worst first.
std::vector<std::size_t> bad_days(const std::vector<DayCount>& days) {
    std::vector<std::size_t> bad;
    for (std::size_t i = 0; i < days.size(); ++i) {
        if (kind_of(days[i]) == Kind::broken) {
            bad.push_back(i);
        }
    }
    std::stable_sort(bad.begin(), bad.end(), [&](std::size_t a, std::size_t b) {
        return days[a].availability().value_or(1) < days[b].availability().value_or(1);
    });
    return bad;
}

// What a pointer that rests on a day is told.
std::string titles(const std::vector<std::string>& dates, const std::vector<DayCount>& days, Lang lang) {
    std::string all;
    std::vector<std::size_t> bad = bad_days(days);
    bad.resize(std::min(bad.size(), k_most_titles));
    for (const std::size_t day : bad) {
        all += fmt::format("<rect x=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" "
                           "pointer-events=\"all\"><title>{}: {}</title></rect>",
                           static_cast<int>(day) * k_step, k_step, k_height, html_text(dates.at(day)),
                           html_text(day_words(days[day]).in(lang)));
    }
    return all;
}

std::string sample(const DayCount& day, const Phrase& words, Lang lang) {
    Bars bars;
    bars.add(0, day);
    return fmt::format("<span><svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" "
                       "aria-hidden=\"true\">{}</svg>{}</span>",
                       k_width, k_height, bars.paths(), html_text(words.in(lang)));
}

} // namespace

std::string share_words(const std::vector<DayCount>& days) {
    const DayCount sum = sum_of(days);
    return sum.looks == 0 ? std::string() : percent(sum);
}

Text day_words(const DayCount& day) {
    if (day.looks == 0) {
        return say(day.unseen > 0 ? k_could_not : k_no_looks);
    }
    return day.broken == 0 ? verbatim(percent(day)) : say(k_day, percent(day), day.broken, day.looks);
}

std::string day_bars(const std::vector<std::string>& dates, const std::vector<DayCount>& days, Lang lang) {
    Bars bars;
    for (std::size_t i = 0; i < days.size(); ++i) {
        bars.add(i, days[i]);
    }
    const std::string share = share_words(days);
    Text label = say(k_bars, days.size(), share.empty() ? say(k_no_looks) : verbatim(share));
    std::vector<std::size_t> bad = bad_days(days);
    bad.resize(std::min(bad.size(), k_most_said));
    std::string worst;
    for (const std::size_t day : bad) {
        worst += fmt::format("{}{} {}", worst.empty() ? "" : ", ", dates.at(day), percent(days[day]));
    }
    if (!worst.empty()) {
        label = join("; ", {label, say(k_bars_worst, worst)});
    }
    return fmt::format("<span class=\"days\"><svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" "
                       "role=\"img\" aria-label=\"{}\">"
                       "{}{}</svg></span>",
                       static_cast<int>(days.size()) * k_step - (k_step - k_width), k_height,
                       html_text(label.in(lang)), bars.paths(), titles(dates, days, lang));
}

std::string bars_legend(Lang lang) {
    return "<p class=\"legend\">" + sample({1, 0, 0, 0}, k_good, lang) +
           sample({1, 0, 1, 0}, k_warned, lang) + sample({3, 1, 0, 0}, k_broken, lang) +
           sample({0, 0, 0, 1}, k_unseen, lang) + sample({}, k_nobody, lang) + "</p>";
}

std::string seconds_words(double seconds) {
    const double ms = seconds * 1000;
    return ms < 1       ? fmt::format("{:.2f} ms", ms)
           : ms < 10    ? fmt::format("{:.1f} ms", ms)
           : ms < 1000  ? fmt::format("{:.0f} ms", ms)
           : ms < 10000 ? fmt::format("{:.2f} s", seconds)
                        : fmt::format("{:.0f} s", seconds);
}

std::string times_chart(const DayTimes& times, Lang lang) {
    double highest = 0;
    for (const HourTimes& hour : times.hours) {
        highest = std::max(highest, hour.p95.value_or(0));
    }
    const double scale = highest > 0 ? (k_times_height - 4) / highest : 0;
    const auto line = [&](std::optional<double> HourTimes::*of) {
        std::string path;
        bool goes_on = false;
        for (std::size_t i = 0; i < times.hours.size(); ++i) {
            const std::optional<double>& value = times.hours.at(i).*of;
            if (value) {
                // An hour that stands alone is a dash.
                const double x = (static_cast<double>(i) + 0.5) * k_hour, y = k_times_height - *value * scale;
                path += goes_on ? fmt::format("L{:.0f} {:.1f}", x, y)
                                : fmt::format("M{:.0f} {:.1f}L{:.0f} {:.1f}", x - 2, y, x, y);
            }
            goes_on = value.has_value();
        }
        return path;
    };
    std::string fell;
    for (std::size_t i = 0; i < times.hours.size(); ++i) {
        if (times.hours.at(i).broken) {
            const double x = static_cast<double>(i) * k_hour;
            fell += fmt::format("M{:.0f} {:.0f}l8 8m0 -8l-8 8", x + 1, k_times_height - 10);
        }
    }
    const Text label =
        say(k_times, seconds_words(times.median), seconds_words(times.p95), seconds_words(highest));
    return fmt::format(
        "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{2}\">"
        "<path class=\"axis\" d=\"M0 {1:.0f}H{0:.0f}\"/><path class=\"p95\" d=\"{3}\"/><path class=\"med\" "
        "d=\"{4}\"/>"
        "{5}</svg>",
        k_times_width, k_times_height, html_text(label.in(lang)), line(&HourTimes::p95),
        line(&HourTimes::median), fell.empty() ? "" : fmt::format("<path class=\"fell\" d=\"{}\"/>", fell));
}

} // namespace lectio::status
