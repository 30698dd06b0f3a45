#include "drill.h"

#include "operator/tell_under_key.h"
#include "platform/stop.h"
#include "words/error_words.h"

#include <chrono>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_tell = 10s;

constexpr Phrase k_title{"the copy of {} outside of this server", "копия {} за пределами сервера"};
constexpr Phrase k_proven{"{}: {} of {} was fetched from outside of this server and proven, in {}",
                          "{}: {} от {} забрана из хранилища и проверена, за {}"};
constexpr Phrase k_unchanged{
    "{}: {} of {} was fetched from outside of this server, its bytes are unchanged; nobody has restored it, "
    "in {}",
    "{}: {} от {} забрана из хранилища, её байты не изменились; восстановить её никто не пробовал, за {}"};
constexpr Phrase k_sealed{
    "{}: {} of {} was fetched from outside of this server, its bytes are unchanged; it is encrypted and no "
    "key is here (`identity`), so nobody has restored it, in {}",
    "{}: {} от {} забрана из хранилища, её байты не изменились; она зашифрована, а ключа (`identity`) здесь "
    "нет, восстановить её не пробовали, за {}"};
constexpr Phrase k_bad{"{}: {} of {}, fetched from outside of this server, does not pass its proof: {}",
                       "{}: {} от {}, забранная из хранилища, не прошла проверку: {}"};
constexpr Phrase k_failed{"{}: {} of {} could not be fetched from outside of this server and proven: {}",
                          "{}: {} от {} не удалось забрать из хранилища и проверить: {}"};
constexpr Phrase k_was_proven{"{}: a copy from outside of this server was proven last on {}",
                              "{}: копия из хранилища последний раз проверялась {}"};
constexpr Phrase k_was_unchanged{
    "{}: a copy from outside of this server was fetched last on {}, its bytes were unchanged",
    "{}: копию из хранилища последний раз забирали {}, её байты не изменились"};
constexpr Phrase k_no_longer{
    "{}: what lies outside of this server is no longer fetched and proven (`verify_every` is off, the source "
    "is gone, or it goes there no longer); how it stands nobody knows",
    "{}: копии из хранилища больше не забираются и не проверяются (`verify_every` выключен, источника "
    "больше нет или его копии туда больше не уходят); что с ними, неизвестно"};
constexpr Phrase k_overdue{"{}: since {} no copy from outside of this server was proven (`verify_every`){}",
                           "{}: с {} ни одна копия из хранилища не проверена (`verify_every`){}"};

// What came from the remote, whatever that is: it goes.
class Fetched {
  public:
    Fetched(Archive& archive, const Backup& away)
        : m_archive(archive), m_path(archive.temporary(away.id + ".fetched")) {}
    Fetched(const Fetched&) = delete;
    Fetched& operator=(const Fetched&) = delete;
    ~Fetched() { [[maybe_unused]] const Result<void> gone = m_archive.sweep(m_path); }
    [[nodiscard]] const Path& path() const { return m_path; }

  private:
    Archive& m_archive;
    Path m_path;
};

// What came of it, before anybody is told.
struct Found {
    Text flaw, trouble; // it is not what it should be; it could not be looked at
    Archive::Proven proven;
};

Found fetch_and_prove(Session& session, const Backup& away) {
    Found found;
    Archive& archive = session.archive();
    const Fetched file(archive, away);
    const Result<void> gone = archive.sweep(file.path());
    const Result<void> room = gone ? archive.has_room_for(away) : gone.error();
    if (!room) {
        found.trouble = error_words(room.error().message);
        return found;
    }
    found.trouble = session.offsite().fetch(away, file.path(), session.until());
    if (!found.trouble.empty()) {
        return found;
    }
    Result<Archive::Proven> proven = archive.prove_copy(file.path(), away, session.until());
    if (!proven) {
        found.trouble = error_words(proven.error().message);
        return found;
    }
    found.flaw = proven->flaw;
    found.proven = std::move(*proven);
    return found;
}

const Drill* find(const Drills& drills, const std::string& source) {
    const auto found = drills.find(source);
    return found == drills.end() ? nullptr : &found->second;
}

} // namespace

bool is_drill_wanted(Session& session, const BackupSource& source) {
    const Drills drills = read_drills(session.files(), session.config().paths.state);
    return !session.settings().offsite_fetch.empty() &&
           is_drill_due(find(drills, source.name), session.settings().verify_every, session.now());
}

DrillStands drill(Session& session, const BackupSource& source, const Backup& away) {
    const SteadyTime begun = session.world().clock.steady();
    const Found found = fetch_and_prove(session, away);
    const std::string of = session.local(away.time);
    if (stop_requested() && !found.trouble.empty()) { // that it was broken off says nothing of the remote
        return {say(k_failed, source.name, away.id, of, found.trouble), 1};
    }
    const Path& state = session.config().paths.state;
    Drills drills = read_drills(session.files(), state);
    const bool is_first = find(drills, source.name) == nullptr;
    const WallTime now = std::chrono::floor<std::chrono::seconds>(session.now());
    Drill& one = drills[source.name];
    one.tried = now;
    one.id = away.id;
    one.is_bad = !found.flaw.empty();
    const Text& wrong = one.is_bad ? found.flaw : found.trouble;
    one.trouble = wrong.in(session.lang());
    if (is_first || wrong.empty()) {
        one.since = now;
    }
    DrillStands stands;
    if (wrong.empty()) {
        one.proof = found.proven.proof;
        const auto took = std::chrono::duration_cast<Duration>(session.world().clock.steady() - begun);
        const bool is_sealed = away.compressed && session.settings().identity.empty();
        const Phrase& words = one.proof == Proof::restored ? k_proven : is_sealed ? k_sealed : k_unchanged;
        stands.words = say(words, source.name, away.id, of, format_duration(took));
    } else {
        stands.words = say(one.is_bad ? k_bad : k_failed, source.name, away.id, of, wrong);
        const DrillStanding standing = standing_of(&one, session.settings().verify_every, now);
        stands.status = one.is_bad || standing == DrillStanding::overdue ? 2 : 1;
    }
    if (const Result<void> written = write_drills(drills, session.files(), state); !written) {
        session.say_aside(error_words(written.error().message));
    }
    const Level level = stands.status == 0   ? Level::resolved
                        : stands.status == 1 ? Level::warning
                                             : Level::critical;
    tell_under_key(session, "backup-drill-" + source.name, level, say(k_title, source.name), stands.words,
                   k_to_tell);
    return stands;
}

void close_drills(Session& session) {
    const BackupSettings& settings = session.settings();
    const Path& state = session.config().paths.state;
    const Drills drills = read_drills(session.files(), state);
    const Result<Archive::Contents> there = session.archive().contents();
    // What went there before, and goes to restic now, is drilled as long as one of it is known.
    const auto can_be_fetched = [&](const BackupSource& source) {
        return settings.goes_away(source) || !there || there->newest_away(source.name) != nullptr;
    };
    Drills wanted;
    for (const auto& [name, drill] : drills) {
        const BackupSource* source = settings.source(name);
        if (settings.verify_every > Duration::zero() && source != nullptr && can_be_fetched(*source)) {
            wanted.emplace(name, drill);
        }
    }
    if (wanted.size() == drills.size()) {
        return;
    }
    for (const auto& [source, drill] : drills) {
        if (!wanted.contains(source) && !drill.trouble.empty()) {
            const Text words = say(k_no_longer, source);
            session.log(LogLevel::info, words);
            tell_under_key(session, "backup-drill-" + source, Level::resolved, say(k_title, source), words,
                           k_to_tell);
        }
    }
    // Told twice is better than never: what was told stays in there until then.
    if (const Result<void> written = write_drills(wanted, session.files(), state); !written) {
        session.say_aside(error_words(written.error().message));
    }
}

DrillStands how_drills_stand(Session& session, const BackupSource& source) {
    const Drills drills = read_drills(session.files(), session.config().paths.state);
    const Drill* last = find(drills, source.name);
    const DrillStanding standing = standing_of(last, session.settings().verify_every, session.now());
    if (standing == DrillStanding::off || standing == DrillStanding::waiting) {
        return {};
    }
    const std::string since = session.local(last->since);
    switch (standing) {
    case DrillStanding::bad:
        return {say(k_bad, source.name, last->id, session.local(last->tried), last->trouble), 2};
    case DrillStanding::overdue:
        return {say(k_overdue, source.name, since, last->trouble.empty() ? "" : ": " + last->trouble), 2};
    case DrillStanding::failed:
        return {say(k_failed, source.name, last->id, session.local(last->tried), last->trouble), 1};
    default:
        return {say(last->proof == Proof::restored ? k_was_proven : k_was_unchanged, source.name, since), 0};
    }
}

} // namespace lectio::backup
