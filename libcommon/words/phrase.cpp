#include "words/phrase.h"

#include "words/span.h"

#include <array>
#include <cstdlib>

namespace lectio {

std::string detail::format_phrase(std::string_view format, fmt::format_args arguments) {
    return fmt::vformat(format, arguments);
}

Text verbatim(std::string_view text) {
    return Text{std::string(text), std::string(text)};
}

Text join(std::string_view separator, std::initializer_list<Text> parts) {
    Text all;
    for (const Text& part : parts) {
        if (part.empty()) {
            continue;
        }
        if (!all.empty()) {
            all.en += separator;
            all.ru += separator;
        }
        all.en += part.en;
        all.ru += part.ru;
    }
    return all;
}

Text counted(std::int64_t number, const Noun& noun) {
    // CLDR plural rules: en one = 1; ru one = …1 but not …11, few = …2–4 but not …12–14.
    const std::int64_t n = std::abs(number);
    const bool teen = n % 100 >= 11 && n % 100 <= 14;
    std::string_view russian = noun.ru_many;
    if (!teen && n % 10 == 1) {
        russian = noun.ru_one;
    } else if (!teen && n % 10 >= 2 && n % 10 <= 4) {
        russian = noun.ru_few;
    }
    return Text{fmt::format("{} {}", number, n == 1 ? noun.en_one : noun.en_many),
                fmt::format("{} {}", number, russian)};
}

namespace {

struct TimeUnit {
    std::int64_t seconds;
    Noun noun;
};
using TimeUnits = std::array<TimeUnit, 4>;

constexpr Noun k_days{"day", "days", "день", "дня", "дней"};
constexpr Noun k_hours{"hour", "hours", "час", "часа", "часов"};
constexpr Noun k_minutes{"minute", "minutes", "минута", "минуты", "минут"};
constexpr Noun k_seconds{"second", "seconds", "секунда", "секунды", "секунд"};
constexpr Noun k_minutes_accusative{"minute", "minutes", "минуту", "минуты", "минут"};
constexpr Noun k_seconds_accusative{"second", "seconds", "секунду", "секунды", "секунд"};
constexpr Phrase k_moment{"less than a second", "меньше секунды"};

// Two units are enough for people, the smaller one only while it says something.
Text in_units(std::int64_t seconds, const TimeUnits& units) {
    for (std::size_t i = 0; i < units.size(); ++i) {
        const std::int64_t whole = seconds / units.at(i).seconds;
        if (whole <= 0) {
            continue;
        }
        const std::int64_t rest =
            i + 1 < units.size() ? seconds % units.at(i).seconds / units.at(i + 1).seconds : 0;
        const Text first = counted(whole, units.at(i).noun);
        const bool round = rest == 0 || whole >= 10;
        return round ? first : join(" ", {first, counted(rest, units.at(i + 1).noun)});
    }
    return say(k_moment);
}

} // namespace

Text spoken(std::int64_t seconds) {
    static constexpr TimeUnits k_units{{{86400, k_days}, {3600, k_hours}, {60, k_minutes}, {1, k_seconds}}};
    return in_units(seconds, k_units);
}

Text span_of(std::int64_t seconds) {
    static constexpr TimeUnits k_units{
        {{86400, k_days}, {3600, k_hours}, {60, k_minutes_accusative}, {1, k_seconds_accusative}}};
    return in_units(seconds, k_units);
}

} // namespace lectio
