// run: what is due is backed up, proven, and what the rule does not keep goes; each source for itself, whatever becomes
// of the others.
#include "commands.h"
#include "drill.h"
#include "operator/tell_under_key.h"
#include "pipeline/finished_run.h"
#include "platform/priority.h"
#include "platform/stop.h"
#include "status/write_page.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_slack = 5min; // cron is never to the second, and a day late is worse than minutes early
constexpr Duration k_to_tell = 10s;

constexpr Phrase k_made{"{}: backed up and proven, {}, {}, {}",
                        "{}: копия сделана и проверена, {}, {}, за {}"};
constexpr Phrase k_made_unchanged{"{}: backed up, {}, {}, {}", "{}: копия сделана, {}, {}, за {}"};
constexpr Phrase k_made_only{"{}: backed up, not proven (`verify` is off), {}, {}, {}",
                             "{}: копия сделана, не проверена (`verify` выключен), {}, {}, за {}"};
constexpr Phrase k_unsteady{"{}: {} files changed while they were read: {}",
                            "{}: файлов, менявшихся во время чтения: {}: {}"};
constexpr Phrase k_no_latest{"{}: the backup is good, but `latest` is not it, and stays what it was: {}",
                             "{}: с копией всё в порядке, но `latest` не обновлён и остаётся прежним: {}"};
constexpr Phrase k_unread{"{}: {} files could not be read and are not in it: {}",
                          "{}: файлов, которые не удалось прочитать и которых в ней нет: {}: {}"};
constexpr Phrase k_not_read_back{
    "{}: {} is whole as far as restic sees, but could not be read back: {}",
    "{}: {} цела, насколько видит restic, но прочитать её обратно не удалось: {}"};
constexpr Phrase k_only_records{
    "{}: what went to the trash are records of it, its snapshots stay in the repository (`restic forget`)",
    "{}: в корзину ушли только записи о ней, снимки остаются в хранилище (`restic forget`)"};
constexpr Phrase k_suspect{"{}: the backup {} is much smaller than the one before: {}",
                           "{}: копия {} намного меньше предыдущей: {}"};
constexpr Phrase k_suspect_hint{"if that is right: lectio-backup accept {} --reason \"…\"",
                                "если так и надо: lectio-backup accept {} --reason \"…\""};
constexpr Phrase k_bad{"{}: the backup {} does not pass its proof: {}",
                       "{}: копия {} не прошла проверку: {}"};
constexpr Phrase k_failed{"{}: no backup: {}", "{}: копии нет: {}"};
constexpr Phrase k_unproven{"{}: the backup {} was made, but nobody could prove it: {}",
                            "{}: копия {} сделана, но проверить её не удалось: {}"};
constexpr Phrase k_no_passwords{"{}: the roles are in it without their passwords: the role of the backup may "
                                "not read pg_authid",
                                "{}: роли в ней без паролей: роли для копирования нельзя читать pg_authid"};
constexpr Phrase k_off{"{} is not backed up: {}", "{} не копируется: {}"};
constexpr Phrase k_not_due{"{}: not due yet, the last is of {}", "{}: ещё рано, последняя — от {}"};
constexpr Phrase k_would{"{}: would be backed up now", "{}: сейчас была бы сделана копия"};
constexpr Phrase k_would_prove{"{}: {} would be proven now", "{}: сейчас была бы проверена {}"};
constexpr Phrase k_to_trash{"{}: {} to the trash, {} more could go",
                            "{}: в корзину {}, могли бы уйти ещё {}"};
constexpr Phrase k_of_source{"{}: {}", "{}: {}"};
constexpr Phrase k_sent{"{}: {} copied away from this server", "{}: скопировано за пределы сервера: {}"};
constexpr Phrase k_not_sent{"{}: {} stays on this server only: {}",
                            "{}: {} остаётся только на этом сервере: {}"};
constexpr Phrase k_would_send{"{}: {} would be copied away from this server",
                              "{}: за пределы сервера было бы скопировано: {}"};
constexpr Phrase k_waiting{"{} are not copied away yet", "ещё не скопировано за пределы сервера: {}"};
constexpr Phrase k_all_away{"every backup lies outside of this server, too",
                            "все копии есть и за пределами сервера"};
constexpr Phrase k_title_away{"backups outside of this server", "копии за пределами сервера"};
constexpr Phrase k_would_drill{"{}: {} would be fetched from outside of this server and proven",
                               "{}: {} была бы забрана из хранилища и проверена"};
constexpr Phrase k_title{"backup of {}", "резервная копия: {}"};

// What became of one source.
struct End {
    std::vector<Text> lines;
    std::optional<Level> trouble;
    Text hint;
    bool tried = true;
    std::optional<Backup> backup;
};

class Run {
  public:
    explicit Run(Session& session) : m_session(session) {}

    int go() {
        Text all;
        int worst = 0;
        nlohmann::json backups = nlohmann::json::array();
        // First a copy of everything is here: a remote that hangs holds up no source but itself.
        for (Source& each : back_up_all()) {
            End& end = each.end;
            send(each.source, end);
            if (end.backup) {
                prune(each.source, end);
            }
            drill_where_due(each.source, end);
            for (const Text& line : end.lines) {
                m_session.log(end.trouble ? LogLevel::warn : LogLevel::info, line);
                all = all.empty() ? line : join("\n", {all, line});
            }
            if (end.backup) {
                backups.push_back(json_of(m_session, *end.backup));
            }
            if (end.trouble) {
                worst = std::max(worst, *end.trouble == Level::critical ? 2 : 1);
            }
            if (end.tried && !m_session.common().dry_run) {
                tell("backup-" + each.source.name, say(k_title, each.source.name), end);
            }
        }
        if (!m_session.common().dry_run) {
            close_drills(m_session);
        }
        if (m_session.offsite().is_on() && !m_session.common().dry_run) {
            worst = std::max(worst, tell_what_is_away());
        }
        worst = std::max(worst, m_drilled);
        for (const Text& missing : not_possible(m_session.config())) {
            m_session.log(LogLevel::warn, missing);
            all = all.empty() ? missing : join("\n", {all, missing});
            worst = std::max(worst, 1);
        }
        if (!m_session.common().dry_run) {
            remember_finished_run(m_session, "backup");
            m_session.flush_log();
            status::write_page(m_session, status::RunWas::news);
        }
        return m_session.say_outcome(all, worst, {{"backups", backups}});
    }

  private:
    struct Source {
        const BackupSource& source;
        End end;
    };

    std::vector<Source> back_up_all() {
        std::vector<Source> all;
        const std::string& wanted = m_session.options().source;
        for (const BackupSource& source : m_session.settings().sources) {
            if (!stop_requested() && (wanted.empty() || wanted == source.name)) {
                all.push_back({source, one(source)});
            }
        }
        return all;
    }

    End one(const BackupSource& source) {
        if (const Text off = why_off(source, m_session.config()); !off.empty()) {
            return {{say(k_off, source.name, off)}, Level::warning, {}, true, std::nullopt};
        }
        const Result<Archive::Contents> there = m_session.archive().contents();
        if (!there) {
            return failed(source, say(k_failed, source.name, error_words(there.error().message)));
        }
        const std::optional<WallTime> last = last_of(*there, source);
        if (m_session.options().due && last && !is_due(*last, source.every)) {
            if (const Backup* unproven = waits_for_its_proof(*there, source)) {
                return prove_at_last(source, *unproven);
            }
            return {
                {say(k_not_due, source.name, m_session.local(*last))}, std::nullopt, {}, false, std::nullopt};
        }
        if (m_session.common().dry_run) {
            return {{say(k_would, source.name)}, std::nullopt, {}, false, std::nullopt};
        }
        return make(source);
    }

    // What is suspect was made, too: a person has to look at it, and another one would say the same.
    // One that is to come tells that the clock was wrong: it is no reason to wait, nor to make one at every call.
    [[nodiscard]] std::optional<WallTime> last_of(const Archive::Contents& there,
                                                  const BackupSource& source) const {
        std::optional<WallTime> last;
        for (const Backup& backup : there.backups) {
            const bool is_over = backup.time <= m_session.now();
            if (is_over && backup.source == source.name && backup.state != State::bad) {
                last = backup.time;
            }
        }
        return last;
    }

    [[nodiscard]] bool is_due(WallTime last, Duration every) const {
        return m_session.now() - last >= every - std::min(k_slack, every / 10);
    }

    // Its proof was interrupted, or had nothing to be made with: a day without a proven backup is long. What is encrypted
    // was to be proven before that, and mostly there is no key here.
    [[nodiscard]] const Backup* waits_for_its_proof(const Archive::Contents& there,
                                                    const BackupSource& source) const {
        const Backup* last = there.last(source.name);
        const bool waits = last != nullptr && last->state == State::complete && !last->compressed;
        return waits && m_session.settings().verify ? last : nullptr;
    }

    End prove_at_last(const BackupSource& source, const Backup& backup) {
        return m_session.common().dry_run
                   ? End{{say(k_would_prove, source.name, backup.id)}, std::nullopt, {}, false, std::nullopt}
                   : prove(source, backup);
    }

    End make(const BackupSource& source) {
        const Result<Backup> backup = m_session.archive().make(source, m_session.until(source));
        if (!backup) {
            return failed(source, say(k_failed, source.name, error_words(backup.error().message)));
        }
        if (!m_session.settings().verify) {
            return ended(source, *backup);
        }
        // One that is encrypted was proven before that.
        return backup->compressed ? proven(source, *backup) : prove(source, *backup);
    }

    End prove(const BackupSource& source, const Backup& backup) {
        const Result<Backup> now_is =
            m_session.archive().prove(backup, source.sqlite.latest, Effort::cheap, m_session.until(source));
        if (!now_is) {
            return failed(source,
                          say(k_unproven, source.name, backup.id, error_words(now_is.error().message)));
        }
        return proven(source, *now_is);
    }

    End proven(const BackupSource& source, const Backup& backup) {
        if (backup.state == State::complete) {
            return failed(source, say(k_unproven, source.name, backup.id, backup.reason));
        }
        End end = is_to_be_read_back(source, backup) ? read_back(source, backup) : ended(source, backup);
        const Text lack = end.backup->counts() ? lack_of(m_session, *end.backup) : Text{};
        if (!lack.empty()) {
            end.lines.push_back(say(k_of_source, source.name, lack));
        }
        return end;
    }

    // What lies in a repository is a copy elsewhere: the whole of it is fetched each `verify_every`.
    [[nodiscard]] bool is_to_be_read_back(const BackupSource& source, const Backup& backup) const {
        const Duration every = m_session.settings().verify_every;
        const Result<Archive::Contents> there = m_session.archive().contents();
        if (!source.in_repository() || every == Duration::zero() || !backup.counts() || !there) {
            return false;
        }
        const std::optional<WallTime> last = last_restored(there->of(source.name), m_session.now());
        return !last || is_due(*last, every);
    }

    End read_back(const BackupSource& source, const Backup& backup) {
        const Result<Backup> proven =
            m_session.archive().prove(backup, {}, Effort::full, m_session.until(source));
        if (proven) {
            return ended(source, *proven);
        }
        End end = ended(source, backup);
        end.lines.push_back(
            say(k_not_read_back, source.name, backup.id, error_words(proven.error().message)));
        end.trouble = Level::warning;
        return end;
    }

    static End ended(const BackupSource& source, const Backup& backup) {
        End end;
        end.backup = backup;
        if (backup.state == State::suspect) {
            end.lines.push_back(say(k_suspect, source.name, backup.id, backup.reason));
            end.hint = say(k_suspect_hint, backup.id);
            end.trouble = Level::warning;
        } else if (backup.state == State::bad) {
            end.lines.push_back(say(k_bad, source.name, backup.id, backup.reason));
            end.trouble = Level::critical;
        } else {
            const Phrase& words = backup.state == State::unchanged ? k_made_unchanged
                                  : backup.counts()                ? k_made
                                                                   : k_made_only;
            end.lines.push_back(say(words, source.name, counted(backup.snapshot), sizes_of(backup),
                                    format_duration(backup.took + backup.restore_took)));
        }
        const auto* files = std::get_if<FilesSnapshot>(&backup.snapshot);
        if (files != nullptr && files->unsteady > 0) {
            end.lines.push_back(say(k_unsteady, source.name, files->unsteady,
                                    fmt::format("{}", fmt::join(files->changed, "; "))));
        }
        const auto* restic = std::get_if<ResticSnapshot>(&backup.snapshot);
        if (restic != nullptr && restic->unread > 0) {
            end.lines.push_back(say(k_unread, source.name, restic->unread,
                                    fmt::format("{}", fmt::join(restic->missing, "; "))));
            end.trouble = end.trouble.value_or(Level::warning);
        }
        if (!backup.no_latest.empty()) {
            end.lines.push_back(say(k_no_latest, source.name, backup.no_latest));
            end.trouble = end.trouble.value_or(Level::warning);
        }
        const auto* dump = std::get_if<PostgresSnapshot>(&backup.snapshot);
        if (dump != nullptr && dump->has_globals && !dump->has_passwords) {
            end.lines.push_back(say(k_no_passwords, source.name));
        }
        return end;
    }

    void prune(const BackupSource& source, End& end) {
        if (end.trouble) {
            return; // what is odd removes nothing
        }
        const Result<Archive::Pruned> pruned =
            m_session.archive().prune(source, m_session.until(), Archive::Effect::real);
        const Result<std::vector<std::string>> emptied =
            pruned ? m_session.archive().empty_trash() : pruned.error();
        if (!emptied) {
            end.lines.push_back(say(k_of_source, source.name, error_words(emptied.error().message)));
            end.trouble = Level::warning;
        } else if (!pruned->frozen.empty()) {
            end.lines.push_back(say(k_of_source, source.name, pruned->frozen));
            end.trouble = pruned->awaits_remote ? end.trouble : std::optional(Level::warning);
        } else if (!pruned->ids.empty()) {
            end.lines.push_back(say(k_to_trash, source.name, pruned->ids.size(), pruned->later));
            if (source.in_repository()) {
                end.lines.push_back(say(k_only_records, source.name));
            }
        }
    }

    // Where one cannot be copied the next would fail as well: an hour later all are tried again.
    void send(const BackupSource& source, End& end) {
        const Result<Archive::Contents> there = m_session.archive().contents();
        if (!there || !why_off(source, m_session.config()).empty()) {
            return;
        }
        const std::vector<Backup> waiting = m_session.offsite().waiting(there->of(source.name));
        if (m_session.common().dry_run) {
            if (!waiting.empty()) {
                end.lines.push_back(say(k_would_send, source.name, waiting.size()));
            }
            return;
        }
        std::size_t sent = 0;
        const SteadyTime until = m_session.until();
        for (const Backup& backup : waiting) {
            if (!m_not_away.empty() || stop_requested()) {
                break;
            }
            const Text problem = send(backup, until, end);
            if (problem.empty()) {
                ++sent;
            } else {
                m_not_away = say(k_not_sent, source.name, backup.id, problem);
                end.lines.push_back(m_not_away);
            }
        }
        if (sent > 0) {
            end.lines.push_back(say(k_sent, source.name, sent));
        }
    }

    // Empty: it is away, and its manifest says so.
    Text send(Backup backup, SteadyTime until, End& end) {
        Text problem = m_session.offsite().send(backup, until);
        if (!problem.empty()) {
            return problem;
        }
        backup.away = std::chrono::floor<std::chrono::seconds>(m_session.now());
        backup.seen_away = m_session.offsite().can_look();
        const Result<void> saved = m_session.archive().save(backup);
        if (!saved) {
            return error_words(saved.error().message);
        }
        if (end.backup && end.backup->id == backup.id) {
            end.backup = std::move(backup);
        }
        return {};
    }

    // Told on its own: it is another trouble than that of the backup itself.
    void drill_where_due(const BackupSource& source, End& end) {
        const Result<Archive::Contents> there = m_session.archive().contents();
        const Backup* away = there ? there->newest_away(source.name) : nullptr;
        if (away == nullptr || stop_requested() || !is_drill_wanted(m_session, source)) {
            return;
        }
        if (m_session.common().dry_run) {
            end.lines.push_back(say(k_would_drill, source.name, away->id));
            return;
        }
        const DrillStands drilled = drill(m_session, source, *away);
        m_drilled = std::max(m_drilled, drilled.status);
        end.lines.push_back(drilled.words);
    }

    // Of all sources together: one remote, one trouble. What the run leaves with is returned.
    int tell_what_is_away() {
        const Result<Archive::Contents> there = m_session.archive().contents();
        if (!there) {
            return 1;
        }
        End end;
        std::size_t waiting = 0;
        for (const BackupSource& source : m_session.settings().sources) {
            const std::size_t its = m_session.offsite().waiting(there->of(source.name)).size();
            waiting += its;
            const Text stale = its > 0 && m_session.settings().goes_away(source)
                                   ? staleness_away(m_session, *there, source)
                                   : Text{};
            if (!stale.empty()) {
                end.lines.push_back(stale);
                end.trouble = Level::critical;
            }
        }
        if (waiting == 0) {
            end.lines = {say(k_all_away)};
        } else if (m_not_away.empty() && (!end.trouble || !m_session.options().source.empty())) {
            return 1; // those of a source that was not asked for, or of a run that was stopped: not tried
        } else {
            end.lines.insert(end.lines.begin(), say(k_waiting, waiting));
            if (!m_not_away.empty()) {
                end.lines.insert(end.lines.begin(), m_not_away);
            }
            end.trouble = end.trouble.value_or(Level::warning);
        }
        tell("backup-offsite", say(k_title_away), end);
        return !end.trouble ? 0 : *end.trouble == Level::critical ? 2 : 1;
    }

    // As long as the one before is fresh, nothing is lost yet.
    End failed(const BackupSource& source, const Text& words) {
        const Result<Archive::Contents> there = m_session.archive().contents();
        const bool fresh = there && staleness(m_session, *there, source).empty();
        return {{words}, fresh ? Level::warning : Level::critical, {}, true, std::nullopt};
    }

    // Stored for the flusher of each minute (CONTRACT 21); told once until it is over.
    void tell(const std::string& key, const Text& title, const End& end) {
        Text text;
        for (const Text& line : end.lines) {
            text = text.empty() ? line : join("\n", {text, line});
        }
        text = end.hint.empty() ? text : join("\n", {text, end.hint});
        tell_under_key(m_session, key, end.trouble.value_or(Level::resolved), title, text, k_to_tell);
    }

    Session& m_session;
    int m_drilled = 0; // what the drills of this run leave with
    Text m_not_away;   // the first that could not be copied away
};

} // namespace

int run(Session& session) {
    const std::string& wanted = session.options().source;
    if (!wanted.empty() && session.settings().source(wanted) == nullptr) {
        return session.no_such_source(wanted);
    }
    if (!session.common().dry_run) {
        if (const std::optional<int> left = session.lock()) {
            return *left;
        }
        give_way(session.settings().nice);
    }
    return Run(session).go();
}

} // namespace lectio::backup
