#include "report/past.h"
#include "report/words.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

// More is for --format json; the last are what somebody looks for.
constexpr std::size_t k_most_stretches = 40;
constexpr std::size_t k_most_lines = 100;

constexpr Noun k_runs{"run", "runs", "запуск", "запуска", "запусков"};
constexpr Phrase k_head{"since {}, {}", "с {}, {}"};
constexpr Phrase k_no_runs{"no runs recorded since {}", "с {} ни одного запуска не записано"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
constexpr Phrase k_available{"available {}%, found broken {} of {}", "доступность {}%, сломано {} из {}"};
constexpr Phrase k_never_broken{"available 100%, looked at {}", "доступность 100%, проверено {}"};
constexpr Phrase k_never_seen{"never seen: it could not be looked at", "неизвестно: проверить не удавалось"};
constexpr Phrase k_mended{"mended in the same run", "починено в том же запуске"};
constexpr Phrase k_earlier{"{} earlier ones are left out (--format json has all)",
                           "ещё {} более ранних не показано (все есть в --format json)"};
constexpr Phrase k_not_checked{"Not checked", "Проверок не было"};
constexpr Phrase k_gap{"{} to {} ({})", "{} — {} ({})"};
constexpr Phrase k_incidents{"Incidents", "Инциденты"};
constexpr Phrase k_recovery{"Recovery", "Восстановление"};
constexpr Phrase k_told{"told: {}", "сообщено: {}"};

struct EventWord {
    std::string_view event;
    Phrase words;
};
constexpr std::array<EventWord, 11> k_events{{
    {"opened", {"broken", "сломалось"}},
    {"risen", {"became critical", "стало критичным"}},
    {"eased", {"better, not over", "лучше, но не прошло"}},
    {"resolved", {"over", "прошло"}},
    {"unwatched", {"no longer checked", "больше не проверяется"}},
    {"flapping", {"comes and goes", "то работает, то нет"}},
    {"acknowledged", {"taken note of", "принято к сведению"}},
    {"mended", {"broken and mended", "сломалось и починено"}},
    {"reminder", {"reminder", "напоминание"}},
    {"needs-person", {"a person is needed", "нужен человек"}},
    {"note", {"note", "заметка"}},
}};

std::string event_words(const RecordedEvent& event, Lang lang) {
    const auto* const known = std::find_if(k_events.begin(), k_events.end(),
                                           [&](const EventWord& each) { return each.event == event.event; });
    std::string words = known == k_events.end() ? event.event : std::string(known->words.in(lang));
    return event.kind == RecordedEvent::Kind::told ? say(k_told, words).in(lang) : words;
}

// Two digits after the point, and never 100 for what was broken once.
std::string percent(const CheckPast& check) {
    const double share = check.availability().value_or(0) * 100;
    return fmt::format("{:.2f}", check.broken > 0 ? std::min(share, 99.99) : share);
}

class PastText {
  public:
    PastText(const Past& past, const PastView& view) : m_past(past), m_view(view) {}

    std::string render() {
        head();
        for (const CheckPast& check : m_past.checks) {
            one_check(check);
        }
        gaps();
        incidents();
        recovery();
        return std::move(m_out);
    }

  private:
    void line(std::string_view text) {
        m_out += clean_line_keeping_indent(text);
        m_out += '\n';
    }

    static std::string clean_line_keeping_indent(std::string_view text) {
        const std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
        return std::string(indent, ' ') + clean(text.substr(indent));
    }

    [[nodiscard]] std::string at(WallTime time) const { return format_local(time, m_view.zone); }
    [[nodiscard]] std::string words(const Text& text) const { return text.in(m_view.lang); }
    [[nodiscard]] std::string lasted(WallTime from, WallTime until) const {
        return words(spoken(std::chrono::floor<std::chrono::seconds>(until - from).count()));
    }

    void head() {
        const std::string since = at(m_past.since);
        const Text what =
            m_past.runs == 0 ? say(k_no_runs, since) : say(k_head, since, counted(m_past.runs, k_runs));
        line(fmt::format("{} · {} · {}", m_view.host, m_past.tool, words(what)));
    }

    void one_check(const CheckPast& check) {
        const Text looks = counted(check.looks, k_times);
        const Text broken = counted(check.broken, k_times);
        const Text summary = check.looks == 0    ? say(k_never_seen)
                             : check.broken == 0 ? say(k_never_broken, looks)
                                                 : say(k_available, percent(check),
                                                       Text{std::to_string(check.broken), broken.ru},
                                                       Text{looks.en, std::to_string(check.looks)});
        line(fmt::format("{}: {}", check.name, words(summary)));
        const bool one_good = check.stretches.size() == 1 && check.stretches[0].status == Status::ok;
        if (one_good && m_view.stretches == PastView::Stretches::of_broken) {
            return;
        }
        const std::size_t first =
            check.stretches.size() > k_most_stretches ? check.stretches.size() - k_most_stretches : 0;
        if (first > 0) {
            line("  " + words(say(k_earlier, first)));
        }
        for (std::size_t i = first; i < check.stretches.size(); ++i) {
            stretch(check.stretches[i]);
        }
    }

    void stretch(const Stretch& each) {
        std::string text = fmt::format("  {}  {}  {}", at(each.since), status_mark(each.status),
                                       lasted(each.since, each.until));
        if (!each.message.empty()) {
            text += "  " + clean_line(words(each.message));
        }
        if (each.mended) {
            text += "; " + words(say(k_mended));
        }
        line(text);
    }

    void gaps() {
        if (m_past.gaps.empty()) {
            return;
        }
        line(words(say(k_not_checked)) + ":");
        for (const Gap& gap : m_past.gaps) {
            line("  " + words(say(k_gap, at(gap.from), at(gap.until), lasted(gap.from, gap.until))));
        }
    }

    void incidents() {
        section(k_incidents, m_past.events, [&](const RecordedEvent& event) {
            return fmt::format("{}  {}  {}", event.incident, event.check, event_words(event, m_view.lang));
        });
    }

    void recovery() {
        section(k_recovery, m_past.deeds, [&](const RecordedDeed& each) {
            const Deed deed{each.rung, each.action, each.target, each.ok, each.detail, each.fixed, each.took};
            return fmt::format("{}  {}", each.rung, words(deed_words(deed)));
        });
    }

    template<class T, class Line>
    void section(const Phrase& title, const std::vector<AtTime<T>>& rows, Line line_of) {
        if (rows.empty()) {
            return;
        }
        line(words(say(title)) + ":");
        const std::size_t first = rows.size() > k_most_lines ? rows.size() - k_most_lines : 0;
        if (first > 0) {
            line("  " + words(say(k_earlier, first)));
        }
        for (std::size_t i = first; i < rows.size(); ++i) {
            line(fmt::format("  {}  {}", at(rows[i].time), clean_line(line_of(rows[i].what))));
        }
    }

    const Past& m_past;
    const PastView& m_view;
    std::string m_out;
};

} // namespace

std::string render_past_text(const Past& past, const PastView& view) {
    return PastText(past, view).render();
}

} // namespace lectio
