#include "pipeline/unit_commands.h"

#include "checks/http_words.h"
#include "platform/unit_name.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> commands_for(const CheckPolicy& check,
                                      const std::map<std::string, std::string>& unit_checks,
                                      const std::vector<Rung>& ladder) {
    for (const auto& [unit, name] : unit_checks) {
        if (contains(check.common.needs, name)) {
            return {"systemctl status " + unit, "journalctl -u " + unit + " -n 50 --no-pager"};
        }
    }
    for (const Rung& rung : ladder) {
        if (contains(rung.when, check.name) && has_unit_ending(rung.doing->target())) {
            return rung.doing->look_with();
        }
    }
    return {};
}

// A port that refuses says nothing more than that.
bool is_silent(const CheckPolicy& check, const CheckResult& seen) {
    return check.type == "tcp" ? seen.hint.empty() : speaks_of_a_service(seen);
}

} // namespace

void name_commands(const CheckPolicy& check, const std::map<std::string, std::string>& unit_checks,
                   const std::vector<Rung>& ladder, CheckResult& seen) {
    if (seen.status != Status::critical || !is_silent(check, seen)) {
        return;
    }
    const std::vector<std::string> commands = commands_for(check, unit_checks, ladder);
    if (!commands.empty()) {
        seen.hint = join("; ", {seen.hint, verbatim(fmt::format("{}", fmt::join(commands, "; ")))});
    }
}

} // namespace lectio
