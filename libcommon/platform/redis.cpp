#include "platform/redis.h"

#include "platform/dial.h"
#include "platform/resolver.h"
#include "platform/stop.h"
#include "util/number.h"
#include "util/percent.h"
#include "util/text.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace lectio {
namespace {

constexpr std::string_view k_broken_escape = "a broken %-escape";
constexpr int k_deepest_reply = 8; // none of ours is deeper than 3
constexpr Bytes k_longest_reply = 4_MB;
constexpr std::size_t k_most_elements = 100'000; // of all arrays of a reply together
constexpr std::size_t k_longest_piece = 1U << 18U;
constexpr Duration k_tick{100}; // how often a request to stop is looked at

Error bad_url(std::string_view why) {
    return Error{ErrorKind::invalid, fmt::format("not a Redis URL: {}", why)};
}

Result<void> read_database(std::string_view text, RedisAddress& address) {
    const std::optional<int> number = number_from<int>(text);
    if (!number || *number < 0) {
        return bad_url("the database is a number");
    }
    address.database = *number;
    return {};
}

// /path.sock?db=1 or ?virtual_host=1
Result<RedisAddress> parse_socket(std::string_view rest) {
    RedisAddress address;
    const std::size_t question = rest.find('?');
    const std::optional<std::string> path = percent_decoded(rest.substr(0, question));
    if (!path) {
        return bad_url(k_broken_escape);
    }
    if (path->empty() || path->front() != '/') {
        return bad_url("the path of the socket begins with /");
    }
    address.socket = *path;
    address.host.clear();
    if (question == std::string_view::npos) {
        return address;
    }
    for (const std::string_view option : split(rest.substr(question + 1), '&')) {
        for (const std::string_view key : {"db=", "virtual_host="}) {
            if (option.starts_with(key)) {
                LECTIO_TRY(read_database(option.substr(key.size()), address));
            }
        }
    }
    return address;
}

Result<void> read_credentials(std::string_view text, RedisAddress& address) {
    const std::size_t colon = text.find(':');
    const std::optional<std::string> user = percent_decoded(text.substr(0, colon));
    const std::optional<std::string> password =
        percent_decoded(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
    if (!user || !password) {
        return bad_url(k_broken_escape);
    }
    address.user = *user;
    address.password = Secret(*password);
    return {};
}

Result<void> read_host(std::string_view text, RedisAddress& address) {
    std::string_view port;
    if (text.starts_with('[')) { // [::1]:6379
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) {
            return bad_url("a [ without its ]");
        }
        address.host = text.substr(1, bracket - 1);
        port = text.substr(bracket + 1);
    } else {
        const std::size_t colon = text.rfind(':');
        if (text.substr(0, colon) != "") {
            address.host = text.substr(0, colon);
        }
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (port.empty()) {
        return {};
    }
    const std::optional<std::uint16_t> number = number_from<std::uint16_t>(port.substr(1));
    if (port.front() != ':' || !number || *number == 0) {
        return bad_url("the port is a number from 1 to 65535");
    }
    address.port = *number;
    return {};
}

// [user:password@]host[:port][/db]
Result<RedisAddress> parse_network(std::string_view rest) {
    RedisAddress address;
    rest = rest.substr(0, rest.find('?'));
    // The last @: a password may hold one that nobody has escaped.
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        LECTIO_TRY(read_credentials(rest.substr(0, at), address));
        rest.remove_prefix(at + 1);
    }
    const std::size_t slash = rest.find('/');
    LECTIO_TRY(read_host(rest.substr(0, slash), address));
    if (slash != std::string_view::npos && slash + 1 < rest.size()) {
        LECTIO_TRY(read_database(rest.substr(slash + 1), address));
    }
    return address;
}

timeval timeval_of(Duration duration) {
    return timeval{duration.count() / 1000, (duration.count() % 1000) * 1000};
}

struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;

// What hiredis noted of a failure; errno is that of the call which failed.
Error context_error(const redisContext& context, std::string_view what, int error_number) {
    if (is_own_fault(error_number)) {
        return Error{ErrorKind::internal, fmt::format("Redis: {}: {}", what, context.errstr)};
    }
    if (context.err == REDIS_ERR_IO) {
        if (error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == ETIMEDOUT) {
            return Error{ErrorKind::timeout, fmt::format("Redis: {}: no answer in time", what)};
        }
        return Error{ErrorKind::io, fmt::format("Redis: {}: {}", what, context.errstr)};
    }
    const ErrorKind kind = context.err == REDIS_ERR_PROTOCOL ? ErrorKind::protocol : ErrorKind::io;
    // hiredis calls a connect that took too long by its errno text.
    const bool timed_out = std::string_view(context.errstr).find("timed out") != std::string_view::npos;
    return Error{timed_out ? ErrorKind::timeout : kind, fmt::format("Redis: {}: {}", what, context.errstr)};
}

Error connect_error(const redisContext* context, int error_number) {
    return context == nullptr ? Error{ErrorKind::internal, "Redis: out of memory"}
                              : context_error(*context, "connect", error_number);
}

Duration left_until(SteadyTime deadline) {
    return std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now());
}

// What one reply may hold. hiredis (0.14) sets memory aside for as many elements as an array announces, so that
// a few nested arrays of 100 million, a hundred bytes on the wire, cost gigabytes, and half a minute to free.
// Its own functions make the objects; ours stand before them and refuse what is over the limit.
class ReplyBudget {
  public:
    // Must outlive the use of `reader`.
    void guard(redisReader& reader) {
        m_hiredis = *reader.fn;
        m_guarded = m_hiredis;
        m_guarded.createArray = [](const redisReadTask* task, auto elements) -> void* {
            auto& budget = *static_cast<ReplyBudget*>(task->privdata);
            const bool within = budget.take(budget.m_elements, static_cast<std::size_t>(elements));
            budget.m_too_many = !within;
            return within ? budget.m_hiredis.createArray(task, elements) : nullptr;
        };
        m_guarded.createString = [](const redisReadTask* task, char* text, std::size_t length) -> void* {
            auto& budget = *static_cast<ReplyBudget*>(task->privdata);
            const bool within = budget.take(budget.m_bytes, length);
            return within ? budget.m_hiredis.createString(task, text, length) : nullptr;
        };
        reader.fn = &m_guarded;
        reader.privdata = this; // redisReaderSetPrivdata() casts it to int
    }
    void renew() {
        m_elements = k_most_elements;
        m_bytes = k_longest_reply.count;
        m_exceeded = m_too_many = false;
    }
    [[nodiscard]] bool exceeded() const { return m_exceeded; }
    [[nodiscard]] bool too_many() const { return m_too_many; } // elements, not bytes

  private:
    bool take(std::size_t& left, std::size_t wanted) {
        m_exceeded = m_exceeded || wanted > left;
        left -= std::min(left, wanted);
        return !m_exceeded;
    }

    redisReplyObjectFunctions m_hiredis{}, m_guarded{};
    std::size_t m_elements = 0, m_bytes = 0; // left
    bool m_exceeded = false, m_too_many = false;
};

RedisReply reply_of(const redisReply& raw, int depth) {
    RedisReply reply;
    switch (raw.type) {
    case REDIS_REPLY_STATUS:
        reply.type = RedisReply::Type::status;
        break;
    case REDIS_REPLY_ERROR:
        reply.type = RedisReply::Type::error;
        break;
    case REDIS_REPLY_STRING:
        reply.type = RedisReply::Type::string;
        break;
    case REDIS_REPLY_INTEGER:
        reply.type = RedisReply::Type::integer;
        reply.integer = raw.integer;
        return reply;
    case REDIS_REPLY_ARRAY:
        reply.type = RedisReply::Type::array;
        for (std::size_t i = 0; i < raw.elements && depth < k_deepest_reply; ++i) {
            reply.items.push_back(reply_of(*raw.element[i], depth + 1));
        }
        return reply;
    default:
        return reply; // nil
    }
    reply.text.assign(raw.str, static_cast<std::size_t>(raw.len));
    return reply;
}

class HiredisConnection final : public RedisConnection {
  public:
    HiredisConnection(Context context, SteadyTime deadline)
        : m_context(std::move(context)), m_deadline(deadline) {
        m_budget.guard(*m_context->reader);
    }

    Result<RedisReply> command(const std::vector<std::string>& arguments) override {
        append(arguments);
        Result<void*> raw = exchange(arguments.front());
        LECTIO_TRY(raw);
        const std::unique_ptr<void, decltype(&freeReplyObject)> owner(*raw, freeReplyObject);
        return reply_of(*static_cast<const redisReply*>(*raw), 0);
    }

    Result<void> send(const std::vector<std::string>& arguments) override {
        append(arguments);
        return write(arguments.front());
    }

    Result<std::string> receive() override {
        std::string bytes(k_longest_piece, '\0');
        for (;;) {
            const SteadyTime soon = std::chrono::steady_clock::now() + k_tick;
            if (stop_requested() || left_until(m_deadline) <= Duration::zero()) {
                return Error{ErrorKind::timeout, "Redis: no full answer in time"};
            }
            if (!wait_until_ready(m_context->fd, POLLIN, std::min(soon, m_deadline))) {
                continue;
            }
            const ssize_t got = ::recv(m_context->fd, bytes.data(), bytes.size(), 0);
            if (got > 0) {
                bytes.resize(static_cast<std::size_t>(got));
                return bytes;
            }
            if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
                return Error{ErrorKind::io, fmt::format("Redis: {}", got == 0 ? "Server closed the connection"
                                                                              : std::strerror(errno))};
            }
        }
    }

  private:
    void append(const std::vector<std::string>& arguments) {
        std::vector<const char*> texts;
        std::vector<std::size_t> lengths;
        for (const std::string& argument : arguments) {
            texts.push_back(argument.data());
            lengths.push_back(argument.size());
        }
        errno = 0;
        redisAppendCommandArgv(m_context.get(), static_cast<int>(texts.size()), texts.data(), lengths.data());
    }

    Result<void> write(std::string_view what) {
        int written = 0;
        while (written == 0) {
            if (!has_time_left()) {
                return Error{ErrorKind::timeout, fmt::format("Redis: {}: no answer in time", what)};
            }
            if (redisBufferWrite(m_context.get(), &written) != REDIS_OK) {
                return context_error(*m_context, what, errno);
            }
        }
        return {};
    }

    // Not redisCommand(): its limit is for each read, so a peer that keeps sending would keep us for ever.
    Result<void*> exchange(std::string_view what) {
        LECTIO_TRY(write(what));
        m_budget.renew();
        for (;;) {
            void* raw = nullptr;
            const bool readable = redisGetReplyFromReader(m_context.get(), &raw) == REDIS_OK;
            if (m_budget.too_many()) {
                return Error{
                    ErrorKind::too_large,
                    fmt::format("Redis: {}: an answer of more than {} elements", what, k_most_elements)};
            }
            if (m_budget.exceeded() || m_context->reader->len > k_longest_reply.count) {
                return Error{ErrorKind::too_large, fmt::format("Redis: {}: an answer larger than {}", what,
                                                               format_size(k_longest_reply))};
            }
            if (!readable) {
                return context_error(*m_context, what, errno);
            }
            if (raw != nullptr) {
                return raw;
            }
            if (!has_time_left()) {
                return Error{ErrorKind::timeout, fmt::format("Redis: {}: no full answer in time", what)};
            }
            if (redisBufferRead(m_context.get()) != REDIS_OK) {
                return context_error(*m_context, what, errno);
            }
        }
    }

    // Each read and write may block for what is left.
    bool has_time_left() {
        const Duration left = left_until(m_deadline);
        return left > Duration::zero() && redisSetTimeout(m_context.get(), timeval_of(left)) == REDIS_OK;
    }

    ReplyBudget m_budget; // before the context, which uses it until it is freed
    Context m_context;
    SteadyTime m_deadline;
};

// Not by hiredis, which would wait for a silent resolver without any limit.
Result<Context> connect_to_host(const RedisAddress& address, SteadyTime deadline) {
    const NameLookup lookup = lookup_in_time(system_lookup, address.host, deadline);
    Error error{lookup.own_fault ? ErrorKind::internal : ErrorKind::not_found,
                fmt::format("Redis: {}: {}", address.host, lookup.error)};
    auto addresses_left = static_cast<long>(lookup.addresses.size());
    for (const std::string& numeric : lookup.addresses) {
        const Duration share = std::max(left_until(deadline) / addresses_left--, Duration(1));
        errno = 0;
        Context context(redisConnectWithTimeout(numeric.c_str(), address.port, timeval_of(share)));
        if (context && context->err == 0) {
            return context;
        }
        error = connect_error(context.get(), errno);
    }
    return error;
}

Result<Context> connect_to_socket(const RedisAddress& address, SteadyTime deadline) {
    errno = 0;
    const Duration left = std::max(left_until(deadline), Duration(1));
    Context context(redisConnectUnixWithTimeout(address.socket.c_str(), timeval_of(left)));
    if (!context || context->err != 0) {
        return connect_error(context.get(), errno);
    }
    return context;
}

// AUTH and SELECT must be answered with OK.
Result<void> expect_ok(RedisConnection& connection, const std::vector<std::string>& command) {
    const Result<RedisReply> reply = connection.command(command);
    if (!reply.ok()) {
        return reply.error();
    }
    if (reply->type == RedisReply::Type::error) {
        // "ERR invalid password" of old servers, but a server that lets nobody in says so to the first command, whatever
        // it is: "ERR max number of clients reached", "DENIED Redis is running in protected mode".
        const bool lets_nobody_in =
            reply->text.starts_with("ERR max number of clients") || reply->text.starts_with("DENIED");
        const bool about_rights = (command.front() == "AUTH" && !lets_nobody_in) || is_about_rights(*reply);
        return Error{about_rights ? ErrorKind::permission : ErrorKind::busy,
                     fmt::format("Redis: {}: {}", command.front(), clean_line(reply->text))};
    }
    return {};
}

} // namespace

std::map<std::string, std::string> parse_redis_info(std::string_view text) {
    std::map<std::string, std::string> info;
    for (const std::string_view line : split_lines(text)) {
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && !line.starts_with('#')) {
            info.emplace(line.substr(0, colon), trim(line.substr(colon + 1)));
        }
    }
    return info;
}

bool is_about_rights(const RedisReply& reply) {
    return reply.type == RedisReply::Type::error &&
           (reply.text.starts_with("NOAUTH") || reply.text.starts_with("WRONGPASS") ||
            reply.text.starts_with("NOPERM"));
}

Result<RedisAddress> parse_redis_url(const Secret& url) {
    const std::string_view text = url.reveal();
    for (const std::string_view scheme : {"unix://", "redis+socket://"}) {
        if (text.starts_with(scheme)) {
            return parse_socket(text.substr(scheme.size()));
        }
    }
    constexpr std::string_view k_network = "redis://";
    if (text.starts_with(k_network)) {
        return parse_network(text.substr(k_network.size()));
    }
    return bad_url("it begins with redis:// or unix://");
}

Result<std::unique_ptr<RedisConnection>> HiredisConnector::connect(const Secret& url, Duration timeout) {
    const Result<RedisAddress> address = parse_redis_url(url);
    if (!address.ok()) {
        return address.error();
    }
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    Result<Context> context =
        address->socket.empty() ? connect_to_host(*address, deadline) : connect_to_socket(*address, deadline);
    LECTIO_TRY(context);
    auto connection = std::make_unique<HiredisConnection>(*std::move(context), deadline);
    if (!address->password.empty()) {
        std::vector<std::string> auth{"AUTH"};
        if (!address->user.empty()) {
            auth.push_back(address->user);
        }
        auth.push_back(address->password.reveal());
        LECTIO_TRY(expect_ok(*connection, auth));
    }
    if (address->database != 0) {
        LECTIO_TRY(expect_ok(*connection, {"SELECT", std::to_string(address->database)}));
    }
    return std::unique_ptr<RedisConnection>(std::move(connection));
}

} // namespace lectio
