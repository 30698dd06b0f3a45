// MadeUpSite: a site on real files with a gate and builds that are made up, where the process can be made to die at
// every step of a deploy, as FaultyFiles does for state.
#pragma once

#include "platform/release_disk.h"
#include "release/backend_part.h"
#include "release/transaction.h"
#include "support/bare_world.h"
#include "support/fake_services.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio::release {

// Burns at every step that changes something, before it and after it.
struct Fuse {
    std::size_t length = std::numeric_limits<std::size_t>::max();
    std::size_t burnt = 0;
    std::function<void()> at_end{}; // ends the process
    void burn() {
        if (++burnt >= length) {
            if (at_end) {
                at_end();
            }
            throw Crash{};
        }
    }
    [[nodiscard]] bool is_next_the_last() const { return burnt + 1 >= length; }
    template<class Act>
    auto around(Act&& act) {
        burn();
        auto result = act();
        burn();
        return result;
    }
};

class FusedDisk final : public ReleaseDisk {
  public:
    explicit FusedDisk(Fuse& fuse) : m_fuse(fuse) {}
    Result<void> append_synced(const Path& file, Bytes after, std::string_view content, mode_t mode) override;
    Result<Named> look_at(const Path& name) override {
        if (on_look) {
            on_look(name);
        }
        return m_real.look_at(name);
    }
    Result<void> lay_link(const Path& name, const std::string& target) override;
    Result<void> point(const Path& name, const std::string& target) override;
    Result<void> exchange(const Path& first, const Path& second) override;
    Result<void> make_folder(const Path& folder) override;
    Result<void> move(const Path& from, const Path& to) override;
    Result<void> remove_tree(const Path& root) override;
    Result<void> sync(const Path& folder) override;
    Result<std::vector<std::string>> link_files(const Path& from, const Path& to,
                                                const std::vector<std::string>& paths) override;
    Result<void> lay_links(const Path& root, const std::vector<NewLink>& links) override;
    Result<void> touch(const Path& root, const std::vector<std::string>& paths, WallTime time) override;
    Result<TreeRepair> set_rights(const Path& root, const TreeRules& rules) override;
    Result<Room> room(const Path& folder) override {
        return free ? Result<Room>(Room{*free, 1000}) : m_real.room(folder);
    }
    Result<std::vector<std::string>> in_use(const Path&) override { return used; }

    // What was not synced is gone: files of a release are empty, hard links were never laid.
    void power_cut();

    std::vector<std::string> used;
    std::function<void(const Path&)> on_look;
    std::function<void(const Path&)> on_moved; // of what has another name now: the one it had
    std::optional<Bytes> free;                 // so much room is there
    std::string refuses_moves_of;              // a file of this name cannot be moved
    std::string refuses_folder;                // of this name
    std::optional<std::string>
        refuses_record;         // of a journal: with a mark that begins so it cannot be written
    std::string dies_at_record; // the fuse ends at that with this mark
    bool dies_after_it = false; // else before it is written
    int refuse_point = 0;       // so many calls of point() fail
    int pointed = 0;            // so many were done

  private:
    Fuse& m_fuse;
    SystemReleaseDisk m_real;
    std::set<Path> m_unsynced, m_unsynced_links; // folders, files
};

class FusedFiles final : public Files {
  public:
    FusedFiles(Fuse& fuse, const Path& root) : m_fuse(fuse), m_real(root) {}
    void power_cut() { m_real.power_cut(); }
    Result<std::string> read(const Path& path, Bytes limit) override { return m_real.read(path, limit); }
    Result<std::string> read_from(const Path& path, Bytes offset, Bytes limit) override {
        return m_real.read_from(path, offset, limit);
    }
    Result<FileInfo> info(const Path& path, Follow follow) override { return m_real.info(path, follow); }
    Result<std::vector<std::string>> list(const Path& folder) override {
        return folder == hidden ? Error{ErrorKind::not_found, "hidden"} : m_real.list(folder);
    }
    Path hidden; // nothing is to be seen there
    Result<void> create_synced(const Path& path, std::string_view content, mode_t mode) override;
    Result<void> rename(const Path& from, const Path& to) override;
    Result<void> sync_folder(const Path& folder) override { return m_real.sync_folder(folder); }
    Result<void> append(const Path& path, std::string_view content, mode_t mode) override;
    Result<void> remove(const Path& path) override;
    Result<void> make_folders(const Path& folder, mode_t mode) override;
    Result<void> link(const Path& from, const Path& to) override;
    Result<Lock> lock(const Path& path, std::string_view tool, WallTime now) override {
        return m_real.lock(path, tool, now);
    }

  private:
    Fuse& m_fuse;
    FaultyFiles m_real;
};

// What a backend's commands do, without starting any: an environment is a file that says what it was made of.
class FusedPrograms final : public Processes {
  public:
    explicit FusedPrograms(Fuse& fuse) : m_fuse(fuse) {}
    Result<ProcessAnswer> run(const ProcessRequest& request) override;

    std::string pending;                // a migration that waits; with a database: until its tables are there
    std::string what_it_does = "lossy"; // its class
    bool migration_fails = false;       // in the middle
    bool is_rollback_safe = false;      // says its author
    bool reverse_fails = false;         // in the middle
    bool reverse_lies = false;          // the tables are others afterwards
    std::function<void()> on_migrate;
    Duration migrate_limit{};              // of the last one
    Path database;                         // of SQLite; empty: none
    std::string postgres;                  // the URL of one of PostgreSQL; empty: none
    bool asks_django = false;              // manage.py is a real one
    std::string untracked;                 // what git does not know
    std::string fails;                     // the program of this name does
    std::string pg_dump_version;           // that it says to be; empty: its own
    std::vector<std::string> started;      // names of programs
    std::vector<std::string> environments; // how each came about: "installed", "copied"

  private:
    ProcessAnswer manage(const ProcessRequest& request);
    void take_back(ProcessAnswer& answer);
    Fuse& m_fuse;
};

using Build = std::map<std::string, std::string>; // path → content

// A build whose page names its own script: `word` is in both, and in the script's name.
Build build_of(const std::string& word);

// For a server that is a real one: time passes by itself, and sleeping takes none.
class SleeplessClock final : public Clock {
  public:
    explicit SleeplessClock(FakeClock& made_up) : m_made_up(made_up) {}
    Now now() override { return m_made_up.now(); }
    SteadyTime steady() override { return m_real.steady() + m_made_up.steady().time_since_epoch(); }
    void sleep_for(Duration duration) override {
        m_made_up.sleep_for(duration);
        if (on_sleep) {
            on_sleep();
        }
    }
    std::function<void()> on_sleep;

  private:
    FakeClock& m_made_up;
    SystemClock m_real;
};

class MadeUpSite {
  public:
    explicit MadeUpSite(Kind kind = Kind::frontend);

    // Every call is a process of its own.
    Outcome release(const Build& build, const Wishes& wishes = {});
    // Of a backend, with a frontend beside it.
    Outcome release_both(const Build& code, const Build& frontend, const Wishes& wishes = {});
    Outcome roll_back(const std::optional<std::string>& to = std::nullopt, const Wishes& wishes = {});
    Outcome adopt(const Wishes& wishes = {});
    Outcome abandon();
    // A frontend of its own beside the backend, which the gate looks at, too.
    void add_frontend();
    void forget_frontend() { m_has_frontend = false; } // the configuration does
    // Its data becomes a real database, in which every visitor leaves a row; before it is adopted.
    void use_database();
    // The same on a server, in the database that is there.
    void use_postgres(const std::string& url);
    // The schema that it has now; the rows of visitors in it.
    [[nodiscard]] std::string schema();
    [[nodiscard]] std::int64_t rows() const;
    // The first value that its server answers.
    [[nodiscard]] std::string ask_server(const std::string& sql) const;
    // In a process of its own, which ends by itself at the end of the fuse, without tidying up after itself; what the world
    // has seen of it until then stays. False: it was done before.
    bool killed(const std::function<void()>& act);
    void change_database(const std::string& sql) const;
    // The machine goes down with it: only what was synced is there.
    void power_cut();
    // The machine has started: units run what is served.
    void boot();
    // A deploy by the process that has taken up what was left before.
    Outcome recover_and_release(const Build& build);
    std::vector<Outcome> recover(Transaction::Asking asking = Transaction::Asking::possible,
                                 WordOnDatabase word = WordOnDatabase::none);

    // What a visitor sees: the page, and its script where both are there.
    [[nodiscard]] std::string page(Kind kind) const;
    [[nodiscard]] std::string page() const { return page(m_kind); }
    [[nodiscard]] bool serves_whole(const std::string& word, Kind kind) const;
    [[nodiscard]] bool has(const std::string& path) const;
    // Whole: one page with the script that it names, of the same build.
    [[nodiscard]] bool serves_whole(const std::string& word) const { return serves_whole(word, m_kind); }
    [[nodiscard]] std::string served_id(Kind kind);
    [[nodiscard]] std::string served_id() { return served_id(m_kind); }
    [[nodiscard]] std::vector<Release> releases(Kind kind);
    [[nodiscard]] std::vector<Release> releases() { return releases(m_kind); }
    [[nodiscard]] std::optional<Release> record(const std::string& id);
    [[nodiscard]] std::vector<Shelf::Past> journals();        // of both kinds
    [[nodiscard]] std::vector<std::string> left_over() const; // staging folders, links half laid

    TempFolder folder{TempFolder::Kept::in_memory};
    Fuse fuse;
    FusedFiles files{fuse, folder.path()};
    FusedDisk disk{fuse};
    BareWorld bare;
    SleeplessClock sleepless{bare.clock};
    SystemHost host;
    FusedPrograms programs{fuse};
    FakeServices services;
    std::map<std::string, std::string> running; // unit → the word of the code that it runs
    std::string refuses_to_start;               // a word: units with this code do not start
    mutable std::int64_t visits = 0;            // that were promised to be kept
    std::string socket;                         // [deploy.backend] socket
    std::string database_key;                   // [deploy.backend] database
    bool canary_is_broken = false;
    std::string fails_on = "broken"; // a page with this word does not pass
    bool always_red = false;
    std::optional<Text> errors;       // since the swap, too many of them
    bool hides_page = false;          // the web server does not know the maintenance page
    bool has_maintenance_page = true; // in the configuration
    std::function<void()> on_look;    // of the gate
    int red_after_swaps = -1;         // it turns red with that swap; -1: never
    std::vector<Flaw> flaws;          // of every build
    std::vector<std::string> told;    // progress, in English
    // Its database, of either kind, has it.
    [[nodiscard]] bool has_column(const std::string& table, const std::string& column) const;
    [[nodiscard]] bool has_database() const {
        return !programs.database.empty() || !programs.postgres.empty();
    }
    int keep = 3;
    Bytes most_held = 200_MB;
    Duration longest_fence = std::chrono::minutes(10);
    int swaps_before = 0; // when the present deploy began

    [[nodiscard]] Path served(Kind kind) const {
        return folder / (kind == m_kind ? "site" : "front") / "build";
    }
    [[nodiscard]] Path served() const { return served(m_kind); }
    [[nodiscard]] Path maintenance_page() const { return folder / "run" / "maintenance.html"; }
    [[nodiscard]] Kind kind() const { return m_kind; }
    [[nodiscard]] std::vector<Kind> kinds() const;
    [[nodiscard]] std::string word_served(Kind kind) const; // by its script
    [[nodiscard]] std::string word_served() const { return word_served(m_kind); }

  private:
    using Transactions = std::map<Kind, Transaction>;
    template<class Act>
    auto with_transactions(Act&& act);
    template<class Act>
    auto with_transaction(Act&& act);
    std::vector<Outcome> recover(Transactions& all, Transaction::Asking asking, WordOnDatabase word) const;
    [[nodiscard]] BackendPart::Settings backend_settings() const;
    Shelf shelf(Kind kind);
    Places places(Kind kind) const;
    Kind m_kind;
    bool m_has_frontend = false; // beside the backend
};

// Whatever has happened and been recovered from: one whole release, nothing half done, something to go back to.
void check_invariants(MadeUpSite& site);

} // namespace lectio::release
