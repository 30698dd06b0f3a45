// PostgresConnection: one connection to a PostgreSQL, with Results and a deadline on everything. libpq behind it, loaded
// at the first connection (docs/decisions/0021): a tool that asks no PostgreSQL does not pay for it.
//
// Kinds of Error: not_found (the name of the host), io (refused, cut off, unreachable), timeout, permission (the server
// refuses us), busy (it has no free connection), protocol (the server's own refusal, or no PostgreSQL answers there),
// invalid (a URL that libpq does not understand, SQL that the server refuses), internal (libpq is not installed).
#pragma once

#include "platform/clock.h"
#include "util/result.h"
#include "util/secret.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lectio {

using PostgresRow = std::vector<std::optional<std::string>>; // nullopt: NULL

class PostgresConnection {
  public:
    struct Target {
        Secret url;          // postgresql://…, as libpq has it (postgresql.org/docs/15/libpq-connect.html)
        std::string sslmode; // in place of the URL's; empty: the URL's
        SteadyTime deadline; // of everything
        std::string database{}; // in place of the URL's; empty: the URL's
    };
    static Result<PostgresConnection> at(const Target& target, Clock& clock);

    PostgresConnection(PostgresConnection&&) noexcept;
    PostgresConnection& operator=(PostgresConnection&&) noexcept;
    ~PostgresConnection();

    // One statement in a transaction that reads only, ends by the server's own clock at `deadline`, and waits for no
    // lock longer than half a second. At most `most` rows are read; where there are more, the connection can be asked
    // nothing else. Errors: timeout, too_large, else what the server said (kinds as in postgres.cpp).
    Result<std::vector<PostgresRow>> query(const std::string& sql, std::size_t most = 100);
    // One statement as it is, for what query() cannot do: what changes something, what no transaction may hold
    // (CREATE DATABASE), what belongs to a transaction of the caller. The server sets it no limit of ours.
    Result<std::vector<PostgresRow>> statement(const std::string& sql, std::size_t most = 100);
    [[nodiscard]] bool is_encrypted() const;

  private:
    struct Session;
    explicit PostgresConnection(std::unique_ptr<Session> session);
    std::unique_ptr<Session> m_session;
};

// The URL as PostgreSQL's own programs take it from their environment, where no other user sees the password: PGHOST,
// PGUSER, PGPASSWORD … (postgresql.org/docs/15/libpq-envars.html). What has no variable (timing of TCP) stays out.
Result<std::vector<std::pair<std::string, std::string>>> postgres_environment(const Secret& url);

} // namespace lectio
