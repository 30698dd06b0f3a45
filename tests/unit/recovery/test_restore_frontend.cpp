#include "config/schema.h"
#include "faulty_calls.h"
#include "recovery/all_actions.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Kind = Readiness::Kind;

const std::string k_page = R"(<!doctype html><link href="/static/css/main.1.css" rel="stylesheet">)"
                           R"(<script src="/static/js/main.1.js"></script><div id="root"></div>)";

void write_build(const Path& folder, const std::string& content) {
    fs::create_directories(folder / "static/js");
    fs::create_directories(folder / "static/css");
    spill(folder / "index.html", k_page);
    spill(folder / "static/js/main.1.js", content);
    spill(folder / "static/css/main.1.css", content);
}

// How long ago the build was made.
void set_age(const Path& folder, std::chrono::hours age) {
    fs::last_write_time(folder / "index.html", fs::file_time_type::clock::now() - age);
}

mode_t mode_of(const Path& path) {
    return static_cast<mode_t>(fs::status(path).permissions());
}

Member member(const std::string& key, Node::Value value) {
    return Member{key, {}, {Node(std::move(value), {})}};
}

Node::Value texts(const std::vector<std::string>& items) {
    Node::Array array;
    for (const std::string& item : items) {
        array.emplace_back(item, Position{});
    }
    return array;
}

// As the configuration would make it; null: it is refused.
std::unique_ptr<Action> restore(const Path& path, const std::vector<std::string>& from,
                                const std::string& url = "") {
    const ActionType* type = find_action_type("restore-frontend");
    REQUIRE(type != nullptr);
    const std::shared_ptr<void> settings = type->schema().make();
    Problems problems;
    Reading reading{problems, {}};
    const Target target{&type->schema(), settings.get()};
    const Node::Table table{member("path", path.string()), member("from", texts(from)), member("url", url)};
    read_table(Node(table, {}), {&target, 1}, reading);
    return problems.has_errors() ? nullptr : type->make(settings.get());
}

// A site whose build has lost its script, and a whole copy of it.
struct Site {
    TempFolder folder;
    Path build = folder / "build";
    BareWorld bare;
    ActionContext context{bare.world, bare.clock.steady() + 1h, {}};

    Site() {
        ::chmod(folder.path().c_str(), 0755);
        write_build(build, "broken");
        fs::remove(build / "static/js/main.1.js");
        write_build(folder / "build_old", "old");
    }
    [[nodiscard]] std::unique_ptr<Action> action() const {
        return restore(build, {(folder / "build_old").string(), (folder / "build_tmp_*").string()});
    }
    // Of the style that is served: "broken", "old", …; empty: no build is there.
    [[nodiscard]] std::string serves() const {
        const Path style = build / "static/css/main.1.css";
        return fs::exists(style) ? slurp(style) : std::string();
    }
    [[nodiscard]] bool is_whole() const {
        return serves() == "old" && fs::exists(build / "static/js/main.1.js");
    }
    [[nodiscard]] std::vector<Path> beside(const std::string& part) const {
        std::vector<Path> found;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) {
            if (entry.path().filename().string().find(part) != std::string::npos) {
                found.push_back(entry.path());
            }
        }
        return found;
    }
    // Is the build that was broken still somewhere?
    [[nodiscard]] bool keeps_the_broken() const {
        const auto holds = [](const Path& path) {
            return fs::exists(path / "static/css/main.1.css") &&
                   slurp(path / "static/css/main.1.css") == "broken";
        };
        const std::vector<Path> all = beside("build");
        return std::any_of(all.begin(), all.end(), holds);
    }
};

} // namespace

TEST_CASE("restore-frontend: the newest whole copy takes the place, the broken build is kept", "[restore]") {
    Site site;
    write_build(site.folder / "build_tmp_1", "older");
    write_build(site.folder / "build_tmp_2", "newest, but not whole");
    set_age(site.folder / "build_old", 1h);
    set_age(site.folder / "build_tmp_1", 24h);
    spill(site.folder / "build_tmp_2/static/css/main.1.css", "");
    const auto action = site.action();
    const Readiness ready = action->look(site.context);
    CHECK(ready.kind == Kind::go);
    CHECK(ready.words.en.find("build_old") != std::string::npos);
    CHECK(site.serves() == "broken"); // looking changes nothing

    const ActionResult result = action->act(site.context);
    CHECK(result.ok);
    INFO(result.detail.en);
    CHECK(result.detail.en.find("build_old") != std::string::npos);
    CHECK(result.detail.ru.find("build_old") != std::string::npos);
    CHECK(site.is_whole());
    REQUIRE(site.beside("build_broken-").size() == 1);
    CHECK(slurp(site.beside("build_broken-").front() / "static/css/main.1.css") == "broken");
    CHECK(slurp(site.folder / "build_old/static/css/main.1.css") ==
          "old"); // a copy: the next fault has it, too
    CHECK(action->look(site.context).kind == Kind::nothing_to_change);
}

TEST_CASE("restore-frontend: the last three broken builds stay, and what a person has named alike",
          "[restore]") {
    Site site;
    for (const char* time :
         {"20260101T000000Z", "20260102T000000Z", "20260103T000000Z", "20260104T000000Z"}) {
        write_build(site.folder / (std::string("build_broken-") + time), time);
    }
    write_build(site.folder / "build_broken-before-easter", "kept by hand");
    fs::create_directory_symlink("/usr", site.folder / "build_broken-20260101T000001Z");
    const ActionResult result = site.action()->act(site.context);
    INFO(result.detail.en);
    REQUIRE(result.ok);
    std::vector<std::string> left;
    for (const Path& path : site.beside("build_broken-")) {
        left.push_back(path.filename().string());
    }
    std::sort(left.begin(), left.end());
    REQUIRE(left.size() == 4);
    CHECK(left[0] == "build_broken-20260103T000000Z");
    CHECK(left[1] == "build_broken-20260104T000000Z");
    CHECK(slurp(site.folder / left[2] / "static/css/main.1.css") == "broken"); // today's
    CHECK(left[3] == "build_broken-before-easter");
    CHECK(fs::exists("/usr/bin"));
}

TEST_CASE("restore-frontend: whoever reads can read", "[restore]") {
    Site site;
    ::chmod((site.folder / "build_old").c_str(), 0700);
    ::chmod((site.folder / "build_old/static").c_str(), 0700);
    ::chmod((site.folder / "build_old/static/js/main.1.js").c_str(), 0700);
    const mode_t before = ::umask(077);
    CHECK(site.action()->act(site.context).ok);
    ::umask(before);
    CHECK(mode_of(site.build) == 0755);
    CHECK(mode_of(site.build / "static") == 0755);
    CHECK(mode_of(site.build / "static/js/main.1.js") == 0644);
}

TEST_CASE("restore-frontend: the copy belongs to whom the build belonged", "[restore]") {
    if (::geteuid() != 0) {
        SUCCEED("only root can give files away");
        return;
    }
    Site site;
    REQUIRE(::lchown(site.build.c_str(), 33, 33) == 0);
    CHECK(site.action()->act(site.context).ok);
    for (const Path& path : {site.build, site.build / "index.html", site.build / "static/js"}) {
        struct stat seen {};
        REQUIRE(::stat(path.c_str(), &seen) == 0);
        CHECK(seen.st_uid == 33);
        CHECK(seen.st_gid == 33);
    }
}

TEST_CASE("restore-frontend: what is broken", "[restore]") {
    Site site;
    write_build(site.build, "x"); // whole again
    CHECK(site.action()->look(site.context).kind == Kind::nothing_to_change);
    SECTION("a named file is empty") {
        spill(site.build / "static/js/main.1.js", "");
    }
    SECTION("a named file is a folder") {
        fs::remove(site.build / "static/js/main.1.js");
        fs::create_directory(site.build / "static/js/main.1.js");
    }
    SECTION("the page is gone") {
        fs::remove(site.build / "index.html");
    }
    SECTION("the page is empty") {
        spill(site.build / "index.html", "");
    }
    SECTION("the page is of something else") {
        spill(site.build / "index.html", "<h1>Welcome to nginx!</h1>");
    }
    SECTION("a link that leads nowhere") {
        fs::remove(site.build / "static/js/main.1.js");
        fs::create_symlink("gone.js", site.build / "static/js/main.1.js");
    }
    SECTION("a link that leads to itself") {
        fs::remove(site.build / "static/js/main.1.js");
        fs::create_symlink("main.1.js", site.build / "static/js/main.1.js");
    }
    SECTION("all of it is gone") {
        fs::remove_all(site.build);
    }
    CHECK(site.action()->look(site.context).kind == Kind::go);
    CHECK(site.action()->act(site.context).ok);
    CHECK(site.is_whole());
}

TEST_CASE("restore-frontend: a build of links is whole where the web server finds all of it", "[restore]") {
    Site site;
    write_build(site.folder / "release", "released");
    fs::remove_all(site.build);
    fs::create_symlink("release", site.build);
    CHECK(site.action()->look(site.context).kind == Kind::nothing_to_change);
}

TEST_CASE("restore-frontend: without a whole copy nothing is touched, and each is named", "[restore]") {
    Site site;
    fs::remove(site.folder / "build_old/static/js/main.1.js");
    const Readiness ready = site.action()->look(site.context);
    CHECK(ready.kind == Kind::refused);
    CHECK(ready.words.en.find("build_old: static/js/main.1.js is missing") != std::string::npos);
    CHECK_FALSE(site.action()->act(site.context).ok);
    CHECK(site.serves() == "broken");
    fs::remove_all(site.folder / "build_old");
    CHECK(site.action()->look(site.context).words.en.find("no copy of the build") != std::string::npos);
}

TEST_CASE("restore-frontend: the build itself is no copy, and a copy is known by its own files",
          "[restore]") {
    Site site;
    const auto everything = restore(site.build, {(site.folder / "build*").string()});
    fs::remove_all(site.folder / "build_old");
    CHECK(everything->look(site.context).kind == Kind::refused);
    // A link in a copy may be somebody's way to a file of somebody else.
    write_build(site.folder / "build_old", "old");
    spill(site.folder / "secret", "secret");
    fs::remove(site.folder / "build_old/static/js/main.1.js");
    fs::create_symlink(site.folder / "secret", site.folder / "build_old/static/js/main.1.js");
    CHECK(everything->look(site.context).kind == Kind::refused);
}

TEST_CASE("restore-frontend: links are copied as links, FIFOs not at all", "[restore]") {
    Site site;
    fs::create_symlink("/etc/shadow", site.folder / "build_old/link");
    REQUIRE(::mkfifo((site.folder / "build_old/fifo").c_str(), 0600) == 0);
    CHECK(site.action()->act(site.context).ok);
    CHECK(fs::read_symlink(site.build / "link") == "/etc/shadow");
    CHECK_FALSE(fs::exists(fs::symlink_status(site.build / "fifo")));
}

TEST_CASE("restore-frontend: another name of a file that may be somebody else's is not copied", "[restore]") {
    Site site;
    spill(site.folder / "other", "other's");
    fs::create_hard_link(site.folder / "other", site.folder / "build_old/static/more.js");
    CHECK(site.action()->act(site.context).ok); // by its owner alone, as releases share their files
    write_build(site.build, "broken");
    fs::remove(site.build / "index.html");
    ::chmod((site.folder / "build_old/static").c_str(), 0777); // anybody may have laid it here
    site.bare.clock.sleep_for(60s);
    const ActionResult result = site.action()->act(site.context);
    CHECK_FALSE(result.ok);
    CHECK(result.detail.en.find("more names") != std::string::npos);
    CHECK(site.serves() == "broken");
}

TEST_CASE("restore-frontend: a link that another user may have laid leads nowhere", "[restore]") {
    if (::geteuid() != 0) {
        SUCCEED("only root is led astray");
        return;
    }
    Site site;
    const Path theirs = site.folder / "theirs";
    fs::create_directory(theirs);
    fs::create_symlink(site.folder.path(), theirs / "link");
    REQUIRE(::lchown(theirs.c_str(), 33, 33) == 0);
    REQUIRE(::lchown((theirs / "link").c_str(), 33, 33) == 0);
    SECTION("to the build") {
        const auto action = restore(theirs / "link/build", {(site.folder / "build_old").string()});
        const ActionResult result = action->act(site.context);
        CHECK_FALSE(result.ok);
        CHECK(result.detail.en.find("may have been laid by another user") != std::string::npos);
    }
    SECTION("to the copy") {
        const auto action = restore(site.build, {(theirs / "link/build_old").string()});
        CHECK(action->look(site.context).kind == Kind::refused);
    }
    CHECK(site.serves() == "broken");
    CHECK(site.beside("build_broken-").empty());
}

TEST_CASE("restore-frontend: below a host's folder", "[restore]") {
    Site site;
    for (const char* name : {"build", "build_old"}) {
        spill(site.folder / name / "index.html", "<script src='/app/static/js/main.1.js'></script>");
    }
    const auto action = restore(site.build, {(site.folder / "build_old").string()}, "https://site.test/app/");
    CHECK(action->look(site.context).kind == Kind::go);
    CHECK(action->act(site.context).ok);
    CHECK(action->look(site.context).kind == Kind::nothing_to_change);
}

TEST_CASE("restore-frontend: not again and again where nothing can be remembered", "[restore]") {
    Site site;
    site.context.least_uptime = 300s;
    CHECK(site.action()->look(site.context).kind == Kind::refused);
}

TEST_CASE("restore-frontend: no time left is no copy", "[restore]") {
    Site site;
    site.context.deadline = site.bare.clock.steady();
    CHECK_FALSE(site.action()->act(site.context).ok);
    CHECK(site.serves() == "broken");
    CHECK(site.beside("copying").empty());
}

TEST_CASE("restore-frontend: a fault at any step leaves a build in its place, and keeps the broken one",
          "[restore]") {
    const int error = GENERATE(EIO, ENOSPC);
    const int more_than_all = 200;
    int failed = 0;
    for (std::size_t call = 1; call < more_than_all; ++call) {
        Site site;
        const auto action = site.action();
        ActionResult result;
        bool reached = false;
        {
            const FaultyCalls faults = FaultyCalls::fail(call, error);
            result = action->act(site.context);
            reached = faults.reached();
        }
        INFO("call " << call << ": " << result.detail.en);
        CHECK(site.serves() == (result.ok ? "old" : "broken"));
        CHECK(site.keeps_the_broken());
        CHECK((result.ok || !result.detail.en.empty()));
        CHECK(site.beside("copying").empty());
        failed += result.ok ? 0 : 1;
        site.bare.clock.sleep_for(60s);
        CHECK((result.ok || action->act(site.context).ok)); // the next attempt is not in the way of the first
        CHECK(site.is_whole());
        if (!reached) {
            CHECK(failed > 20);
            return;
        }
    }
    FAIL("no end of the calls");
}

TEST_CASE("restore-frontend: killed at any step, there is a build, and the next run mends it", "[restore]") {
    const int more_than_all = 200;
    for (std::size_t call = 1; call < more_than_all; ++call) {
        Site site;
        const auto action = site.action();
        const pid_t child = ::fork();
        if (child == 0) {
            const FaultyCalls faults = FaultyCalls::kill(call);
            ::_exit(action->act(site.context).ok ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        INFO("call " << call);
        CHECK((site.serves() == "broken" || site.is_whole()));
        CHECK(site.keeps_the_broken());
        site.bare.clock.sleep_for(60s);
        if (action->look(site.context).kind == Kind::go) {
            CHECK(action->act(site.context).ok);
        }
        CHECK(site.is_whole());
        CHECK(site.beside("copying").empty());
        CHECK(site.keeps_the_broken());
        if (WIFEXITED(status)) {
            CHECK(WEXITSTATUS(status) == 0);
            CHECK(call > 20);
            return;
        }
    }
    FAIL("no end of the calls");
}

TEST_CASE("restore-frontend: a file system that exchanges nothing", "[restore]") {
    Site site;
    {
        const FaultyCalls faults = FaultyCalls::no_exchange();
        CHECK(site.action()->act(site.context).ok);
    }
    CHECK(site.is_whole());
    CHECK(site.keeps_the_broken());
    CHECK(site.beside("build_broken-").size() == 1);
    CHECK(site.beside("replaced").empty());
}

TEST_CASE("restore-frontend: where nothing is exchanged and it is killed, the next run finds the copy",
          "[restore]") {
    for (std::size_t call = 1; call < 200; ++call) {
        Site site;
        const auto action = site.action();
        const pid_t child = ::fork();
        if (child == 0) {
            const FaultyCalls faults = FaultyCalls::no_exchange(call);
            ::_exit(action->act(site.context).ok ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        INFO("call " << call);
        CHECK(site.keeps_the_broken());
        site.bare.clock.sleep_for(60s);
        if (action->look(site.context).kind == Kind::go) {
            CHECK(action->act(site.context).ok);
        }
        CHECK(site.is_whole());
        if (WIFEXITED(status)) {
            return;
        }
    }
    FAIL("no end of the calls");
}

TEST_CASE("restore-frontend: what cannot be meant is wrong configuration", "[restore]") {
    CHECK(restore("/srv/site/build", {"/srv/site/build_old", "/srv/site/build_tmp_*"}) != nullptr);
    CHECK(restore("/etc/nginx", {"/srv/old"}) == nullptr);
    CHECK(restore("/", {"/srv/old"}) == nullptr);
    CHECK(restore("/srv/site/build", {}) == nullptr);
    CHECK(restore("/srv/site/build", {"build_old"}) == nullptr);
    CHECK(restore("/srv/site/build", {"/srv/*/build"}) == nullptr);
    CHECK(restore("/srv/site/build", {"/srv/old"}, "lectio.example") == nullptr);
}
