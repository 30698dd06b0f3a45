// Audit: what a run's checks of hardening have found, each with why it matters and the line that mends it.
#pragma once

#include "report/report.h"

#include <string>

namespace lectio {

enum class AuditForm { text, markdown };

// An area for each check, the worst first; what could not be looked at and what is well come last, a line each. Ends in
// a newline. As JSON an audit is render_json(): each check has its "findings".
std::string render_audit(const Report& report, Lang lang, AuditForm form);

} // namespace lectio
