#include "checks/celery.h"

#include "checks/redis.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Phrase k_answered{"{} answered in {}", "ответили за {1}: {0}"};
constexpr Phrase k_too_few{"{} of {} workers answered within {}", "ответили {} из {} воркеров за {}"};
constexpr Phrase k_who{"answered: {}", "ответили: {}"};
constexpr Phrase k_nobody_listens{"no worker is connected to the broker",
                                  "к брокеру не подключён ни один воркер"};
constexpr Phrase k_broker{"the broker: {}", "брокер: {}"};
constexpr Noun k_workers{"worker", "workers", "воркер", "воркера", "воркеров"};

// Where kombu keeps which queue gets what; one member a binding: routing key, pattern and queue.
constexpr std::string_view k_bindings = "_kombu.binding.reply.celery.pidbox";
constexpr std::string_view k_separator = "\x06\x16";
// The connection waits longer than BRPOP blocks, so that an empty answer arrives as such.
constexpr Duration k_reserve{1'000};

const Schema<CelerySettings>& celery_schema() {
    static const Schema<CelerySettings> schema{
        required("broker", &CelerySettings::broker, "the application's broker: redis://…")
            .check([](const Secret& url) { return redis_url_complaint(url.reveal()); }),
        optional("workers", &CelerySettings::workers, "at least this many answer a ping").between(1, 1000),
        optional("timeout", &CelerySettings::timeout, "not enough answers by then: critical")
            .between(100ms, 30s),
        later<std::vector<std::string>>("consumed", "queues that must have a worker"),
    };
    return schema;
}

// ── base64 (RFC 4648) ───────────────────────────────────────────────────────────────────────────────────────────

constexpr std::string_view k_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view text) {
    std::string encoded;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            encoded += i + j <= text.size() ? k_alphabet[group >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return encoded;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string decoded;
    std::uint32_t group = 0;
    unsigned bits = 0;
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    for (const char c : text) {
        const std::size_t value = k_alphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        group = (group << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFFU;
        if (bits += 6; bits >= 8) {
            bits -= 8;
            decoded += static_cast<char>(group >> bits & 0xFFU);
        }
    }
    return decoded;
}

// RFC 9562 version 4; only has to differ from every other one.
std::string random_uuid() {
    std::random_device random;
    std::array<std::uint32_t, 4> words{random(), random(), random(), random()};
    words[1] = (words[1] & 0xFFFF0FFFU) | 0x00004000U;
    words[2] = (words[2] & 0x3FFFFFFFU) | 0x80000000U;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                       words[1] & 0xFFFFU, words[2] >> 16, words[2] & 0xFFFFU, words[3]);
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────

// One question to all workers; what it put into Redis is gone with it.
class Ping {
  public:
    Ping(RedisConnection& redis, int database, std::string id)
        : m_redis(redis), m_database(database), m_id(std::move(id)) {}
    ~Ping() { clean_up(); }
    Ping(const Ping&) = delete;
    Ping& operator=(const Ping&) = delete;

    static std::string queue_of(const std::string& id) { return id + ".reply.celery.pidbox"; }

    // How many connections it reached.
    Result<std::int64_t> ask(std::int64_t expires) {
        Result<RedisReply> bound = command({"SADD", std::string(k_bindings), binding()});
        if (!bound.ok()) {
            return bound.error();
        }
        const std::string channel = fmt::format("/{}.celery.pidbox", m_database);
        Result<RedisReply> heard = command({"PUBLISH", channel, ping_message(m_id, random_uuid(), expires)});
        return heard.ok() ? Result<std::int64_t>(heard->integer) : heard.error();
    }

    // The next answer: a worker's name, or "" when none came in time or it was no pong.
    Result<std::string> next(Duration at_most) {
        // 0 would mean for ever.
        const auto seconds = static_cast<double>(std::max(at_most, Duration(1)).count()) / 1000;
        Result<RedisReply> reply = command({"BRPOP", queue_of(m_id), fmt::format("{:.3f}", seconds)});
        if (!reply.ok()) {
            return reply.error();
        }
        const bool answered = reply->type == RedisReply::Type::array && reply->items.size() == 2;
        return answered ? worker_of_pong(reply->items[1].text).value_or("") : std::string();
    }

  private:
    Result<RedisReply> command(const std::vector<std::string>& arguments) {
        Result<RedisReply> reply = m_redis.command(arguments);
        if (reply.ok() && reply->type == RedisReply::Type::error) {
            const ErrorKind kind = is_about_rights(*reply) ? ErrorKind::permission : ErrorKind::protocol;
            return Error{kind, "the broker refuses a command: " + clean_line(reply->text)};
        }
        return reply;
    }

    std::string binding() const {
        return fmt::format("{}{}{}{}", m_id, k_separator, k_separator, queue_of(m_id));
    }

    // First the binding: a worker that answers later finds nowhere to put its answer and drops it.
    void clean_up() {
        static_cast<void>(m_redis.command({"SREM", std::string(k_bindings), binding()}));
        static_cast<void>(m_redis.command({"DEL", queue_of(m_id)}));
    }

    RedisConnection& m_redis;
    int m_database;
    std::string m_id;
};

class CeleryCheck final : public BlockingCheck {
  public:
    explicit CeleryCheck(CelerySettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        Clock& clock = context.world.clock;
        const SteadyTime begun = clock.steady();
        const Duration at_most = time_for(context, m_settings.timeout);
        CelerySample sample;
        const std::string id = random_uuid();
        if (Result<void> asked = ask(context, id, begun + at_most, sample); !asked.ok()) {
            sample.failure = asked.error();
        }
        sample.took = std::chrono::floor<Duration>(clock.steady() - begun);
        const bool cut_short = sample.took >= at_most && at_most < m_settings.timeout;
        CheckResult result = cut_short ? not_finished({}) : evaluate_celery(sample, m_settings);
        result.memory["asked"] = id;
        return result;
    }

  private:
    Result<void> ask(const CheckContext& context, const std::string& id, SteadyTime until,
                     CelerySample& sample) const {
        Clock& clock = context.world.clock;
        const Duration at_most = std::chrono::ceil<Duration>(until - clock.steady());
        const Result<RedisAddress> address = parse_redis_url(m_settings.broker);
        if (!address.ok()) {
            return address.error();
        }
        Result<std::unique_ptr<RedisConnection>> connection =
            context.world.redis.connect(m_settings.broker, at_most + k_reserve);
        if (!connection.ok()) {
            return connection.error();
        }
        forget_the_last(**connection, context.memory);

        Ping ping(**connection, address->database, id);
        const WallTime expires = context.now.wall + at_most + k_reserve;
        const Result<std::int64_t> listening =
            ping.ask(std::chrono::ceil<std::chrono::seconds>(expires).time_since_epoch().count());
        if (!listening.ok()) {
            return listening.error();
        }
        sample.listening = *listening;
        const auto enough = std::min(static_cast<std::int64_t>(m_settings.workers), sample.listening);
        while (static_cast<std::int64_t>(sample.answered.size()) < enough) {
            const Duration left = std::chrono::ceil<Duration>(until - clock.steady());
            if (left <= Duration::zero()) {
                break;
            }
            Result<std::string> worker = ping.next(left);
            if (!worker.ok()) {
                return worker.error();
            }
            if (!worker->empty()) {
                sample.answered.insert(*worker);
            }
        }
        return {};
    }

    // A worker that had read the binding just before it was removed may have answered into a list that nobody
    // reads any more.
    static void forget_the_last(RedisConnection& redis, const std::map<std::string, std::string>& memory) {
        if (const auto last = memory.find("asked"); last != memory.end()) {
            static_cast<void>(redis.command({"DEL", Ping::queue_of(last->second)}));
        }
    }

    CelerySettings m_settings;
};

} // namespace

std::string ping_message(const std::string& reply_to, const std::string& tag, std::int64_t expires) {
    const Json body{{"method", "ping"},
                    {"arguments", Json::object()},
                    {"destination", nullptr},
                    {"pattern", nullptr},
                    {"matcher", nullptr},
                    {"ticket", reply_to},
                    {"reply_to", {{"exchange", "reply.celery.pidbox"}, {"routing_key", reply_to}}}};
    const Json envelope{{"body", base64(body.dump())},
                        {"content-encoding", "utf-8"},
                        {"content-type", "application/json"},
                        {"headers", {{"clock", 1}, {"expires", expires}}},
                        {"properties",
                         {{"delivery_mode", 2},
                          {"delivery_info", {{"exchange", "celery.pidbox"}, {"routing_key", ""}}},
                          {"priority", 0},
                          {"body_encoding", "base64"},
                          {"delivery_tag", tag}}}};
    return envelope.dump();
}

std::optional<std::string> worker_of_pong(std::string_view text) {
    const Json envelope = Json::parse(text, nullptr, false);
    if (!envelope.is_object() || !envelope.contains("body") || !envelope["body"].is_string()) {
        return std::nullopt;
    }
    const std::optional<std::string> body = from_base64(envelope["body"].get_ref<const std::string&>());
    const Json answer = body ? Json::parse(*body, nullptr, false) : Json();
    // {"celery@host": {"ok": "pong"}}
    if (!answer.is_object() || answer.size() != 1 || !answer.begin()->is_object()) {
        return std::nullopt;
    }
    const auto pong = answer.begin()->find("ok");
    return pong != answer.begin()->end() && *pong == "pong" ? std::optional(answer.begin().key())
                                                            : std::nullopt;
}

CheckResult evaluate_celery(const CelerySample& sample, const CelerySettings& settings) {
    if (sample.failure) {
        CheckResult result = redis_failure(*sample.failure);
        result.message = say(k_broker, result.message);
        result.remedy = Remedy::cannot_help; // no restart of a worker mends its broker
        return result;
    }
    const auto count = static_cast<int>(sample.answered.size());
    CheckResult result;
    result.metrics.push_back(
        {"workers", static_cast<double>(count), "", {}, static_cast<double>(settings.workers)});
    if (count >= settings.workers) {
        result.status = Status::ok;
        result.message = say(k_answered, counted(count, k_workers), format_duration(sample.took));
        return result;
    }
    std::string names;
    for (const std::string& worker : sample.answered) {
        names += (names.empty() ? "" : ", ") + shorten(clean_line(worker), 60);
    }
    const Text who = names.empty() ? Text{} : say(k_who, names);
    const Text nobody = sample.listening == 0 ? say(k_nobody_listens) : Text{};
    result.status = Status::critical;
    result.message =
        join("; ", {say(k_too_few, count, settings.workers, format_duration(settings.timeout)), nobody, who});
    return result;
}

CheckType celery_check_type() {
    return make_check_type<celery_schema, CeleryCheck>(
        "celery", Layer::data, Recheck::yes, "Celery workers answer a ping over their Redis broker");
}

} // namespace lectio
