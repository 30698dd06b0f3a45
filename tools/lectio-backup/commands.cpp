#include "commands.h"

#include "backup/retention.h"
#include "drill.h"
#include "platform/stop.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr Phrase k_no_backups{"there are no backups yet", "копий ещё нет"};
constexpr Phrase k_never{"{}: there is no proven backup", "{}: нет ни одной проверенной копии"};
constexpr Phrase k_stale{"{}: the newest proven backup is of {}, {} old",
                         "{}: последняя проверенная копия — от {}, ей {}"};
constexpr Phrase k_only_to_come{
    "{}: the newest proven backup is of {}, and that is not over yet: how old it is nobody knows",
    "{}: последняя проверенная копия — от {}, а это ещё не наступило: сколько ей, неизвестно"};
constexpr Phrase k_to_come{
    "{}: {} is of {}, and that is not over yet: the clock is wrong now, or was wrong then; `restore` takes "
    "others first, and none is removed. Once the clock is right and there are newer ones, move it and its "
    "manifest elsewhere",
    "{}: {} — от {}, а это ещё не наступило: часы врут сейчас или врали тогда; `restore` сначала берёт "
    "другие, и ничего не удаляется. Когда часы верны и есть копии новее, уберите её с описанием в другое "
    "место"};
constexpr Phrase k_packed{"{} ({} packed)", "{} (сжато {})"};
constexpr Phrase k_in_repository{"{} ({} of that new in the repository)", "{} (из них новых в хранилище {})"};
constexpr Phrase k_fresh{"{}: the newest proven backup is of {}, {}, {} to restore",
                         "{}: последняя проверенная копия — от {}, {}, восстановление за {}"};
constexpr Phrase k_stale_unchanged{"{}: the newest backup is of {}, {} old",
                                   "{}: последняя копия — от {}, ей {}"};
constexpr Phrase k_fresh_unchanged{"{}: the newest backup is of {}, {}", "{}: последняя копия — от {}, {}"};
constexpr Phrase k_nobody_knows{"that its bytes are unchanged is all that is known: whether it can be "
                                "restored nobody has tried, its source has "
                                "no `verify`",
                                "известно только, что её байты не изменились: можно ли её восстановить, "
                                "никто не пробовал, у источника нет `verify`"};
constexpr Phrase k_structure{"restic has it, and its repository is whole as far as `restic check` sees; all "
                             "of one was read back last on {}",
                             "restic её хранит, и хранилище цело, насколько видит `restic check`; целиком "
                             "копию последний раз читали {}"};
constexpr Phrase k_never_read_back{"restic has it, and its repository is whole as far as `restic check` "
                                   "sees; none was read back yet: lectio-backup verify {}",
                                   "restic её хранит, и хранилище цело, насколько видит `restic check`; "
                                   "целиком ни одну ещё не читали: lectio-backup verify {}"};
constexpr Phrase k_not_ours{
    "{}: lies in the repository of restic, where nothing is ever removed by us; `offsite` and `encrypt` are "
    "not for it",
    "{}: лежит в хранилище restic, оттуда мы ничего не удаляем; `offsite` и `encrypt` к ней не относятся"};
constexpr Phrase k_forget{
    "{}: only records of it go to the trash, its snapshots stay in the repository: restic forget --tag "
    "lectio,{}",
    "{}: в корзину уходят только записи о ней, снимки остаются в хранилище: restic forget --tag lectio,{}"};
constexpr Phrase k_repository_unasked{"{}: its repository could not be asked: {}",
                                      "{}: хранилище не удалось опросить: {}"};
constexpr Phrase k_sealed{
    "on {} its bytes were unchanged; it is encrypted and no key is here: proven it was on {}",
    "{} её байты не изменились; она зашифрована, а ключа здесь нет: проверена она была {}"};
constexpr Phrase k_never_opened{
    "on {} its bytes were unchanged; it is encrypted, no key is here, and it was never proven",
    "{} её байты не изменились; она зашифрована, ключа здесь нет, и проверена она не была никогда"};
constexpr Phrase k_unchanged{"{}: {} of {}: its bytes are unchanged", "{}: {} от {}: её байты не изменились"};
constexpr Phrase k_never_away{"{}: no backup lies outside of this server",
                              "{}: вне этого сервера нет ни одной копии"};
constexpr Phrase k_stale_away{"{}: the newest backup outside of this server is of {}, {} old",
                              "{}: последняя копия вне этого сервера — от {}, ей {}"};
constexpr Phrase k_away_to_come{
    "{}: the newest backup outside of this server is of {}, and that is not over yet: how old it is nobody "
    "knows",
    "{}: последняя копия вне этого сервера — от {}, а это ещё не наступило: сколько ей, неизвестно"};
constexpr Phrase k_away{"{}: outside of this server, seen there, lies the one of {}",
                        "{}: вне этого сервера лежит (проверено по списку) копия от {}"};
constexpr Phrase k_away_unseen{
    "{}: sent away from this server was the one of {}; `offsite_list` is not set, nobody has looked",
    "{}: с этого сервера отправлена копия от {}; `offsite_list` не задан, там никто не смотрел"};
constexpr Phrase k_waiting{"{}: {} not copied away from this server yet",
                           "{}: ещё не скопировано за пределы сервера: {}"};
constexpr Phrase k_remote_flaw{"{}: {} of {}, outside of this server: {}",
                               "{}: {} от {}, вне этого сервера: {}"};
constexpr Phrase k_off{"{} is not backed up: {}", "{} не копируется: {}"};
constexpr Phrase k_suspect{
    "{}: {} is much smaller than the one before ({}): lectio-backup accept {} --reason \"…\"",
    "{}: {} намного меньше предыдущей ({}): lectio-backup accept {} --reason \"…\""};
constexpr Phrase k_forgotten{"{} of {}: its snapshot is no longer in the repository (`restic forget`?), only "
                             "its list is here: it cannot be restored",
                             "{} от {}: её снимка в хранилище больше нет (`restic forget`?), здесь только "
                             "список: восстановить её нельзя"};
constexpr Phrase k_last_bad{"{}: the last backup, {} of {}, does not pass its proof: {}",
                            "{}: последняя копия, {} от {}, не прошла проверку: {}"};
constexpr Phrase k_unreadable{"the manifest {} cannot be read", "описание {} не читается"};
constexpr Phrase k_missing{"the file of {} is missing", "нет файла копии {}"};
constexpr Phrase k_proven{"{}: {} of {}: proven", "{}: {} от {}: проверена"};
constexpr Phrase k_not_it{"{}: {} of {}: {}", "{}: {} от {}: {}"};
constexpr Phrase k_not_asked{"{}: {} of {} could not be looked at, it is what it was: {}",
                             "{}: {} от {} проверить не удалось, её состояние прежнее: {}"};
constexpr Phrase k_nothing_to_prove{"there is nothing to prove", "проверять нечего"};
constexpr Phrase k_no_fetch{"`offsite_fetch` is not set: nothing says how a copy comes back from there",
                            "`offsite_fetch` не задан: непонятно, как забрать копию оттуда"};
constexpr Phrase k_whole{"{} of {} backups are what their manifests say", "копий в порядке: {} из {}"};
constexpr Phrase k_nothing_to_prune{"{}: nothing to remove", "{}: удалять нечего"};
constexpr Phrase k_would_prune{"{}: to the trash would go {}", "{}: в корзину ушли бы {}"};
constexpr Phrase k_pruned{"{}: to the trash: {}", "{}: в корзину: {}"};
constexpr Phrase k_of_source{"{}: {}", "{}: {}"};
constexpr Phrase k_more{"{} more could go: a fifth of all at once",
                        "могли бы уйти ещё {}: за раз не больше пятой части"};
constexpr Phrase k_pinned{"{} stays whatever the rule says", "{} останется, что бы ни говорило правило"};
constexpr Phrase k_unpinned{"{} is left to the rule", "{} снова подчиняется правилу"};
constexpr Phrase k_accepted{"{} counts from now on", "{} теперь считается"};
constexpr Phrase k_not_suspect{"{} is {}: there is nothing to accept", "{} в состоянии {}: принимать нечего"};
constexpr Phrase k_accept_proves{"{} is not proven yet: lectio-backup verify {}",
                                 "{} ещё не проверена: lectio-backup verify {}"};

// Lines one under another, and the worst that was found.
class Findings {
  public:
    void add(const Text& line, int status = 0) {
        m_words = m_words.empty() ? line : join("\n", {m_words, line});
        m_status = std::max(m_status, status);
    }
    [[nodiscard]] bool empty() const { return m_words.empty(); }
    [[nodiscard]] const Text& words() const { return m_words; }
    [[nodiscard]] int status() const { return m_status; }

  private:
    Text m_words;
    int m_status = 0;
};

nlohmann::json all_of(Session& session, const std::vector<Backup>& backups) {
    nlohmann::json all = nlohmann::json::array();
    for (const Backup& backup : backups) {
        all.push_back(json_of(session, backup));
    }
    return all;
}

int list(Session& session) {
    const Result<Archive::Contents> there = session.archive().contents();
    if (!there) {
        return session.leave(there.error());
    }
    std::string lines;
    for (const Backup& backup : there->backups) {
        lines += fmt::format(
            "{}{}  {:<12}  {}  {:>8}  {:<9}{}{}{}{}", lines.empty() ? "" : "\n", backup.id, backup.source,
            session.local(backup.time),
            format_size(is_in_repository(backup.snapshot) ? content_of(backup.snapshot) : backup.packed.size),
            to_string(backup.state), backup.pinned ? "  pinned" : "",
            is_in_repository(backup.snapshot) ? "  restic"
            : backup.away                     ? "  away"
                                              : "",
            backup.compressed ? "  encrypted" : "",
            backup.reason.empty() ? "" : "  " + clean_line(backup.reason));
    }
    return session.say_outcome(lines.empty() ? say(k_no_backups) : verbatim(lines), 0,
                               {{"backups", all_of(session, there->backups)}});
}

void say_oddities(const Archive::Contents& there, Findings& findings) {
    for (const std::string& name : there.unreadable) {
        findings.add(say(k_unreadable, clean_line(name)), 1);
    }
    for (const std::string& id : there.missing) {
        findings.add(say(k_missing, id), 1);
    }
}

void say_what_is_away(Session& session, const Archive::Contents& there, const BackupSource& source,
                      Findings& findings) {
    if (source.in_repository()) {
        findings.add(say(k_not_ours, source.name));
    }
    if (!session.settings().goes_away(source)) {
        return;
    }
    const Text stale = staleness_away(session, there, source);
    const Backup* away = there.newest_away(source.name);
    if (!stale.empty()) {
        findings.add(stale, 2);
    } else if (away != nullptr) {
        findings.add(say(away->seen_away ? k_away : k_away_unseen, source.name, session.local(away->time)));
    }
    const std::size_t waiting = session.offsite().waiting(there.of(source.name)).size();
    if (waiting > 0) {
        findings.add(say(k_waiting, source.name, waiting), 1);
    }
}

void say_what_is_not_proven(Session& session, const Backup& backup, Findings& findings) {
    if (const Text lack = lack_of(session, backup); !lack.empty()) {
        findings.add(say(k_of_source, backup.source, lack));
    }
}

void say_drill(Session& session, const BackupSource& source, Findings& findings) {
    const DrillStands stands = how_drills_stand(session, source);
    if (!stands.words.empty()) {
        findings.add(stands.words, stands.status);
    }
}

int status(Session& session) {
    const Result<Archive::Contents> there = session.archive().contents();
    if (!there) {
        return session.leave(there.error());
    }
    Findings findings;
    for (const BackupSource& source : session.settings().sources) {
        if (const Text off = why_off(source, session.config()); !off.empty()) {
            findings.add(say(k_off, source.name, off), 1);
            continue;
        }
        const Text stale = staleness(session, *there, source);
        if (!stale.empty()) {
            findings.add(stale, 2);
        } else {
            const Backup& newest = *there->newest(source.name);
            const std::string when = session.local(newest.time);
            findings.add(newest.state == State::unchanged
                             ? say(k_fresh_unchanged, source.name, when, sizes_of(newest))
                             : say(k_fresh, source.name, when, sizes_of(newest),
                                   format_duration(newest.restore_took)));
            say_what_is_not_proven(session, newest, findings);
        }
        say_what_is_away(session, *there, source, findings);
        say_drill(session, source, findings);
        const Backup* last = there->last(source.name);
        if (last != nullptr && last->state == State::suspect) {
            findings.add(say(k_suspect, source.name, last->id, last->reason, last->id), 1);
        } else if (last != nullptr && last->state == State::bad) {
            findings.add(say(k_last_bad, source.name, last->id, session.local(last->time), last->reason), 2);
        }
        for (const Backup& backup : there->to_come(source.name)) {
            findings.add(say(k_to_come, source.name, backup.id, session.local(backup.time)), 1);
        }
    }
    say_oddities(*there, findings);
    for (const Text& missing : not_possible(session.config())) {
        findings.add(missing, 1);
    }
    return session.say_outcome(findings.words(), findings.status(),
                               {{"backups", all_of(session, there->backups)}});
}

// The newest of each source that lies elsewhere, of `only` this one, or the one that was asked for.
int verify_away(Session& session, const Archive::Contents& there, const Backup* asked_for,
                const BackupSource* only) {
    if (session.settings().offsite_fetch.empty()) {
        return session.leave(ExitCode::configuration, say(k_no_fetch));
    }
    Findings findings;
    for (const BackupSource& source : session.settings().sources) {
        const Backup* away = asked_for != nullptr ? asked_for : there.newest_away(source.name);
        if (away != nullptr && away->source == source.name && (only == nullptr || only == &source)) {
            const DrillStands end = drill(session, source, *away);
            session.log(end.status == 0 ? LogLevel::success : LogLevel::error, end.words);
            findings.add(end.words, end.status);
        }
    }
    session.flush_log();
    return session.say_outcome(findings.empty() ? say(k_nothing_to_prove) : findings.words(),
                               findings.status(), nlohmann::json::object());
}

int verify(Session& session) {
    if (const std::optional<int> left = session.lock()) {
        return *left;
    }
    const Result<Archive::Contents> there = session.archive().contents();
    if (!there) {
        return session.leave(there.error());
    }
    const std::optional<std::string>& asked = session.options().id;
    const Backup* one = asked ? there->find(*asked) : nullptr;
    const BackupSource* only = asked && one == nullptr ? session.settings().source(*asked) : nullptr;
    if (asked && one == nullptr && only == nullptr) {
        return session.no_such_backup(*asked);
    }
    if (session.options().away) {
        if (one != nullptr && session.settings().source(one->source) == nullptr) {
            return session.no_such_source(one->source);
        }
        return verify_away(session, *there, one, only);
    }
    std::vector<Backup> chosen;
    if (one != nullptr) {
        chosen.push_back(*one);
    }
    for (const BackupSource& source : session.settings().sources) {
        const Backup* last = there->last(source.name);
        if (last != nullptr && (!asked || only == &source)) {
            chosen.push_back(*last);
        }
    }
    Findings findings;
    std::vector<Backup> proven;
    for (const Backup& backup : chosen) {
        const BackupSource* source = session.settings().source(backup.source);
        const Result<Backup> now = session.archive().prove(
            backup, {}, Effort::full, source != nullptr ? session.until(*source) : session.until());
        if (!now && (session.options().id || stop_requested())) {
            return session.leave(now.error());
        }
        const std::string of = session.local(backup.time);
        const bool good = now && now->state != State::bad;
        const Text line =
            !now    ? say(k_not_asked, backup.source, backup.id, of, error_words(now.error().message))
            : !good ? say(k_not_it, backup.source, now->id, of, now->reason)
            : now->was_restored() ? say(k_proven, backup.source, now->id, of)
                                  : say(k_unchanged, backup.source, now->id, of);
        findings.add(line, good ? 0 : now ? 2 : 1);
        session.log(good ? LogLevel::success : LogLevel::error, line);
        if (!now) {
            continue; // the next one may lie somewhere else
        }
        if (good) {
            say_what_is_not_proven(session, *now, findings);
        }
        proven.push_back(*now);
    }
    session.flush_log();
    return session.say_outcome(findings.empty() ? say(k_nothing_to_prove) : findings.words(),
                               findings.status(), {{"backups", all_of(session, proven)}});
}

// The newest of each source: how long the remote keeps the older ones is its own rule.
void look_at_remote(Session& session, const Archive::Contents& there, Findings& findings) {
    if (!session.offsite().is_on()) {
        return;
    }
    for (const BackupSource& source : session.settings().sources) {
        const Backup* away = there.newest_away(source.name);
        const Text flaw = away != nullptr ? session.offsite().flaw(*away, session.until()) : Text{};
        if (!flaw.empty()) {
            findings.add(say(k_remote_flaw, source.name, away->id, session.local(away->time), flaw), 2);
        }
    }
}

// `restic forget` is the operator's; the lists of what it took away stay here until the rule lets them go.
void say_what_was_forgotten(Session& session, const Archive::Contents& there, const BackupSource& source,
                            Findings& findings) {
    const Result<std::set<std::string>> ids =
        ids_in_repository(source, session.world(), session.until(source));
    for (const Backup& backup : ids ? there.of(source.name) : std::vector<Backup>()) {
        const auto* restic = std::get_if<ResticSnapshot>(&backup.snapshot);
        if (restic != nullptr && backup.state != State::bad && !ids->contains(restic->id)) {
            findings.add(say(k_forgotten, backup.id, session.local(backup.time)), 1);
        }
    }
}

// What lies here of it is a list.
void look_at_repository(Session& session, const Archive::Contents& there, Findings& findings) {
    for (const BackupSource& source : session.settings().sources) {
        const Backup* newest = source.in_repository() ? there.newest(source.name) : nullptr;
        const auto* restic = newest != nullptr ? std::get_if<ResticSnapshot>(&newest->snapshot) : nullptr;
        if (restic == nullptr) {
            continue;
        }
        const Result<Text> flaw =
            flaw_of_structure(restic->id, source, session.world(), session.until(source));
        if (!flaw) {
            findings.add(say(k_repository_unasked, source.name, error_words(flaw.error().message)), 1);
        } else if (!flaw->empty()) {
            findings.add(say(k_of_source, source.name, *flaw), 2);
        }
        say_what_was_forgotten(session, there, source, findings);
    }
}

int check(Session& session) {
    const Result<Archive::Contents> there = session.archive().contents();
    if (!there) {
        return session.leave(there.error());
    }
    Findings findings;
    say_oddities(*there, findings);
    std::size_t whole = 0;
    for (const Backup& backup : there->backups) {
        const Result<Text> flaw = session.archive().flaw_of_file(backup, session.until());
        if (!flaw && stop_requested()) {
            return session.leave(flaw.error());
        }
        const std::string of = session.local(backup.time);
        if (!flaw) {
            findings.add(say(k_not_asked, backup.source, backup.id, of, error_words(flaw.error().message)),
                         2);
        } else if (!flaw->empty()) {
            findings.add(say(k_not_it, backup.source, backup.id, of, *flaw), 2);
        } else {
            ++whole;
        }
    }
    findings.add(say(k_whole, whole, there->backups.size()));
    look_at_remote(session, *there, findings);
    look_at_repository(session, *there, findings);
    for (const BackupSource& source : session.settings().sources) {
        say_drill(session, source, findings);
    }
    return session.say_outcome(findings.words(), findings.status(),
                               {{"backups", all_of(session, there->backups)}});
}

int prune(Session& session) {
    const bool dry = session.common().dry_run;
    if (!dry) {
        if (const std::optional<int> left = session.lock()) {
            return *left;
        }
    }
    Findings findings;
    nlohmann::json ids = nlohmann::json::array();
    for (const BackupSource& source : session.settings().sources) {
        if (!why_off(source, session.config()).empty()) {
            continue;
        }
        const Result<Archive::Pruned> pruned = session.archive().prune(
            source, session.until(), dry ? Archive::Effect::none : Archive::Effect::real);
        if (!pruned) {
            return session.leave(pruned.error());
        }
        if (!pruned->frozen.empty()) {
            findings.add(say(k_of_source, source.name, pruned->frozen), 1);
            continue;
        }
        std::string names;
        for (const std::string& id : pruned->ids) {
            names += (names.empty() ? "" : ", ") + id;
            ids.push_back(id);
        }
        findings.add(names.empty() ? say(k_nothing_to_prune, source.name)
                                   : say(dry ? k_would_prune : k_pruned, source.name, names));
        if (pruned->later > 0) {
            findings.add(say(k_more, pruned->later));
        }
        if (source.in_repository()) {
            findings.add(say(k_forget, source.name, source.name));
        }
    }
    if (!dry) {
        const Result<std::vector<std::string>> emptied = session.archive().empty_trash();
        if (!emptied) {
            return session.leave(emptied.error());
        }
        session.log(LogLevel::info, findings.words());
        session.flush_log();
    }
    return session.say_outcome(findings.words(), findings.status(), {{"pruned", ids}});
}

// pin and accept: what a person knows of a backup.
template<class Change>
int change(Session& session, const Change& change) {
    if (const std::optional<int> left = session.lock()) {
        return *left;
    }
    const Result<Archive::Contents> there = session.archive().contents();
    if (!there) {
        return session.leave(there.error());
    }
    const Backup* found = there->find(*session.options().id);
    if (found == nullptr) {
        return session.no_such_backup(*session.options().id);
    }
    Backup backup = *found;
    const Text refusal = change(backup);
    if (!refusal.empty()) {
        return session.leave(ExitCode::usage, refusal);
    }
    const Result<void> saved = session.archive().save(backup);
    if (!saved) {
        return session.leave(saved.error());
    }
    const bool accepts = session.options().wish == Wish::accept;
    const Text words = say(accepts ? k_accepted : backup.pinned ? k_pinned : k_unpinned, backup.id);
    session.log(LogLevel::info, words);
    session.flush_log();
    return session.say_outcome(words, 0, {{"backups", all_of(session, {backup})}});
}

int pin(Session& session) {
    return change(session, [&](Backup& backup) {
        backup.pinned = !session.options().undo;
        return Text{};
    });
}

int accept(Session& session) {
    return change(session, [&](Backup& backup) {
        if (backup.state != State::suspect) {
            return say(k_not_suspect, backup.id, to_string(backup.state));
        }
        const bool only_bytes =
            proof_of(backup.snapshot, session.settings().source(backup.source)) == Proof::unchanged;
        if (!backup.verified && !(only_bytes && backup.unchanged)) {
            return say(k_accept_proves, backup.id, backup.id);
        }
        backup.state = backup.verified ? State::verified : State::unchanged;
        backup.reason.clear();
        backup.accepted =
            fmt::format("{}: {}", session.person(), shorten(clean_line(session.options().reason), 200));
        return Text{};
    });
}

// Of what lies in a repository: as far as the last look at it went.
Text what_was_read_back(Session& session, const Backup& backup) {
    const Result<Archive::Contents> there = session.archive().contents();
    const std::optional<WallTime> last =
        there ? last_restored(there->of(backup.source), session.now()) : std::nullopt;
    return last ? say(k_structure, session.local(*last)) : say(k_never_read_back, backup.id);
}

} // namespace

Text staleness(Session& session, const Archive::Contents& contents, const BackupSource& source) {
    const Backup* newest = contents.newest(source.name);
    if (newest == nullptr) {
        return say(k_never, source.name);
    }
    if (is_to_come(newest->time, session.now())) {
        return say(k_only_to_come, source.name, session.local(newest->time));
    }
    const Duration age = session.now() - newest->time;
    if (!is_late(age, source.every)) {
        return {};
    }
    return say(newest->state == State::unchanged ? k_stale_unchanged : k_stale, source.name,
               session.local(newest->time),
               spoken(std::chrono::duration_cast<std::chrono::seconds>(age).count()));
}

Text sizes_of(const Backup& backup) {
    const std::string content = format_size(content_of(backup.snapshot));
    const auto* restic = std::get_if<ResticSnapshot>(&backup.snapshot);
    return restic != nullptr ? say(k_in_repository, content, format_size(restic->added))
                             : say(k_packed, content, format_size(backup.packed.size));
}

std::optional<WallTime> last_restored(const std::vector<Backup>& backups, WallTime now) {
    std::optional<WallTime> last;
    for (const Backup& backup : backups) {
        if (backup.state != State::bad && backup.verified && !is_to_come(*backup.verified, now)) {
            last = std::max(last, backup.verified);
        }
    }
    return last;
}

Text lack_of(Session& session, const Backup& backup) {
    if (is_in_repository(backup.snapshot)) {
        return backup.was_restored() ? Text{} : what_was_read_back(session, backup);
    }
    if (backup.state == State::unchanged) {
        return say(k_nobody_knows);
    }
    if (backup.compressed && backup.unchanged && !backup.was_restored()) {
        const std::string read = session.local(*backup.unchanged);
        return backup.verified ? say(k_sealed, read, session.local(*backup.verified))
                               : say(k_never_opened, read);
    }
    return lack_of_proof(backup.snapshot, session.world());
}

Text staleness_away(Session& session, const Archive::Contents& contents, const BackupSource& source) {
    const Backup* newest = contents.newest_away(source.name);
    if (newest == nullptr) {
        return say(k_never_away, source.name);
    }
    if (is_to_come(newest->time, session.now())) {
        return say(k_away_to_come, source.name, session.local(newest->time));
    }
    const Duration age = session.now() - newest->time;
    if (!is_late(age, source.every)) {
        return {};
    }
    return say(k_stale_away, source.name, session.local(newest->time),
               spoken(std::chrono::duration_cast<std::chrono::seconds>(age).count()));
}

int execute(const Options& options, World world) {
    Session session(options, world);
    if (const std::optional<int> leave = session.open()) {
        return *leave;
    }
    switch (options.wish) {
    case Wish::run:
        return run(session);
    case Wish::list:
        return list(session);
    case Wish::status:
        return status(session);
    case Wish::verify:
        return verify(session);
    case Wish::restore:
        return restore(session);
    case Wish::prune:
        return prune(session);
    case Wish::check:
        return check(session);
    case Wish::pin:
        return pin(session);
    case Wish::accept:
        return accept(session);
    }
    return 0;
}

} // namespace lectio::backup
