#include "config/values.h"

#include <fmt/format.h>

namespace lectio {

std::string StatusSet::words() const {
    std::string words;
    for (const Range& range : m_ranges) {
        if (!words.empty()) {
            words += ", ";
        }
        if (range.first == range.last) {
            words += fmt::format("{}", range.first);
        } else if (range.first % 100 == 0 && range.last == range.first + 99) {
            words += fmt::format("{}xx", range.first / 100);
        } else {
            words += fmt::format("{}-{}", range.first, range.last);
        }
    }
    return words;
}

} // namespace lectio
