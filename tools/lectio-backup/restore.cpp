// restore: a backup in the place of the database, which is set aside, or in a file of its own.
#include "backup/stopped_units.h"
#include "backup/take_place.h"
#include "commands.h"
#include "platform/durable_file.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "restore_exec.h"
#include "restore_postgres.h"
#include "restore_redis.h"
#include "snapshots/sqlite_restore.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr Phrase k_no_moment{"{} is no time: \"2h\", \"2026-11-20 10:00\"",
                             "{} — не время: \"2h\", \"2026-11-20 10:00\""};
constexpr Phrase k_none{"{} has no proven backup of that time or before",
                        "у {} нет проверенной копии этого времени или раньше"};
constexpr Phrase k_of_another{"{} is a backup of {}", "{} — копия источника {}"};
constexpr Phrase k_not_proven{"{} is {}: nobody knows what is in it; lectio-backup verify {}",
                              "{} в состоянии {}: что в ней, неизвестно; lectio-backup verify {}"};
constexpr Phrase k_taken{"from the backup {} of {}, {} old", "из копии {} от {}, ей {}"};
constexpr Phrase k_taken_to_come{
    "from the backup {} of {}: that is not over yet, so how old it is nobody knows",
    "из копии {} от {}: это ещё не наступило, поэтому сколько ей, неизвестно"};
constexpr Phrase k_left_aside{
    "{} of {} was left aside: that is not over yet, so the clock was wrong when it was made, or is now; to "
    "take it: --id {}",
    "{} от {} не взята: это ещё не наступило, значит, часы врали, когда её делали, или врут сейчас; чтобы "
    "взять её: --id {}"};
constexpr Phrase k_would_restore{"restic would restore it from its repository and compare each file",
                                 "restic восстановил бы её из своего хранилища и сверил каждый файл"};
constexpr Phrase k_no_restic{
    "{} lies in a repository of restic, and `restic` in [backup] is not set: nothing says where that is",
    "{} лежит в хранилище restic, а `restic` в [backup] не задан: неизвестно, где оно"};
constexpr Phrase k_other_type{
    "{} is a backup of type {}, and [backup.source.{}] is of type {} now: nothing says where it belongs; "
    "restore --to a file or folder and put it back by hand",
    "{} — копия типа {}, а [backup.source.{}] теперь типа {}: не сказано, куда её возвращать; восстановите "
    "через --to в файл или папку и верните сами"};
constexpr Phrase k_would_unpack{"it would be unpacked and proven", "она была бы распакована и проверена"};
constexpr Phrase k_would_write{"it would become {}", "она стала бы {}"};
constexpr Phrase k_would_set_aside{"what is there now, with its log, would move to {}",
                                   "то, что там сейчас, вместе с журналом переехало бы в {}"};
constexpr Phrase k_would_refuse{
    "nobody may have it open meanwhile: stop who uses it first",
    "в это время базу никто не должен держать открытой: сначала остановите всех, кто с ней работает"};
constexpr Phrase k_would_move{"{} would be replaced; what is there now would move to {}",
                              "{} было бы заменено; то, что там сейчас, переехало бы в {}"};
constexpr Phrase k_no_place{"others may write to every folder above {} on its disk: restore --to a folder of "
                            "yours and move it by hand",
                            "во все папки выше {} на этом диске могут писать другие: восстановите через --to "
                            "в свою папку и перенесите сами"};
constexpr Phrase k_mounted{
    "{} is a disk of its own that is mounted there, and cannot be replaced as a whole: restore --to a "
    "folder of yours and copy it by hand",
    "{} — отдельный смонтированный диск, целиком его не заменить: восстановите через --to "
    "в свою папку и скопируйте сами"};
constexpr Phrase k_half_way{"{}: restored already, as it was at {}", "{}: уже восстановлено, как на {}"};
constexpr Phrase k_as_before{"{}: not restored, it is as it was before this command",
                             "{}: не восстановлено, осталось как до этой команды"};
constexpr Phrase k_nothing_there{"{}: not restored, nothing is there now",
                                 "{}: не восстановлено, сейчас там ничего нет"};
constexpr Phrase k_half_hint{
    "mend that, then again: lectio-backup restore {} --id {}; it replaces all of them once more",
    "устраните причину и повторите: lectio-backup restore {} --id {}; заменено будет всё заново"};
constexpr Phrase k_would_stop{"{} would be stopped, and started again in the end",
                              "{}: остановили бы, а в конце снова запустили"};
constexpr Phrase k_written{"restored: {} is as it was at {}", "восстановлено: {} — как на {}"};
constexpr Phrase k_was_aside{"what was there before lies in {}", "то, что было раньше, лежит в {}"};
constexpr Phrase k_busy_hint{"stop who uses it, then again: lectio-backup restore {}",
                             "остановите тех, кто с ней работает, и повторите: lectio-backup restore {}"};
constexpr Phrase k_none_so_old{"there is no proven backup of {} as old as that: the oldest is {} of {}",
                               "такой старой проверенной копии {} нет: самая старая — {} от {}"};
constexpr Phrase k_no_folder{"there is no folder {}", "папки {} нет"};
constexpr Phrase k_exists{"{} is there already: it is not overwritten",
                          "{} уже есть: перезаписывать не будем"};

// Where a restore of files unpacks: nobody else may lead a path below it elsewhere.
constexpr mode_t k_others_write = 022;
constexpr std::string_view k_scratch = ".lectio-tmp-";

class Restore {
  public:
    Restore(Session& session, const BackupSource& source)
        : m_session(session), m_source(source), m_units(session.settings().dir, session.world()) {}

    int go() {
        if (const std::optional<int> left = choose()) {
            return *left;
        }
        const std::optional<std::string>& to = m_session.options().to;
        if (std::holds_alternative<PostgresSnapshot>(m_backup.snapshot) &&
            (!to || leads_to_a_database(*to))) {
            return restore_postgres(m_session, {m_source, m_backup, taken(), scratch()});
        }
        if (to && m_session.files().info(absolute(*to), Files::Follow::no)) {
            return m_session.leave(ExitCode::usage, say(k_exists, clean_line(*to)));
        }
        if (to && !is_there(absolute(*to).parent_path())) {
            return m_session.leave(ExitCode::usage,
                                   say(k_no_folder, clean_line(absolute(*to).parent_path().string())));
        }
        const std::vector<Path>* paths = to ? nullptr : paths_of(m_backup.snapshot);
        for (const Path& path : paths != nullptr ? *paths : std::vector<Path>()) {
            if (is_mounted(path)) {
                return m_session.leave(ExitCode::critical, say(k_mounted, path.string()));
            }
        }
        return m_session.common().dry_run ? say_steps() : to ? into(absolute(*to)) : in_place();
    }

  private:
    static Path absolute(const std::string& path) {
        return std::filesystem::absolute(path).lexically_normal();
    }

    [[nodiscard]] bool is_there(const Path& folder) const {
        const Result<FileInfo> info = m_session.files().info(folder, Files::Follow::yes);
        return info || info.error().kind != ErrorKind::not_found;
    }

    std::optional<int> choose() {
        const Options& options = m_session.options();
        const Result<Archive::Contents> there = m_session.archive().contents();
        if (!there) {
            return m_session.leave(there.error());
        }
        std::optional<WallTime> at;
        if (options.at) {
            const Result<WallTime> moment =
                parse_moment(*options.at, m_session.now(), m_session.config().timezone);
            if (!moment) {
                return m_session.leave(ExitCode::usage, say(k_no_moment, clean_line(*options.at)));
            }
            at = *moment;
        }
        const Backup* found = options.id ? there->find(*options.id) : there->newest(m_source.name, at);
        if (found == nullptr) {
            return options.id ? m_session.no_such_backup(*options.id)
                              : m_session.leave(ExitCode::critical, none_of(*there));
        }
        if (found->source != m_source.name) {
            return m_session.leave(ExitCode::usage, say(k_of_another, found->id, found->source));
        }
        // Much smaller than the one before, but proven: who names it knows what he wants.
        if (!found->counts() && found->state != State::suspect) {
            return m_session.leave(ExitCode::critical,
                                   say(k_not_proven, found->id, to_string(found->state), found->id));
        }
        m_backup = *found;
        if (needs_source() && type_of(m_backup.snapshot) != m_source.type) {
            return m_session.leave(
                ExitCode::configuration,
                say(k_other_type, m_backup.id, type_of(m_backup.snapshot), m_source.name, m_source.type));
        }
        if (is_in_repository(m_backup.snapshot) && !m_source.in_repository()) {
            return m_session.leave(ExitCode::configuration, say(k_no_restic, m_backup.id));
        }
        if (!options.id && !at) {
            m_to_come = there->to_come(m_source.name);
        }
        const Result<void> readable = m_session.archive().can_be_read(m_backup);
        return readable ? std::nullopt : std::optional(m_session.leave(readable.error()));
    }

    // Of the moment that was asked for, or at all.
    [[nodiscard]] Text none_of(const Archive::Contents& there) const {
        for (const Backup& backup : there.of(m_source.name)) {
            if (backup.counts()) {
                return say(k_none_so_old, m_source.name, backup.id, m_session.local(backup.time));
            }
        }
        return say(k_none, m_source.name);
    }

    // It goes where the source says, not where --to does; of a database alone the source says on which server.
    [[nodiscard]] bool needs_source() const {
        const std::optional<std::string>& to = m_session.options().to;
        const bool is_named = to && std::holds_alternative<PostgresSnapshot>(m_backup.snapshot) &&
                              leads_to_a_database(*to) && to->find("://") == std::string::npos;
        return !to || is_named;
    }

    [[nodiscard]] Text taken() const {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(m_session.now() - m_backup.time);
        const std::string of = m_session.local(m_backup.time);
        Text words = is_to_come(m_backup.time, m_session.now())
                         ? say(k_taken_to_come, m_backup.id, of)
                         : say(k_taken, m_backup.id, of, spoken(std::max<std::int64_t>(age.count(), 0)));
        for (const Backup& other : m_to_come) {
            if (other.id != m_backup.id && other.counts()) {
                words =
                    join("\n", {words, say(k_left_aside, other.id, m_session.local(other.time), other.id)});
            }
        }
        return words;
    }

    int say_steps() {
        const std::optional<std::string>& to = m_session.options().to;
        Text words = join(
            "\n", {taken(), say(is_in_repository(m_backup.snapshot) ? k_would_restore : k_would_unpack)});
        if (const std::vector<Path>* paths = paths_of(m_backup.snapshot); paths != nullptr && !to) {
            for (const Path& path : *paths) {
                words = join("\n", {words, say(k_would_move, path.string(),
                                               name_aside(path, m_backup.id, m_session.files()).string())});
            }
            words = with_units(words, m_source);
            return m_session.say_outcome(words, 0, {{"backup", json_of(m_session, m_backup)}});
        }
        if (std::holds_alternative<RedisSnapshot>(m_backup.snapshot) && !to) {
            return m_session.say_outcome(join("\n", {words, steps_of(m_session, of_redis())}), 0,
                                         {{"backup", json_of(m_session, m_backup)}});
        }
        if (std::holds_alternative<ExecSnapshot>(m_backup.snapshot) && !to) {
            return m_session.say_outcome(join("\n", {words, steps_of(m_source)}), 0,
                                         {{"backup", json_of(m_session, m_backup)}});
        }
        words = to ? join("\n", {words, say(k_would_write, absolute(*to).string())})
                   : join("\n", {with_units(words, m_source), say(k_would_refuse),
                                 say(k_would_set_aside, aside().string()),
                                 say(k_would_write, m_source.sqlite.path.string())});
        return m_session.say_outcome(words, 0, {{"backup", json_of(m_session, m_backup)}});
    }

    // Who is stopped below is started again before we leave, also when we are asked to.
    Result<void> stop_units() {
        if (!m_source.units.empty()) {
            take_time_to_stop();
        }
        return m_units.stop(m_source.units);
    }

    int not_stopped(const Error& error) {
        return m_session.leave(ExitCode::critical, error_words(error.message));
    }

    int ended(Text words, nlohmann::json more) {
        const std::vector<Text> problems = m_units.start();
        for (const Text& problem : problems) {
            m_session.log(LogLevel::error, problem);
            words = join("\n", {words, problem});
        }
        m_session.flush_log();
        return m_session.say_outcome(words, problems.empty() ? 0 : 2, std::move(more));
    }

    int into(const Path& file) {
        // What is decrypted lies in the archive for a while, and the next run would sweep it away.
        if (const std::optional<int> left = m_backup.compressed ? m_session.lock() : std::nullopt) {
            return *left;
        }
        const Result<void> done = paths_of(m_backup.snapshot) != nullptr
                                      ? into_folder(file)
                                      : m_session.archive().unpack(m_backup, file, m_session.until());
        if (!done) {
            return m_session.leave(done.error());
        }
        return m_session.say_outcome(
            join("\n", {say(k_written, file.string(), m_session.local(m_backup.time)), taken()}), 0,
            {{"backup", json_of(m_session, m_backup)}, {"path", file.string()}});
    }

    [[nodiscard]] RedisRestore of_redis() const { return {m_source, m_backup, taken(), scratch()}; }

    [[nodiscard]] Path scratch() const {
        return m_session.settings().dir / fmt::format(".lectio-tmp-{}.restore", m_backup.id);
    }

    // A new folder with everything, the list of it too: `sha256sum -c` there says the same again.
    Result<void> into_folder(const Path& folder) {
        LECTIO_TRY(m_session.disk().make_folder(folder));
        Result<void> done = fetch_files();
        done = done ? lay_out(folder, {}) : done;
        LECTIO_TRY(remove_file(scratch()));
        if (!done) { // half of it would be taken for all of it, and be in the way of the next call
            LECTIO_TRY(m_session.disk().remove_tree(folder));
        }
        return done;
    }

    // A tar is unpacked first, whole and proven; restic gives each part by itself.
    Result<void> fetch_files() {
        LECTIO_TRY(remove_file(scratch()));
        return is_in_repository(m_backup.snapshot)
                   ? Result<void>{}
                   : m_session.archive().unpack(m_backup, scratch(), m_session.until());
    }

    // Everything, or only `below`, under its whole path into `folder`, which is empty; each file is compared.
    Result<void> lay_out(const Path& folder, const Path& below) {
        const SteadyTime until = m_session.until(m_source);
        if (const auto* restic = std::get_if<ResticSnapshot>(&m_backup.snapshot)) {
            return restore_restic(restic->id, folder, below, m_source, m_session.world(), until);
        }
        return extract_files(scratch(), {folder, below.relative_path().string()}, m_session.world(), until);
    }

    // The nearest folder above on the same disk to which nobody else may write: tar runs there as we are, and whoever
    // owns the site could lead it elsewhere below.
    [[nodiscard]] std::optional<Path> safe_folder(const Path& path) const {
        Files& files = m_session.files();
        const Result<FileInfo> parent = files.info(path.parent_path(), Files::Follow::yes);
        for (Path folder = path.parent_path(); parent; folder = folder.parent_path()) {
            const Result<FileInfo> info = files.info(folder, Files::Follow::no);
            if (!info || info->device != parent->device) {
                return std::nullopt;
            }
            if (info->owner == effective_user() && (info->mode & k_others_write) == 0) {
                return folder;
            }
            if (folder == folder.root_path()) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is_mounted(const Path& path) const {
        const Result<FileInfo> itself = m_session.files().info(path, Files::Follow::no);
        const Result<FileInfo> parent = m_session.files().info(path.parent_path(), Files::Follow::yes);
        return itself && parent && itself->device != parent->device;
    }

    // Everything is unpacked and proven before the first name changes; a call that died is begun anew by the next.
    int files_in_place(const std::vector<Path>& paths) {
        const Result<void> fetched = fetch_files();
        if (!fetched) {
            return m_session.leave(fetched.error());
        }
        std::vector<Path> prepared;
        const auto give_up = [&](int status) {
            for (const Path& one : prepared) {
                if (const Result<void> gone = m_session.disk().remove_tree(one); !gone) {
                    m_session.say_aside(error_words(gone.error().message));
                }
            }
            return status;
        };
        for (const Path& path : paths) {
            const std::optional<Path> folder = safe_folder(path);
            if (!folder) {
                return give_up(m_session.leave(ExitCode::critical, say(k_no_place, path.string())));
            }
            prepared.push_back(*folder / fmt::format("{}{}-{}", k_scratch, m_backup.id, prepared.size()));
            const Result<void> done = prepare(path, prepared.back());
            if (!done) {
                return give_up(m_session.leave(done.error()));
            }
        }
        if (const Result<void> stopped = stop_units(); !stopped) {
            return give_up(not_stopped(stopped.error()));
        }
        std::vector<std::string> aside;
        for (std::size_t i = 0; i < prepared.size(); ++i) {
            Path beside;
            const Result<void> done = take_place(prepared[i] / paths[i].relative_path(), paths[i],
                                                 m_backup.id, m_session.files(), m_session.disk(), beside);
            if (!beside.empty()) {
                aside.push_back(beside.string());
            }
            if (!done) { // what was there is aside: the new one is there, and only the disk does not say so for sure
                return give_up(left_half_way(paths, beside.empty() ? i : i + 1, aside, done.error()));
            }
            if (const Result<void> gone = m_session.disk().remove_tree(prepared[i]); !gone) {
                m_session.say_aside(error_words(gone.error().message));
            }
        }
        if (const Result<void> removed = remove_file(scratch()); !removed) {
            m_session.say_aside(error_words(removed.error().message));
        }
        std::string names;
        for (const Path& path : paths) {
            names += (names.empty() ? "" : ", ") + path.string();
        }
        Text words = join("\n", {say(k_written, names, m_session.local(m_backup.time)), taken()});
        m_session.log(LogLevel::warn, words);
        for (const std::string& one : aside) {
            words = join("\n", {words, say(k_was_aside, one)});
        }
        return ended(words, {{"backup", json_of(m_session, m_backup)}, {"path", names}, {"aside", aside}});
    }

    // The first `done` of them are in their places, and what was there is aside: nobody must have to guess that.
    int left_half_way(const std::vector<Path>& paths, std::size_t done, const std::vector<std::string>& aside,
                      const Error& error) {
        Text words = error_words(error.message);
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const bool stands = m_session.files().info(paths[i], Files::Follow::no).ok();
            words = join(
                "\n", {words, !stands    ? say(k_nothing_there, paths[i].string())
                              : i < done ? say(k_half_way, paths[i].string(), m_session.local(m_backup.time))
                                         : say(k_as_before, paths[i].string())});
        }
        for (const std::string& one : aside) {
            words = join("\n", {words, say(k_was_aside, one)});
        }
        if (const Result<void> removed = remove_file(scratch()); !removed) {
            m_session.say_aside(error_words(removed.error().message));
        }
        m_session.log(LogLevel::error, words);
        for (const Text& problem : m_units.start()) {
            m_session.log(LogLevel::error, problem);
            words = join("\n", {words, problem});
        }
        m_session.flush_log();
        return m_session.leave(ExitCode::critical, words, say(k_half_hint, m_source.name, m_backup.id));
    }

    Result<void> prepare(const Path& path, const Path& into) {
        LECTIO_TRY(m_session.disk().remove_tree(into));
        LECTIO_TRY(m_session.disk().make_folder(into));
        LECTIO_TRY(lay_out(into, path));
        return m_session.disk().sync(into);
    }

    // Where a link leads: a release is no place for what is set aside, it goes when it is old.
    [[nodiscard]] Path where_it_lies() const {
        const Path& named = m_source.sqlite.path;
        if (const Result<Path> real = real_place(named)) {
            return *real;
        }
        // A link leads nowhere when a restore that was killed has set aside what it led to.
        std::error_code problem;
        const Path target = std::filesystem::read_symlink(named, problem);
        const Path real =
            problem ? named : std::filesystem::weakly_canonical(named.parent_path() / target, problem);
        return problem ? named : real;
    }

    // Beside the database. One that was begun and not ended is gone on with.
    [[nodiscard]] Path aside() const {
        Files& files = m_session.files();
        const Path database = where_it_lies();
        const bool stands = files.info(database, Files::Follow::yes).ok();
        for (int number = 1;; ++number) {
            const Path folder = database.parent_path() /
                                fmt::format("{}.before-{}{}", database.filename().string(), m_backup.id,
                                            number == 1 ? "" : fmt::format("-{}", number));
            const bool used = files.info(folder / database.filename(), Files::Follow::no).ok();
            if (!used || !stands) {
                return folder;
            }
        }
    }

    int in_place() {
        if (const std::optional<int> left = m_session.lock()) {
            return *left;
        }
        if (const std::optional<int> left = m_session.lock_host()) {
            return *left;
        }
        if (const std::vector<Path>* paths = paths_of(m_backup.snapshot)) {
            return files_in_place(*paths);
        }
        if (std::holds_alternative<RedisSnapshot>(m_backup.snapshot)) {
            return put_in_place(m_session, of_redis());
        }
        if (std::holds_alternative<ExecSnapshot>(m_backup.snapshot)) {
            return hand_over(m_session, {m_source, m_backup, taken(), scratch()});
        }
        const Path plain = scratch();
        const Result<void> unpacked = m_session.archive().unpack(m_backup, plain, m_session.until());
        if (!unpacked) {
            return m_session.leave(unpacked.error());
        }
        if (const Result<void> stopped = stop_units(); !stopped) {
            return not_stopped(stopped.error());
        }
        const snapshots::SqliteRestore wish{plain, std::get<snapshots::SqliteSnapshot>(m_backup.snapshot),
                                            m_source.sqlite.path, aside()};
        const Result<snapshots::Restored> done = snapshots::restore_sqlite(
            wish, m_session.files(), m_session.disk(), m_session.world().clock, m_session.until());
        const Result<void> removed = remove_file(plain);
        if (!done) {
            const bool busy = done.error().kind == ErrorKind::busy;
            return m_session.leave(busy ? ExitCode::critical : exit_code(done.error()),
                                   error_words(done.error().message),
                                   busy ? say(k_busy_hint, m_source.name) : Text{});
        }
        if (!removed) {
            m_session.say_aside(error_words(removed.error().message));
        }
        const std::string path = m_source.sqlite.path.string();
        Text words = join("\n", {say(k_written, path, m_session.local(m_backup.time)), taken()});
        m_session.log(LogLevel::warn, words);
        if (!done->aside.empty()) {
            words = join("\n", {words, say(k_was_aside, wish.aside.string())});
        }
        return ended(words, {{"backup", json_of(m_session, m_backup)},
                             {"path", path},
                             {"aside", done->aside.empty() ? "" : wish.aside.string()}});
    }

    Session& m_session;
    const BackupSource& m_source;
    Backup m_backup;
    std::vector<Backup> m_to_come; // dated later than now, of this source
    StoppedUnits m_units;
};

} // namespace

Text with_units(const Text& words, const BackupSource& source) {
    std::string names;
    for (const std::string& unit : source.units) {
        names += (names.empty() ? "" : ", ") + unit;
    }
    return names.empty() ? words : join("\n", {words, say(k_would_stop, names)});
}

int restore(Session& session) {
    const BackupSource* source = session.settings().source(session.options().source);
    if (source == nullptr) {
        return session.no_such_source(session.options().source);
    }
    if (const Text off = why_off(*source, session.config()); !off.empty()) {
        return session.leave(ExitCode::configuration, off);
    }
    return Restore(session, *source).go();
}

} // namespace lectio::backup
