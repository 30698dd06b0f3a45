#include "release/record.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

const WallTime k_noon = parse_utc("2026-11-22T12:00:00Z").value();

Release some_release() {
    Release release;
    release.id = make_id(Kind::frontend, k_noon, 7);
    release.state = State::good;
    release.generation = 12;
    release.made = k_noon;
    release.live = k_noon + std::chrono::seconds(5);
    release.by = "olga";
    release.source = "/srv/build";
    release.hash = "ab12";
    release.files = 3;
    release.size = 5_MB;
    release.carried = {{"static/js/main.1a2b3c4d.js", make_id(Kind::frontend, k_noon, 9), k_noon}};
    return release;
}

Release good(std::string id, std::int64_t generation, State state = State::good) {
    Release release;
    release.id = std::move(id);
    release.generation = generation;
    release.state = state;
    return release;
}

} // namespace

TEST_CASE("a record comes back as it was kept", "[record]") {
    const Release release = some_release();
    const Result<Release> back = release_from_json(to_json(release));
    REQUIRE(back);
    CHECK(*back == release);
}

TEST_CASE("an id names its kind and time, and nothing else is one", "[record]") {
    const std::string id = make_id(Kind::frontend, k_noon, 7);
    CHECK(id.starts_with("fe-20261122T120000Z-"));
    CHECK(is_id(id));
    const std::string other = make_id(Kind::backend, k_noon, 7);
    CHECK(is_id(other));
    CHECK(other.substr(3) == id.substr(3));
    CHECK(kind_of_id(other) == Kind::backend);
    CHECK(kind_of_id(id) == Kind::frontend);
    CHECK_FALSE(is_id("xe-" + id.substr(3)));
    for (const char* text :
         {"", "fe-20261122T120000Z-", "../../etc/passwd........", "fe-20261122T120000Z-aa/b",
          "xe-20261122T120000Z-aaab", "fe-20261122T120000Z-AAAB", "fe-20261122 120000Z-aaab",
          "fe-20261122T120000Z-aaab/", "fe-2026112xT120000Z-aaab"}) {
        INFO(text);
        CHECK_FALSE(is_id(text));
    }
}

TEST_CASE("ids sort as their times do, within a second, too", "[record]") {
    std::string before;
    for (int i = 0; i < 3000; i += 7) {
        const std::string id = make_id(Kind::frontend, k_noon + std::chrono::milliseconds(i),
                                       static_cast<std::uint64_t>(3000 - i));
        CHECK(is_id(id));
        CHECK(before < id);
        before = id;
    }
}

TEST_CASE("what is no record is refused", "[record]") {
    const std::string whole = to_json(some_release());
    for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
        CHECK_FALSE(release_from_json(whole.substr(0, size)));
    }
    for (const char* text : {"[]", "null", "{}", "\"x\"", "{\"id\":\"../x\",\"state\":\"good\"}"}) {
        CHECK_FALSE(release_from_json(text));
    }
}

TEST_CASE("a carried file never lies outside its release", "[record]") {
    Release release = some_release();
    for (const char* path : {"../x.js", "/etc/passwd", "a//b.js", "a/./b.js", ""}) {
        release.carried.push_back({path, release.id, k_noon});
    }
    CHECK(release_from_json(to_json(release))->carried.size() == 1);
}

TEST_CASE("the one to go back to was served last, is good, and is not the present one", "[record]") {
    const std::vector<Release> releases{
        good("a", 1), good("b", 4), good("c", 5), good("d", 3, State::bad), good("e", 9, State::withdrawn),
        good("f", 0)};
    CHECK(previous_good(releases, "c")->id == "b");
    CHECK(previous_good(releases, "b")->id == "c");
    CHECK(previous_good(releases, "of nobody")->id == "c");
    CHECK(previous_good({}, "a") == nullptr);
    CHECK(previous_good({good("a", 1)}, "a") == nullptr);
}
