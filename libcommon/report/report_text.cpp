#include "checks/shared_words.h"
#include "report/report.h"
#include "report/words.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_symptom_of{"a consequence of {}", "следствие: {}"};
constexpr Phrase k_recovery{"Recovery", "Восстановление"};
constexpr Phrase k_alerts{"Alerts: {} sent, {} waiting", "Сообщения: отправлено {}, ждут {}"};
constexpr Phrase k_rejected{"{} refused for good (lectio-notify test says why)",
                            "отвергнуто навсегда: {} (почему: lectio-notify test)"};
constexpr Phrase k_waiting{"{} ({})", "{} ({})"};
constexpr Phrase k_incident{"incident {} since {}", "инцидент {} с {}"};
constexpr Phrase k_flapping{"good and bad by turns, closed when it settles",
                            "то ломается, то чинится; закроется, когда успокоится"};
constexpr Phrase k_settling{"good just now, closed when it stays so",
                            "сейчас в порядке; закроется, если так и останется"};
constexpr Phrase k_and_skipped{"{}, {} not done", "{}, не проверено: {}"};
constexpr Noun k_checks{"check", "checks", "проверка", "проверки", "проверок"};

std::string in_human_units(const Metric& metric) {
    if (metric.unit == "B" && metric.value >= 0) {
        return format_size(Bytes{static_cast<std::uint64_t>(metric.value)});
    }
    constexpr double k_long = 60; // what is shorter is worth its digits
    if (metric.unit == "s" && metric.value >= k_long) {
        return format_duration(std::chrono::round<Duration>(std::chrono::duration<double>(metric.value)));
    }
    return plain_number(metric.value) + metric.unit;
}

std::vector<const CheckReport*> worst_first(const std::vector<CheckReport>& checks) {
    std::vector<const CheckReport*> order;
    for (const CheckReport& check : checks) {
        order.push_back(&check);
    }
    // Symptoms follow the causes; otherwise the order of the configuration, which is the reader's own.
    std::stable_sort(order.begin(), order.end(), [](const CheckReport* a, const CheckReport* b) {
        const auto key = [](const CheckReport* c) {
            const Status status = c->result.status;
            const bool fine = status == Status::ok || status == Status::skipped;
            const int badness = status == Status::critical ? 0 : status == Status::warning ? 1 : 2;
            return std::array<int, 3>{fine ? 1 : 0, c->symptom_of ? 1 : 0, fine ? 0 : badness};
        };
        return key(a) < key(b);
    });
    return order;
}

class TextReport {
  public:
    TextReport(const Report& report, Lang lang, const std::string& zone, Detail detail, Paint paint)
        : m_report(report), m_lang(lang), m_timezone(zone), m_detail(detail), m_paint(paint) {}

    std::string render() {
        head();
        checks();
        recovery();
        tail();
        return std::move(m_out);
    }

  private:
    void line(std::string_view text) {
        m_out += clean(text);
        m_out += '\n';
    }

    void head() {
        const auto count = static_cast<std::int64_t>(m_report.checks.size());
        const std::string words = fmt::format("{} · {} · {} · ", m_report.host, m_report.tool,
                                              format_local(m_report.time, m_timezone));
        m_out += clean_line(words) + ' ';
        const Status status = said_status(m_report);
        Text words_of_status = status_words(status);
        if (const auto missed = not_done(); missed > 0 && status != Status::skipped) {
            words_of_status = say(k_and_skipped, words_of_status, missed);
        }
        m_out += painted(words_of_status.in(m_lang), status, m_paint);
        m_out += fmt::format(" ({}, {:.0f} ms)\n", counted(count, k_checks).in(m_lang),
                             static_cast<double>(m_report.duration.count()) / 1000.0);
        if (!m_report.reason.empty() && !stands_in_a_check(m_report.reason)) {
            line(m_report.reason.in(m_lang));
        }
        for (const Text& quiet : m_report.quiet) {
            line("· " + quiet.in(m_lang));
        }
        for (const Text& note : m_report.notes) {
            line("· " + note.in(m_lang));
        }
    }

    // What was to be looked at and was not.
    [[nodiscard]] std::ptrdiff_t not_done() const {
        return std::count_if(m_report.checks.begin(), m_report.checks.end(), [](const CheckReport& check) {
            return check.result.status == Status::skipped && check.result.message != say(k_nothing_made);
        });
    }

    [[nodiscard]] bool stands_in_a_check(const Text& words) const {
        return std::any_of(m_report.checks.begin(), m_report.checks.end(), [&](const CheckReport& check) {
            return check.result.message.en.find(words.en) != std::string::npos;
        });
    }

    void checks() {
        std::size_t width = 8;
        for (const CheckReport& check : m_report.checks) {
            width = std::max(width, check.name.size());
        }
        for (const CheckReport* check : worst_first(m_report.checks)) {
            one_check(*check, width);
        }
    }

    void one_check(const CheckReport& check, std::size_t width) {
        const CheckResult& result = check.result;
        m_out += fmt::format("  {}  {:<{}}  {}", painted(status_mark(result.status), result.status, m_paint),
                             check.name, width, clean_line(result.message.in(m_lang)));
        if (check.symptom_of) {
            m_out += fmt::format(" ({})", say(k_symptom_of, *check.symptom_of).in(m_lang));
        }
        if (m_detail == Detail::verbose) {
            m_out += fmt::format("  [{:.1f} ms]", static_cast<double>(check.duration.count()) / 1000.0);
        }
        m_out += '\n';
        const bool fine = result.status == Status::ok || result.status == Status::skipped;
        const std::string indent(width + 10, ' ');
        if (!result.hint.empty() && !fine) {
            line(indent + "→ " + result.hint.in(m_lang));
        }
        if (!result.evidence.empty() && !fine) {
            line(indent + "» " + shorten(clean_line(result.evidence), 300));
        }
        if (m_detail == Detail::verbose) {
            for (const Metric& metric : result.metrics) {
                line(fmt::format("{}{} = {}", indent, metric.name, in_human_units(metric)));
            }
        }
    }

    void recovery() {
        if (m_report.recovery.empty()) {
            return;
        }
        line(say(k_recovery).in(m_lang) + ":");
        for (const Deed& deed : m_report.recovery) {
            line(fmt::format("  {}  {}", deed.rung, deed_words(deed).in(m_lang)));
        }
    }

    void tail() {
        for (const IncidentReport& incident : m_report.incidents) {
            if (incident.state == IncidentReport::State::resolved) {
                continue;
            }
            const Text words =
                join("; ", {say(k_incident, incident.id, format_local(incident.since, m_timezone)),
                            why_open(incident)});
            line(fmt::format("  {}: {}", incident.check, words.in(m_lang)));
        }
        const AlertsReport& alerts = m_report.alerts;
        if (alerts.sent + alerts.waiting + alerts.rejected > 0) {
            Text counts = say(k_alerts, alerts.sent, alerts.waiting);
            if (alerts.waiting > 0 && !alerts.why_waiting.empty()) {
                counts = say(k_waiting, counts, alerts.why_waiting);
            }
            std::string text = counts.in(m_lang);
            if (alerts.rejected > 0) {
                text += ", " + say(k_rejected, alerts.rejected).in(m_lang);
            }
            line(text);
        }
    }

    // An open incident under "all good" would be a riddle.
    [[nodiscard]] Text why_open(const IncidentReport& incident) const {
        if (incident.flapping) {
            return say(k_flapping);
        }
        const bool good =
            std::any_of(m_report.checks.begin(), m_report.checks.end(), [&](const CheckReport& check) {
                return check.name == incident.check && check.result.status == Status::ok;
            });
        return good ? say(k_settling) : Text{};
    }

    const Report& m_report;
    Lang m_lang;
    const std::string& m_timezone;
    Detail m_detail;
    Paint m_paint;
    std::string m_out;
};

} // namespace

std::string render_text(const Report& report, Lang lang, const std::string& zone, Detail detail,
                        Paint paint) {
    return TextReport(report, lang, zone, detail, paint).render();
}

} // namespace lectio
