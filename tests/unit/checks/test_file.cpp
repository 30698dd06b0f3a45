#include "checks/file.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <cerrno>
#include <cstring>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Must = FileSettings::Must;

namespace {

constexpr WallTime k_now{Duration(1'769'076'000'000)};

FileSettings settings_for(const std::string& path, Must must = Must::exist) {
    FileSettings settings;
    settings.path = path;
    settings.must = must;
    return settings;
}

FileSample seen(Duration age = 1h, std::uint64_t size = 2048, mode_t mode = S_IFREG | 0640) {
    FileSample sample;
    sample.probe.sighting.mode = mode;
    sample.probe.sighting.size = size;
    sample.probe.sighting.modified = (k_now - age).time_since_epoch().count();
    return sample;
}

FileSample not_seen(int error) {
    FileSample sample;
    sample.probe.sighting.error = error;
    return sample;
}

FileSample linked(FileSample sample, const char* target, int error = 0) {
    sample.probe.sighting.link = true;
    std::strcpy(sample.probe.sighting.target.data(), target);
    sample.probe.sighting.target_error = error;
    return sample;
}

CheckResult judged(const FileSample& sample, const FileSettings& settings,
                   const std::map<std::string, std::string>& memory = {}) {
    return evaluate_file(sample, settings, k_now, memory);
}

// The check itself, on real files of this machine.
CheckResult look(const FileSettings& settings, const std::map<std::string, std::string>& memory = {}) {
    BareWorld bare;
    FakeHost host;
    host.mount_list = std::vector<Mount>{{"/dev/vda1", "/", "ext4", "rw"}};
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    const std::unique_ptr<Check> check = file_check_type().make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run({world, {}, {}, memory});
}

} // namespace

TEST_CASE("file: there, and what is said of it", "[file]") {
    const CheckResult good = judged(seen(), settings_for("/srv/x"));
    CHECK(good.status == Status::ok);
    CHECK(good.message.en == "2 KB, changed 1 hour ago");
    CHECK(judged(linked(seen(), "/data/x"), settings_for("/srv/x")).message.en ==
          "2 KB, changed 1 hour ago, through the link to /data/x");
    CHECK(judged(seen(1h, 0, S_IFDIR | 0755), settings_for("/srv/media/")).status == Status::ok);
}

TEST_CASE("file: not there", "[file]") {
    for (const int error : {ENOENT, ENOTDIR}) {
        CHECK(judged(not_seen(error), settings_for("/srv/x")).message.en == "/srv/x is not there");
        CHECK(judged(not_seen(error), settings_for("/srv/x")).status == Status::critical);
        CHECK(judged(not_seen(error), settings_for("/srv/x", Must::absent)).status == Status::ok);
    }
    const CheckResult dangling = judged(linked(seen(), "/gone", ENOENT), settings_for("/srv/x"));
    CHECK(dangling.status == Status::critical);
    CHECK(dangling.message.en ==
          "/srv/x is a link to /gone, which cannot be reached: No such file or directory");
}

TEST_CASE("file: there although it must not be", "[file]") {
    const CheckResult file = judged(seen(2h), settings_for("/srv/x", Must::absent));
    CHECK(file.status == Status::critical);
    CHECK(file.message.en == "/srv/x must not be there, but is: a file of 2 KB, since 2 hours");
    const CheckResult link =
        judged(linked(seen(2h, 0, S_IFLNK | 0777), "/gone", ENOENT), settings_for("/srv/x", Must::absent));
    CHECK(link.status == Status::critical);
    CHECK_THAT(link.message.en, Catch::Contains("a link, through the link to /gone"));
}

TEST_CASE("file: what cannot be seen is no news of the file, a disk that fails is", "[file]") {
    CHECK(judged(not_seen(EACCES), settings_for("/srv/x")).status == Status::unknown);
    CHECK(judged(not_seen(EACCES), settings_for("/srv/x", Must::absent)).status == Status::unknown);
    const CheckResult broken = judged(not_seen(EIO), settings_for("/srv/x", Must::absent));
    CHECK(broken.status == Status::critical);
    CHECK(broken.remedy == Remedy::cannot_help);
}

TEST_CASE("file: another thing in its place is named", "[file]") {
    const auto words = [](mode_t type, const char* path = "/srv/x") {
        const CheckResult result = judged(seen(1h, 0, type | 0755), settings_for(path));
        CHECK(result.status == Status::critical);
        return result.message.en;
    };
    CHECK(words(S_IFDIR) == "/srv/x is a folder, not a file");
    CHECK(words(S_IFIFO) == "/srv/x is a named pipe (FIFO), not a file");
    CHECK(words(S_IFSOCK) == "/srv/x is a socket, not a file");
    CHECK(words(S_IFBLK) == "/srv/x is a device, not a file");
    CHECK(words(S_IFREG, "/srv/x/") == "/srv/x/ is a file of 0 B, not a folder");
}

TEST_CASE("file: age and size by their thresholds", "[file]") {
    FileSettings settings = settings_for("/srv/x");
    settings.age.warn = Amount{Amount::Unit::milliseconds, 3600'000.0};
    settings.size.critical = Amount{Amount::Unit::bytes, 4096};
    CHECK(judged(seen(30min), settings).status == Status::ok);
    const CheckResult old = judged(seen(2h), settings);
    CHECK(old.status == Status::warning);
    CHECK(old.message.en == "/srv/x has not changed for 2 hours");
    CHECK(judged(seen(50min), settings, old.memory).status == Status::warning); // not yet clear
    const CheckResult large = judged(seen(2h, 8192), settings);
    CHECK(large.status == Status::critical);
    CHECK(large.message.en == "/srv/x is 8 KB large");
    // Otherwise it would count as fresh until then.
    const CheckResult future = judged(seen(-2h), settings);
    CHECK(future.status == Status::warning);
    CHECK_THAT(future.message.en, Catch::Contains("2 hours in the future"));
    CHECK(judged(seen(-10s), settings).status == Status::ok);
}

TEST_CASE("file: mode and owner, with the command that mends them", "[file]") {
    FileSettings settings = settings_for("/srv/.env");
    settings.mode = FileMode{0600};
    const CheckResult open = judged(seen(), settings);
    CHECK(open.status == Status::critical);
    CHECK(open.message.en == "the mode of /srv/.env is 640, expected 600");
    CHECK(open.hint.en == "chmod 600 /srv/.env");
    settings.mode = FileMode{0640};
    settings.owner = "root:www-data";
    FileSample sample = seen();
    sample.owner = {0, 33};
    sample.owner_seen = "root:root";
    const CheckResult other = judged(sample, settings);
    CHECK(other.message.en == "/srv/.env belongs to root:root, expected root:www-data");
    CHECK(other.hint.en == "chown root:www-data /srv/.env");
    sample.probe.sighting.group = 33;
    CHECK(judged(sample, settings).status == Status::ok);
}

TEST_CASE("file: a mount that hangs", "[file]") {
    FileSample sample = seen();
    sample.probe.outcome = Stranded::Outcome::hangs;
    sample.probe.mount = "/mnt/media (nfs4)";
    sample.probe.left_behind = "123/456";
    const CheckResult hangs = judged(sample, settings_for("/mnt/media/x"));
    CHECK(hangs.status == Status::critical);
    CHECK(hangs.message.en == "the file system /mnt/media (nfs4) does not answer within 3 s");
    CHECK(hangs.remedy == Remedy::cannot_help);
    CHECK(hangs.memory.at("left-behind") == "123/456");
    sample.probe.outcome = Stranded::Outcome::still_hangs;
    CHECK(judged(sample, settings_for("/mnt/media/x")).status == Status::critical);
    sample.probe.outcome = Stranded::Outcome::failed;
    CHECK(judged(sample, settings_for("/mnt/media/x")).status == Status::unknown);
}

TEST_CASE("file: real files", "[file]") {
    const TempFolder folder;
    const auto at = [&](const char* name) { return settings_for((folder / name).string()); };
    spill(folder / "file", "0123456789");
    std::filesystem::create_directory(folder / "folder");
    std::filesystem::create_symlink("file", folder / "link");
    std::filesystem::create_symlink("nowhere", folder / "dangling");
    std::filesystem::create_symlink("circle", folder / "circle");
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);

    CHECK_THAT(look(at("file")).message.en, Catch::StartsWith("10 B, changed"));
    CHECK_THAT(look(at("link")).message.en, Catch::Contains("through the link to file"));
    CHECK(look(at("gone")).status == Status::critical);
    CHECK(look(at("file/below")).message.en == (folder / "file/below").string() + " is not there");
    CHECK_THAT(look(at("dangling")).message.en, Catch::Contains("link to nowhere"));
    CHECK(look(at("circle")).status == Status::critical);
    CHECK_THAT(look(at("fifo")).message.en, Catch::Contains("FIFO"));
    CHECK_THAT(look(at("folder")).message.en, Catch::Contains("a folder, not a file"));
    CHECK(look(at("folder/")).status == Status::ok);
    CHECK_THAT(look(at("file/")).message.en, Catch::Contains("not a folder"));

    FileSettings owned = at("file");
    owned.owner = std::to_string(::geteuid());
    CHECK(look(owned).status == Status::ok);
    owned.owner = "nobody";
    CHECK(look(owned).status == Status::critical);
    owned.owner = "no-such-user-here";
    CHECK(look(owned).status == Status::unknown);
}
