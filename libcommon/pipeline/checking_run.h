// The run of a tool that checks: configure → observe → judge → heal → tell → remember → report, from its options to the
// exit status of the process.
#pragma once

#include "cli/common_options.h"
#include "config/load.h"
#include "pipeline/pipeline.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

inline constexpr Phrase k_page_not_written{"the page cannot be written: {}",
                                           "не удаётся записать страницу: {}"};

// What makes one checking tool another than the next.
struct CheckingTool {
    std::string_view short_name; // "health"
    std::function<Job(const LoadedConfig&, World&)> make_job{};
    Discovery discovery = nullptr; // what looks for checks where no configuration names any
    bool by_old_name = false;      // called as the script it replaces: exit status 0 or 1 (CONTRACT 24)
    // What has to be looked at with the checks that --only names, those included; empty: nothing beside them.
    std::function<std::vector<std::string>(const Config&, const std::vector<std::string>&)> with_companions{};
    bool asks_all = false;                                     // also what is not due (`every`)
    bool says_what_would_be_sent = true;                       // with --dry-run
    bool tells_of_itself = true;                               // its report is not of the named checks alone
    std::function<std::string(Lang)> appendix{};               // printed after the report as text
    std::function<std::string(const Report&, Lang)> renders{}; // the report as text, instead of render_text()
    // When all is done and remembered, before the report is printed: what is made of it for others to read. Whether
    // anything has changed in this run.
    std::function<Result<void>(World&, const Config&, const std::string& host, bool changed)> publishes{};
};

// One run in this world; prints the report. Returns the process's exit status.
int run_checking_tool(const CheckingTool& tool, const CommonOptions& options, World world);

} // namespace lectio
