#include "report/prometheus.h"

#include "util/text.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_for_everybody = 0644;
constexpr std::string_view k_prefix = "lectio-";

// The help of a family has to be the same in every file: node_exporter drops what contradicts (its issue 1885).
struct Family {
    std::string_view name, help;
};
constexpr Family k_status{"lectio_check_status",
                          "Status of a check: 0 ok, 1 warning, 2 critical, 3 unknown."};
constexpr Family k_duration{"lectio_check_duration_seconds", "How long the look at a check took."};
constexpr Family k_value{"lectio_check_value", "A figure that a check has measured, in base units."};
constexpr Family k_incident{"lectio_incident_open", "Whether an incident of a check is open."};
constexpr Family k_last_run{"lectio_last_run_timestamp_seconds", "When the last whole run of a tool began."};

std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"') {
            text += '\\';
        }
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return text;
}

std::string number(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    return fmt::format("{}", value);
}

class Exposition {
  public:
    explicit Exposition(const Report& report) : m_report(report), m_tool(report.tool) {
        if (m_tool.starts_with(k_prefix)) {
            m_tool.remove_prefix(k_prefix.size());
        }
        collect();
    }

    std::string render() {
        begin(k_status);
        for (const CheckReport* check : m_checks) {
            line(k_status, *check, number(static_cast<int>(check->result.status)));
        }
        begin(k_duration);
        for (const CheckReport* check : m_checks) {
            line(k_duration, *check, number(static_cast<double>(check->duration.count()) / 1e6));
        }
        values();
        begin(k_incident);
        for (const CheckReport* check : m_checks) {
            line(k_incident, *check, check->incident ? "1" : "0");
        }
        begin(k_last_run);
        const auto ms = static_cast<double>(m_report.time.time_since_epoch().count());
        m_text += fmt::format("{}{{tool=\"{}\"}} {:.3f}\n", k_last_run.name, escaped(m_tool), ms / 1000);
        return std::move(m_text);
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

    void begin(const Family& family) {
        m_text += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", family.name, family.help);
    }

    void line(const Family& family, const CheckReport& check, std::string_view value) {
        m_text += fmt::format("{}{{tool=\"{}\",check=\"{}\"}} {}\n", family.name, escaped(m_tool),
                              escaped(check.name), value);
    }

    void values() {
        begin(k_value);
        for (const CheckReport* check : m_checks) {
            std::set<std::string_view> seen; // a plugin may name two figures alike
            for (const Metric& metric : check->result.metrics) {
                if (seen.insert(metric.name).second) {
                    m_text += fmt::format("{}{{tool=\"{}\",check=\"{}\",metric=\"{}\"}} {}\n", k_value.name,
                                          escaped(m_tool), escaped(check->name),
                                          escaped(to_utf8(metric.name)), number(metric.value));
                }
            }
        }
    }

    const Report& m_report;
    std::string_view m_tool;
    std::vector<const CheckReport*> m_checks;
    std::string m_text;
};

} // namespace

std::string render_prometheus(const Report& report) {
    return Exposition(report).render();
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
