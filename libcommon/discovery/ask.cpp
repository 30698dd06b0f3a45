#include "discovery/ask.h"

#include "platform/clock.h"
#include "platform/http.h"
#include "platform/redis.h"
#include "util/text.h"

#include <charconv>
#include <set>

namespace lectio {
namespace {

constexpr Bytes k_largest_answer = 4_MB;

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
    // Failing at TLS though nothing is verified: it talks only to those who know its name.
    const bool odd = answer.failure == HttpAnswer::Failure::not_http ||
                     answer.failure == HttpAnswer::Failure::closed ||
                     answer.failure == HttpAnswer::Failure::tls;
    return odd ? WebAnswer::Kind::not_http : WebAnswer::Kind::none;
}

// The databases of clients that listen to patterns, as Celery's workers do for the questions of `celery inspect`:
// "… db=0 sub=0 psub=1 …" for each client.
std::set<int> listened_to(std::string_view clients) {
    constexpr std::string_view k_database = " db=";
    std::set<int> databases;
    for (const std::string_view line : split_lines(clients)) {
        const std::size_t at = line.find(k_database);
        if (at == std::string_view::npos || line.find(" psub=") == std::string_view::npos ||
            line.find(" psub=0") != std::string_view::npos) {
            continue;
        }
        int database = -1;
        std::from_chars(line.data() + at + k_database.size(), line.data() + line.size(), database);
        if (database >= 0) {
            databases.insert(database);
        }
    }
    return databases;
}

// Of those the ones in which kombu has bound the workers' own queues; the key alone outlives its workers.
std::vector<int> celery_databases(RedisConnection& connection) {
    std::vector<int> databases;
    const Result<RedisReply> clients = connection.command({"CLIENT", "LIST", "TYPE", "pubsub"});
    for (const int database : listened_to(clients ? clients->text : std::string())) {
        const Result<RedisReply> selected = connection.command({"SELECT", std::to_string(database)});
        const Result<RedisReply> bound = connection.command({"EXISTS", "_kombu.binding.celery.pidbox"});
        if (selected && selected->type != RedisReply::Type::error && bound && bound->integer == 1) {
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
    if (said.kind == RedisAnswer::Kind::open) {
        said.celery = celery_databases(**connection);
    }
    return said;
}

} // namespace lectio
