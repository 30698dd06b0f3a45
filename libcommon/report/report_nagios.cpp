#include "report/report.h"
#include "report/words.h"
#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

// The plugin output is parsed by others: the level words are English whatever the language of the rest.
std::string_view level(Status status) {
    switch (status) {
    case Status::ok:
        return "OK";
    case Status::warning:
        return "WARNING";
    case Status::critical:
        return "CRITICAL";
    case Status::unknown:
    case Status::skipped:
        break;
    }
    return "UNKNOWN";
}

// What a check says beside the reason, which leads the line.
std::string beside(const std::string& reason, std::string words) {
    const std::size_t at = reason.empty() ? std::string::npos : words.find(reason);
    if (at == std::string::npos) {
        return words;
    }
    constexpr std::string_view k_between = "; "; // of what a check joins
    words.erase(at, reason.size());
    if (std::string_view(words).substr(at).starts_with(k_between)) {
        words.erase(at, k_between.size());
    } else if (std::string_view(words).ends_with(k_between)) {
        words.erase(words.size() - k_between.size());
    }
    return words;
}

// "10" is left above, "10:" below (Monitoring Plugins Development Guidelines, threshold and ranges).
enum class Left { above, below };
std::string range(const std::optional<double>& bound, Left left) {
    if (!bound) {
        return {};
    }
    return plain_number(*bound) + (left == Left::below ? ":" : "");
}

// Units beyond the guidelines' make a parser drop the value or the whole line.
std::string_view unit_of(const Metric& metric) {
    constexpr std::array<std::string_view, 9> k_known{"s", "us", "ms", "%", "B", "KB", "MB", "TB", "c"};
    const bool known = std::find(k_known.begin(), k_known.end(), metric.unit) != k_known.end();
    return known ? std::string_view(metric.unit) : std::string_view();
}

std::string performance_data(const CheckReport& check) {
    std::string text;
    for (const Metric& metric : check.result.metrics) {
        std::string label = check.name + "_" + metric.name;
        std::erase_if(label, [](char c) { return c == '\'' || c == '=' || c == '|'; });
        const Left warn = metric.bad == Metric::Bad::below ? Left::below : Left::above;
        const Left crit = metric.bad == Metric::Bad::above ? Left::above : Left::below;
        text += fmt::format(" '{}'={}{};{};{}", label, plain_number(metric.value), unit_of(metric),
                            range(metric.warn, warn), range(metric.crit, crit));
    }
    return text;
}

} // namespace

std::string nagios_words(std::string_view text) {
    std::string words = clean_line(redact(text));
    std::replace(words.begin(), words.end(), '|', '/');
    return words;
}

std::string plain_number(double value) {
    constexpr double k_large = 1e6; // a fraction of such a number is noise of the arithmetic
    if (std::abs(value) >= k_large) {
        return fmt::format("{:.0f}", value);
    }
    std::string text = fmt::format("{:.6f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text;
}

Status nagios_status(const Report& report) {
    const Status status = said_status(report);
    return status == Status::skipped ? Status::unknown : status;
}

std::string render_nagios(const Report& report, Lang lang) {
    const std::string reason = nagios_words(report.reason.in(lang));
    std::string broken;
    std::size_t fine = 0;
    for (const Status wanted : {Status::critical, Status::warning, Status::unknown}) {
        for (const CheckReport& check : report.checks) {
            const std::string words = beside(reason, nagios_words(check.result.message.in(lang)));
            if (check.result.status == wanted && !check.symptom_of && !words.empty()) {
                broken +=
                    fmt::format("{}{}: {}", broken.empty() ? "" : "; ", check.name, shorten(words, 200));
            }
        }
    }
    std::string data;
    for (const CheckReport& check : report.checks) {
        fine += check.result.status == Status::ok ? 1U : 0U;
        data += performance_data(check);
    }
    for (const Text& quiet : report.quiet) {
        broken += (broken.empty() ? "" : "; ") + nagios_words(quiet.in(lang));
    }
    if (!reason.empty()) {
        broken = reason + (broken.empty() ? "" : "; ") + broken;
    }
    if (said_status(report) == Status::skipped) {
        broken += (broken.empty() ? "" : "; ") + std::string(k_nothing_checked.in(lang));
    }
    return fmt::format("LECTIO {} - {}{}{} of {} checks ok |{}\n", level(nagios_status(report)), broken,
                       broken.empty() ? "" : "; ", fine, report.checks.size(), data);
}

} // namespace lectio
