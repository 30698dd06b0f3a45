#include "support/fake_redis.h"

#include <utility>

namespace lectio {
namespace {

class FakeConnection final : public RedisConnection {
  public:
    explicit FakeConnection(FakeRedis& server) : m_server(server) {}
    Result<RedisReply> command(const std::vector<std::string>& arguments) override {
        m_server.commands.push_back(arguments);
        return m_server.answer ? m_server.answer(arguments) : Result<RedisReply>(RedisReply{});
    }
    Result<void> send(const std::vector<std::string>& arguments) override {
        m_server.commands.push_back(arguments);
        return {};
    }
    Result<std::string> receive() override {
        if (m_server.stream.empty()) {
            return Error{ErrorKind::io, "Redis: Server closed the connection"};
        }
        std::string piece = std::move(m_server.stream.front());
        m_server.stream.pop_front();
        return piece;
    }

  private:
    FakeRedis& m_server;
};

RedisReply reply_of(RedisReply::Type type, std::string text) {
    RedisReply reply;
    reply.type = type;
    reply.text = std::move(text);
    return reply;
}

} // namespace

RedisReply redis_status(std::string text) {
    return reply_of(RedisReply::Type::status, std::move(text));
}

RedisReply redis_error(std::string text) {
    return reply_of(RedisReply::Type::error, std::move(text));
}

RedisReply redis_text(std::string text) {
    return reply_of(RedisReply::Type::string, std::move(text));
}

RedisReply redis_number(std::int64_t number) {
    RedisReply reply;
    reply.type = RedisReply::Type::integer;
    reply.integer = number;
    return reply;
}

RedisReply redis_array(std::vector<RedisReply> items) {
    RedisReply reply;
    reply.type = RedisReply::Type::array;
    reply.items = std::move(items);
    return reply;
}

Result<std::unique_ptr<RedisConnection>> FakeRedis::connect(const Secret&, Duration) {
    if (refuses) {
        return *refuses;
    }
    return std::unique_ptr<RedisConnection>(std::make_unique<FakeConnection>(*this));
}

} // namespace lectio
