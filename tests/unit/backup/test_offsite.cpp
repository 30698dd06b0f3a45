#include "backup/offsite.h"
#include "support/bare_world.h"

#include <functional>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

// A remote of which a test says what it answers to each call.
class Remote final : public Processes {
  public:
    std::function<ProcessAnswer(const ProcessRequest&)> answer;
    std::vector<ProcessRequest> asked;
    Result<ProcessAnswer> run(const ProcessRequest& request) override {
        asked.push_back(request);
        return answer(request);
    }
};

ProcessAnswer ended(int status, std::string out = {}, std::string err = {}) {
    ProcessAnswer answer;
    answer.exit_status = status;
    answer.out = std::move(out);
    answer.err = std::move(err);
    return answer;
}

struct Place {
    Place() {
        settings.dir = "/backups";
        settings.offsite = {"rclone", "copy", "{file}", "s3:x/{name}"};
        backup.id = "abcdef";
        backup.source = "database";
        backup.state = State::verified;
        backup.packed.size = 1234_B;
    }
    Text send() { return Offsite(settings, world).send(backup, bare.clock.steady() + 1h); }

    BareWorld bare;
    Remote remote;
    World world{bare.clock, bare.files, bare.host, bare.http, remote, bare.services, bare.redis};
    BackupSettings settings;
    Backup backup;
};

} // namespace

TEST_CASE("a listing is read as rclone, restic, ls and aws print it") {
    // Of rclone.org/commands/rclone_lsjson, restic.readthedocs.io (075_scripting), coreutils and the AWS CLI.
    for (const char* printed :
         {R"([{"Path":"a.zst","Name":"a.zst","Size":1234,"MimeType":"x","ModTime":"2026","IsDir":false},)"
          R"({"Path":"sub/b.zst","Name":"b.zst","Size":7,"IsDir":false}])",
          "{\"struct_type\":\"snapshot\",\"id\":\"1\"}\n"
          "{\"name\":\"a.zst\",\"type\":\"file\",\"path\":\"/var/backups/"
          "a.zst\",\"size\":1234,\"struct_type\":\"node\"}\n"
          "{\"name\":\"b.zst\",\"type\":\"file\",\"path\":\"/var/backups/"
          "b.zst\",\"size\":7,\"struct_type\":\"node\"}\n",
          "total 8\n-rw------- 1 root root 1234 Nov 22 10:00 a.zst\n-rw------- 1 root root 7 Nov 22 10:00 "
          "b.zst\n",
          "2026-11-22 10:00:00       1234 a.zst\r\n2026-11-22 10:00:00          7 sub/b.zst\r\n"}) {
        const Listing listing(printed);
        INFO(printed);
        CHECK(listing.has("a.zst", 1234_B));
        CHECK(listing.has("b.zst", 7_B));
        CHECK_FALSE(listing.has("a.zst", 7_B));
        CHECK_FALSE(listing.has("c.zst"));
    }
    for (const char* printed :
         {"", "[", "{", "[[1]]", "nothing", "[{\"Name\":\"a.zst\",\"Size\":\"1234\"}]"}) {
        INFO(printed);
        CHECK_FALSE(Listing(printed).has("a.zst", 1234_B));
    }
}

TEST_CASE("the file goes, then its manifest; no shell is between") {
    Place place;
    place.remote.answer = [](const ProcessRequest&) { return ended(0); };
    CHECK(place.send().empty());
    REQUIRE(place.remote.asked.size() == 2);
    CHECK(place.remote.asked[0].command == std::vector<std::string>{"rclone", "copy",
                                                                    "/backups/" + place.backup.file_name(),
                                                                    "s3:x/" + place.backup.file_name()});
    CHECK(place.remote.asked[1].command[2] == "/backups/" + place.backup.manifest_name());
}

TEST_CASE("what fails is tried three times, and then said in the program's last words") {
    Place place;
    int calls = 0;
    place.remote.answer = [&](const ProcessRequest&) {
        return ++calls <= 2 ? ended(1, "", "first\nno route to host\n") : ended(0);
    };
    CHECK(place.send().empty());
    CHECK(calls == 4); // two that failed, the file, its manifest
    calls = -100;
    CHECK_THAT(place.send().en, Contains("rclone has failed (exit status 1): no route to host"));
    CHECK(calls == -97);
}

TEST_CASE("a command that says all is well is not believed where the remote can be asked") {
    Place place;
    place.settings.offsite_list = {"rclone", "lsjson", "s3:x"};
    std::string listed = "[]";
    place.remote.answer = [&](const ProcessRequest& request) {
        return ended(0, request.command[1] == "lsjson" ? listed : "");
    };
    CHECK_THAT(place.send().en, Contains("does not list"));
    listed = R"([{"Name":")" + place.backup.file_name() + R"(","Size":1233}])";
    CHECK_THAT(place.send().en, Contains("another size than 1234"));
    listed = R"([{"Name":")" + place.backup.file_name() + R"(","Size":1234}])";
    CHECK(place.send().empty());
}

TEST_CASE("only what is proven waits to be sent, the newest first") {
    Place place;
    const Offsite offsite(place.settings, place.world);
    std::vector<Backup> all(5, place.backup);
    all[0].away = WallTime{};
    all[1].id = "older2";
    all[2].state = State::suspect;
    all[3].state = State::complete;
    all[4].id = "newest";
    const std::vector<Backup> waiting = offsite.waiting(all);
    REQUIRE(waiting.size() == 2);
    CHECK(waiting[0].id == "newest");
    CHECK(waiting[1].id == "older2");
    place.settings.verify = false; // then nothing is proven, and none the less wanted elsewhere
    CHECK(offsite.waiting(all).size() == 3);
    place.settings.offsite.clear();
    CHECK(offsite.waiting(all).empty());
}
