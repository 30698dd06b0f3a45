// That a tool which is no checking run has run: what watches the watcher looks at it (heartbeat.tools, CONTRACT 8).
#pragma once

#include "cli/tool_session.h"

#include <string>

namespace lectio {

// In state/TOOL, as a checking run leaves it; `tool` is "backup". The caller holds the lock of its runs. What stands in
// the way is said aside.
void remember_finished_run(ToolSession& session, const std::string& tool);

} // namespace lectio
