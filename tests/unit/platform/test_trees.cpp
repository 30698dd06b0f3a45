#include "platform/trees.h"
#include "support/temp_folder.h"

#include <filesystem>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

mode_t mode_of(const Path& path) {
    return SystemFiles().info(path, Files::Follow::no)->mode;
}

void set_mode(const Path& path, mode_t mode) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

// A site as a build makes it.
void make_site(const TempFolder& root) {
    for (const char* file : {"site/index.html", "site/static/js/main.1.js", "site/static/css/main.1.css"}) {
        spill(root / file, "x");
        set_mode(root / file, 0644);
    }
    for (const char* folder : {"site", "site/static", "site/static/js", "site/static/css"}) {
        set_mode(root / folder, 0755);
    }
}

TreeRepair repair(const Path& root, TreeMode mode = TreeMode::apply, const TreeRules& rules = {}) {
    Result<TreeRepair> done = repair_tree(root, rules, mode);
    REQUIRE(done);
    return std::move(*done);
}

} // namespace

TEST_CASE("a tree that is right is left alone") {
    const TempFolder root;
    make_site(root);
    const TreeRepair done = repair(root / "site");
    CHECK(done.examined == 7);
    CHECK(done.changed == 0);
    CHECK(done.failed == 0);
}

TEST_CASE("wrong modes are mended, and no file keeps an executable bit") {
    const TempFolder root;
    make_site(root);
    set_mode(root / "site/index.html", 0000);
    set_mode(root / "site/static/js/main.1.js", 04755);
    set_mode(root / "site/static/css", 0700);
    const TreeRepair done = repair(root / "site");
    CHECK(done.changed == 3);
    CHECK(done.failed == 0);
    CHECK(mode_of(root / "site/index.html") == 0644);
    CHECK(mode_of(root / "site/static/js/main.1.js") == 0644);
    CHECK(mode_of(root / "site/static/css") == 0755);
    CHECK(repair(root / "site").changed == 0);
}

TEST_CASE("folders of mode 000 are gone into, the root as well") {
    const TempFolder root;
    make_site(root);
    set_mode(root / "site/static/js/main.1.js", 0000);
    set_mode(root / "site/static/js", 0000);
    set_mode(root / "site/static", 0000);
    set_mode(root / "site", 0000);
    const TreeRepair done = repair(root / "site");
    CHECK(done.changed == 4);
    CHECK(done.failed == 0);
    CHECK(mode_of(root / "site/static/js/main.1.js") == 0644);
}

TEST_CASE("a look ends at the first that is wrong and changes nothing") {
    const TempFolder root;
    make_site(root);
    CHECK(repair(root / "site", TreeMode::look).changed == 0);
    for (const char* file : {"index.html", "static/js/main.1.js"}) {
        set_mode(root / "site" / file, 0600);
    }
    CHECK(repair(root / "site", TreeMode::look).changed == 1);
    set_mode(root / "site/static/js/main.1.js", 0644);
    const TreeRepair seen = repair(root / "site", TreeMode::look);
    CHECK(seen.changed == 1);
    CHECK(seen.examples == std::vector<std::string>{"index.html 600 → 644"});
    CHECK(mode_of(root / "site/index.html") == 0600);
}

TEST_CASE("links are neither followed nor changed") {
    const TempFolder root;
    make_site(root);
    spill(root / "outside/secret", "x");
    set_mode(root / "outside/secret", 0600);
    set_mode(root / "outside", 0700);
    std::filesystem::create_symlink(root / "outside", root / "site/folder");
    std::filesystem::create_symlink(root / "outside/secret", root / "site/file");
    std::filesystem::create_symlink("nowhere", root / "site/broken");
    const TreeRepair done = repair(root / "site");
    CHECK(done.examined == 7);
    CHECK(done.changed == 0);
    CHECK(mode_of(root / "outside/secret") == 0600);
    CHECK(mode_of(root / "outside") == 0700);
}

TEST_CASE("the root may be a link, as a release is") {
    const TempFolder root;
    make_site(root);
    set_mode(root / "site/index.html", 0000);
    std::filesystem::create_symlink("site", root / "current");
    CHECK(repair(root / "current").changed == 1);
    CHECK(mode_of(root / "site/index.html") == 0644);
}

TEST_CASE("a link that another user may have laid is not gone through") {
    const TempFolder root;
    make_site(root);
    set_mode(root / "site/index.html", 0600);
    std::filesystem::create_directories(root / "www/below/site");
    const Path link = root / "www/build";
    std::filesystem::create_symlink(root / "site", link);
    CHECK(repair(link, TreeMode::look).changed == 1); // ours, in a folder of ours
    CHECK(repair(link / "static", TreeMode::look).changed == 0);

    set_mode(root / "www", 0775);
    for (const Path& path : {link, link / "static"}) {
        const Result<TreeRepair> refused = repair_tree(path, {}, TreeMode::apply);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == ErrorKind::permission);
        CHECK(refused.error().message.find(link.string()) != std::string::npos);
    }
    CHECK(mode_of(root / "site/index.html") == 0600);

    // What leads down from its own folder could be put there as well.
    std::filesystem::create_symlink("below/site", root / "www/current");
    CHECK(repair_tree(root / "www/current", {}, TreeMode::apply));
    std::filesystem::create_symlink("../site", root / "www/up");
    CHECK_FALSE(repair_tree(root / "www/up", {}, TreeMode::apply));
    if (::geteuid() == 0) {
        set_mode(root / "www", 0755);
        CHECK(repair_tree(link, {}, TreeMode::look));
        REQUIRE(::lchown(link.c_str(), 65534, 65534) == 0);
        CHECK_FALSE(repair_tree(link, {}, TreeMode::look));
    }
}

TEST_CASE("links in a circle end") {
    const TempFolder root;
    std::filesystem::create_symlink("b", root / "a");
    std::filesystem::create_symlink("a", root / "b");
    CHECK_FALSE(repair_tree(root / "a", {}, TreeMode::look));
}

TEST_CASE("a file with another name elsewhere is mended only where nobody else can have put it") {
    const TempFolder root;
    make_site(root);
    spill(root / "secret", "x");
    set_mode(root / "secret", 0600);
    std::filesystem::create_hard_link(root / "secret", root / "site/static/picture");
    set_mode(root / "site/static", 0775); // others may put names there
    const TreeRepair done = repair(root / "site");
    CHECK(done.failed == 1);
    CHECK(done.first_failure.find("static/picture: it has more names") != std::string::npos);
    CHECK(mode_of(root / "secret") == 0600);
    // Assets that releases share: owner and folder are one's, and the folder is writable by nobody else.
    CHECK(repair(root / "site").changed == 1);
    CHECK(mode_of(root / "secret") == 0644);
}

TEST_CASE("another user's file under a name in the tree is left alone") {
    if (::geteuid() != 0) {
        return;
    }
    const TempFolder root;
    make_site(root);
    spill(root / "secret", "x");
    set_mode(root / "secret", 0600);
    std::filesystem::create_hard_link(root / "secret", root / "site/static/picture");
    REQUIRE(::chown((root / "site/static").c_str(), 65534, 65534) == 0);
    TreeRules rules;
    rules.owner = {65534, 65534};
    CHECK(repair(root / "site", TreeMode::apply, rules).failed == 1);
    CHECK(repair(root / "site", TreeMode::apply, rules).failed == 1);
    CHECK(SystemFiles().info(root / "secret", Files::Follow::no)->owner == 0);
    CHECK(mode_of(root / "secret") == 0600);
}

TEST_CASE("what is neither file nor folder is left alone") {
    const TempFolder root;
    make_site(root);
    REQUIRE(::mkfifo((root / "site/pipe").c_str(), 0600) == 0);
    CHECK(repair(root / "site").changed == 0);
    CHECK(mode_of(root / "site/pipe") == 0600);
}

TEST_CASE("examples are few, and names from outside are cleaned") {
    const TempFolder root;
    make_site(root);
    for (int i = 0; i < 20; ++i) {
        spill(root / ("site/\x1B[31m" + std::to_string(i)), "x");
        set_mode(root / ("site/\x1B[31m" + std::to_string(i)), 0600);
    }
    const TreeRepair done = repair(root / "site");
    CHECK(done.changed == 20);
    REQUIRE(done.examples.size() == 5);
    CHECK(done.examples.front().find('\x1B') == std::string::npos);
}

TEST_CASE("a tree deeper than any site is an honest failure, not the end of us") {
    const TempFolder root;
    Path deep = root / "site";
    for (int i = 0; i < 300; ++i) {
        deep /= "d";
    }
    std::filesystem::create_directories(deep);
    const TreeRepair done = repair(root / "site");
    CHECK(done.failed == 1);
    CHECK_FALSE(done.first_failure.empty());
}

TEST_CASE("a root that is no folder is an error") {
    const TempFolder root;
    spill(root / "file", "x");
    CHECK_FALSE(repair_tree(root / "file", {}, TreeMode::apply));
    const Result<TreeRepair> missing = repair_tree(root / "missing", {}, TreeMode::apply);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == ErrorKind::not_found);
}

TEST_CASE("owners are mended where we may, and counted as failed where we may not") {
    const TempFolder root;
    make_site(root);
    TreeRules rules;
    rules.owner = {65534, 65534};
    const TreeRepair done = repair(root / "site", TreeMode::apply, rules);
    if (::geteuid() == 0) {
        CHECK(done.changed == 7);
        CHECK(done.failed == 0);
        CHECK(SystemFiles().info(root / "site/index.html", Files::Follow::no)->owner == 65534);
    } else {
        CHECK(done.changed == 0);
        CHECK(done.failed == 7);
        CHECK(done.first_failure.find("owner") != std::string::npos);
    }
}

TEST_CASE("owners by name and by number") {
    CHECK(find_owner("root:root")->user == 0U);
    CHECK(find_owner("nobody")->user == 65534U);
    CHECK_FALSE(find_owner("nobody")->group.has_value());
    CHECK(find_owner(":0")->group == 0U);
    CHECK_FALSE(find_owner(":0")->user.has_value());
    CHECK(find_owner("33:33")->user == 33U);
    CHECK_FALSE(find_owner("no-such-user"));
    CHECK_FALSE(find_owner("root:no-such-group"));
    // The number that means "leave as it is" to chown() is nobody's.
    CHECK_FALSE(find_owner("4294967295"));
    CHECK(groups_of(*find_user("root")).front() == 0);
}
