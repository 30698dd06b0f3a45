#include "backup/exec_snapshot.h"
#include "backup/record.h"
#include "platform/processes.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

struct Place {
    [[nodiscard]] SteadyTime later() { return bare.clock.steady() + 10min; }
    Result<ExecSnapshot> take(const std::string& script) {
        source.command = {"sh", "-c", script};
        return take_exec(source, folder / "plain", {}, world, later());
    }
    std::string verified(const std::string& script) {
        source.verify = {"sh", "-c", script};
        const auto flaws = flaws_by_program(folder / "plain", source, world, later());
        return !flaws ? "error: " + flaws.error().message : flaws->empty() ? "" : flaws->front().en;
    }

    TempFolder folder;
    BareWorld bare;
    SystemFiles files;
    SystemProcesses processes;
    World world{bare.clock, files, bare.host, bare.http, processes, bare.services, bare.redis};
    ExecSource source;
};

ExecSnapshot snapshot_of_a_dump() {
    ExecSnapshot snapshot;
    snapshot.taken = parse_utc("2026-11-23T10:00:00Z").value();
    snapshot.made_with = "dump";
    snapshot.extension = "tar.gz";
    snapshot.file = {7_B, std::string(64, 'a')};
    return snapshot;
}

} // namespace

TEST_CASE("what a program writes is a file of ours alone; what fails leaves nothing") {
    Place place;
    const Result<ExecSnapshot> taken = place.take("printf 'seven b'; echo well >&2");
    REQUIRE(taken);
    CHECK(slurp(place.folder / "plain") == "seven b");
    CHECK(taken->file.size == 7_B);
    CHECK(taken->made_with == "sh");
    CHECK(place.files.info(place.folder / "plain", Files::Follow::no)->mode == 0600);
    CHECK_FALSE(place.take("echo again")); // never over anything
    for (const auto& [script, words] :
         {std::pair{"echo first >&2; echo x; echo last >&2; exit 1", "sh: exit status 1: first; last"},
          std::pair{"true", "sh: it has written nothing"},
          std::pair{"kill -9 $$", "sh: ended by signal 9"}}) {
        std::filesystem::remove(place.folder / "plain");
        const Result<ExecSnapshot> none = place.take(script);
        REQUIRE_FALSE(none);
        CHECK(none.error().message == words);
        CHECK_FALSE(std::filesystem::exists(place.folder / "plain"));
    }
}

TEST_CASE("a program says by its exit status whether a backup is good; one that is ended has said nothing") {
    Place place;
    REQUIRE(place.take("printf content"));
    CHECK(place.verified("[ $(cat) = content ]").empty());
    CHECK_THAT(place.verified("echo odd >&2; exit 2"), Contains("cannot be restored (exit status 2): odd"));
    CHECK_THAT(place.verified("kill -9 $$"), Contains("error: sh: ended by signal 9"));
    place.source.verify = {"/nothing/there"};
    CHECK_FALSE(flaws_by_program(place.folder / "plain", place.source, place.world, place.later()));
    place.source.restore = {"sh", "-c", "cat > " + (place.folder / "back").string()};
    REQUIRE(restore_by_program(place.folder / "plain", place.source, place.world, place.later()));
    CHECK(slurp(place.folder / "back") == "content");
    place.source.restore = {"false"};
    CHECK_FALSE(restore_by_program(place.folder / "plain", place.source, place.world, place.later()));
}

TEST_CASE("how far a proof goes: a program's own, or the bytes") {
    BackupSource source;
    source.type = "exec";
    const Snapshot written = snapshot_of_a_dump();
    CHECK(proof_of(written, &source) == Proof::unchanged);
    CHECK(proof_of(written, nullptr) == Proof::unchanged);
    source.exec.verify = {"true"};
    CHECK(proof_of(written, &source) == Proof::restored);
    CHECK(proof_of(snapshots::SqliteSnapshot{}, nullptr) == Proof::restored);
}

TEST_CASE("a manifest tells both checksums of what is encrypted, and no extension leads elsewhere") {
    Backup backup;
    backup.id = "abcdef";
    backup.source = "own";
    backup.type = "exec";
    backup.snapshot = snapshot_of_a_dump();
    backup.time = taken(backup.snapshot);
    backup.packed = {300_B, std::string(64, 'b')};
    backup.compressed = {100_B, std::string(64, 'c')};
    backup.state = State::unchanged;
    backup.unchanged = backup.time + 1h;
    CHECK(backup.file_name() == "own-20261123T100000Z-abcdef.tar.gz.zst.age");
    CHECK(backup.compressed_size() == 100_B);
    CHECK(backup.counts());
    CHECK_FALSE(backup.was_restored());
    const std::string text = to_json(backup);
    CHECK_THAT(text, Contains(std::string(64, 'b')) && Contains(std::string(64, 'c')));
    CHECK(backup_from_json(text).value() == backup);

    auto json = nlohmann::json::parse(text);
    for (const char* extension : {"", ".", "..", "/x", "a/b", "../x", "a..b", ".x", "x.", "x y", "x\n"}) {
        json["snapshot"]["extension"] = extension;
        INFO(extension);
        CHECK_FALSE(backup_from_json(json.dump()));
    }
    json = nlohmann::json::parse(text);
    for (const char* member : {"with", "compressed_size"}) {
        auto other = json;
        other["encrypted"].erase(member);
        CHECK_FALSE(backup_from_json(other.dump()));
    }
}

TEST_CASE("recipients are keys and files, with what age has before them or without; the rest is nobody") {
    const AgeRecipients all = recipients_of({"age", "-r", "age1x", "--recipient", "ssh-ed25519 AAAA me", "-R",
                                             "/etc/keys", "/etc/more", "age1y"});
    CHECK(all.keys == std::vector<std::string>{"age1x", "ssh-ed25519 AAAA me", "age1y"});
    CHECK(all.files == std::vector<std::string>{"/etc/keys", "/etc/more"});
    CHECK(all.unknown.empty());
    CHECK(recipients_of({"/usr/bin/age", "age1x"}).keys.size() == 1);
    CHECK(recipients_of({"age"}).empty());
    for (const char* odd : {"-p", "--passphrase", "bob", "", "-o", "AGE-SECRET-KEY-1X", "keys"}) {
        INFO(odd);
        CHECK(recipients_of({odd}).unknown == std::vector<std::string>{odd});
    }
    CHECK(recipients_of({"-r", "/etc/keys"}).unknown.size() == 1);
    CHECK(recipients_of({"-R", "age1x"}).unknown.size() == 1);
}
