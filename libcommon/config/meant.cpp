#include "config/meant.h"

#include "util/text.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

using Unit = Amount::Unit;

// How people write a unit, in small letters (Cyrillic ones as they come), and how the configuration does.
struct Spelling {
    std::string_view theirs, ours;
    Unit unit;
};
constexpr auto k_spellings = std::to_array<Spelling>({
    {"ms", "ms", Unit::milliseconds},
    {"msec", "ms", Unit::milliseconds},
    {"msecs", "ms", Unit::milliseconds},
    {"millis", "ms", Unit::milliseconds},
    {"millisecond", "ms", Unit::milliseconds},
    {"milliseconds", "ms", Unit::milliseconds},
    {"мс", "ms", Unit::milliseconds},
    {"s", "s", Unit::milliseconds},
    {"sec", "s", Unit::milliseconds},
    {"secs", "s", Unit::milliseconds},
    {"second", "s", Unit::milliseconds},
    {"seconds", "s", Unit::milliseconds},
    {"с", "s", Unit::milliseconds},
    {"сек", "s", Unit::milliseconds},
    {"секунд", "s", Unit::milliseconds},
    {"m", "m", Unit::milliseconds},
    {"min", "m", Unit::milliseconds},
    {"mins", "m", Unit::milliseconds},
    {"minute", "m", Unit::milliseconds},
    {"minutes", "m", Unit::milliseconds},
    {"м", "m", Unit::milliseconds},
    {"мин", "m", Unit::milliseconds},
    {"минут", "m", Unit::milliseconds},
    {"h", "h", Unit::milliseconds},
    {"hr", "h", Unit::milliseconds},
    {"hrs", "h", Unit::milliseconds},
    {"hour", "h", Unit::milliseconds},
    {"hours", "h", Unit::milliseconds},
    {"ч", "h", Unit::milliseconds},
    {"час", "h", Unit::milliseconds},
    {"часа", "h", Unit::milliseconds},
    {"часов", "h", Unit::milliseconds},
    {"d", "d", Unit::milliseconds},
    {"day", "d", Unit::milliseconds},
    {"days", "d", Unit::milliseconds},
    {"д", "d", Unit::milliseconds},
    {"дн", "d", Unit::milliseconds},
    {"день", "d", Unit::milliseconds},
    {"дня", "d", Unit::milliseconds},
    {"дней", "d", Unit::milliseconds},
    {"b", "B", Unit::bytes},
    {"byte", "B", Unit::bytes},
    {"bytes", "B", Unit::bytes},
    {"k", "KB", Unit::bytes},
    {"kb", "KB", Unit::bytes},
    {"kib", "KB", Unit::bytes},
    {"Кб", "KB", Unit::bytes},
    {"КБ", "KB", Unit::bytes},
    {"кб", "KB", Unit::bytes},
    {"m", "MB", Unit::bytes},
    {"mb", "MB", Unit::bytes},
    {"mib", "MB", Unit::bytes},
    {"Мб", "MB", Unit::bytes},
    {"МБ", "MB", Unit::bytes},
    {"мб", "MB", Unit::bytes},
    {"g", "GB", Unit::bytes},
    {"gb", "GB", Unit::bytes},
    {"gib", "GB", Unit::bytes},
    {"Гб", "GB", Unit::bytes},
    {"ГБ", "GB", Unit::bytes},
    {"гб", "GB", Unit::bytes},
    {"t", "TB", Unit::bytes},
    {"tb", "TB", Unit::bytes},
    {"tib", "TB", Unit::bytes},
    {"%", "%", Unit::percent},
    {"percent", "%", Unit::percent},
    {"per cent", "%", Unit::percent},
    {"pct", "%", Unit::percent},
    {"проц", "%", Unit::percent},
    {"процентов", "%", Unit::percent},
});

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "1,5" and "1.5" as "1.5"; empty where it is no such number. "1,500" may be one and a half or 1500.
std::string number_of(std::string_view text) {
    const std::size_t mark = text.find_first_of(".,");
    const std::string_view whole = text.substr(0, mark);
    const std::string_view part = mark == std::string_view::npos ? "" : text.substr(mark + 1);
    const bool digits = !whole.empty() && std::all_of(whole.begin(), whole.end(), is_digit) &&
                        std::all_of(part.begin(), part.end(), is_digit);
    const bool thousands = mark != std::string_view::npos && text[mark] == ',' && part.size() == 3;
    if (!digits || thousands) {
        return {};
    }
    return std::string(whole) + (part.empty() ? "" : "." + std::string(part));
}

std::string_view bare_unit(std::span<const Unit> units) {
    if (units.size() != 1) {
        return {};
    }
    return units[0] == Unit::milliseconds ? "s" : units[0] == Unit::percent ? "%" : "";
}

} // namespace

std::string meant_amount(std::string_view text, std::span<const Unit> units) {
    text = trim(text);
    const std::size_t end = std::min(text.find_first_not_of("0123456789.,"), text.size());
    const std::string number = number_of(text.substr(0, end));
    const std::string unit = to_lower_ascii(trim(text.substr(end)));
    if (number.empty()) {
        return {};
    }
    if (unit.empty()) {
        const std::string_view ours = bare_unit(units);
        return ours.empty() ? "" : number + std::string(ours);
    }
    for (const Spelling& spelling : k_spellings) {
        const bool allowed =
            units.empty() || std::find(units.begin(), units.end(), spelling.unit) != units.end();
        if (allowed && spelling.theirs == unit) {
            return number + std::string(spelling.ours);
        }
    }
    return {};
}

} // namespace lectio
