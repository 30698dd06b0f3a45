#include "backup/redis_snapshot.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_processes.h"
#include "support/fake_redis.h"
#include "support/temp_folder.h"

#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::string string_of(const std::string& text) { // shorter than 64 bytes
    return std::string(1, static_cast<char>(text.size())) + text;
}

std::string remark(const std::string& name, const std::string& value) {
    return "\xfa" + string_of(name) + string_of(value);
}

std::string key(const std::string& name, const std::string& value) {
    return std::string(1, '\0') + string_of(name) + string_of(value);
}

std::string database(int number) {
    return std::string("\xfe") + static_cast<char>(number);
}

// With its end and its checksum.
std::string dump_of(const std::string& parts, const std::string& head = "REDIS0010") {
    std::string dump = head + parts + "\xff";
    const std::uint64_t sum = crc64(0, dump);
    for (unsigned shift = 0; shift < 64; shift += 8) {
        dump += static_cast<char>((sum >> shift) & 255U);
    }
    return dump;
}

const std::string& a_dump() {
    static const std::string dump =
        dump_of(remark("redis-ver", "7.0.15") + remark("ctime", "1795413875") +
                remark("used-mem", "1000000") + database(0) + key("a", "1") + "\xfc" + std::string(8, '\1') +
                key("b", "2") + database(3) + key("c", "3"));
    return dump;
}

struct Place {
    Result<RdbFacts> read(const std::string& dump) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << dump;
        return read_rdb(file, bare.clock, bare.clock.steady() + 10min);
    }
    TempFolder folder;
    Path file = folder / "dump.rdb";
    BareWorld bare;
};

std::string transferred(const std::string& answer, std::size_t piece, RedisTransfer& transfer) {
    std::string dump;
    const Give give = [&](std::string_view bytes) {
        dump += bytes;
        return Result<void>{};
    };
    for (std::size_t at = 0; at < answer.size() && !transfer.is_whole(); at += piece) {
        REQUIRE(transfer.take(std::string_view(answer).substr(at, piece), give));
    }
    return dump;
}

} // namespace

TEST_CASE("the checksum of a dump is Redis' CRC-64, however it is cut") {
    CHECK(crc64(0, "123456789") == 0xe9c6d914c4b8d9caULL); // redis/src/crc64.c, crc64Test()
    CHECK(crc64(crc64(0, "1234"), "56789") == crc64(0, "123456789"));
}

TEST_CASE("a dump is read through: keys of each database, and what it says of its server") {
    Place place;
    const Result<RdbFacts> facts = place.read(a_dump());
    REQUIRE(facts);
    CHECK(facts->format == 10);
    CHECK(facts->keys == std::map<int, std::uint64_t>{{0, 2}, {3, 1}});
    CHECK(facts->has_checksum);
    CHECK(facts->understood);
    CHECK(facts->server == "7.0.15");
    CHECK(facts->memory == Bytes{1'000'000});
    CHECK(facts->created == 1'795'413'875);
    CHECK(place.read(dump_of("", "REDIS0009"))->keys.empty());
}

TEST_CASE("a dump that is cut anywhere or has another byte anywhere is none") {
    Place place;
    for (std::size_t size = 0; size < a_dump().size(); ++size) {
        INFO(size);
        const Result<RdbFacts> cut = place.read(a_dump().substr(0, size));
        REQUIRE_FALSE(cut);
        CHECK(cut.error().kind == ErrorKind::invalid);
        std::string other = a_dump();
        other[size] = static_cast<char>(other[size] ^ 0x10);
        const Result<RdbFacts> changed = place.read(other);
        REQUIRE_FALSE(changed);
        CHECK(changed.error().kind == ErrorKind::invalid);
    }
    CHECK_FALSE(place.read(a_dump() + "x"));
}

TEST_CASE("a value that came after this reader leaves the checksum to speak") {
    Place place;
    const std::string newer =
        dump_of(database(0) + key("a", "1") + "\x50" + string_of("b") + "whatever it is");
    const Result<RdbFacts> facts = place.read(newer);
    REQUIRE(facts);
    CHECK_FALSE(facts->understood);
    CHECK(facts->has_checksum);
    std::string damaged = newer;
    damaged[damaged.size() - 12] ^= 1;
    CHECK_FALSE(place.read(damaged));
}

TEST_CASE("without a checksum a dump says so") {
    Place place;
    std::string dump = a_dump();
    dump.replace(dump.size() - 8, 8, std::string(8, '\0'));
    CHECK_FALSE(place.read(dump)->has_checksum);
}

TEST_CASE("what a server sends is the dump, by its length or up to a mark, in pieces of any size") {
    const std::string dump = "REDIS the dump\nwith $ and \r\n in it", mark(40, 'm');
    for (std::size_t piece = 1; piece < 120; ++piece) {
        RedisTransfer counted, marked;
        const std::string head = "+FULLRESYNC 8371445ee9 0\r\n\n\n";
        CHECK(transferred(head + "$" + std::to_string(dump.size()) + "\r\n" + dump, piece, counted) == dump);
        CHECK(counted.is_whole());
        CHECK(transferred(head + "$EOF:" + mark + "\r\n" + dump + mark, piece, marked) == dump);
        CHECK(marked.is_whole());
        RedisTransfer cut;
        transferred("$EOF:" + mark + "\r\n" + dump + mark.substr(1), piece, cut);
        CHECK_FALSE(cut.is_whole());
    }
}

TEST_CASE("a server that refuses, or is none, is heard") {
    const Give give = [](std::string_view) { return Result<void>{}; };
    const auto error_of = [&](std::string_view said) { return RedisTransfer().take(said, give).error(); };
    CHECK(error_of("-NOPERM no rights\r\n").kind == ErrorKind::permission);
    CHECK(error_of("-NOMASTERLINK not yet\r\n").kind == ErrorKind::busy);
    CHECK_THAT(error_of("-NOMASTERLINK not yet\r\n").message, Contains("not yet"));
    CHECK(error_of("HTTP/1.1 400 Bad Request\r\n").kind == ErrorKind::protocol);
    CHECK(error_of("$0\r\n").kind == ErrorKind::protocol);
    CHECK(error_of("$-5\r\n").kind == ErrorKind::protocol);
    CHECK(error_of(std::string(5000, 'x')).kind == ErrorKind::protocol);
}

TEST_CASE("a snapshot over replication: what is asked, what is kept, and how it is told again") {
    Place place;
    FakeRedis redis;
    redis.answer = [](const FakeRedis::Command& command) -> Result<RedisReply> {
        if (command == FakeRedis::Command{"INFO", "server"}) {
            return redis_text("# Server\r\nredis_version:7.0.15\r\n");
        }
        if (command == FakeRedis::Command{"CONFIG", "GET", "dir"}) {
            return redis_array({redis_text("dir"), redis_text("/var/lib/redis")});
        }
        if (command == FakeRedis::Command{"CONFIG", "GET", "dbfilename"}) {
            return redis_array({redis_text("dbfilename"), redis_text("dump.rdb")});
        }
        return redis_error("ERR unknown");
    };
    BareWorld& bare = place.bare;
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    const RedisSource source{Secret("redis://127.0.0.1"), "replication"};
    redis.stream = {"+FULLRESYNC x 0\r\n$" + std::to_string(a_dump().size()) + "\r\n", a_dump()};
    const auto until = bare.clock.steady() + 10min;
    const Result<RedisSnapshot> taken = take_redis(source, place.file, world, until);
    REQUIRE(taken);
    CHECK(redis.commands.back() == FakeRedis::Command{"PSYNC", "?", "-1"});
    CHECK(taken->made_with == "Redis 7.0.15");
    CHECK(taken->place == RedisPlace{"/var/lib/redis/dump.rdb", {}});
    CHECK(keys_in(taken->facts) == 3);
    CHECK(redis_snapshot_from(json_of(*taken)).value() == *taken);
    nlohmann::json leads_elsewhere = json_of(*taken);
    leads_elsewhere["dump"] = "/var/lib/../../etc/shadow";
    CHECK_FALSE(redis_snapshot_from(leads_elsewhere));

    // A connection that ends too early, or what is no dump, leaves nothing.
    REQUIRE(bare.files.remove(place.file));
    redis.stream = {"$100\r\n", "REDIS0010"};
    CHECK_FALSE(take_redis(source, place.file, world, until));
    CHECK_FALSE(bare.files.info(place.file, Files::Follow::no));
    redis.stream = {"$9\r\n", "not a rdb"};
    CHECK(take_redis(source, place.file, world, until).error().kind == ErrorKind::invalid);
    CHECK_FALSE(bare.files.info(place.file, Files::Follow::no));
}

TEST_CASE("a dump is what Redis has just saved, though its second may be the one before; an older one is "
          "another's") {
    Place place;
    FakeRedis redis;
    const Path saved = place.folder / "saved.rdb";
    std::ofstream(saved, std::ios::binary) << a_dump();
    std::string now;
    redis.answer = [&](const FakeRedis::Command& command) -> Result<RedisReply> {
        if (command == FakeRedis::Command{"CONFIG", "GET", "dir"}) {
            return redis_array({redis_text("dir"), redis_text(place.folder.path().string())});
        }
        if (command == FakeRedis::Command{"CONFIG", "GET", "dbfilename"}) {
            return redis_array({redis_text("dbfilename"), redis_text("saved.rdb")});
        }
        if (command == FakeRedis::Command{"TIME"}) {
            return redis_array({redis_text(now), redis_text("17")});
        }
        return redis_text("# Persistence\r\nrdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n");
    };
    BareWorld& bare = place.bare;
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    const RedisSource source{Secret("redis://127.0.0.1"), "bgsave"};
    const auto taken_at = [&](std::int64_t second) {
        now = std::to_string(second);
        Result<RedisSnapshot> taken = take_redis(source, place.file, world, bare.clock.steady() + 10min);
        const bool is_there = bool(bare.files.info(place.file, Files::Follow::no));
        CHECK(is_there == bool(taken));
        CHECK((!is_there || bool(bare.files.remove(place.file))));
        return taken;
    };
    constexpr std::int64_t k_created = 1795413875; // of a_dump()
    CHECK(taken_at(k_created - 3600));
    CHECK(taken_at(k_created));
    CHECK(taken_at(k_created + 1));
    CHECK_THAT(taken_at(k_created + 2).error().message, Contains("not what Redis has just saved"));
}

TEST_CASE("why no server loads it is said: none here, an older one, modules, too little memory") {
    BareWorld bare;
    FakeProcesses processes;
    FakeHost host;
    host.memory_info = MemoryInfo{1_GB, 100_MB, {}, {}};
    World world{bare.clock, bare.files, host, bare.http, processes, bare.services, bare.redis};
    RedisSnapshot snapshot;
    snapshot.facts.server = "7.0.15";
    snapshot.facts.memory = 10_MB;
    const auto why = [&](const std::string& version) {
        processes.answers.clear();
        if (!version.empty()) {
            ProcessAnswer answer;
            answer.exit_status = 0;
            answer.out = "Redis server v=" + version + " sha=00000000:0 malloc=libc bits=64 build=0\n";
            processes.answers.emplace("redis-server", answer);
        }
        return why_not_loaded(snapshot, world).en;
    };
    CHECK(why("7.0.15").empty());
    CHECK(why("7.2.1").empty());
    CHECK_THAT(why("6.0.16"), Contains("older than the 7.0.15"));
    CHECK_THAT(why(""), Contains("no redis-server"));
    snapshot.facts.memory = 90_MB;
    CHECK_THAT(why("7.0.15"), Contains("memory"));
    snapshot.facts.modules = true;
    CHECK_THAT(why("7.0.15"), Contains("modules"));
}
