#include "run.h"

#include "cli/known_kinds.h"
#include "cli/terminal.h"
#include "job.h"
#include "pipeline/checking_run.h"
#include "pipeline/common_job.h"
#include "platform/environment.h"
#include "profile.h"
#include "status/write_page.h"

#include <string>
#include <vector>

#include <fmt/format.h>

namespace lectio::deepcheck {
namespace {

// A profile that is not there is a slip of the hand, whatever the configuration says.
int refuse(const Text& words, const Options& options, World& world) {
    ConfigRequest request;
    request.file = options.common.config;
    request.environment = environment_variable;
    complain(fmt::format("lectio-deepcheck: {}\n", words.in(configured_language(world.files, request))));
    return process_exit(ExitCode::usage, Status::unknown, options.common.format);
}

Job audit_of(const LoadedConfig& loaded, World& world, const Path& wanted) {
    const std::string& configured = loaded.config.deepcheck.audit.profile;
    if (!wanted.empty() || configured.empty()) {
        return make_audit(loaded, world, wanted);
    }
    const std::variant<Path, NoProfile> found = find_profile(world.files, profile_folder(), configured);
    const Path* file = std::get_if<Path>(&found);
    Job job = make_audit(loaded, world, file == nullptr ? Path() : *file);
    if (file == nullptr) {
        job.wrong_configuration = std::get<NoProfile>(found).words;
        job.notices.push_back(config_notice("profile", job.wrong_configuration, {}));
    }
    return job;
}

} // namespace

int run(const Options& options, World world) {
    Path profile;
    if (!options.profile.empty()) {
        const std::variant<Path, NoProfile> found =
            find_profile(world.files, profile_folder(), options.profile);
        if (const NoProfile* none = std::get_if<NoProfile>(&found)) {
            return refuse(none->words, options, world);
        }
        profile = std::get<Path>(found);
    }
    CheckingTool tool{"deepcheck"};
    if (options.audit) {
        tool.make_job = [&](const LoadedConfig& loaded, World& outside) {
            return audit_of(loaded, outside, profile);
        };
    } else {
        tool.make_job = make_job;
    }
    tool.by_old_name = options.by_old_name;
    tool.says_what_would_be_sent = !options.looks_only;
    // `run` answers with what it was asked for.
    tool.tells_of_itself = !options.looks_only || options.audit || options.common.only.empty();
    tool.asks_all = options.looks_only || !options.common.only.empty(); // who asks by name wants it now
    if (options.audit) {
        tool.renders = [form = *options.audit](const Report& report, Lang lang) {
            return render_audit(report, lang, form);
        };
    }
    tool.publishes = status::write_page_after_run;
    return run_checking_tool(tool, options.common, world);
}

int show_history(const Options& options, World world) {
    const auto checks = [](const Config& config) {
        std::vector<std::string> names;
        for (const CheckSettings& check : config.deepcheck.checks) {
            names.push_back(check.name);
        }
        return names;
    };
    return lectio::show_history({"deepcheck", checks}, *options.history, options.common, world);
}

} // namespace lectio::deepcheck
