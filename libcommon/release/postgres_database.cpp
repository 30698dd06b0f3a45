#include "backup/passing_file.h"
#include "backup/postgres_restore.h"
#include "backup/postgres_scratch.h"
#include "backup/postgres_server.h"
#include "backup/postgres_snapshot.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/sha256.h"
#include "platform/stop.h"
#include "release/record.h"
#include "release/site_database.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/number.h"
#include "util/sql.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

constexpr std::string_view k_snapshot = "before.tar", k_snapshot_facts = "before.tar.json";
constexpr std::string_view k_rehearsal = "rehearsal.tar";
constexpr std::string_view k_place =
    "postgresql:"; // then the server's own number, ":" and the database's name
constexpr Bytes k_most_facts = 4_MB;
constexpr std::size_t k_most_rows = 100'000;
constexpr std::size_t k_longest_name = 63; // NAMEDATALEN
constexpr Duration k_to_ask = std::chrono::seconds(30);
constexpr Duration k_to_end =
    std::chrono::seconds(5); // for who is connected with what nobody serves any more
constexpr Duration k_to_start =
    std::chrono::seconds(15); // within the TimeoutStartSec= of units that wait for it
constexpr Duration k_between_looks = std::chrono::milliseconds(200);
constexpr mode_t k_for_us = 0600, k_folder_for_us = 0700;
constexpr const char* k_oid = "oid"; // beside what else is known of a snapshot: of the database that it is of
constexpr const char* k_next_oid = "next_oid"; // of the one that a rollback has put in its place
constexpr std::string_view k_before = "_before_",
                           k_left = "_left_";   // what was replaced: by put_back(), by a rollback
constexpr std::string_view k_source = "deploy"; // whose the database is that is made beside the site's
// What cannot have a table at once would stop everybody who comes behind it in the queue.
constexpr std::string_view k_settings = "-c lock_timeout=5s";

constexpr Phrase k_other_database{"Django works on {} {}, and deploy.backend.database leads to {}",
                                  "Django работает с базой {} {}, а deploy.backend.database ведёт к {}"};
constexpr Phrase k_other_database_hint{"name there the one that Django has", "укажите там ту, что у Django"};
constexpr Phrase k_may_not{"the role of deploy.backend.database could not put {} back: {}",
                           "роль из deploy.backend.database не смогла бы вернуть {}: {}"};
constexpr Phrase k_no_createdb{"it may not create databases", "ей нельзя создавать базы"};
constexpr Phrase k_no_createdb_hint{"once: sudo -u postgres psql -c 'ALTER ROLE {} CREATEDB'",
                                    "один раз: sudo -u postgres psql -c 'ALTER ROLE {} CREATEDB'"};
constexpr Phrase k_not_owner{"it does not own it", "база не её"};
constexpr Phrase k_not_owner_hint{"once: sudo -u postgres psql -c 'ALTER DATABASE {} OWNER TO {}'",
                                  "один раз: sudo -u postgres psql -c 'ALTER DATABASE {} OWNER TO {}'"};
constexpr Phrase k_does_not_come_back{"{} was copied and could not be restored beside itself: {}",
                                      "{} скопирована, но восстановить её рядом не удалось: {}"};
constexpr Phrase k_does_not_come_back_hint{
    "name in deploy.backend.database a role that may do all that is in it: the superuser of the server",
    "укажите в deploy.backend.database роль, которой можно всё, что в ней есть: суперпользователя сервера"};
constexpr Phrase k_cannot_be_copied{"{} could not be copied: {}", "{} не удалось скопировать: {}"};
constexpr Phrase k_no_room{"{} are free at {}: a copy of {} may need {}",
                           "свободно {} ({}): копии базы {} может понадобиться {}"};
constexpr Phrase k_no_room_hint{"free some space first: lectio-cleanup, lectio-deploy cleanup",
                                "сначала освободите место: lectio-cleanup, lectio-deploy cleanup"};
constexpr Phrase k_others{"{} is still in use when no code of the site runs: {}",
                          "базой {} пользуются, когда код сайта уже остановлен: {}"};
constexpr Phrase k_others_hint{
    "close it, or: sudo -u postgres psql -c 'SELECT pg_terminate_backend(PID)', the number in brackets",
    "закройте это подключение или: sudo -u postgres psql -c 'SELECT pg_terminate_backend(PID)', число в "
    "скобках"};
constexpr Phrase k_open{"open for longer than {}: {}", "открыты дольше {}: {}"};

// The server that answers, and the database on it: the same for whoever is connected, by whatever way.
constexpr std::string_view k_identity = "SELECT pg_catalog.current_database() || ' ' || extract(epoch FROM "
                                        "pg_catalog.pg_postmaster_start_time())::text";
// Made by initdb, the same after every start.
constexpr std::string_view k_own_number = "SELECT system_identifier FROM pg_catalog.pg_control_system()";
// A text of a row must be the same text a week later, and no row may be hidden from us.
constexpr std::string_view k_plain_session =
    "SELECT set_config('search_path', '', false), set_config('row_security', 'off', false),"
    " set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
    " set_config('IntervalStyle', 'iso_8601', false), set_config('bytea_output', 'hex', false),"
    " set_config('extra_float_digits', '3', false), set_config('lc_monetary', 'C', false)";

// Relations, columns, constraints, indexes, views, sequences and triggers, as the server writes them down.
constexpr std::string_view k_schema = R"(
WITH spaces AS (SELECT oid, nspname FROM pg_catalog.pg_namespace
                WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT 'column ' || a.attrelid::regclass || ' ' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || ' ' || a.attidentity::text || a.attgenerated::text
       || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS line
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN spaces s ON s.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k JOIN spaces s ON s.oid = k.connamespace WHERE conrelid <> 0
UNION ALL
SELECT 'index ' || pg_catalog.pg_get_indexdef(c.oid)
FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind = 'i'
UNION ALL
SELECT 'view ' || c.oid::regclass || ' ' || pg_catalog.pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence ' || c.oid::regclass FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind = 'S'
UNION ALL
SELECT 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN spaces s ON s.oid = c.relnamespace
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'type ' || t.oid::regtype || ' ' || coalesce((SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
       FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '')
FROM pg_catalog.pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
ORDER BY 1)";

// One statement a table: what its rows are, whatever their order; a sequence tells where it stands. What an extension has
// made for itself is left out, what it holds for the site is not.
constexpr std::string_view k_contents = R"(
SELECT CASE c.relkind
       WHEN 'S' THEN format('SELECT %L || last_value || is_called FROM %s', c.oid::regclass || ' ', c.oid::regclass)
       ELSE format('SELECT %L || count(*) || '' '' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM ONLY %s t',
                   c.oid::regclass || ' ', c.oid::regclass) END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND s.nspname !~ '^pg_' AND s.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                            AND c.oid <> ALL (coalesce(e.extconfig, '{}')))
UNION ALL
SELECT 'SELECT ''large objects '' || count(*) || '' '' || coalesce(sum(hashtextextended(oid::text || '' '' || md5(lo_get(oid)), 0)::numeric), 0)'
       ' FROM pg_catalog.pg_largeobject_metadata'
ORDER BY 1)";

// Sessions that wait for nothing and hold nothing: what a pool keeps for code that does not run any more. Those of a
// superuser are a person's.
constexpr std::string_view k_end_idle =
    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a JOIN "
    "pg_catalog.pg_roles r"
    " ON r.oid = a.usesysid WHERE a.datname = {} AND a.state = 'idle' AND a.pid <> "
    "pg_catalog.pg_backend_pid()"
    " AND (r.rolname = current_user OR NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, 'MEMBER'))";

// Whatever waits for a table waits for one of these.
constexpr std::string_view k_open_transactions =
    "SELECT coalesce(nullif(application_name, ''), usename, '?') || ' (' || pid || ')' FROM "
    "pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND pid <> "
    "pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL AND xact_start < now() - interval '{} s' ORDER BY "
    "1";

std::string hash_of(const std::vector<PostgresRow>& rows) {
    Sha256 hash;
    for (const PostgresRow& row : rows) {
        hash.add(row.front().value_or(""));
        hash.add("\n");
    }
    return hash.finish();
}

// So many bytes at most, and no half of a letter: the server refuses names that are not UTF-8.
std::string beginning_of(const std::string& name, std::size_t most) {
    constexpr unsigned char k_follows = 0x80, k_kind = 0xC0;
    while (most > 0 && most < name.size() && (static_cast<unsigned char>(name[most]) & k_kind) == k_follows) {
        --most;
    }
    return name.substr(0, most);
}

// "be-20261123T093500Z-1fk3" as a part of the name of a database of ours.
std::string scratch_id(std::string id) {
    std::replace(id.begin(), id.end(), '-', '_');
    return to_lower_ascii(id);
}

class PostgresDatabase final : public SiteDatabase {
  public:
    PostgresDatabase(Secret url, Path scratch, World& world, ReleaseDisk& disk)
        : m_url(std::move(url)), m_scratch(std::move(scratch)), m_world(world), m_disk(disk) {}

    Step is_of(const WaitingMigrations& waiting, const Path&) override {
        const Result<std::string> ours = one(std::string(k_identity), later());
        if (!ours) {
            return Refusal{error_words(ours.error().message)};
        }
        if (waiting.engine == "postgresql" && waiting.identity == *ours) {
            return {};
        }
        return Refusal{say(k_other_database, clean_line(waiting.engine), clean_line(waiting.database),
                           clean_line(ours->substr(0, ours->rfind(' ')))),
                       say(k_other_database_hint)};
    }

    Result<Bytes> size(SteadyTime until) override {
        const Result<backup::PostgresServer> server = backup::look_at({m_url}, m_world.clock, until);
        LECTIO_TRY(server);
        return server->size;
    }

    // What pg_dump writes, and the tar that it is put into.
    Step could_be_copied(Bytes size, const Path& snapshots, Bytes spare) override {
        return has_room(snapshots, {2 * size.count + spare.count}, size);
    }

    // It is restored beside the present one, which then gets another name. All of that but the last is done once while
    // nobody waits: what it cannot do (versions, rights, room, extensions) must not show when it has to.
    Step could_be_put_back(Bytes size, const Path& snapshots, Bytes spare, SteadyTime until) override {
        Result<Standing> standing = standing_on_server();
        if (!standing) {
            return Refusal{error_words(standing.error().message)};
        }
        const std::string name = clean_line(standing->database);
        if (!standing->may_create) {
            return Refusal{say(k_may_not, name, say(k_no_createdb)),
                           say(k_no_createdb_hint, clean_line(standing->role))};
        }
        if (!standing->is_owner) {
            return Refusal{say(k_may_not, name, say(k_not_owner)),
                           say(k_not_owner_hint, name, clean_line(standing->role))};
        }
        if (Step no = has_room_for_another(standing->data, size, snapshots, spare)) {
            return no;
        }
        return rehearse(standing->database, until);
    }

    // What waits for a table gives up soon, and columns that may stay empty are added at once.
    [[nodiscard]] std::optional<Bytes> quickly_migrated() const override { return std::nullopt; }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> migrating() const override {
        return {{"PGOPTIONS", std::string(k_settings)}};
    }

    Text in_the_way() override {
        Result<PostgresConnection> connection = backup::open_session({m_url}, m_world.clock, later());
        const Result<std::vector<PostgresRow>> rows =
            connection ? connection->query(fmt::format(k_open_transactions, seconds_of(k_to_end)))
                       : connection.error();
        std::vector<std::string> names;
        for (const PostgresRow& row : rows ? *rows : std::vector<PostgresRow>()) {
            names.push_back(clean_line(row.front().value_or("")));
        }
        return names.empty()
                   ? Text{}
                   : say(k_open, format_duration(k_to_end), fmt::format("{}", fmt::join(names, ", ")));
    }

    // They may need a moment to see that who had sent them is gone.
    Step only_ours(SteadyTime until) override {
        const Result<std::string> name = one("SELECT pg_catalog.current_database()", later());
        if (!name) {
            return Refusal{error_words(name.error().message)};
        }
        const SteadyTime last = std::min(until, m_world.clock.steady() + k_to_end);
        for (;;) {
            const Result<std::string> others = others_of(*name, later());
            if (!others) {
                return Refusal{error_words(others.error().message)};
            }
            if (others->empty()) {
                return {};
            }
            if (m_world.clock.steady() >= last || stop_requested()) {
                return Refusal{say(k_others, clean_line(*name), *others), say(k_others_hint)};
            }
            m_world.clock.sleep_for(k_between_looks);
        }
    }

    Result<std::string> schema(SteadyTime until) override {
        Result<PostgresConnection> connection = plain_session("", until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> rows = connection->query(std::string(k_schema), k_most_rows);
        LECTIO_TRY(rows);
        return hash_of(*rows);
    }

    Result<std::string> place() override {
        const Result<std::string> number = one(std::string(k_own_number), later());
        LECTIO_TRY(number);
        const Result<std::string> name = one("SELECT pg_catalog.current_database()", later());
        LECTIO_TRY(name);
        return fmt::format("{}{}:{}", k_place, *number, *name);
    }

    Result<std::string> look(const std::string& place, SteadyTime until) override {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        Result<PostgresConnection> connection = plain_session(*name, until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> questions =
            connection->query(std::string(k_contents), k_most_rows);
        LECTIO_TRY(questions);
        std::vector<PostgresRow> answers;
        for (const PostgresRow& question : *questions) {
            Result<std::vector<PostgresRow>> answer = connection->query(question.front().value_or(""));
            LECTIO_TRY(answer);
            answers.insert(answers.end(), answer->begin(), answer->end());
        }
        return hash_of(answers);
    }

    Result<void> take_snapshot(const Path& folder, SteadyTime until) override {
        const Result<backup::PostgresSnapshot> taken =
            backup::take_postgres({m_url, false}, folder / k_snapshot, m_world, until);
        LECTIO_TRY(taken);
        const Result<std::string> oid = oid_of(taken->database, until);
        LECTIO_TRY(oid);
        return keep_facts(folder, *taken, *oid, "");
    }

    [[nodiscard]] Path snapshot_in(const Path& folder) const override { return folder / k_snapshot; }

    // A name may be given again, the server's own number of a database is not: what has become of the one that was migrated
    // is known after a crash, too. Who is connected with it is asked first: restoring takes longer than they may need to go.
    Result<void> put_back(const Snapshot& snapshot, const std::string& place, SteadyTime until) override {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        const Result<Facts> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        backup::PostgresRestore restore = restore_of(*name, snapshot.id, k_before, until);
        const Result<std::string> stands = oid_of(*name, until), aside = oid_of(restore.name_aside(), until);
        LECTIO_TRY(stands);
        LECTIO_TRY(aside);
        if (!facts->knows(*stands)) {
            return facts->knows(*aside)
                       ? Result<void>{}
                       : Error{ErrorKind::invalid,
                               fmt::format("unable to restore {}: another database has taken its place",
                                           clean_line(*name))};
        }
        LECTIO_TRY(prepare(restore, snapshot, *facts, until));
        return takes_its_place(restore, until);
    }

    Result<RowsSince> rows_since(const Snapshot& snapshot, SteadyTime until) override {
        const Result<Facts> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        Result<PostgresConnection> connection = backup::open_session({m_url}, m_world.clock, until);
        LECTIO_TRY(connection);
        Result<snapshots::RowCounts> now = backup::count_rows(*connection);
        LECTIO_TRY(now);
        return RowsSince{facts->snapshot.rows, std::move(*now)};
    }

    Result<std::optional<Text>> damage_to(const Snapshot& snapshot, SteadyTime until) override {
        const Result<Facts> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        const Result<std::vector<Text>> flaws =
            backup::flaws_of_postgres(snapshot_in(snapshot.folder), facts->snapshot, m_world, until);
        LECTIO_TRY(flaws);
        return flaws->empty() ? std::optional<Text>() : std::optional(flaws->front());
    }

    // Restored beside the present one, counted and dropped.
    Step prove(const Snapshot& snapshot, const std::string& place, SteadyTime until) override {
        const Result<void> done = try_out(snapshot, place, until);
        return done ? Step{} : Step(Refusal{error_words(done.error().message)});
    }

    Result<void> try_out(const Snapshot& snapshot, const std::string& place, SteadyTime until) {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        const Result<Facts> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        LECTIO_TRY(m_world.files.make_folders(m_scratch, k_folder_for_us));
        const std::string id = fresh_id(Kind::backend, m_world.clock.now().wall);
        return restore_of(*name, id, k_before, until).prepare(snapshot_in(snapshot.folder), facts->snapshot);
    }

    Result<void> is_free(const std::string& place, SteadyTime until) override {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        return nobody_has_it_open(*name, until);
    }

    // What is about to stand there is written down by its number first: by it put_back() knows that it may replace it.
    Result<void> go_back_to(const Snapshot& earlier, const Snapshot& present, const std::string& place,
                            SteadyTime until) override {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        const Result<Facts> facts = facts_of(earlier), now = facts_of(present);
        LECTIO_TRY(facts);
        LECTIO_TRY(now);
        backup::PostgresRestore restore = restore_of(*name, present.id, k_left, until);
        LECTIO_TRY(prepare(restore, earlier, *facts, until));
        const Result<std::string> next = oid_of(restore.name_beside(), until);
        LECTIO_TRY(next);
        LECTIO_TRY(keep_facts(present.folder, now->snapshot, now->oid, *next));
        return takes_its_place(restore, until);
    }

    // It has a name of its own on its server.
    Result<std::vector<std::string>> keep_replaced(const Snapshot& snapshot, const std::string& place,
                                                   SteadyTime until) override {
        const Result<std::string> name = name_in(place);
        LECTIO_TRY(name);
        std::vector<std::string> kept;
        for (const std::string_view as : {k_before, k_left}) {
            const std::string aside = restore_of(*name, snapshot.id, as, until).name_aside();
            const Result<std::string> oid = oid_of(aside, until);
            LECTIO_TRY(oid);
            if (!oid->empty()) {
                kept.push_back(std::string(k_place) + aside);
            }
        }
        LECTIO_TRY(tidy(until));
        return kept;
    }

    Result<void> tidy(SteadyTime until) override {
        if (!m_world.files.info(m_scratch)) {
            return {};
        }
        LECTIO_TRY(remove_rehearsals());
        return backup::drop_leftovers({std::string(k_source), way_aside(""), m_scratch}, m_world, until);
    }

  private:
    struct Facts {
        backup::PostgresSnapshot snapshot;
        std::string oid,
            next_oid; // of the database that it is of; of what a rollback has put there, or is about to
        [[nodiscard]] bool knows(const std::string& number) const {
            return !number.empty() && (number == oid || number == next_oid);
        }
    };
    Result<Facts> facts_of(const Snapshot& snapshot) {
        const Result<std::string> text = m_world.files.read(snapshot.folder / k_snapshot_facts, k_most_facts);
        LECTIO_TRY(text);
        const nlohmann::json json = json_within_depth(*text);
        Result<backup::PostgresSnapshot> facts = backup::postgres_snapshot_from(json);
        LECTIO_TRY(facts);
        return Facts{std::move(*facts), text_of(json, k_oid), text_of(json, k_next_oid)};
    }
    Result<void> keep_facts(const Path& folder, const backup::PostgresSnapshot& taken, const std::string& oid,
                            const std::string& next_oid) {
        nlohmann::json facts = backup::json_of(taken);
        facts[k_oid] = oid;
        if (!next_oid.empty()) {
            facts[k_next_oid] = next_oid;
        }
        return write_atomically(m_world.files, folder / k_snapshot_facts, facts.dump(1) + "\n", k_for_us);
    }
    Result<void> prepare(backup::PostgresRestore& restore, const Snapshot& snapshot, const Facts& facts,
                         SteadyTime until) {
        LECTIO_TRY(nobody_has_it_open(restore.database(), until));
        return restore.prepare(snapshot_in(snapshot.folder), facts.snapshot);
    }
    Result<void> takes_its_place(backup::PostgresRestore& restore, SteadyTime until) {
        LECTIO_TRY(nobody_has_it_open(restore.database(), until));
        const Result<std::string> done = restore.take_its_place();
        return done ? Result<void>{} : done.error();
    }
    struct Standing {
        std::string role, database;
        bool may_create = false, is_owner = false;
        Path data; // where the server keeps it, if that is on this host
    };

    [[nodiscard]] SteadyTime later() const { return m_world.clock.steady() + k_to_ask; }
    static std::int64_t seconds_of(Duration duration) {
        return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    }

    // Error: what the URL leads to by now is another server.
    Result<std::string> name_in(const std::string& place) {
        const std::size_t number = std::min(place.size(), k_place.size());
        const std::size_t colon = std::min(place.find(':', number), place.size());
        const Result<std::string> here = number_of_server();
        LECTIO_TRY(here);
        if (*here != place.substr(number, colon - number)) {
            return Error{ErrorKind::not_found,
                         "deploy.backend.database leads to another server than at that time"};
        }
        return place.substr(std::min(colon + 1, place.size()));
    }
    // When the machine starts, or has been cut off, it may not answer yet.
    Result<std::string> number_of_server() {
        const SteadyTime last = m_world.clock.steady() + k_to_start;
        for (;;) {
            Result<std::string> number = one(std::string(k_own_number), later());
            const bool may_come = !number && number.error().kind != ErrorKind::permission &&
                                  number.error().kind != ErrorKind::invalid;
            if (!may_come || stop_requested() || m_world.clock.steady() >= last) {
                return number;
            }
            m_world.clock.sleep_for(k_between_looks);
        }
    }
    // Known again after a crash: what has this name was replaced by that snapshot.
    backup::PostgresRestore restore_of(const std::string& name, const std::string& id, std::string_view as,
                                       SteadyTime until) {
        const std::string ending = std::string(as) + id;
        return {{std::string(k_source), m_url, name, m_scratch,
                 beginning_of(name, k_longest_name - ending.size()) + ending},
                scratch_id(id),
                m_world,
                until};
    }
    [[nodiscard]] backup::PostgresWay way_aside(const std::string& name) const {
        return backup::way_beside(m_url, name);
    }

    Result<PostgresConnection> plain_session(const std::string& name, SteadyTime until) {
        Result<PostgresConnection> connection = backup::open_session({m_url, name}, m_world.clock, until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> set = connection->statement(std::string(k_plain_session));
        LECTIO_TRY(set);
        return connection;
    }

    Result<std::string> one(const std::string& sql, SteadyTime until) {
        Result<PostgresConnection> connection = backup::open_session({m_url}, m_world.clock, until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> rows = connection->query(sql);
        LECTIO_TRY(rows);
        return rows->front().front().value_or("");
    }

    Result<Standing> standing_on_server() {
        Result<PostgresConnection> connection = backup::open_session({m_url}, m_world.clock, later());
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> rows = connection->query(
            "SELECT current_user, datname, rolsuper OR rolcreatedb, pg_catalog.pg_has_role(datdba, 'USAGE'),"
            " coalesce(pg_catalog.inet_server_addr() <<= '127.0.0.0/8' OR pg_catalog.inet_server_addr() = "
            "'::1', true),"
            " pg_catalog.pg_backend_pid() FROM pg_catalog.pg_roles, pg_catalog.pg_database"
            " WHERE rolname = current_user AND datname = pg_catalog.current_database()");
        LECTIO_TRY(rows);
        const auto text = [&](std::size_t column) { return rows->front().at(column).value_or(""); };
        Standing standing{text(0), text(1), text(2) == "t", text(3) == "t", {}};
        // Its process works in the folder of the data.
        const std::optional<int> pid = text(4) == "t" ? number_from<int>(text(5)) : std::nullopt;
        const Result<ProcessPlace> place = m_world.host.place(pid.value_or(0));
        if (pid && place && !place->contained && place->program.filename() == "postgres") {
            standing.data = place->folder;
        }
        return standing;
    }

    Step has_room(const Path& place, Bytes wanted, Bytes size) {
        const Result<ReleaseDisk::Room> room = m_disk.room(place);
        if (!room) {
            return Refusal{error_words(room.error().message)};
        }
        return room->free >= wanted ? Step{}
                                    : Step(Refusal{say(k_no_room, format_size(room->free), place.string(),
                                                       format_size(size), format_size(wanted)),
                                                   say(k_no_room_hint)});
    }

    // The server writes it twice, to its log and where it stays. Where it runs elsewhere it alone knows its room.
    Step has_room_for_another(const Path& data, Bytes size, const Path& snapshots, Bytes spare) {
        const Bytes twice{2 * size.count + spare.count}, both{4 * size.count + spare.count};
        if (data.empty()) {
            return has_room(snapshots, twice, size);
        }
        const Result<FileInfo> ours = m_world.files.info(snapshots), theirs = m_world.files.info(data);
        const bool shared = ours && theirs && ours->device == theirs->device;
        if (Step no = has_room(snapshots, shared ? both : twice, size)) {
            return no;
        }
        return has_room(data, twice, size);
    }

    Step rehearse(const std::string& name, SteadyTime until) {
        Result<void> ready = m_world.files.make_folders(m_scratch, k_folder_for_us);
        if (ready) {
            ready = remove_rehearsals(); // of a call that was killed
        }
        if (!ready) {
            return Refusal{error_words(ready.error().message)};
        }
        const backup::PassingFile tar(m_scratch / k_rehearsal);
        const Result<backup::PostgresSnapshot> taken =
            backup::take_postgres({m_url, false}, tar.path(), m_world, until);
        if (!taken) {
            return Refusal{say(k_cannot_be_copied, clean_line(name), error_words(taken.error().message))};
        }
        const std::string id = fresh_id(Kind::backend, m_world.clock.now().wall);
        const Result<void> restored = restore_of(name, id, k_before, until).prepare(tar.path(), *taken);
        return restored ? Step{}
                        : Step(Refusal{say(k_does_not_come_back, clean_line(name),
                                           error_words(restored.error().message)),
                                       say(k_does_not_come_back_hint)});
    }

    // The copy, and what stands beside it while it is made: as large as the database each.
    Result<void> remove_rehearsals() {
        const Result<std::vector<std::string>> names = m_world.files.list(m_scratch);
        LECTIO_TRY(names);
        for (const std::string& name : *names) {
            if (name.starts_with(k_rehearsal)) {
                LECTIO_TRY(remove_file(m_scratch / name));
            }
        }
        return {};
    }

    // Empty: there is none of that name.
    Result<std::string> oid_of(const std::string& name, SteadyTime until) {
        Result<PostgresConnection> connection = backup::open_session(way_aside(name), m_world.clock, until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> rows = connection->query(
            fmt::format("SELECT oid FROM pg_catalog.pg_database WHERE datname = {}", sql_literal(name)));
        LECTIO_TRY(rows);
        return rows->empty() ? std::string() : rows->front().front().value_or("");
    }

    // Who else is connected with it, when the idle ones are gone; empty: nobody.
    Result<std::string> others_of(const std::string& name, SteadyTime until) {
        Result<PostgresConnection> connection = backup::open_session(way_aside(name), m_world.clock, until);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> ended =
            connection->statement(fmt::format(k_end_idle, sql_literal(name)), k_most_rows);
        LECTIO_TRY(ended);
        const Result<std::vector<std::string>> users = backup::users_of(*connection, name);
        LECTIO_TRY(users);
        return fmt::format("{}", fmt::join(*users, ", "));
    }

    Result<void> nobody_has_it_open(const std::string& name, SteadyTime until) {
        const Result<std::string> others = others_of(name, until);
        LECTIO_TRY(others);
        return others->empty() ? Result<void>{}
                               : Error{ErrorKind::busy, fmt::format("unable to restore {}: it is open in {}",
                                                                    clean_line(name), *others)};
    }

    Secret m_url;
    Path m_scratch; // of ours alone: what is made there says what has to be dropped again
    World& m_world;
    ReleaseDisk& m_disk;
};

} // namespace

std::unique_ptr<SiteDatabase> postgres_database(Secret url, Path scratch, World& world, ReleaseDisk& disk) {
    return std::make_unique<PostgresDatabase>(std::move(url), std::move(scratch), world, disk);
}

} // namespace lectio::release
