#include "config/backup.h"

#include "config/complaints.h"

#include <algorithm>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_no_file{"\"offsite\" must say where the file goes in: \"{{file}}\"",
                           "в \"offsite\" нужно место для файла: \"{{file}}\""};
constexpr Phrase k_list_alone{"\"offsite_list\" without \"offsite\": nothing is copied there",
                              "\"offsite_list\" без \"offsite\": туда ничего не копируется"};

const Schema<KeepRule>& keep_schema() {
    static const Schema<KeepRule> schema{
        optional("last", &KeepRule::last, "the newest").between(0, 10000),
        optional("hourly", &KeepRule::hourly, "the newest of so many hours").between(0, 10000),
        optional("daily", &KeepRule::daily, "the newest of so many days").between(0, 10000),
        optional("weekly", &KeepRule::weekly, "the newest of so many weeks").between(0, 10000),
        optional("monthly", &KeepRule::monthly, "the newest of so many months").between(0, 10000),
        optional("yearly", &KeepRule::yearly, "the newest of so many years").between(0, 10000),
    };
    return schema;
}

bool names_the_file(const std::vector<std::string>& command) {
    return std::any_of(command.begin(), command.end(),
                       [](const std::string& word) { return word.find("{file}") != std::string::npos; });
}

std::vector<Complaint> offsite_complaints(const BackupSettings& settings) {
    std::vector<Complaint> complaints;
    if (!settings.offsite.empty() && !names_the_file(settings.offsite)) {
        complaints.emplace_back("offsite", say(k_no_file));
    }
    if (settings.offsite.empty() && !settings.offsite_list.empty()) {
        complaints.emplace_back(std::vector<std::string>{"offsite_list"}, say(k_list_alone),
                                Problem::Severity::warning);
    }
    return complaints;
}

} // namespace

const BackupSource* BackupSettings::source(std::string_view name) const {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [&](const BackupSource& one) { return one.name == name; });
    return found == sources.end() ? nullptr : &*found;
}

const Schema<BackupSettings>& backup_schema() {
    using Texts = std::vector<std::string>;
    static const Schema<BackupSettings> schema =
        Schema<BackupSettings>{
            required("dir", &BackupSettings::dir, "where they lie"),
            optional("keep", &BackupSettings::keep, keep_schema(),
                     "how many; the last good ones stay whatever it says"),
            optional("min_free", &BackupSettings::min_free,
                     "must be free on the disk when a backup is there, or none is made"),
            optional("nice", &BackupSettings::nice, "priority: 19 gives way to everybody").between(0, 19),
            later<Texts>("encrypt", "command; standard input to standard output"),
            optional("offsite", &BackupSettings::offsite,
                     "command that copies {file} away, with its arguments; without a shell"),
            optional("offsite_list", &BackupSettings::offsite_list,
                     "command that lists names and sizes of what is there; {name}: only of this one"),
            later<Texts>("restic", "command"),
            optional(
                "verify", &BackupSettings::verify,
                "each backup is restored into a scratch file and proven; without it nothing is ever pruned"),
            later<Duration>("verify_every", "the same from the off-site copy"),
            optional("shrink", &BackupSettings::shrink,
                     "smaller than this share of the one before: kept apart and told")
                .units({Amount::Unit::percent}),
        }
            .verify(offsite_complaints);
    return schema;
}

const Schema<BackupSource>& backup_common_schema() {
    static const Schema<BackupSource> schema{
        optional("every", &BackupSource::every, "run --due makes one when the last is so old")
            .between(1min, 31 * 24h),
        optional("units", &BackupSource::units,
                 "stopped by restore before it replaces anything, and started again in the end")
            .check(unit_complaint),
    };
    return schema;
}

const Schema<SqliteSource>& sqlite_source_schema() {
    static const Schema<SqliteSource> schema{
        required("path", &SqliteSource::path, "the database"),
        optional("latest", &SqliteSource::latest, "a plain, proven copy of the last backup; empty: none"),
    };
    return schema;
}

const Schema<FilesSource>& files_source_schema() {
    static const Schema<FilesSource> schema{
        required("paths", &FilesSource::paths, "files and folders, with all that is below on the same disk"),
        optional("exclude", &FilesSource::exclude,
                 "patterns of names that stay out, as tar has them: \"*.tmp\", \"srv/media/cache\""),
    };
    return schema;
}

const Schema<PostgresSource>& postgres_source_schema() {
    static const Schema<PostgresSource> schema{
        required("url", &PostgresSource::url,
                 "postgresql://user@host/database; the user reads everything and may create databases")
            .check(secretly<postgres_url_complaint>),
        optional("globals", &PostgresSource::globals,
                 "the server's roles and tablespaces go into the backup, too"),
    };
    return schema;
}

const Schema<RedisSource>& redis_source_schema() {
    static const Schema<RedisSource> schema{
        required("url", &RedisSource::url,
                 "redis://[user:password@]host[:port] or unix:///path.sock; all its databases are backed up")
            .check([](const Secret& url) { return redis_url_complaint(url.reveal()); }),
        optional(
            "via", &RedisSource::via,
            "replication: as a replica gets it, from any host; bgsave: the server saves, the file is copied")
            .one_of({"replication", "bgsave"}),
    };
    return schema;
}

} // namespace lectio
