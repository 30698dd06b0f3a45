#include "report/exposition.h"
#include "status/overview.h"
#include "util/text.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace lectio::status {
namespace {

constexpr Family k_status{"lectio_status", "How things stand: 0 ok, 1 warning, 2 critical, 3 unknown."};
constexpr Family k_seen{"lectio_check_seen_timestamp_seconds", "When a check was last looked at."};
constexpr Family k_stale{"lectio_check_stale", "Whether the last look at a check is older than it may be."};
constexpr Family k_tool_good{"lectio_tool_good",
                             "Whether a tool has finished a run within its age, and its record is whole."};
constexpr Family k_troubles{"lectio_troubles", "How many troubles there are beside checks and incidents."};
constexpr Family k_waiting{"lectio_messages_waiting", "Messages that wait to be sent."};
constexpr Family k_rejected{"lectio_messages_rejected", "Messages that were refused for good."};
constexpr Family k_quiet{"lectio_quiet",
                         "Whether messages are held back: a mute, maintenance, a deploy, packages."};
constexpr Family k_proven{"lectio_backup_proven_timestamp_seconds",
                          "When the newest proven backup of a source was made."};
constexpr Family k_backup_status{"lectio_backup_status",
                                 "Status of the backups of a source: 0 ok, 1 warning, 2 critical."};
constexpr Family k_job_good{"lectio_job_good", "Whether the last run of a job that has ended did so well."};
constexpr Family k_job_end{"lectio_job_last_end_timestamp_seconds", "When a job last ended."};
constexpr Family k_job_running{"lectio_job_running", "Whether a job runs now."};
constexpr Family k_deploy{"lectio_deploy_last_timestamp_seconds", "When the last deploy began."};

double seconds(WallTime time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1000;
}

class Metrics {
  public:
    explicit Metrics(const Overview& overview) : m_overview(overview) {
        for (const CheckRow& row : overview.checks) {
            // Of one name there is one line: the suite's notices about itself may share theirs, the worst counts.
            const CheckRow*& best = m_checks[{to_utf8(row.tool), to_utf8(row.name)}];
            if (row.worth() != Status::skipped &&
                (best == nullptr || worst(best->worth(), row.worth()) != best->worth())) {
                best = &row;
            }
        }
        std::erase_if(m_checks, [](const auto& entry) { return entry.second == nullptr; });
    }

    std::string render() {
        one(k_status, static_cast<int>(m_overview.status()));
        checks();
        incidents();
        tools();
        one(k_troubles, static_cast<double>(m_overview.troubles().size()));
        one(k_waiting, m_overview.standing.waiting);
        one(k_rejected, m_overview.standing.rejected);
        quiet();
        backups();
        jobs();
        if (!m_overview.deploys.empty()) {
            m_out.begin(k_deploy);
            m_out.moment(k_deploy, {}, seconds(m_overview.deploys.front().time));
        }
        return std::move(m_out).text();
    }

  private:
    void one(const Family& family, double value) {
        m_out.begin(family);
        m_out.line(family, {}, value);
    }

    template<class Value>
    void of_each_check(const Family& family, Value value) {
        m_out.begin(family);
        for (const auto& [name, row] : m_checks) {
            m_out.line(family, {{"tool", name.first}, {"check", name.second}}, value(*row));
        }
    }

    void checks() {
        of_each_check(k_check_status, [](const CheckRow& row) { return static_cast<int>(row.worth()); });
        of_each_check(k_stale, [](const CheckRow& row) { return row.stale ? 1 : 0; });
        m_out.begin(k_seen);
        for (const auto& [name, row] : m_checks) {
            if (row->seen) {
                m_out.moment(k_seen, {{"tool", name.first}, {"check", name.second}}, seconds(*row->seen));
            }
        }
        m_out.begin(k_check_value);
        for (const auto& [name, row] : m_checks) {
            std::set<std::string> figures; // a plugin may name two alike
            for (const RecordedMetric& metric : row->metrics) {
                const auto [figure, is_new] = figures.insert(to_utf8(metric.name));
                // A figure that nobody has looked at for long would be drawn as if it were today's.
                if (is_new && !row->stale) {
                    m_out.line(k_check_value,
                               {{"tool", name.first}, {"check", name.second}, {"metric", *figure}},
                               metric.value);
                }
            }
        }
    }

    // Of every check, so that an alert has something to compare; of scripts and units those that are open.
    void incidents() {
        std::map<std::pair<std::string, std::string>, bool> open;
        for (const auto& [name, row] : m_checks) {
            open[name] = false;
        }
        for (const OpenIncident& incident : m_overview.standing.incidents) {
            const std::size_t slash = incident.check.find('/');
            const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
            open[{to_utf8(incident.check.substr(0, name == 0 ? 0 : slash)),
                  to_utf8(incident.check.substr(name))}] = true;
        }
        m_out.begin(k_incident_open);
        for (const auto& [name, is_open] : open) {
            m_out.line(k_incident_open, {{"tool", name.first}, {"check", name.second}}, is_open ? 1 : 0);
        }
    }

    void tools() {
        m_out.begin(k_tool_good);
        for (const ToolRow& tool : m_overview.tools) {
            m_out.line(k_tool_good, {{"tool", tool.name}}, tool.state == ToolRow::State::good ? 1 : 0);
        }
        m_out.begin(k_last_run);
        for (const ToolRow& tool : m_overview.tools) {
            if (tool.finished) {
                m_out.moment(k_last_run, {{"tool", tool.name}}, seconds(*tool.finished));
            }
        }
    }

    void quiet() {
        m_out.begin(k_quiet);
        for (const Quiet reason : k_quiets) {
            const auto& spans = m_overview.standing.quiet;
            const bool in_force = std::any_of(spans.begin(), spans.end(),
                                              [&](const QuietSpan& span) { return span.quiet == reason; });
            m_out.line(k_quiet, {{"reason", to_string(reason)}}, in_force ? 1 : 0);
        }
    }

    void backups() {
        if (m_overview.backups.empty()) {
            return;
        }
        m_out.begin(k_backup_status);
        for (const BackupRow& backup : m_overview.backups) {
            m_out.line(k_backup_status, {{"source", backup.source}}, static_cast<int>(backup.status));
        }
        m_out.begin(k_proven);
        for (const BackupRow& backup : m_overview.backups) {
            if (backup.proven && !backup.only_bytes) {
                m_out.moment(k_proven, {{"source", backup.source}}, seconds(*backup.proven));
            }
        }
    }

    // What nobody knows the end of is absent of the ends: an alert on its age goes off.
    void jobs() {
        if (m_overview.jobs.empty()) {
            return;
        }
        m_out.begin(k_job_good);
        for (const JobRow& job : m_overview.jobs) {
            if (job.ended || job.status() == Status::warning) {
                const bool good = job.status() == Status::ok && job.exit_status == 0;
                m_out.line(k_job_good, {{"job", job.name}}, good ? 1 : 0);
            }
        }
        m_out.begin(k_job_running);
        for (const JobRow& job : m_overview.jobs) {
            m_out.line(k_job_running, {{"job", job.name}}, job.state == JobRow::State::running ? 1 : 0);
        }
        m_out.begin(k_job_end);
        for (const JobRow& job : m_overview.jobs) {
            if (job.ended) {
                m_out.moment(k_job_end, {{"job", job.name}}, seconds(*job.ended));
            }
        }
    }

    const Overview& m_overview;
    std::map<std::pair<std::string, std::string>, const CheckRow*> m_checks;
    Exposition m_out;
};

} // namespace

std::string render_prometheus(const Overview& overview) {
    return Metrics(overview).render();
}

} // namespace lectio::status
