// Transaction: one deploy or rollback, from the lock to the last word, as a journal that can be taken up by anybody.
//
// One rule decides what becomes of a deploy that ended in the middle (RELEASES_AND_BACKUPS section 4):
//   - no `swap` in the journal: nobody has met the release; it goes, and what is served is as it was
//   - `swap`, no `commit`: it is asked whether it passes now; if not, or if nothing can be asked, the link leads back
//     (what only adds to a database stays there; what does more was applied while no code ran, and is undone as long as nobody
//     has written since; when somebody has, its migrations are taken back where their author says that they can be, else the
//     release stays and a person is called: docs/decisions/0043-the-fence.md)
//   - `commit`: it stays, only tidying up is left
//   - `rollback`: the link leads back, whatever happens
// A backend and a frontend that are released together have a journal each, and what becomes of both stands in the backend's
// alone (docs/decisions/0038-both-or-neither.md).
// Trouble with telling, tidying up or the marker never changes that.
#pragma once

#include "config/deploy.h"
#include "platform/received.h"
#include "platform/world.h"
#include "release/earlier_database.h"
#include "release/journal.h"
#include "release/live_gate.h"
#include "release/maintenance_page.h"
#include "release/part.h"
#include "release/shelf.h"
#include "words/phrase.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio::release {

// Where a build comes from: a folder, an archive.
class BuildSource {
  public:
    virtual ~BuildSource() = default;
    [[nodiscard]] virtual std::string name() const = 0; // for the record: a path, "standard input"
    // All of it into this folder, which it makes; what is left there after a refusal is removed by who called.
    virtual Result<Received> bring(const Path& folder) = 0;
    [[nodiscard]] virtual std::string commit() const {
        return {};
    } // of what was brought; "" where there is no git
};

struct Outcome {
    enum class Result {
        released,
        refused,     // before the swap: nobody has met it
        rolled_back, // the previous release serves, and has passed the gate
        needs_human,
        stopped, // by a signal: as refused or rolled back, but nothing was asked afterwards
    };
    Result result = Result::refused;
    std::string release, previous;   // ids; may be empty
    std::string with, previous_with; // the same of what was released together with it
    std::string phase;               // where it ended: "receive", "gate" …
    Text reason, hint;               // empty when released
    Text done;                       // what else than a release was wished, and is so now
    bool waits_for_word = false;     // needs_human: what becomes of the database (WordOnDatabase)
    bool keeps_units_down = false;   // needs_human: code would run that must not
    std::vector<Text> warnings;      // of what was done
    std::vector<Text> notes;         // of the build: true of it every time, and no reason to stay
    Duration took{};
};
std::string_view to_string(Outcome::Result result);
// As the journal has it in its last record.
Outcome outcome_of(const Entry& end);

// What a person says of a database that could not be put back in time, when visitors may have written since.
enum class WordOnDatabase {
    none,
    put_back, // what was written since is lost to the site; it lies beside the snapshot
    keep,     // as it is now
};

struct Wishes {
    bool force = false;
    bool maintenance = false; // all migrations, and as long as they take: visitors get a page meanwhile
    std::string by;           // who deploys
    std::string incidents{};  // that it is to mend, by id, with blanks between; stands in the journal
    // Of a rollback: the database goes back, too. What was written since, for so long at most, is lost to the site.
    bool restores_database = false;
    std::optional<Duration> accepts_loss{};
};

struct Site {
    Places places;
    Path marker;    // run/deploy_in_progress
    Path host_lock; // run/host.lock
    DeploySettings deploy;
    Lang lang = Lang::ru; // of what is kept in words
    std::string zone{};   // of times in words ("Europe/Moscow"); empty: the host's
    // From the stop of what answers them, requests wait so long at most for migrations; then all is undone.
    Duration longest_fence = std::chrono::seconds(20);
    // Behind the page (Wishes::maintenance).
    Duration longest_maintenance = std::chrono::minutes(20);
    // For whoever has the database open and is none of the site's units: a command of cron, a copy that is being made.
    Duration wait_for_users = std::chrono::seconds(60);
};

class Transaction {
  public:
    Transaction(World& world, ReleaseDisk& disk, Site site, LiveGate& gate, Part& part, Progress progress);

    // The caller holds the lock of the tool. What an earlier one has left unfinished comes first.
    Outcome release(BuildSource& source, const Wishes& wishes);
    // This one, of a backend, leads `frontend`, which outlives it: they can be released together, and what such a deploy has
    // left unfinished is taken up by this one's recover(), before the other's.
    void lead(Transaction& frontend) { m_other = &frontend; }
    // Both or neither: one look at the site, one marker, one gate.
    Outcome release_both(BuildSource& code, BuildSource& frontend, const Wishes& wishes);
    // To a release that is there; nothing: the good one that was served before.
    Outcome roll_back(const std::optional<std::string>& to, const Wishes& wishes);
    // The same for the healer, who has asked the site and holds the host: what does not pass the gate then is undone.
    Outcome heal(const std::string& to, const Wishes& wishes);
    // A plain folder becomes the first release, in one step and without a moment in which nothing is served; back, too.
    Outcome adopt(const Wishes& wishes);
    Outcome abandon(const Wishes& wishes);

    // What release() would do: the build is received and looked at, and goes again.
    struct Plan {
        std::vector<Flaw> flaws;
        std::string before; // the release that is served; empty: none
        TreeDifference difference;
        Bytes size;
        WaitingMigrations migrations{};
    };
    // Of several one asks the live site for all.
    enum class LiveSite { asked, asked_by_another };
    Result<Plan> plan(BuildSource& source, LiveSite live = LiveSite::asked);

    // What unfinished journals ask for; none: nothing was unfinished. When nothing can be asked (the machine is starting),
    // what is undecided goes back.
    enum class Asking { possible, not_now };
    std::vector<Outcome> recover(Asking asking, WordOnDatabase word = WordOnDatabase::none);

    // Of the deploy that is under way, or was last; empty before.
    [[nodiscard]] const std::string& id() const { return m_id; }

    // Retention now; ids that are gone, or would be. What was made within `younger` stays, too.
    enum class Tidying { real, foretold };
    Result<std::vector<std::string>> tidy(Duration younger = {}, Tidying tidying = Tidying::real);

  private:
    struct Stop { // why it does not go on
        Text reason, hint{};
        enum class Kind { refusal, signal, site_was_red } kind = Kind::refusal;
    };
    using Step = std::optional<Stop>;
    struct NamedStep {
        const char* phase;
        Step (Transaction::*take)();
        bool is_due = true; // else it is passed over
    };

    // ── one after the other ──
    Outcome run(const std::string& action, std::initializer_list<NamedStep> steps, const Wishes& wishes);
    Outcome release_what_was_begun();
    void begin_anew(const std::string& action, const Wishes& wishes, Duration later = {});
    Outcome go(std::initializer_list<NamedStep> steps);
    Step take(std::initializer_list<NamedStep> steps);
    Step open_journal();
    Step look_at_the_site();
    Step know_where_the_page_belongs();
    Step find_room();
    Step take_over_what_is_served();
    Step know_what_is_served(const std::string& id);
    Step look_for_changes_by_hand();
    Step failure_of_the_site();
    void foretell_changes_by_hand(const Release& live, Plan& plan);
    Step ready();
    Step receive();
    Step inspect();
    Step seal();
    Step check_target();
    Step check_adopted();
    Step carry_to_target();
    Step take_the_host();
    Step look_at_the_schema();
    Step hold_requests();
    Step migrate();
    Step copy_database(std::string& place, SteadyTime until);
    Step remember_nobody_has_written();
    [[nodiscard]] Stop waited_too_long() const;
    Step swap();
    Step start();
    Step watch_it();
    Step commit();
    Step give_the_folder_back();
    Step bring_the_other();
    Step swap_the_other();

    // ── the database goes back with the code (transaction_earlier.cpp) ──
    Step find_earlier_database();
    Step look_at_earlier_database();
    Step go_to_earlier_database();
    Step refuse_across_migrations();
    Step too_much_is_lost();
    [[nodiscard]] Duration written_for(const EarlierDatabase& earlier) const;
    // As the operator's clocks show it.
    [[nodiscard]] std::string taken_at(const EarlierDatabase& earlier) const;
    std::optional<EarlierDatabase> newest_whole(const SinceServed& since);
    [[nodiscard]] Text with_damage(const Text& words) const;

    Result<Plan> look_ahead(BuildSource& source);

    // ── what ends it ──
    Outcome give_up(const Stop& why, Asking asking = Asking::possible);
    Outcome go_back(const Stop& why, Asking asking);
    Result<void> point_back();
    Step take_back(const Stop& why);
    Outcome finish(Outcome outcome);
    void let_others_watch();

    // ── the fence (transaction_fence.cpp) ──
    enum class Holding { to_migrate, to_put_back };
    Step hold(Holding why);
    Step show_the_page();
    void take_the_page_away();
    [[nodiscard]] Duration longest_wait() const {
        return m_wishes.maintenance ? m_site.longest_maintenance : m_site.longest_fence;
    }
    void let_go(Asking asking);
    enum class Written { nothing, something, unknown };
    Written written_since(Asking asking);
    Step put_back(Asking asking);
    void keep_what_was_replaced();
    void keep_the_tables();
    void start_what_was_stopped();
    [[nodiscard]] bool goes_to_earlier_database() const { return is_rollback() && restores(); }
    bool is_for_a_person() const;
    Outcome leave_to_a_person(const Stop& why);
    Outcome not_put_back(const Stop& why, const Stop& trouble, Asking asking);
    Outcome undecided(const Stop& why);
    std::optional<Outcome> stay_if_written_to(const Stop& why, Asking asking);
    std::optional<Outcome> reverse(const Stop& why, Asking asking);
    Step take_migrations_back();
    Outcome stay(const Stop& why, Asking asking);
    Outcome fails_and_stays();
    void forget_the_fence();
    void remember_the_fence(const Standing& standing);
    [[nodiscard]] bool restores() const { return m_fence.tables != Tables::untouched; }

    // ── after a crash ──
    Outcome take_up(const Shelf::Past& past, Asking asking);
    Step resume(const Shelf::Past& past);
    Step resume_the_other(const std::string& id);
    Outcome follow(const std::string& leader, const Standing& standing);
    Outcome decide(const Standing& standing, Asking asking);
    Step settle_adoption(const std::string& id);

    Outcome outcome(Outcome::Result result);
    Outcome outcome(Outcome::Result result, const Stop& why);
    Step keep(Mark mark, std::map<std::string, std::string> facts = {});
    Step admit();
    void set_marker();
    [[nodiscard]] Voice voice() { return {m_progress, m_warnings, m_notes}; }
    Result<void> learn_what_fits();
    void note_records_of_going_back(const Text& reason);
    void forget_what_was_brought();
    Result<void> sweep(const std::set<std::string>& needed);
    [[nodiscard]] bool is_rollback() const;
    [[nodiscard]] bool follows() const { return !m_leader.empty(); }
    [[nodiscard]] bool is_served();
    static Step as_step(Part::Step refusal);

    World& m_world;
    ReleaseDisk& m_disk;
    Site m_site;
    Shelf m_shelf;
    LiveGate& m_gate;
    Part& m_part;
    Progress m_progress;
    MaintenancePage m_page;
    Transaction* m_other = nullptr; // that it may lead

    // Of the deploy that is under way.
    BuildSource* m_source = nullptr;
    Wishes m_wishes;
    std::string m_id;         // of the deploy, and of the release that it brings
    std::string m_from, m_to; // releases: what was served, what is to be
    std::string m_action, m_phase;
    std::optional<std::string> m_wanted; // of a rollback
    std::optional<Journal> m_journal;
    bool m_swapped = false; // or about to be
    Text m_gate_words;      // of a site that was red before and still is: what fails
    Look m_before;
    TreeManifest m_manifest;
    WaitingMigrations m_migrations;
    std::optional<std::string> m_schema;      // of the database, before its migrations
    bool m_schema_changed = false;            // by them
    bool m_snapshot_counts = false;           // they were begun, so what was before them is there alone
    std::optional<EarlierDatabase> m_earlier; // that a rollback goes to
    Text m_written_since;                     // in which tables
    Text m_damaged;                           // snapshots of which less would be lost, and why they are none
    Text m_went_back;                         // what became of the database by it
    bool m_migrating = false; // they were begun, and what fits their outcome is not written down yet
    // By migrations for which no code may run, and which the snapshot undoes.
    enum class Tables {
        untouched,
        changed,        // nobody has run with them: the snapshot is the truth
        met,            // visitors may have written since
        being_put_back, // half of them may be there
        being_reversed, // the same, and what visitors have written is in them
        put_back,
    };
    struct Fence {
        Tables tables = Tables::untouched;
        bool woken = false;      // code was let run on tables that nobody had decided on
        std::string place;       // of the database
        std::string way_back;    // for the new code, when somebody has written since; empty: there is none
        std::string fingerprint; // of it, when they were applied
        bool is_up = false;      // by this process
        bool has_page = false;   // visitors get it instead of the site
        bool units_wait = false; // somebody has stopped them, in this or another process
        bool same_boot = true;   // and the machine has not been started since
        SteadyTime held_until{};
        Lock lock;
    };
    Fence m_fence;
    WordOnDatabase m_word = WordOnDatabase::none; // of who recovers
    std::string m_failing; // why it does, in the operator's language, and is served on all the same
    Release m_release;
    Lock m_host;
    Transaction* m_with = nullptr; // that it leads now
    std::string m_leader;          // the deploy that leads this one
    bool m_over = false;           // its journal has its end
    std::vector<Text> m_warnings, m_notes;
    SteadyTime m_start{};
};

} // namespace lectio::release
