// A deploy as a transaction: what it does when all goes well, what when not, and what is left when it dies.
#include "django_site.h"
#include "made_up_site.h"
#include "platform/sqlite.h"
#include "platform/stop.h"
#include "release/retention.h"
#include "snapshots/sqlite_snapshot.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace lectio::release;
using Ends = Outcome::Result;
using Asking = release::Transaction::Asking;

namespace {

const Wishes k_forced{.force = true, .maintenance = false, .by = "olga"};
const Wishes k_behind_page{.force = false, .maintenance = true, .by = "olga"};
const std::string k_first_script = "static/js/main.first1a2b.js";

std::vector<State> states_of(MadeUpSite& site) {
    std::vector<State> states;
    for (const Release& release : site.releases()) {
        states.push_back(release.state);
    }
    return states;
}

} // namespace

TEST_CASE("the first release takes the plain folder over, and both can be served", "[transaction]") {
    MadeUpSite site;
    const Outcome outcome = site.release(build_of("second"));
    CHECK(outcome.result == Ends::released);
    CHECK(site.serves_whole("second"));
    CHECK(site.has(k_first_script)); // for pages that are still open
    CHECK(states_of(site) == std::vector{State::good, State::good});
    CHECK(site.record(outcome.previous)->adopted);
    check_invariants(site);
}

TEST_CASE("a release that fails its gate goes back by itself, and its files stay reachable",
          "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const Outcome outcome = site.release(build_of("broken"));
    CHECK(outcome.result == Ends::rolled_back);
    CHECK(outcome.reason.en.find("the page is broken") != std::string::npos);
    CHECK(site.serves_whole("second"));
    CHECK(site.has("static/js/main.broken1a2b.js"));
    CHECK(site.record(outcome.release)->state == State::bad);
    check_invariants(site);
    // What was linked into the old release for that is no change by hand.
    CHECK(site.release(build_of("third")).result == Ends::released);
}

TEST_CASE("a build with a flaw is refused before anybody meets it", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.flaws = {{Flaw::Weight::refuse_unless_forced, verbatim("much smaller than before")}};
    const std::string before = site.served_id();
    const Outcome outcome = site.release(build_of("third"));
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.phase == "build");
    CHECK(outcome.reason.en == "much smaller than before");
    CHECK(site.served_id() == before);
    CHECK(site.releases().size() == 2);
    check_invariants(site);

    const Outcome forced = site.release(build_of("third"), k_forced);
    CHECK(forced.result == Ends::released);
    CHECK(forced.warnings == std::vector{verbatim("much smaller than before")});
    site.flaws.front().weight = Flaw::Weight::refuse;
    CHECK(site.release(build_of("fourth"), k_forced).result == Ends::refused);
}

TEST_CASE("a site that is red already is not deployed to, unless somebody insists", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.always_red = true;
    const Outcome refused = site.release(build_of("third"));
    CHECK(refused.result == Ends::needs_human);
    CHECK(refused.phase == "live-site");
    CHECK(site.serves_whole("second"));

    // The mend itself.
    site.always_red = false;
    site.fails_on = "second";
    CHECK(site.release(build_of("mended"), k_forced).result == Ends::released);

    // Still red, not worse: it stays, and a person is needed.
    site.always_red = true;
    const Outcome still = site.release(build_of("fifth"), k_forced);
    CHECK(still.result == Ends::needs_human);
    CHECK(site.serves_whole("fifth"));
    check_invariants(site);
}

TEST_CASE("rollback goes to what was served before, then further back", "[transaction]") {
    MadeUpSite site;
    for (const char* word : {"second", "third1"}) {
        REQUIRE(site.release(build_of(word)).result == Ends::released);
    }
    const std::string third = site.served_id();
    CHECK(site.roll_back().result == Ends::released);
    CHECK(site.serves_whole("second"));
    CHECK(site.has("static/js/main.third11a2b.js")); // for pages that are still open
    CHECK(site.record(third)->state == State::withdrawn);
    CHECK(site.roll_back().result == Ends::released);
    CHECK(site.serves_whole("first"));
    const Outcome nowhere = site.roll_back();
    CHECK(nowhere.result == Ends::refused);
    CHECK(nowhere.reason.en == "there is no earlier release to go back to");
    // A withdrawn one only when it is named.
    CHECK(site.roll_back(third).result == Ends::released);
    CHECK(site.serves_whole("third1"));
    CHECK(site.roll_back("fe-20200101T000000Z-aaaa").result == Ends::refused);
    CHECK(site.roll_back("../../etc").result == Ends::refused);
    CHECK(site.roll_back(third).result == Ends::refused);
    check_invariants(site);
}

TEST_CASE("a rollback onto what fails comes back", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.fails_on = "first";
    const Outcome outcome = site.roll_back();
    CHECK(outcome.result == Ends::rolled_back);
    CHECK(site.serves_whole("second"));
    check_invariants(site);
}

TEST_CASE("when the old one fails as well a person is called", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    REQUIRE(site.release(build_of("live1")).result == Ends::released);
    site.red_after_swaps = 1; // something else broke in the same minute
    const Outcome outcome = site.release(build_of("third"));
    CHECK(outcome.result == Ends::needs_human);
    CHECK(site.serves_whole("live1"));
    CHECK(outcome.reason.en.find("serves again, and it fails, too") != std::string::npos);
    check_invariants(site);
}

TEST_CASE("what somebody changed by hand is not replaced without a word", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const std::string changed = site.served_id();
    spill(site.served() / "index.html", build_of("second")["index.html"] + "<!-- hot fix -->");
    const Outcome refused = site.release(build_of("third"));
    CHECK(refused.result == Ends::refused);
    CHECK(refused.phase == "drift");
    CHECK(refused.reason.en.find("index.html") != std::string::npos);

    REQUIRE(site.release(build_of("third"), k_forced).result == Ends::released);
    for (int i = 0; i < 6; ++i) {
        REQUIRE(site.release(build_of("later" + std::to_string(i))).result == Ends::released);
    }
    REQUIRE(site.record(changed)); // kept, whatever retention says
    CHECK(slurp(site.served().parent_path() / ".lectio-releases" / changed / "index.html").find("hot fix") !=
          std::string::npos);
}

TEST_CASE("adopting can be undone, byte for byte", "[transaction]") {
    MadeUpSite site;
    const auto look = [&] {
        BareWorld bare;
        return format_manifest(
            read_tree(site.served(), bare.clock, bare.clock.steady() + std::chrono::minutes(1)).value());
    };
    const std::string before = look();
    const Outcome adopted = site.adopt();
    CHECK(adopted.result == Ends::released);
    CHECK(adopted.release == site.served_id());
    CHECK(adopted.done.en == "what was served has become release " + site.served_id());
    CHECK(std::filesystem::is_symlink(site.served()));
    CHECK(site.adopt().result == Ends::refused);
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const Outcome too_early = site.abandon();
    CHECK(too_early.result == Ends::refused);
    CHECK(too_early.hint.en.find("rollback --to") != std::string::npos);
    REQUIRE(site.roll_back().result == Ends::released);
    const Outcome given_back = site.abandon();
    CHECK(given_back.result == Ends::released);
    CHECK(given_back.done.en == site.served().string() + " is a plain folder again");
    CHECK_FALSE(std::filesystem::is_symlink(site.served()));
    CHECK(look() == before);
    check_invariants(site);
}

TEST_CASE("with the state lost what is served is known again by the next deploy", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    std::filesystem::remove_all(site.folder / "state");
    CHECK(site.release(build_of("third")).result == Ends::released);
    CHECK(site.serves_whole("third"));
    CHECK(site.roll_back().result == Ends::released);
    CHECK(site.serves_whole("second"));
    std::filesystem::remove_all(site.folder / "state");
    CHECK(site.adopt().result == Ends::released);
    CHECK(site.serves_whole("second"));
    CHECK(site.adopt().result == Ends::refused);
}

TEST_CASE("a staging folder that nobody speaks of goes", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const Path left = site.served().parent_path() / ".lectio-releases" / ".incoming-fe-20260101T000000Z-aaaa";
    std::filesystem::create_directories(left);
    spill(left / "index.html", "half");
    REQUIRE(site.release(build_of("third")).result == Ends::released);
    CHECK(site.left_over().empty());
}

TEST_CASE("a link that somebody else has laid is left alone", "[transaction]") {
    MadeUpSite site;
    std::filesystem::rename(site.served(), site.folder / "site" / "build-7");
    std::filesystem::create_symlink("build-7", site.served());
    const Outcome outcome = site.release(build_of("second"));
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.reason.en.find("build-7") != std::string::npos);
    CHECK(site.serves_whole("first"));
}

TEST_CASE("a link that cannot be laid leaves the old release, and is tried again on the way back",
          "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.disk.refuse_point = 2; // the swap and the first attempt to go back
    const Outcome outcome = site.release(build_of("third"));
    CHECK(outcome.result == Ends::rolled_back);
    CHECK(outcome.reason.en.find("No space") != std::string::npos);
    CHECK(site.serves_whole("second"));
    check_invariants(site);

    site.disk.refuse_point = 100;
    CHECK(site.release(build_of("third")).result == Ends::needs_human);
    CHECK(site.serves_whole("second"));
    site.disk.refuse_point = 0;
    CHECK(site.recover().size() == 1);
    check_invariants(site);
}

TEST_CASE("a wish to stop before the swap leaves no trace, after it the old release", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    request_stop_for_test(15);
    const Outcome outcome = site.release(build_of("third"));
    request_stop_for_test(0);
    CHECK(outcome.result == Ends::stopped);
    CHECK(site.serves_whole("second"));
    check_invariants(site);
}

TEST_CASE("a journal that was tampered with is nobody's to judge", "[transaction]") {
    MadeUpSite site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.fuse = {.length = 40, .burnt = 0};
    REQUIRE(stopped_by_crash([&] { site.release(build_of("third")); }));
    site.fuse = {};
    const auto all = site.journals();
    const auto unfinished =
        std::find_if(all.begin(), all.end(), [](const Shelf::Past& past) { return !past.standing.ended(); });
    REQUIRE(unfinished != all.end());
    const Path file = site.folder / "state" / "deploy" / "journal" / (unfinished->id + ".journal");
    std::string text = slurp(file);
    text[30] = text[30] == 'x' ? 'y' : 'x';
    spill(file, text + "\n");
    const std::vector<Outcome> outcomes = site.recover();
    REQUIRE(outcomes.size() == 1);
    CHECK(outcomes.front().result == Ends::needs_human);
    CHECK(outcomes.front().reason.en.find("damaged") != std::string::npos);
}

// ── a backend ───────────────────────────────────────────────────────────────────────────────────────────

namespace {

// Taken over, and its units run it.
struct MadeUpBackend : MadeUpSite {
    MadeUpBackend() : MadeUpSite(Kind::backend) {
        REQUIRE(adopt().result == Ends::released);
        boot();
    }
};

bool is_link(const Path& path) {
    return std::filesystem::is_symlink(path);
}

} // namespace

TEST_CASE("code is built, tried and started, and the data stays where it is", "[transaction][backend]") {
    MadeUpBackend site;
    const std::string first = site.served_id();
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    REQUIRE(outcome.result == Ends::released);
    CHECK(outcome.previous == first);
    CHECK(outcome.release.starts_with("be-"));
    CHECK(site.serves_whole("second"));
    CHECK(site.has("gathered.css"));
    CHECK(is_link(site.served() / "data"));
    CHECK_FALSE(site.has(k_first_script)); // nobody has pages of code open
    using Job = FakeServices::Job;
    const std::vector<Job> restarts{{"web.service", Services::Verb::restart},
                                    {"celery.service", Services::Verb::restart}};
    CHECK(site.services.jobs == restarts); // workers last, each once
    CHECK(site.running["celery.service"] == site.word_served());
    check_invariants(site);
    // What the units write into the data is nobody's change by hand, and neither is the environment.
    spill(site.served() / "data/upload", "new");
    spill(site.served() / "venv/more", "new");
    CHECK(site.release(build_of("third1")).result == Ends::released);
    CHECK(slurp(site.served() / "data/upload") == "new");
    CHECK(site.programs.environments == std::vector<std::string>{"installed", "copied"});
    CHECK(slurp(site.served() / "venv/packages") == "django==4.2\n");
}

TEST_CASE("a folder of code is taken over only when somebody says so", "[transaction][backend]") {
    MadeUpSite site(Kind::backend);
    site.boot();
    const Outcome silent = site.release(build_of("second"));
    CHECK(silent.result == Ends::refused);
    CHECK(silent.hint.en.find("adopt backend") != std::string::npos);
    site.programs.untracked = std::string("notes.txt\0venv/\0data/db.sqlite3\0", 32);
    const Outcome stays = site.adopt();
    CHECK(stays.result == Ends::refused);
    CHECK(stays.reason.en.find(": notes.txt") != std::string::npos);
    CHECK(stays.reason.en.find("data") == std::string::npos);
    CHECK_FALSE(is_link(site.served()));
    CHECK(site.adopt(k_forced).result == Ends::released);
    CHECK(site.abandon().result == Ends::released);
    CHECK_FALSE(is_link(site.served()));
    CHECK(site.left_over().empty());
    CHECK(slurp(site.served() / "data/db.sqlite3") == "rows of visitors");
}

TEST_CASE("code that fails in any way before the swap is met by nobody", "[transaction][backend]") {
    MadeUpBackend site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const std::size_t jobs = site.services.jobs.size();
    const auto refused = [&](const char* words) {
        const Outcome outcome = site.release(build_of("third1"));
        INFO(outcome.reason.en);
        CHECK(outcome.result == Ends::refused);
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK(site.serves_whole("second"));
        CHECK(site.services.jobs.size() == jobs);
        CHECK(site.releases().size() == 2);
        check_invariants(site);
    };
    site.programs.fails = "check";
    refused("check is broken");
    site.programs.fails = "gather";
    refused("gather is broken");
    site.programs.fails = "";
    site.programs.pending = "app.0002_more";
    refused("app.0002_more: loses data (Remove field notes from lesson)");
    site.programs.pending = "";
    site.canary_is_broken = true;
    refused("HTTP 500");
    site.canary_is_broken = false;
    site.services.units["web.service"].load_state = "not-found";
    refused("not-found");
    site.services.units["web.service"].load_state = "loaded";
    site.services.broken = Error{ErrorKind::not_found, "systemd is not running on this host"};
    refused("systemd is not running");
    site.services.broken.reset();
    Build without = build_of("third1");
    without.erase("manage.py");
    CHECK(site.release(without).reason.en.find("manage.py") != std::string::npos);
    CHECK(site.release(build_of("third1")).result == Ends::released);
}

TEST_CASE("code that does not start, or falls, is taken back and the old one runs",
          "[transaction][backend]") {
    MadeUpBackend site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const std::string workers = site.running["celery.service"];
    site.refuses_to_start = "third1";
    const Outcome outcome = site.release(build_of("third1"));
    CHECK(outcome.result == Ends::rolled_back);
    CHECK(outcome.phase == "rollback");
    CHECK(site.serves_whole("second"));
    CHECK(site.running["celery.service"] == workers);
    CHECK(site.services.units["web.service"].active_state == "active");
    check_invariants(site);

    CHECK(site.release(build_of("broken")).result == Ends::rolled_back);
    check_invariants(site);
}

TEST_CASE("a worker that does not start is a warning, one that is stopped stays so",
          "[transaction][backend]") {
    MadeUpBackend site;
    const auto all_start = site.services.on_job;
    site.services.on_job = [&](UnitState& unit, Services::Verb verb) {
        return unit.id == "celery.service" ? JobResult{"failed", Duration(10)} : all_start(unit, verb);
    };
    const Outcome warned = site.release(build_of("second"));
    CHECK(warned.result == Ends::released);
    CHECK(warned.warnings.size() == 1);
    site.services.units["celery.service"].active_state = "inactive";
    const Outcome stopped = site.release(build_of("third1"));
    CHECK(stopped.result == Ends::released);
    CHECK(stopped.warnings.empty());
    REQUIRE(stopped.notes.size() == 1);
    CHECK(stopped.notes.front().en == "celery.service is stopped, and was left so");
}

TEST_CASE("the release in which the data lies stays whatever retention says", "[transaction][backend]") {
    MadeUpBackend site;
    site.keep = 1;
    const std::string first = site.served_id();
    for (int i = 0; i < 5; ++i) {
        REQUIRE(site.release(build_of("later" + std::to_string(i))).result == Ends::released);
    }
    CHECK(site.record(first));
    CHECK(site.releases().size() == 3); // it, the served one, the one before
    check_invariants(site);
}

TEST_CASE("a deploy after one that was taken up is judged by itself", "[transaction][backend]") {
    MadeUpBackend site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    const std::string before = site.served_id();
    for (std::size_t step = 1; site.served_id() == before; ++step) { // until it dies after the swap
        site.recover();
        site.fuse = {.length = step, .burnt = 0};
        REQUIRE(stopped_by_crash([&] { site.release(build_of("third1")); }));
        site.fuse = {};
    }
    site.programs.fails = "check";
    const Outcome outcome = site.recover_and_release(build_of("fourth"));
    CHECK(outcome.result == Ends::refused);
    CHECK(site.serves_whole("third1"));
    CHECK(site.record(site.served_id())->state == State::good);
    check_invariants(site);
}

// ── migrations ──────────────────────────────────────────────────────────────────────────────────────────

namespace {

void with_migration(MadeUpSite& site) {
    site.use_database();
    site.adopt();
    site.boot();
    site.programs.pending = "app.0002_more";
    site.programs.what_it_does = "additive";
}

struct MigratedBackend : MadeUpSite {
    MigratedBackend() : MadeUpSite(Kind::backend) { with_migration(*this); }
};

// By name, and before anything is done.
void is_refused(MadeUpSite& site, const char* words) {
    const std::string before = site.schema();
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.reason.en.find(words) != std::string::npos);
    CHECK(site.schema() == before);
    check_invariants(site);
}

} // namespace

TEST_CASE("a migration that only adds comes before the swap, with a snapshot before it",
          "[transaction][backend][migrations]") {
    MigratedBackend site;
    const std::string first = site.served_id();
    const std::string before = site.schema();
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    REQUIRE(outcome.result == Ends::released);
    CHECK(outcome.warnings.empty());
    const std::string after = site.schema();
    CHECK(after != before);
    CHECK(site.record(outcome.release)->schemas == std::vector{after});
    CHECK(site.record(first)->schemas == std::vector{before, after});
    check_invariants(site);

    BareWorld bare;
    const Path kept = site.folder / "state/deploy/snapshots" / outcome.release;
    CHECK(snapshots::schema_of_sqlite(kept / "before.sqlite3", bare.clock,
                                      bare.clock.steady() + std::chrono::minutes(2))
              ->hash == before);
    REQUIRE(outcome.notes.size() == 1);
    CHECK(outcome.notes.front().en ==
          "applied: app.0002_more; the database as it was before: " + kept.string());

    CHECK(site.roll_back().result == Ends::released);
    CHECK(site.served_id() == first);
    CHECK(site.schema() == after);
    check_invariants(site);
}

TEST_CASE("a release that fails after its migration leaves the tables, the rows and the old code",
          "[transaction][backend][migrations]") {
    MigratedBackend site;
    const std::string before = site.schema();
    const auto stays = [&](const Outcome& outcome, Ends expected, bool with_words) {
        INFO(outcome.reason.en);
        CHECK(outcome.result == expected);
        CHECK(site.serves_whole("first"));
        CHECK(site.schema() != before);
        CHECK(is_known_to_fit(*site.record(site.served_id()), site.schema()));
        CHECK((outcome.warnings.size() == 1) == with_words);
        check_invariants(site);
    };
    site.programs.migration_fails = true;
    const Outcome failed = site.release(build_of("second"));
    CHECK(failed.reason.en.find("the migration fails") != std::string::npos);
    stays(failed, Ends::refused, true);
    CHECK(site.record(failed.release)->state == State::bad); // its snapshot outlives it, as retention has it
    CHECK(
        std::filesystem::exists(site.folder / "state/deploy/snapshots" / failed.release / "before.sqlite3"));
    site.programs.migration_fails = false;
    site.canary_is_broken = true;
    stays(site.release(build_of("second")), Ends::refused, true);
    site.canary_is_broken = false;
    site.change_database("ALTER TABLE lessons_lesson DROP COLUMN room");
    stays(site.release(build_of("broken")), Ends::rolled_back, true);
    CHECK(site.release(build_of("third1")).result == Ends::released); // nothing waits any more
    check_invariants(site);
}

TEST_CASE("nobody goes back across a change of the tables that nobody knows",
          "[transaction][backend][migrations]") {
    MigratedBackend site;
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.change_database("ALTER TABLE lessons_lesson DROP COLUMN notes");
    site.change_database("ALTER TABLE lessons_lesson ADD COLUMN notes TEXT NULL"); // what was in it is gone
    const Outcome refused = site.roll_back();
    CHECK(refused.result == Ends::refused);
    CHECK(refused.phase == "schema");
    CHECK(site.serves_whole("second"));
    check_invariants(site);
    const Outcome forced = site.roll_back(std::nullopt, k_forced);
    CHECK(forced.result == Ends::released);
    CHECK(forced.warnings.size() == 1);
    CHECK(site.serves_whole("first"));
    check_invariants(site);
}

TEST_CASE("what cannot be migrated safely is refused by name before anything is done",
          "[transaction][backend][migrations]") {
    MigratedBackend site;
    const auto refused = [&](const char* words) { is_refused(site, words); };
    for (const char* what : {"reversible", "lossy", "irreversible", "unheard of"}) {
        site.programs.what_it_does = what;
        UnitState& web = site.services.units["web.service"];
        web.triggered_by.clear();
        refused("web.service would lose requests");
        web.triggered_by = {"web.socket"};
        web.exec_start_pre.clear();
        refused("web.service would lose requests");
        web.exec_start_pre = {{"/usr/local/bin/lectio-deploy", "gate", "web"}};
    }
    site.programs.what_it_does = "additive";
    site.database_key = "";
    refused("does not say of what a snapshot is taken");
    site.database_key = "sqlite:other/db.sqlite3";
    refused("every release would have its own");
    site.database_key = "sqlite:" + (site.folder / "elsewhere").string();
    spill(site.folder / "elsewhere", "");
    refused("Django works on sqlite");
}

TEST_CASE("a large database is migrated only when somebody says so", "[transaction][backend][migrations]") {
    MigratedBackend site;
    site.change_database("CREATE TABLE large (x); INSERT INTO large VALUES (zeroblob(21000000))");
    CHECK(site.release(build_of("second")).result == Ends::refused);
    const Outcome forced = site.release(build_of("second"), k_forced);
    CHECK(forced.result == Ends::released);
    CHECK(forced.warnings.size() == 1);
    check_invariants(site);
}

namespace {

void with_lossy_migration(MadeUpSite& site) {
    with_migration(site);
    site.programs.what_it_does = "lossy";
}

struct FencedBackend : MadeUpSite {
    FencedBackend() : MadeUpSite(Kind::backend) { with_lossy_migration(*this); }
};

} // namespace

TEST_CASE("what does more than add is applied while no code runs",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    const std::string first = site.served_id();
    site.programs.on_migrate = [&] {
        CHECK(site.running.empty());
        SystemFiles files;
        const Path fence = site.folder / "state/deploy/fence";
        CHECK(files.lock(fence, "gate", WallTime{}).error().kind ==
              ErrorKind::busy); // what would start waits
    };
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    REQUIRE(outcome.result == Ends::released);
    CHECK(outcome.warnings.empty());
    CHECK(site.schema() != before);
    CHECK(site.running["web.service"] == site.word_served());
    CHECK(site.running["celery.service"] == site.word_served());
    CHECK_FALSE(is_known_to_fit(*site.record(first), site.schema()));
    CHECK(site.roll_back().phase == "schema"); // its code does not know these tables
    check_invariants(site);
}

TEST_CASE("what fails before visitors are let in again leaves everything as it was",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    const auto stays = [&](const Outcome& outcome, Ends expected) {
        INFO(outcome.reason.en);
        CHECK(outcome.result == expected);
        CHECK(site.serves_whole("first"));
        CHECK(site.schema() == before);
        CHECK(site.running["celery.service"] == site.word_served());
        CHECK(std::distance(std::filesystem::directory_iterator(site.programs.database.parent_path()), {}) ==
              1);
        check_invariants(site);
    };
    site.programs.migration_fails = true;
    const Outcome failed = site.release(build_of("second"));
    stays(failed, Ends::refused);
    CHECK(site.record(failed.release)->state == State::bad);
    site.programs.migration_fails = false;
    site.canary_is_broken = true;
    stays(site.release(build_of("second")), Ends::refused);
    site.canary_is_broken = false;
    site.refuses_to_start = "third1"; // visitors were let in, and nobody came
    stays(site.release(build_of("third1")), Ends::rolled_back);
    site.refuses_to_start.clear();
    CHECK(site.release(build_of("fourth")).result == Ends::released);
    check_invariants(site);
}

TEST_CASE("what fails when visitors have written stays, and nothing of theirs is lost",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const Outcome outcome = site.release(build_of("broken"));
    CHECK(outcome.result == Ends::needs_human);
    CHECK(outcome.reason.en.find("without losing what was written since") != std::string::npos);
    CHECK(outcome.hint.en.find("before") != std::string::npos);
    CHECK(site.serves_whole("broken"));
    CHECK(site.running["celery.service"] == site.word_served());
    CHECK(site.record(site.served_id())->state == State::failing);
    check_invariants(site);
    const Outcome mended = site.release(build_of("mended"), k_forced);
    CHECK(mended.result == Ends::released);
    check_invariants(site);
    const Outcome back =
        site.roll_back(); // not to what is known to fail, but to what does not know these tables
    CHECK(back.result == Ends::refused);
    CHECK(back.phase == "schema");
}

TEST_CASE("a unit that does not stop ends it before anything is changed",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    const auto all = site.services.on_job;
    site.services.on_job = [&](UnitState& unit, Services::Verb verb) {
        return verb == Services::Verb::stop && unit.id == "web.service" ? JobResult{"timeout", Duration(10)}
                                                                        : all(unit, verb);
    };
    const Outcome outcome = site.release(build_of("second"));
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.phase == "fence");
    CHECK(outcome.reason.en.find("did not stop") != std::string::npos);
    CHECK(site.schema() == before);
    CHECK(site.running["celery.service"] == site.word_served());
    check_invariants(site);
}

TEST_CASE("one limit for all of the time that visitors wait, and workers may take longer to stop",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    site.longest_fence = std::chrono::seconds(20);
    const auto all = site.services.on_job;
    const Duration web_takes = std::chrono::seconds(15);
    site.services.on_job = [&](UnitState& unit, Services::Verb verb) {
        if (verb == Services::Verb::stop) {
            site.bare.clock.advance(unit.id == "web.service" ? web_takes : std::chrono::minutes(4));
        }
        return all(unit, verb);
    };
    const auto limit_of_stop = [&](const std::string& unit) {
        const auto found = std::find(site.services.jobs.begin(), site.services.jobs.end(),
                                     FakeServices::Job{unit, Services::Verb::stop});
        REQUIRE(found != site.services.jobs.end());
        return site.services.limits.at(
            static_cast<std::size_t>(std::distance(site.services.jobs.begin(), found)));
    };
    bool migrated = false;
    site.programs.on_migrate = [&] { migrated = true; };
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    CHECK(migrated);
    CHECK(limit_of_stop("celery.service") > std::chrono::minutes(4));
    CHECK(limit_of_stop("web.service") == std::chrono::seconds(20));
    CHECK(site.programs.migrate_limit == std::chrono::seconds(5)); // what is left of it
    check_invariants(site);

    FencedBackend late;
    late.longest_fence = std::chrono::seconds(20);
    const std::string before = late.schema();
    const auto late_jobs = late.services.on_job;
    late.services.on_job = [&](UnitState& unit, Services::Verb verb) {
        if (verb == Services::Verb::stop && unit.id == "web.service") {
            late.bare.clock.advance(std::chrono::seconds(20));
        }
        return late_jobs(unit, verb);
    };
    migrated = false;
    late.programs.on_migrate = [&] { migrated = true; };
    const Outcome outcome = late.release(build_of("second"));
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.phase == "migrate");
    CHECK_FALSE(migrated); // it is not even begun
    CHECK(late.schema() == before);
    CHECK(late.running["web.service"] == late.word_served());
    CHECK(late.running["celery.service"] == late.word_served());
    check_invariants(late);
}

TEST_CASE("a unit that is still stopping when visitors have waited long enough ends it",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    site.longest_fence = std::chrono::seconds(20);
    const std::string before = site.schema();
    const auto all = site.services.on_job;
    site.services.on_job = [&](UnitState& unit, Services::Verb verb) {
        return verb == Services::Verb::stop && unit.id == "web.service" ? JobResult{"no answer", Duration(10)}
                                                                        : all(unit, verb);
    };
    const Outcome outcome = site.release(build_of("second"));
    CHECK(outcome.result == Ends::refused);
    CHECK(outcome.reason.en == "web.service has not stopped within 20 s");
    CHECK(site.schema() == before);
    CHECK(site.running["web.service"] == site.word_served());
    check_invariants(site);
}

TEST_CASE("whoever starts while it is undecided lets it be, and the next recovery asks the site",
          "[transaction][backend][migrations][fence]") {
    std::optional<FencedBackend> died;
    for (std::size_t step = 1; !died; ++step) { // when visitors have written with the new release
        died.emplace();
        const std::int64_t visits = died->visits;
        died->fuse = {.length = step, .burnt = 0};
        REQUIRE(stopped_by_crash([&] { died->release(build_of("second")); }));
        died->fuse = {};
        if (!died->serves_whole("second") || died->visits <= visits + 1) {
            died.reset();
        }
    }
    FencedBackend& site = *died;
    const std::vector<Outcome> at_start = site.recover(Asking::not_now);
    REQUIRE(at_start.size() == 1);
    CHECK(at_start.front().result == Ends::needs_human);
    CHECK(at_start.front().hint.en.find("recover") != std::string::npos);
    CHECK(site.serves_whole("second"));
    site.boot();
    const std::vector<Outcome> asked = site.recover();
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().result == Ends::released);
    CHECK(site.serves_whole("second"));
    check_invariants(site);
}

TEST_CASE("a socket that is named has to keep the requests", "[transaction][backend]") {
    MadeUpSite site(Kind::backend);
    site.adopt();
    site.boot();
    const auto refused = [&](const char* words) {
        const Outcome outcome = site.release(build_of("second"));
        INFO(outcome.reason.en);
        CHECK(outcome.result == Ends::refused);
        CHECK(outcome.phase == "ready");
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK(site.serves_whole("first"));
    };
    site.socket = "other.socket";
    site.services.units["other.socket"] = running_unit("other.socket");
    refused("starts none of its units");
    site.socket = "web.socket";
    site.services.units["web.socket"].active_state = "failed";
    refused("does not listen");
    site.services.units["web.socket"].active_state = "active";
    CHECK(site.release(build_of("second")).result == Ends::released);
    check_invariants(site);
}

TEST_CASE("what passes and gives visitors more errors than before is taken back",
          "[transaction][error_share]") {
    for (const Kind kind : {Kind::frontend, Kind::backend}) {
        MadeUpSite site(kind);
        site.adopt();
        site.boot();
        site.errors = verbatim("of 80 answers 12 were errors");
        const Outcome outcome = site.release(build_of("second"));
        CHECK(outcome.result == Ends::rolled_back);
        CHECK(outcome.reason.en == "after the swap: of 80 answers 12 were errors");
        CHECK(site.serves_whole("first"));
        check_invariants(site);
        site.errors.reset();
        CHECK(site.release(build_of("third1")).result == Ends::released);
    }
}

TEST_CASE("behind the page even what only adds is applied while no code runs, and may take long",
          "[transaction][backend][migrations][fence][maintenance]") {
    MadeUpSite site(Kind::backend);
    with_migration(site);
    site.longest_fence = std::chrono::seconds(20);
    const std::string before = site.schema();
    std::string marker;
    site.programs.on_migrate = [&] {
        CHECK(site.running.empty());
        CHECK(slurp(site.maintenance_page()).find("<h1>We will be back") != std::string::npos);
        marker = slurp(site.folder / "run" / "deploy_in_progress");
        site.bare.clock.advance(std::chrono::minutes(15));
    };
    SECTION("it is released") {
        std::string afterwards;
        site.on_look = [&] {
            CHECK_FALSE(std::filesystem::exists(site.maintenance_page()));
            if (!marker.empty()) {
                afterwards = slurp(site.folder / "run" / "deploy_in_progress");
            }
        };
        const Outcome outcome = site.release(build_of("second"), k_behind_page);
        INFO(outcome.reason.en);
        CHECK(outcome.result == Ends::released);
        CHECK(outcome.warnings.empty());
        CHECK(site.programs.migrate_limit > site.longest_fence); // that of any command
        // Nothing of the site answers meanwhile, and all of it is kept back; later only what the gate asks.
        CHECK(marker.find("\"checks\"") == std::string::npos);
        CHECK(afterwards.find("\"checks\":[\"site\"]") != std::string::npos);
        CHECK(site.schema() != before);
    }
    SECTION("it fails, and is undone before anybody sees it") {
        site.canary_is_broken = true;
        CHECK(site.release(build_of("second"), k_behind_page).result == Ends::refused);
        CHECK(site.schema() == before);
        CHECK(site.serves_whole("first"));
    }
    check_invariants(site);
}

TEST_CASE("a page that visitors would not see keeps it from being begun",
          "[transaction][backend][migrations][fence][maintenance]") {
    FencedBackend site;
    const std::string before = site.schema();
    bool migrated = false;
    site.programs.on_migrate = [&] { migrated = true; };
    const auto refused = [&](const char* words) {
        const Outcome outcome = site.release(build_of("second"), k_behind_page);
        INFO(outcome.reason.en);
        CHECK(outcome.result == Ends::refused);
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK_FALSE(outcome.hint.empty());
        CHECK_FALSE(migrated);
        CHECK(site.schema() == before);
        CHECK(site.running["celery.service"] == site.word_served());
    };
    SECTION("the web server does not look for it") {
        site.hides_page = true;
        refused("would not see the maintenance page");
        check_invariants(site);
    }
    SECTION("none is configured") {
        site.has_maintenance_page = false;
        refused("names none");
        check_invariants(site);
    }
    SECTION("a person has put one there") {
        spill(site.maintenance_page(), "<p>by hand</p>");
        refused("is no page of lectio-deploy");
        CHECK(slurp(site.maintenance_page()) == "<p>by hand</p>");
    }
}

TEST_CASE("units that could run in the middle keep it from being begun",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const auto refused = [&](const char* words) { is_refused(site, words); };
    site.services.units["web.socket"].active_state = "failed";
    refused("web.service would lose requests");
    site.services.units["web.socket"].active_state = "active";
    site.services.units["celery.service"].exec_start_pre.clear();
    refused("celery.service could start in the middle");
    site.services.units["celery.service"].exec_start_pre = {
        {"/usr/local/bin/lectio-deploy", "gate", "workers"}};
    site.disk.free = 4_kB;
    refused("may be needed to put the database back");
    site.disk.free.reset();
    CHECK(site.release(build_of("second")).result == Ends::released);
}

TEST_CASE("a database with a log is put back, and gets its log again",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    site.change_database("PRAGMA journal_mode = WAL");
    const std::string before = site.schema();
    site.refuses_to_start = "second";
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::rolled_back);
    CHECK(site.schema() == before);
    CHECK(slurp(site.programs.database).substr(18, 2) == "\2\2"); // sqlite.org/fileformat2.html, 1.3.3
    check_invariants(site);
    site.refuses_to_start.clear();
    CHECK(site.release(build_of("broken")).result == Ends::needs_human); // somebody has written: it stays
    CHECK(site.serves_whole("broken"));
}

namespace {

// Somebody who is none of the site's units has the database open: a command of cron, a shell of SQLite.
class Stranger {
  public:
    explicit Stranger(const Path& database) {
        std::array<int, 2> ready{};
        REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
        m_pid = ::fork();
        if (m_pid == 0) {
            const int file = ::open(database.c_str(), O_RDONLY | O_CLOEXEC);
            [[maybe_unused]] const ssize_t told = ::write(ready[1], file >= 0 ? "1" : "0", 1);
            ::pause();
            ::_exit(0);
        }
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        REQUIRE(byte == '1');
        ::close(ready[0]);
        ::close(ready[1]);
    }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }

  private:
    pid_t m_pid = -1;
};

std::int64_t rows_in(const Path& file, const std::string& table = "lessons_lesson") {
    SystemClock clock;
    Result<Database> database =
        Database::at(file, Database::Access::read_write, clock, clock.steady() + std::chrono::minutes(1));
    return database ? database->number("SELECT count(*) FROM " + table).value_or(-1) : -1;
}

Path replaced_by(MadeUpSite& site) {
    for (const auto& each : std::filesystem::directory_iterator(site.folder / "state/deploy/snapshots")) {
        if (std::filesystem::exists(each.path() / "replaced.sqlite3")) {
            return each.path() / "replaced.sqlite3";
        }
    }
    return {};
}

// Its migrations have failed, and the database could not be put back, for somebody has had it open all the time.
struct StrandedBackend : FencedBackend {
    StrandedBackend() {
        before = schema();
        programs.migration_fails = true;
        std::optional<Stranger> stranger;
        programs.on_migrate = [&] { stranger.emplace(std::filesystem::canonical(programs.database)); };
        stranded = release(build_of("second"));
        programs.migration_fails = false;
        programs.on_migrate = {};
    }
    void somebody_writes() {
        change_database("INSERT INTO lessons_lesson (title, notes) VALUES ('meanwhile', '')");
        ++visits;
    }
    std::string before;
    Outcome stranded;
};

} // namespace

TEST_CASE("what could not be put back in time is never put back over what was written since",
          "[transaction][backend][migrations][fence]") {
    StrandedBackend site;
    INFO(site.stranded.reason.en);
    CHECK(site.stranded.result == Ends::needs_human);
    CHECK(site.stranded.waits_for_word);
    CHECK(site.stranded.reason.en.find("it is open in") != std::string::npos);
    CHECK(site.stranded.hint.en.find("--database put-back") != std::string::npos);
    CHECK(site.running["web.service"] == site.word_served()); // the site is up, as far as it can be
    CHECK(site.running["celery.service"] == site.word_served());
    CHECK(site.schema() != site.before);
    site.somebody_writes();
    for (const Asking asking : {Asking::not_now, Asking::possible, Asking::not_now}) {
        const std::vector<Outcome> asked = site.recover(asking);
        REQUIRE(asked.size() == 1);
        CHECK(asked.front().result == Ends::needs_human);
        CHECK(asked.front().waits_for_word);
        CHECK_FALSE(asked.front().keeps_units_down);
        CHECK(site.rows() == site.visits);
    }
    SECTION("a person wants the old tables") {
        const std::vector<Outcome> said = site.recover(Asking::possible, WordOnDatabase::put_back);
        REQUIRE(said.size() == 1);
        INFO(said.front().reason.en);
        CHECK(said.front().result == Ends::refused);
        CHECK(site.schema() == site.before);
        CHECK(rows_in(replaced_by(site)) == site.visits);
        const std::int64_t all = site.visits--;
        const std::string id = said.front().release;
        for (const char* word : {"third1", "fourth1", "fifth1"}) { // bad ones: of these two are kept
            site.programs.migration_fails = true;
            CHECK(site.release(build_of(word)).result == Ends::refused);
        }
        site.programs.migration_fails = false;
        CHECK_FALSE(site.record(id));
        const Path kept = site.folder / "state/deploy/snapshots" / id;
        CHECK(rows_in(kept / "replaced.sqlite3") == all);
        CHECK_FALSE(std::filesystem::exists(kept / "before.sqlite3"));
    }
    SECTION("a person wants to keep what was written") {
        const std::vector<Outcome> said = site.recover(Asking::possible, WordOnDatabase::keep);
        REQUIRE(said.size() == 1);
        INFO(said.front().reason.en);
        CHECK(said.front().result == Ends::refused);
        CHECK(site.schema() != site.before);
        CHECK(is_known_to_fit(*site.record(site.served_id()), site.schema()));
    }
    check_invariants(site);
    CHECK(site.recover().empty());
}

TEST_CASE("a person's word is carried out in spite of a crash", "[transaction][backend][migrations][fence]") {
    for (const WordOnDatabase word : {WordOnDatabase::put_back, WordOnDatabase::keep}) {
        for (std::size_t step = 1;; ++step) {
            StrandedBackend site;
            site.somebody_writes();
            site.fuse = {.length = step, .burnt = 0};
            const bool died = stopped_by_crash([&] { site.recover(Asking::possible, word); });
            site.fuse = {};
            INFO("word " << static_cast<int>(word) << ", step " << step);
            if (died) {
                const std::vector<Outcome> next = site.recover(Asking::not_now);
                site.boot();
                if (!next.empty() && next.front().waits_for_word) { // it was not begun with
                    CHECK(site.rows() == site.visits);
                    site.recover(Asking::possible, word);
                }
            }
            site.visits -= word == WordOnDatabase::put_back ? 1 : 0;
            CHECK((site.schema() == site.before) == (word == WordOnDatabase::put_back));
            check_invariants(site);
            if (!died) {
                break;
            }
        }
    }
}

TEST_CASE("whoever has the database open is waited for", "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    site.programs.migration_fails = true;
    std::optional<Stranger> stranger;
    site.programs.on_migrate = [&] { stranger.emplace(std::filesystem::canonical(site.programs.database)); };
    int tries = 0;
    site.disk.on_look = [&](const Path& name) {
        if (name.filename() == ".lectio-restore-db.sqlite3" && ++tries == 3) {
            stranger.reset();
        }
    };
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    CHECK(tries >= 3);
    CHECK(outcome.result == Ends::refused);
    CHECK(site.schema() == before);
    check_invariants(site);
}

TEST_CASE("where nothing can be written down, no code runs on tables that are half done",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    site.programs.migration_fails = true;
    std::optional<Stranger> stranger;
    site.programs.on_migrate = [&] { stranger.emplace(std::filesystem::canonical(site.programs.database)); };
    site.disk.refuses_record = "woken";
    const Outcome outcome = site.release(build_of("second"));
    CHECK(outcome.result == Ends::needs_human);
    CHECK(outcome.keeps_units_down);
    CHECK(site.running.empty());
    site.disk.refuses_record.reset();
    stranger.reset();
    CHECK(site.recover(Asking::not_now).size() == 1); // the next unit that starts
    CHECK(site.schema() == before);
    site.boot();
    check_invariants(site);
}

TEST_CASE("a database that was put back is not put back again, whatever could be written down",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    const std::string before = site.schema();
    site.programs.migration_fails = true;
    site.programs.on_migrate = [&] { site.disk.refuses_record = "restored"; };
    site.release(build_of("second"));
    CHECK(site.schema() == before);
    CHECK(site.running["web.service"] == site.word_served());
    check_invariants(site); // its end is written down, so nothing is left to do

    FencedBackend open;
    open.programs.migration_fails = true;
    open.programs.on_migrate = [&] { open.disk.refuses_record = ""; }; // no record at all
    open.release(build_of("second"));
    CHECK(open.running["web.service"] == open.word_served());
    open.change_database("INSERT INTO lessons_lesson (title, notes) VALUES ('meanwhile', '')");
    ++open.visits;
    open.disk.refuses_record.reset();
    CHECK(open.recover().size() == 1);
    CHECK(open.schema() == before);
    check_invariants(open);
}

TEST_CASE("a record that cannot be written keeps what was written in the tables",
          "[transaction][backend][migrations][fence]") {
    FencedBackend site;
    site.refuses_to_start = "second"; // visitors were let in, and nobody came
    site.disk.refuses_record = "undo";
    const Outcome outcome = site.release(build_of("second"));
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::needs_human);
    CHECK(outcome.hint.en.find("recover") != std::string::npos);
    CHECK(site.serves_whole("second"));
    site.disk.refuses_record.reset();
    REQUIRE(site.recover().size() == 1);
    CHECK(site.serves_whole("first"));
    check_invariants(site);
}

namespace {

struct WishToStop {
    WishToStop() = default;
    WishToStop(const WishToStop&) = delete;
    WishToStop& operator=(const WishToStop&) = delete;
    ~WishToStop() { request_stop_for_test(0); }
};

} // namespace

TEST_CASE("a wish to stop in the middle leaves the rest to the units' own start",
          "[transaction][backend][migrations][fence]") {
    const WishToStop wish;
    FencedBackend site;
    const std::string before = site.schema();
    site.programs.on_migrate = [] { request_stop_for_test(SIGTERM); };
    const Outcome outcome = site.release(build_of("second"));
    request_stop_for_test(0);
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::stopped);
    CHECK(outcome.previous.empty());
    CHECK(outcome.reason.en.find("put back as the units start") != std::string::npos);
    CHECK(site.services.jobs.back() == FakeServices::Job{"celery.service", Services::Verb::start});
    REQUIRE(site.journals()
                .back()
                .standing.owes_tables()); // their gate waits for this process to end, and does it
    REQUIRE(site.recover(Asking::not_now).size() == 1);
    CHECK(site.schema() == before);
    site.boot();
    CHECK(site.serves_whole("first"));
    check_invariants(site);
}

TEST_CASE("a wish to stop when visitors are back leaves the release to the next recovery",
          "[transaction][backend][migrations][fence]") {
    const WishToStop wish;
    FencedBackend site;
    site.on_look = [&] {
        if (site.serves_whole("second")) {
            request_stop_for_test(SIGTERM);
        }
    };
    const Outcome outcome = site.release(build_of("second"));
    request_stop_for_test(0);
    site.on_look = {};
    INFO(outcome.reason.en);
    CHECK(outcome.result == Ends::stopped);
    CHECK(outcome.previous.empty());
    CHECK(site.serves_whole("second"));
    CHECK(site.running["web.service"] == site.word_served());
    CHECK(site.record(outcome.release)->state == State::staged); // nobody has proven it
    const std::vector<Outcome> asked = site.recover();
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().result == Ends::released);
    check_invariants(site);
}

TEST_CASE("a unit that starts while another serves undoes nothing behind its back",
          "[transaction][backend][migrations][fence]") {
    std::optional<FencedBackend> died;
    for (std::size_t step = 1; !died; ++step) { // let in, and nobody has written yet
        died.emplace();
        const std::int64_t visits = died->visits;
        died->fuse = {.length = step, .burnt = 0};
        REQUIRE(stopped_by_crash([&] { died->release(build_of("second")); }));
        died->fuse = {};
        const std::vector<Shelf::Past> journals = died->journals();
        if (!journals.back().standing.admitted || died->visits > visits + 1 ||
            !died->serves_whole("second")) {
            died.reset();
        }
    }
    FencedBackend& site = *died;
    site.boot();
    site.services.units["web.service"].active_state = "activating"; // it waits at its gate
    const std::vector<Outcome> at_gate = site.recover(Asking::not_now);
    REQUIRE(at_gate.size() == 1);
    CHECK(at_gate.front().result == Ends::needs_human);
    CHECK(site.serves_whole("second"));
    site.services.units["celery.service"].active_state = "inactive";
    const std::vector<Outcome> alone = site.recover(Asking::not_now);
    REQUIRE(alone.size() == 1);
    CHECK(alone.front().result == Ends::rolled_back);
    CHECK(site.serves_whole("first"));
    site.boot();
    check_invariants(site);
}

namespace {

void with_reversible_migration(MadeUpSite& site) {
    with_migration(site);
    site.programs.what_it_does = "reversible";
    site.programs.is_rollback_safe = true;
}

} // namespace

TEST_CASE("what its author calls safe is taken back, and what visitors have written stays",
          "[transaction][backend][migrations][fence][reverse]") {
    MadeUpSite site(Kind::backend);
    with_reversible_migration(site);
    const std::string before = site.schema();
    SECTION("it is") {
        bool somebody_wrote = false;
        site.on_look = [&] {
            if (site.serves_whole("broken") && !somebody_wrote) {
                site.change_database("INSERT INTO app_room DEFAULT VALUES");
                somebody_wrote = true;
            }
        };
        const Outcome outcome = site.release(build_of("broken"));
        INFO(outcome.reason.en);
        CHECK(outcome.result == Ends::rolled_back);
        CHECK(site.serves_whole("first"));
        CHECK(site.schema() == before);
        CHECK(site.running["celery.service"] == site.word_served());
        CHECK(site.record(outcome.release)->state == State::bad);
        // What the way back drops with its tables and columns is there, and named.
        const Path kept =
            site.folder / "state/deploy/snapshots" / outcome.release / "replaced.before-reverse";
        CHECK(rows_in(kept / "before.sqlite3") > 0);
        CHECK(rows_in(kept / "before.sqlite3", "app_room") == 1);
        REQUIRE_FALSE(outcome.notes.empty());
        CHECK(outcome.notes.back().en.find(kept.string()) != std::string::npos);
    }
    SECTION("what the way back drops cannot be kept") {
        site.disk.refuses_folder = "replaced.before-reverse";
        const Outcome outcome = site.release(build_of("broken"));
        CHECK(outcome.result == Ends::needs_human);
        CHECK(outcome.reason.en.find("could not be taken back: no snapshot") != std::string::npos);
        CHECK(site.serves_whole("broken"));
        CHECK(site.has_column("lessons_lesson", "room"));
    }
    SECTION("its way back fails") {
        site.programs.reverse_fails = true;
        const Outcome outcome = site.release(build_of("broken"));
        CHECK(outcome.result == Ends::needs_human);
        CHECK(outcome.reason.en.find("the way back fails") != std::string::npos);
        CHECK(site.serves_whole("broken"));
        CHECK(site.record(site.served_id())->state == State::failing);
        CHECK(site.has_column("lessons_lesson", "room")); // its own code has its tables again
    }
    SECTION("its way back lies") {
        site.programs.reverse_lies = true;
        const Outcome outcome = site.release(build_of("broken"));
        CHECK(outcome.result == Ends::needs_human);
        CHECK(outcome.reason.en.find("not what they were before") != std::string::npos);
        CHECK(site.serves_whole("broken"));
        CHECK(site.has_column("lessons_lesson", "room"));
    }
    SECTION("it loses something, whatever its author says") {
        site.programs.what_it_does = "lossy";
        CHECK(site.release(build_of("broken")).result == Ends::needs_human);
        CHECK(site.serves_whole("broken"));
    }
    SECTION("nothing can be written down") {
        site.disk.refuses_record = "reverse";
        CHECK(site.release(build_of("broken")).result == Ends::needs_human);
        CHECK(site.serves_whole("broken"));
        site.disk.refuses_record.reset();
        REQUIRE(site.recover().size() == 1);
        CHECK(site.serves_whole("first"));
        CHECK(site.schema() == before);
    }
    check_invariants(site);
}

// ── back with the database ──────────────────────────────────────────────────────────────────────────────

namespace {

const Wishes k_with_database{.by = "olga", .restores_database = true, .accepts_loss = std::chrono::hours(1)};
const Wishes k_without_word{.by = "olga", .restores_database = true};

// Served by "second", whose migration has lost a column. A rollback takes rows from the site, and these alone: what was
// written until it put the earlier database in its place.
void with_way_back(MadeUpSite& site) {
    with_lossy_migration(site);
    std::int64_t then = 0;
    site.programs.on_migrate = [&] { then = site.rows(); };
    REQUIRE(site.release(build_of("second")).result == Ends::released);
    site.programs.on_migrate = {};
    site.disk.on_moved = [&site, then, lost = std::int64_t{0}](const Path& from) mutable {
        if (from.filename() != ".lectio-restore-db.sqlite3") {
            return;
        }
        if (lost == 0 && site.rows() == then) {
            lost = site.visits - then;
            site.visits = then;
        } else { // undone: all of it is there again, and nobody was to be let in meanwhile
            site.visits += lost;
            lost = 0;
        }
    };
}

struct WayBack : MadeUpSite {
    WayBack() : MadeUpSite(Kind::backend) {
        with_way_back(*this);
        first = releases().front().id;
        second = served_id();
        after = schema();
        bare.clock.advance(std::chrono::minutes(20));
    }
    [[nodiscard]] Path kept(const Outcome& outcome, const char* name) {
        CHECK(outcome.result == Ends::released);
        return folder / "state/deploy/snapshots" / journals().back().id / name;
    }
    void is_refused(const Wishes& wishes, const char* phase, const char* words, const std::string& hint) {
        const std::size_t jobs = services.jobs.size();
        const Outcome outcome = roll_back(std::nullopt, wishes);
        INFO(outcome.reason.en << "; " << outcome.hint.en);
        CHECK(outcome.result == Ends::refused);
        CHECK(outcome.phase == phase);
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK(outcome.hint.en.find(hint) != std::string::npos);
        CHECK(services.jobs.size() == jobs);
        CHECK(serves_whole("second"));
        CHECK(schema() == after);
        check_invariants(*this);
    }
    std::string first, second, after;
};

} // namespace

TEST_CASE("a rollback across migrations says what it would lose, and goes with the word for it",
          "[transaction][backend][migrations][earlier]") {
    WayBack site;
    const std::string line = "rollback backend --to " + site.first + " --restore-db --accept-data-loss=";
    site.is_refused({}, "schema", "has been changed since", line + "23m");
    site.is_refused(k_without_word, "database", "goes back to", line + "23m");
    site.is_refused(k_without_word, "database", "; rows then and now: lessons_lesson 1 → ", "");
    // When, as the operator's clocks show it.
    CHECK_THAT(site.roll_back(std::nullopt, k_without_word).reason.en,
               Catch::Matches(".* 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d[^Z].*"));
    Wishes less = k_with_database;
    less.accepts_loss = std::chrono::minutes(19);
    site.is_refused(less, "database", "more than the 19 m that you accept", line);

    const std::int64_t all = site.rows();
    bool was_held = false;
    site.programs.on_migrate = [] { FAIL("nothing is migrated"); };
    const auto counts = site.disk.on_moved;
    site.disk.on_moved = [&](const Path& from) {
        was_held = was_held || (from.filename() == ".lectio-restore-db.sqlite3" && site.running.empty());
        counts(from);
    };
    const Outcome back = site.roll_back(std::nullopt, k_with_database);
    INFO(back.reason.en << "; " << back.hint.en);
    REQUIRE(back.result == Ends::released);
    CHECK(was_held);
    CHECK(std::count(site.told.begin(), site.told.end(),
                     "trying the code of " + site.first + " on a private socket") == 1);
    CHECK(back.warnings.empty());
    CHECK(site.serves_whole("first"));
    CHECK(site.record(site.second)->state == State::withdrawn);
    CHECK(site.schema() != site.after);
    CHECK(site.running["celery.service"] == site.word_served());
    check_invariants(site);
    // What was written since is there, twice: as a snapshot that was proven, and as the file that it was.
    CHECK(rows_in(site.kept(back, "before.sqlite3")) > all);
    CHECK(rows_in(site.kept(back, "left.sqlite3")) == rows_in(site.kept(back, "before.sqlite3")));
    // What nothing removes is found with its size; a snapshot that goes with its release is not.
    const Path of_rollback = site.kept(back, "").parent_path();
    Shelf shelf(site.files, site.disk,
                {site.served(), site.served().parent_path() / ".lectio-releases",
                 site.folder / "state/deploy", Kind::backend});
    const std::vector<Shelf::LeftToAPerson> left_to_you = shelf.left_to_a_person().value();
    REQUIRE(left_to_you.size() == 1);
    CHECK(left_to_you.front().path == of_rollback);
    std::uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(of_rollback)) {
        bytes += file.file_size();
    }
    CHECK(left_to_you.front().size == Bytes{bytes});
    spill(of_rollback.parent_path() / site.second / "replaced.sqlite3-wal", "seven b");
    REQUIRE(shelf.left_to_a_person()->size() == 2);
    CHECK(shelf.left_to_a_person()->front().path.filename() == "replaced.sqlite3-wal");
    CHECK(shelf.left_to_a_person()->front().size == 7_B);
    std::filesystem::remove(of_rollback.parent_path() / site.second / "replaced.sqlite3-wal");
    const std::string notes = back.notes.empty() ? "" : back.notes.back().en;
    CHECK(notes.find(site.kept(back, "").parent_path().string()) != std::string::npos);

    // And it comes back the same way.
    const std::int64_t left = rows_in(site.kept(back, "left.sqlite3"));
    site.disk.on_moved = [&](const Path& from) {
        site.visits = from.filename() == ".lectio-restore-db.sqlite3" ? left : site.visits;
    };
    CHECK(site.roll_back(site.second).phase == "schema");
    const Outcome again = site.roll_back(site.second, k_with_database);
    INFO(again.reason.en << "; " << again.hint.en);
    CHECK(again.result == Ends::released);
    CHECK(site.serves_whole("second"));
    CHECK(site.schema() == site.after);
    check_invariants(site);
}

TEST_CASE("the way back with the database is refused where nothing is in the way",
          "[transaction][backend][migrations][earlier]") {
    MigratedBackend adds;
    REQUIRE(adds.release(build_of("second")).result == Ends::released);
    const Outcome outcome = adds.roll_back(std::nullopt, k_with_database);
    CHECK(outcome.phase == "database");
    CHECK(outcome.hint.en == "leave out --restore-db");
    CHECK(adds.roll_back().result == Ends::released);
    check_invariants(adds);
}

TEST_CASE("the way back with the database is refused where it cannot be gone",
          "[transaction][backend][migrations][earlier]") {
    WayBack site;
    const Path snapshot = site.folder / "state/deploy/snapshots" / site.second;
    SECTION("the snapshot is gone") {
        std::filesystem::remove_all(snapshot);
        site.is_refused({}, "schema", "has been changed since",
                        "no whole snapshot with which it ran is kept");
        site.is_refused(k_with_database, "database", "has been changed since",
                        "no whole snapshot with which it ran");
    }
    SECTION("the snapshot is damaged") {
        std::string bytes = slurp(snapshot / "before.sqlite3");
        bytes[bytes.size() / 2] ^= 1;
        spill(snapshot / "before.sqlite3", bytes);
        for (const auto& [wishes, phase] : {std::pair{Wishes{}, "schema"}, {k_with_database, "database"}}) {
            site.is_refused(wishes, phase, "cannot be used any more: its bytes have changed",
                            "no whole snapshot");
        }
    }
    SECTION("only what a person may still want of it is there") { // as retention leaves it
        std::filesystem::rename(snapshot / "before.sqlite3", snapshot / "replaced.sqlite3");
        std::filesystem::remove(snapshot / "before.sqlite3.json");
        site.is_refused({}, "schema", "has been changed since", "no whole snapshot");
    }
    SECTION("the snapshot is another one than its facts say") {
        std::string facts = slurp(snapshot / "before.sqlite3.json");
        const std::size_t rows = facts.find("\"lessons_lesson\": 1");
        REQUIRE(rows != std::string::npos);
        facts.replace(rows, 19, "\"lessons_lesson\": 7");
        spill(snapshot / "before.sqlite3.json", facts);
        site.is_refused(k_with_database, "database", "could not take the database's place", "choose another");
    }
    SECTION("there is no room") {
        site.disk.free = 3_kB;
        site.is_refused(k_with_database, "database", "may be needed to put the database back", "");
    }
    SECTION("units could start in the middle") {
        site.services.units["web.service"].exec_start_pre.clear();
        site.is_refused(k_with_database, "database", "web.service would lose requests", "");
    }
    SECTION("another database is configured") {
        site.database_key = "sqlite:" + (site.folder / "elsewhere").string();
        std::filesystem::copy_file(site.programs.database, site.folder / "elsewhere");
        site.is_refused(k_with_database, "database", "leads to another database", "");
    }
    SECTION("the clock is wrong") {
        site.bare.clock.jump_wall(-std::chrono::hours(24));
        site.is_refused(k_with_database, "database", "nobody can say how much is lost",
                        "set the clock right");
        site.is_refused({}, "schema", "nobody can say how much is lost", "set the clock right");
    }
}

TEST_CASE("a hundred deploys later it is still known what a release cannot go back across",
          "[transaction][backend][migrations][earlier]") {
    WayBack site;
    std::size_t most = 0;
    for (int i = 0; i < 105; ++i) {
        CHECK(site.roll_back("be-of-nobody").result == Ends::refused);
        most = std::max(most, site.journals().size());
    }
    CHECK(most <= 103); // what nothing depends on goes
    CHECK(site.roll_back(site.first).hint.en.find("--accept-data-loss") != std::string::npos);
}

TEST_CASE("a snapshot that is damaged does not hide an older one that is whole",
          "[transaction][backend][migrations][earlier]") {
    FencedBackend site;
    const std::string migration = std::exchange(site.programs.pending, "");
    const std::string first = site.served_id(), before = site.schema();
    REQUIRE(site.release(build_of("middle")).result == Ends::released);
    site.programs.pending = migration;
    site.programs.migration_fails = true; // its snapshot stays as evidence
    const std::string older = site.release(build_of("broken")).release;
    site.programs.migration_fails = false;
    site.bare.clock.advance(std::chrono::minutes(10));
    const std::string newer = site.release(build_of("second")).release;
    site.bare.clock.advance(std::chrono::minutes(10));
    const Path snapshots = site.folder / "state/deploy/snapshots";
    SECTION("it was cut short") {
        spill(snapshots / newer / "before.sqlite3", "SQLite");
        CHECK(site.roll_back(first, k_without_word)
                  .reason.en.find(newer + " cannot be used any more: it has 6 bytes") != std::string::npos);
    }
    SECTION("it is gone, and its folder is not") {
        std::filesystem::remove(snapshots / newer / "before.sqlite3");
        CHECK(site.roll_back(first, k_without_word).reason.en.find(newer) == std::string::npos);
    }
    CHECK(site.roll_back(first).hint.en.find("--accept-data-loss=23m") != std::string::npos);
    site.disk.on_moved = [&](const Path& from) { // what was written since is lost to the site
        site.visits = from.filename() == ".lectio-restore-db.sqlite3" ? site.rows() : site.visits;
    };
    const Outcome back = site.roll_back(first, k_with_database);
    INFO(back.reason.en << "; " << back.hint.en);
    CHECK(back.result == Ends::released);
    CHECK(site.schema() == before);
    CHECK(rows_in(snapshots / older / "before.sqlite3") <= site.rows());
    check_invariants(site);
}

TEST_CASE("a way back with the database that fails before visitors are let in leaves everything as it was",
          "[transaction][backend][migrations][earlier]") {
    WayBack site;
    const auto stays = [&](const Outcome& outcome, Ends expected, const char* words) {
        INFO(outcome.reason.en << "; " << outcome.hint.en);
        CHECK(outcome.result == expected);
        CHECK(outcome.reason.en.find(words) != std::string::npos);
        CHECK(site.serves_whole("second"));
        CHECK(site.schema() == site.after);
        CHECK(site.running["celery.service"] == site.word_served());
        check_invariants(site);
    };
    site.canary_is_broken = true;
    const std::string names_old = "the code of " + site.first + " does not work";
    stays(site.roll_back(std::nullopt, k_with_database), Ends::refused, names_old.c_str());
    site.canary_is_broken = false;
    site.refuses_to_start = "first";
    stays(site.roll_back(std::nullopt, k_with_database), Ends::rolled_back, "did not start");
    site.refuses_to_start.clear();
    for (const char* mark : {"snapshot", "migrate", "migrated", "swap", "admit"}) {
        INFO(mark);
        site.disk.refuses_record = mark; // the disk is full
        stays(site.roll_back(std::nullopt, k_with_database),
              std::string_view(mark) == "admit" ? Ends::rolled_back : Ends::refused, "No space left");
        site.disk.refuses_record.reset();
    }
    {
        const Stranger stranger(std::filesystem::canonical(site.programs.database)); // psql of olga's
        stays(site.roll_back(std::nullopt, k_with_database), Ends::refused, "it is open in");
    }
}

TEST_CASE("a real Django: what adds is applied, what does more and fails is undone",
          "[transaction][backend][migrations][django]") {
    if (python_with_django().empty()) {
        WARN("no Django on this machine: skipped");
        return;
    }
    const auto build = [](const std::string& word, const std::map<std::string, MadeUpMigration>& migrations) {
        Build files = build_of(word);
        for (const auto& [path, content] : django_project("data/db.sqlite3", migrations)) {
            files[path] = content;
        }
        return files;
    };
    std::map<std::string, MadeUpMigration> migrations;
    MadeUpSite site(Kind::backend);
    site.programs.asks_django = true;
    site.use_database();
    site.change_database("DROP TABLE lessons_lesson");
    for (const auto& [path, content] : build("first", migrations)) {
        std::filesystem::create_directories((site.served() / path).parent_path());
        spill(site.served() / path, content);
    }
    ProcessRequest request;
    request.command = {"python", "manage.py", "migrate"};
    request.folder = site.served().string();
    request.timeout = std::chrono::minutes(2);
    REQUIRE(site.programs.run(request)->exit_status == 0);
    site.adopt();
    site.boot();

    migrations["0002_room"] = {"migrations.AddField('lesson', 'room', models.TextField(null=True))"};
    const Outcome adds = site.release(build("second", migrations));
    INFO(adds.reason.en);
    REQUIRE(adds.result == Ends::released);
    CHECK(adds.notes.front().en.find("lessons.0002_room") != std::string::npos);
    check_invariants(site);
    CHECK(site.roll_back().result == Ends::released);
    CHECK(site.serves_whole("first"));
    check_invariants(site);

    const std::string before = site.schema();
    for (const char* operation : {"migrations.RemoveField('lesson', 'notes')",
                                  "migrations.AddField('lesson', 'level', models.IntegerField(default=0))",
                                  "migrations.RunSQL('DELETE FROM lessons_lesson')"}) {
        auto worse = migrations;
        worse["0003_worse"] = {operation};
        INFO(operation);
        site.canary_is_broken = true;
        const Outcome refused = site.release(build("third1", worse));
        CHECK(refused.result == Ends::refused);
        CHECK(refused.phase == "migrate");
        site.canary_is_broken = false;
        CHECK(site.schema() == before);
        check_invariants(site);
        worse["0004_fails"] = {"migrations.RunSQL('DELETE FROM no_such')"};
        const Outcome fails = site.release(build("third1", worse));
        CHECK(fails.result == Ends::refused);
        INFO(fails.reason.en);
        CHECK(fails.reason.en.find("no such table: no_such") != std::string::npos);
        CHECK(site.schema() == before);
        check_invariants(site);
    }
    auto safe = migrations;
    safe["0003_index"] = {
        "migrations.RunSQL('CREATE INDEX by_title ON lessons_lesson (title)', 'DROP INDEX by_title')",
        "rollback_safe = True"};
    const Outcome taken_back = site.release(build("broken", safe)); // visitors have written by then
    INFO(taken_back.reason.en);
    CHECK(taken_back.result == Ends::rolled_back);
    CHECK(site.schema() == before);
    check_invariants(site);
    // A table that Django has written anew is not the same to the letter afterwards: that is a person's.
    safe.erase("0003_index");
    safe["0003_wider"] = {"migrations.AlterField('lesson', 'title', models.CharField(max_length=80))",
                          "rollback_safe = True"};
    CHECK(site.release(build("broken", safe)).result == Ends::needs_human);
    CHECK(site.schema() != before);
    check_invariants(site);
    CHECK(site.roll_back().phase == "schema");
    CHECK(site.roll_back(std::nullopt, {.by = "olga", .restores_database = true}).phase == "database");
    const std::int64_t rows = site.rows();
    const Outcome with_data = site.roll_back(
        std::nullopt, {.by = "olga", .restores_database = true, .accepts_loss = std::chrono::hours(1)});
    INFO(with_data.reason.en << "; " << with_data.hint.en);
    CHECK(with_data.result == Ends::released);
    CHECK(site.schema() == before);
    CHECK(site.rows() < rows);
    site.visits = site.rows();
    check_invariants(site);
    migrations["0003_where"] = {"migrations.AddField('lesson', 'where', models.TextField(null=True))"};
    migrations["0004_when"] = {
        "migrations.CreateModel('When', [('id', models.AutoField(primary_key=True))])"};
    site.change_database("CREATE TABLE lessons_when (x)"); // by hand
    const Outcome fails = site.release(build("fourth", migrations));
    CHECK(fails.result == Ends::refused);
    CHECK(fails.reason.en.find("\"lessons_when\" already exists") != std::string::npos);
    CHECK(site.serves_whole("first"));
    check_invariants(site);
    site.change_database("DROP TABLE lessons_when");
    CHECK(site.release(build("broken", migrations)).result == Ends::rolled_back);
    check_invariants(site);
    CHECK(site.release(build("fifth", migrations)).result == Ends::released);
    CHECK(site.serves_whole("fifth"));
    check_invariants(site);
}

// ── both together ───────────────────────────────────────────────────────────────────────────────────────

namespace {

void with_frontend(MadeUpSite& site) {
    site.add_frontend();
    site.adopt();
    site.boot();
}

struct WholeSite : MadeUpSite {
    WholeSite() : MadeUpSite(Kind::backend) { with_frontend(*this); }
};

Outcome release_whole(MadeUpSite& site, const std::string& word) {
    return site.release_both(build_of(word), build_of(word));
}

bool serves_both(const MadeUpSite& site, const std::string& word) {
    return site.serves_whole(word, Kind::backend) && site.serves_whole(word, Kind::frontend);
}

} // namespace

TEST_CASE("code and frontend are released as one", "[transaction][both]") {
    WholeSite site;
    const Outcome outcome = release_whole(site, "second");
    INFO(outcome.reason.en);
    REQUIRE(outcome.result == Ends::released);
    CHECK(outcome.release == site.served_id(Kind::backend));
    CHECK(outcome.with == site.served_id(Kind::frontend));
    CHECK(site.record(outcome.previous_with)->adopted);
    CHECK(serves_both(site, "second"));
    check_invariants(site);
    for (const Shelf::Past& past : site.journals()) {
        if (past.id == outcome.release || past.id == outcome.with) {
            CHECK(past.standing.committed);
            CHECK(outcome_of(*past.standing.end).result == Ends::released);
        }
    }
    CHECK(release_whole(site, "third1").result == Ends::released);
    CHECK(site.release(build_of("fourth")).result == Ends::released); // one alone, as before
    CHECK(site.serves_whole("third1", Kind::frontend));
}

TEST_CASE("where one of the two fails neither is served", "[transaction][both]") {
    WholeSite site;
    REQUIRE(release_whole(site, "second").result == Ends::released);
    const auto stays = [&](const Outcome& outcome, Ends expected) {
        INFO(outcome.reason.en);
        CHECK(outcome.result == expected);
        CHECK(serves_both(site, "second"));
        check_invariants(site);
    };
    stays(site.release_both(build_of("third1"), build_of("broken")), Ends::rolled_back);
    CHECK(site.releases(Kind::frontend).back().state == State::bad);
    CHECK(site.releases(Kind::backend).back().state == State::bad);
    stays(site.release_both(build_of("broken"), build_of("third1")), Ends::rolled_back);
    site.refuses_to_start = "third1";
    stays(release_whole(site, "third1"), Ends::rolled_back);
    site.refuses_to_start.clear();
    site.programs.fails = "check";
    stays(release_whole(site, "third1"), Ends::refused);
    site.programs.fails.clear();
    site.flaws = {{Flaw::Weight::refuse, verbatim("a script is missing")}};
    const Outcome flawed = release_whole(site, "third1");
    CHECK(flawed.phase == "build");
    stays(flawed, Ends::refused);
    site.flaws.clear();
    spill(site.served(Kind::frontend) / "index.html", site.page(Kind::frontend) + "<!-- hot fix -->");
    CHECK(release_whole(site, "third1").phase == "drift");
    CHECK(site.release_both(build_of("third1"), build_of("third1"), k_forced).result == Ends::released);
    CHECK(serves_both(site, "third1"));
    site.always_red = true;
    CHECK(release_whole(site, "fourth").result == Ends::needs_human);
    CHECK(serves_both(site, "third1"));
    check_invariants(site);
}

TEST_CASE("a link of the two that cannot be laid back is laid by the next recovery", "[transaction][both]") {
    WholeSite site;
    REQUIRE(release_whole(site, "second").result == Ends::released);
    const std::size_t before = site.journals().size();
    site.fails_on = "third1";
    site.on_look = [&] { // the frontend's, each attempt
        site.disk.refuse_point = site.serves_whole("third1", Kind::frontend) ? 3 : 0;
    };
    const Outcome outcome = release_whole(site, "third1");
    CHECK(outcome.result == Ends::needs_human);
    CHECK(site.serves_whole("second", Kind::backend));
    CHECK(site.serves_whole("third1", Kind::frontend));
    site.on_look = {};
    site.disk.refuse_point = 0;
    CHECK(site.recover().size() == 1);
    CHECK(serves_both(site, "second"));
    CHECK(site.journals().size() == before + 2);
    check_invariants(site);
}

TEST_CASE("without the configuration of the other nothing that belongs to both is decided",
          "[transaction][both]") {
    WholeSite site;
    REQUIRE(release_whole(site, "second").result == Ends::released);
    for (std::size_t step = 1; site.serves_whole("second", Kind::frontend); ++step) {
        site.recover();
        site.fuse = {.length = step, .burnt = 0};
        REQUIRE(stopped_by_crash([&] { release_whole(site, "third1"); }));
        site.fuse = {};
    }
    site.forget_frontend();
    const std::vector<Outcome> alone = site.recover();
    REQUIRE(alone.size() == 1);
    CHECK(alone.front().result == Ends::needs_human);
    CHECK(alone.front().reason.en.find("came together with fe-") != std::string::npos);
    site.add_frontend();
    CHECK(site.recover().size() == 1);
    CHECK((serves_both(site, "second") || serves_both(site, "third1")));
    check_invariants(site);
}

// ── dying ───────────────────────────────────────────────────────────────────────────────────────────────

namespace {

struct Scene {
    const char* name;
    Kind kind;
    std::function<void(MadeUpSite&)> before;
    std::function<void(MadeUpSite&)> dies;
    std::vector<const char*> served; // any of these, whole, is right afterwards
    std::size_t sparse = 1;          // of the steps at which it is killed twice
};

void adopted(MadeUpSite& site) {
    site.adopt();
    site.boot();
}

const std::vector<Scene>& scenes() {
    static const std::vector<Scene> all{
        {"the first release, good",
         Kind::frontend,
         [](MadeUpSite&) {},
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first", "second"}},
        {"the first release, broken",
         Kind::frontend,
         [](MadeUpSite&) {},
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"first"}},
        {"a good one",
         Kind::frontend,
         [](MadeUpSite& site) { site.release(build_of("second")); },
         [](MadeUpSite& site) { site.release(build_of("third1")); },
         {"second", "third1"}},
        {"a broken one",
         Kind::frontend,
         [](MadeUpSite& site) { site.release(build_of("second")); },
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"second"}},
        {"a rollback",
         Kind::frontend,
         [](MadeUpSite& site) {
             site.release(build_of("second"));
             site.release(build_of("third1"));
         },
         [](MadeUpSite& site) { site.roll_back(); },
         {"second", "third1"}},
        {"adopting", Kind::frontend, [](MadeUpSite&) {}, [](MadeUpSite& site) { site.adopt(); }, {"first"}},
        {"giving the folder back",
         Kind::frontend,
         [](MadeUpSite& site) { site.adopt(); },
         [](MadeUpSite& site) { site.abandon(); },
         {"first"}},
        {"a good backend",
         Kind::backend,
         adopted,
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first", "second"}},
        {"a broken backend",
         Kind::backend,
         [](MadeUpSite& site) {
             adopted(site);
             site.release(build_of("second"));
         },
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"second"}},
        {"a rollback of a backend",
         Kind::backend,
         [](MadeUpSite& site) {
             adopted(site);
             site.release(build_of("second"));
         },
         [](MadeUpSite& site) { site.roll_back(); },
         {"first", "second"}},
        {"a good backend with a migration",
         Kind::backend,
         with_migration,
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first", "second"}},
        {"a broken backend with a migration",
         Kind::backend,
         with_migration,
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"first"}},
        {"a migration that fails in the middle",
         Kind::backend,
         [](MadeUpSite& site) {
             with_migration(site);
             site.programs.migration_fails = true;
         },
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first"}},
        {"both, good",
         Kind::backend,
         with_frontend,
         [](MadeUpSite& site) { release_whole(site, "second"); },
         {"first", "second"},
         2},
        {"both, the frontend broken",
         Kind::backend,
         [](MadeUpSite& site) {
             with_frontend(site);
             release_whole(site, "second");
         },
         [](MadeUpSite& site) { site.release_both(build_of("third1"), build_of("broken")); },
         {"second"},
         2},
        {"both, with a migration and code that is broken",
         Kind::backend,
         [](MadeUpSite& site) {
             site.add_frontend();
             with_migration(site);
         },
         [](MadeUpSite& site) { site.release_both(build_of("broken"), build_of("second")); },
         {"first"},
         3},
        {"a good backend with a migration that loses",
         Kind::backend,
         with_lossy_migration,
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first", "second"}},
        {"a broken backend with a migration that loses",
         Kind::backend,
         with_lossy_migration,
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"first", "broken"}, // as soon as somebody has written it stays
         2},
        {"a migration that loses and fails in the middle",
         Kind::backend,
         [](MadeUpSite& site) {
             with_lossy_migration(site);
             site.programs.migration_fails = true;
         },
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first"},
         2},
        {"a migration that loses, with code that does not start",
         Kind::backend,
         [](MadeUpSite& site) {
             with_lossy_migration(site);
             site.refuses_to_start = "second";
         },
         [](MadeUpSite& site) { site.release(build_of("second")); },
         {"first"},
         2},
        {"a migration behind the page, with code that does not start",
         Kind::backend,
         [](MadeUpSite& site) {
             with_migration(site);
             site.refuses_to_start = "second";
         },
         [](MadeUpSite& site) { site.release(build_of("second"), k_behind_page); },
         {"first"},
         3},
        {"a migration that can be taken back, with code that fails",
         Kind::backend,
         with_reversible_migration,
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"first"},
         2},
        {"a migration that cannot be taken back after all",
         Kind::backend,
         [](MadeUpSite& site) {
             with_reversible_migration(site);
             site.programs.reverse_fails = true;
         },
         [](MadeUpSite& site) { site.release(build_of("broken")); },
         {"first", "broken"}, // the former as long as nobody has written
         2},
        {"a rollback with the database",
         Kind::backend,
         with_way_back,
         [](MadeUpSite& site) { site.roll_back(std::nullopt, k_with_database); },
         {"first", "second"}},
        {"a rollback with the database, to code that does not start",
         Kind::backend,
         [](MadeUpSite& site) {
             with_way_back(site);
             site.refuses_to_start = "first";
         },
         [](MadeUpSite& site) { site.roll_back(std::nullopt, k_with_database); },
         {"second"},
         2},
        {"a rollback with the database, to code that fails",
         Kind::backend,
         [](MadeUpSite& site) {
             with_way_back(site);
             site.fails_on = "first";
         },
         [](MadeUpSite& site) { site.roll_back(std::nullopt, k_with_database); },
         {"first", "second"}, // as soon as somebody has written it stays
         2},
        {"adopting a backend",
         Kind::backend,
         [](MadeUpSite& site) { site.boot(); },
         [](MadeUpSite& site) { site.adopt(); },
         {"first"}},
        {"giving the folder of a backend back",
         Kind::backend,
         adopted,
         [](MadeUpSite& site) { site.abandon(); },
         {"first"}},
    };
    return all;
}

void check_served(MadeUpSite& site, const Scene& scene) {
    const bool right = std::any_of(scene.served.begin(), scene.served.end(), [&](const char* word) {
        return site.serves_whole(word) && (site.kinds().size() == 1 || serves_both(site, word));
    });
    INFO(site.page());
    CHECK(right);
}

} // namespace

TEST_CASE("killed at any step and taken up again: one whole release, nothing half done",
          "[transaction][crash]") {
    for (const Scene& scene : scenes()) {
        std::size_t steps = 0;
        for (std::size_t step = 1;; ++step) {
            MadeUpSite site(scene.kind);
            scene.before(site);
            site.fuse = {.length = step, .burnt = 0};
            const bool died = stopped_by_crash([&] { scene.dies(site); });
            site.fuse = {};
            INFO(scene.name << ", step " << step);
            const Asking asking = step % 2 == 0 ? Asking::possible : Asking::not_now;
            if (died && asking == Asking::not_now) {
                site.power_cut();
            }
            const std::vector<Outcome> outcomes = site.recover(asking);
            if (died && asking == Asking::not_now) {
                site.boot();
                if (std::any_of(outcomes.begin(), outcomes.end(),
                                [](const Outcome& outcome) { return outcome.result == Ends::needs_human; })) {
                    site.recover(); // what only the site can tell
                }
            }
            CHECK(outcomes.size() <= 1);
            check_served(site, scene);
            check_invariants(site);
            // The next deploy finds a site like any other.
            if (step % 5 == 0 && (scene.kind == Kind::frontend || !site.served_id().empty())) {
                site.programs.migration_fails = false;
                const bool both = site.kinds().size() > 1;
                const bool stays_red = site.serves_whole(site.fails_on);
                const Outcome next = both ? release_whole(site, "later1")
                                          : site.release(build_of("later1"), stays_red ? k_forced : Wishes{});
                CHECK(next.result == Ends::released);
                CHECK(site.serves_whole("later1"));
                check_invariants(site);
            }
            if (!died) {
                break;
            }
            ++steps;
        }
        CHECK(steps > 15);
    }
}

TEST_CASE("killed again while it is taken up", "[transaction][crash]") {
    for (const Scene& scene : scenes()) {
        const std::size_t stride =
            scene.sparse * (scene.kind == Kind::backend ? 4 : 1); // of the same steps, with more on each side
        for (std::size_t step = 1; step < 200; step += 5 * stride) {
            for (std::size_t again = 1;; again += 2 * stride) {
                MadeUpSite site(scene.kind);
                scene.before(site);
                site.fuse = {.length = step, .burnt = 0};
                const bool died = stopped_by_crash([&] { scene.dies(site); });
                site.fuse = {.length = again, .burnt = 0};
                const bool died_again = died && stopped_by_crash([&] { site.recover(); });
                site.fuse = {};
                INFO(scene.name << ", step " << step << ", then " << again);
                site.recover();
                check_served(site, scene);
                check_invariants(site);
                if (!died_again) {
                    step = died ? step : 1000;
                    break;
                }
            }
        }
    }
}
