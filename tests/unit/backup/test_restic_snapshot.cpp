#include "backup/record.h"
#include "backup/restic_snapshot.h"
#include "platform/processes.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const std::string k_id = std::string(60, 'a') + "0123";

std::string summary(const std::string& id) {
    return R"({"message_type":"status","percent_done":0}
{"message_type":"summary","data_added":902806,"total_files_processed":3,"total_bytes_processed":900000,"snapshot_id":")" +
           id + "\"}\n";
}

std::string first_line() {
    return R"({"time":"2026-11-23T13:51:25Z","id":")" + k_id + R"(","struct_type":"snapshot"})";
}

// restic's answers by its command.
class MadeUpRestic final : public Processes {
  public:
    struct Says {
        int status = 0;
        std::string out{}, err{};
    };
    std::map<std::string, std::vector<Says>> answers{{"backup", {{0, summary(k_id.substr(0, 8))}}},
                                                     {"ls", {{0, first_line() + "\n{}\n"}}},
                                                     {"version", {{0, "restic 0.14.0 compiled with go\n"}}},
                                                     {"list", {{0, k_id + "\n"}}},
                                                     {"check", {{}}},
                                                     {"dump", {{}}},
                                                     {"restore", {{}}}};
    std::vector<ProcessRequest> asked;

    Result<ProcessAnswer> run(const ProcessRequest& request) override {
        asked.push_back(request);
        std::vector<Says>& all = answers.at(request.command.at(3)); // after restic -r REPOSITORY
        const Says says = all.front();
        if (all.size() > 1) {
            all.erase(all.begin());
        }
        ProcessAnswer answer;
        answer.exit_status = says.status;
        if (says.status < 0) {
            answer.timed_out = true;
        }
        answer.err = says.err;
        if (request.output_to >= 0) {
            REQUIRE(::write(request.output_to, says.out.data(), says.out.size()) ==
                    static_cast<ssize_t>(says.out.size()));
        } else {
            answer.out = says.out;
        }
        return answer;
    }
    [[nodiscard]] bool has_asked(const std::string& word) const {
        return std::any_of(asked.begin(), asked.end(), [&](const ProcessRequest& request) {
            return std::find(request.command.begin(), request.command.end(), word) != request.command.end();
        });
    }
};

struct Place {
    Place() {
        std::filesystem::create_directories(folder / "media");
        source.files.paths = {folder / "media"};
        source.files.exclude = {"*.tmp"};
        source.name = "media";
        source.type = "files";
        source.restic = {"restic", "-r", "there"};
    }
    [[nodiscard]] SteadyTime later() { return bare.clock.steady() + 10min; }
    Result<ResticSnapshot> take() { return take_restic(source, list, world, later()); }
    std::string structure() { return said(flaw_of_structure(k_id, source, world, later())); }
    std::string content() { return said(flaw_of_content(k_id, source, world, later())); }
    static std::string said(const Result<Text>& flaw) {
        return flaw ? flaw->en : "error: " + flaw.error().message;
    }

    TempFolder folder;
    Path list = folder / "list";
    BareWorld bare;
    MadeUpRestic restic;
    World world{bare.clock, bare.files, bare.host, bare.http, restic, bare.services, bare.redis};
    BackupSource source;
};

} // namespace

TEST_CASE("files are given to restic, and what it has of them is a list here") {
    Place place;
    const Result<ResticSnapshot> made = place.take();
    REQUIRE(made);
    CHECK(made->id == k_id);
    CHECK(made->files == 3);
    CHECK(made->content == 900000_B);
    CHECK(made->added == 902806_B);
    CHECK(made->made_with == "restic 0.14.0");
    CHECK(made->unread == 0);
    CHECK(slurp(place.list) == first_line() + "\n{}\n");
    CHECK(made->file.size.count == first_line().size() + 4);
    const Path media = place.folder / "media";
    CHECK(place.restic.asked.front().command ==
          std::vector<std::string>{"restic", "-r", "there", "backup", "--json", "--quiet",
                                   "--one-file-system", "--tag", "lectio", "--tag", "media", "--exclude",
                                   "*.tmp", "--", std::filesystem::canonical(media).string()});
    CHECK(restic_snapshot_from(json_of(*made)).value() == *made);
}

TEST_CASE("files that could not be read are named, and the snapshot is one all the same") {
    Place place;
    std::string errors;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        errors += R"({"message_type":"error","error":{"Op":"open","Err":13},"item":"/srv/)" +
                  std::string(name) + "\"}\n";
    }
    place.restic.answers["backup"] = {{3, summary(k_id.substr(0, 8)), errors + "Warning: at least one\n"}};
    const Result<ResticSnapshot> made = place.take();
    REQUIRE(made);
    CHECK(made->unread == 6);
    CHECK(made->missing == std::vector<std::string>{"/srv/a", "/srv/b", "/srv/c", "/srv/d", "/srv/e"});
    CHECK(restic_snapshot_from(json_of(*made)).value() == *made);
}

TEST_CASE("what restic refuses is told in its words, and no list of it stays") {
    using Says = MadeUpRestic::Says;
    const std::string locked =
        "unable to create lock in backend: repository is already locked exclusively by "
        "PID 7 on x\nlock was created\n";
    const std::string retried =
        "Load(<config/0>) returned error, retrying after 5s: open\nFatal: unable to open "
        "config file: gone\nIs there a repository\n";
    for (const auto& [command, says, words] :
         {std::tuple{"backup", Says{1, {}, "Fatal: wrong password or no key found\n"},
                     "restic: wrong password or no key found"},
          std::tuple{"backup", Says{1, {}, locked}, "repository is already locked exclusively by PID 7"},
          std::tuple{"backup", Says{1, {}, retried}, "restic: unable to open config file: gone"},
          std::tuple{"backup", Says{2, {}, {}}, "restic: exit status 2"},
          std::tuple{"backup", Says{0, "{}\n", {}}, "restic does not say what it has made"},
          std::tuple{"backup", Says{-1, {}, {}}, "restic was ended before it was done"},
          std::tuple{"ls", Says{0, {}, "Ignoring \"aaaaaaaa\": no matching ID found\n"},
                     "no matching ID found"},
          std::tuple{"ls", Says{1, first_line(), "Fatal: gone\n"}, "gone"}}) {
        Place place;
        place.restic.answers[command] = {says};
        const Result<ResticSnapshot> made = place.take();
        REQUIRE_FALSE(made);
        CHECK_THAT(made.error().message, Contains(words));
        CHECK_FALSE(std::filesystem::exists(place.list));
    }
    Place place;
    place.source.files.paths.push_back(place.folder / "nothing");
    CHECK(place.take().error().kind == ErrorKind::not_found);
    CHECK(place.restic.asked.empty());
}

TEST_CASE("a flaw is what restic calls damage, twice; what keeps it from looking is none") {
    using Says = MadeUpRestic::Says;
    const Says damaged{1, {}, "pack 7: does not exist\nFatal: repository contains errors\n"};
    const Says silent{1, {}, "Fatal: unable to open config file: ssh: no route\n"};
    Place place;
    CHECK(place.structure().empty());
    CHECK(place.content().empty());
    place.restic.answers["check"] = {damaged, {}};
    CHECK(place.structure().empty()); // somebody was at work there
    place.restic.answers["check"] = {damaged};
    CHECK(place.structure() == "the repository is damaged: pack 7: does not exist");
    place.restic.answers["check"] = {silent};
    CHECK_THAT(place.structure(), Contains("error: restic: unable to open config file: ssh"));
    place.restic.answers["list"] = {{0, std::string(64, 'b') + "\n"}};
    CHECK(place.structure() == "the repository has no snapshot aaaaaaaa");
    place.restic.answers["list"] = {silent};
    CHECK_THAT(place.structure(), Contains("error: "));
    place.restic.answers["dump"] = {
        {2, {}, "cannot dump file: decrypting blob 3 failed: ciphertext verification failed\n"}};
    CHECK_THAT(place.content(), Contains("the repository is damaged: cannot dump file"));
    place.restic.answers["dump"] = {silent};
    CHECK_THAT(place.content(), Contains("error: restic: unable to open"));
    place.restic.answers["dump"] = {{-1}};
    CHECK_THAT(place.content(), Contains("error: restic was ended"));
}

TEST_CASE("only backup writes or locks anything there, and nobody's lock is removed") {
    Place place;
    REQUIRE(place.take());
    CHECK(place.structure().empty());
    CHECK(place.content().empty());
    REQUIRE(
        restore_restic(k_id, place.folder / "to", "/srv/we[ir]d*", place.source, place.world, place.later()));
    CHECK(place.restic.has_asked("/srv/we\\[ir\\]d\\*"));
    for (const ProcessRequest& request : place.restic.asked) {
        const auto& command = request.command;
        const bool is_unlocked = std::find(command.begin(), command.end(), "--no-lock") != command.end();
        CHECK((is_unlocked || command[3] == "backup" || command[3] == "version"));
        CHECK(request.environment.empty());
    }
    for (const char* verb : {"unlock", "forget", "prune"}) {
        CHECK_FALSE(place.restic.has_asked(verb));
    }
    place.restic.answers["restore"] = {{1, {}, "ignoring error for /x: no\nFatal: There were 3 errors\n"}};
    CHECK(restore_restic(k_id, place.folder / "to", {}, place.source, place.world, place.later())
              .error()
              .message == "restic: There were 3 errors");
}

TEST_CASE("a manifest of restic's leads nowhere else") {
    Place place;
    Backup backup;
    backup.id = "abcdef";
    backup.source = "media";
    backup.type = "files";
    backup.snapshot = place.take().value();
    backup.time = taken(backup.snapshot);
    backup.packed = {300_B, std::string(64, 'b')};
    CHECK_THAT(backup.file_name(), Contains(".restic.zst"));
    CHECK(is_in_repository(backup.snapshot));
    CHECK(content_of(backup.snapshot) == 900000_B);
    CHECK(proof_of(backup.snapshot, nullptr) == Proof::unchanged);
    const std::string text = to_json(backup);
    CHECK(backup_from_json(text).value() == backup);
    const auto json = nlohmann::json::parse(text);
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, nlohmann::json>>{{"snapshot", "latest"},
                                                             {"snapshot", "--target=/"},
                                                             {"snapshot", std::string(63, 'a')},
                                                             {"snapshot", 7},
                                                             {"paths", {"srv"}},
                                                             {"paths", {"/srv/../etc"}},
                                                             {"paths", {"/"}},
                                                             {"paths", "no list"},
                                                             {"missing", nullptr},
                                                             {"type", "files"}}) {
        auto other = json;
        other["snapshot"][key] = value;
        INFO(other.dump());
        CHECK_FALSE(backup_from_json(other.dump()));
    }
}
