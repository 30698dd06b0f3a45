#include "report/prometheus.h"

#include "report/exposition.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_for_everybody = 0644;
constexpr std::string_view k_prefix = "lectio-";

constexpr Family k_duration{"lectio_check_duration_seconds", "How long the look at a check took."};

class Metrics {
  public:
    explicit Metrics(const Report& report) : m_report(report), m_tool(report.tool) {
        if (m_tool.starts_with(k_prefix)) {
            m_tool.remove_prefix(k_prefix.size());
        }
        collect();
    }

    std::string render() {
        m_out.begin(k_check_status);
        for (const CheckReport* check : m_checks) {
            line(k_check_status, *check, static_cast<int>(check->result.status));
        }
        m_out.begin(k_duration);
        for (const CheckReport* check : m_checks) {
            line(k_duration, *check, static_cast<double>(check->duration.count()) / 1e6);
        }
        values();
        m_out.begin(k_incident_open);
        for (const CheckReport* check : m_checks) {
            line(k_incident_open, *check, check->incident ? 1 : 0);
        }
        m_out.begin(k_last_run);
        const auto ms = static_cast<double>(m_report.time.time_since_epoch().count());
        m_out.moment(k_last_run, {{"tool", m_tool}}, ms / 1000);
        return std::move(m_out).text();
    }

  private:
    // Of one name there is one line: the suite's notices about itself may share theirs, the worst counts.
    void collect() {
        for (const CheckReport& check : m_report.checks) {
            if (check.result.status == Status::skipped) {
                continue;
            }
            const auto same = std::find_if(m_checks.begin(), m_checks.end(),
                                           [&](const CheckReport* seen) { return seen->name == check.name; });
            if (same == m_checks.end()) {
                m_checks.push_back(&check);
            } else if (worst((*same)->result.status, check.result.status) != (*same)->result.status) {
                *same = &check;
            }
        }
    }

    void line(const Family& family, const CheckReport& check, double value) {
        m_out.line(family, {{"tool", m_tool}, {"check", check.name}}, value);
    }

    void values() {
        m_out.begin(k_check_value);
        for (const CheckReport* check : m_checks) {
            std::set<std::string_view> seen; // a plugin may name two figures alike
            for (const Metric& metric : check->result.metrics) {
                if (seen.insert(metric.name).second) {
                    m_out.line(k_check_value,
                               {{"tool", m_tool}, {"check", check->name}, {"metric", metric.name}},
                               metric.value);
                }
            }
        }
    }

    const Report& m_report;
    std::string_view m_tool;
    std::vector<const CheckReport*> m_checks;
    Exposition m_out;
};

} // namespace

std::string render_prometheus(const Report& report) {
    return Metrics(report).render();
}

Path metrics_file(const Path& configured, std::string_view short_name) {
    if (configured.empty() || short_name == "health") {
        return configured;
    }
    return configured.parent_path() /
           fmt::format("{}-{}{}", configured.stem().string(), short_name, configured.extension().string());
}

Result<void> write_metrics(Files& files, const Path& file, std::string_view text) {
    if (const Result<std::vector<std::string>> names = files.list(file.parent_path())) {
        const std::string left_behind = fmt::format(".tmp-{}-", file.filename().string());
        for (const std::string& name : *names) {
            if (name.starts_with(left_behind)) {
                [[maybe_unused]] const Result<void> swept = files.remove(file.parent_path() / name);
            }
        }
    }
    return write_atomically(files, file, text, k_for_everybody);
}

} // namespace lectio
