#include "checks/postgres.h"

#include "checks/thresholds.h"
#include "config/complaints.h"
#include "platform/postgres.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_answers{"connected in {}", "подключение за {}"};
constexpr Phrase k_slow{"connecting takes {}", "подключение занимает {}"};
constexpr Phrase k_down{"PostgreSQL cannot be reached: {}", "PostgreSQL недоступен: {}"};
constexpr Phrase k_down_hint{
    "look whether it runs, and whether the address is right: systemctl status 'postgresql*'",
    "проверьте, запущен ли он и верен ли адрес: systemctl status 'postgresql*'"};
constexpr Phrase k_silent{"PostgreSQL does not answer in time", "PostgreSQL не отвечает вовремя"};
constexpr Phrase k_silent_hint{
    "it hangs, is overloaded, or waits for a lock: select pid, state, wait_event, query from "
    "pg_stat_activity",
    "он завис, перегружен или ждёт блокировку: select pid, state, wait_event, query from pg_stat_activity"};
constexpr Phrase k_refused{"PostgreSQL refuses us: {}", "PostgreSQL нас не пускает: {}"};
constexpr Phrase k_refused_hint{
    "compare user and password of the check with the server's roles and pg_hba.conf",
    "сверьте пользователя и пароль проверки с ролями сервера и pg_hba.conf"};
constexpr Phrase k_no_room{"PostgreSQL has no free connection: {}",
                           "в PostgreSQL не осталось подключений: {}"};
constexpr Phrase k_no_room_hint{
    "the site gets none either; see who holds them: select usename, application_name, state, count(*) from "
    "pg_stat_activity group by 1, 2, 3",
    "сайту их тоже не достаётся; кто их держит: select usename, application_name, state, count(*) from "
    "pg_stat_activity group by 1, 2, 3"};
constexpr Phrase k_odd{"PostgreSQL does not let us in: {}", "подключиться к PostgreSQL не удалось: {}"};
constexpr Phrase k_unable{"unable to ask PostgreSQL: {}", "не удалось спросить PostgreSQL: {}"};
constexpr Phrase k_many{"{} of {} connections are taken", "занято подключений: {} из {}"};
constexpr Phrase k_small_pool{"{} connections to the database, the site's pool should hold {}",
                              "к базе подключений {}, а пул сайта должен держать {}"};
constexpr Phrase k_small_pool_hint{
    "the pool is set up smaller, or the site does not run: at a rush its requests will wait for each other",
    "пул настроен меньше, или сайт не работает: при наплыве запросы будут ждать друг друга"};
constexpr Phrase k_no_limit{"a statement may run for ever: statement_timeout is not set",
                            "запрос может выполняться вечно: statement_timeout не задан"};
constexpr Phrase k_long_limit{"a statement may run for {}, expected at most {}",
                              "запрос может выполняться {}, а должно быть не больше {}"};
constexpr Phrase k_old{"a transaction has been open for {}: process {}, {} ({}), {}",
                       "транзакция открыта уже {}: процесс {}, {} ({}), {}"};
constexpr Phrase k_old_hint{
    "it keeps dead rows from being removed and may hold locks: select pg_terminate_backend({})",
    "она не даёт убирать мёртвые строки и может держать блокировки: select "
    "pg_terminate_backend({})"};
constexpr Phrase k_blind{"transactions of others are not seen", "чужие транзакции не видны"};
constexpr Phrase k_blind_hint{"grant pg_monitor to the role of the check",
                              "выдайте роли проверки pg_monitor: grant "
                              "pg_monitor to …"};
constexpr Phrase k_lag{"the replica is {} behind", "реплика отстаёт на {}"};
constexpr Phrase k_dead{"{:.0f}% of the rows of {} are dead", "в таблице {1} мертво {0:.0f}% строк"};
constexpr Phrase k_dead_hint{"autovacuum does not keep up: vacuum analyze {}",
                             "autovacuum не справляется: vacuum analyze {}"};
constexpr Phrase k_large{"the database is {} large", "размер базы {}"};

const Schema<PostgresSettings>& postgres_schema() {
    static const Schema<PostgresSettings> schema{
        required("url", &PostgresSettings::url, "postgresql://user@host/database")
            .check([](const Secret& url) { return postgres_url_complaint(url.reveal()); }),
        optional("timeout", &PostgresSettings::timeout, "no answer by then: critical").between(10ms, 10min),
        optional("sslmode", &PostgresSettings::sslmode,
                 "what the connection must have at least; empty: the URL's")
            .one_of({"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
        optional("connect_time", &PostgresSettings::connect_time, "to a usable connection")
            .units({Amount::Unit::milliseconds})
            .grows(),
        optional("connections", &PostgresSettings::connections,
                 "of those that others than superusers may have")
            .units({Amount::Unit::percent, Amount::Unit::number})
            .grows(),
        optional("pool_min", &PostgresSettings::pool_min,
                 "connections that the application's pool must hold; 0: not looked at")
            .between(0, 10000),
        optional("statement_timeout", &PostgresSettings::statement_timeout,
                 "must be set for this role and database, and at most this")
            .between(1ms, 24h),
        optional("oldest_transaction", &PostgresSettings::oldest_transaction, "age")
            .units({Amount::Unit::milliseconds})
            .grows(),
        optional("lag", &PostgresSettings::lag, "of this replica, or of this server's slowest one")
            .units({Amount::Unit::milliseconds})
            .grows(),
        optional("dead_rows", &PostgresSettings::dead_rows, "share of a table; of 1,000 on")
            .units({Amount::Unit::percent})
            .grows(),
        optional("size", &PostgresSettings::size, "of the database").units({Amount::Unit::bytes}).grows(),
    };
    return schema;
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────

// Adds what is wrong to what else is: a server has several troubles at once, and no restart mends any of these.
class Judging {
  public:
    Judging(const PostgresSettings& settings, const std::map<std::string, std::string>& memory)
        : m_settings(settings), m_memory(memory) {
        m_result.status = Status::ok;
        m_result.remedy = Remedy::cannot_help;
    }

    CheckResult judge(const PostgresSample& sample) {
        m_result.message = say(k_answers, format_duration(sample.connected_in));
        judge_connections(sample);
        judge_statements(sample);
        judge_transactions(sample);
        judge_data(sample);
        const Status status =
            level("connect_time", milliseconds(sample.connected_in), m_settings.connect_time, "s", 0.001);
        find(status, say(k_slow, format_duration(sample.connected_in)));
        return std::move(m_result);
    }

  private:
    static Quantity milliseconds(Duration time) { return {static_cast<double>(time.count()), {}}; }

    // `scale`: from the thresholds' unit to the metric's.
    Status level(const std::string& name, const Quantity& seen, const Thresholds& thresholds,
                 const char* unit, double scale = 1) {
        const auto scaled = [&](std::optional<double> value) {
            return value ? std::optional(*value * scale) : std::nullopt;
        };
        m_result.metrics.push_back({name, seen.value * scale, unit,
                                    scaled(in_units_of(seen, thresholds.warn)),
                                    scaled(in_units_of(seen, thresholds.critical))});
        return judge_thresholds(seen, thresholds, {}, Direction::grows, name, m_memory, m_result.memory);
    }

    void find(Status status, const Text& words, const Text& hint = {}) {
        if (status == Status::ok) {
            return;
        }
        m_result.message = m_result.status == Status::ok ? words : join("; ", {m_result.message, words});
        if (m_result.hint.empty() || worst(status, m_result.status) != m_result.status) {
            m_result.hint = hint;
        }
        m_result.status = worst(m_result.status, status);
    }

    void judge_connections(const PostgresSample& sample) {
        const Quantity taken{static_cast<double>(sample.connections),
                             static_cast<double>(sample.most_connections)};
        find(level("connections", taken, m_settings.connections, ""),
             say(k_many, sample.connections, sample.most_connections), say(k_no_room_hint));
        if (m_settings.pool_min > 0 && sample.of_database < m_settings.pool_min) {
            find(Status::warning, say(k_small_pool, sample.of_database, m_settings.pool_min),
                 say(k_small_pool_hint));
        }
    }

    void judge_statements(const PostgresSample& sample) {
        if (!m_settings.statement_timeout || !sample.statement_timeout) {
            return;
        }
        const Duration wanted = *m_settings.statement_timeout, seen = *sample.statement_timeout;
        const Text hint = verbatim(fmt::format("alter role … set statement_timeout = '{}s'",
                                               std::max<std::int64_t>(wanted.count() / 1000, 1)));
        if (seen == 0ms) {
            find(Status::warning, say(k_no_limit), hint);
        } else if (seen > wanted) {
            find(Status::warning, say(k_long_limit, format_duration(seen), format_duration(wanted)), hint);
        }
    }

    void judge_transactions(const PostgresSample& sample) {
        if (m_settings.oldest_transaction == Thresholds{}) {
            return;
        }
        if (!sample.sees_all) {
            find(Status::warning, say(k_blind), say(k_blind_hint));
        }
        const PostgresSample::Transaction oldest = sample.oldest.value_or(PostgresSample::Transaction{});
        const Status status =
            level("oldest_transaction", milliseconds(oldest.age), m_settings.oldest_transaction, "s", 0.001);
        find(status,
             say(k_old, spoken(oldest.age.count() / 1000), oldest.pid, clean_line(oldest.user),
                 shorten(clean_line(oldest.program), 60), clean_line(oldest.state)),
             say(k_old_hint, oldest.pid));
    }

    void judge_data(const PostgresSample& sample) {
        if (sample.size) {
            find(level("size", {static_cast<double>(sample.size->count), {}}, m_settings.size, "B"),
                 say(k_large, format_size(*sample.size)));
        }
        if (sample.lag) {
            find(level("lag", milliseconds(*sample.lag), m_settings.lag, "s", 0.001),
                 say(k_lag, spoken(sample.lag->count() / 1000)));
        }
        if (sample.worst && sample.worst->dead + sample.worst->living > 0) {
            const PostgresSample::Table& table = *sample.worst;
            const double share = 100 * table.dead / (table.dead + table.living);
            const std::string name = shorten(clean_line(table.name), 120);
            find(level("dead_rows", {share, {}}, m_settings.dead_rows, "%"), say(k_dead, share, name),
                 say(k_dead_hint, name));
        }
    }

    const PostgresSettings& m_settings;
    const std::map<std::string, std::string>& m_memory;
    CheckResult m_result;
};

// ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

// pg_stat_activity hides other users' sessions from who is no member of pg_read_all_stats, pg_stat_database counts them
// for everybody. reset_val: without what this very transaction has set.
constexpr const char* k_figures =
    "SELECT (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database),"
    " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,"
    " (SELECT coalesce(max(numbackends), 1) - 1 FROM pg_stat_database WHERE datname = current_database()),"
    " (SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'),"
    " pg_database_size(current_database()),"
    " pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER')::int,"
    " (extract(epoch FROM CASE WHEN NOT pg_is_in_recovery()"
    "    THEN (SELECT max(replay_lag) FROM pg_stat_replication)"
    "    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN interval '0'"
    "    ELSE clock_timestamp() - pg_last_xact_replay_timestamp() END) * 1000)::bigint";
constexpr const char* k_oldest =
    "SELECT (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint, pid, usename, "
    "application_name, state"
    " FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' ORDER BY xact_start LIMIT 1";
constexpr const char* k_worst_table =
    "SELECT quote_ident(schemaname) || '.' || quote_ident(relname), n_dead_tup, n_live_tup FROM "
    "pg_stat_user_tables"
    " WHERE n_dead_tup >= 1000"
    " ORDER BY n_dead_tup::float8 / greatest(n_live_tup + n_dead_tup, 1) DESC LIMIT 1";

std::string text_at(const PostgresRow& row, std::size_t column) {
    return column < row.size() ? row[column].value_or("") : "";
}
std::optional<std::int64_t> number_at(const PostgresRow& row, std::size_t column) {
    return number_from<std::int64_t>(text_at(row, column));
}

class PostgresCheck final : public BlockingCheck {
  public:
    explicit PostgresCheck(PostgresSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Duration at_most = time_for(context, m_settings.timeout);
        const PostgresSample sample = look(context.world.clock, at_most);
        if (sample.failure && sample.failure->kind == ErrorKind::timeout && at_most < m_settings.timeout) {
            return not_finished(context.memory);
        }
        return evaluate_postgres(sample, m_settings, context.memory);
    }

  private:
    PostgresSample look(Clock& clock, Duration at_most) const {
        PostgresSample sample;
        const SteadyTime begun = clock.steady();
        Result<PostgresConnection> connection =
            PostgresConnection::at({m_settings.url, m_settings.sslmode, begun + at_most}, clock);
        if (!connection) {
            sample.failure = connection.error();
            return sample;
        }
        sample.connected_in = std::chrono::ceil<Duration>(clock.steady() - begun);
        for (const auto part :
             {&PostgresCheck::figures, &PostgresCheck::oldest, &PostgresCheck::worst_table}) {
            if (const Result<void> seen = (this->*part)(*connection, sample); !seen) {
                sample.failure = seen.error();
                return sample;
            }
        }
        return sample;
    }

    Result<void> figures(PostgresConnection& connection, PostgresSample& sample) const {
        const Result<std::vector<PostgresRow>> rows = connection.query(k_figures);
        if (!rows) {
            return rows.error();
        }
        const PostgresRow row = rows->empty() ? PostgresRow{} : rows->front();
        const auto connections = number_at(row, 0), most_connections = number_at(row, 1);
        if (!connections ||
            !most_connections) { // what only speaks like PostgreSQL must not pass for one that is well
            return Error{ErrorKind::invalid, "the answer does not hold the figures that were asked for"};
        }
        sample.connections = *connections;
        sample.most_connections = *most_connections;
        sample.of_database = number_at(row, 2).value_or(0);
        if (const auto most = number_at(row, 3)) {
            sample.statement_timeout = Duration(std::max<std::int64_t>(*most, 0));
        }
        if (const auto size = number_at(row, 4); size && *size >= 0) {
            sample.size = Bytes{static_cast<std::uint64_t>(*size)};
        }
        sample.sees_all = text_at(row, 5) != "0";
        if (const auto lag = number_at(row, 6)) {
            sample.lag = Duration(std::max<std::int64_t>(*lag, 0));
        }
        return {};
    }

    Result<void> oldest(PostgresConnection& connection, PostgresSample& sample) const {
        if (m_settings.oldest_transaction == Thresholds{}) {
            return {};
        }
        const Result<std::vector<PostgresRow>> rows = connection.query(k_oldest);
        if (!rows) {
            return rows.error();
        }
        if (!rows->empty()) {
            const PostgresRow& row = rows->front();
            sample.oldest = {Duration(std::max<std::int64_t>(number_at(row, 0).value_or(0), 0)),
                             static_cast<int>(number_at(row, 1).value_or(0)), text_at(row, 2),
                             text_at(row, 3), text_at(row, 4)};
        }
        return {};
    }

    Result<void> worst_table(PostgresConnection& connection, PostgresSample& sample) const {
        if (m_settings.dead_rows == Thresholds{}) {
            return {};
        }
        const Result<std::vector<PostgresRow>> rows = connection.query(k_worst_table);
        if (!rows) {
            return rows.error();
        }
        if (!rows->empty()) {
            const PostgresRow& row = rows->front();
            sample.worst = {text_at(row, 0), static_cast<double>(number_at(row, 1).value_or(0)),
                            static_cast<double>(number_at(row, 2).value_or(0))};
        }
        return {};
    }

    PostgresSettings m_settings;
};

} // namespace

CheckResult postgres_failure(const Error& error) {
    const Text why = error_words(error.message);
    CheckResult result;
    result.status = Status::critical;
    switch (error.kind) {
    case ErrorKind::permission:
        result.message = say(k_refused, why);
        result.hint = say(k_refused_hint);
        result.remedy = Remedy::cannot_help;
        break;
    case ErrorKind::busy:
        result.message = say(k_no_room, why);
        result.hint = say(k_no_room_hint);
        break;
    case ErrorKind::timeout:
        result.message = say(k_silent);
        result.hint = say(k_silent_hint);
        break;
    case ErrorKind::not_found:
        result.message = say(k_down, why);
        result.remedy = Remedy::outside_host;
        break;
    case ErrorKind::io:
        result.message = say(k_down, why);
        result.hint = say(k_down_hint);
        break;
    case ErrorKind::protocol:
        result.message = say(k_odd, why);
        break;
    default: // we could not ask
        result.status = Status::unknown;
        result.message = say(k_unable, why);
        break;
    }
    return result;
}

CheckResult evaluate_postgres(const PostgresSample& sample, const PostgresSettings& settings,
                              const std::map<std::string, std::string>& memory) {
    if (sample.failure) {
        CheckResult result = postgres_failure(*sample.failure);
        result.memory = memory; // nothing was judged: what was open stays open
        return result;
    }
    return Judging(settings, memory).judge(sample);
}

CheckType postgres_check_type() {
    return make_check_type<postgres_schema, PostgresCheck>(
        "postgres", Layer::data, Recheck::yes,
        "a PostgreSQL lets us in, has connections left, grows within bounds");
}

} // namespace lectio
