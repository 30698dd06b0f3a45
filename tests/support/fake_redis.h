// FakeRedis: a connector whose server answers as the test says, and remembers what it was told.
#pragma once

#include "platform/redis.h"

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

RedisReply redis_status(std::string text);
RedisReply redis_error(std::string text);
RedisReply redis_text(std::string text);
RedisReply redis_number(std::int64_t number);
RedisReply redis_array(std::vector<RedisReply> items);

class FakeRedis final : public RedisConnector {
  public:
    using Command = std::vector<std::string>;

    std::optional<Error> refuses;                             // connect() fails with this
    std::function<Result<RedisReply>(const Command&)> answer; // by default every command is answered with nil
    std::vector<Command> commands;                            // in order
    std::deque<std::string> stream;                           // what receive() gets, then the connection ends

    Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) override;
};

} // namespace lectio
