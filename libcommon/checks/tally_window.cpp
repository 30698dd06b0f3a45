#include "checks/tally_window.h"

#include "checks/moment.h"
#include "util/number.h"
#include "util/text.h"

#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

Tallies tallies_from(std::string_view text) {
    Tallies counts;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) {
            continue;
        }
        if (const auto count = number_from<std::uint64_t>(part.substr(equals + 1))) {
            counts[std::string(part.substr(0, equals))] += *count;
        }
    }
    return counts;
}

void add_to(Tallies& sum, const Tallies& counts) {
    for (const auto& [name, count] : counts) {
        if (count > 0) {
            sum[name] += count;
        }
    }
}

} // namespace

TallyWindow TallyWindow::from(std::string_view text) {
    TallyWindow window;
    for (const std::string_view part : split(text, ' ')) {
        const std::size_t at = part.find('@');
        if (at == std::string_view::npos) {
            continue;
        }
        Tallies counts = tallies_from(part.substr(0, at));
        const std::optional<Now> moment = moment_from_text(part.substr(at + 1));
        if (moment && !counts.empty()) {
            window.m_steps.push_back({std::move(counts), *moment});
        }
    }
    return window;
}

void TallyWindow::add(const Tallies& fresh, const Now& now, Duration length, int steps) {
    std::erase_if(m_steps, [&](const Step& step) { return elapsed(step.at, now) >= length; });
    Tallies counts;
    add_to(counts, fresh);
    if (counts.empty()) {
        return;
    }
    if (!m_steps.empty() && elapsed(m_steps.back().at, now) < length / steps) {
        add_to(m_steps.back().counts, counts);
    } else {
        m_steps.push_back({std::move(counts), now});
    }
}

Tallies TallyWindow::total() const {
    Tallies sum;
    for (const Step& step : m_steps) {
        add_to(sum, step.counts);
    }
    return sum;
}

std::string TallyWindow::text() const {
    std::string text;
    for (const Step& step : m_steps) {
        text += text.empty() ? "" : " ";
        std::string_view comma;
        for (const auto& [name, count] : step.counts) {
            text += fmt::format("{}{}={}", comma, name, count);
            comma = ",";
        }
        text += "@" + moment_to_text(step.at);
    }
    return text;
}

} // namespace lectio
