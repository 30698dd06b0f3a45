#include "incidents/markers.h"

#include "util/json_members.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Duration k_longest_deploy = std::chrono::minutes(30);
constexpr Duration k_longest_maintenance = std::chrono::hours(2);
// New kernels take a small server two or three minutes; a question of dpkg that nobody answers is no reason to be quiet.
constexpr Duration k_longest_packages = std::chrono::minutes(5);
// A mute for longer than this is milliseconds taken for seconds, or a slip: nobody means it.
constexpr Duration k_longest_mute = std::chrono::hours(24 * 366);
// Clocks of files and of people differ a little; nothing is called "future" or "before the boot" for less.
constexpr Duration k_slack = std::chrono::minutes(1);
constexpr Bytes k_marker_limit = 64_kB;
constexpr std::string_view k_health = "health", k_own_of_health = "health/";

constexpr Phrase k_deploy_stale{"the deploy marker has been lying there for {}: it no longer silences alerts",
                                "маркер деплоя лежит уже {}: оповещения он больше не глушит"};
constexpr Phrase k_deploy_future{"the deploy marker is dated in the future: it is ignored",
                                 "маркер деплоя датирован будущим: он не действует"};
constexpr Phrase k_deploy_rebooted{"the deploy marker is from before the reboot: it is ignored",
                                   "маркер деплоя остался с прошлой загрузки: он не действует"};
constexpr Phrase k_deploy_died{"the deploy {} has died: its marker no longer silences alerts",
                               "деплой {} оборвался: оповещения его метка больше не глушит"};
constexpr Phrase k_deploy_died_hint{"bring the site into one piece: sudo lectio-deploy recover",
                                    "приведите сайт в целостное состояние: sudo lectio-deploy recover"};
constexpr Phrase k_deploy_hint{"look whether the deploy has finished, then remove {}",
                               "проверьте, закончился ли деплой, затем удалите {}"};
constexpr Phrase k_mute_garbage{"the mute marker holds no time (\"{}\"): alerts are not muted",
                                "в маркере тишины не время («{}»): оповещения не заглушены"};
constexpr Phrase k_mute_far{"the mute marker names a time more than a year away: alerts are not muted",
                            "маркер тишины указывает время дальше года: оповещения не заглушены"};
constexpr Phrase k_mute_rebooted{"the mute marker is from before the reboot: alerts are not muted",
                                 "маркер тишины остался с прошлой загрузки: оповещения не заглушены"};
constexpr Phrase k_mute_hint{"write the end of the mute in epoch seconds, or remove {}",
                             "запишите время окончания в секундах Unix или удалите {}"};
constexpr Phrase k_always_muted{"all alerts are switched off by ALERTS_MUTED=1",
                                "все оповещения выключены настройкой ALERTS_MUTED=1"};
constexpr Phrase k_always_muted_hint{"remove ALERTS_MUTED to be told of failures again",
                                     "уберите ALERTS_MUTED, чтобы снова узнавать о сбоях"};
constexpr Phrase k_maintenance_future{"the maintenance marker is dated in the future: it is ignored",
                                      "маркер обслуживания датирован будущим: он не действует"};
constexpr Phrase k_maintenance_rebooted{"the maintenance marker is from before the reboot: it is ignored",
                                        "маркер обслуживания остался с прошлой загрузки: он не действует"};
constexpr Phrase k_remove_hint{"remove {}", "удалите {}"};
constexpr Phrase k_unreadable{"a marker cannot be read, it hides nothing: {}",
                              "маркер не читается, он ничего не глушит: {}"};
constexpr Phrase k_in_maintenance{"maintenance until {}: nothing is mended, nothing is sent",
                                  "обслуживание до {}: ничего не чинится и не отправляется"};
constexpr Phrase k_in_packages{
    "packages are being installed since {}, until {} at the latest: nothing is mended, nothing is sent",
    "с {} ставятся пакеты, самое позднее до {}: ничего не чинится и не отправляется"};
constexpr Phrase k_in_deploy{
    "a deploy is going on since {}, until {} at the latest: nothing is mended, nothing is sent",
    "с {} идёт деплой, самое позднее до {}: ничего не чинится и не отправляется"};
constexpr Phrase k_in_deploy_by{
    "a deploy by {2} is going on since {0}, until {1} at the latest: nothing is mended, nothing is sent",
    "с {0} идёт деплой ({2}), самое позднее до {1}: ничего не чинится и не отправляется"};
constexpr Phrase k_of_these{"{} (of {})", "{} (о проверках {})"};
constexpr Phrase k_muted{"muted until {}: failures are mended, nothing is sent",
                         "тишина до {}: сбои чинятся, но сообщения не отправляются"};
constexpr Phrase k_muted_for_good{"muted by ALERTS_MUTED=1: failures are mended, nothing is sent",
                                  "тишина из-за ALERTS_MUTED=1: сбои чинятся, но сообщения не отправляются"};
constexpr Phrase k_deploy_cut{"the host was rebooted in the middle of a deploy: its quiet is over",
                              "сервер перезагрузился посреди деплоя: тишина деплоя закончилась"};
constexpr Phrase k_deploy_cut_hint{"look at what is being served now", "проверьте, что сейчас отдаётся"};
constexpr Phrase k_mute_cut{"the reboot has ended the mute", "перезагрузка отменила тишину"};
constexpr Phrase k_maintenance_cut{"the reboot has ended the maintenance mode",
                                   "перезагрузка отменила режим обслуживания"};

SelfNotice trouble(std::string_view cause, Text message, Text hint = {}) {
    return {"markers",          std::string(cause), Status::warning,
            std::move(message), std::move(hint),    SelfNotice::Life::lasting};
}

bool in_future(WallTime time, const Now& now) {
    return time > now.wall + k_slack;
}

// A run folder that outlives a reboot (not a tmpfs) still holds the markers of the boot before.
bool before_boot(WallTime time, const Now& now) {
    return time < now.wall - now.boot - k_slack;
}

// ── deploy ──────────────────────────────────────────────────────────────────────────────────────────────

struct DeployMarker {
    WallTime start, end;
    std::string boot_id, by, release; // "" = not told
    bool names_checks = false;
    std::vector<std::string> checks;
};

std::optional<WallTime> moment_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) {
        return std::nullopt;
    }
    if (found->is_string()) {
        const Result<WallTime> time = parse_utc(found->get_ref<const std::string&>());
        return time ? std::optional(*time) : std::nullopt;
    }
    constexpr double k_last_second = 32503680000.0; // the year 3000: beyond it milliseconds would overflow
    if (found->is_number() && found->get<double>() >= 0 && found->get<double>() < k_last_second) {
        return WallTime(std::chrono::seconds(static_cast<std::int64_t>(found->get<double>())));
    }
    return std::nullopt;
}

std::vector<std::string> names_of(const Json& object, const char* key) {
    std::vector<std::string> names;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) {
        return names;
    }
    for (const Json& name : *found) {
        if (name.is_string()) {
            const std::string& text = name.get_ref<const std::string&>();
            names.push_back(text.starts_with(k_own_of_health) ? text.substr(k_own_of_health.size()) : text);
        }
    }
    return names;
}

bool is_ours(const Json& json) {
    return json.is_object() && json.contains("id") && json.contains("start");
}

DeployMarker read_deploy(const MarkerFile& file, Duration deploy_grace) {
    const Json json = Json::parse(file.content, nullptr, false);
    if (!is_ours(json)) {
        return {file.modified, file.modified + deploy_grace, "", "", "", false, {}};
    }
    DeployMarker marker;
    marker.start = moment_of(json, "start").value_or(file.modified);
    marker.end = std::min(moment_of(json, "expires").value_or(marker.start + k_longest_deploy),
                          marker.start + k_longest_deploy);
    marker.boot_id = text_of(json, "boot_id");
    marker.by = shorten(clean_line(text_of(json, "by")), 40);
    marker.release = shorten(clean_line(text_of(json, "id")), 64);
    marker.names_checks = json.contains("checks") && json.at("checks").is_array();
    marker.checks = names_of(json, "checks");
    return marker;
}

// Those of this tool, without its name.
std::vector<std::string> own_of(const std::vector<std::string>& checks, std::string_view tool) {
    std::vector<std::string> own;
    for (const std::string& check : checks) {
        const std::size_t slash = check.find('/');
        const std::string_view of =
            slash == std::string::npos ? k_health : std::string_view(check).substr(0, slash);
        if (of == tool) {
            own.push_back(slash == std::string::npos ? check : check.substr(slash + 1));
        }
    }
    return own;
}

void judge_deploy(const MarkerFile& file, std::string_view tool, Duration deploy_grace, const Now& now,
                  Suppression& result) {
    const Text hint = say(k_deploy_hint, file.path.string());
    const DeployMarker marker = read_deploy(file, deploy_grace);
    const bool other_boot = !marker.boot_id.empty() && !now.boot_id.empty() && marker.boot_id != now.boot_id;
    if (other_boot || before_boot(marker.start, now)) {
        result.notices.push_back(trouble("deploy", say(k_deploy_rebooted), hint));
    } else if (in_future(marker.start, now)) {
        result.notices.push_back(trouble("deploy", say(k_deploy_future), hint));
    } else if (now.wall >= marker.end) {
        const auto age = std::chrono::floor<std::chrono::seconds>(now.wall - marker.start);
        result.notices.push_back(trouble("deploy", say(k_deploy_stale, span_of(age.count())), hint));
    } else if (file.owner_is_gone) {
        result.notices.push_back(
            trouble("deploy", say(k_deploy_died, marker.release), say(k_deploy_died_hint)));
    } else {
        result.reasons.push_back(Quiet::deploy);
        result.deploy_names_checks = marker.names_checks;
        result.deploy_checks = own_of(marker.checks, tool);
        result.release = marker.release;
        result.spans.push_back({Quiet::deploy, marker.start, marker.end, marker.by, marker.checks});
    }
}

// ── packages, mute and maintenance ────────────────────────────────────────────────────────────────────────────────

std::optional<WallTime> parse_epoch(std::string_view content) {
    constexpr std::uint64_t k_last_second = 9'000'000'000'000; // as milliseconds it still fits a WallTime
    const auto seconds = number_from<std::uint64_t>(trim(content));
    if (!seconds || *seconds > k_last_second) {
        return std::nullopt;
    }
    return WallTime(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

void judge_packages(const PackageRun& run, const Now& now, Suppression& result) {
    const WallTime since = now.wall - run.age;
    const WallTime end = since + k_longest_packages;
    if (now.wall < end) {
        result.reasons.push_back(Quiet::packages);
        result.spans.push_back({Quiet::packages, since, end, "", {}});
    }
}

void judge_mute(const MarkerFile& file, const Now& now, Suppression& result) {
    const Text hint = say(k_mute_hint, file.path.string());
    const std::optional<WallTime> until = parse_epoch(file.content);
    if (!until) {
        const std::string shown = shorten(clean_line(file.content), 40);
        result.notices.push_back(trouble("mute", say(k_mute_garbage, shown), hint));
    } else if (*until <= now.wall) {
        return; // has ended as it should
    } else if (*until > now.wall + k_longest_mute) {
        result.notices.push_back(trouble("mute", say(k_mute_far), hint));
    } else if (before_boot(file.modified, now)) {
        result.notices.push_back(trouble("mute", say(k_mute_rebooted), hint));
    } else {
        result.reasons.push_back(Quiet::mute);
        result.spans.push_back({Quiet::mute, file.modified, until, "", {}});
    }
}

void judge_always_muted(Suppression& result) {
    if (std::find(result.reasons.begin(), result.reasons.end(), Quiet::mute) == result.reasons.end()) {
        result.reasons.push_back(Quiet::mute);
    }
    result.spans.push_back({Quiet::mute, std::nullopt, std::nullopt, "", {}});
    // Passing: told again each day (CONTRACT 22).
    result.notices.push_back({"markers", "always-muted", Status::warning, say(k_always_muted),
                              say(k_always_muted_hint), SelfNotice::Life::passing});
}

void judge_maintenance(const MarkerFile& file, const Now& now, Suppression& result) {
    const Text hint = say(k_remove_hint, file.path.string());
    // `lectio-notify maintenance 30m` writes when it ends; a script's marker is empty, or holds anything.
    const WallTime longest = file.modified + k_longest_maintenance;
    const WallTime end = std::min(parse_epoch(file.content).value_or(longest), longest);
    if (in_future(file.modified, now)) {
        result.notices.push_back(trouble("maintenance", say(k_maintenance_future), hint));
    } else if (now.wall >= end) {
        return; // has ended as it should
    } else if (before_boot(file.modified, now)) {
        result.notices.push_back(trouble("maintenance", say(k_maintenance_rebooted), hint));
    } else {
        result.reasons.push_back(Quiet::maintenance);
        result.spans.push_back({Quiet::maintenance, file.modified, end, "", {}});
    }
}

// ── reboot ──────────────────────────────────────────────────────────────────────────────────────────────

Text cut_words(Quiet quiet) {
    switch (quiet) {
    case Quiet::deploy:
        return say(k_deploy_cut);
    case Quiet::mute:
        return say(k_mute_cut);
    case Quiet::maintenance:
    case Quiet::packages: // is not told of
        break;
    }
    return say(k_maintenance_cut);
}

// Run folders are emptied by a reboot: the marker is gone, only the state remembers it.
void notice_reboot(const QuietBefore& before, const Now& now, Suppression& result) {
    if (before.boot_id.empty() || before.boot_id == now.boot_id) {
        return;
    }
    for (const Quiet quiet : before.reasons) {
        if (quiet != Quiet::packages &&
            std::find(result.reasons.begin(), result.reasons.end(), quiet) == result.reasons.end()) {
            const Text hint = quiet == Quiet::deploy ? say(k_deploy_cut_hint) : Text{};
            result.notices.push_back({"markers", "reboot-" + std::string(to_string(quiet)), Status::warning,
                                      cut_words(quiet), hint, SelfNotice::Life::passing});
        }
    }
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────

// Only the mute's content matters to its being there: an empty, unreadable or odd deploy marker is a foreign
// one and counts from its time.
std::optional<MarkerFile> read_marker(Files& files, const Path& path, std::vector<SelfNotice>& unreadable) {
    const Result<FileInfo> info = files.info(path, Files::Follow::yes);
    if (!info) {
        if (info.error().kind != ErrorKind::not_found) {
            unreadable.push_back(trouble("unreadable-" + path.filename().string(),
                                         say(k_unreadable, error_words(info.error().message))));
        }
        return std::nullopt;
    }
    const Result<std::string> content = files.read(path, k_marker_limit);
    if (!content && content.error().kind == ErrorKind::not_found) {
        return std::nullopt; // removed since we looked
    }
    return MarkerFile{
        .content = content.value_or(""), .modified = info->modified, .path = path, .owner_is_gone = false};
}

// A deploy that ends removes its marker first: one that has its owner's end behind it is read a second time.
std::optional<MarkerFile> read_deploy_marker(Files& files, const Path& path,
                                             std::vector<SelfNotice>& unreadable) {
    const auto is_without_owner = [](const std::optional<MarkerFile>& file) {
        const Json json = file ? Json::parse(file->content, nullptr, false) : Json();
        const std::int64_t pid = is_ours(json) ? integer_of(json, "pid") : 0;
        const bool names_one = pid > 1 && pid <= std::numeric_limits<pid_t>::max();
        return names_one && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
    };
    std::optional<MarkerFile> marker = read_marker(files, path, unreadable);
    if (is_without_owner(marker)) {
        marker = read_marker(files, path, unreadable);
        if (marker) {
            marker->owner_is_gone = is_without_owner(marker);
        }
    }
    return marker;
}

} // namespace

std::string_view to_string(Quiet quiet) {
    switch (quiet) {
    case Quiet::deploy:
        return "deploy";
    case Quiet::maintenance:
        return "maintenance";
    case Quiet::packages:
        return "packages";
    case Quiet::mute:
        break;
    }
    return "mute";
}

Text quiet_words(const QuietSpan& span, const std::string& zone) {
    const auto minute = [&](const std::optional<WallTime>& time) {
        return time ? format_local(*time, zone).substr(0, 16) : std::string();
    };
    switch (span.quiet) {
    case Quiet::deploy: {
        const Text words = span.by.empty()
                               ? say(k_in_deploy, minute(span.since), minute(span.until))
                               : say(k_in_deploy_by, minute(span.since), minute(span.until), span.by);
        return span.checks.empty() ? words
                                   : say(k_of_these, words, fmt::format("{}", fmt::join(span.checks, ", ")));
    }
    case Quiet::maintenance:
        return say(k_in_maintenance, minute(span.until));
    case Quiet::packages:
        return say(k_in_packages, minute(span.since), minute(span.until));
    case Quiet::mute:
        break;
    }
    return span.until ? say(k_muted, minute(span.until)) : say(k_muted_for_good);
}

bool Suppression::hides(std::string_view check) const {
    for (const Quiet quiet : reasons) {
        const bool listed =
            std::find(deploy_checks.begin(), deploy_checks.end(), check) != deploy_checks.end();
        if (quiet != Quiet::deploy || !deploy_names_checks || listed) {
            return true;
        }
    }
    return false;
}

bool Suppression::forbids_healing() const {
    return std::any_of(reasons.begin(), reasons.end(), [](Quiet quiet) { return quiet != Quiet::mute; });
}

MarkerPaths marker_paths(const Path& run_folder, const Path& mute_file) {
    return {run_folder / "deploy_in_progress", mute_file.empty() ? run_folder / "mute_until" : mute_file,
            run_folder / "maintenance_mode"};
}

Markers read_markers(Files& files, const MarkerPaths& paths) {
    Markers markers;
    markers.deploy = read_deploy_marker(files, paths.deploy, markers.unreadable);
    markers.mute = read_marker(files, paths.mute, markers.unreadable);
    markers.maintenance = read_marker(files, paths.maintenance, markers.unreadable);
    markers.packages = package_run(paths.package_lock);
    return markers;
}

bool silences_words(Files& files, const MarkerPaths& paths, bool always_muted, const Now& now) {
    Markers markers;
    markers.mute = read_marker(files, paths.mute, markers.unreadable);
    markers.maintenance = read_marker(files, paths.maintenance, markers.unreadable);
    markers.always_muted = always_muted;
    return judge_markers(markers, {}, {}, {}, now).active();
}

Suppression judge_markers(const Markers& markers, std::string_view tool, const QuietBefore& before,
                          Duration deploy_grace, const Now& now) {
    Suppression result;
    result.notices = markers.unreadable;
    if (markers.deploy) {
        judge_deploy(*markers.deploy, tool, deploy_grace, now, result);
    }
    if (markers.maintenance) {
        judge_maintenance(*markers.maintenance, now, result);
    }
    if (markers.packages) {
        judge_packages(*markers.packages, now, result);
    }
    if (markers.mute) {
        judge_mute(*markers.mute, now, result);
    }
    if (markers.always_muted) {
        judge_always_muted(result);
    }
    notice_reboot(before, now, result);
    return result;
}

} // namespace lectio
