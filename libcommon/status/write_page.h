// The page of [status] html, written after a run.
#pragma once

#include "config/config.h"
#include "platform/world.h"
#include "util/result.h"

#include <string>

namespace lectio {
class ToolSession;
}

namespace lectio::status {

// What the run that has just ended is to the page. routine: nothing has changed, and a page that was written within the
// last moments will do.
enum class RunWas { routine, news };

// Nothing where no page is configured. The days that are over are kept in state/page-days.json.
Result<void> write_page(World& world, const Config& config, const std::string& host, RunWas run);
// The same, as a checking tool asks for it (pipeline/checking_run.h).
Result<void> write_page_after_run(World& world, const Config& config, const std::string& host, bool changed);
// After a run of what is no checking tool; what stands in the way is said aside.
void write_page(ToolSession& session, RunWas run);

} // namespace lectio::status
