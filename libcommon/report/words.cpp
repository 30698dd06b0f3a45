#include "report/words.h"

#include "report/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_done{"{0} on {1}: done ({2})", "{0} для {1}: сделано ({2})"};
constexpr Phrase k_failed{"{0} on {1}: failed ({2})", "{0} для {1}: не вышло ({2})"};
constexpr Phrase k_fixed{"works again: {}", "снова работает: {}"};

} // namespace

std::string_view status_mark(Status status) {
    switch (status) {
    case Status::ok:
        return "ok  ";
    case Status::warning:
        return "WARN";
    case Status::critical:
        return "CRIT";
    case Status::unknown:
        return "??  ";
    case Status::skipped:
        return "-   ";
    }
    return "??  ";
}

Status said_status(const Report& report) {
    const bool looked = std::any_of(report.checks.begin(), report.checks.end(), [](const CheckReport& check) {
        return check.result.status != Status::skipped;
    });
    const bool is_fine = report.status == Status::ok || report.status == Status::skipped;
    return !is_fine ? report.status : looked ? Status::ok : Status::skipped;
}

Text deed_words(const Deed& deed) {
    const Text words = say(deed.ok ? k_done : k_failed, deed.action,
                           deed.target.empty() ? deed.rung : deed.target, deed.detail);
    if (deed.fixed.empty()) {
        return words;
    }
    return join("; ", {words, say(k_fixed, fmt::format("{}", fmt::join(deed.fixed, ", ")))});
}

} // namespace lectio
