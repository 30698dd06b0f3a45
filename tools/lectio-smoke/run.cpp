#include "run.h"

#include "pipeline/checking_run.h"
#include "smoke/job.h"
#include "status/write_page.h"
#include "trace.h"

#include <memory>

namespace lectio::smoke {

int run(const Options& options, World world) {
    std::shared_ptr<Trip> trip;
    std::shared_ptr<const SmokeSettings> settings;
    std::vector<std::string> asked;
    CheckingTool tool{"smoke"};
    tool.by_old_name = options.by_old_name;
    tool.says_what_would_be_sent = !options.looks_only;
    tool.tells_of_itself = !options.looks_only;
    tool.with_companions = [](const Config& config, const std::vector<std::string>& names) {
        return lectio::with_companions(config.smoke, names);
    };
    tool.make_job = [&](const LoadedConfig& loaded, World& outside) {
        settings = std::make_shared<const SmokeSettings>(loaded.config.smoke);
        trip = std::make_shared<Trip>(settings);
        Job job = make_job(loaded, outside, trip);
        for (JobCheck& check : job.checks) {
            asked.push_back(check.policy.name);
            if (options.looks_only) {
                check.policy.common.every = Duration{0}; // who asks for it by name wants it now
            }
        }
        return job;
    };
    if (options.looks_only && options.common.verbosity == Verbosity::verbose) {
        tool.appendix = [&](Lang lang) { return trace_of(*trip, *settings, asked, lang); };
    }
    tool.publishes = status::write_page_after_run;
    return run_checking_tool(tool, options.common, world);
}

int show_history(const Options& options, World world) {
    const auto checks = [](const Config& config) {
        std::vector<std::string> names{std::string(k_connection_check)};
        for (const auto& [name, order] : order_of(config.smoke)) {
            names.push_back(name);
        }
        return names;
    };
    return lectio::show_history({"smoke", checks}, *options.history, options.common, world);
}

} // namespace lectio::smoke
