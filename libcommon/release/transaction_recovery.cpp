// Transaction, after a crash: what an unfinished journal asks for.

#include "release/drift.h"
#include "release/transaction.h"
#include "util/text.h"
#include "words/error_words.h"

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest_reading = 10min;
constexpr Phrase k_taking_up{"release {} was left unfinished: deciding",
                             "релиз {} остался незавершённым: разбираюсь"};
constexpr Phrase k_not_proven_at_boot{"the machine went down before the gate had passed",
                                      "машина выключилась до того, как проверки прошли"};
constexpr Phrase k_interrupted{"it was interrupted in phase {}", "прервано на этапе {}"};
constexpr Phrase k_damaged_journal{"the journal of {} is damaged: nobody can know what was done",
                                   "журнал {} повреждён: неизвестно, что было сделано"};
constexpr Phrase k_damaged_journal_hint{"look where {} leads, then move {} away",
                                        "посмотрите, куда ведёт {}, затем уберите {}"};
constexpr Phrase k_part_of_another{"it is a part of deploy {}, which is undecided",
                                   "это часть деплоя {}, а он не завершён"};
constexpr Phrase k_other_not_there{
    "release {} came together with {}, of which the configuration knows no more where it is served",
    "релиз {} выкладывали вместе с {}, а настройки больше не говорят, где тот отдаётся"};

} // namespace

std::vector<Outcome> Transaction::recover(Asking asking, WordOnDatabase word) {
    std::vector<Outcome> outcomes;
    m_word = word;
    const Result<std::vector<Shelf::Past>> journals = m_shelf.journals();
    if (!journals) {
        m_phase = "recover";
        outcomes.push_back(outcome(Outcome::Result::needs_human, {error_words(journals.error().message)}));
        return outcomes;
    }
    for (const Shelf::Past& past : *journals) {
        if (!past.standing.ended()) {
            outcomes.push_back(take_up(past, asking));
        }
    }
    m_word = WordOnDatabase::none;
    return outcomes;
}

Outcome Transaction::take_up(const Shelf::Past& past, Asking asking) {
    const Standing& standing = past.standing;
    Step no = resume(past);
    m_progress(say(k_taking_up, m_id));
    const std::string leader = standing.begin ? standing.begin->fact("of") : "";
    const std::string other = standing.begin ? standing.begin->fact("with") : "";
    no = no || other.empty() ? no : resume_the_other(other);
    if (no) {
        return outcome(Outcome::Result::needs_human, *no);
    }
    return leader.empty() ? decide(standing, asking) : follow(leader, standing);
}

// What its journal says, as if this process had written it.
Transaction::Step Transaction::resume(const Shelf::Past& past) {
    m_start = m_world.clock.steady();
    m_warnings.clear();
    m_notes.clear();
    m_id = past.id;
    m_to = m_id;
    m_phase = "recover";
    m_with = nullptr;
    m_leader.clear();
    m_migrating = m_schema_changed = m_snapshot_counts = false;
    m_failing.clear();
    m_earlier.reset();
    m_written_since = m_went_back = {};
    forget_the_fence();
    const Standing& standing = past.standing;
    m_swapped = standing.swap.has_value();
    m_over = standing.ended();
    if (past.text.damaged || (standing.begin && standing.id != past.id)) {
        return Stop{
            say(k_damaged_journal, past.id),
            say(k_damaged_journal_hint, m_site.places.served.string(), m_shelf.journal(past.id).string())};
    }
    m_journal.emplace(m_disk, m_shelf.journal(m_id), m_world.clock, past.text.size);
    m_action = standing.begin ? standing.begin->fact("action") : "release";
    m_wishes = {};
    m_wishes.by = standing.begin ? standing.begin->fact("by") : "";
    m_from = standing.swap ? standing.swap->fact("from") : standing.begin ? standing.begin->fact("from") : "";
    m_to = standing.swap ? standing.swap->fact("to") : m_id;
    return standing.adopt && !m_over ? settle_adoption(standing.adopt->fact("id")) : Step{};
}

Transaction::Step Transaction::resume_the_other(const std::string& id) {
    if (m_other == nullptr) {
        return Stop{say(k_other_not_there, m_id, clean_line(id))};
    }
    const Result<Shelf::Past> past =
        is_id(id) ? m_other->m_shelf.journal_of(id) : Result<Shelf::Past>(Error{ErrorKind::not_found, ""});
    if (!past) { // it had not begun
        return past.error().kind == ErrorKind::not_found ? Step{}
                                                         : Step(Stop{error_words(past.error().message)});
    }
    m_with = m_other;
    Step no = m_with->resume(*past);
    m_with->m_leader = m_id;
    return no;
}

// Who leads has decided, and died before that was written down here.
Outcome Transaction::follow(const std::string& leader, const Standing& standing) {
    const Result<Shelf::Past> past =
        is_id(leader) ? m_shelf.journal_of(leader) : Result<Shelf::Past>(Error{ErrorKind::not_found, ""});
    m_leader = leader;
    if (!past || !past->standing.ended()) {
        return outcome(Outcome::Result::needs_human, {say(k_part_of_another, clean_line(leader))});
    }
    if (past->standing.committed) {
        if (const Step no = admit()) {
            m_warnings.push_back(no->reason);
        }
        return finish(outcome(Outcome::Result::released));
    }
    const Stop cut{say(k_interrupted, "rollback")};
    return standing.swap ? go_back(cut, Asking::not_now) : give_up(cut);
}

Outcome Transaction::decide(const Standing& standing, Asking asking) {
    remember_the_fence(standing);
    m_schema = standing.migrate ? standing.migrate->fact("schema") : "";
    m_schema_changed = standing.migrated && !restores();
    m_snapshot_counts = standing.migrate.has_value();
    const Stop cut{say(k_interrupted, standing.swap      ? "gate"
                                      : standing.migrate ? "migrate"
                                      : standing.sealed  ? "swap"
                                                         : "receive")};
    if (standing.committed) {
        m_failing = standing.failing;
        for (Transaction* each : {this, m_with}) {
            if (each == nullptr || each->m_over) {
                continue;
            }
            if (const Step no = each->admit()) {
                m_warnings.push_back(no->reason);
            }
        }
        if (goes_to_earlier_database()) {
            keep_what_was_replaced();
        }
        if (asking == Asking::possible) {
            m_part.finish(m_to, voice());
        }
        let_go(asking);
        return finish(m_failing.empty() ? outcome(Outcome::Result::released) : fails_and_stays());
    }
    if (!standing.swap) {
        m_migrating = standing.migrate && !standing.migrated && !restores();
        return give_up(cut, asking);
    }
    const bool whole = is_served() && (m_with == nullptr || m_with->is_served());
    const bool is_met = !restores() || m_fence.tables == Tables::met; // else nothing has run it yet
    if (standing.rolling_back || !whole || !is_met || (restores() && m_word != WordOnDatabase::none)) {
        return go_back(cut, asking);
    }
    if (asking == Asking::not_now) {
        return go_back({say(k_not_proven_at_boot)}, asking);
    }
    set_marker();
    for (const auto take : {&Transaction::start, &Transaction::watch_it, &Transaction::commit}) {
        if (const Step no = (this->*take)()) {
            return go_back(*no, asking);
        }
    }
    m_part.finish(m_to, voice());
    return finish(outcome(Outcome::Result::released));
}

// Which of the two it is, the folder in its place or the link, was decided by one rename; the rest follows from it.
Transaction::Step Transaction::settle_adoption(const std::string& id) {
    if (!is_id(id)) {
        return Stop{say(k_damaged_journal, m_id)};
    }
    const Result<Shelf::Served> served = m_shelf.served();
    const Result<ReleaseDisk::Named> kept = m_disk.look_at(m_shelf.tree(id));
    if (!served || !kept) {
        return Stop{error_words((served ? kept.error() : served.error()).message)};
    }
    if (kept->kind != ReleaseDisk::Named::Kind::folder) { // the folder is in its place, or never left it
        Result<void> gone = m_part.forget_adoption(id);
        gone = gone ? m_shelf.remove(id) : gone;
        return gone ? Step{} : Step(Stop{error_words(gone.error().message)});
    }
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    if (find(records->releases, id) != nullptr) {
        return {};
    }
    const Result<TreeManifest> manifest = read_tree(
        m_shelf.tree(id), m_world.clock, m_world.clock.steady() + k_longest_reading, own_of(m_part));
    if (!manifest) {
        return Stop{error_words(manifest.error().message)};
    }
    Release release;
    release.id = id;
    release.kind = m_part.kind();
    release.state = State::good;
    release.adopted = true;
    release.generation = next_generation(records->releases);
    release.made = m_world.clock.now().wall;
    release.live = release.made;
    release.by = m_wishes.by;
    release.hash = tree_hash(*manifest);
    release.files = manifest->files();
    release.size = manifest->size();
    Result<void> done = m_shelf.keep(id, *manifest);
    done = done ? m_shelf.keep(release) : done;
    return done ? Step{} : Step(Stop{error_words(done.error().message)});
}

} // namespace lectio::release
