#include "config/backup.h"

#include "config/complaints.h"
#include "util/text.h"

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

constexpr Phrase k_no_place_for_it{"\"offsite_fetch\" must say where the file goes to: \"{{file}}\"",
                                   "в \"offsite_fetch\" нужно место, куда положить файл: \"{{file}}\""};
constexpr Phrase k_nothing_to_fetch{
    "\"verify_every\" needs \"offsite_fetch\": what lies elsewhere is fetched and proven",
    "для \"verify_every\" нужен \"offsite_fetch\": копия забирается из хранилища и проверяется"};
constexpr Phrase k_fetch_alone{"\"offsite_fetch\" without \"offsite\": nothing lies there",
                               "\"offsite_fetch\" без \"offsite\": там ничего нет"};
constexpr Phrase k_no_recipient{
    "\"{}\" is no recipient of age: \"age1…\", \"ssh-ed25519 …\", or the path of a file of them",
    "\"{}\" — не получатель age: нужно \"age1…\", \"ssh-ed25519 …\" или путь к файлу с ними"};
constexpr Phrase k_no_recipients{"nobody could read what is encrypted: name a recipient, \"age1…\"",
                                 "зашифрованное никто не сможет прочитать: назовите получателя, \"age1…\""};
constexpr Phrase k_has_verb{"the program and what it always needs, no more: \"restic\", \"-r\", \"sftp:…\", "
                            "\"--password-file\", \"/…\"",
                            "программа и то, что ей нужно всегда, не больше: \"restic\", \"-r\", \"sftp:…\", "
                            "\"--password-file\", \"/…\""};
constexpr Phrase k_no_extension{
    "an extension has letters, digits, \"-\", \"_\" and single dots only: \"sql\", \"tar.gz\"",
    "в расширении только буквы, цифры, \"-\", \"_\" и одиночные точки: \"sql\", \"tar.gz\""};

std::optional<Text> extension_complaint(const std::string& text) {
    return is_extension(text) ? std::nullopt : std::optional(say(k_no_extension));
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
    if (!settings.offsite_fetch.empty() && !names_the_file(settings.offsite_fetch)) {
        complaints.emplace_back("offsite_fetch", say(k_no_place_for_it));
    }
    if (settings.offsite.empty() && !settings.offsite_fetch.empty()) {
        complaints.emplace_back(std::vector<std::string>{"offsite_fetch"}, say(k_fetch_alone),
                                Problem::Severity::warning);
    }
    if (settings.never_fetches()) {
        complaints.emplace_back(std::vector<std::string>{"verify_every"}, say(k_nothing_to_fetch),
                                Problem::Severity::warning);
    }
    return complaints;
}

std::vector<Complaint> restic_complaints(const BackupSettings& settings) {
    std::vector<Complaint> complaints;
    const bool has_verb = !settings.restic.empty() && settings.restic.back() == "backup";
    if (has_verb || (!settings.restic.empty() && settings.restic.front().empty())) {
        complaints.emplace_back("restic", say(k_has_verb));
    }
    return complaints;
}

std::vector<Complaint> encryption_complaints(const BackupSettings& settings) {
    std::vector<Complaint> complaints;
    const AgeRecipients recipients = recipients_of(settings.encrypt);
    for (const std::string& word : recipients.unknown) {
        complaints.emplace_back("encrypt", say(k_no_recipient, clean_line(word)));
    }
    if (!settings.encrypt.empty() && complaints.empty() && recipients.empty()) {
        complaints.emplace_back("encrypt", say(k_no_recipients));
    }
    return complaints;
}

} // namespace

bool BackupSettings::never_fetches() const {
    const bool only_restic = offsite.empty() && !restic.empty();
    return verify_every > Duration::zero() && offsite_fetch.empty() && !only_restic;
}

const BackupSource* BackupSettings::source(std::string_view name) const {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [&](const BackupSource& one) { return one.name == name; });
    return found == sources.end() ? nullptr : &*found;
}

const Schema<BackupSettings>& backup_schema() {
    static const Schema<BackupSettings> schema =
        Schema<BackupSettings>{
            required("dir", &BackupSettings::dir, "where they lie"),
            optional("keep", &BackupSettings::keep, keep_schema(),
                     "how many; the last good ones stay whatever it says"),
            optional("min_free", &BackupSettings::min_free,
                     "must be free on the disk when a backup is there, or none is made"),
            optional("nice", &BackupSettings::nice, "priority: 19 gives way to everybody").between(0, 19),
            optional(
                "encrypt", &BackupSettings::encrypt,
                "recipients of age: \"age1…\", \"ssh-ed25519 …\", or the path of a file of them; empty: not "
                "encrypted"),
            optional("identity", &BackupSettings::identity,
                     "a key file of age for verify and restore; it need not be here: then they say what they "
                     "cannot do"),
            optional("offsite", &BackupSettings::offsite,
                     "command that copies {file} away, with its arguments; without a shell"),
            optional("offsite_list", &BackupSettings::offsite_list,
                     "command that lists names and sizes of what is there; {name}: only of this one"),
            optional("offsite_fetch", &BackupSettings::offsite_fetch,
                     "command that copies {name} from there to the new file {file}"),
            optional(
                "restic", &BackupSettings::restic,
                "restic with what it always needs, -r and --password-file; sources of type \"files\" go to "
                "that repository; empty: a tar here"),
            optional(
                "verify", &BackupSettings::verify,
                "each backup is restored into a scratch file and proven; without it nothing is ever pruned"),
            optional("verify_every", &BackupSettings::verify_every,
                     "the same from the off-site copy, the newest of each source; 0: never")
                .between(0ms, 3650 * 24h),
            optional("shrink", &BackupSettings::shrink,
                     "smaller than this share of the one before: kept apart and told")
                .units({Amount::Unit::percent}),
        }
            .verify([](const BackupSettings& settings) {
                std::vector<Complaint> complaints = offsite_complaints(settings);
                for (const auto& more : {encryption_complaints(settings), restic_complaints(settings)}) {
                    complaints.insert(complaints.end(), more.begin(), more.end());
                }
                return complaints;
            });
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

const Schema<ExecSource>& exec_source_schema() {
    static const Schema<ExecSource> schema{
        required("command", &ExecSource::command,
                 "writes the backup to standard output, a file; without a shell; exit status 0: it is whole"),
        optional("verify", &ExecSource::verify,
                 "reads it from standard input; exit status 0: it can be restored. Without it nobody knows"),
        optional("restore", &ExecSource::restore,
                 "reads it from standard input and puts it where it belongs; without it: restore --to"),
        optional("extension", &ExecSource::extension, "of the file: sql, tar").check(extension_complaint),
        optional("user", &ExecSource::user, "who runs them").check(user_complaint),
        optional("timeout", &ExecSource::timeout, "each is killed after this long").between(1s, 1h),
    };
    return schema;
}

bool is_extension(std::string_view text) {
    constexpr std::size_t k_longest = 32;
    const bool has_odd = std::any_of(text.begin(), text.end(), [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                 c == '-' || c == '_');
    });
    return !text.empty() && text.size() <= k_longest && !has_odd && !text.starts_with('.') &&
           !text.ends_with('.') && text.find("..") == std::string_view::npos;
}

AgeRecipients recipients_of(const std::vector<std::string>& encrypt) {
    AgeRecipients recipients;
    enum class Next { any, key, file } next = Next::any;
    for (auto word = encrypt.begin(); word != encrypt.end(); ++word) {
        const bool is_key = word->starts_with("age1") || word->starts_with("ssh-");
        const bool is_file = word->starts_with('/');
        if (next == Next::any && (*word == "-r" || *word == "--recipient")) {
            next = Next::key;
        } else if (next == Next::any && (*word == "-R" || *word == "--recipients-file")) {
            next = Next::file;
        } else if (word == encrypt.begin() && std::filesystem::path(*word).filename() == "age") {
            continue;
        } else {
            const bool fits = (is_key && next != Next::file) || (is_file && next != Next::key);
            (!fits ? recipients.unknown : is_key ? recipients.keys : recipients.files).push_back(*word);
            next = Next::any;
        }
    }
    return recipients;
}

} // namespace lectio
