// Transaction, the fence: what no code may run with is applied while none runs, and put back as long as nobody has written
// since. Where that cannot be known, or comes too late, a person says what becomes of the database
// (docs/decisions/0043-the-fence.md).

#include "platform/lock_wait.h"
#include "platform/stop.h"
#include "release/transaction.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_wait_for_fence = 60s;
constexpr Duration k_wait_for_page = 10s; // a web server may remember for a while that there was none
constexpr Duration k_wait_while_units_start = 20s; // well within their TimeoutStartSec=

constexpr Phrase k_holding{"requests wait from here on", "с этого момента запросы ждут"};
constexpr Phrase k_holding_at_most{"requests wait from here on, for the database {} at most",
                                   "с этого момента запросы ждут, из-за базы не дольше {}"};
constexpr Phrase k_page_at_most{"visitors get the maintenance page from here on, for {} at most",
                                "с этого момента посетители видят страницу обслуживания, не дольше {}"};
constexpr Phrase k_page_not_shown{"visitors would not see the maintenance page: {}",
                                  "посетители не увидели бы страницу обслуживания: {}"};
constexpr Phrase k_page_not_shown_hint{"show it in nginx: README, \"Migrations that take long\"",
                                       "покажите её в nginx: README, «Долгие миграции»"};
constexpr Phrase k_page_stays{"the maintenance page {} could not be taken away: {}",
                              "страницу обслуживания {} не удалось убрать: {}"};
constexpr Phrase k_put_back{"the database is as it was before the deploy", "база такая, как до деплоя"};
constexpr Phrase k_reversed{
    "its migrations were taken back; what was written since is there, but for what stood in tables and "
    "columns that they had added: as it was until then, the database lies in {}",
    "миграции отменены; записанное с тех пор на месте, кроме того, что было в добавленных ими таблицах и "
    "столбцах: база, какой она была до этого, — {}"};
constexpr Phrase k_not_reversed{"its migrations could not be taken back: {}",
                                "отменить миграции не удалось: {}"};
constexpr Phrase k_other_database{"deploy.backend.database leads to another database than at that time",
                                  "deploy.backend.database ведёт не к той базе, что тогда"};
constexpr Phrase k_other_tables{"the tables are not what they were before them",
                                "таблицы не те, какими были до них"};
constexpr Phrase k_stays{"{} fails and is served on: its migrations cannot be undone without losing what was "
                         "written since, by visitors or by the checks themselves: {}",
                         "{} не проходит проверки и отдаётся дальше: отменить его миграции — значит потерять "
                         "записанное с тех пор посетителями или самими проверками: {}"};
constexpr Phrase k_stays_back{
    "{} fails and is served: to go forward again would lose what was written since, by "
    "visitors or by the checks themselves: {}",
    "{} не проходит проверки, но отдаётся: вернуться вперёд — значит потерять "
    "записанное с тех пор посетителями или самими проверками: {}"};
constexpr Phrase k_stays_hint{"mend it by another release; the database as it was before is {}",
                              "почините следующим релизом; база до миграций — {}"};
constexpr Phrase k_stays_back_hint{
    "mend it by another release, or go forward with the database: sudo lectio-deploy rollback backend --to "
    "{} --restore-db; the database as it was before this rollback is {}",
    "почините следующим релизом или вернитесь вперёд вместе с базой: sudo lectio-deploy rollback backend "
    "--to {} --restore-db; база до этого отката — {}"};
constexpr Phrase k_undecided{
    "{} was interrupted when visitors may have written already: nobody can say yet "
    "whether it stays: {}",
    "{} прерван, когда посетители уже могли писать: пока неизвестно, останется ли он: {}"};
constexpr Phrase k_undecided_hint{"ask the site and decide: sudo lectio-deploy recover",
                                  "спросить сайт и решить: sudo lectio-deploy recover"};
constexpr Phrase k_at_next_start{"the database is put back as the units start",
                                 "база вернётся к прежней при запуске юнитов"};
constexpr Phrase k_at_next_start_hint{"look: lectio-deploy status", "проверьте: lectio-deploy status"};
constexpr Phrase k_word_needed{
    "the database may not be as it was before the deploy, and visitors may have written to it since",
    "база может быть не такой, как до деплоя, и с тех пор в неё могли писать посетители"};
constexpr Phrase k_word_hint{
    "decide: sudo lectio-deploy recover --database put-back (as it was before: {}; what was written since is "
    "kept beside it), or --database keep",
    "решите: sudo lectio-deploy recover --database put-back (вернуть, какой была: {}; записанное с тех пор "
    "останется рядом) или --database keep (оставить как есть)"};

} // namespace

// What does more than add: neither the old code nor the new may run with tables that are on their way.
Transaction::Step Transaction::hold_requests() {
    return m_migrations.needs_fence() || m_earlier ? hold(Holding::to_migrate) : Step{};
}

// First nobody can start any more, then it is seen who runs.
Transaction::Step Transaction::hold(Holding why) {
    if (!m_host.held()) { // in a recovery
        if (Step no = take_the_host()) {
            return no;
        }
    }
    if (!m_fence.lock.held()) {
        Result<Lock> lock = wait_for_lock(m_world.files, m_world.clock, m_site.places.fence(),
                                          "lectio-deploy", k_wait_for_fence);
        if (!lock) {
            return Stop{error_words(lock.error().message)};
        }
        m_fence.lock = std::move(*lock);
    }
    const Result<Part::Running> units = m_part.running();
    if (!units) {
        return Stop{error_words(units.error().message)};
    }
    std::vector<std::string> names = units->workers;
    names.insert(names.end(), units->web.begin(), units->web.end());
    if (Step no = keep(Mark::fence, {{"units", fmt::format("{}", fmt::join(names, " "))}})) {
        return no;
    }
    m_fence.is_up = m_fence.units_wait = true;
    for (const std::string& unit : units->workers) { // they may take long: no visitor waits for that
        if (Step no = as_step(m_part.hold(unit, SteadyTime::max(), voice()))) {
            return no;
        }
        set_marker();
    }
    const bool is_for_long = why == Holding::to_migrate && m_wishes.maintenance;
    if (Step no = is_for_long ? show_the_page() : Step{}) {
        return no;
    }
    if (why == Holding::to_put_back) { // there is nothing else that could be done
        m_fence.held_until = SteadyTime::max();
        m_progress(say(k_holding));
    } else {
        m_fence.held_until = m_world.clock.steady() + longest_wait();
        m_progress(say(is_for_long ? k_page_at_most : k_holding_at_most, format_duration(longest_wait())));
    }
    for (const std::string& unit : units->web) {
        if (Step no = as_step(m_part.hold(unit, m_fence.held_until, voice()))) {
            return no;
        }
    }
    return {};
}

// Seen as a visitor sees it: nobody is to wait for minutes in front of nothing.
Transaction::Step Transaction::show_the_page() {
    m_gate.begin_to_count(); // the page itself is answered with 503
    m_fence.has_page = true;
    if (const std::optional<Text> no = m_page.put_up()) {
        return Stop{say(k_page_not_shown, *no), say(k_page_not_shown_hint)};
    }
    set_marker();
    const SteadyTime until = m_world.clock.steady() + k_wait_for_page;
    const std::optional<Text> unseen = m_gate.unseen_page(MaintenancePage::mark(), until);
    return unseen ? Step(Stop{say(k_page_not_shown, *unseen), say(k_page_not_shown_hint)}) : Step{};
}

void Transaction::take_the_page_away() {
    if (const std::optional<Text> no = m_page.take_down()) {
        m_warnings.push_back(say(k_page_stays, m_site.deploy.maintenance_page, *no));
    }
    if (m_fence.has_page) {
        m_fence.has_page = false;
        m_gate.count_again();
        set_marker();
    }
}

// While a unit starts nothing may wait for another, and after a start of the machine all come by themselves.
void Transaction::let_go(Asking asking) {
    m_fence.lock.release();
    const bool waits = asking == Asking::possible && !stop_requested();
    if (m_fence.units_wait && (waits || m_fence.same_boot)) {
        m_part.let_go(waits ? Part::Waiting::until_started : Part::Waiting::not_at_all, voice());
    }
    m_fence.units_wait = m_fence.is_up = false;
    take_the_page_away();
}

// Seen twice: while they run, so that nobody is stopped in vain, and then when nobody can write any more.
Transaction::Written Transaction::written_since(Asking asking) {
    const auto look = [&] {
        const Result<std::string> now = m_part.look_at_database(m_fence.place, SteadyTime::max());
        return !now ? Written::unknown : *now == m_fence.fingerprint ? Written::nothing : Written::something;
    };
    if (const Written now = look(); now != Written::nothing) {
        return now;
    }
    if (asking == Asking::not_now) { // who starts just now is not through; another unit may be
        const Result<Part::Running> units = m_part.running();
        return units && !units->is_through ? Written::nothing : Written::unknown;
    }
    return hold(Holding::to_put_back) ? Written::unknown : look();
}

// A value: it does not go back.
std::optional<Outcome> Transaction::stay_if_written_to(const Stop& why, Asking asking) {
    if (!restores() || m_fence.tables == Tables::put_back) {
        return std::nullopt;
    }
    if (m_word == WordOnDatabase::keep) {
        if (is_served()) {
            return stay(why, asking);
        }
        keep_the_tables();
        return std::nullopt;
    }
    if (m_fence.tables == Tables::being_reversed && m_word == WordOnDatabase::none) {
        return reverse(why, asking);
    }
    if (m_fence.tables != Tables::met) {
        return std::nullopt;
    }
    switch (m_word == WordOnDatabase::put_back ? Written::nothing : written_since(asking)) {
    case Written::something:
        if (why.kind == Stop::Kind::signal) { // it has not failed: nobody has judged it
            return undecided(why);
        }
        return m_fence.way_back.empty() || asking == Asking::not_now ? stay(why, asking)
                                                                     : reverse(why, asking);
    case Written::unknown:
        return undecided(why);
    case Written::nothing:
        break;
    }
    // From here on nobody compares any more: half of what was there may be gone.
    if (const Step no = keep(Mark::undo)) {
        return undecided({join("; ", {why.reason, no->reason})});
    }
    m_fence.tables = Tables::being_put_back;
    return std::nullopt;
}

// What was written stays, and the code that was there before knows the tables again. A value: it does not go back.
std::optional<Outcome> Transaction::reverse(const Stop& why, Asking asking) {
    if (asking == Asking::possible && !m_fence.is_up) {
        if (const Step no = hold(Holding::to_put_back)) {
            return undecided({join("; ", {why.reason, no->reason})});
        }
    }
    if (m_fence.tables != Tables::being_reversed) {
        if (const Step no = as_step(m_part.keep_before_reverse(m_id))) {
            const Stop both{join("; ", {why.reason, say(k_not_reversed, no->reason)})};
            return stop_requested() ? undecided(both) : stay(both, asking);
        }
        if (const Step no = keep(Mark::reverse)) {
            return undecided({join("; ", {why.reason, no->reason})});
        }
        m_fence.tables = Tables::being_reversed;
    }
    const Step no = take_migrations_back();
    if (!no) {
        m_fence.tables = Tables::put_back;
        const Text words = say(k_reversed, m_shelf.before_reverse(m_id).string());
        m_progress(words);
        m_notes.push_back(words);
        if (const Step unknown = keep(Mark::restored)) { // done again it is the same
            m_warnings.push_back(unknown->reason);
        }
        return std::nullopt;
    }
    if (stop_requested()) {
        return undecided({join("; ", {why.reason, no->reason})});
    }
    Text reason = join("; ", {why.reason, say(k_not_reversed, no->reason)});
    if (const Step lost =
            as_step(m_part.migrate(m_to, SteadyTime::max(), voice()))) { // whose tables these are
        reason = join("; ", {reason, lost->reason});
    }
    return stay({reason}, asking);
}

Transaction::Step Transaction::take_migrations_back() {
    const Result<std::string> place = m_part.database_place();
    if (!place || *place != m_fence.place) {
        return place ? Stop{say(k_other_database)} : Stop{error_words(place.error().message)};
    }
    if (Step no = as_step(m_part.reverse(m_to, m_fence.way_back, voice()))) {
        return no;
    }
    const Result<std::optional<std::string>> schema = m_part.schema();
    if (!schema) {
        return Stop{error_words(schema.error().message)};
    }
    return *schema == m_schema ? Step{} : Step(Stop{say(k_other_tables)});
}

Transaction::Step Transaction::put_back(Asking asking) {
    if (m_fence.tables == Tables::put_back) {
        keep_what_was_replaced();
        return {};
    }
    const bool may_wait = asking == Asking::possible;
    if (may_wait && !m_fence.is_up) { // whoever started since the one that died
        if (Step no = hold(Holding::to_put_back)) {
            return no;
        }
    }
    if (m_fence.woken) {
        if (Step no = keep(Mark::undo)) {
            return no;
        }
        m_fence.woken = false;
        m_fence.tables = Tables::being_put_back;
    }
    if (Step no = as_step(m_part.restore(
            m_id, m_fence.place,
            may_wait ? m_site.wait_for_users : std::min(m_site.wait_for_users, k_wait_while_units_start)))) {
        return no;
    }
    m_fence.tables = Tables::put_back;
    m_progress(say(k_put_back));
    if (const Step no =
            keep(Mark::restored)) { // as long as what was replaced lies there, nothing is replaced again
        m_warnings.push_back(no->reason);
    } else {
        keep_what_was_replaced();
    }
    return {};
}

void Transaction::keep_what_was_replaced() {
    if (const Step no = as_step(m_part.keep_replaced(m_id, m_fence.place, voice()))) {
        m_warnings.push_back(no->reason);
    }
}

// Whoever ran before runs with them now: somebody has said so.
void Transaction::keep_the_tables() {
    m_fence.tables = Tables::untouched;
    m_migrating = true;
}

// Code has run on tables that nobody had decided on.
bool Transaction::is_for_a_person() const {
    return m_fence.woken && m_fence.tables != Tables::put_back && m_word == WordOnDatabase::none;
}

Outcome Transaction::leave_to_a_person(const Stop& why) {
    Outcome left = outcome(Outcome::Result::needs_human, {join("; ", {why.reason, say(k_word_needed)}),
                                                          say(k_word_hint, m_shelf.snapshot(m_id).string())});
    left.waits_for_word = true;
    let_others_watch();
    return left;
}

// A site is worth more than its past: it starts on the tables as they are, and a person decides.
Outcome Transaction::not_put_back(const Stop& why, const Stop& trouble, Asking asking) {
    if (stop_requested()) { // a second is left: the units are asked to start, and their gate goes on from here
        let_go(asking);
        let_others_watch();
        Outcome cut = outcome(Outcome::Result::stopped,
                              {join("; ", {why.reason, say(k_at_next_start)}), say(k_at_next_start_hint)});
        cut.previous.clear();
        return cut;
    }
    const Step unknown = keep(Mark::woken);
    Outcome left = leave_to_a_person({join("; ", {why.reason, trouble.reason})});
    if (unknown) { // nobody would know that visitors may have written: the fence stands until this process ends
        left.warnings.push_back(unknown->reason);
        left.keeps_units_down = true;
        return left;
    }
    let_go(asking);
    return left;
}

// In vain, by this process: the release is served on.
void Transaction::start_what_was_stopped() {
    if (m_fence.is_up) {
        if (const Step no = as_step(m_part.start(m_to, voice()))) {
            m_warnings.push_back(no->reason);
        }
    }
}

Outcome Transaction::undecided(const Stop& why) {
    m_fence.lock.release();
    start_what_was_stopped();
    let_others_watch();
    Outcome open = outcome(stop_requested() ? Outcome::Result::stopped : Outcome::Result::needs_human,
                           {say(k_undecided, m_to, why.reason), say(k_undecided_hint)});
    if (stop_requested()) {
        open.previous.clear(); // it is not served
    }
    return open;
}

// Its tables hold what visitors have written since, and no other release knows them.
Outcome Transaction::stay(const Stop& why, Asking asking) {
    if (asking == Asking::not_now) {
        return undecided(why);
    }
    m_fence.lock.release();
    if (m_with != nullptr && !m_with->is_served()) {
        if (const Step no = swap_the_other()) {
            m_warnings.push_back(no->reason);
        }
    }
    start_what_was_stopped();
    m_failing = why.reason.in(m_site.lang);
    if (const Step no = commit()) { // the next recovery asks the site again
        return undecided({join("; ", {why.reason, no->reason})});
    }
    m_part.finish(m_to, voice());
    return finish(fails_and_stays());
}

Outcome Transaction::fails_and_stays() {
    const std::string snapshot = m_shelf.snapshot(m_id).string();
    return outcome(
        Outcome::Result::needs_human,
        is_rollback()
            ? Stop{say(k_stays_back, m_to, verbatim(m_failing)), say(k_stays_back_hint, m_from, snapshot)}
            : Stop{say(k_stays, m_to, verbatim(m_failing)), say(k_stays_hint, snapshot)});
}

void Transaction::forget_the_fence() {
    m_fence = Fence{};
}

// As whoever wrote the journal has left it.
void Transaction::remember_the_fence(const Standing& standing) {
    m_fence.tables = !standing.restores() ? Tables::untouched
                     : standing.restored  ? Tables::put_back
                     : standing.undoing   ? Tables::being_put_back
                     : standing.reversing ? Tables::being_reversed
                     : standing.admitted  ? Tables::met
                                          : Tables::changed;
    m_fence.woken = standing.woken;
    m_fence.place = standing.migrate ? standing.migrate->fact("database") : "";
    m_fence.way_back = standing.migrate ? standing.migrate->fact("way_back") : "";
    m_fence.fingerprint = standing.database;
    m_fence.units_wait = !standing.held.empty();
    m_fence.same_boot = standing.begin && standing.begin->fact("boot_id") == m_world.clock.now().boot_id;
    std::vector<std::string> held;
    for (const std::string_view unit : split(standing.held, ' ')) {
        held.emplace_back(unit);
    }
    m_part.were_held(held);
}

} // namespace lectio::release
