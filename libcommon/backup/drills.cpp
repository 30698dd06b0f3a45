#include "backup/drills.h"

#include "store/kept_json.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int k_schema = 1;
constexpr Bytes k_longest = 1_MB;
constexpr mode_t k_file_mode = 0600, k_folder_mode = 0700;
constexpr Duration k_again = 24h;
constexpr Duration k_grace = 48h; // so long it may fail before it is overdue
constexpr std::string_view k_restored = "restored", k_unchanged = "unchanged";

Path file_in(const Path& state) {
    return state / "backup" / "drills.json";
}

} // namespace

DrillStanding standing_of(const Drill* last, Duration every, WallTime now) {
    if (every <= Duration::zero()) {
        return DrillStanding::off;
    }
    if (last == nullptr) {
        return DrillStanding::waiting;
    }
    if (last->is_bad) {
        return DrillStanding::bad;
    }
    if (now - last->since > every + std::min(every, k_grace)) {
        return DrillStanding::overdue;
    }
    return last->trouble.empty() ? DrillStanding::good : DrillStanding::failed;
}

bool is_drill_due(const Drill* last, Duration every, WallTime now) {
    if (every <= Duration::zero()) {
        return false;
    }
    if (last == nullptr || last->tried > now) { // one that is to come tells that the clock was wrong
        return true;
    }
    return now - last->tried >= (last->trouble.empty() ? every : std::min(every, k_again));
}

Drills read_drills(Files& files, const Path& state) {
    Drills drills;
    const Result<std::string> text = files.read(file_in(state), k_longest);
    const Json json = text ? json_within_depth(*text) : Json();
    if (integer_of(json, "schema") != k_schema) {
        return drills;
    }
    const Json sources = object_of(json, "drills");
    for (const auto& [source, one] : sources.items()) {
        const std::optional<WallTime> tried = moment_of(one, "tried");
        const std::optional<WallTime> since = moment_of(one, "since");
        if (is_name(source) && tried && since) {
            drills[source] = {*tried,
                              *since,
                              text_of(one, "id"),
                              text_of(one, "trouble"),
                              flag_of(one, "bad"),
                              text_of(one, "proof") == k_unchanged ? Proof::unchanged : Proof::restored};
        }
    }
    return drills;
}

Result<void> write_drills(const Drills& drills, Files& files, const Path& state) {
    Json sources = Json::object();
    for (const auto& [source, drill] : drills) {
        sources[source] = {{"tried", format_utc(drill.tried)},
                           {"since", format_utc(drill.since)},
                           {"id", drill.id},
                           {"trouble", drill.trouble},
                           {"bad", drill.is_bad},
                           {"proof", drill.proof == Proof::restored ? k_restored : k_unchanged}};
    }
    const Path file = file_in(state);
    LECTIO_TRY(files.make_folders(file.parent_path(), k_folder_mode));
    return write_atomically(
        files, file,
        Json{{"schema", k_schema}, {"drills", sources}}.dump(1, ' ', false, Json::error_handler_t::replace) +
            "\n",
        k_file_mode);
}

} // namespace lectio::backup
