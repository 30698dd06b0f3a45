#include "report/words.h"

#include "report/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_all_good{"all good", "всё в порядке"};
constexpr Phrase k_warning{"warning", "предупреждение"};
constexpr Phrase k_critical{"broken", "сломано"};
constexpr Phrase k_unknown{"could not look", "не удалось проверить"};
constexpr Phrase k_done{"{0} on {1}: done ({2})", "{0} для {1}: сделано ({2})"};
constexpr Phrase k_failed{"{0} on {1}: failed ({2})", "{0} для {1}: не вышло ({2})"};
constexpr Phrase k_fixed{"works again: {}", "снова работает: {}"};

std::string_view colour_of(Status status) {
    switch (status) {
    case Status::ok:
        return "\x1B[32m";
    case Status::warning:
        return "\x1B[33m";
    case Status::critical:
        return "\x1B[31;1m";
    case Status::unknown:
        return "\x1B[35m";
    case Status::skipped:
        return "\x1B[2m";
    }
    return "";
}

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

std::string painted(std::string_view text, Status status, Paint paint) {
    return paint == Paint::yes ? fmt::format("{}{}\x1B[0m", colour_of(status), text) : std::string(text);
}

Text status_words(Status status) {
    switch (status) {
    case Status::skipped:
        return say(k_nothing_checked);
    case Status::warning:
        return say(k_warning);
    case Status::critical:
        return say(k_critical);
    case Status::unknown:
        return say(k_unknown);
    default:
        return say(k_all_good);
    }
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
