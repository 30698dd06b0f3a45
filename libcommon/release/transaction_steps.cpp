// Transaction, its steps: each says why it does not go on, and what is on the disk is whole between any two of them.

#include "platform/lock_wait.h"
#include "platform/stop.h"
#include "release/drift.h"
#include "release/transaction.h"
#include "release/transaction_words.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using namespace words;
using Json = nlohmann::json;

constexpr Duration k_wait_for_host = 60s; // CONTRACT 20
constexpr Duration k_marker_life = 10min;
constexpr Phrase k_asking_site{"asking the live site", "проверяю работающий сайт"};
constexpr Phrase k_receiving{"receiving the build from {}", "принимаю сборку: {}"};
constexpr Phrase k_received{"received: {}, {}", "принято: {}, {}"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};
constexpr Phrase k_inspecting{"looking at the build", "проверяю сборку"};
constexpr Phrase k_sealed{"release {} is ready, visitors can read it",
                          "релиз {} готов и доступен посетителям"};
constexpr Phrase k_swapped{"{} is served now; watching", "теперь отдаётся {}; наблюдаю"};
constexpr Phrase k_passed{"the gate has passed: {} stays", "проверки пройдены: {} остаётся"};
constexpr Phrase k_site_is_red{"the site fails before anything is done: {}",
                               "сайт не проходит проверки ещё до выкладки: {}"};
constexpr Phrase k_site_is_red_hint{"mend it first, or deploy the mend with --force",
                                    "сначала почините; если чинит сама выкладка — добавьте --force"};
constexpr Phrase k_nothing_asked{"nothing is configured that could be asked of the live site",
                                 "не настроено ничего, о чём можно спросить работающий сайт"};
constexpr Phrase k_nothing_asked_hint{
    "name checks in [deploy] gate.checks, or nobody knows whether it works",
    "назовите проверки в [deploy] gate.checks, иначе неизвестно, работает ли он"};
constexpr Phrase k_no_page{
    "--maintenance shows visitors a page, and deploy.maintenance_page names none",
    "--maintenance показывает посетителям страницу, а deploy.maintenance_page не задан"};
constexpr Phrase k_no_page_hint{
    "name a file there, and show it in nginx: README, \"Migrations that take long\"",
    "назовите там файл и покажите его в nginx: README, «Долгие миграции»"};
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
constexpr Phrase k_no_schema_hint{"mend that first; a rollback goes on with --force",
                                  "сначала почините это; откат продолжится с --force"};
constexpr Phrase k_host_is_busy{"the healer has been at work for {}: {}", "лечение идёт уже {}: {}"};
constexpr Phrase k_gate_failed{"after the swap: {}", "после переключения: {}"};
constexpr Phrase k_no_such{"there is no release {}", "релиза {} нет"};
constexpr Phrase k_no_such_hint{"the releases are listed by: lectio-deploy list",
                                "список релизов: lectio-deploy list"};
constexpr Phrase k_served_already{"{} is served already", "{} и так отдаётся"};
constexpr Phrase k_damaged_release{"release {} is not whole any more: {}", "релиз {} больше не цел: {}"};
constexpr Phrase k_not_good{"release {} is {}", "релиз {} отмечен как {}"};
constexpr Phrase k_not_good_hint{"choose another one (lectio-deploy list), or add --force",
                                 "выберите другой (lectio-deploy list) или добавьте --force"};
constexpr Phrase k_red_after_rollback{"{} is served, and the site still fails: {}",
                                      "отдаётся {}, но сайт всё ещё не работает: {}"};
constexpr Phrase k_not_adopted{"{} is not a link of lectio-deploy's",
                               "{} — не ссылка, сделанная lectio-deploy"};
constexpr Phrase k_adopted_is_not_served{"the folder that was there at first is release {}, and {} is served",
                                         "первоначальная папка — релиз {}, а отдаётся {}"};
constexpr Phrase k_adopted_is_not_served_hint{"first: lectio-deploy rollback --to {}",
                                              "сначала: lectio-deploy rollback --to {}"};
constexpr Phrase k_nothing_adopted{"none of the releases is a folder that was there before them",
                                   "ни один из релизов не был папкой, которая лежала здесь до них"};
constexpr Phrase k_waited_too_long{"requests have waited {}, and the database was not ready",
                                   "запросы прождали {}, а база так и не готова"};
constexpr Phrase k_no_marker{"the deploy marker could not be set: {}",
                             "не удалось поставить метку деплоя: {}"};
constexpr Phrase k_unreadable_record{"the record of {} cannot be read", "запись о {} не читается"};
constexpr Phrase k_nothing_to_do{"there is nothing to take over: {} leads to {}",
                                 "принимать нечего: {} ведёт к {}"};

} // namespace

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
    Step red = failure_of_the_site();
    const bool goes_on = red && red->kind == Stop::Kind::site_was_red && (m_wishes.force || is_rollback());
    return goes_on ? Step{} : red;
}

Transaction::Step Transaction::failure_of_the_site() {
    m_progress(say(k_asking_site));
    const Verdict verdict = look_before(m_gate, m_site.deploy.gate, m_world.clock);
    m_before = verdict.last;
    if (verdict.outcome == Verdict::Outcome::stopped) {
        return Stop{say(k_stopped), {}, Stop::Kind::signal};
    }
    return verdict.outcome == Verdict::Outcome::failed
               ? Step(Stop{say(k_site_is_red, words_of_failures(m_before)), say(k_site_is_red_hint),
                           Stop::Kind::site_was_red})
               : Step{};
}

Transaction::Step Transaction::know_where_the_page_belongs() {
    return m_site.deploy.maintenance_page.empty() ? Step(Stop{say(k_no_page), say(k_no_page_hint)}) : Step{};
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

void Transaction::foretell_changes_by_hand(const Release& live, Plan& plan) {
    const Result<TreeDifference> changes = changes_by_hand(m_shelf, live, own_of(m_part), m_world.clock);
    if (!changes) {
        plan.flaws.push_back({Flaw::Weight::refuse, error_words(changes.error().message)});
    } else if (!changes->empty()) {
        plan.flaws.push_back({Flaw::Weight::refuse_unless_forced, say(k_changed, some_of(*changes)),
                              say(k_changed_hint, live.id)});
    }
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
    const Part::Draft draft{m_release,           m_manifest,   find(records->releases, m_from),
                            records->releases,   m_migrations, m_wishes.force,
                            m_wishes.maintenance};
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
    return goes_back && !m_earlier ? refuse_across_migrations() : Step{};
}

Transaction::Step Transaction::migrate() {
    if (m_migrations.all.empty()) {
        return {};
    }
    std::string names;
    for (const Migration& migration : m_migrations.all) {
        names += (names.empty() ? "" : ", ") + migration.name;
    }
    const bool restores = m_migrations.needs_fence();
    const SteadyTime until = restores ? m_fence.held_until : SteadyTime::max();
    std::string place;
    if (Step no = copy_database(place, until)) {
        return no;
    }
    if (Step no = keep(Mark::migrate, {{"migrations", names},
                                       {"schema", m_schema.value_or("")},
                                       {"class", std::string(to_string(m_migrations.worst()))},
                                       {"undo", restores ? "restore" : ""},
                                       {"way_back", m_migrations.way_back()},
                                       {"database", place}})) {
        return no;
    }
    m_snapshot_counts = true;
    m_fence.tables = restores ? Tables::changed : Tables::untouched;
    m_fence.place = place;
    m_fence.way_back = m_migrations.way_back();
    m_migrating = !restores;
    m_progress(say(k_migrating, names));
    if (Step no = as_step(m_part.migrate(m_id, until, voice()))) {
        return m_world.clock.steady() >= until && !stop_requested()
                   ? waited_too_long()
                   : no; // it was cut off, and nothing was wrong with it
    }
    if (restores) {
        m_notes.push_back(say(k_migrated, names, m_shelf.snapshot(m_id).string()));
        return remember_nobody_has_written();
    }
    if (const Result<void> learned = learn_what_fits(); !learned) {
        return Stop{error_words(learned.error().message)};
    }
    m_notes.push_back(say(k_migrated, names, m_shelf.snapshot(m_id).string()));
    set_marker(); // the time of the migrations is not the gate's
    return keep(Mark::migrated);
}

// As it is before it is changed; with a fence nobody writes to it any more.
Transaction::Step Transaction::copy_database(std::string& place, SteadyTime until) {
    if (Step no = keep(Mark::snapshot)) {
        return no;
    }
    Result<std::string> found = m_part.database_place();
    if (!found) {
        return Stop{error_words(found.error().message)};
    }
    place = std::move(*found);
    if (Step no = until != SteadyTime::max() ? as_step(m_part.only_ours(until)) : Step{}) {
        return no;
    }
    if (Step no = as_step(m_part.take_snapshot(m_id, until))) {
        return no;
    }
    return m_world.clock.steady() >= until ? Step(waited_too_long()) : Step{};
}

// By what it is now it is seen later whether somebody has.
Transaction::Step Transaction::remember_nobody_has_written() {
    const Result<std::string> database = m_part.look_at_database(m_fence.place, m_fence.held_until);
    if (!database) {
        return Stop{error_words(database.error().message)};
    }
    m_fence.fingerprint = *database;
    set_marker();
    return keep(Mark::migrated, {{"database", m_fence.fingerprint}});
}

Transaction::Stop Transaction::waited_too_long() const {
    return {say(k_waited_too_long, format_duration(longest_wait()))};
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
    const Duration life = m_fence.has_page ? m_site.longest_maintenance + k_marker_life : k_marker_life;
    Json marker{{"id", m_id},
                {"by", m_wishes.by},
                {"pid", ::getpid()},
                {"boot_id", now.boot_id},
                {"start", format_utc(now.wall)},
                {"expires", format_utc(now.wall + life)}};
    if (!m_fence.has_page) { // else nothing of the site answers: all that a deploy may break is kept back
        marker["checks"] = m_gate.names();
    }
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
    if (!m_fence.has_page) { // else it began before the page
        m_gate.begin_to_count();
    }
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
        take_the_page_away();
        m_progress(say(k_swapped, m_to));
    }
    return no;
}

Transaction::Step Transaction::watch_it() {
    const Verdict verdict = watch(m_gate, m_site.deploy.gate, m_world.clock, m_part.patience());
    switch (verdict.outcome) {
    case Verdict::Outcome::passed:
        if (const std::optional<Text> errors = m_gate.too_many_errors()) {
            return Stop{say(k_gate_failed, *errors)};
        }
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
    if (goes_to_earlier_database()) {
        keep_what_was_replaced();
        if (!m_went_back.empty()) { // else it is said by who has found that out
            m_notes.push_back(m_went_back);
        }
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

} // namespace lectio::release
