#include "checks/sqlite.h"

#include "checks/hung_mount.h"
#include "checks/thresholds.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <sys/stat.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Check = SqliteSighting::Check;
using Outcome = Stranded::Outcome;

constexpr Phrase k_there_with_log{"{} and {} of log", "{} и журнал {}"};
constexpr Phrase k_whole{"every page is whole", "все страницы целы"};
constexpr Phrase k_idle{
    "nobody has it open, and its log is not copied back: pages are not looked at",
    "базу никто не держит открытой, а журнал в неё не перенесён: страницы не проверялись"};
constexpr Phrase k_missing{"{} is not there", "нет файла {}"};
constexpr Phrase k_no_file{"{} is no file", "{} — не файл"};
constexpr Phrase k_empty{"{} is empty: a database without a single table",
                         "{} — пустой файл: в базе нет ни одной таблицы"};
constexpr Phrase k_cannot_look{"unable to look at {}: {}", "не удалось посмотреть на {}: {}"};
constexpr Phrase k_disk_fails{"{} cannot be read: {}", "{} не читается: {}"};
constexpr Phrase k_no_database{"{} is damaged, or no SQLite database: {}",
                               "{} повреждён или это не база SQLite: {}"};
constexpr Phrase k_damaged{"the database is damaged", "база повреждена"};
constexpr Phrase k_mend{"stop what writes there, keep a copy of the file, then restore the last good backup: "
                        "sqlite3 {} .recover | sqlite3 recovered.sqlite3 saves what can be read",
                        "остановите всех, кто в неё пишет, сохраните копию файла и восстановите последнюю "
                        "хорошую копию; sqlite3 {} .recover | sqlite3 recovered.sqlite3 "
                        "спасёт то, что ещё читается"};
constexpr Phrase k_disturbed{"it is written to all the time: whether every page is whole is not known",
                             "в базу всё время пишут: целы ли все страницы, узнать не удалось"};
constexpr Phrase k_abandoned{
    "its journal is that of a writer that died amid a change: pages are not looked at",
    "рядом лежит журнал процесса, который погиб посреди записи: страницы не проверялись"};
constexpr Phrase k_abandoned_hint{"the next to write there takes the change back by itself; whoever copies "
                                  "the file alone copies half a change",
                                  "следующий, кто откроет базу на запись, откатит её сам; кто скопирует один "
                                  "файл, скопирует половину записи"};
constexpr Phrase k_disturbed_hint{"at a quiet hour: sqlite3 {} 'PRAGMA quick_check'",
                                  "в тихий час: sqlite3 {} 'PRAGMA quick_check'"};
constexpr Phrase k_unfinished{"its pages were not looked through within {}",
                              "за {} просмотреть все страницы не удалось"};
constexpr Phrase k_longer{"give it a longer `timeout`, and `every = \"24h\"`",
                          "дайте проверке больше времени (`timeout`), и пореже: `every = \"24h\"`"};
constexpr Phrase k_large{"it is {} large", "размер {}"};
constexpr Phrase k_large_log{"its log is {} large", "журнал базы вырос до {}"};
constexpr Phrase k_large_log_hint{
    "a reader that never ends keeps it from being copied back: lsof {}-wal",
    "его не даёт перенести в базу читатель, который не заканчивает: lsof {}-wal"};
constexpr Phrase k_unused{"{:.0f}% of its pages hold nothing", "{:.0f}% страниц пустует"};
constexpr Phrase k_vacuum{
    "sqlite3 {} VACUUM gives them back; it needs as much free space and keeps writers out",
    "sqlite3 {} VACUUM вернёт место; на это время нужно столько же свободного места, и "
    "писать в базу нельзя"};
constexpr Phrase k_locked{
    "locked for writing for at least {} by {}: others get “database is locked”",
    "заперта на запись не меньше {}, держит {}: остальные получают «database is locked»"};
constexpr Phrase k_locked_hint{
    "it must end its transaction: look what it does (fuser -v {}), and restart it where it hangs",
    "ему пора закончить транзакцию: посмотрите, чем он занят (fuser -v {}), и перезапустите, если он завис"};
constexpr Phrase k_process{"process {} ({})", "процесс {} ({})"};
constexpr Phrase k_somebody{"somebody", "неизвестно кто"};

const Schema<SqliteSettings>& sqlite_schema() {
    static const Schema<SqliteSettings> schema{
        required("path", &SqliteSettings::path, "the database"),
        optional("size", &SqliteSettings::size, "of the file").units({Amount::Unit::bytes}).grows(),
        optional("quick_check", &SqliteSettings::quick_check, "PRAGMA quick_check: is every page whole?"),
        optional("timeout", &SqliteSettings::timeout, "of quick_check").between(100ms, 1h),
        optional("wal", &SqliteSettings::wal, "of the write-ahead log")
            .units({Amount::Unit::bytes})
            .grows()
            .or_empty(),
        optional("locked", &SqliteSettings::locked,
                 "somebody holds the write lock that long and commits nothing; {}: not watched")
            .units({Amount::Unit::milliseconds})
            .grows()
            .or_empty(),
        optional("free_pages", &SqliteSettings::free_pages, "share of the file that holds nothing")
            .units({Amount::Unit::percent})
            .grows(),
    };
    return schema;
}

std::string shown(const SqliteSettings& settings) {
    return clean_line(settings.path.string());
}

CheckResult result_of(Status status, Text message, Text hint = {}) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.hint = std::move(hint);
    result.remedy = Remedy::cannot_help; // no restart mends a file
    return result;
}

Text words_of(const Error& error) {
    return error_words(shorten(clean_line(error.message), 200));
}

// Not a database that could be looked into; nothing: it is one.
std::optional<CheckResult> judge_file(const SqliteSample& sample, const SqliteSettings& settings) {
    const FileProbe& file = sample.file;
    if (file.outcome == Outcome::failed) {
        return result_of(Status::unknown,
                         say(k_cannot_look, shown(settings), error_words(file.error.message)));
    }
    if (file.outcome != Outcome::answered) {
        return hung_mount(file.mount, file.outcome);
    }
    const FileSighting& seen = file.sighting;
    const int error = seen.error != 0 ? seen.error : seen.target_error;
    if (error == ENOENT || error == ENOTDIR) {
        return result_of(Status::critical, say(k_missing, shown(settings)));
    }
    if (error != 0) {
        const bool ours = error == EACCES || error == EPERM;
        return result_of(ours ? Status::unknown : Status::critical,
                         say(ours ? k_cannot_look : k_disk_fails, shown(settings),
                             error_words(std::generic_category().message(error))));
    }
    if (!S_ISREG(seen.mode)) {
        return result_of(Status::critical, say(k_no_file, shown(settings)));
    }
    if (seen.size == 0) {
        return result_of(Status::critical, say(k_empty, shown(settings)));
    }
    return std::nullopt;
}

CheckResult judge_unreadable(const Error& error, const SqliteSettings& settings) {
    switch (error.kind) {
    case ErrorKind::permission:
    case ErrorKind::timeout:
    case ErrorKind::busy:
    case ErrorKind::internal:
        return result_of(Status::unknown, say(k_cannot_look, shown(settings), words_of(error)));
    default:
        return result_of(Status::critical, say(k_no_database, shown(settings), words_of(error)),
                         say(k_mend, shown(settings)));
    }
}

void judge_pages(CheckResult& result, const SqliteSighting& seen, const SqliteSettings& settings) {
    switch (seen.check) {
    case Check::not_asked:
        break;
    case Check::good:
        result.message = join(", ", {result.message, say(k_whole)});
        break;
    case Check::damaged:
        raise(result, Status::critical, say(k_damaged), say(k_mend, shown(settings)));
        result.evidence = shorten(clean_line(fmt::format("{}", fmt::join(seen.damage, "; "))), 500);
        break;
    case Check::disturbed:
        raise(result, Status::unknown, say(k_disturbed), say(k_disturbed_hint, shown(settings)));
        break;
    case Check::unfinished:
        raise(result, Status::unknown, say(k_unfinished, format_duration(settings.timeout)), say(k_longer));
        break;
    }
}

void judge_sizes(CheckResult& result, const SqliteSighting& seen, const SqliteSettings& settings,
                 const std::map<std::string, std::string>& memory) {
    const Quantity size{static_cast<double>(seen.size.count), {}};
    result.metrics.push_back({"size", size.value, "B", in_units_of(size, settings.size.warn),
                              in_units_of(size, settings.size.critical)});
    raise(result, judge_thresholds(size, settings.size, {}, Direction::grows, "size", memory, result.memory),
          say(k_large, format_size(seen.size)));
    const Quantity log{static_cast<double>(seen.log.count), {}};
    result.metrics.push_back({"wal", log.value, "B", in_units_of(log, settings.wal.warn),
                              in_units_of(log, settings.wal.critical)});
    raise(result, judge_thresholds(log, settings.wal, {}, Direction::grows, "wal", memory, result.memory),
          say(k_large_log, format_size(seen.log)), say(k_large_log_hint, shown(settings)));
}

void judge_unused(CheckResult& result, const SqliteSighting& seen, const SqliteSettings& settings,
                  const std::map<std::string, std::string>& memory) {
    if (!seen.pages || !seen.unused || *seen.pages <= 0) {
        return;
    }
    const Quantity share{100.0 * static_cast<double>(*seen.unused) / static_cast<double>(*seen.pages), {}};
    result.metrics.push_back({"free_pages", share.value, "%", in_units_of(share, settings.free_pages.warn),
                              in_units_of(share, settings.free_pages.critical)});
    raise(result,
          judge_thresholds(share, settings.free_pages, {}, Direction::grows, "free_pages", memory,
                           result.memory),
          say(k_unused, share.value), say(k_vacuum, shown(settings)));
}

void judge_lock(CheckResult& result, const SqliteSample& sample, const SqliteSettings& settings) {
    const SqliteSighting& seen = sample.sighting;
    if (!seen.locked) {
        return;
    }
    const Quantity held{static_cast<double>(seen.locked->count()), {}};
    const Status status = judge_thresholds(held, settings.locked, {}, Direction::grows, Status::ok);
    const Text holder = seen.holder > 0
                            ? say(k_process, seen.holder, shorten(redact(clean_line(sample.holder)), 120))
                            : say(k_somebody);
    raise(result, status, say(k_locked, format_duration(*seen.locked), holder),
          say(k_locked_hint, shown(settings)));
}

Duration longest(const Thresholds& thresholds) {
    double most = 0;
    for (const std::optional<Amount>& each : {thresholds.warn, thresholds.critical}) {
        most = std::max(most, each ? each->value : 0.0);
    }
    return Duration(static_cast<std::int64_t>(most));
}

class SqliteCheck final : public BlockingCheck {
  public:
    explicit SqliteCheck(SqliteSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        SqliteSample sample;
        const Result<std::vector<Mount>> mounts = context.world.host.mounts();
        if (!mounts) { // whether it may hang cannot be known
            CheckResult result = result_of(
                Status::unknown, say(k_cannot_look, shown(m_settings), error_words(mounts.error().message)));
            result.memory = context.memory;
            return result;
        }
        sample.file = file_probe(m_settings.path, *mounts, time_for(context, k_mount_timeout),
                                 left_behind(context.memory));
        if (!judge_file(sample, m_settings)) {
            look(sample, context);
        }
        return evaluate_sqlite(sample, m_settings, context.memory);
    }

  private:
    void look(SqliteSample& sample, const CheckContext& context) const {
        const Duration watched = longest(m_settings.locked);
        const SteadyTime end = context.world.clock.steady() + time_for(context, m_settings.timeout + watched);
        const SqliteQuestion question{m_settings.path, m_settings.quick_check, watched, end};
        sample.sighting = sqlite_probe(question, context.world.clock);
        if (sample.sighting.holder > 0) {
            sample.holder = command_of(sample.sighting.holder, context.world);
        }
    }

    static std::string command_of(int pid, const World& world) {
        const Result<std::vector<ProcessInfo>> all = world.host.processes();
        for (const ProcessInfo& process : all.value_or({})) {
            if (process.pid == pid) {
                return process.command_line.empty() ? process.name : process.command_line;
            }
        }
        return {};
    }

    SqliteSettings m_settings;
};

} // namespace

CheckResult evaluate_sqlite(const SqliteSample& sample, const SqliteSettings& settings,
                            const std::map<std::string, std::string>& memory) {
    if (std::optional<CheckResult> no_database = judge_file(sample, settings)) {
        no_database->memory = memory;
        keep_left_behind(*no_database, sample.file.left_behind);
        return *no_database;
    }
    const SqliteSighting& seen = sample.sighting;
    CheckResult result;
    if (seen.unreadable) {
        result = judge_unreadable(*seen.unreadable, settings);
    } else {
        const Text there = seen.log.count > 0
                               ? say(k_there_with_log, format_size(seen.size), format_size(seen.log))
                               : verbatim(format_size(seen.size));
        result = result_of(Status::ok, seen.idle ? join("; ", {there, say(k_idle)}) : there);
        judge_pages(result, seen, settings);
        if (seen.abandoned) {
            raise(result, Status::unknown, say(k_abandoned), say(k_abandoned_hint));
        }
    }
    judge_lock(result, sample, settings);
    judge_sizes(result, seen, settings, memory);
    judge_unused(result, seen, settings, memory);
    return result;
}

CheckType sqlite_check_type() {
    return make_check_type<sqlite_schema, SqliteCheck>(
        "sqlite", Layer::data, Recheck::no, "a SQLite database is whole, not locked for long, not too large");
}

} // namespace lectio
