#include "run.h"

#include "discovery/discover.h"
#include "job.h"
#include "pipeline/checking_run.h"
#include "status/write_page.h"

namespace lectio::health {

int run(const Options& options, World world) {
    CheckingTool tool{"health", make_job};
    tool.discovery = discover;
    tool.by_old_name = options.by_old_name;
    tool.publishes = status::write_page_after_run;
    return run_checking_tool(tool, options.common, world);
}

int show_history(const Options& options, World world) {
    const auto checks = [](const Config& config) {
        std::vector<std::string> names;
        for (const CheckSettings& check : config.health.checks) {
            names.push_back(check.name);
        }
        return names;
    };
    return lectio::show_history({"health", checks}, *options.history, options.common, world);
}

} // namespace lectio::health
