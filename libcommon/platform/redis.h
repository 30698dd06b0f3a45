// Redis: one connection, commands and replies (RESP), with time limits. hiredis behind a small interface.
#pragma once

#include "util/result.h"
#include "util/secret.h"
#include "util/units.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lectio {

struct RedisReply {
    enum class Type { nil, status, error, integer, string, array };
    Type type = Type::nil;
    std::int64_t integer = 0;
    std::string text; // status, error, string
    std::vector<RedisReply> items;
};

class RedisConnection {
  public:
    virtual ~RedisConnection() = default;
    // An error reply of the server (NOAUTH, LOADING …) is a reply; Error is a broken or silent connection.
    virtual Result<RedisReply> command(const std::vector<std::string>& arguments) = 0;
};

class RedisConnector {
  public:
    virtual ~RedisConnector() = default;
    // redis://[user:password@]host[:port][/db], rediss:// is refused (invalid) until TLS is supported,
    // unix:///path.sock?db=N. AUTH and SELECT included; `timeout` bounds connecting and each command.
    virtual Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) = 0;
};

class HiredisConnector final : public RedisConnector {
  public:
    Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) override;
};

} // namespace lectio
