#include "release/transaction.h"

#include "platform/lock_wait.h"
#include "platform/stop.h"
#include "release/drift.h"
#include "release/retention.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration k_wait_for_host = 60s; // CONTRACT 20
constexpr Duration k_between_tries = 200ms;
constexpr Duration k_longest_reading = 10min;
constexpr Duration k_marker_life = 10min;
constexpr std::size_t k_journals_kept = 100;
constexpr int k_tries_to_go_back = 3;

constexpr Phrase k_asking_site{"asking the live site", "проверяю работающий сайт"};
constexpr Phrase k_receiving{"receiving the build from {}", "принимаю сборку: {}"};
constexpr Phrase k_received{"received: {}, {}", "принято: {}, {}"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};
constexpr Phrase k_inspecting{"looking at the build", "проверяю сборку"};
constexpr Phrase k_sealed{"release {} is ready, visitors can read it",
                          "релиз {} готов и доступен посетителям"};
constexpr Phrase k_swapped{"{} is served now; watching", "теперь отдаётся {}; наблюдаю"};
constexpr Phrase k_passed{"the gate has passed: {} stays", "проверки пройдены: {} остаётся"};
constexpr Phrase k_going_back{"going back to {}: {}", "возвращаю {}: {}"};
constexpr Phrase k_back{"{} is served again", "снова отдаётся {}"};
constexpr Phrase k_adopted{"what was served has become release {}", "то, что отдавалось, стало релизом {}"};
constexpr Phrase k_given_back{"{} is a plain folder again", "{} снова обычная папка"};
constexpr Phrase k_taking_up{"release {} was left unfinished: deciding",
                             "релиз {} остался незавершённым: разбираюсь"};

constexpr Phrase k_site_is_red{"the site fails before anything is done: {}",
                               "сайт не проходит проверки ещё до выкладки: {}"};
constexpr Phrase k_site_is_red_hint{"mend it first, or deploy the mend with --force",
                                    "сначала почините; если чинит сама выкладка — добавьте --force"};
constexpr Phrase k_nothing_asked{"nothing is configured that could be asked of the live site",
                                 "не настроено ничего, о чём можно спросить работающий сайт"};
constexpr Phrase k_nothing_asked_hint{
    "name checks in [deploy] gate.checks, or nobody knows whether it works",
    "назовите проверки в [deploy] gate.checks, иначе неизвестно, работает ли он"};
constexpr Phrase k_no_room{"only {} are free at {}, min_free is {}",
                           "свободно только {} ({}), min_free — {}"};
constexpr Phrase k_no_room_hint{"make room, for instance: lectio-deploy cleanup",
                                "освободите место, например: lectio-deploy cleanup"};
constexpr Phrase k_foreign{"{} is a link to {}, which is not of lectio-deploy's making",
                           "{} — ссылка на {}, её сделал не lectio-deploy"};
constexpr Phrase k_foreign_hint{"replace it by the folder that it leads to, then deploy again",
                                "замените её самой папкой и повторите"};
constexpr Phrase k_not_here{"release {} is served, and there is no record of it",
                            "отдаётся релиз {}, но записи о нём нет"};
constexpr Phrase k_not_here_hint{"its folder is {}; look at it, then: lectio-deploy adopt",
                                 "его папка — {}; посмотрите её, затем: lectio-deploy adopt"};
constexpr Phrase k_changed{"somebody has changed the live release by hand: {}",
                           "живой релиз меняли руками: {}"};
constexpr Phrase k_changed_hint{
    "take the change over into the build, or deploy with --force: {} is kept as it is",
    "перенесите правку в сборку или добавьте --force: {} сохранится как есть"};
constexpr Phrase k_migrating{"applying migrations: {}", "применяю миграции: {}"};
constexpr Phrase k_migrated{"applied: {}; the database as it was before: {}",
                            "применены: {}; база до них: {}"};
constexpr Phrase k_migrations_stay{
    "migrations were applied and stay: they only add, and what is served goes on with them",
    "миграции применены и остаются: они только добавляют, и прежний код с ними работает"};
constexpr Phrase k_no_schema{"the tables of the database cannot be looked at: {}",
                             "не удалось посмотреть таблицы базы: {}"};
constexpr Phrase k_no_schema_hint{"mend that first; a rollback goes on with --force",
                                  "сначала почините это; откат продолжится с --force"};
constexpr Phrase k_other_schema{
    "the database has been changed since {} was served, and nobody knows that it runs with it as it is now",
    "базу с тех пор, как отдавался {}, изменили: неизвестно, работает ли он с ней"};
constexpr Phrase k_other_schema_hint{
    "choose a later one (lectio-deploy list), or add --force if its code can live with the tables",
    "выберите более поздний (lectio-deploy list) или добавьте --force, если его код уживётся с таблицами"};
constexpr Phrase k_host_is_busy{"the healer has been at work for {}: {}", "лечение идёт уже {}: {}"};
constexpr Phrase k_stopped{"stopped by a signal", "остановлено сигналом"};
constexpr Phrase k_gate_failed{"after the swap: {}", "после переключения: {}"};
constexpr Phrase k_not_proven{"the gate did not pass in time", "проверки не прошли за отведённое время"};
constexpr Phrase k_not_proven_at_boot{"the machine went down before the gate had passed",
                                      "машина выключилась до того, как проверки прошли"};
constexpr Phrase k_interrupted{"it was interrupted in phase {}", "прервано на этапе {}"};
constexpr Phrase k_no_previous{"there is no earlier release to go back to",
                               "вернуться не к чему: прежнего релиза нет"};
constexpr Phrase k_no_such{"there is no release {}", "релиза {} нет"};
constexpr Phrase k_no_such_hint{"the releases are listed by: lectio-deploy list",
                                "список релизов: lectio-deploy list"};
constexpr Phrase k_served_already{"{} is served already", "{} и так отдаётся"};
constexpr Phrase k_damaged_release{"release {} is not whole any more: {}", "релиз {} больше не цел: {}"};
constexpr Phrase k_not_good{"release {} is {}", "релиз {} отмечен как {}"};
constexpr Phrase k_not_good_hint{"choose another one (lectio-deploy list), or add --force",
                                 "выберите другой (lectio-deploy list) или добавьте --force"};
constexpr Phrase k_cannot_go_back{"{} could not be brought back: {}", "не удалось вернуть {}: {}"};
constexpr Phrase k_old_fails{"{} serves again, and it fails, too: {}",
                             "{} снова отдаётся, но тоже не проходит: {}"};
constexpr Phrase k_old_fails_hint{"look at what is served: lectio-health; lectio-deploy status",
                                  "посмотрите, что отдаётся: lectio-health; lectio-deploy status"};
constexpr Phrase k_red_after_rollback{"{} is served, and the site still fails: {}",
                                      "отдаётся {}, но сайт всё ещё не работает: {}"};
constexpr Phrase k_damaged_journal{"the journal of {} is damaged: nobody can know what was done",
                                   "журнал {} повреждён: неизвестно, что было сделано"};
constexpr Phrase k_damaged_journal_hint{"look where {} leads, then move {} away",
                                        "посмотрите, куда ведёт {}, затем уберите {}"};
constexpr Phrase k_not_adopted{"{} is not a link of lectio-deploy's",
                               "{} — не ссылка, сделанная lectio-deploy"};
constexpr Phrase k_adopted_is_not_served{"the folder that was there at first is release {}, and {} is served",
                                         "первоначальная папка — релиз {}, а отдаётся {}"};
constexpr Phrase k_adopted_is_not_served_hint{"first: lectio-deploy rollback --to {}",
                                              "сначала: lectio-deploy rollback --to {}"};
constexpr Phrase k_nothing_adopted{"no folder was taken over here", "папку здесь не принимали"};
constexpr Phrase k_waited_too_long{"requests have waited {}, and the migrations were not through",
                                   "запросы прождали {}, а миграции так и не закончились"};
constexpr Phrase k_part_of_another{"it is a part of deploy {}, which is undecided",
                                   "это часть деплоя {}, а он не завершён"};
constexpr Phrase k_other_not_there{
    "release {} came together with {}, of which the configuration knows no more where it is served",
    "релиз {} выкладывали вместе с {}, а настройки больше не говорят, где тот отдаётся"};
constexpr Phrase k_untidy{"not tidied up: {}", "не убрано: {}"};
constexpr Phrase k_no_marker{"the deploy marker could not be set: {}",
                             "не удалось поставить метку деплоя: {}"};
constexpr Phrase k_marker_stays{"the deploy marker could not be removed: {}",
                                "не удалось снять метку деплоя: {}"};
constexpr Phrase k_unreadable_record{"the record of {} cannot be read", "запись о {} не читается"};
constexpr Phrase k_nothing_to_do{"there is nothing to take over: {} leads to {}",
                                 "принимать нечего: {} ведёт к {}"};
constexpr Phrase k_nothing_there{"there is nothing at {}", "в {} ничего нет"};

constexpr std::array<std::pair<Outcome::Result, std::string_view>, 5> k_results{{
    {Outcome::Result::released, "released"},
    {Outcome::Result::refused, "refused"},
    {Outcome::Result::rolled_back, "rolled_back"},
    {Outcome::Result::needs_human, "needs_human"},
    {Outcome::Result::stopped, "stopped"},
}};

std::string fresh_id(Kind kind, WallTime time) {
    std::random_device entropy; // getrandom(2)
    return make_id(kind, time, (std::uint64_t{entropy()} << 32U) | entropy());
}

std::int64_t next_generation(const std::vector<Release>& releases) {
    std::int64_t highest = 0;
    for (const Release& release : releases) {
        highest = std::max(highest, release.generation);
    }
    return highest + 1;
}

} // namespace

std::string_view to_string(Outcome::Result result) {
    const auto* found = std::find_if(k_results.begin(), k_results.end(),
                                     [&](const auto& row) { return row.first == result; });
    return found->second;
}

Outcome outcome_of(const Entry& end) {
    const std::string word = end.fact("result");
    const auto* found =
        std::find_if(k_results.begin(), k_results.end(), [&](const auto& row) { return row.second == word; });
    Outcome outcome;
    outcome.result = found == k_results.end() ? Outcome::Result::needs_human : found->first;
    outcome.release = end.fact("release");
    outcome.previous = end.fact("previous");
    outcome.with = end.fact("with");
    outcome.previous_with = end.fact("previous_with");
    outcome.phase = end.fact("phase");
    outcome.reason = verbatim(end.fact("reason"));
    const std::string warnings = end.fact("warnings");
    for (const std::string_view line : split_lines(warnings)) {
        outcome.warnings.push_back(verbatim(line));
    }
    outcome.took = Duration(number_from<std::int64_t>(end.fact("took")).value_or(0));
    return outcome;
}

Transaction::Transaction(World& world, ReleaseDisk& disk, Site site, LiveGate& gate, Part& part,
                         Progress progress)
    : m_world(world), m_disk(disk), m_site(std::move(site)), m_shelf(world.files, disk, m_site.places),
      m_gate(gate), m_part(part), m_progress(std::move(progress)) {}

// ── the four things that can be wished ──────────────────────────────────────────────────────────────────

Outcome Transaction::release(BuildSource& source, const Wishes& wishes) {
    begin_anew("release", wishes);
    m_source = &source;
    return release_what_was_begun();
}

// Pages ask the code, not the other way round: the code comes first, and goes back last.
Outcome Transaction::release_both(BuildSource& code, BuildSource& frontend, const Wishes& wishes) {
    m_other->begin_anew("release", wishes);
    begin_anew("release", wishes, 1ms); // it leads: of the two it is the one that comes last
    m_source = &code;
    m_with = m_other;
    m_with->m_source = &frontend;
    m_with->m_leader = m_id;
    return release_what_was_begun();
}

Outcome Transaction::release_what_was_begun() {
    const bool leads = m_with != nullptr;
    return go({{"live-site", &Transaction::look_at_the_site},
               {"ready", &Transaction::ready},
               {"room", &Transaction::find_room},
               {"adopt", &Transaction::take_over_what_is_served},
               {"drift", &Transaction::look_for_changes_by_hand},
               {"frontend", &Transaction::bring_the_other, leads}, // what may come over a line that drops
               {"receive", &Transaction::receive},
               {"build", &Transaction::inspect},
               {"seal", &Transaction::seal},
               {"host", &Transaction::take_the_host},
               {"fence", &Transaction::hold_requests},
               {"schema", &Transaction::look_at_the_schema},
               {"migrate", &Transaction::migrate},
               {"swap", &Transaction::swap},
               {"start", &Transaction::start},
               {"frontend", &Transaction::swap_the_other, leads},
               {"gate", &Transaction::watch_it},
               {"commit", &Transaction::commit}});
}

Outcome Transaction::roll_back(const std::optional<std::string>& to, const Wishes& wishes) {
    m_wanted = to;
    return run("rollback",
               {{"target", &Transaction::check_target},
                {"live-site", &Transaction::look_at_the_site},
                {"ready", &Transaction::ready},
                {"host", &Transaction::take_the_host},
                {"schema", &Transaction::look_at_the_schema},
                {"assets", &Transaction::carry_to_target},
                {"swap", &Transaction::swap},
                {"start", &Transaction::start},
                {"gate", &Transaction::watch_it},
                {"commit", &Transaction::commit}},
               wishes);
}

// The site is known to fail, so it is not asked before: what is not good afterwards was not the release's fault.
Outcome Transaction::heal(const std::string& to, const Wishes& wishes) {
    m_wanted = to;
    return run("rollback",
               {{"target", &Transaction::check_target},
                {"assets", &Transaction::carry_to_target},
                {"swap", &Transaction::swap},
                {"start", &Transaction::start},
                {"gate", &Transaction::watch_it},
                {"commit", &Transaction::commit}},
               wishes);
}

Outcome Transaction::adopt(const Wishes& wishes) {
    return run("adopt",
               {{"host", &Transaction::take_the_host}, {"adopt", &Transaction::take_over_what_is_served}},
               wishes);
}

Outcome Transaction::abandon(const Wishes& wishes) {
    return run("abandon",
               {{"target", &Transaction::check_adopted},
                {"host", &Transaction::take_the_host},
                {"adopt", &Transaction::give_the_folder_back}},
               wishes);
}

Outcome Transaction::run(const std::string& action, std::initializer_list<NamedStep> steps,
                         const Wishes& wishes) {
    begin_anew(action, wishes);
    return go(steps);
}

void Transaction::begin_anew(const std::string& action, const Wishes& wishes, Duration later) {
    m_start = m_world.clock.steady();
    m_wishes = wishes;
    m_action = action;
    m_swapped = false; // what was taken up before is over
    m_journal.reset();
    m_over = true; // it has not begun
    m_with = nullptr;
    m_leader.clear();
    m_migrating = m_schema_changed = m_snapshot_counts = false;
    m_failing.clear();
    forget_the_fence();
    m_schema.reset();
    m_migrations = {};
    m_to.clear();
    m_gate_words = {};
    m_warnings.clear();
    m_notes.clear();
    m_id = fresh_id(m_part.kind(), m_world.clock.now().wall + later);
    m_phase = "journal";
}

Outcome Transaction::go(std::initializer_list<NamedStep> steps) {
    if (const Step no = open_journal()) {
        return outcome(Outcome::Result::refused, *no);
    }
    if (const Step no = take(steps)) {
        return m_swapped ? go_back(*no, Asking::possible) : give_up(*no);
    }
    if (m_swapped) {
        m_part.finish(m_to, voice());
    }
    const bool still_red = !m_gate_words.empty();
    return finish(still_red ? outcome(Outcome::Result::needs_human, {m_gate_words, say(k_old_fails_hint)})
                            : outcome(Outcome::Result::released));
}

Transaction::Step Transaction::take(std::initializer_list<NamedStep> steps) {
    for (const NamedStep& step : steps) {
        if (!step.is_due) {
            continue;
        }
        m_phase = step.phase;
        Step no =
            stop_requested() ? Step(Stop{say(k_stopped), {}, Stop::Kind::signal}) : (this->*step.take)();
        if (no) {
            if (stop_requested() && no->kind == Stop::Kind::refusal) {
                no->kind = Stop::Kind::signal; // what was under way was cut short by it
            }
            return no;
        }
    }
    return {};
}

Transaction::Step Transaction::bring_the_other() {
    Step no = m_with->take({{"journal", &Transaction::open_journal},
                            {"ready", &Transaction::ready},
                            {"room", &Transaction::find_room},
                            {"adopt", &Transaction::take_over_what_is_served},
                            {"drift", &Transaction::look_for_changes_by_hand},
                            {"receive", &Transaction::receive},
                            {"build", &Transaction::inspect},
                            {"seal", &Transaction::seal}});
    m_phase = no ? m_with->m_phase : m_phase;
    return no;
}

Transaction::Step Transaction::swap_the_other() {
    return m_with->take({{"swap", &Transaction::swap}, {"start", &Transaction::start}});
}

Result<Transaction::Plan> Transaction::plan(BuildSource& source) {
    m_id = fresh_id(m_part.kind(), m_world.clock.now().wall);
    m_action = "release";
    LECTIO_TRY(m_shelf.prepare());
    Result<Plan> made = look_ahead(source);
    forget_what_was_brought();
    return made;
}

Result<Transaction::Plan> Transaction::look_ahead(BuildSource& source) {
    const Result<Shelf::Served> served = m_shelf.served();
    LECTIO_TRY(served);
    const Result<Shelf::Records> records = m_shelf.records();
    LECTIO_TRY(records);
    Result<Received> brought = source.bring(m_shelf.incoming(m_id));
    LECTIO_TRY(brought);
    Plan plan;
    if (!brought->refused.empty()) {
        plan.flaws.push_back({Flaw::Weight::refuse, brought->refused});
        return plan;
    }
    plan.size = brought->tree.size();
    plan.flaws = m_part.inspect(m_shelf.incoming(m_id), brought->tree, find(records->releases, served->id),
                                records->releases);
    if (const Result<TreeManifest> before = m_shelf.manifest(served->id); !served->id.empty() && before) {
        plan.before = served->id;
        plan.difference = compare(*before, brought->tree);
    }
    const bool is_refused = std::any_of(plan.flaws.begin(), plan.flaws.end(),
                                        [](const Flaw& flaw) { return flaw.weight == Flaw::Weight::refuse; });
    if (!is_refused) {
        m_release = Release{};
        m_manifest = std::move(brought->tree);
        const Part::Draft draft{m_release, m_manifest, find(records->releases, served->id), records->releases,
                                m_migrations};
        Part::Foresight foresight = m_part.foresee(m_shelf.incoming(m_id), draft, voice());
        plan.migrations = std::move(foresight.migrations);
        plan.flaws.insert(plan.flaws.end(), foresight.flaws.begin(), foresight.flaws.end());
    }
    return plan;
}

// ── its steps ───────────────────────────────────────────────────────────────────────────────────────────

Transaction::Step Transaction::open_journal() {
    if (const Result<void> ready = m_shelf.prepare(); !ready) {
        return Stop{error_words(ready.error().message)};
    }
    const Result<Shelf::Served> served = m_shelf.served();
    if (!served) {
        return Stop{error_words(served.error().message)};
    }
    m_from = served->id;
    m_journal.emplace(m_disk, m_shelf.journal(m_id), m_world.clock);
    Step no = keep(Mark::begin, {{"id", m_id},
                                 {"action", m_action},
                                 {"by", m_wishes.by},
                                 {"incidents", m_wishes.incidents},
                                 {"pid", std::to_string(::getpid())},
                                 {"boot_id", m_world.clock.now().boot_id},
                                 {"from", m_from},
                                 {"with", m_with != nullptr ? m_with->m_id : ""},
                                 {"of", m_leader}});
    m_over = no.has_value();
    return no;
}

// A release onto a site that fails already would be blamed for it, and "rolled back" would prove nothing (CONTRACT 29).
Transaction::Step Transaction::look_at_the_site() {
    m_progress(say(k_asking_site));
    const Verdict verdict = look_before(m_gate, m_site.deploy.gate, m_world.clock);
    m_before = verdict.last;
    if (verdict.outcome == Verdict::Outcome::stopped) {
        return Stop{say(k_stopped), {}, Stop::Kind::signal};
    }
    if (verdict.outcome == Verdict::Outcome::failed && !m_wishes.force && !is_rollback()) {
        return Stop{say(k_site_is_red, words_of_failures(m_before)), say(k_site_is_red_hint),
                    Stop::Kind::site_was_red};
    }
    return {};
}

Transaction::Step Transaction::find_room() {
    const Result<ReleaseDisk::Room> room = m_disk.room(m_site.places.releases);
    if (!room) {
        return Stop{error_words(room.error().message)};
    }
    if (room->free < m_site.deploy.min_free) {
        return Stop{say(k_no_room, format_size(room->free), m_site.places.releases.string(),
                        format_size(m_site.deploy.min_free)),
                    say(k_no_room_hint)};
    }
    return {};
}

// The first release of a site finds a plain folder: it becomes a release itself, so that it can be gone back to.
Transaction::Step Transaction::take_over_what_is_served() {
    const Result<Shelf::Served> served = m_shelf.served();
    if (!served) {
        return Stop{error_words(served.error().message)};
    }
    const std::string path = m_site.places.served.string();
    switch (served->kind) {
    case Shelf::Served::Kind::foreign:
        return Stop{say(k_foreign, path, clean_line(served->target)), say(k_foreign_hint)};
    case Shelf::Served::Kind::nothing:
        return m_action == "adopt" ? Step(Stop{say(k_nothing_there, path)}) : Step{};
    case Shelf::Served::Kind::release:
        return know_what_is_served(served->id);
    case Shelf::Served::Kind::folder:
        break;
    }
    const Part::Wish wish = m_action == "adopt" ? Part::Wish::adopt : Part::Wish::deploy;
    if (Step no = as_step(m_part.may_be_adopted(wish, m_wishes.force, voice()))) {
        return no;
    }
    const std::string id =
        fresh_id(m_part.kind(), m_world.clock.now().wall + 1ms); // never that of the deploy itself
    if (Step no = keep(Mark::adopt, {{"id", id}})) {
        return no;
    }
    // The link lies where the folder will be, and leads to where it lies itself: exchanging the two is all there is to
    // do, and the same again undoes it.
    Result<void> done = m_part.before_adoption(id);
    done = done ? m_disk.lay_link(m_shelf.tree(id), m_shelf.target_of(id)) : done;
    if (done) {
        done = m_disk.exchange(m_site.places.served, m_shelf.tree(id));
    }
    Step no = settle_adoption(id);
    if (!done) {
        return Stop{error_words(done.error().message)};
    }
    if (!no) {
        m_from = id;
        m_progress(say(k_adopted, id));
    }
    return no;
}

// Its record may be gone, with the state folder say: what serves the site is taken for good as it is.
Transaction::Step Transaction::know_what_is_served(const std::string& id) {
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    if (find(records->releases, id) == nullptr) {
        return settle_adoption(id);
    }
    const std::string path = m_site.places.served.string();
    return m_action == "adopt" ? Step(Stop{say(k_nothing_to_do, path, id)}) : Step{};
}

Transaction::Step Transaction::look_for_changes_by_hand() {
    if (m_from.empty()) {
        return {};
    }
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    const Release* live = find(records->releases, m_from);
    if (live == nullptr) {
        return Stop{say(k_not_here, m_from), say(k_not_here_hint, m_shelf.tree(m_from).string())};
    }
    const Result<TreeDifference> changes = changes_by_hand(m_shelf, *live, own_of(m_part), m_world.clock);
    if (!changes) {
        return Stop{error_words(changes.error().message)};
    }
    if (changes->empty()) {
        return {};
    }
    const Text words = say(k_changed, some_of(*changes));
    if (!m_wishes.force) {
        return Stop{words, say(k_changed_hint, m_from)};
    }
    Release kept = *live;
    kept.pinned = true;
    m_warnings.push_back(words);
    const Result<void> done = m_shelf.keep(kept);
    return done ? Step{} : Step(Stop{error_words(done.error().message)});
}

Transaction::Step Transaction::ready() {
    return as_step(m_part.ready());
}

Transaction::Step Transaction::receive() {
    m_progress(say(k_receiving, m_source->name()));
    const Path folder = m_shelf.incoming(m_id);
    Result<Received> brought = m_source->bring(folder);
    if (!brought) {
        return Stop{error_words(brought.error().message)};
    }
    if (!brought->refused.empty()) {
        return Stop{brought->refused};
    }
    m_manifest = std::move(brought->tree);
    m_progress(say(k_received, counted(static_cast<std::int64_t>(m_manifest.files()), k_files),
                   format_size(m_manifest.size())));
    return keep(Mark::received);
}

Transaction::Step Transaction::inspect() {
    m_progress(say(k_inspecting));
    if (Step no = find_room()) { // with the build on the disk
        return no;
    }
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    for (const std::string& id : records->unreadable) {
        m_warnings.push_back(say(k_unreadable_record, id));
    }
    const std::vector<Flaw> flaws = m_part.inspect(m_shelf.incoming(m_id), m_manifest,
                                                   find(records->releases, m_from), records->releases);
    Stop stop;
    for (const Flaw& flaw : flaws) {
        const bool refuses = flaw.weight == Flaw::Weight::refuse ||
                             (flaw.weight == Flaw::Weight::refuse_unless_forced && !m_wishes.force);
        if (!refuses) {
            (flaw.weight == Flaw::Weight::warn ? m_notes : m_warnings).push_back(flaw.words);
            continue;
        }
        stop.reason = stop.reason.empty() ? flaw.words : join("; ", {stop.reason, flaw.words});
        stop.hint = stop.hint.empty() ? flaw.hint : stop.hint;
    }
    return stop.reason.empty() ? Step{} : Step(stop);
}

// From here on nothing of it is changed any more: it is readable, whole on the disk, and known by its hash.
Transaction::Step Transaction::seal() {
    const Path folder = m_shelf.incoming(m_id);
    const WallTime now = m_world.clock.now().wall;
    m_release = Release{};
    m_release.id = m_to = m_id;
    m_release.made = now;
    m_release.by = m_wishes.by;
    m_release.kind = m_part.kind();
    m_release.source = m_source->name();
    m_release.commit = m_source->commit();
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    const Part::Draft draft{m_release,         m_manifest,   find(records->releases, m_from),
                            records->releases, m_migrations, m_wishes.force};
    if (Step no = as_step(m_part.dress(folder, draft, voice()))) {
        return no;
    }
    const Path tree = m_shelf.tree(m_id);
    Result<void> done = m_disk.move(folder, tree);
    if (!done) {
        return Stop{error_words(done.error().message)};
    }
    if (Step no = as_step(m_part.build(tree, draft, voice()))) {
        return no;
    }
    m_release.hash = tree_hash(m_manifest);
    m_release.files = m_manifest.files();
    m_release.size = m_manifest.size();
    done = m_disk.sync(tree);
    done = done ? m_shelf.keep(m_id, m_manifest) : done;
    done = done ? m_shelf.keep(m_release) : done;
    if (!done) {
        return Stop{error_words(done.error().message)};
    }
    if (Step no = keep(Mark::sealed, {{"hash", m_release.hash}})) {
        return no;
    }
    m_progress(say(k_sealed, m_id));
    return {};
}

Transaction::Step Transaction::check_target() {
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    const Release* target =
        m_wanted ? find(records->releases, *m_wanted) : previous_good(records->releases, m_from);
    if (target == nullptr) {
        return m_wanted ? Stop{say(k_no_such, clean_line(*m_wanted)), say(k_no_such_hint)}
                        : Stop{say(k_no_previous)};
    }
    if (target->id == m_from) {
        return Stop{say(k_served_already, m_from)};
    }
    if (target->state != State::good && target->state != State::withdrawn && !m_wishes.force) {
        return Stop{say(k_not_good, target->id, to_string(target->state)), say(k_not_good_hint)};
    }
    const Result<TreeDifference> changes = changes_by_hand(m_shelf, *target, own_of(m_part), m_world.clock);
    if (!changes) {
        return Stop{say(k_damaged_release, target->id, error_words(changes.error().message)),
                    say(k_no_such_hint)};
    }
    if (!changes->empty() && !m_wishes.force && !target->pinned) {
        return Stop{say(k_damaged_release, target->id, some_of(*changes)), say(k_not_good_hint)};
    }
    m_to = target->id;
    m_release = *target;
    return {};
}

Transaction::Step Transaction::check_adopted() {
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    const auto adopted = std::find_if(records->releases.begin(), records->releases.end(),
                                      [](const Release& release) { return release.adopted; });
    if (m_from.empty()) {
        return Stop{say(k_not_adopted, m_site.places.served.string())};
    }
    if (adopted == records->releases.end()) {
        return Stop{say(k_nothing_adopted)};
    }
    if (adopted->id != m_from) {
        return Stop{say(k_adopted_is_not_served, adopted->id, m_from),
                    say(k_adopted_is_not_served_hint, adopted->id)};
    }
    m_release = *adopted;
    return {};
}

// From the marker to the finish nobody else restarts anything (CONTRACT 20).
Transaction::Step Transaction::take_the_host() {
    Result<Lock> lock =
        wait_for_lock(m_world.files, m_world.clock, m_site.host_lock, "lectio-deploy", k_wait_for_host);
    if (!lock && stop_requested()) {
        return Stop{say(k_stopped), {}, Stop::Kind::signal};
    }
    if (!lock) {
        const Text words = error_words(lock.error().message);
        return Stop{lock.error().kind == ErrorKind::busy ? say(k_host_is_busy, spoken(60), words) : words};
    }
    m_host = std::move(*lock);
    set_marker();
    return {};
}

// What is served runs with the database as it is. What was served before the last migrations may not.
Transaction::Step Transaction::look_at_the_schema() {
    const Result<std::optional<std::string>> schema = m_part.schema();
    const bool goes_back = is_rollback();
    if (!schema && !(goes_back && m_wishes.force)) {
        return Stop{say(k_no_schema, error_words(schema.error().message)), say(k_no_schema_hint)};
    }
    m_schema = schema ? *schema : std::nullopt;
    if (!m_schema) {
        return {};
    }
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    if (const Release* live = find(records->releases, m_from);
        live != nullptr && !is_known_to_fit(*live, *m_schema)) {
        Release known = *live;
        learn_schema(known, *m_schema);
        if (const Result<void> kept = m_shelf.keep(known); !kept) {
            return Stop{error_words(kept.error().message)};
        }
    }
    const bool fits = !goes_back || m_release.schemas.empty() || is_known_to_fit(m_release, *m_schema);
    if (!fits && !m_wishes.force) {
        return Stop{say(k_other_schema, m_to), say(k_other_schema_hint)};
    }
    if (!fits) {
        m_warnings.push_back(say(k_other_schema, m_to));
    }
    return {};
}

Transaction::Step Transaction::migrate() {
    if (m_migrations.all.empty()) {
        return {};
    }
    std::string names;
    for (const Migration& migration : m_migrations.all) {
        names += (names.empty() ? "" : ", ") + migration.name;
    }
    if (Step no = keep(Mark::snapshot)) {
        return no;
    }
    const bool restores = m_migrations.needs_fence();
    const SteadyTime until = restores ? m_fence.held_until : SteadyTime::max();
    const Result<std::string> place = m_part.database_place();
    if (!place) {
        return Stop{error_words(place.error().message)};
    }
    if (Step no = as_step(m_part.take_snapshot(m_id, until))) {
        return no;
    }
    const auto is_too_late = [&] { return m_world.clock.steady() >= until; };
    const Stop too_late{say(k_waited_too_long, format_duration(m_site.longest_fence))};
    if (is_too_late()) {
        return too_late;
    }
    if (Step no = keep(Mark::migrate, {{"migrations", names},
                                       {"schema", m_schema.value_or("")},
                                       {"undo", restores ? "restore" : ""},
                                       {"database", *place}})) {
        return no;
    }
    m_snapshot_counts = true;
    m_fence.tables = restores ? Tables::changed : Tables::untouched;
    m_fence.place = *place;
    m_migrating = !restores;
    m_progress(say(k_migrating, names));
    if (Step no = as_step(m_part.migrate(m_id, until, voice()))) {
        return is_too_late() && !stop_requested() ? too_late
                                                  : no; // it was cut off, and nothing was wrong with it
    }
    if (restores) {
        const Result<std::string> database = m_part.look_at_database(*place, until);
        if (!database) {
            return Stop{error_words(database.error().message)};
        }
        m_fence.fingerprint = *database;
        m_notes.push_back(say(k_migrated, names, m_shelf.snapshot(m_id).string()));
        set_marker();
        return keep(Mark::migrated, {{"database", m_fence.fingerprint}});
    }
    if (const Result<void> learned = learn_what_fits(); !learned) {
        return Stop{error_words(learned.error().message)};
    }
    m_notes.push_back(say(k_migrated, names, m_shelf.snapshot(m_id).string()));
    set_marker(); // the time of the migrations is not the gate's
    return keep(Mark::migrated);
}

// Whatever was good with the database as it was before is good with it now: nothing was taken away.
Result<void> Transaction::learn_what_fits() {
    const Result<std::optional<std::string>> now = m_part.schema();
    LECTIO_TRY(now);
    const Result<Shelf::Records> records = m_shelf.records();
    LECTIO_TRY(records);
    for (const Release& release : records->releases) {
        const bool fitted = m_schema && is_known_to_fit(release, *m_schema);
        if (*now && fitted && !is_known_to_fit(release, **now)) {
            Release known = release;
            learn_schema(known, **now);
            LECTIO_TRY(m_shelf.keep(known));
        }
    }
    m_migrating = false;
    if (*now != m_schema) {
        m_schema_changed = true;
    }
    return {};
}

void Transaction::set_marker() {
    const Now now = m_world.clock.now();
    const Json marker{{"id", m_id},
                      {"by", m_wishes.by},
                      {"pid", ::getpid()},
                      {"boot_id", now.boot_id},
                      {"start", format_utc(now.wall)},
                      {"expires", format_utc(now.wall + k_marker_life)},
                      {"checks", m_gate.names()}};
    const std::string text = marker.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    constexpr mode_t k_for_all_to_read = 0644;
    if (const Result<void> set = write_atomically(m_world.files, m_site.marker, text, k_for_all_to_read);
        !set) {
        m_warnings.push_back(say(k_no_marker, error_words(set.error().message)));
    }
}

Transaction::Step Transaction::swap() {
    if (Step no = keep(Mark::swap, {{"from", m_from}, {"to", m_to}})) {
        return no;
    }
    m_swapped = true;
    if (const Result<void> done = m_disk.point(m_site.places.served, m_shelf.target_of(m_to)); !done) {
        return Stop{error_words(done.error().message)};
    }
    return {};
}

Transaction::Step Transaction::start() {
    if (m_fence.tables == Tables::changed) {
        if (Step no = keep(Mark::admit)) {
            return no;
        }
        m_fence.tables = Tables::met;
    }
    m_fence.is_up = false;
    m_fence.lock.release(); // a unit that starts waits for it
    Step no = as_step(m_part.start(m_to, voice()));
    if (!no) {
        m_progress(say(k_swapped, m_to));
    }
    return no;
}

Transaction::Step Transaction::watch_it() {
    const Verdict verdict = watch(m_gate, m_site.deploy.gate, m_world.clock, m_part.patience());
    switch (verdict.outcome) {
    case Verdict::Outcome::passed:
        return as_step(m_part.stands(m_to));
    case Verdict::Outcome::asks_nothing:
        m_warnings.push_back(join(": ", {say(k_nothing_asked), say(k_nothing_asked_hint)}));
        return as_step(m_part.stands(m_to));
    case Verdict::Outcome::stopped:
        return Stop{say(k_stopped), {}, Stop::Kind::signal};
    case Verdict::Outcome::failed:
        break;
    }
    const Text failures = words_of_failures(verdict.last);
    const Text words = failures.empty() ? say(k_not_proven) : failures;
    const bool was_red = !passes(m_before) && !m_before.checks.empty();
    if (was_red && not_worse(m_before, verdict.last)) {
        m_gate_words = say(k_red_after_rollback, m_to, words);
        return {}; // what was wished is served, and nothing became worse by it
    }
    return Stop{say(k_gate_failed, words), hint_of_failures(verdict.last)};
}

// The record in the journal decides, of both where there are two; the rest is done again where it was cut short.
Transaction::Step Transaction::commit() {
    if (Step no = keep(Mark::commit, {{"failing", m_failing}})) {
        return no;
    }
    if (m_with != nullptr) {
        if (const Step no = m_with->commit()) {
            m_warnings.push_back(no->reason);
        }
    }
    if (const Step no = admit()) {
        m_warnings.push_back(no->reason);
    }
    m_progress(say(k_passed, m_to));
    return {};
}

Transaction::Step Transaction::admit() {
    const Result<Shelf::Records> records = m_shelf.records();
    if (!records) {
        return Stop{error_words(records.error().message)};
    }
    const WallTime now = m_world.clock.now().wall;
    const Release* found = find(records->releases, m_to);
    Release served = found != nullptr ? *found : m_release;
    const State state = m_failing.empty() ? State::good : State::failing;
    const bool is_admitted =
        served.state == state && served.generation + 1 == next_generation(records->releases);
    if (!is_admitted) {
        served.generation = next_generation(records->releases);
        served.state = state;
        served.reason = m_failing;
        served.live = now;
        served.replaced.reset();
    }
    if (const Result<std::optional<std::string>> schema = m_part.schema(); !schema) {
        m_warnings.push_back(say(k_no_schema, error_words(schema.error().message)));
    } else if (*schema) {
        learn_schema(served, **schema);
    }
    Result<void> done = m_shelf.keep(served);
    if (const Release* before = find(records->releases, m_from); done && before != nullptr) {
        Release replaced = *before;
        replaced.state = is_rollback() && replaced.state == State::good ? State::withdrawn : replaced.state;
        replaced.replaced = now;
        done = m_shelf.keep(replaced);
    }
    return done ? Step{} : Step(Stop{error_words(done.error().message)});
}

Transaction::Step Transaction::give_the_folder_back() {
    if (Step no = keep(Mark::adopt, {{"id", m_from}})) {
        return no;
    }
    for (const Carried& file : m_release.carried) {
        if (const Result<void> gone = m_disk.remove_tree(m_shelf.tree(m_from) / file.path); !gone) {
            return Stop{error_words(gone.error().message)};
        }
    }
    if (const Result<void> done = m_disk.exchange(m_site.places.served, m_shelf.tree(m_from)); !done) {
        return Stop{error_words(done.error().message)};
    }
    m_progress(say(k_given_back, m_site.places.served.string()));
    return settle_adoption(m_from);
}

// ── what ends it ────────────────────────────────────────────────────────────────────────────────────────

Outcome Transaction::give_up(const Stop& why, Asking asking) {
    if (is_for_a_person()) {
        return leave_to_a_person(why);
    }
    if (m_word == WordOnDatabase::keep && restores() && m_fence.tables != Tables::put_back) {
        m_fence.tables = Tables::untouched;
        m_migrating = true; // whoever ran before runs with them now: somebody has said so
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
    if (m_action != "release") {
        return;
    }
    Result<void> gone = m_disk.remove_tree(m_shelf.incoming(m_id));
    gone = gone ? m_shelf.remove(m_id) : gone;
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
        m_warnings.push_back(say(k_migrations_stay));
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
    const Result<void> unmarked = follows() ? Result<void>{} : m_world.files.remove(m_site.marker);
    if (!unmarked && unmarked.error().kind != ErrorKind::not_found) {
        m_warnings.push_back(say(k_marker_stays, error_words(unmarked.error().message)));
    }
}

Result<std::vector<std::string>> Transaction::tidy(Duration younger) {
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
    for (const std::string& id : gone) {
        LECTIO_TRY(m_shelf.remove(id));
    }
    LECTIO_TRY(sweep(keeping.needed));
    for (std::size_t i = 0; i + k_journals_kept < journals->size(); ++i) {
        if ((*journals)[i].standing.ended()) {
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

// ── after a crash ───────────────────────────────────────────────────────────────────────────────────────

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

// ── small things ────────────────────────────────────────────────────────────────────────────────────────

Transaction::Step Transaction::keep(Mark mark, std::map<std::string, std::string> facts) {
    const Result<void> noted = m_journal->note(mark, std::move(facts));
    return noted ? Step{} : Step(Stop{error_words(noted.error().message)});
}

Transaction::Step Transaction::as_step(Part::Step refusal) {
    return refusal ? Step(Stop{std::move(refusal->reason), std::move(refusal->hint)}) : Step{};
}

bool Transaction::is_served() {
    const Result<Shelf::Served> served = m_shelf.served();
    return served && served->kind == Shelf::Served::Kind::release && served->id == m_to;
}

bool Transaction::is_rollback() const {
    return m_action == "rollback";
}

Outcome Transaction::outcome(Outcome::Result result) {
    return outcome(result, Stop{});
}

Outcome Transaction::outcome(Outcome::Result result, const Stop& why) {
    Outcome outcome;
    outcome.result = result;
    outcome.release = m_to.empty() ? m_id : m_to;
    outcome.previous = m_from;
    if (m_with != nullptr) {
        outcome.with = m_with->m_to.empty() ? m_with->m_id : m_with->m_to;
        outcome.previous_with = m_with->m_from;
    }
    outcome.phase = m_phase;
    outcome.reason = why.reason;
    outcome.hint = why.hint;
    if (result == Outcome::Result::released && (m_action == "adopt" || m_action == "abandon")) {
        outcome.release = m_from;
        outcome.previous.clear();
        outcome.done =
            m_action == "adopt" ? say(k_adopted, m_from) : say(k_given_back, m_site.places.served.string());
    }
    outcome.warnings = m_warnings;
    outcome.notes = m_notes;
    outcome.took = std::chrono::duration_cast<Duration>(m_world.clock.steady() - m_start);
    return outcome;
}

} // namespace lectio::release
