#include "checks/celery.h"

#include "checks/redis.h"
#include "util/base64.h"
#include "util/json_depth.h"
#include "util/text.h"
#include "util/uuid.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Phrase k_answered{"{} answered in {}", "ответили за {1}: {0}"};
constexpr Phrase k_too_few{"{} of {} workers answered within {}", "ответили {} из {} воркеров за {}"};
constexpr Phrase k_few_connected{"{} connected to the broker, at least {} wanted",
                                 "к брокеру подключено: {}, а нужно не меньше {}"};
constexpr Phrase k_look_down{"look whether the workers run: systemctl list-units --all '*celery*'",
                             "проверьте, запущены ли воркеры: systemctl list-units --all '*celery*'"};
constexpr Phrase k_look_silent{
    "connected but silent: a worker hangs or is taken up by a task; journalctl -u "
    "'*celery*' -n 50 --no-pager",
    "подключены, но молчат: воркер завис или занят задачей; journalctl -u '*celery*' "
    "-n 50 --no-pager"};
constexpr Phrase k_who{"answered: {}", "ответили: {}"};
constexpr Phrase k_nobody_listens{"no worker is connected to the broker",
                                  "к брокеру не подключён ни один воркер"};
constexpr Phrase k_not_consumed{"nobody works off the queue {}", "очередь {} никто не разбирает"};
constexpr Phrase k_their_queues{"the workers that answered consume: {}", "ответившие воркеры разбирают: {}"};
constexpr Phrase k_no_queues{"nothing", "ничего"};
constexpr Phrase k_late{"{} of {} listening workers answered within {}",
                        "ответили {} из {} подключённых воркеров за {}"};
constexpr Phrase k_broker{"the broker: {}", "брокер: {}"};
constexpr Noun k_workers{"worker", "workers", "воркер", "воркера", "воркеров"};

// Where kombu keeps which queue gets what; one member a binding: routing key, pattern and queue.
constexpr std::string_view k_bindings = "_kombu.binding.reply.celery.pidbox";
constexpr std::string_view k_separator = "\x06\x16";
// The connection waits longer than BRPOP blocks, so that an empty answer arrives as such.
constexpr Duration k_reserve{1'000};
constexpr int k_deepest_answer = 20; // theirs are 5 deep
constexpr std::size_t k_shown_characters = 200;

const Schema<CelerySettings>& celery_schema() {
    static const Schema<CelerySettings> schema{
        required("broker", &CelerySettings::broker, "the application's broker: redis://…")
            .check([](const Secret& url) { return redis_url_complaint(url.reveal()); }),
        optional("workers", &CelerySettings::workers, "at least this many answer a ping").between(1, 1000),
        optional("timeout", &CelerySettings::timeout, "not enough answers by then: critical")
            .between(100ms, 30s),
        optional("consumed", &CelerySettings::consumed, "queues that must have a worker").not_empty(),
    };
    return schema;
}

// Workers are asked by anybody who can write to the broker: their answers are outside text.
Json parse(std::string_view text) {
    return json_depth(text) > k_deepest_answer ? Json(Json::value_t::discarded)
                                               : Json::parse(text, nullptr, false);
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────

using Names = std::set<std::string>;

std::string shown(const Names& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ", ") + shorten(clean_line(name), 60);
    }
    return shorten(text, k_shown_characters);
}

Names workers_of(const CelerySample& sample) {
    Names names;
    for (const auto& [worker, queues] : sample.answered) {
        names.insert(worker);
    }
    return names;
}

Names consumed_in(const CelerySample& sample) {
    Names all;
    for (const auto& [worker, queues] : sample.answered) {
        all.insert(queues.begin(), queues.end());
    }
    return all;
}

Names unconsumed(const CelerySample& sample, const CelerySettings& settings) {
    const Names seen = consumed_in(sample);
    Names lacking(settings.consumed.begin(), settings.consumed.end());
    std::erase_if(lacking, [&](const std::string& queue) { return seen.contains(queue); });
    return lacking;
}

bool is_silent(const CelerySample& sample) {
    return static_cast<std::int64_t>(sample.answered.size()) < sample.listening;
}

Text too_few_words(const CelerySample& sample, const CelerySettings& settings) {
    const Names workers = workers_of(sample);
    const Text who = workers.empty() ? Text{} : say(k_who, shown(workers));
    if (sample.listening == 0) {
        return say(k_nobody_listens);
    }
    // All that are there have answered: nothing was waited for.
    if (!is_silent(sample)) {
        return join("; ",
                    {say(k_few_connected, counted(sample.listening, k_workers), settings.workers), who});
    }
    return join("; ",
                {say(k_too_few, workers.size(), settings.workers, format_duration(settings.timeout)), who});
}

Text unconsumed_words(const Names& lacking, const CelerySample& sample, const CelerySettings& settings) {
    const Names seen = consumed_in(sample);
    const auto answered = static_cast<std::int64_t>(sample.answered.size());
    // The one that is silent may be the one that works it off.
    const Text late = answered < sample.listening
                          ? say(k_late, answered, sample.listening, format_duration(settings.timeout))
                          : Text{};
    return join("; ", {say(k_not_consumed, shown(lacking)),
                       say(k_their_queues, seen.empty() ? say(k_no_queues) : verbatim(shown(seen))), late});
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────

// One question to all workers; what it put into Redis is gone with it.
class Question {
  public:
    Question(RedisConnection& redis, int database, std::string id)
        : m_redis(redis), m_database(database), m_id(std::move(id)) {}
    ~Question() { clean_up(); }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    static std::string queue_of(const std::string& id) { return id + ".reply.celery.pidbox"; }

    // How many connections it reached.
    Result<std::int64_t> ask(const std::string& method, std::int64_t expires) {
        Result<RedisReply> bound = command({"SADD", std::string(k_bindings), binding()});
        if (!bound.ok()) {
            return bound.error();
        }
        const std::string channel = fmt::format("/{}.celery.pidbox", m_database);
        Result<RedisReply> heard =
            command({"PUBLISH", channel, control_message(method, m_id, random_uuid(), expires)});
        return heard.ok() ? Result<std::int64_t>(heard->integer) : heard.error();
    }

    // The next answer; nothing when none came in time or it was something else.
    Result<std::optional<WorkerAnswer>> next(Duration at_most) {
        // 0 would mean for ever.
        const auto seconds = static_cast<double>(std::max(at_most, Duration(1)).count()) / 1000;
        Result<RedisReply> reply = command({"BRPOP", queue_of(m_id), fmt::format("{:.3f}", seconds)});
        if (!reply.ok()) {
            return reply.error();
        }
        const bool answered = reply->type == RedisReply::Type::array && reply->items.size() == 2;
        return answered ? worker_answer(reply->items[1].text) : std::nullopt;
    }

  private:
    Result<RedisReply> command(const std::vector<std::string>& arguments) {
        Result<RedisReply> reply = m_redis.command(arguments);
        if (reply.ok() && reply->type == RedisReply::Type::error) {
            const ErrorKind kind = is_about_rights(*reply) ? ErrorKind::permission : ErrorKind::busy;
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

        Question question(**connection, address->database, id);
        const WallTime expires = context.now.wall + at_most + k_reserve;
        // Who tells its queues is alive as well: one question is enough.
        const Result<std::int64_t> listening =
            question.ask(m_settings.consumed.empty() ? "ping" : "active_queues",
                         std::chrono::ceil<std::chrono::seconds>(expires).time_since_epoch().count());
        if (!listening.ok()) {
            return listening.error();
        }
        sample.listening = *listening;
        while (!has_enough(sample)) {
            const Duration left = std::chrono::ceil<Duration>(until - clock.steady());
            if (left <= Duration::zero()) {
                break;
            }
            Result<std::optional<WorkerAnswer>> answer = question.next(left);
            if (!answer.ok()) {
                return answer.error();
            }
            if (*answer) {
                sample.answered[(*answer)->worker] = std::move((*answer)->queues);
            }
        }
        return {};
    }

    // All that listen have answered, or as many as are wanted, with all queues that are.
    bool has_enough(const CelerySample& sample) const {
        const auto count = static_cast<std::int64_t>(sample.answered.size());
        return count >= sample.listening ||
               (count >= m_settings.workers && unconsumed(sample, m_settings).empty());
    }

    // A worker that had read the binding just before it was removed may have answered into a list that nobody
    // reads any more.
    static void forget_the_last(RedisConnection& redis, const std::map<std::string, std::string>& memory) {
        if (const auto last = memory.find("asked"); last != memory.end()) {
            static_cast<void>(redis.command({"DEL", Question::queue_of(last->second)}));
        }
    }

    CelerySettings m_settings;
};

} // namespace

std::string control_message(const std::string& method, const std::string& reply_to, const std::string& tag,
                            std::int64_t expires) {
    const Json body{{"method", method},
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

std::optional<WorkerAnswer> worker_answer(std::string_view text) {
    const Json envelope = parse(text);
    if (!envelope.is_object() || !envelope.contains("body") || !envelope["body"].is_string()) {
        return std::nullopt;
    }
    const std::optional<std::string> body = from_base64(envelope["body"].get_ref<const std::string&>());
    const Json answer = body ? parse(*body) : Json();
    if (!answer.is_object() || answer.size() != 1) {
        return std::nullopt;
    }
    const Json& said = *answer.begin();
    WorkerAnswer worker{answer.begin().key(), {}};
    if (said.is_object() && said.contains("ok") && said["ok"] == "pong") { // {"celery@host": {"ok": "pong"}}
        return worker;
    }
    if (!said.is_array()) {
        return std::nullopt;
    }
    for (const Json& queue : said) { // {"celery@host": [{"name": "celery", "exchange": …}]}
        if (queue.is_object() && queue.contains("name") && queue["name"].is_string()) {
            worker.queues.insert(queue["name"].get<std::string>());
        }
    }
    return worker;
}

CheckResult evaluate_celery(const CelerySample& sample, const CelerySettings& settings) {
    if (sample.failure) {
        CheckResult result = redis_failure(*sample.failure, settings.broker);
        result.message = say(k_broker, result.message);
        result.remedy = Remedy::cannot_help; // no restart of a worker mends its broker
        return result;
    }
    const auto count = static_cast<int>(sample.answered.size());
    CheckResult result;
    result.metrics.push_back({"workers",
                              static_cast<double>(count),
                              "",
                              {},
                              static_cast<double>(settings.workers),
                              Metric::Bad::below});
    if (count < settings.workers) {
        result.status = Status::critical;
        result.message = too_few_words(sample, settings);
        result.hint = say(is_silent(sample) ? k_look_silent : k_look_down);
        return result;
    }
    if (const Names lacking = unconsumed(sample, settings); !lacking.empty()) {
        result.status = Status::critical;
        result.message = unconsumed_words(lacking, sample, settings);
        return result;
    }
    result.status = Status::ok;
    result.message = say(k_answered, counted(count, k_workers), format_duration(sample.took));
    return result;
}

CheckType celery_check_type() {
    return make_check_type<celery_schema, CeleryCheck>(
        "celery", Layer::data, Recheck::yes,
        "Celery workers answer over their Redis broker, and queues have one");
}

} // namespace lectio
