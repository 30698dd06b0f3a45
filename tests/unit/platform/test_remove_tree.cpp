#include "platform/remove_tree.h"
#include "platform/stop.h"
#include "support/fake_clock.h"
#include "support/scoped_mount.h"
#include "support/temp_folder.h"

#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr Duration k_long{60'000};

Result<Removed> take_away(const Path& path, Duration time = k_long) {
    FakeClock clock;
    return remove_tree(path, clock, clock.steady() + time);
}

void make_release(const TempFolder& root) {
    for (const char* file : {"release/index.html", "release/static/js/main.js", "release/.hidden/x"}) {
        spill(root / file, "content");
    }
}

} // namespace

TEST_CASE("a tree goes whole, and what it freed is told") {
    const TempFolder root;
    make_release(root);
    const Result<Removed> removed = take_away(root / "release");
    REQUIRE(removed);
    CHECK(removed->entries == 7);
    CHECK(removed->freed.count > 0);
    CHECK_FALSE(std::filesystem::exists(root / "release"));

    spill(root / "file", "x");
    REQUIRE(take_away(root / "file"));
    CHECK_FALSE(std::filesystem::exists(root / "file"));
}

TEST_CASE("removing follows no link, and a file's other name stays") {
    const TempFolder root;
    make_release(root);
    spill(root / "outside/kept", "kept");
    std::filesystem::create_symlink(root / "outside", root / "release/out");
    std::filesystem::create_hard_link(root / "outside/kept", root / "release/kept");
    REQUIRE(take_away(root / "release"));
    CHECK(slurp(root / "outside/kept") == "kept");

    std::filesystem::create_symlink(root / "outside", root / "current");
    REQUIRE(take_away(root / "current")); // the link itself
    CHECK(slurp(root / "outside/kept") == "kept");
}

TEST_CASE("what is not there or has no name is said") {
    const TempFolder root;
    CHECK(take_away(root / "nothing").error().kind == ErrorKind::not_found);
    for (const char* path : {"", "/", "x/..", "x/."}) {
        CHECK(take_away(root / path).error().kind == ErrorKind::invalid);
    }
}

TEST_CASE("folders that their owner may not write to go all the same") {
    const TempFolder root;
    make_release(root);
    for (const char* folder : {"release/static/js", "release/static", "release"}) {
        REQUIRE(::chmod((root / folder).c_str(), 0500) == 0);
    }
    REQUIRE(::chmod((root / "release/.hidden").c_str(), 0000) == 0);
    REQUIRE(take_away(root / "release"));
    CHECK_FALSE(std::filesystem::exists(root / "release"));
}

TEST_CASE("removing ends with its time, or with the run, and the next goes on") {
    const TempFolder root;
    make_release(root);
    CHECK(take_away(root / "release", Duration{0}).error().kind == ErrorKind::timeout);
    request_stop_for_test(SIGTERM);
    CHECK(take_away(root / "release").error().kind == ErrorKind::timeout);
    request_stop_for_test(0);
    CHECK(std::filesystem::exists(root / "release/index.html"));
    CHECK(take_away(root / "release"));
}

TEST_CASE("what is mounted below stays with all that lies there, and the rest goes") {
    const TempFolder root;
    make_release(root);
    spill(root / "media/photo", "photo");
    std::filesystem::create_directories(root / "release/media");
    const ScopedMount bound = ScopedMount::again(root / "media", root / "release/media");
    if (!bound.mounted()) {
        return; // tests/run.sh runs as root; a container may forbid it even so
    }
    const Result<Removed> removed = take_away(root / "release");
    REQUIRE_FALSE(removed);
    CHECK(removed.error().kind == ErrorKind::busy);
    CHECK(removed.error().message.find("release/media") != std::string::npos);
    CHECK(slurp(root / "media/photo") == "photo");
    CHECK_FALSE(std::filesystem::exists(root / "release/static"));
}

TEST_CASE("a tree deeper than any site is an error, not the end of our descriptors") {
    const TempFolder root;
    Path deep = root / "release";
    for (int i = 0; i < 250; ++i) {
        deep /= "d";
    }
    std::filesystem::create_directories(deep);
    CHECK_FALSE(take_away(root / "release"));
}
