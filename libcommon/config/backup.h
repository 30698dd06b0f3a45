// [backup]: what is backed up, how often, and how much of it is kept.
#pragma once

#include "config/schema.h"
#include "config/values.h"
#include "util/secret.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// How many are kept: the newest, and the newest of each hour, day, week, month and year (UTC) that has one.
struct KeepRule {
    int last = 3, hourly = 0, daily = 7, weekly = 4, monthly = 6, yearly = 0;
};

struct SqliteSource { // type = "sqlite"
    std::filesystem::path path;
    std::filesystem::path latest; // a plain, verified copy; empty: none
};

struct FilesSource { // type = "files"
    std::vector<std::filesystem::path> paths;
    std::vector<std::string> exclude; // as tar has them
};

struct PostgresSource { // type = "postgres"
    Secret url;
    bool globals = true; // roles and tablespaces of the server, too
};

struct RedisSource { // type = "redis"
    Secret url;
    std::string via = "replication"; // or "bgsave"
};

struct ExecSource {                   // type = "exec": programs of the operator's own, without a shell
    std::vector<std::string> command; // writes the backup to standard output
    std::vector<std::string>
        verify; // reads it from standard input, and says by its exit status whether it is good
    std::vector<std::string> restore; // reads it from standard input, and puts it where it belongs
    std::string extension = "data";
    std::string user;                            // who runs them; "": as we are
    Duration timeout = std::chrono::minutes(30); // of each
};

struct BackupSource { // one [backup.source.NAME]
    std::string name, type;
    Duration every = std::chrono::hours(24);
    SqliteSource sqlite; // of those that follow, the one of `type`
    FilesSource files;
    PostgresSource postgres;
    std::vector<std::string> units; // restore stops them, and starts them again
    RedisSource redis;
    ExecSource exec{};
    std::vector<std::string>
        unset; // variables it needs that are set nowhere: it is not backed up, and that is told
    std::vector<std::string>
        restic{}; // [backup] restic, where it is given to that repository; empty: it lies here
    [[nodiscard]] bool in_repository() const { return !restic.empty(); }
};

struct BackupSettings {
    std::filesystem::path dir; // empty: there is no [backup]
    KeepRule keep;
    Bytes min_free = 1_GB;
    int nice = 19;
    bool verify = true;
    Amount shrink{Amount::Unit::percent, 70}; // of the one before
    std::vector<std::string>
        encrypt{}; // recipients of age, files of them, each with what age has before it or without
    std::filesystem::path identity{}; // a key file of age; empty, or not there: nothing is decrypted here
    std::vector<std::string> offsite{}, offsite_list{},
        offsite_fetch{};                 // with {file} and {name}; empty: none
    Duration verify_every{};             // what lies elsewhere is fetched and proven; 0: never
    std::vector<BackupSource> sources{}; // in the order of the file
    std::vector<std::string> restic{};   // how it is called, with what it always needs; empty: it is not
    [[nodiscard]] const BackupSource* source(std::string_view name) const; // nullptr: no such source
    // What lies elsewhere is to be proven now and then, and nothing says how it would come back.
    [[nodiscard]] bool never_fetches() const;
    // Its backups are to be copied away by `offsite`.
    [[nodiscard]] bool goes_away(const BackupSource& one) const {
        return !offsite.empty() && !one.in_repository();
    }
};

// What of `encrypt` is handed to age: "age1…", "ssh-… …" (-r) and absolute paths (-R), with these options, with "age" itself
// before them, or without. `unknown`: neither.
struct AgeRecipients {
    std::vector<std::string> keys, files, unknown;
    [[nodiscard]] bool empty() const { return keys.empty() && files.empty(); }
};
AgeRecipients recipients_of(const std::vector<std::string>& encrypt);
// It may be part of the name of a backup: no way leads elsewhere by it.
bool is_extension(std::string_view text);

const Schema<BackupSettings>& backup_schema();      // without source
const Schema<BackupSource>& backup_common_schema(); // what every source knows
const Schema<SqliteSource>& sqlite_source_schema();
const Schema<FilesSource>& files_source_schema();
const Schema<PostgresSource>& postgres_source_schema();
const Schema<RedisSource>& redis_source_schema();
const Schema<ExecSource>& exec_source_schema();

} // namespace lectio
