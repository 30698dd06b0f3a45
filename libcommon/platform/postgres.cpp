#include "platform/postgres.h"

#include "platform/dial.h"
#include "platform/loaded_library.h"
#include "platform/resolver.h"
#include "util/network.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace lectio {
namespace {

constexpr Duration k_lock_timeout{500};
constexpr std::size_t k_most_words = 400;
// Of the whole connection: a figure or a time is asked for. Beyond the first rows nothing is read in any case.
constexpr Bytes k_most_received = 16_MB;

// ── libpq, loaded when it is needed ─────────────────────────────────────────────────────────────────────────

#define LECTIO_LIBPQ(use)                                                                                    \
    use(PQconnectStartParams) use(PQconnectPoll) use(PQsocket) use(PQerrorMessage) use(PQfinish)             \
        use(PQsetErrorVerbosity) use(PQsetNoticeProcessor) use(PQconninfoParse) use(PQconninfoFree)          \
            use(PQfreemem) use(PQsetnonblocking) use(PQsendQuery) use(PQflush) use(PQconsumeInput)           \
                use(PQisBusy) use(PQgetResult) use(PQresultStatus) use(PQresultErrorMessage)                 \
                    use(PQresultErrorField) use(PQnfields) use(PQgetvalue) use(PQgetlength) use(PQgetisnull) \
                        use(PQclear) use(PQsslInUse) use(PQsetSingleRowMode)

struct Libpq {
    LECTIO_LIBPQ(LECTIO_FUNCTION)
    std::string missing; // why it cannot be used
};

Libpq load_libpq() {
    Libpq table;
    LoadedLibrary library("libpq.so.5");
    LECTIO_LIBPQ(LECTIO_FIND)
    if (!library.is_there()) {
        table.missing = "libpq.so.5 is not installed (apt-get install libpq5)";
    } else if (library.lacking() != nullptr) {
        table.missing = std::string("libpq.so.5 is too old: it lacks ") + library.lacking();
    }
    return table;
}

const Libpq& libpq() {
    static const Libpq loaded = load_libpq();
    return loaded;
}

// ── what it says ────────────────────────────────────────────────────────────────────────────────────────────

// "FATAL:  28P01: password authentication failed for user "x"\nLOCATION:  …": the code stands between two colons where
// the verbosity asks for it. Empty: the server has said nothing.
std::string_view code_in(std::string_view words) {
    constexpr std::size_t k_code = 5;
    for (std::size_t at = words.find(":  "); at != words.npos; at = words.find(":  ", at + 1)) {
        const std::string_view rest = words.substr(at + 3);
        const std::string_view code = rest.substr(0, k_code);
        const bool all = std::all_of(code.begin(), code.end(),
                                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
        if (code.size() == k_code && all && rest.substr(k_code).starts_with(": ")) {
            return code;
        }
    }
    return {};
}

// "connection to server at "db" (10.0.0.1), port 5432 failed: why" → "db:5432: why".
std::string with_address_in_short(const std::string& words) {
    static const RE2 by_libpq(
        R"re(connection to server at "([^"]*)"(?: \([^)]*\))?, port (\d+) failed: (?:FATAL: +)?(.*))re");
    std::string host, port, why;
    return RE2::FullMatch(words, by_libpq, &host, &port, &why) ? fmt::format("{}:{}: {}", host, port, why)
                                                               : words;
}

// Of several lines the last that says why; without code, place and what libpq says around it.
std::string words_in(std::string_view message) {
    std::string words;
    for (std::string_view line : split_lines(message)) {
        line = trim(line);
        if (!line.empty() && !line.starts_with("LOCATION:") && !line.starts_with("Is the server running ")) {
            words += (words.empty() ? "" : " ") + std::string(line);
        }
    }
    if (const std::string_view code = code_in(words); !code.empty()) {
        words.erase(words.find(code), code.size() + 2);
    }
    return shorten(clean_line(with_address_in_short(words)), k_most_words);
}

// postgresql.org/docs/15/errcodes-appendix.html
ErrorKind kind_of_code(std::string_view code) {
    constexpr std::string_view k_too_many = "53300", k_not_enough_rights = "42501", k_in_use = "55006",
                               k_cancelled = "57014", k_lock_not_available = "55P03";
    if (code.starts_with("28") || code == k_not_enough_rights) {
        return ErrorKind::permission;
    }
    if (code == k_too_many || code == k_in_use) {
        return ErrorKind::busy;
    }
    if (code == k_cancelled || code == k_lock_not_available) {
        return ErrorKind::timeout;
    }
    return code.starts_with("42") || code.starts_with("22") ? ErrorKind::invalid : ErrorKind::protocol;
}

// What libpq says by itself is in English only where no translation is installed: its kind is taken from what is the
// system's. What came over the wire and is no PostgreSQL it names in words of its own.
Error connection_error(std::string_view message) {
    const std::string_view code = code_in(message);
    if (!code.empty()) {
        return {kind_of_code(code), words_in(message)};
    }
    constexpr std::array<std::string_view, 5> k_odd{"expected authentication request",
                                                    "invalid response to SSL", "does not support SSL",
                                                    "certificate", "SSL error"};
    const bool odd = std::any_of(k_odd.begin(), k_odd.end(),
                                 [&](std::string_view words) { return message.find(words) != message.npos; });
    return {odd ? ErrorKind::protocol : ErrorKind::io, words_in(message)};
}

// libpq keeps an answer as large as the peer sends it. What came into the socket; of a Unix socket nothing is counted,
// whose peer runs on this host.
std::uint64_t received(int socket) {
    struct tcp_info info {};
    socklen_t size = sizeof(info);
    const bool told = ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    return told && size > offsetof(struct tcp_info, tcpi_bytes_received) ? info.tcpi_bytes_received : 0;
}

// One call of libpq reads on as long as anything has come, so how much it takes before it can be asked is what fits into
// the kernel's buffer: without this a peer that sends fast enough fills hundreds of megabytes. What a check asks for is
// small. Where it cannot be set it stays as it is.
void receive_little_at_once(int socket) {
    constexpr int k_buffer = 64 * 1024;
    [[maybe_unused]] const int set = ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &k_buffer, sizeof k_buffer);
}

Error too_late() {
    return {ErrorKind::timeout, "PostgreSQL does not answer in time"};
}

struct ClearResult {
    void operator()(PGresult* result) const { libpq().PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, ClearResult>;

// ── where it is ─────────────────────────────────────────────────────────────────────────────────────────────

struct FreeOptions {
    void operator()(PQconninfoOption* options) const { libpq().PQconninfoFree(options); }
};

using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

// What cannot be taken apart it quotes, and that may be the password: invalid percent-encoded token: "pass%word". From the
// first mark to the last: there may be marks in it.
std::string without_quotations(const std::string& words) {
    const std::size_t first = words.find('"'), last = words.rfind('"');
    return first == last ? words : words.substr(0, first) + "***" + words.substr(last + 1);
}

Result<Options> options_in(const Secret& url) {
    char* complaint = nullptr;
    Options options(libpq().PQconninfoParse(url.reveal().c_str(), &complaint));
    if (!options) {
        Error error{ErrorKind::invalid,
                    complaint == nullptr ? "no memory" : without_quotations(words_in(complaint))};
        libpq().PQfreemem(complaint);
        return error;
    }
    return options;
}

// The host of the URL, where it is a single name that has to be looked up; empty where it is not.
Result<std::string> name_to_look_up(const Secret& url) {
    const Result<Options> options = options_in(url);
    LECTIO_TRY(options);
    for (const PQconninfoOption* option = options->get(); option->keyword != nullptr; ++option) {
        const std::string_view keyword = option->keyword;
        const std::string value = option->val == nullptr ? "" : option->val;
        if (keyword == "hostaddr" && !value.empty()) {
            return std::string();
        }
        if (keyword == "host") {
            const bool plain =
                !value.starts_with('/') && !value.starts_with('@') && value.find(',') == std::string::npos;
            return plain && !is_ip_address(value) ? value : std::string();
        }
    }
    return std::string();
}

// libpq would wait for a silent resolver without any limit.
struct Place {
    std::string host, addresses; // one host for each address, separated by commas; empty: as the URL says
};
Result<Place> place_of(const Secret& url, SteadyTime deadline) {
    const Result<std::string> name = name_to_look_up(url);
    if (!name) {
        return name.error();
    }
    Place place;
    if (name->empty()) {
        return place;
    }
    const NameLookup found = lookup_in_time(system_lookup, *name, deadline);
    if (found.addresses.empty()) {
        return Error{found.own_fault ? ErrorKind::internal : ErrorKind::not_found,
                     fmt::format("{}: {}", clean_line(*name), found.error)};
    }
    for (const std::string& address : found.addresses) {
        place.host += (place.host.empty() ? "" : ",") + *name;
        place.addresses += (place.addresses.empty() ? "" : ",") + address;
    }
    return place;
}

void say_nothing(void*, const char*) {} // a notice is not for our standard error

} // namespace

// ── session ─────────────────────────────────────────────────────────────────────────────────────────────────

struct PostgresConnection::Session {
    Session(Clock& the_clock, SteadyTime end) : clock(the_clock), deadline(end) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        if (connection != nullptr) {
            libpq().PQfinish(connection);
        }
    }

    Result<void> open(const Target& target) {
        Result<Place> place = place_of(target.url, deadline);
        if (!place) {
            return place.error();
        }
        std::vector<const char*> keys, values;
        const auto add = [&](const char* key, const std::string& value) {
            if (!value.empty()) {
                keys.push_back(key);
                values.push_back(value.c_str());
            }
        };
        const std::string url = target.url.reveal(), name = "lectio", encoding = "UTF8";
        add("dbname", url); // expanded; what follows stands in place of its own
        add("host", place->host);
        add("hostaddr", place->addresses);
        add("sslmode", target.sslmode);
        if (!target.database.empty()) { // only the first one is expanded
            add("dbname", target.database);
        }
        add("application_name", name);
        add("client_encoding", encoding);
        keys.push_back(nullptr);
        values.push_back(nullptr);
        connection = libpq().PQconnectStartParams(keys.data(), values.data(), 1);
        if (connection == nullptr) {
            return Error{ErrorKind::internal, "no memory for a connection"};
        }
        libpq().PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
        libpq().PQsetNoticeProcessor(connection, say_nothing, nullptr);
        return shake_hands();
    }

    Result<void> shake_hands() {
        PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
        for (;;) {
            if (wanted == PGRES_POLLING_OK) {
                receive_little_at_once(libpq().PQsocket(connection));
                return libpq().PQsetnonblocking(connection, 1) == 0 ? Result<void>()
                                                                    : Result<void>(failure());
            }
            if (wanted == PGRES_POLLING_FAILED || libpq().PQsocket(connection) < 0) {
                return failure();
            }
            const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
            LECTIO_TRY(wait_for_peer(events));
            wanted = libpq().PQconnectPoll(connection);
        }
    }

    [[nodiscard]] Error failure() const { return connection_error(libpq().PQerrorMessage(connection)); }

    // The first `most` rows. The answer is read to its end, without which no other statement can be sent; from a larger
    // one nothing more is read, and the connection is of no more use.
    Result<std::vector<PostgresRow>> ask(const std::string& sql, std::size_t most = 0) {
        if (libpq().PQsendQuery(connection, sql.c_str()) == 0) {
            return failure();
        }
        if (most > 0) {
            libpq().PQsetSingleRowMode(connection);
        }
        is_between_statements = false;
        std::vector<PostgresRow> rows;
        bool any = false;
        std::optional<Error> refused;
        for (;;) {
            LECTIO_TRY(wait_for_answer());
            const Answer answer(libpq().PQgetResult(connection));
            if (!answer) {
                break;
            }
            any = true;
            const ExecStatusType status = libpq().PQresultStatus(answer.get());
            if (status == PGRES_SINGLE_TUPLE) {
                if (rows.size() == most) {
                    return rows;
                }
                rows.push_back(row_of(*answer));
            } else if (is_copying(status)) { // and says so for ever, until we have sent or taken all of it
                return Error{ErrorKind::invalid, "the query copies (COPY) instead of giving rows"};
            } else if (status == PGRES_EMPTY_QUERY) {
                refused = Error{ErrorKind::invalid, "an answer without rows"};
            } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
                const char* code = libpq().PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
                refused = Error{code == nullptr ? ErrorKind::io : kind_of_code(code),
                                words_in(libpq().PQresultErrorMessage(answer.get()))};
            }
        }
        is_between_statements = true;
        if (refused) {
            return *refused;
        }
        return any ? Result<std::vector<PostgresRow>>(std::move(rows)) : failure();
    }

    static bool is_copying(ExecStatusType status) {
        return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
    }

    static PostgresRow row_of(const PGresult& answer) {
        PostgresRow values;
        for (int column = 0; column < libpq().PQnfields(&answer); ++column) {
            if (libpq().PQgetisnull(&answer, 0, column) != 0) {
                values.emplace_back();
            } else {
                values.emplace_back(std::in_place, libpq().PQgetvalue(&answer, 0, column),
                                    static_cast<std::size_t>(libpq().PQgetlength(&answer, 0, column)));
            }
        }
        return values;
    }

    Result<void> wait_for_answer() {
        for (;;) {
            const int unsent = libpq().PQflush(connection);
            if (unsent < 0) {
                return failure();
            }
            if (unsent == 0 && libpq().PQisBusy(connection) == 0) {
                return {};
            }
            const auto events = static_cast<short>(POLLIN | (unsent > 0 ? POLLOUT : 0));
            LECTIO_TRY(wait_for_peer(events));
            if (libpq().PQconsumeInput(connection) == 0) {
                return failure();
            }
        }
    }

    Result<void> wait_for_peer(short events) {
        const int socket = libpq().PQsocket(connection);
        if (received(socket) > k_most_received.count) {
            return Error{ErrorKind::too_large,
                         fmt::format("an answer larger than {}", format_size(k_most_received))};
        }
        return wait_until_ready(socket, events, deadline) ? Result<void>() : Result<void>(too_late());
    }

    Clock& clock;
    SteadyTime deadline;
    PGconn* connection = nullptr;
    bool is_between_statements = true;
};

PostgresConnection::PostgresConnection(std::unique_ptr<Session> session) : m_session(std::move(session)) {}
PostgresConnection::PostgresConnection(PostgresConnection&&) noexcept = default;
PostgresConnection& PostgresConnection::operator=(PostgresConnection&&) noexcept = default;
PostgresConnection::~PostgresConnection() = default;

Result<PostgresConnection> PostgresConnection::at(const Target& target, Clock& clock) {
    if (!libpq().missing.empty()) {
        return Error{ErrorKind::internal, libpq().missing};
    }
    auto session = std::make_unique<Session>(clock, target.deadline);
    LECTIO_TRY(session->open(target));
    return PostgresConnection(std::move(session));
}

Result<std::vector<PostgresRow>> PostgresConnection::query(const std::string& sql, std::size_t most) {
    const auto left = std::chrono::ceil<Duration>(m_session->deadline - m_session->clock.steady());
    // SET LOCAL and a transaction: behind a pool in transaction mode nothing of ours stays with the connection.
    LECTIO_TRY(m_session->ask(fmt::format("BEGIN READ ONLY; SET LOCAL statement_timeout = {}; "
                                          "SET LOCAL lock_timeout = {}",
                                          std::max<std::int64_t>(left.count(), 1), k_lock_timeout.count())));
    Result<std::vector<PostgresRow>> rows = m_session->ask(sql, most);
    // Amid an answer nothing can be sent: closing the connection is what is left. What went wrong first is told.
    if (m_session->is_between_statements) {
        const Result<std::vector<PostgresRow>> undone = m_session->ask("ROLLBACK");
        return rows && !undone ? undone : rows;
    }
    return rows;
}

Result<std::vector<PostgresRow>> PostgresConnection::statement(const std::string& sql, std::size_t most) {
    return m_session->ask(sql, most);
}

bool PostgresConnection::is_encrypted() const {
    return libpq().PQsslInUse(m_session->connection) != 0;
}

Result<std::vector<std::pair<std::string, std::string>>> postgres_environment(const Secret& url) {
    if (!libpq().missing.empty()) {
        return Error{ErrorKind::internal, libpq().missing};
    }
    const Result<Options> options = options_in(url);
    LECTIO_TRY(options);
    std::vector<std::pair<std::string, std::string>> environment;
    for (const PQconninfoOption* option = options->get(); option->keyword != nullptr; ++option) {
        if (option->envvar != nullptr && option->val != nullptr && *option->val != '\0') {
            environment.emplace_back(option->envvar, option->val);
        }
    }
    return environment;
}

} // namespace lectio
