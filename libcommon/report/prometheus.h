// The report as Prometheus metrics, in the text exposition format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats), for --format prometheus and node_exporter's textfiles.
#pragma once

#include "platform/files.h"
#include "report/report.h"

#include <string>
#include <string_view>

namespace lectio {

// lectio_check_status, lectio_check_duration_seconds, lectio_check_value, lectio_last_run_timestamp_seconds,
// lectio_incident_open (CONTRACT 27). Checks that were skipped are absent.
std::string render_prometheus(const Report& report);

// The file of one tool: `configured` (paths.metrics) itself for health, beside it lectio-smoke.prom for smoke …
// A file of its own needs no lock and no reading back of what others wrote (docs/decisions/0013).
Path metrics_file(const Path& configured, std::string_view short_name);
// Atomically, readable by everybody: who collects it is another user. The folder has to be there. The tool's lock is
// held: what a run that was killed here has left is swept.
Result<void> write_metrics(Files& files, const Path& file, std::string_view text);

} // namespace lectio
