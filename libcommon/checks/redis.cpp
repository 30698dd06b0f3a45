#include "checks/redis.h"

#include "checks/thresholds.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <charconv>
#include <utility>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_answers{"answers in {}", "отвечает за {}"};
constexpr Phrase k_silent{"{} does not answer in time", "{} не отвечает вовремя"};
constexpr Phrase k_down{"{} cannot be reached: {}", "{} недоступен: {}"};
constexpr Phrase k_not_redis{"something else than Redis answers there: {}", "там отвечает не Redis: {}"};
constexpr Phrase k_unable{"unable to ask: {}", "не удалось спросить: {}"};
constexpr Phrase k_refuses{"refuses the password: {}", "не принимает пароль: {}"};
constexpr Phrase k_odd{"answers {}, expected PONG", "отвечает {}, ожидался PONG"};
constexpr Phrase k_loading{"is loading its data after a start", "загружает данные после запуска"};
constexpr Phrase k_cannot_save{"cannot save its data and takes no writes (MISCONF)",
                               "не может сохранить данные и не принимает записи (MISCONF)"};
constexpr Phrase k_cannot_save_hint{
    "look at the free space and at Redis' log; do not restart it: what is not saved yet would be lost",
    "посмотрите свободное место и журнал Redis; не перезапускайте его: несохранённое пропадёт"};
constexpr Phrase k_busy{"is busy with a script that does not end (BUSY)",
                        "занят скриптом, который не завершается (BUSY)"};
constexpr Phrase k_busy_hint{"redis-cli SCRIPT KILL; do not restart it: what is not saved yet would be lost",
                             "redis-cli SCRIPT KILL; не перезапускайте его: несохранённое пропадёт"};
constexpr Phrase k_memory{"memory: {} of {} ({:.0f}%)", "память: {} из {} ({:.0f}%)"};
constexpr Phrase k_queue{"queue {}: {} waiting", "очередь {}: ждут {}"};
constexpr Phrase k_no_queue{"{} is not a queue: {}", "{} — не очередь: {}"};
constexpr Phrase k_replica{"is a read-only replica: nothing can be written to it",
                           "это реплика только для чтения: запись невозможна"};
constexpr Phrase k_look_down{
    "look whether it runs, and whether the address is right: systemctl status 'redis*'",
    "проверьте, запущен ли он и верен ли адрес: systemctl status 'redis*'"};
constexpr Phrase k_look_silent{
    "it hangs, is overloaded, or the network drops what is sent to it: journalctl -u "
    "'redis*' -n 50 --no-pager",
    "он завис, перегружен, или до него не доходит сеть: journalctl -u 'redis*' -n 50 "
    "--no-pager"};
constexpr Phrase k_check_password{
    "compare the password of the check with requirepass or the ACL of the server",
    "сверьте пароль проверки с requirepass или ACL сервера"};

// A SCAN step is short whatever the server holds; this many see 100,000 keys (redis.io/commands/scan).
constexpr std::string_view k_keys_a_step = "1000";
constexpr int k_most_steps = 100;

constexpr Phrase k_lasting{"{} of {} keys {} never expire, {} for one",
                           "{} из {} ключей {} бессрочные, например {}"};
constexpr Phrase k_lasting_hint{
    "they stay until memory is full; whoever writes them forgets the expiry: redis-cli TTL {}",
    "они останутся, пока не кончится память; тот, кто их пишет, не задаёт срок: redis-cli TTL {}"};
constexpr Phrase k_not_counted{"keys without an expiry cannot be counted: {}",
                               "не удалось посчитать бессрочные ключи: {}"};
constexpr Phrase k_evicted{"{} evicted since the last look: memory is full, what is stored is thrown away",
                           "с прошлой проверки вытеснено: {}; память кончилась, данные выбрасываются"};
constexpr Noun k_evicted_keys{"key", "keys", "ключ", "ключа", "ключей"};
constexpr Phrase k_old_snapshot{"the last snapshot is {} old, {} changes since would be lost",
                                "последнему снимку {}, изменений с тех пор: {}, и все пропадут"};
constexpr Phrase k_failed_snapshot{"the last snapshot failed: what is new is only in memory",
                                   "последний снимок не удался: всё новое только в памяти"};
constexpr Phrase k_aof_off{"the append-only file is switched off", "журнал AOF выключен"};
constexpr Phrase k_aof_fails{"the append-only file cannot be written", "в журнал AOF не удаётся писать"};
constexpr Phrase k_aof_rewrite{"rewriting the append-only file failed", "переписать журнал AOF не удалось"};
constexpr Phrase k_no_info{"INFO is refused: saving and evictions are not judged",
                           "INFO запрещён: ни сохранение, ни вытеснение не проверяются"};

const Schema<NoTtlSettings>& no_ttl_schema() {
    static const Schema<NoTtlSettings> schema{
        required("pattern", &NoTtlSettings::pattern, "keys that must expire, with * and ?"),
        optional("sample", &NoTtlSettings::sample, "how many are looked at").between(1, 100000),
        optional("warn", &NoTtlSettings::warn, "share of them without an expiry")
            .units({Amount::Unit::percent}),
    };
    return schema;
}

const Schema<RedisSettings>& redis_schema() {
    static const Schema<RedisSettings> schema{
        required("url", &RedisSettings::url,
                 "redis://[user:password@]host[:port][/db] or unix:///path.sock?db=N")
            .check([](const Secret& url) { return redis_url_complaint(url.reveal()); }),
        optional("timeout", &RedisSettings::timeout, "no answer by then: critical").between(10ms, 1min),
        optional("memory", &RedisSettings::memory, "used of maxmemory; not judged where maxmemory is not set")
            .units({Amount::Unit::percent, Amount::Unit::bytes})
            .grows(),
        optional("queues", &RedisSettings::queues, "length of lists (LLEN), by key")
            .units({Amount::Unit::number})
            .grows(),
        optional("no_ttl", &RedisSettings::no_ttl, no_ttl_schema(), "keys that would never expire"),
        optional("evictions", &RedisSettings::evictions, "keys evicted for lack of memory since the last run")
            .units({Amount::Unit::number})
            .grows(),
        optional("rdb_age", &RedisSettings::rdb_age,
                 "age of the last snapshot, where something has changed since; it must not have failed")
            .units({Amount::Unit::milliseconds})
            .grows(),
        optional("aof", &RedisSettings::aof, "the append-only file must be on and well").one_of({"", "ok"}),
    };
    return schema;
}

// Bytes are whole numbers; what is none, or more than any memory, is not there.
double number_of(const std::map<std::string, std::string>& info, const std::string& key) {
    const auto found = info.find(key);
    const auto number = found == info.end() ? std::nullopt : number_from<std::int64_t>(found->second);
    return static_cast<double>(std::max<std::int64_t>(number.value_or(0), 0));
}

bool has(const std::map<std::string, std::string>& info, const std::string& key, std::string_view value) {
    const auto found = info.find(key);
    return found != info.end() && found->second == value;
}

// A finding makes the result worse and adds its words. No restart mends what is found in a server that answers:
// full memory and long queues would be the same after it, or lost.
void add_finding(CheckResult& result, Status level, const Text& words) {
    if (level == Status::ok) {
        return;
    }
    result.message = result.status == Status::ok ? words : join("; ", {result.message, words});
    result.status = worst(result.status, level);
    result.remedy = Remedy::cannot_help;
}

void judge_memory(CheckResult& result, const RedisSample& sample, const RedisSettings& settings,
                  const std::map<std::string, std::string>& memory) {
    const double used = number_of(sample.info, "used_memory");
    const double most = number_of(sample.info, "maxmemory");
    if (sample.info.empty()) {
        return;
    }
    const Quantity seen{used, most > 0 ? std::optional(most) : std::nullopt};
    result.metrics.push_back({"memory", used, "B",
                              most > 0 ? in_units_of(seen, settings.memory.warn) : std::nullopt,
                              most > 0 ? in_units_of(seen, settings.memory.critical) : std::nullopt});
    if (most <= 0) {
        return; // without maxmemory there is no share to judge (CONTRACT 9)
    }
    const Status level =
        judge_thresholds(seen, settings.memory, {}, Direction::grows, "memory", memory, result.memory);
    add_finding(result, level,
                say(k_memory, format_size(Bytes{static_cast<std::uint64_t>(used)}),
                    format_size(Bytes{static_cast<std::uint64_t>(most)}), 100 * used / most));
}

void judge_queues(CheckResult& result, const RedisSample& sample, const RedisSettings& settings,
                  const std::map<std::string, std::string>& memory) {
    for (const auto& [queue, thresholds] : settings.queues) {
        const auto found = sample.lengths.find(queue);
        if (found == sample.lengths.end()) {
            continue;
        }
        const RedisReply& reply = found->second;
        if (reply.type != RedisReply::Type::integer) {
            add_finding(result, Status::warning, say(k_no_queue, queue, clean_line(reply.text)));
            continue;
        }
        const Quantity seen{static_cast<double>(reply.integer), {}};
        result.metrics.push_back({"queue-" + queue, seen.value, "", in_units_of(seen, thresholds.warn),
                                  in_units_of(seen, thresholds.critical)});
        const Status level =
            judge_thresholds(seen, thresholds, {}, Direction::grows, "queue-" + queue, memory, result.memory);
        add_finding(result, level, say(k_queue, queue, reply.integer));
    }
}

// "MISCONF Redis is configured to …" → "MISCONF": an error of Redis begins with its code.
std::string_view code_of(const RedisReply& reply) {
    const std::string_view text = reply.text;
    return reply.type == RedisReply::Type::error ? text.substr(0, text.find(' ')) : std::string_view();
}

// What the server said instead of PONG. A code of its own names a state in which it lives and answers, and a restart
// would do harm: loading would begin anew, and where it cannot save, what it holds is all there is of the data since
// the last snapshot. "ERR" names none ("max number of clients reached").
CheckResult judge_refusal(const RedisReply& ping, const Secret& url) {
    if (is_about_rights(ping)) {
        return redis_failure(Error{ErrorKind::permission, ping.text}, url);
    }
    const std::string_view code = code_of(ping);
    CheckResult result;
    result.status = Status::critical;
    result.remedy = code.empty() || code == "ERR" ? Remedy::try_it : Remedy::cannot_help;
    if (code == "LOADING") {
        result.message = say(k_loading);
    } else if (code == "MISCONF") {
        result.message = say(k_cannot_save);
        result.hint = say(k_cannot_save_hint);
    } else if (code == "BUSY") {
        result.message = say(k_busy);
        result.hint = say(k_busy_hint);
    } else {
        result.message = say(k_odd, shorten(clean_line(ping.text), 80));
    }
    return result;
}

void judge_keys(CheckResult& result, const RedisSample& sample, const RedisSettings& settings) {
    if (!settings.no_ttl) {
        return;
    }
    const RedisKeys& keys = sample.keys;
    if (keys.refused) {
        add_finding(result, Status::warning, say(k_not_counted, shorten(clean_line(keys.refused->text), 80)));
        return;
    }
    if (keys.looked == 0) {
        return;
    }
    const double share = 100.0 * keys.lasting / keys.looked;
    result.metrics.push_back({"no_ttl", share, "%", settings.no_ttl->warn.value, {}});
    if (keys.lasting > 0 && share >= settings.no_ttl->warn.value) {
        add_finding(result, Status::warning,
                    say(k_lasting, keys.lasting, keys.looked, settings.no_ttl->pattern, keys.example));
        result.hint = say(k_lasting_hint, keys.example);
    }
}

// A counter of the server's: since its start. `before` is the last run's, also where this one asks a second time.
constexpr const char* k_evicted_now = "evicted";
constexpr const char* k_evicted_before = "evicted-before";

void judge_evictions(CheckResult& result, const RedisSample& sample, const RedisSettings& settings,
                     const std::map<std::string, std::string>& memory) {
    if (!settings.evictions.warn && !settings.evictions.critical) {
        return;
    }
    const auto count = static_cast<std::int64_t>(number_of(sample.info, "evicted_keys"));
    const auto kept = memory.find(sample.again ? k_evicted_before : k_evicted_now);
    const std::int64_t before =
        number_from<std::int64_t>(kept == memory.end() ? "" : kept->second).value_or(count);
    result.memory[k_evicted_now] = std::to_string(count);
    result.memory[k_evicted_before] = std::to_string(before);
    const std::int64_t fresh = count < before ? count : count - before; // it was started anew
    const Quantity seen{static_cast<double>(fresh), {}};
    result.metrics.push_back({"evictions", seen.value, "", in_units_of(seen, settings.evictions.warn),
                              in_units_of(seen, settings.evictions.critical)});
    add_finding(result, judge_thresholds(seen, settings.evictions, {}, Direction::grows, Status::ok),
                say(k_evicted, counted(fresh, k_evicted_keys)));
}

void judge_snapshot(CheckResult& result, const RedisSample& sample, const RedisSettings& settings,
                    const std::map<std::string, std::string>& memory) {
    if (!settings.rdb_age.warn && !settings.rdb_age.critical) {
        return;
    }
    if (has(sample.info, "rdb_last_bgsave_status", "err")) {
        add_finding(result, Status::critical, say(k_failed_snapshot));
        result.hint = say(k_cannot_save_hint);
    }
    const double saved = number_of(sample.info, "rdb_last_save_time");
    const double changes = number_of(sample.info, "rdb_changes_since_last_save");
    if (saved <= 0) {
        return;
    }
    const double now = static_cast<double>(sample.now.time_since_epoch().count()) / 1000;
    const Quantity age{changes > 0 ? std::max(now - saved, 0.0) * 1000 : 0, {}};
    const auto seconds = [&](const std::optional<Amount>& threshold) {
        return threshold ? std::optional(threshold->value / 1000) : std::nullopt;
    };
    result.metrics.push_back({"rdb_age", age.value / 1000, "s", seconds(settings.rdb_age.warn),
                              seconds(settings.rdb_age.critical)});
    add_finding(
        result,
        judge_thresholds(age, settings.rdb_age, {}, Direction::grows, "rdb_age", memory, result.memory),
        say(k_old_snapshot, spoken(static_cast<std::int64_t>(age.value / 1000)),
            static_cast<std::int64_t>(changes)));
}

void judge_aof(CheckResult& result, const RedisSample& sample, const RedisSettings& settings) {
    if (settings.aof.empty()) {
        return;
    }
    if (!has(sample.info, "aof_enabled", "1")) {
        add_finding(result, Status::warning, say(k_aof_off));
    } else if (!has(sample.info, "aof_last_write_status", "ok")) {
        add_finding(result, Status::critical, say(k_aof_fails));
        result.hint = say(k_cannot_save_hint);
    } else if (!has(sample.info, "aof_last_bgrewrite_status", "ok")) {
        add_finding(result, Status::warning, say(k_aof_rewrite));
    }
}

void judge_saving(CheckResult& result, const RedisSample& sample, const RedisSettings& settings,
                  const std::map<std::string, std::string>& memory) {
    const bool asks =
        settings.evictions != Thresholds{} || settings.rdb_age != Thresholds{} || !settings.aof.empty();
    if (sample.info.empty()) {
        add_finding(result, asks ? Status::warning : Status::ok, say(k_no_info));
        return;
    }
    judge_evictions(result, sample, settings, memory);
    judge_snapshot(result, sample, settings, memory);
    judge_aof(result, sample, settings);
}

// What one key is like, for the count; false: the connection is broken.
bool look_at_key(RedisConnection& redis, const std::string& key, RedisSample& sample) {
    Result<RedisReply> ttl = redis.command({"TTL", key});
    if (!ttl) {
        sample.failure = ttl.error();
        return false;
    }
    constexpr std::int64_t k_lasts = -1, k_gone = -2; // redis.io/commands/ttl
    if (ttl->type == RedisReply::Type::error) {
        sample.keys.refused = *ttl;
    } else if (ttl->integer != k_gone) {
        ++sample.keys.looked;
        if (ttl->integer == k_lasts) {
            ++sample.keys.lasting;
            sample.keys.example =
                sample.keys.example.empty() ? shorten(clean_line(key), 80) : sample.keys.example;
        }
    }
    return true;
}

// SCAN may name a key twice while the server grows its table: of a share that is nothing.
bool look_at_keys(RedisConnection& redis, const NoTtlSettings& wanted, RedisSample& sample) {
    std::string cursor = "0";
    for (int step = 0; step < k_most_steps; ++step) {
        Result<RedisReply> part =
            redis.command({"SCAN", cursor, "MATCH", wanted.pattern, "COUNT", std::string(k_keys_a_step)});
        if (!part) {
            sample.failure = part.error();
            return false;
        }
        if (part->type != RedisReply::Type::array || part->items.size() != 2) {
            sample.keys.refused = *part;
            return true;
        }
        for (const RedisReply& key : part->items[1].items) {
            if (sample.keys.looked >= wanted.sample || sample.keys.refused) {
                return true;
            }
            if (!look_at_key(redis, key.text, sample)) {
                return false;
            }
        }
        cursor = part->items[0].text;
        if (cursor == "0" || cursor.empty()) {
            sample.keys.all = true;
            return true;
        }
    }
    return true;
}

class RedisCheck final : public BlockingCheck {
  public:
    explicit RedisCheck(RedisSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const SteadyTime begun = context.world.clock.steady();
        const Duration at_most = time_for(context, m_settings.timeout);
        RedisSample sample = look(context.world, at_most);
        sample.took = std::chrono::floor<Duration>(context.world.clock.steady() - begun);
        sample.now = context.now.wall;
        sample.again = context.recheck;
        if (sample.failure && sample.failure->kind == ErrorKind::timeout && at_most < m_settings.timeout) {
            return not_finished(context.memory);
        }
        return evaluate_redis(sample, m_settings, context.memory);
    }

  private:
    RedisSample look(const World& world, Duration at_most) const {
        RedisSample sample;
        Result<std::unique_ptr<RedisConnection>> connection = world.redis.connect(m_settings.url, at_most);
        if (!connection.ok()) {
            sample.failure = connection.error();
            return sample;
        }
        RedisConnection& redis = **connection;
        if (!ask(redis, {"PING"}, sample.ping, sample) || sample.ping.text != "PONG") {
            return sample;
        }
        RedisReply info;
        if (!ask(redis, {"INFO"}, info, sample)) {
            return sample;
        }
        if (info.type == RedisReply::Type::string) { // an ACL may forbid it: then memory is not judged
            sample.info = parse_redis_info(info.text);
        }
        for (const auto& [queue, thresholds] : m_settings.queues) {
            if (!ask(redis, {"LLEN", queue}, sample.lengths[queue], sample)) {
                return sample;
            }
        }
        if (m_settings.no_ttl) {
            look_at_keys(redis, *m_settings.no_ttl, sample);
        }
        return sample;
    }

    // False: the connection is broken, and why is noted.
    static bool ask(RedisConnection& redis, const std::vector<std::string>& command, RedisReply& reply,
                    RedisSample& sample) {
        Result<RedisReply> answer = redis.command(command);
        if (!answer.ok()) {
            sample.failure = answer.error();
            return false;
        }
        reply = std::move(answer).value();
        return true;
    }

    RedisSettings m_settings;
};

// "cannot be reached" says already that it was the connecting.
std::string_view without_connect(std::string_view message) {
    constexpr std::string_view k_connect = "Redis: connect: ";
    return message.starts_with(k_connect) ? message.substr(k_connect.size()) : message;
}

// Where it is, without user and password.
std::string place_of(const Secret& url) {
    const Result<RedisAddress> address = parse_redis_url(url);
    if (!address) {
        return "Redis";
    }
    return address->socket.empty() ? fmt::format("{}:{}", address->host, address->port) : address->socket;
}

} // namespace

CheckResult redis_failure(const Error& error, const Secret& url) {
    const std::string line = clean_line(error.message);
    const Text why = error_words(without_connect(line));
    CheckResult result;
    result.status = Status::critical;
    switch (error.kind) {
    case ErrorKind::permission:
        result.message = say(k_refuses, why);
        result.hint = say(k_check_password);
        result.remedy = Remedy::cannot_help;
        break;
    case ErrorKind::timeout:
        result.message = say(k_silent, place_of(url));
        result.hint = say(k_look_silent);
        break;
    case ErrorKind::invalid:
    case ErrorKind::internal: // our own fault: we could not look
        result.status = Status::unknown;
        result.message = say(k_unable, why);
        break;
    case ErrorKind::protocol: // another program listens there
        result.message = say(k_not_redis, why);
        break;
    case ErrorKind::busy: // it was reached and refuses what it is asked
    case ErrorKind::too_large:
        result.message = why;
        break;
    case ErrorKind::not_found: // its name
        result.message = say(k_down, place_of(url), why);
        result.remedy = Remedy::outside_host;
        break;
    default:
        result.message = say(k_down, place_of(url), why);
        result.hint = say(k_look_down);
        break;
    }
    return result;
}

CheckResult evaluate_redis(const RedisSample& sample, const RedisSettings& settings,
                           const std::map<std::string, std::string>& memory) {
    if (sample.failure || sample.ping.text != "PONG") {
        CheckResult result = sample.failure ? redis_failure(*sample.failure, settings.url)
                                            : judge_refusal(sample.ping, settings.url);
        result.memory = memory; // memory and queues were not judged: what was open stays open
        return result;
    }
    CheckResult result;
    result.status = Status::ok;
    result.message = say(k_answers, format_duration(sample.took));
    result.metrics.push_back({"time", static_cast<double>(sample.took.count()) / 1000, "s", {}, {}});
    if (has(sample.info, "role", "slave") && !has(sample.info, "slave_read_only", "0")) {
        add_finding(result, Status::warning, say(k_replica));
    }
    judge_memory(result, sample, settings, memory);
    judge_queues(result, sample, settings, memory);
    judge_saving(result, sample, settings, memory);
    judge_keys(result, sample, settings);
    return result;
}

CheckType redis_check_type() {
    return make_check_type<redis_schema, RedisCheck>(
        "redis", Layer::data, Recheck::yes, "a Redis answers, has memory left, its queues are short");
}

} // namespace lectio
