#include "report/report.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

// The plugin output is parsed by others: the level words are English whatever the language of the rest.
std::string_view level(Status status) {
    switch (status) {
    case Status::ok:
    case Status::skipped:
        return "OK";
    case Status::warning:
        return "WARNING";
    case Status::critical:
        return "CRITICAL";
    case Status::unknown:
        return "UNKNOWN";
    }
    return "UNKNOWN";
}

// '|' separates the performance data and may not stand in the words.
std::string plain(std::string_view text) {
    std::string words = clean_line(redact(text));
    std::replace(words.begin(), words.end(), '|', '/');
    return words;
}

std::string bound(const std::optional<double>& value) {
    return value ? fmt::format("{:g}", *value) : std::string();
}

std::string performance_data(const CheckReport& check) {
    std::string text;
    for (const Metric& metric : check.result.metrics) {
        std::string label = check.name + "_" + metric.name;
        std::erase_if(label, [](char c) { return c == '\'' || c == '=' || c == '|'; });
        text += fmt::format(" '{}'={:.6g}{};{};{}", label, metric.value, metric.unit, bound(metric.warn),
                            bound(metric.crit));
    }
    return text;
}

} // namespace

std::string render_nagios(const Report& report, Lang lang) {
    std::string broken;
    std::size_t fine = 0;
    for (const Status wanted : {Status::critical, Status::warning, Status::unknown}) {
        for (const CheckReport& check : report.checks) {
            const bool told = check.result.message.en == report.reason.en; // leads the line
            if (check.result.status == wanted && !check.symptom_of && !told) {
                broken += fmt::format("{}{}: {}", broken.empty() ? "" : "; ", check.name,
                                      shorten(plain(check.result.message.in(lang)), 200));
            }
        }
    }
    std::string data;
    for (const CheckReport& check : report.checks) {
        fine += check.result.status == Status::ok ? 1U : 0U;
        data += performance_data(check);
    }
    for (const Text& quiet : report.quiet) {
        broken += (broken.empty() ? "" : "; ") + plain(quiet.in(lang));
    }
    if (!report.reason.empty()) {
        broken = plain(report.reason.in(lang)) + (broken.empty() ? "" : "; ") + broken;
    }
    return fmt::format("LECTIO {} - {}{}{} of {} checks ok |{}\n", level(report.status), broken,
                       broken.empty() ? "" : "; ", fine, report.checks.size(), data);
}

} // namespace lectio
