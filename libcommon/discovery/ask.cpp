#include "discovery/ask.h"

#include "platform/clock.h"
#include "platform/http.h"
#include "platform/redis.h"
#include "util/text.h"

#include <charconv>

namespace lectio {
namespace {

constexpr Bytes k_largest_answer = 4_MB;
constexpr std::string_view k_celery_channel = ".celery.pidbox"; // "/0.celery.pidbox" for database 0

HttpAnswer fetch_now(World& world, HttpRequest request) {
    const Duration timeout = request.timeout;
    std::optional<HttpAnswer> answer;
    const SteadyTime end = world.clock.steady() + timeout;
    const auto transfer =
        world.http.start(std::move(request), [&](HttpAnswer got) { answer.emplace(std::move(got)); });
    while (!answer && world.clock.steady() < end) {
        world.http.poll(std::chrono::duration_cast<Duration>(end - world.clock.steady()) + Duration(1));
    }
    return answer.value_or(HttpAnswer{});
}

HttpRequest request_for(const std::string& url, Duration timeout) {
    HttpRequest request;
    request.url = url;
    request.follow = false;
    request.timeout = timeout;
    request.connect_timeout = timeout;
    request.tls_timeout = timeout;
    return request;
}

WebAnswer::Kind kind_of(const HttpAnswer& answer) {
    if (answer.failure == HttpAnswer::Failure::none || answer.failure == HttpAnswer::Failure::too_large) {
        return WebAnswer::Kind::page;
    }
    const bool odd =
        answer.failure == HttpAnswer::Failure::not_http || answer.failure == HttpAnswer::Failure::closed;
    return odd ? WebAnswer::Kind::not_http : WebAnswer::Kind::none;
}

std::vector<int> celery_databases(const RedisReply& channels) {
    std::vector<int> databases;
    for (const RedisReply& channel : channels.items) {
        const std::string_view name = channel.text;
        if (!name.starts_with('/') || !name.ends_with(k_celery_channel)) {
            continue;
        }
        const std::string_view number = name.substr(1, name.size() - 1 - k_celery_channel.size());
        int database = 0;
        const auto [end, reason] = std::from_chars(number.data(), number.data() + number.size(), database);
        if (reason == std::errc{} && end == number.data() + number.size()) {
            databases.push_back(database);
        }
    }
    return databases;
}

} // namespace

WebAnswer ask_page(World& world, const std::string& url, const std::string& resolve, Duration timeout) {
    HttpRequest request = request_for(url, timeout);
    request.resolve = resolve;
    HttpAnswer answer = fetch_now(world, request);
    WebAnswer said;
    if (answer.failure == HttpAnswer::Failure::tls) {
        said.trusted = contains_ignoring_case(answer.detail, "expired");
        request.verify = false;
        answer = fetch_now(world, std::move(request));
    }
    said.kind = kind_of(answer);
    said.status = answer.status;
    return said;
}

std::optional<std::string> ask_api(World& world, const std::string& url, Duration timeout) {
    HttpRequest request = request_for(url, timeout);
    request.max_body = k_largest_answer;
    HttpAnswer answer = fetch_now(world, std::move(request));
    const bool good = answer.failure == HttpAnswer::Failure::none && answer.status == 200;
    return good ? std::optional(std::move(answer.body)) : std::nullopt;
}

RedisAnswer ask_redis(World& world, const std::string& url, Duration timeout) {
    RedisAnswer said;
    const Result<std::unique_ptr<RedisConnection>> connection = world.redis.connect(Secret(url), timeout);
    if (!connection) {
        said.kind = connection.error().kind == ErrorKind::permission ? RedisAnswer::Kind::locked
                                                                     : RedisAnswer::Kind::none;
        return said;
    }
    const Result<RedisReply> pong = (*connection)->command({"PING"});
    if (!pong) {
        return said;
    }
    said.kind = is_about_rights(*pong) ? RedisAnswer::Kind::locked : RedisAnswer::Kind::open;
    const Result<RedisReply> channels = (*connection)->command({"PUBSUB", "CHANNELS", "/*.celery.pidbox"});
    if (channels && said.kind == RedisAnswer::Kind::open) {
        said.celery = celery_databases(*channels);
    }
    return said;
}

} // namespace lectio
