// Transaction, what ends it: given up before the swap, gone back after it, tidied up in any case.

#include "release/retention.h"
#include "release/transaction.h"
#include "release/transaction_words.h"
#include "util/text.h"
#include "words/error_words.h"

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using namespace words;

constexpr Duration k_between_tries = 200ms;
constexpr std::size_t k_journals_kept = 100;
constexpr int k_tries_to_go_back = 3;
constexpr Phrase k_going_back{"going back to {}: {}", "возвращаю {}: {}"};
constexpr Phrase k_back{"{} is served again", "снова отдаётся {}"};
constexpr Phrase k_migrations_stay{
    "migrations were applied and stay: they only add, and what is served goes on with them",
    "миграции применены и остаются: они только добавляют, и прежний код с ними работает"};
constexpr Phrase k_tables_stay{"the tables stay as the migrations have left them",
                               "таблицы остаются такими, какими их оставили миграции"};
constexpr Phrase k_cannot_go_back{"{} could not be brought back: {}", "не удалось вернуть {}: {}"};
constexpr Phrase k_old_fails{"{} serves again, and it fails, too: {}",
                             "{} снова отдаётся, но тоже не проходит: {}"};
constexpr Phrase k_untidy{"not tidied up: {}", "не убрано: {}"};
constexpr Phrase k_marker_stays{"the deploy marker could not be removed: {}",
                                "не удалось снять метку деплоя: {}"};

} // namespace

Outcome Transaction::give_up(const Stop& why, Asking asking) {
    if (is_for_a_person()) {
        return leave_to_a_person(why);
    }
    if (m_word == WordOnDatabase::keep && restores() && m_fence.tables != Tables::put_back) {
        keep_the_tables();
    }
    if (const Step no = restores() ? put_back(asking) : Step{}) {
        return not_put_back(why, *no, asking);
    }
    let_go(asking);
    if (m_migrating) {
        if (const Result<void> learned = learn_what_fits(); !learned) {
            m_warnings.push_back(say(k_no_schema, error_words(learned.error().message)));
        }
    }
    if (m_with != nullptr && !m_with->m_over) {
        m_with->forget_what_was_brought();
    }
    if (m_snapshot_counts) { // it lies with the release, and goes when retention says so
        note_records_of_going_back(why.reason);
    } else {
        forget_what_was_brought();
    }
    const Outcome::Result result = why.kind == Stop::Kind::signal         ? Outcome::Result::stopped
                                   : why.kind == Stop::Kind::site_was_red ? Outcome::Result::needs_human
                                                                          : Outcome::Result::refused;
    return finish(outcome(result, why));
}

void Transaction::forget_what_was_brought() {
    Result<void> gone;
    if (m_action == "release") {
        gone = m_disk.remove_tree(m_shelf.incoming(m_id));
        gone = gone ? m_shelf.remove(m_id) : gone;
    } else if (is_rollback() && m_part.kind() == Kind::backend) { // a copy of what is as it was
        gone = m_disk.remove_tree(m_shelf.snapshot(m_id));
    }
    if (!gone) {
        m_warnings.push_back(say(k_untidy, error_words(gone.error().message)));
    }
}

Outcome Transaction::go_back(const Stop& why, Asking asking) {
    if (is_for_a_person()) {
        return leave_to_a_person(why);
    }
    if (const std::optional<Outcome> stays = stay_if_written_to(why, asking)) {
        return *stays;
    }
    m_phase = "rollback";
    m_progress(say(k_going_back, m_from, why.reason));
    // A full disk must not keep the old release from coming back: without this record the next run decides the same.
    if (const Step no = keep(Mark::rollback, {{"reason", why.reason.in(m_site.lang)}})) {
        m_warnings.push_back(no->reason);
    }
    const Step stuck = m_with != nullptr && !m_with->m_over ? m_with->take_back(why) : Step{};
    if (m_from.empty()) {
        return finish(outcome(Outcome::Result::needs_human, {why.reason, say(k_no_previous)}));
    }
    if (const Step no = restores() ? put_back(asking) : Step{}) {
        return not_put_back(why, *no, asking);
    }
    if (const Result<void> back = point_back(); !back) {
        let_go(asking);
        return outcome(
            Outcome::Result::needs_human,
            {say(k_cannot_go_back, m_from, error_words(back.error().message)), say(k_old_fails_hint)});
    }
    m_fence.lock.release();
    // Who starts just now runs it by itself, and with a database that can be put back nobody else is through.
    if (asking == Asking::possible) {
        if (const Step no = as_step(m_part.start(m_from, voice()))) {
            m_warnings.push_back(no->reason);
        }
    }
    let_go(asking);
    m_progress(say(k_back, m_from));
    note_records_of_going_back(why.reason);
    if (const Step no = keep(Mark::rolled_back)) {
        m_warnings.push_back(no->reason);
    }
    if (stuck) { // the next recovery tries again
        return outcome(Outcome::Result::needs_human,
                       {join("; ", {why.reason, stuck->reason}), say(k_old_fails_hint)});
    }
    if (why.kind == Stop::Kind::signal || asking == Asking::not_now) {
        return finish(outcome(
            why.kind == Stop::Kind::signal ? Outcome::Result::stopped : Outcome::Result::rolled_back, why));
    }
    const Verdict verdict = look_before(m_gate, m_site.deploy.gate, m_world.clock);
    const bool proven =
        verdict.outcome == Verdict::Outcome::passed || verdict.outcome == Verdict::Outcome::asks_nothing;
    if (!proven) {
        const Text failures = words_of_failures(verdict.last);
        return finish(outcome(Outcome::Result::needs_human,
                              {join("; ", {why.reason, say(k_old_fails, m_from,
                                                           failures.empty() ? say(k_not_proven) : failures)}),
                               say(k_old_fails_hint)}));
    }
    return finish(outcome(Outcome::Result::rolled_back, why));
}

Result<void> Transaction::point_back() {
    m_part.carry(m_to, m_from, voice());
    Result<void> back = m_disk.point(m_site.places.served, m_shelf.target_of(m_from));
    for (int i = 1; i < k_tries_to_go_back && !back; ++i) {
        m_world.clock.sleep_for(k_between_tries);
        back = m_disk.point(m_site.places.served, m_shelf.target_of(m_from));
    }
    return back;
}

// Of the one that is led: who leads goes back itself afterwards, and asks the site.
Transaction::Step Transaction::take_back(const Stop& why) {
    if (!m_swapped) {
        forget_what_was_brought();
        return {};
    }
    if (const Step no = keep(Mark::rollback, {{"reason", why.reason.in(m_site.lang)}})) {
        m_warnings.push_back(no->reason);
    }
    const Result<void> back = m_from.empty() ? m_world.files.remove(m_site.places.served) : point_back();
    const bool was_gone = !back && m_from.empty() && back.error().kind == ErrorKind::not_found;
    if (!back && !was_gone) {
        return Stop{say(k_cannot_go_back, m_from, error_words(back.error().message))};
    }
    m_progress(m_from.empty() ? say(k_nothing_there, m_site.places.served.string()) : say(k_back, m_from));
    note_records_of_going_back(why.reason);
    return keep(Mark::rolled_back);
}

Transaction::Step Transaction::carry_to_target() {
    m_part.carry(m_from, m_to, voice());
    return {};
}

void Transaction::note_records_of_going_back(const Text& reason) {
    const Result<Shelf::Records> records = m_shelf.records();
    const Release* failed = records ? find(records->releases, m_to) : nullptr;
    if (failed == nullptr || is_rollback()) {
        return;
    }
    Release bad = *failed;
    bad.state = State::bad;
    bad.reason = reason.in(m_site.lang);
    bad.replaced = m_world.clock.now().wall;
    if (const Result<void> kept = m_shelf.keep(bad); !kept) {
        m_warnings.push_back(say(k_untidy, error_words(kept.error().message)));
    }
}

// Nothing in here changes what was decided.
Outcome Transaction::finish(Outcome outcome) {
    if (m_schema_changed && outcome.result != Outcome::Result::released) {
        m_warnings.push_back(m_word == WordOnDatabase::keep ? say(k_tables_stay) : say(k_migrations_stay));
    }
    if (m_with != nullptr) {
        if (!m_with->m_over) {
            m_with->m_phase = outcome.phase;
            m_with->finish(m_with->outcome(outcome.result, {outcome.reason, outcome.hint}));
        }
        m_warnings.insert(m_warnings.end(), m_with->m_warnings.begin(), m_with->m_warnings.end());
        outcome.notes.insert(outcome.notes.end(), m_with->m_notes.begin(), m_with->m_notes.end());
    }
    let_others_watch();
    if (const Result<std::vector<std::string>> gone = tidy(); !gone) {
        m_warnings.push_back(say(k_untidy, error_words(gone.error().message)));
    }
    std::string warnings;
    for (const Text& warning : m_warnings) {
        warnings += clean_line(warning.in(m_site.lang)) + "\n";
    }
    if (const Step no = keep(Mark::end, {{"result", std::string(to_string(outcome.result))},
                                         {"warnings", warnings},
                                         {"took", std::to_string(outcome.took.count())},
                                         {"release", outcome.release},
                                         {"previous", outcome.previous},
                                         {"with", outcome.with},
                                         {"previous_with", outcome.previous_with},
                                         {"phase", outcome.phase},
                                         {"reason", outcome.reason.in(m_site.lang)}})) {
        m_warnings.push_back(no->reason);
    }
    m_over = true;
    outcome.warnings = m_warnings;
    return outcome;
}

// Alerts are no longer held, and others may restart what they find.
void Transaction::let_others_watch() {
    m_host.release();
    take_the_page_away();
    const Result<void> unmarked = follows() ? Result<void>{} : m_world.files.remove(m_site.marker);
    if (!unmarked && unmarked.error().kind != ErrorKind::not_found) {
        m_warnings.push_back(say(k_marker_stays, error_words(unmarked.error().message)));
    }
}

Result<std::vector<std::string>> Transaction::tidy(Duration younger, Tidying tidying) {
    const Result<FileInfo> there = m_world.files.info(m_site.places.releases, Files::Follow::yes);
    if (!there && there.error().kind == ErrorKind::not_found) {
        return std::vector<std::string>{}; // nothing was released here yet
    }
    const Result<Shelf::Served> served = m_shelf.served();
    LECTIO_TRY(served);
    const Result<Shelf::Records> records = m_shelf.records();
    LECTIO_TRY(records);
    const Result<std::vector<Shelf::Past>> journals = m_shelf.journals();
    LECTIO_TRY(journals);
    const Result<std::vector<std::string>> used = m_disk.in_use(m_site.places.releases);
    LECTIO_TRY(used);
    Result<std::set<std::string>> needed = m_part.needed();
    LECTIO_TRY(needed);
    Keeping keeping;
    keeping.good = static_cast<std::size_t>(m_site.deploy.keep);
    keeping.needed.insert(used->begin(), used->end());
    keeping.needed.merge(*needed);
    for (const Release& release : records->releases) {
        if (younger > Duration::zero() && m_world.clock.now().wall - release.made < younger) {
            keeping.needed.insert(release.id);
        }
    }
    for (const Shelf::Past& past : *journals) {
        const bool is_this = past.id == m_id;
        if (!past.standing.ended() && !is_this) {
            for (const Entry& entry : past.text.entries) {
                keeping.needed.insert({entry.fact("id"), entry.fact("from"), entry.fact("to")});
            }
        }
    }
    std::vector<std::string> gone = superfluous(records->releases, served->id, keeping);
    if (tidying == Tidying::foretold) {
        return gone;
    }
    for (const std::string& id : gone) {
        LECTIO_TRY(m_shelf.remove(id));
    }
    LECTIO_TRY(sweep(keeping.needed));
    const Result<Shelf::Records> kept = m_shelf.records();
    LECTIO_TRY(kept);
    const std::set<std::string> telling = telling_of(*journals, kept->releases);
    for (std::size_t i = 0; i + k_journals_kept < journals->size(); ++i) {
        if ((*journals)[i].standing.ended() && !telling.contains((*journals)[i].id)) {
            LECTIO_TRY(m_shelf.forget_journal((*journals)[i].id));
        }
    }
    return gone;
}

// What a look ahead that was killed has left: it has no journal.
Result<void> Transaction::sweep(const std::set<std::string>& needed) {
    const Result<std::vector<std::string>> ids = m_shelf.incoming_ids();
    LECTIO_TRY(ids);
    for (const std::string& id : *ids) {
        if (!needed.contains(id)) {
            LECTIO_TRY(m_disk.remove_tree(m_shelf.incoming(id)));
        }
    }
    return {};
}

} // namespace lectio::release
