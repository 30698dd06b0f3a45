// Part: what a deploy of a frontend and one of a backend do differently, given to the Transaction, which is the same for
// both: what stands in the way, how what came becomes a release, what has to be started when the link leads to it.
//
// Every step may be taken again after a crash; none of them decides what becomes of a deploy.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/tree_manifest.h"
#include "release/flaw.h"
#include "release/live_gate.h"
#include "release/migrations.h"
#include "release/record.h"
#include "util/result.h"
#include "words/phrase.h"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

// How it goes on, line by line, for those who wait.
using Progress = std::function<void(const Text&)>;

// What a step has to say, whether it went well or not.
struct Voice {
    const Progress& progress;
    std::vector<Text>& warnings; // of what was done
    std::vector<Text>& notes;    // of the build: true of it every time, and no reason to stay
};

class Part {
  public:
    struct Refusal {
        Text reason, hint{};
    };
    using Step = std::optional<Refusal>; // nothing: it goes on

    virtual ~Part() = default;
    [[nodiscard]] virtual Kind kind() const = 0;
    // Files do not start up, services do.
    [[nodiscard]] virtual Patience patience() const = 0;

    // Before anything is received: what on this host would keep any release from working.
    virtual Step ready() = 0;

    // ── a plain folder that becomes the first release ──
    enum class Wish { deploy, adopt };
    virtual Step may_be_adopted(Wish wish, bool force, const Voice& voice) = 0;
    // What else has to be there when the folder is release `id`; and when it is none any more.
    virtual Result<void> before_adoption(const std::string& id) = 0;
    virtual Result<void> forget_adoption(const std::string& id) = 0;
    // Of a tree: no part of a release, so nobody's change by hand.
    [[nodiscard]] virtual bool leaves_out(std::string_view below) const = 0;
    // Releases that must stay, whatever retention says.
    virtual Result<std::set<std::string>> needed() = 0;

    // ── what came becomes a release ──
    // `live`: the release that it would replace, where there is one.
    virtual std::vector<Flaw> inspect(const Path& build, const TreeManifest& manifest, const Release* live,
                                      const std::vector<Release>& releases) = 0;
    struct Draft {
        Release& release;
        TreeManifest& manifest; // of what came; what the release is by it when the step returns
        const Release* live;
        const std::vector<Release>& releases;
        WaitingMigrations& migrations; // what has to be applied before it is served; build() finds them
        bool force = false;
        bool maintenance = false; // migrations may take long: visitors get a page meanwhile
    };
    // What a release of it would do besides being served: tried out in the staging folder, which goes afterwards.
    struct Foresight {
        WaitingMigrations migrations;
        std::vector<Flaw> flaws{};
    };
    virtual Foresight foresee(const Path&, const Draft&, const Voice&) { return {}; }
    // In the staging folder.
    virtual Step dress(const Path& staging, const Draft& draft, const Voice& voice) = 0;
    // Where it will stay.
    virtual Step build(const Path& tree, const Draft& draft, const Voice& voice) = 0;

    // ── its database ──
    // A hash of what the tables are; nothing: there is no database that we can look at.
    virtual Result<std::optional<std::string>> schema() { return std::optional<std::string>(); }
    // When none of its code runs: who else keeps a snapshot from being put back, and does not go soon.
    virtual Step only_ours(SteadyTime) { return {}; }
    // Of the database as it is now, kept with release `id`. Not beyond `until`.
    virtual Step take_snapshot(const std::string&, SteadyTime) { return {}; }
    // Those that build() has found; then it is tried. Not beyond `until`.
    virtual Step migrate(const std::string&, SteadyTime, const Voice&) { return {}; }
    // The database as it is now, beside that snapshot: what the way back drops with its tables and columns is nowhere else.
    virtual Step keep_before_reverse(const std::string&) { return {}; }
    // The other way, app by app ("app=0001_initial other=zero"). Done again it is the same.
    virtual Step reverse(const std::string& /*id*/, const std::string& /*way_back*/, const Voice&) {
        return {};
    }
    // Where it is: what is configured may be another when it is to be put back.
    virtual Result<std::string> database_place() { return std::string(); }
    // Another text when anything was written to it; none of the site's code has it open. Not looked at beyond `until`.
    virtual Result<std::string> look_at_database(const std::string&, SteadyTime) { return std::string(); }
    // The database of this place is that snapshot again. Done again after a crash it goes on where that ended; it never
    // replaces what was written after it was done. Whoever else has it open is waited for as long as this.
    virtual Step restore(const std::string&, const std::string&, Duration) { return {}; }
    // What stood in its place lies beside the snapshot afterwards. Done again it is the same.
    virtual Step keep_replaced(const std::string&, const std::string&, const Voice&) { return {}; }

    // ── its database goes back with it ──
    // What keeps the snapshot of the database of this place that was kept with release `id` from being what was taken;
    // nothing: it is. not_found: it is gone.
    virtual Result<std::optional<Text>> damage_to_snapshot(const std::string& /*id*/,
                                                           const std::string& /*place*/) {
        return std::optional<Text>();
    }
    // The snapshot that was kept with release `id` is there. Tables that have another number of rows since, "lessons 12 → 15".
    virtual Result<Text> rows_since(const std::string&) { return Text{}; }
    // What would keep the database of this place from becoming that snapshot while requests wait; tried out, where it can be.
    // `undone`: migrations, in words.
    virtual Step may_go_back_to(const std::string&, const std::string&, const std::vector<std::string>&,
                                bool /*behind_page*/) {
        return {};
    }
    // None of the site's code runs: somebody else keeps the database of this place from being replaced, and does not go soon.
    virtual Step may_be_replaced(const std::string&, SteadyTime) { return {}; }
    // It becomes that snapshot, and release `to` is tried with it. The one of `present` was taken just before, and restore()
    // undoes all of this by it, however far it came. Not beyond `until`.
    virtual Step go_back_to(const std::string& /*id*/, const std::string& /*present*/,
                            const std::string& /*place*/, const std::string& /*to*/, SteadyTime,
                            const Voice&) {
        return {};
    }

    // ── none of its code runs ──
    // Units that do now, or are about to.
    struct Running {
        std::vector<std::string> workers, web; // visitors wait for the latter
        bool is_through = false;               // one of them has passed its gate
    };
    virtual Result<Running> running() { return Running(); }
    // This one is stopped, while its socket goes on taking requests. Not waited for beyond `until`.
    virtual Step hold(const std::string&, SteadyTime, const Voice&) { return {}; }
    // By a process that died.
    virtual void were_held(const std::vector<std::string>&) {}
    // They start again.
    enum class Waiting { until_started, not_at_all };
    virtual void let_go(Waiting, const Voice&) {}

    // ── it is served ──
    // Before the link leads from `going` to `coming`, in either direction.
    virtual void carry(const std::string& going, const std::string& coming, const Voice& voice) = 0;
    // The link leads to it: what runs has to run it.
    virtual Step start(const std::string& id, const Voice& voice) = 0;
    // The gate has passed: whether it stands by itself.
    virtual Step stands(const std::string& id) = 0;
    // It stays: what comes last. What fails here is a warning.
    virtual void finish(const std::string& id, const Voice& voice) = 0;
};

} // namespace lectio::release
