#include "config/backup.h"

#include "config/complaints.h"

namespace lectio {
namespace {

using namespace std::chrono_literals;

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

} // namespace

const Schema<BackupSettings>& backup_schema() {
    using Texts = std::vector<std::string>;
    static const Schema<BackupSettings> schema{
        required("dir", &BackupSettings::dir, "where they lie"),
        optional("keep", &BackupSettings::keep, keep_schema(),
                 "how many; the last good ones stay whatever it says"),
        optional("min_free", &BackupSettings::min_free,
                 "must be free on the disk when a backup is there, or none is made"),
        optional("nice", &BackupSettings::nice, "priority: 19 gives way to everybody").between(0, 19),
        later<Texts>("encrypt", "command; standard input to standard output"),
        later<Texts>("offsite", "command that copies {file} away"),
        later<Texts>("offsite_list", "command that lists what is there"),
        later<Texts>("restic", "command"),
        optional("verify", &BackupSettings::verify,
                 "each backup is restored into a scratch file and proven; without it nothing is ever pruned"),
        later<Duration>("verify_every", "the same from the off-site copy"),
        optional("shrink", &BackupSettings::shrink,
                 "smaller than this share of the one before: kept apart and told")
            .units({Amount::Unit::percent}),
    };
    return schema;
}

const Schema<BackupSource>& backup_common_schema() {
    static const Schema<BackupSource> schema{
        optional("every", &BackupSource::every, "run --due makes one when the last is so old")
            .between(1min, 31 * 24h),
        later<std::vector<std::string>>("units", "stopped and started by restore").check(unit_complaint),
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

} // namespace lectio
