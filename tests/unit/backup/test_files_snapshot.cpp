#include "backup/files_snapshot.h"
#include "backup/snapshot.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <functional>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

// tar itself, and what a test makes of its answers.
class RealTar final : public Processes {
  public:
    std::function<void(const ProcessRequest&, ProcessAnswer&)> change;
    Result<ProcessAnswer> run(const ProcessRequest& request) override {
        Result<ProcessAnswer> answer = m_system.run(request);
        if (answer && change) {
            change(request, *answer);
        }
        return answer;
    }

  private:
    SystemProcesses m_system;
};

struct Place {
    Place() {
        std::filesystem::create_directories(folder / "media/a");
        REQUIRE(bare.files.create_synced(folder / "media/a/one", std::string(5000, 'x'), 0644));
        REQUIRE(bare.files.create_synced(folder / "media/two", "two", 0600));
        source.paths = {folder / "media"};
    }
    [[nodiscard]] SteadyTime later() { return bare.clock.steady() + 10min; }
    Result<FilesSnapshot> take() {
        REQUIRE(remove_file(tar));
        return take_files(source, tar, world, later());
    }
    std::vector<Text> flaws(const FilesSnapshot& snapshot) {
        return flaws_of_files(tar, snapshot, world, later()).value();
    }

    TempFolder folder;
    Path tar = folder / "tar";
    BareWorld bare;
    RealTar programs;
    World world{bare.clock, bare.files, bare.host, bare.http, programs, bare.services, bare.redis};
    FilesSource source;
};

} // namespace

TEST_CASE("a snapshot of files knows each of them by its checksum, and itself as JSON") {
    Place place;
    const Result<FilesSnapshot> made = place.take();
    REQUIRE(made);
    CHECK(made->files == 2);
    CHECK(made->unsteady == 0);
    CHECK_THAT(made->made_with, Contains("GNU tar"));
    CHECK(place.flaws(*made).empty());
    CHECK(files_snapshot_from(json_of(*made)).value() == *made);
}

TEST_CASE("whatever is changed in the tar is found, and the file is named") {
    Place place;
    const FilesSnapshot made = place.take().value();
    std::string bytes = place.bare.files.read(place.tar, 10_MB).value();
    bytes[bytes.find("xxxx")] = 'y';
    REQUIRE(write_atomically(place.bare.files, place.tar, bytes, 0600));
    REQUIRE(place.flaws(made).size() == 1);
    CHECK_THAT(place.flaws(made).front().en, Contains("media/a/one has changed"));
    REQUIRE(write_atomically(place.bare.files, place.tar, bytes.substr(0, 3000), 0600));
    CHECK_FALSE(place.flaws(made).empty());
}

TEST_CASE(
    "files that change while they are read are counted and named, and what tar gives up on is an Error") {
    Place place;
    place.programs.change = [](const ProcessRequest& request, ProcessAnswer& answer) {
        if (request.command[1] == "--create") {
            answer.exit_status = 1;
            answer.err =
                "tar: srv/log: file changed as we read it\ntar: srv/b: File removed before we read it\n";
        }
    };
    const Result<FilesSnapshot> made = place.take();
    REQUIRE(made);
    CHECK(made->unsteady == 2);
    CHECK(made->changed.front() == "tar: srv/log: file changed as we read it");
    for (const auto& [words, kind] :
         {std::pair{"tar: x: Cannot write: No space left on device", ErrorKind::no_space},
          std::pair{"tar: x: Cannot open: Permission denied", ErrorKind::io}}) {
        place.programs.change = [words = words](const ProcessRequest&, ProcessAnswer& answer) {
            answer.exit_status = 2;
            answer.err = std::string(words) + "\ntar: Exiting with failure status due to previous errors\n";
        };
        const Result<FilesSnapshot> none = place.take();
        REQUIRE_FALSE(none);
        CHECK(none.error().kind == kind);
        CHECK(none.error().message == words);
        CHECK_FALSE(place.bare.files.info(place.tar, Files::Follow::no)); // nothing of it stays
    }
}

TEST_CASE("paths that are not there and the whole disk are refused") {
    Place place;
    place.source.paths = {place.folder / "nowhere"};
    CHECK(place.take().error().kind == ErrorKind::not_found);
    place.source.paths = {"/"};
    CHECK(place.take().error().kind == ErrorKind::invalid);
}

TEST_CASE("no manifest leads a restore elsewhere") {
    Place place;
    nlohmann::json json = json_of(place.take().value());
    REQUIRE(files_snapshot_from(json));
    for (const char* path : {"", "/", "etc", "/srv/../etc", "/srv/media/"}) {
        json["paths"] = {path};
        INFO(path);
        CHECK_FALSE(files_snapshot_from(json));
    }
}

// One file under names of two paths: in the tar its bytes are under one of them only.
TEST_CASE("each path comes out by itself, with what it shares with another by a hard link") {
    Place place;
    std::filesystem::create_directories(place.folder / "site/b");
    std::filesystem::create_hard_link(place.folder / "media/two", place.folder / "site/b/same");
    std::filesystem::create_hard_link(place.folder / "media/two", place.folder / "site/again");
    REQUIRE(place.bare.files.create_synced(place.folder / "site/own", "own", 0644));
    place.source.paths = {place.folder / "media", place.folder / "site"};
    const FilesSnapshot made = place.take().value();
    CHECK(place.flaws(made).empty());
    for (const Path& path : made.paths) {
        const Path out = place.folder / ("out of " + path.filename().string());
        std::filesystem::create_directories(out);
        const Result<void> done =
            extract_files(place.tar, {out, path.relative_path().string()}, place.world, place.later());
        INFO((done ? "" : done.error().message));
        REQUIRE(done);
        const Path there = out / path.relative_path();
        const bool is_site = path.filename() == "site";
        CHECK(place.bare.files.read(there / (is_site ? "b/same" : "two"), 1_kB).value() == "two");
        CHECK(std::filesystem::exists(there / (is_site ? "own" : "a/one")));
        if (is_site) {
            CHECK(std::filesystem::hard_link_count(there / "again") ==
                  std::filesystem::hard_link_count(there / "b/same"));
        }
        CHECK_FALSE(std::filesystem::exists(place.tar.string() + ".names"));
    }
}

TEST_CASE("the folder of the backups stays out of them, and is no source by itself") {
    Place place;
    const Path backups = place.folder / "media/back*ups";
    std::filesystem::create_directories(backups / "trash");
    std::filesystem::create_directories(place.folder / "media/backups");
    REQUIRE(place.bare.files.create_synced(backups / "media-1.tar.zst", "before", 0600));
    REQUIRE(place.bare.files.create_synced(place.folder / "media/backups/theirs", "theirs", 0600));
    place.tar = backups / ".lectio-tmp-x.plain";
    const Result<FilesSnapshot> made = place.take();
    REQUIRE(made);
    CHECK(made->files == 3); // one, two, theirs
    CHECK(made->changed.empty());
    place.source.paths = {backups};
    const Result<FilesSnapshot> none = place.take();
    REQUIRE_FALSE(none);
    CHECK_THAT(none.error().message, Contains("the backups themselves lie there"));
}

TEST_CASE("tar is ended before it fills the disk") {
    Place place;
    const std::uintmax_t room = std::filesystem::space(place.folder.path()).available;
    REQUIRE(remove_file(place.tar));
    const Result<FilesSnapshot> none =
        take_files(place.source, place.tar, place.world, place.later(), sync_and_digest, Bytes{2 * room});
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == ErrorKind::no_space);
    CHECK_FALSE(place.bare.files.info(place.tar, Files::Follow::no));
    CHECK(take_files(place.source, place.tar, place.world, place.later(), sync_and_digest, 1_kB));
}

TEST_CASE("a file with holes is as large as it comes out of tar") {
    Place place;
    REQUIRE(place.bare.files.create_synced(place.folder / "media/hole", "", 0600));
    std::filesystem::resize_file(place.folder / "media/hole", 50'000'000);
    BackupSource source;
    source.type = "files";
    source.files = place.source;
    CHECK(size_of(source, nullptr, place.world, place.later()).value() >= 50'000'000_B);
}
