#include "run.h"

#include "job.h"
#include "pipeline/checking_run.h"

namespace lectio::deepcheck {

int run(const Options& options, World world) {
    CheckingTool tool{"deepcheck", options.audit ? make_audit : make_job};
    tool.by_old_name = options.by_old_name;
    tool.says_what_would_be_sent = !options.looks_only;
    tool.asks_all = options.looks_only || !options.common.only.empty(); // who asks by name wants it now
    if (options.audit) {
        tool.renders = [form = *options.audit](const Report& report, Lang lang) {
            return render_audit(report, lang, form);
        };
    }
    return run_checking_tool(tool, options.common, world);
}

} // namespace lectio::deepcheck
