// The PostgreSQL behind a URL, and its own programs (pg_dump, pg_restore) that fit it.
//
// The password goes to them in their environment, which only root and we can read; a file would stay behind when we are
// killed, a command line is everybody's to read.
#pragma once

#include "backup/program.h"
#include "platform/files.h"
#include "platform/postgres.h"
#include "platform/world.h"
#include "snapshots/row_counts.h"
#include "util/result.h"
#include "util/secret.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio::backup {

struct PostgresServer {
    int major = 0;
    std::string version;  // "15.18 (Debian 15.18-0+deb12u1)"
    std::string database; // the one that the URL leads to
    bool may_read_passwords = false;
    bool may_create_databases = false;
    Bytes size; // of the database with its indexes
};
// A way to a server. `database`: which one to connect to in place of the URL's, where that one may not be there or must
// not be in use; empty: the URL's.
struct PostgresWay {
    Secret url;
    std::string database{};
};
Result<PostgresConnection> open_session(const PostgresWay& way, Clock& clock, SteadyTime until);
// Answers within half a minute, or Error (platform/postgres.h).
Result<PostgresServer> look_at(const PostgresWay& way, Clock& clock, SteadyTime until);
// The database that the URL names, as libpq has it: else it is called as the user. Empty: it names neither.
Result<std::string> database_in(const Secret& url);

// Rows of every table that pg_dump takes, in the transaction of `connection`.
Result<snapshots::RowCounts> count_rows(PostgresConnection& connection);

class PostgresPrograms {
  public:
    // Debian's of the oldest version that is not older than the server, since a dump is made for its own version, too;
    // else those of the PATH. not_found: all are older, or there are none: what to install is said.
    static Result<PostgresPrograms> fit_for(int server, const Secret& url, World& world, SteadyTime until);

    // `name`: "pg_dump". What it says to standard output; Errors of run_program(), with its own reason.
    Result<std::string> run(std::string_view name, std::vector<std::string> arguments, World& world,
                            SteadyTime until) const;

  private:
    Path m_folder; // empty: as the PATH has them
    std::vector<std::pair<std::string, std::string>> m_environment;
};

} // namespace lectio::backup
