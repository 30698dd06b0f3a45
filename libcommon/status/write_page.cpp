#include "status/write_page.h"

#include "alerts/channels.h"
#include "cli/tool_session.h"
#include "pipeline/checking_run.h"
#include "platform/derived_file.h"
#include "status/look_around.h"
#include "status/page.h"
#include "words/error_words.h"

#include <chrono>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;

// Below a minute, so that each run of cron's writes; runs of each 15 seconds write every third time.
constexpr Duration k_fresh = 45s;
constexpr Duration k_patience = 5s; // 90 days of a run each 15 seconds are read in two
constexpr mode_t k_own = 0600;
constexpr Bytes k_largest_cache = 16_MB;

bool is_fresh(World& world, const Path& page) {
    const Result<FileInfo> info = world.files.info(page, Files::Follow::no);
    const WallTime now = world.clock.now().wall;
    return info && info->type == FileInfo::Type::regular && info->modified <= now &&
           now - info->modified < k_fresh;
}

} // namespace

Result<void> write_page(World& world, const Config& config, const std::string& host, RunWas run) {
    const Path& page = config.status.html;
    if (page.empty() || (run == RunWas::routine && is_fresh(world, page))) {
        return {};
    }
    const Path cache = config.paths.state / "page-days.json";
    const Result<std::string> kept = world.files.read(cache, k_largest_cache);
    FarBack far_back{
        LongViewReader(world.clock.now().wall, config.timezone, config.status.days, kept.value_or("")), {}};
    Delivery delivery(world, delivery_settings(config), make_channels(config));
    const Overview overview =
        look_around(world, config, delivery, {host, {}, &far_back}, world.clock.steady() + k_patience);
    LECTIO_TRY(
        replace_derived(page, render_html(overview, far_back.view(), config.lang), config.status.mode.bits));
    const std::string days = far_back.reader.cache();
    if (far_back.incidents && (!kept || days != *kept)) {
        // Not being able to costs the next run the reading.
        [[maybe_unused]] const Result<void> saved = replace_derived(cache, days, k_own);
    }
    return {};
}

Result<void> write_page_after_run(World& world, const Config& config, const std::string& host, bool changed) {
    return write_page(world, config, host, changed ? RunWas::news : RunWas::routine);
}

void write_page(ToolSession& session, RunWas run) {
    const Result<void> written = write_page(session.world(), session.config(), session.host(), run);
    if (!written) {
        session.say_aside(say(k_page_not_written, error_words(written.error().message)));
    }
}

} // namespace lectio::status
