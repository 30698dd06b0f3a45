#include "config/cleanup.h"

#include "config/complaints.h"
#include "config/site_path.h"
#include "platform/newest_file.h"

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest = 24h * 3650;

constexpr Phrase k_no_files{
    "expected an absolute path, its names may hold * ? [abc]: \"/var/log/site/*.log\"",
    "ожидается абсолютный путь, в именах можно * ? [abc]: \"/var/log/site/*.log\""};
constexpr Phrase k_too_wide{"files in {} are not for cleaning up: it is the system's, or somebody's home",
                            "файлы в {} чистить нельзя: это часть системы или чей-то домашний каталог"};
constexpr Phrase k_no_condition{"of which logs: \"older\", \"size\" or both",
                                "каких журналов: нужен \"older\", \"size\" или оба"};

std::optional<Text> files_complaint(const std::string& text) {
    const std::filesystem::path path(text);
    if (!path.is_absolute() || !path.has_filename() || path.lexically_normal() != path) {
        return say(k_no_files);
    }
    const std::filesystem::path folder = folder_of_pattern(text);
    return may_be_cleaned(folder) ? std::nullopt : std::optional(say(k_too_wide, folder.string()));
}

const Schema<KillRule::LowMemory>& low_memory_schema() {
    using LowMemory = KillRule::LowMemory;
    static const Schema<LowMemory> schema{
        required("available", &LowMemory::available, "memory below this"),
        required("older", &LowMemory::older, "then this age is enough").between(0s, k_longest),
    };
    return schema;
}

const Schema<KillRule>& kill_schema() {
    static const Schema<KillRule> schema{
        required("match", &KillRule::match, "regular expression over the command line, found anywhere in it")
            .check(pattern_complaint),
        required("older", &KillRule::older, "than this").between(0s, k_longest),
        optional("user", &KillRule::user, "of this user; empty: of who cleans up, root as a rule")
            .check(user_complaint),
        optional("units", &KillRule::units,
                 "services of systemd whose processes may be ended, too; those of all others stay")
            .check(unit_complaint),
        optional("rss", &KillRule::rss, "only above this"),
        optional("low_memory", &KillRule::low_memory, low_memory_schema(), "when memory is short"),
        optional("wait", &KillRule::wait, "between TERM and KILL").between(0s, 60s),
    };
    return schema;
}

std::vector<Complaint> log_complaints(const LogRule& rule) {
    return rule.older || rule.size ? std::vector<Complaint>{}
                                   : std::vector<Complaint>{{"", say(k_no_condition)}};
}

const Schema<LogRule>& log_rule_schema() {
    static const Schema<LogRule> schema =
        Schema<LogRule>{
            required("files", &LogRule::files, "pattern; no link is followed").check(files_complaint),
            optional("older", &LogRule::older, "not written to for this long").between(0s, k_longest),
            optional("size", &LogRule::size, "larger than this; with `older`: both"),
            optional("action", &LogRule::action, "what is done")
                .one_of({{"truncate", LogRule::Action::truncate},
                         {"compress", LogRule::Action::compress},
                         {"delete", LogRule::Action::remove}}),
        }
            .verify(log_complaints);
    return schema;
}

const Schema<TempRule>& temp_schema() {
    static const Schema<TempRule> schema{
        required("files", &TempRule::files, "pattern of files, and of folders with all below them")
            .check(files_complaint),
        required("older", &TempRule::older,
                 "neither changed nor moved there for this long; nobody has it open")
            .between(0s, k_longest),
        optional("size", &TempRule::size, "larger than this; with `older`: both"),
    };
    return schema;
}

const Schema<ZombieRule>& zombies_schema() {
    static const Schema<ZombieRule> schema{
        optional("warn", &ZombieRule::warn, "zombies of one parent at which it is told").between(1, 100000),
        optional("restart", &ZombieRule::restart, "units that may be restarted for it").check(unit_complaint),
    };
    return schema;
}

const Schema<WorkerRule>& workers_schema() {
    static const Schema<WorkerRule> schema{
        required("match", &WorkerRule::match, "regular expression over the command line")
            .check(pattern_complaint),
        required("max", &WorkerRule::max, "more than this: restart").between(1, 100000),
        required("restart", &WorkerRule::restart, "unit").check(unit_complaint),
    };
    return schema;
}

} // namespace

bool CleanupSettings::asks_for_something() const {
    return !kill.empty() || !logs.empty() || !temp.empty() || journal_max || releases || memory_report ||
           zombies || workers;
}

const Schema<CleanupSettings>& cleanup_schema() {
    static const Schema<CleanupSettings> schema{
        optional("apply", &CleanupSettings::apply,
                 "cron: shown to a person on a terminal, done without one; always: done there, too; never: "
                 "shown. --apply and --dry-run say otherwise")
            .one_of({{"cron", CleanupSettings::Apply::cron},
                     {"always", CleanupSettings::Apply::always},
                     {"never", CleanupSettings::Apply::never}}),
        optional("kill", &CleanupSettings::kill, kill_schema(), "hung processes"),
        optional("logs", &CleanupSettings::logs, log_rule_schema(), "old logs"),
        optional("temp", &CleanupSettings::temp, temp_schema(), "old temporary files and folders"),
        optional("journal_max", &CleanupSettings::journal_max, "size of the journal"),
        optional("releases", &CleanupSettings::releases, "old releases, too"),
        optional("memory_report", &CleanupSettings::memory_report,
                 "available memory below this: a report of the largest processes"),
        optional("keep_lines", &CleanupSettings::keep_lines, "of a log that is made short")
            .between(0, 10000000),
        optional("zombies", &CleanupSettings::zombies, zombies_schema(), "zombie processes"),
        optional("workers", &CleanupSettings::workers, workers_schema(), "too many workers"),
    };
    return schema;
}

} // namespace lectio
