// What a Redis, or who pretends to be one, answers: replies (RESP) through hiredis, and INFO, as the check reads it.
#include "checks/redis.h"
#include "platform/redis.h"
#include "property.h"
#include "scripted_peer.h"

#include <algorithm>

using namespace lectio;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

struct Weight {
    std::size_t bytes = 0, items = 0;
    int depth = 0;
};
void weigh(const RedisReply& reply, int depth, Weight& sum) {
    sum.bytes += reply.text.size();
    sum.items += reply.items.size();
    sum.depth = std::max(sum.depth, depth);
    for (const RedisReply& item : reply.items) {
        weigh(item, depth + 1, sum);
    }
}

RedisSettings settings() {
    RedisSettings settings;
    settings.memory.warn = Amount{Amount::Unit::percent, 80};
    settings.memory.critical = Amount{Amount::Unit::percent, 90};
    settings.queues["celery"].warn = Amount{Amount::Unit::number, 100};
    return settings;
}

// One after the other, as the check takes them: PING, INFO, LLEN.
RedisSample sample_of(RedisConnection& redis) {
    RedisSample sample;
    for (const char* command : {"PING", "INFO", "LLEN"}) {
        const Result<RedisReply> reply = redis.command({command, "celery"});
        if (!reply) {
            sample.failure = reply.error();
            break;
        }
        Weight sum;
        weigh(*reply, 0, sum);
        require(sum.bytes <= Bytes(4_MB).count && sum.items <= 100'000 && sum.depth <= 9,
                "a reply is within its limits");
        if (command == std::string_view("PING")) {
            sample.ping = *reply;
        } else if (command == std::string_view("INFO")) {
            sample.info = parse_redis_info(reply->text);
        } else {
            sample.lengths["celery"] = *reply;
        }
    }
    return sample;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::script({fuzz::text_of(data, size)});
    HiredisConnector connector;
    const auto connection = connector.connect(Secret("unix:///redis.sock"), 300ms);
    require(connection.ok(), "the peer is there");
    RedisSample sample = sample_of(**connection);
    for (int look = 0; look < 2; ++look) { // a pong that did not come hides what INFO says
        const CheckResult result = evaluate_redis(sample, settings(), {});
        require(!result.message.en.empty() && !result.message.ru.empty(), "a result has words");
        sample.failure.reset();
        sample.ping.text = "PONG";
    }
    return 0;
}
