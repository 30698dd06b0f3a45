// SiteDatabase: the database whose tables a backend's migrations change. It is looked at, copied before them and put back
// after them; each kind of database does that in its own way, and when it is done is the Transaction's to say.
#pragma once

#include "platform/release_disk.h"
#include "platform/world.h"
#include "release/migrations.h"
#include "release/part.h"
#include "snapshots/row_counts.h"
#include "util/result.h"
#include "util/secret.h"
#include "words/phrase.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lectio::release {

class SiteDatabase {
  public:
    using Step = Part::Step;
    using Refusal = Part::Refusal;
    virtual ~SiteDatabase() = default;

    // What keeps it from being the one that `waiting` is about; `tree`: of the code that would migrate it.
    virtual Step is_of(const WaitingMigrations& waiting, const Path& tree) = 0;
    virtual Result<Bytes> size(SteadyTime until) = 0;
    // What would keep a database of this size from being copied to `snapshots`, and a copy from being put back; `spare` has
    // to stay free. It may be tried out, beside the database: nobody waits meanwhile.
    virtual Step could_be_copied(Bytes size, const Path& snapshots, Bytes spare) = 0;
    virtual Step could_be_put_back(Bytes size, const Path& snapshots, Bytes spare, SteadyTime until) = 0;
    // A larger one is migrated beside code that runs only when somebody asks for it; nothing: any size.
    [[nodiscard]] virtual std::optional<Bytes> quickly_migrated() const = 0;
    // For the environment of what migrates it.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> migrating() const { return {}; }
    // What migrations may have waited for in vain; empty: nothing that we see.
    virtual Text in_the_way() { return {}; }
    // None of the site's code runs: what others keep, who would not let it be put back. A pool's idle sessions are ended.
    virtual Step only_ours(SteadyTime) { return {}; }

    // A hash of what its tables are: what the tool of the migrations says is no proof of that (measured: M15).
    virtual Result<std::string> schema(SteadyTime until) = 0;
    // By which put_back() knows it, whatever is configured by then; no secret.
    virtual Result<std::string> place() = 0;
    // Another text when anything was committed to it meanwhile.
    virtual Result<std::string> look(const std::string& place, SteadyTime until) = 0;

    // `folder` is ours alone, and there; what it takes for the snapshot of release `id`.
    virtual Result<void> take_snapshot(const Path& folder, SteadyTime until) = 0;
    [[nodiscard]] virtual Path snapshot_in(const Path& folder) const = 0;
    struct Snapshot {
        std::string id;
        Path folder;
    };
    // Proven before anything is replaced. Done again after a crash it goes on where that ended; it never replaces anything
    // a second time. Errors: busy: somebody has it open, and is named.
    virtual Result<void> put_back(const Snapshot& snapshot, const std::string& place, SteadyTime until) = 0;
    // What was replaced, by the snapshot or before it by go_back_to(), lies with the snapshot, or under a name of its own:
    // those.
    virtual Result<std::vector<std::string>> keep_replaced(const Snapshot& snapshot, const std::string& place,
                                                           SteadyTime until) = 0;

    // How many rows each table had then, and has now.
    struct RowsSince {
        snapshots::RowCounts then, now;
    };
    virtual Result<RowsSince> rows_since(const Snapshot& snapshot, SteadyTime until) = 0;
    // What has become of its file since it was taken and proven, by its bytes alone; nothing: it is what it was. not_found:
    // it is gone, whatever else lies there.
    virtual Result<std::optional<Text>> damage_to(const Snapshot& snapshot, SteadyTime until) = 0;
    // It is whole, and could take the place of the database.
    virtual Step prove(const Snapshot& snapshot, const std::string& place, SteadyTime until) = 0;
    // busy: somebody has it open, and is named.
    virtual Result<void> is_free(const std::string& place, SteadyTime until) = 0;
    // The database becomes `earlier`, which another deploy has taken. Not done again after a crash: put_back(present) undoes it,
    // however far it came. Errors: as put_back().
    virtual Result<void> go_back_to(const Snapshot& earlier, const Snapshot& present,
                                    const std::string& place, SteadyTime until) = 0;
    // What calls that died have left beside it goes.
    virtual Result<void> tidy(SteadyTime) { return {}; }
};

std::unique_ptr<SiteDatabase> sqlite_database(Path path, World& world, ReleaseDisk& disk);
// `scratch`: a folder of ours, which outlives releases; what is made on the server meanwhile is written down there.
std::unique_ptr<SiteDatabase> postgres_database(Secret url, Path scratch, World& world, ReleaseDisk& disk);

} // namespace lectio::release
