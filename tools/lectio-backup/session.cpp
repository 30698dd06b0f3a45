#include "session.h"

#include "backup/stopped_units.h"
#include "config/config.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_tool = "lectio-backup";
constexpr Duration k_longest_step = 1h;
constexpr Duration k_longest_upload = 5h; // what every six hours has to be made waits for it
constexpr mode_t k_run_mode = 0755;

constexpr Phrase k_no_settings{
    "the configuration has no [backup] with sources: nobody says what is to be backed up",
    "в настройках нет [backup] с источниками: не сказано, что копировать"};
constexpr Phrase k_no_settings_hint{"write there: [backup] dir = \"/var/backups/SITE\" and "
                                    "[backup.source.database] type = \"sqlite\", path = \"…\"",
                                    "напишите там: [backup] dir = \"/var/backups/SITE\" и "
                                    "[backup.source.database] type = \"sqlite\", path = \"…\""};
constexpr Phrase k_never_fetched{
    "verify_every is set and offsite_fetch is not: nothing is fetched from outside of this server and proven",
    "verify_every задано, а offsite_fetch нет: из хранилища ничего не забирается и не проверяется"};
constexpr Phrase k_no_backup{"there is no backup {}; the list: lectio-backup list",
                             "копии {} нет; список: lectio-backup list"};
constexpr Phrase k_no_source{"there is no source {} in [backup.source], but {}",
                             "источника {} в [backup.source] нет, есть {}"};
constexpr Phrase k_deploys{"a deploy or a recovery is at work: {}", "идёт деплой или восстановление: {}"};
constexpr Phrase k_left_stopped{
    "{} was left stopped by a restore that did not come to its end: it is started",
    "{} осталась остановленной после прерванного восстановления: запускаем"};
constexpr Phrase k_log_failed{"the log cannot be written: {}", "журнал не пишется: {}"};

} // namespace

Session::Session(const Options& options, World world)
    : ToolSession(std::string(k_tool), options.common, world), m_options(options) {}

std::optional<int> Session::open() {
    const auto asks_for_more = [](const Config& config) { return !not_possible(config).empty(); };
    if (const std::optional<int> left = load(LastGood::never, asks_for_more)) {
        return left;
    }
    if (settings().dir.empty() || settings().sources.empty()) {
        return leave(ExitCode::configuration, say(k_no_settings), say(k_no_settings_hint));
    }
    m_archive = std::make_unique<Archive>(settings(), world(), m_disk, lang());
    m_offsite = std::make_unique<Offsite>(settings(), world());
    m_log.emplace(open_log("backup.log"));
    return std::nullopt;
}

std::optional<int> Session::lock() {
    const Result<void> made = files().make_folders(config().paths.run, k_run_mode);
    if (!made) {
        return leave(made.error());
    }
    Result<Lock> held = files().lock(config().paths.run / "backup.lock", k_tool, now());
    if (!held) {
        return held.error().kind == ErrorKind::busy
                   ? leave(ExitCode::locked, error_words(held.error().message))
                   : leave(held.error());
    }
    m_lock = std::move(*held);
    const Result<void> tidied = archive().tidy();
    if (!tidied) {
        return leave(tidied.error());
    }
    const StoppedUnits::Left left = StoppedUnits(settings().dir, world()).start_left();
    for (const std::string& unit : left.units) {
        log(LogLevel::warn, say(k_left_stopped, unit));
    }
    for (const Text& problem : left.problems) {
        log(LogLevel::error, problem);
        say_aside(problem);
    }
    return std::nullopt;
}

std::optional<int> Session::lock_host() {
    Result<Lock> alone = files().lock(config().paths.run / "host.lock", k_tool, now());
    if (!alone) {
        return alone.error().kind == ErrorKind::busy
                   ? leave(ExitCode::locked, say(k_deploys, error_words(alone.error().message)))
                   : leave(alone.error());
    }
    m_host_lock = std::move(*alone);
    return std::nullopt;
}

SteadyTime Session::until() const {
    return deadline(k_longest_step);
}

SteadyTime Session::until(const BackupSource& source) const {
    return source.in_repository() ? deadline(k_longest_upload) : until();
}

std::string Session::local(WallTime time) const {
    return format_local(time, config().timezone);
}

void Session::log(LogLevel level, const Text& words) {
    m_log->add(now(), level, clean_line(words.in(lang())));
}

void Session::flush_log() {
    if (const Result<void> logged = write(*m_log); !logged) {
        say_aside(say(k_log_failed, error_words(logged.error().message)));
    }
}

int Session::no_such_backup(const std::string& id) {
    return leave(ExitCode::usage, say(k_no_backup, clean_line(id)));
}

int Session::no_such_source(const std::string& name) {
    std::string names;
    for (const BackupSource& source : settings().sources) {
        names += (names.empty() ? "" : ", ") + source.name;
    }
    return leave(ExitCode::usage, say(k_no_source, clean_line(name), names));
}

Text why_off(const BackupSource& source, const Config& config) {
    return source.unset.empty() ? Text{} : unset_words(source.unset, config.wrong_variables);
}

std::vector<Text> not_possible(const Config& config) {
    std::vector<Text> all;
    if (config.backup.never_fetches()) {
        all.push_back(say(k_never_fetched));
    }
    return all;
}

// CONTRACT 26.
nlohmann::json json_of(const Session& session, const Backup& backup) {
    nlohmann::json json{{"id", backup.id},
                        {"source", backup.source},
                        {"time", format_utc(backup.time)},
                        {"size", backup.packed.size.count},
                        {"state", to_string(backup.state)},
                        {"verified_at", nullptr},
                        {"unchanged_at", nullptr},
                        {"encrypted", backup.compressed.has_value()},
                        {"offsite_at", nullptr},
                        {"path", (session.settings().dir / backup.file_name()).string()},
                        {"pinned", backup.pinned},
                        {"duration_ms", backup.took.count()},
                        {"restore_ms", backup.restore_took.count()},
                        {"reason", backup.reason}};
    if (const auto* restic = std::get_if<ResticSnapshot>(&backup.snapshot)) {
        json["restic"] = {{"snapshot", restic->id},
                          {"files", restic->files},
                          {"content_size", restic->content.count},
                          {"added_size", restic->added.count},
                          {"unread", restic->unread}};
    }
    if (backup.verified) {
        json["verified_at"] = format_utc(*backup.verified);
    }
    if (backup.unchanged) {
        json["unchanged_at"] = format_utc(*backup.unchanged);
    }
    if (backup.away) {
        json["offsite_at"] = format_utc(*backup.away);
    }
    return json;
}

} // namespace lectio::backup
