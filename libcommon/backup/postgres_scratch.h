// A database of ours on the server of a source, beside the site's: a backup is restored into it, to be proven or to take
// the site's place. It is written down on our disk before it is made, so that the next call knows what one that was killed
// has left there, and touches nothing else.
#pragma once

#include "backup/postgres_server.h"
#include "backup/postgres_snapshot.h"
#include "config/backup.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio::backup {

struct ScratchPlace {
    std::string source; // its name in the configuration
    PostgresWay way;    // to the server; the role may create databases
    Path folder;        // where it is written down; empty: nowhere, on a server that is no source's
};

// Those of this source that a call that died has left.
Result<void> drop_leftovers(const ScratchPlace& place, World& world, SteadyTime until);

// The statements in the script of a dump (pg_restore --create) that give its database owner, rights, settings and comment,
// for a database called `name`.
Result<std::vector<std::string>> properties_in(std::string_view script, std::string_view name);

class ScratchDatabase {
  public:
    enum class Use { proof, site };
    // `id`: of the backup. Nothing happens yet.
    ScratchDatabase(ScratchPlace place, Use use, const std::string& id, World& world, SteadyTime until);
    ScratchDatabase(const ScratchDatabase&) = delete;
    ScratchDatabase& operator=(const ScratchDatabase&) = delete;
    ~ScratchDatabase(); // drops it, unless it was given away

    [[nodiscard]] const std::string& name() const { return m_name; }
    // Makes it with the encoding and the locale of the one that was dumped, and restores `dump` into it; for the site with
    // its owner, rights and settings; as a proof without those, which are the server's, and without what reaches out of the
    // database.
    // Errors: those of the server, of pg_restore; permission: the role may not.
    Result<void> restore(const Path& dump);
    // What keeps it from having these rows.
    Result<std::vector<Text>> flaws(const snapshots::RowCounts& rows);
    // Gone, and not written down any more.
    Result<void> drop();
    // It is somebody else's from now on.
    Result<void> give_away();

  private:
    Result<void> create(std::string_view script);
    Result<void> fit_for_the_site(std::string_view script);
    Result<void> take_over_properties(std::string_view script);
    Result<PostgresConnection> without_limits();

    ScratchPlace m_place;
    Use m_use;
    std::string m_name;
    World& m_world;
    SteadyTime m_until;
    bool m_is_there = false;
};

// Restores it on the server of its source, counts and drops. `source`: nullptr where it is no longer configured: then,
// where the role may not create databases and where the server does not answer, it is an Error: nobody could look.
Result<std::vector<Text>> flaws_when_restored(const Path& tar, const PostgresSnapshot& snapshot,
                                              const BackupSource* source, const std::string& id, World& world,
                                              SteadyTime until);

} // namespace lectio::backup
