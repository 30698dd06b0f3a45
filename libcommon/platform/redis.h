// Redis: one connection, commands and replies (RESP), with time limits. hiredis behind a small interface.
#pragma once

#include "util/result.h"
#include "util/secret.h"
#include "util/units.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// Where a Redis is, out of a URL: redis://[user:password@]host[:port][/db], unix:///path.sock?db=N and, as kombu
// writes it, redis+socket:///path.sock?virtual_host=N. rediss:// is refused (invalid) until TLS is supported.
struct RedisAddress {
    std::string host = "127.0.0.1"; // empty: `socket`
    std::uint16_t port = 6379;
    std::string socket;
    std::string user;
    Secret password;
    int database = 0;
};
Result<RedisAddress> parse_redis_url(const Secret& url);

struct RedisReply {
    enum class Type { nil, status, error, integer, string, array };
    Type type = Type::nil;
    std::int64_t integer = 0;
    std::string text; // status, error, string
    std::vector<RedisReply> items;
};

// NOAUTH, WRONGPASS, NOPERM: the server is well, we may not.
bool is_about_rights(const RedisReply& reply);

class RedisConnection {
  public:
    virtual ~RedisConnection() = default;
    // An error reply of the server (NOAUTH, LOADING …) is a reply; Error is a broken or silent connection.
    virtual Result<RedisReply> command(const std::vector<std::string>& arguments) = 0;
    // For commands that are answered with something else than a reply (PSYNC): sent, and what comes is read as it comes,
    // at least one byte. Errors: timeout; io: the connection has ended. No command() follows.
    virtual Result<void> send(const std::vector<std::string>& arguments) = 0;
    virtual Result<std::string> receive() = 0;
};

// The lines "key:value" of INFO; anything else is left out.
std::map<std::string, std::string> parse_redis_info(std::string_view text);

class RedisConnector {
  public:
    virtual ~RedisConnector() = default;
    // AUTH and SELECT included; a refused password is `permission`, a Redis that lets nobody in (too many clients,
    // protected mode) or has no such database `busy`, what is no Redis `protocol`, an answer over the limits
    // `too_large`, a name that is not found `not_found`, what keeps us from asking at all `internal`. `timeout` is that of the connection's whole life.
    virtual Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) = 0;
};

class HiredisConnector final : public RedisConnector {
  public:
    Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) override;
};

} // namespace lectio
