#include "platform/build_rules.h"
#include "platform/pack.h"
#include "platform/unpack.h"
#include "support/tar_builder.h"
#include "support/temp_folder.h"

#include <filesystem>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr Duration k_long{120'000}; // only against hanging

void make_build(const TempFolder& root, const std::string& name = "build") {
    spill(root / name / "index.html", "<html>");
    spill(root / name / "static/main.js", std::string(300'000, 'x'));
    spill(root / name / "юникод с пробелом/" / std::string(200, 'n'), "long");
    spill(root / name / "bin/tool", "#!");
    spill(root / name / "empty.css", "");
    REQUIRE(::chmod((root / name / "bin/tool").c_str(), 0700) == 0);
    std::filesystem::create_symlink("main.js", root / name / "static/latest.js");
    std::filesystem::create_directory(root / name / "empty");
}

Result<Packed> pack_into(const Path& folder, const Path& archive) {
    const UniqueFd output(::open(archive.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    SystemClock clock;
    return pack(folder, output.get(), clock, clock.steady() + k_long);
}

Result<Received> unpack_from(const Path& archive, const Path& into) {
    const UniqueFd input(::open(archive.c_str(), O_RDONLY | O_CLOEXEC));
    std::filesystem::create_directory(into);
    SystemClock clock;
    return unpack(input.get(), into, *find_user(::geteuid()), {}, TopFolder::strip, clock,
                  clock.steady() + k_long);
}

} // namespace

TEST_CASE("what was packed is unpacked the same, and proven to be", "[pack]") {
    const TempFolder root;
    make_build(root);
    const Result<Packed> packed = pack_into(root / "build", root / "archive");
    REQUIRE(packed);
    REQUIRE(packed->refused.empty());
    CHECK(packed->tree.entries.size() == 10);
    const Result<Received> received = unpack_from(root / "archive", root / "into");
    REQUIRE(received);
    CHECK(received->refused.en == "");
    CHECK(received->verified);
    CHECK(received->kind == "tar.gz");
    CHECK(received->top_folder.empty());
    CHECK(received->tree.entries == packed->tree.entries);
    CHECK(tree_hash(received->tree) == tree_hash(packed->tree));
}

TEST_CASE("the same build packs to the same bytes, whenever and by whomever it was made", "[pack]") {
    const TempFolder root;
    make_build(root, "one");
    make_build(root, "two");
    const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (root / "two/index.html").c_str(), long_ago, 0) == 0);
    REQUIRE(::chmod((root / "two/index.html").c_str(), 0664) == 0);
    REQUIRE(::chmod((root / "two/static").c_str(), 02775) == 0);
    REQUIRE(pack_into(root / "one", root / "a"));
    REQUIRE(pack_into(root / "two", root / "b"));
    CHECK(slurp(root / "a") == slurp(root / "b"));
}

TEST_CASE("what could not be unpacked is not packed", "[pack]") {
    const TempFolder root;
    make_build(root);
    std::filesystem::create_symlink("/etc", root / "build/out");
    const Result<Packed> packed = pack_into(root / "build", root / "archive");
    REQUIRE(packed);
    CHECK(packed->refused.en == "out: the link leads out of the build: /etc");
    CHECK(slurp(root / "archive").empty());
    CHECK_FALSE(pack_into(root / "nothing", root / "archive"));
}

TEST_CASE("a manifest from an earlier packing is not part of the build", "[pack]") {
    const TempFolder root;
    make_build(root);
    spill(root / "build" / k_manifest_name, "old");
    REQUIRE(pack_into(root / "build", root / "archive"));
    const Result<Received> received = unpack_from(root / "archive", root / "into");
    REQUIRE(received);
    CHECK(received->verified);
    CHECK(received->tree.entries.size() == 10);
}

TEST_CASE("a pack whose reader has gone, or whose time is over, is an error", "[pack]") {
    const TempFolder root;
    make_build(root);
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    SystemClock clock;
    const Result<Packed> no_room = pack(root / "build", full.get(), clock, clock.steady() + k_long);
    REQUIRE_FALSE(no_room);
    CHECK(no_room.error().kind == ErrorKind::no_space);
    CHECK(pack(root / "build", full.get(), clock, clock.steady()).error().kind == ErrorKind::timeout);
}
