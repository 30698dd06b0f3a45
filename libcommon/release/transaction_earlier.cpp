// Transaction, back with the database: a release whose tables are no more is gone back to with the snapshot that was taken
// before the migrations that came after it. Said by a person who knows what is lost by it; taken as a migration is, behind
// the fence, with a snapshot of the present before it (docs/decisions/0055-back-with-the-database.md).

#include "release/transaction.h"
#include "release/transaction_words.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio::release {
namespace {

constexpr Phrase k_across_hint{
    "to take the database back with it, {} ago (what was written since is kept, and lost to the site): {}; "
    "or "
    "choose a later release, or add --force if its code can live with the tables",
    "вернуть вместе с базой, какой она была {} назад (записанное с тех пор сохранится, но с сайта пропадёт): "
    "{}; "
    "либо выберите более поздний релиз, либо добавьте --force, если его код уживётся с таблицами"};
constexpr Phrase k_gone_hint{
    "no whole snapshot with which it ran is kept any more: choose a later release (lectio-deploy list), mend "
    "by "
    "another "
    "one, restore a backup (lectio-backup list), or add --force if its code can live with the tables",
    "целой копии базы, с которой он работал, больше нет: выберите более поздний релиз (lectio-deploy list), "
    "почините "
    "следующим, восстановите бэкап (lectio-backup list) или добавьте --force, если его код уживётся с "
    "таблицами"};
constexpr Phrase k_damaged{"the snapshot {} cannot be used any more: {}", "копия {} больше не годится: {}"};
constexpr Phrase k_would_be_lost{
    "with {} the database goes back to {}, {} ago; undone by it: {}; what was written since is kept, and "
    "lost to "
    "the site{}",
    "вместе с {} база вернётся к {}, на {} назад; отменятся: {}; записанное с тех пор сохранится, но с сайта "
    "пропадёт{}"};
constexpr Phrase k_rows{"; rows then and now: {}", "; строк тогда и сейчас: {}"};
constexpr Phrase k_same_rows{"; each table has as many rows as then", "; строк в таблицах столько же"};
constexpr Phrase k_no_rows{"; its rows could not be counted: {}", "; сосчитать строки не удалось: {}"};
constexpr Phrase k_more_than_accepted{"more than the {} that you accept: {}",
                                      "больше, чем {}, с которыми вы согласны: {}"};
constexpr Phrase k_accept_hint{"if that is what you want: {}", "если вы этого хотите: {}"};
constexpr Phrase k_clock_is_behind{
    "by the clock the snapshot of the database is taken only at {}: nobody can say how much is lost by it",
    "по часам копия базы будет снята только в {}: неизвестно, сколько пропадёт"};
constexpr Phrase k_clock_hint{"set the clock right first", "сначала исправьте часы"};
constexpr Phrase k_no_database{"there is no database of it that could be looked at",
                               "базы, которую можно посмотреть, у него нет"};
constexpr Phrase k_no_database_hint{"name it in deploy.backend.database",
                                    "укажите её в deploy.backend.database"};
constexpr Phrase k_not_needed{"{} is gone back to with the database as it is: nothing has to be lost for it",
                              "{} вернётся и с базой как есть: терять ради него ничего не нужно"};
constexpr Phrase k_not_needed_hint{"leave out --restore-db", "уберите --restore-db"};
constexpr Phrase k_other_place{
    "deploy.backend.database leads to another database than the one that was copied for {}",
    "deploy.backend.database ведёт не к той базе, копия которой снята для {}"};
constexpr Phrase k_putting_back{"putting the database back as it was at {}",
                                "возвращаю базу, какой она была в {}"};
constexpr Phrase k_not_as_it_was{
    "the tables of the database are not what they were before the migrations of {}",
    "таблицы базы — не те, какими были до миграций {}"};
constexpr Phrase k_went_back{
    "the database is as it was at {}, {} ago; as it was until now it lies in {}, and nothing of "
    "lectio-deploy "
    "removes it; back to that: lectio-deploy rollback backend --to {} --restore-db{}",
    "база такая, какой была в {}, {} назад; какой она была до сих пор, лежит в {}, сам lectio-deploy её не "
    "удалит; "
    "вернуться к ней: lectio-deploy rollback backend --to {} --restore-db{}"};

// What a person types who has read what is lost by it.
std::string line_for(const std::string& id, Duration loss, bool behind_page) {
    return fmt::format("sudo lectio-deploy rollback backend --to {} --restore-db --accept-data-loss={}{}", id,
                       as_accepted(loss), behind_page ? " --maintenance" : "");
}

} // namespace

// Those who are undone by it may have written for as long; less is never said.
Duration Transaction::written_for(const EarlierDatabase& earlier) const {
    return std::chrono::ceil<std::chrono::seconds>(m_world.clock.now().wall - earlier.taken);
}

std::string Transaction::taken_at(const EarlierDatabase& earlier) const {
    return format_local(earlier.taken, m_site.zone);
}

// Its folder proves nothing: what a person may still want of it outlives the snapshot.
std::optional<EarlierDatabase> Transaction::newest_whole(const SinceServed& since) {
    m_damaged = {};
    for (const EarlierDatabase& each : since.all) {
        const Result<std::optional<Text>> damage = m_part.damage_to_snapshot(each.id, each.place);
        if (damage && !*damage) {
            return each;
        }
        if (damage || damage.error().kind != ErrorKind::not_found) {
            const Text words = say(k_damaged, m_shelf.snapshot(each.id).string(),
                                   damage ? **damage : error_words(damage.error().message));
            m_damaged = m_damaged.empty() ? words : join("; ", {m_damaged, words});
        }
    }
    return std::nullopt;
}

Text Transaction::with_damage(const Text& words) const {
    return m_damaged.empty() ? words : join("; ", {words, m_damaged});
}

// The code alone goes back where it is known to run with what it finds.
Transaction::Step Transaction::refuse_across_migrations() {
    const Result<std::vector<Shelf::Past>> journals = m_shelf.journals();
    if (!journals) {
        return Stop{error_words(journals.error().message)};
    }
    const SinceServed since = since_served(*journals, m_release);
    const Text words = against_code_alone(since, m_release, *m_schema);
    if (words.empty()) {
        return {};
    }
    if (m_wishes.force) {
        m_warnings.push_back(words);
        return {};
    }
    const std::optional<EarlierDatabase> earlier = newest_whole(since);
    if (earlier && written_for(*earlier) < Duration::zero()) {
        return Stop{join("; ", {words, say(k_clock_is_behind, taken_at(*earlier))}), say(k_clock_hint)};
    }
    return earlier ? Stop{with_damage(words), say(k_across_hint, format_duration(written_for(*earlier)),
                                                  line_for(m_to, written_for(*earlier), false))}
                   : Stop{with_damage(words), say(k_gone_hint)};
}

Transaction::Step Transaction::find_earlier_database() {
    const Result<std::optional<std::string>> schema = m_part.schema();
    const Result<std::vector<Shelf::Past>> journals = m_shelf.journals();
    if (!schema || !journals) {
        return Stop{error_words((schema ? journals.error() : schema.error()).message)};
    }
    if (!*schema) {
        return Stop{say(k_no_database), say(k_no_database_hint)};
    }
    const SinceServed since = since_served(*journals, m_release);
    const Text across = against_code_alone(since, m_release, **schema);
    if (across.empty()) {
        return Stop{say(k_not_needed, m_to), say(k_not_needed_hint)};
    }
    m_earlier = newest_whole(since);
    if (!m_earlier) {
        return Stop{with_damage(across), say(k_gone_hint)};
    }
    const Result<std::string> place = m_part.database_place();
    if (!place) {
        return Stop{error_words(place.error().message)};
    }
    if (*place != m_earlier->place) {
        return Stop{say(k_other_place, m_earlier->id)};
    }
    const Result<Text> rows = m_part.rows_since(m_earlier->id);
    m_written_since = !rows           ? say(k_no_rows, error_words(rows.error().message))
                      : rows->empty() ? say(k_same_rows)
                                      : say(k_rows, *rows);
    return too_much_is_lost();
}

// What was accepted was said some time ago, and is asked again when nobody can write any more.
Transaction::Step Transaction::too_much_is_lost() {
    const Duration loss = written_for(*m_earlier);
    if (loss < Duration::zero()) {
        return Stop{say(k_clock_is_behind, taken_at(*m_earlier)), say(k_clock_hint)};
    }
    if (m_wishes.accepts_loss && loss <= *m_wishes.accepts_loss) {
        return {};
    }
    const Text words = with_damage(say(k_would_be_lost, m_to, taken_at(*m_earlier), format_duration(loss),
                                       fmt::format("{}", fmt::join(m_earlier->done, ", ")), m_written_since));
    return Stop{m_wishes.accepts_loss
                    ? say(k_more_than_accepted, format_duration(*m_wishes.accepts_loss), words)
                    : words,
                say(k_accept_hint, line_for(m_to, loss, m_wishes.maintenance))};
}

Transaction::Step Transaction::look_at_earlier_database() {
    return as_step(
        m_part.may_go_back_to(m_earlier->id, m_earlier->place, m_earlier->done, m_wishes.maintenance));
}

// As a migration is applied; what would undo it is the snapshot of the present.
Transaction::Step Transaction::go_to_earlier_database() {
    const SteadyTime until = m_fence.held_until;
    std::string place;
    if (Step no = copy_database(place, until)) {
        return no;
    }
    if (Step no = as_step(m_part.may_be_replaced(place, until))) {
        return no;
    }
    if (Step no = too_much_is_lost()) {
        return no;
    }
    const Duration loss = written_for(*m_earlier);
    if (Step no = keep(Mark::migrate, {{"migrations", fmt::format("-{}", fmt::join(m_earlier->done, ", -"))},
                                       {"schema", m_schema.value_or("")},
                                       {"class", std::string(to_string(MigrationClass::lossy))},
                                       {"undo", "restore"},
                                       {"database", place}})) {
        return no;
    }
    m_snapshot_counts = true;
    m_fence.tables = Tables::changed;
    m_fence.place = place;
    m_progress(say(k_putting_back, taken_at(*m_earlier)));
    if (Step no = as_step(m_part.go_back_to(m_earlier->id, m_id, place, m_to, until, voice()))) {
        return m_world.clock.steady() >= until && no->kind == Stop::Kind::refusal ? waited_too_long() : no;
    }
    const Result<std::optional<std::string>> schema = m_part.schema();
    if (!schema || *schema != m_earlier->schema) {
        return schema ? Stop{say(k_not_as_it_was, m_earlier->id)} : Stop{error_words(schema.error().message)};
    }
    m_went_back = say(k_went_back, taken_at(*m_earlier), format_duration(loss),
                      m_shelf.snapshot(m_id).string(), m_from, m_written_since);
    return remember_nobody_has_written();
}

} // namespace lectio::release
