#include "checks/freshness.h"

#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "checks/hung_mount.h"
#include "checks/postgres.h"
#include "checks/redis.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "platform/file_probe.h"
#include "platform/in_thread.h"
#include "platform/postgres.h"
#include "platform/redis.h"
#include "platform/sqlite_probe.h"
#include "util/text.h"
#include "util/timestamp.h"
#include "words/error_words.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration k_clocks_apart{60'000}; // of two hosts

constexpr Phrase k_file{"{}, {}, changed {} ago", "{}, {}, изменён {} назад"};
constexpr Phrase k_old_file{"the newest file is {} old: {}", "самому новому файлу {}: {}"};
constexpr Phrase k_no_file{"no file matches {}", "нет ни одного файла {}"};
constexpr Phrase k_small_files{"no file {} is at least {} large; the newest, {}, is {}",
                               "среди {} нет файла размером хотя бы {}; самый новый, {}, — {}"};
constexpr Phrase k_no_folder{"{} cannot be looked into: {}", "не удалось заглянуть в {}: {}"};
constexpr Phrase k_cut{"more than 200,000 names, not all were looked at",
                       "имён больше 200 000, просмотрены не все"};
constexpr Phrase k_when{"{} ago", "{} назад"};
constexpr Phrase k_old{"the last was {} ago", "в последний раз — {} назад"};
constexpr Phrase k_never{"there is no time: {} gives nothing", "времени нет: {} ничего не даёт"};
constexpr Phrase k_no_time{"“{}” is no time", "«{}» — не время"};
constexpr Phrase k_no_time_hint{"seconds or milliseconds since 1970, or ISO 8601: 2026-01-22T10:00:00+03:00",
                                "подойдут секунды или миллисекунды с 1970 года или ISO 8601: "
                                "2026-01-22T10:00:00+03:00"};
constexpr Phrase k_future{"dated {} in the future, so its age cannot be judged",
                          "время из будущего, на {} вперёд: судить о возрасте нельзя"};
constexpr Phrase k_future_hint{"the clocks differ, or a local time is written without its zone",
                               "часы расходятся, или местное время пишется без часового пояса"};
constexpr Phrase k_assumed{"{} (without a time zone, read as UTC)", "{} (пояс не указан, принято за UTC)"};
constexpr Phrase k_dead_hint{
    "what makes it has stopped: look at its log, and at the queue and the scheduler that "
    "start it",
    "то, что это делает, остановилось: посмотрите его журнал, очередь и планировщик"};
constexpr Phrase k_query_words{"the query", "запрос"};
constexpr Phrase k_key_words{"the key {}", "ключ {}"};
constexpr Phrase k_unable{"unable to ask: {}", "не удалось спросить: {}"};
constexpr Phrase k_database_fails{"the database cannot be asked: {}", "спросить базу не удалось: {}"};
constexpr Phrase k_odd_key{"the key {} holds no text: {}", "в ключе {} не текст: {}"};
constexpr Phrase k_one_source{"exactly one of files, sql, json and redis must say where the time is from",
                              "откуда время, должно быть сказано ровно раз: files, sql, json или redis"};
constexpr Phrase k_not_absolute{"expected a path that begins with /", "ожидается путь, начинающийся с /"};

// ── settings ────────────────────────────────────────────────────────────────────────────────────────────────

template<std::optional<Text> (*complaint)(const std::string&)>
std::optional<Text> secretly(const Secret& secret) {
    return complaint(secret.reveal());
}

std::optional<Text> absolute_complaint(const std::string& path) {
    return path.empty() || path.starts_with('/') ? std::nullopt : std::optional(say(k_not_absolute));
}

const Schema<FreshnessSql>& sql_schema() {
    static const Schema<FreshnessSql> schema{
        required("url", &FreshnessSql::url, "postgresql://… or sqlite:/path")
            .check(secretly<database_complaint>),
        required("query", &FreshnessSql::query, "its first value is the time"),
    };
    return schema;
}
const Schema<FreshnessJson>& json_schema() {
    static const Schema<FreshnessJson> schema{
        required("url", &FreshnessJson::url, "http://… or https://…").check(http_url_complaint),
        required("pointer", &FreshnessJson::pointer, "JSON pointer to the time").check(pointer_complaint),
    };
    return schema;
}
const Schema<FreshnessRedis>& redis_schema() {
    static const Schema<FreshnessRedis> schema{
        required("url", &FreshnessRedis::url, "redis://host:port/database")
            .check(secretly<redis_url_complaint>),
        required("key", &FreshnessRedis::key, "holds the time"),
    };
    return schema;
}

std::vector<Complaint> source_complaints(const FreshnessSettings& settings) {
    const int sources = (settings.files.empty() ? 0 : 1) + (settings.sql ? 1 : 0) + (settings.json ? 1 : 0) +
                        (settings.redis ? 1 : 0);
    return sources == 1 ? std::vector<Complaint>{} : std::vector<Complaint>{{"", say(k_one_source)}};
}

const Schema<FreshnessSettings>& freshness_schema() {
    static const Schema<FreshnessSettings> schema =
        Schema<FreshnessSettings>{
            optional("files", &FreshnessSettings::files, "pattern; the newest counts")
                .check(absolute_complaint),
            optional("min_size", &FreshnessSettings::min_size, "smaller files do not count"),
            optional("sql", &FreshnessSettings::sql, sql_schema(), "the time from a database"),
            optional("json", &FreshnessSettings::json, json_schema(), "the time from an answer over HTTP"),
            optional("redis", &FreshnessSettings::redis, redis_schema(), "the time from Redis"),
            required("age", &FreshnessSettings::age, "of the newest")
                .units({Amount::Unit::milliseconds})
                .grows(),
            optional("timeout", &FreshnessSettings::timeout, "of asking").between(10ms, 1h),
        }
            .verify(source_complaints);
    return schema;
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────

CheckResult result_of(Status status, Text message, Text hint = {}) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.hint = std::move(hint);
    result.remedy = Remedy::cannot_help; // who has stopped making it is not known
    return result;
}

std::string shown(std::string_view text) {
    return shorten(clean_line(text), 120);
}

Text ago(Duration age) {
    return spoken(std::max<std::int64_t>(age.count(), 0) / 1000);
}

// `what` is said of it while it is new enough, `old` when it is not.
CheckResult judge_age(Duration age, const FreshnessSettings& settings, const Text& what, const Text& old,
                      const std::map<std::string, std::string>& memory) {
    CheckResult result = result_of(Status::ok, what);
    const Quantity quantity{static_cast<double>(std::max<std::int64_t>(age.count(), 0)), {}};
    const auto seconds = [&](const std::optional<Amount>& threshold) {
        return threshold ? std::optional(threshold->value / 1000) : std::nullopt;
    };
    result.metrics.push_back(
        {"age", quantity.value / 1000, "s", seconds(settings.age.warn), seconds(settings.age.critical)});
    raise(result,
          judge_thresholds(quantity, settings.age, {}, Direction::grows, "age", memory, result.memory), old,
          say(k_dead_hint));
    if (-age > k_clocks_apart) {
        raise(result, Status::warning, say(k_future, ago(-age)), say(k_future_hint));
    }
    return result;
}

CheckResult judge_file(const NewestFile& file, const FreshnessSettings& settings, WallTime now,
                       const std::map<std::string, std::string>& memory) {
    const std::string pattern = shown(settings.files);
    if (!file.path.empty()) {
        const Duration age = now - file.modified;
        const std::string name = shown(Path(file.path).filename().string());
        const Text what = say(k_file, name, format_size(file.size), ago(age));
        CheckResult result = judge_age(age, settings, what, say(k_old_file, ago(age), name), memory);
        if (file.cut) {
            raise(result, Status::warning, say(k_cut));
        }
        return result;
    }
    CheckResult none;
    if (!file.not_readable.empty()) {
        none = result_of(Status::unknown, say(k_no_folder, shown(file.not_readable), error_words(file.why)));
    } else if (!file.too_small.empty()) {
        none =
            result_of(Status::critical,
                      say(k_small_files, pattern, format_size(settings.min_size),
                          shown(Path(file.too_small).filename().string()), format_size(file.too_small_size)),
                      say(k_dead_hint));
    } else {
        none = result_of(Status::critical, say(k_no_file, pattern), say(k_dead_hint));
    }
    none.memory = memory;
    return none;
}

Text source_words(const FreshnessSettings& settings) {
    if (settings.redis) {
        return say(k_key_words, shown(settings.redis->key));
    }
    return settings.json ? verbatim(shown(settings.json->pointer)) : say(k_query_words);
}

CheckResult judge_value(const std::string& value, const FreshnessSettings& settings, WallTime now,
                        const std::map<std::string, std::string>& memory) {
    const std::string_view text = trim(value);
    const std::optional<Timestamp> moment = parse_timestamp(text);
    if (!moment) {
        CheckResult none =
            text.empty() ? result_of(Status::critical, say(k_never, source_words(settings)), say(k_dead_hint))
                         : result_of(Status::critical, say(k_no_time, shown(text)), say(k_no_time_hint));
        none.memory = memory;
        return none;
    }
    const Duration age = now - moment->time;
    const auto with_zone = [&](const Text& words) {
        return moment->zone_assumed ? say(k_assumed, words) : words;
    };
    return judge_age(age, settings, with_zone(say(k_when, ago(age))), with_zone(say(k_old, ago(age))),
                     memory);
}

// ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

FreshnessSample failed(CheckResult result) {
    FreshnessSample sample;
    sample.failed = std::move(result);
    return sample;
}

FreshnessSample value_of(std::string value) {
    FreshnessSample sample;
    sample.value = std::move(value);
    return sample;
}

FreshnessSample look_at_json(const HttpAnswer& answer, const HttpRequest& request,
                             const std::string& pointer) {
    if (Wrong wrong = http_failure(answer, request)) {
        return failed(*std::move(wrong));
    }
    if (Wrong wrong = wrong_status(answer, StatusSet{})) {
        return failed(*std::move(wrong));
    }
    Json json;
    if (Wrong wrong = parse_body(answer, json)) {
        return failed(*std::move(wrong));
    }
    const Json* value = value_at(json, pointer);
    if (value == nullptr || value->is_null()) {
        return value_of("");
    }
    return value_of(value->is_string() ? value->get<std::string>() : value->dump());
}

FreshnessSample look_at_redis(const World& world, const FreshnessRedis& source, Duration at_most) {
    Result<std::unique_ptr<RedisConnection>> connection = world.redis.connect(source.url, at_most);
    if (!connection) {
        return failed(redis_failure(connection.error(), source.url));
    }
    const Result<RedisReply> reply = (*connection)->command({"GET", source.key});
    if (!reply) {
        return failed(redis_failure(reply.error(), source.url));
    }
    if (is_about_rights(*reply)) {
        return failed(redis_failure(Error{ErrorKind::permission, reply->text}, source.url));
    }
    const bool text = reply->type == RedisReply::Type::string || reply->type == RedisReply::Type::nil;
    return text ? value_of(reply->text)
                : failed(result_of(Status::critical, say(k_odd_key, shown(source.key), shown(reply->text))));
}

FreshnessSample look_at_postgres(const World& world, const FreshnessSql& source, Duration at_most) {
    Result<PostgresConnection> connection =
        PostgresConnection::at({source.url, "", world.clock.steady() + at_most}, world.clock);
    if (!connection) {
        return failed(postgres_failure(connection.error()));
    }
    const Result<std::vector<PostgresRow>> rows = connection->query(source.query, 1);
    if (!rows) {
        return failed(
            rows.error().kind == ErrorKind::invalid
                ? result_of(Status::critical, say(k_database_fails, error_words(rows.error().message)))
                : postgres_failure(rows.error()));
    }
    return value_of(rows->empty() || rows->front().empty() ? "" : rows->front().front().value_or(""));
}

// "sqlite:/srv/db", "sqlite:///srv/db": as many slashes as a writer of URLs likes.
Path sqlite_path(std::string_view url) {
    std::string_view path = url.substr(url.find(':') + 1);
    while (path.starts_with("//")) {
        path.remove_prefix(1);
    }
    return path;
}

FreshnessSample look_at_sqlite(const World& world, const FreshnessSql& source, Duration at_most) {
    const Path path = sqlite_path(source.url.reveal());
    const Result<FileInfo> info = world.files.info(path, Files::Follow::yes);
    const Result<std::string> value =
        !info ? Result<std::string>(info.error())
        : info->type != FileInfo::Type::regular
            ? Result<std::string>(Error{ErrorKind::io, path.string() + " is no file"})
            : sqlite_value(path, source.query, world.clock, world.clock.steady() + at_most);
    if (value) {
        return value_of(*value);
    }
    const ErrorKind kind = value.error().kind;
    const bool ours = kind == ErrorKind::permission || kind == ErrorKind::timeout || kind == ErrorKind::busy;
    return failed(result_of(ours ? Status::unknown : Status::critical,
                            say(k_database_fails, error_words(shown(value.error().message)))));
}

FreshnessSample look_at_files(const World& world, const FreshnessSettings& settings, Duration at_most,
                              const std::string& hanging) {
    const Result<std::vector<Mount>> mounts = world.host.mounts();
    if (!mounts) { // whether it may hang cannot be known
        return failed(result_of(Status::unknown, say(k_unable, error_words(mounts.error().message))));
    }
    const FileProbe probe =
        file_probe(folder_of_pattern(settings.files), *mounts, std::min(at_most, k_mount_timeout), hanging);
    FreshnessSample sample;
    if (probe.outcome == Stranded::Outcome::answered) {
        sample.file = newest_file(world.files, settings.files, settings.min_size);
    } else if (probe.outcome == Stranded::Outcome::failed) {
        sample = failed(result_of(Status::unknown, say(k_unable, error_words(probe.error.message))));
    } else {
        sample = failed(hung_mount(probe.mount, probe.outcome));
    }
    sample.left_behind = probe.left_behind;
    return sample;
}

FreshnessSample look(const World& world, const FreshnessSettings& settings, Duration at_most,
                     const std::string& hanging) {
    if (settings.redis) {
        return look_at_redis(world, *settings.redis, at_most);
    }
    if (settings.sql) {
        return settings.sql->url.reveal().starts_with("sqlite:")
                   ? look_at_sqlite(world, *settings.sql, at_most)
                   : look_at_postgres(world, *settings.sql, at_most);
    }
    return look_at_files(world, settings, at_most, hanging);
}

class FreshnessCheck final : public AsyncCheck {
  public:
    explicit FreshnessCheck(FreshnessSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        if (m_settings.json) {
            HttpRequest request;
            request.url = m_settings.json->url;
            request.timeout = m_settings.timeout;
            const HttpAnswer answer = co_await fetch(context.world.http, request);
            const FreshnessSample sample = look_at_json(answer, request, m_settings.json->pointer);
            co_return evaluate_freshness(sample, m_settings, context.now.wall, context.memory);
        }
        const Duration at_most = time_for(context, m_settings.timeout);
        std::function<FreshnessSample()> work = [world = context.world, settings = m_settings, at_most,
                                                 hanging = left_behind(context.memory)] {
            return look(world, settings, at_most, hanging);
        };
        const Result<FreshnessSample> seen =
            co_await in_thread<FreshnessSample>(context.world.http, std::move(work));
        if (!seen) { // no thread could be started
            const FreshnessSample none =
                failed(result_of(Status::unknown, say(k_unable, error_words(seen.error().message))));
            co_return evaluate_freshness(none, m_settings, context.now.wall, context.memory);
        }
        co_return evaluate_freshness(*seen, m_settings, context.now.wall, context.memory);
    }

  private:
    FreshnessSettings m_settings;
};

} // namespace

CheckResult evaluate_freshness(const FreshnessSample& sample, const FreshnessSettings& settings, WallTime now,
                               const std::map<std::string, std::string>& memory) {
    CheckResult result;
    if (sample.failed) {
        result = *sample.failed;
        result.memory = memory; // its age was not seen: what was open stays open
    } else {
        result = sample.file ? judge_file(*sample.file, settings, now, memory)
                             : judge_value(sample.value, settings, now, memory);
    }
    keep_left_behind(result, sample.left_behind);
    return result;
}

CheckType freshness_check_type() {
    return make_check_type<freshness_schema, FreshnessCheck>("freshness", Layer::application, Recheck::no,
                                                             "what is made again and again is new enough");
}

} // namespace lectio
