// Shelf: the releases of one site on this host. The trees lie in a folder beside what is served; what is known of them lies
// in state/deploy, where nobody but root writes.
//
//   RELEASES/ID/                a release, whole
//   RELEASES/.incoming-ID/      one that is on its way
//   RELEASES/.shared            what outlives the releases of a backend
//   STATE/releases/ID.json      its record (record.h)
//   STATE/releases/ID.manifest  its own files with their hashes (platform/tree_manifest.h)
//   STATE/snapshots/ID/         the database as it was before its migrations, and by what the copy is known again;
//                               names that begin with "replaced." or "left.": what has been replaced since
//   STATE/journal/ID.journal    what was done in the deploy that brought it (journal.h)
//   STATE/journal/ID.lines      the same in words
//   STATE/fence                 locked while no code of the site may run (Places::fence)
#pragma once

#include "platform/release_disk.h"
#include "platform/tree_manifest.h"
#include "release/journal.h"
#include "release/record.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio::release {

struct Places {
    Path served;                // what the web server serves
    Path releases;              // the trees
    Path state;                 // state/deploy
    Kind kind = Kind::frontend; // only releases and deploys of this kind are seen
    // Held (Files::lock, with waiting: others hold it for moments) by a deploy while the site's code must not run: its
    // schema is being changed. `lectio-deploy gate` waits for it in ExecStartPre= of the web and worker units. Never held
    // while such a unit is started.
    [[nodiscard]] Path fence() const { return state / "fence"; }
};

class Shelf {
  public:
    Shelf(Files& files, ReleaseDisk& disk, Places places);

    [[nodiscard]] const Places& places() const { return m_places; }
    [[nodiscard]] Path tree(const std::string& id) const { return m_places.releases / id; }
    [[nodiscard]] Path incoming(const std::string& id) const;
    [[nodiscard]] Path journal(const std::string& id) const;
    // A folder that is not there until one is taken.
    [[nodiscard]] Path scratch() const; // for what is needed for a while
    [[nodiscard]] Path snapshot(const std::string& id) const;
    // Beside it: the database when the migrations of that release were about to be taken back.
    [[nodiscard]] Path before_reverse(const std::string& id) const;
    // Where a deploy writes down in words how it goes on, for who attaches.
    [[nodiscard]] Path lines(const std::string& id) const;

    // Makes the folders; the one of the releases must be ours and writable by nobody else, or what is in it proves nothing.
    Result<void> prepare();

    // Every record that can be read, the oldest first; those that cannot are named in `unreadable`.
    struct Records {
        std::vector<Release> releases;
        std::vector<std::string> unreadable;
    };
    Result<Records> records();
    Result<void> keep(const Release& release);
    Result<void> keep(const std::string& id, const TreeManifest& manifest);
    Result<TreeManifest> manifest(const std::string& id);
    // Tree, snapshot, manifest, record, in this order: what is left of it after a crash is a record without a tree. What the
    // database was when something took its place stays: somebody's rows may be nowhere else, so a person removes it.
    Result<void> remove(const std::string& id);

    // What only a person removes: what the database was when something took its place, and what rollbacks have copied
    // (no release owns that, and no deploy that is under way).
    struct LeftToAPerson {
        Path path;
        Bytes size;
    };
    Result<std::vector<LeftToAPerson>> left_to_a_person();

    // What outlives releases of a backend lies here, or in the first release, to which this link leads then.
    [[nodiscard]] Path home() const { return m_places.releases / ".shared"; }

    // Ids of builds that are on their way, or never arrived.
    Result<std::vector<std::string>> incoming_ids();

    struct Served {
        enum class Kind {
            nothing,
            folder,  // not adopted yet
            release, // `id`
            foreign, // a link, or something else, that is not of this suite's making
        };
        Kind kind = Kind::nothing;
        std::string id, target;
    };
    Result<Served> served();
    // What the link of a release says: relative, where the releases lie beside it.
    [[nodiscard]] std::string target_of(const std::string& id) const;

    // Journals of deploys, the oldest first.
    struct Past {
        std::string id; // of the file
        JournalText text;
        Standing standing;
    };
    Result<std::vector<Past>> journals();
    Result<Past> journal_of(const std::string& id);
    Result<void> forget_journal(const std::string& id);

  private:
    Result<void> remove_snapshot(const std::string& id);
    Result<bool> is_of_a_deploy_under_way(const std::string& id);
    Bytes size_of(const Path& path);
    [[nodiscard]] Path record(const std::string& id) const;
    [[nodiscard]] Path manifest_file(const std::string& id) const;

    Files& m_files;
    ReleaseDisk& m_disk;
    Places m_places;
};

} // namespace lectio::release
