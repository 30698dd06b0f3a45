// The steps of a deploy on a real disk.
#include "platform/release_disk.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace lectio;
using Kind = ReleaseDisk::Named::Kind;

namespace {

struct Place {
    Place() {
        std::filesystem::create_directories(folder / "releases/one/js");
        std::filesystem::create_directories(folder / "releases/two");
        spill(folder / "releases/one/js/a.js", "one");
    }
    TempFolder folder;
    SystemReleaseDisk disk;
};

} // namespace

TEST_CASE("a link leads elsewhere in one step, a folder is never taken for one", "[release_disk]") {
    Place place;
    const Path link = place.folder / "build";
    CHECK(place.disk.look_at(link)->kind == Kind::nothing);
    REQUIRE(place.disk.point(link, "releases/one"));
    REQUIRE(place.disk.point(link, "releases/two"));
    CHECK(place.disk.look_at(link)->kind == Kind::link);
    CHECK(place.disk.look_at(link)->target == "releases/two");
    CHECK_FALSE(place.disk.point(place.folder / "releases", "elsewhere"));
    CHECK(place.disk.look_at(place.folder / "releases")->kind == Kind::folder);
    CHECK_FALSE(place.disk.lay_link(link, "releases/one")); // it is there
}

TEST_CASE("what a killed swap has left is in nobody's way", "[release_disk]") {
    Place place;
    std::filesystem::create_symlink("nowhere", place.folder / ".lectio-laying-build");
    REQUIRE(place.disk.point(place.folder / "build", "releases/one"));
    CHECK(slurp(place.folder / "build/js/a.js") == "one");
    CHECK_FALSE(std::filesystem::is_symlink(place.folder / ".lectio-laying-build"));
}

TEST_CASE("a folder and the link to where the link lies change places, and back", "[release_disk]") {
    Place place;
    const Path site = place.folder / "site", kept = place.folder / "releases/three";
    std::filesystem::create_directories(site);
    spill(site / "index.html", "hello");
    REQUIRE(place.disk.lay_link(kept, "releases/three"));
    REQUIRE(place.disk.exchange(site, kept));
    CHECK(std::filesystem::is_symlink(site));
    CHECK(slurp(site / "index.html") == "hello");
    REQUIRE(place.disk.exchange(site, kept));
    CHECK(std::filesystem::is_directory(std::filesystem::symlink_status(site)));
}

TEST_CASE("files are linked, never what leads out", "[release_disk]") {
    Place place;
    const Path from = place.folder / "releases/one", to = place.folder / "releases/two";
    spill(place.folder / "secret", "s");
    std::filesystem::create_symlink(place.folder / "secret", from / "link.js");
    std::filesystem::create_symlink(place.folder.path(), from / "out");
    const Result<std::vector<std::string>> left =
        place.disk.link_files(from, to, {"js/a.js", "link.js", "out/secret", "../../secret", "gone.js"});
    REQUIRE(left);
    CHECK(*left == std::vector<std::string>{"link.js", "out/secret", "../../secret", "gone.js"});
    CHECK(slurp(to / "js/a.js") == "one");
    CHECK(std::filesystem::hard_link_count(from / "js/a.js") == 2);
}

TEST_CASE("a tree goes, also one that is not there", "[release_disk]") {
    Place place;
    CHECK(place.disk.remove_tree(place.folder / "releases/one"));
    CHECK(place.disk.remove_tree(place.folder / "releases/one"));
    CHECK_FALSE(std::filesystem::exists(place.folder / "releases/one"));
}

TEST_CASE("records are added to a file of ours, never through a link", "[release_disk]") {
    Place place;
    const Path journal = place.folder / "x.journal";
    REQUIRE(place.disk.append_synced(journal, {}, "a\n", 0600));
    REQUIRE(place.disk.append_synced(journal, 2_B, "b\n", 0600));
    CHECK(slurp(journal) == "a\nb\n");
    REQUIRE(place.disk.append_synced(journal, 2_B, "c\n", 0600)); // what was cut short is written anew
    CHECK(slurp(journal) == "a\nc\n");
    CHECK_FALSE(place.disk.append_synced(journal, 9_B, "d\n", 0600));
    CHECK(slurp(journal) == "a\nc\n");
    std::filesystem::create_symlink(journal, place.folder / "y.journal");
    CHECK_FALSE(place.disk.append_synced(place.folder / "y.journal", {}, "c\n", 0600));
}

TEST_CASE("a folder in which a program runs is in use", "[release_disk]") {
    SystemReleaseDisk disk;
    const Path ours = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const Result<std::vector<std::string>> used = disk.in_use(ours.parent_path());
    REQUIRE(used);
    CHECK(std::count(used->begin(), used->end(), ours.filename().string()) == 1);
    Place place;
    CHECK(disk.in_use(place.folder / "releases")->empty());
}
