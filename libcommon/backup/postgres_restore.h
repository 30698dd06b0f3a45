// A backup of PostgreSQL in the place of the site's database: restored beside it and proven while the site goes on, then
// both change names in one transaction. What stood there stays, under another name.
#pragma once

#include "backup/postgres_scratch.h"
#include "backup/postgres_snapshot.h"
#include "platform/world.h"
#include "util/result.h"
#include "util/secret.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio::backup {

struct PostgresTarget {
    std::string source; // its name; empty: the server is none of a source's
    Secret url;
    std::string database; // what it is called in the end
    Path folder;          // of the backups
    std::string aside{};  // what stands there is called so afterwards; empty: by the time
};
// To the same server, without standing in what has to be free: the database `name`.
PostgresWay way_beside(const Secret& url, std::string_view name);
// Who is connected with `database`, or has prepared a transaction in it: "celery (712)".
Result<std::vector<std::string>> users_of(PostgresConnection& connection, const std::string& database);
// Where `to` leads: a URL, or the name of a database on the server of `url`.
Result<PostgresTarget> target_of(std::string_view to, const Secret& url);

class PostgresRestore {
  public:
    PostgresRestore(PostgresTarget target, const std::string& id, World& world, SteadyTime until);

    Result<bool> is_there(); // a database of that name
    // Beside it, proven. Errors: those of ScratchDatabase::restore(); invalid: it is not what the manifest says.
    Result<void> prepare(const Path& tar, const PostgresSnapshot& snapshot);
    // Who is connected with what stands there: "celery (712)".
    Result<std::vector<std::string>> users();
    // What stood there is called so from now on; empty: nothing did. busy: somebody is connected with it.
    Result<std::string> take_its_place();

    // How what stands there is called afterwards.
    [[nodiscard]] std::string name_aside() const;
    // And what was prepared, until it takes that place.
    [[nodiscard]] const std::string& name_beside() const { return m_beside.name(); }
    [[nodiscard]] const std::string& database() const { return m_target.database; }

  private:
    [[nodiscard]] PostgresWay way() const;

    PostgresTarget m_target;
    World& m_world;
    SteadyTime m_until;
    WallTime m_begun;
    ScratchDatabase m_beside;
};

} // namespace lectio::backup
