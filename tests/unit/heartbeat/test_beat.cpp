#include "heartbeat/beat.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::heartbeat;

TEST_CASE("what is kept from beat to beat comes back as it was", "[beat]") {
    BeatState state;
    state.awaited = {{"awaited-backup", "1769076000000"}};
    state.ping = {Bytes{100'000}, "203.0.113.7"};
    state.finished = Now{WallTime(std::chrono::milliseconds(1'769'076'000'000)), {}, "f81d4fae"};
    CHECK(beat_state_from_json(to_json(state)) == state);
    CHECK(beat_state_from_json(to_json(BeatState{})) == BeatState{});
}

TEST_CASE("a state that is odd is as none", "[beat]") {
    for (const char* text :
         {"", "[]", "null", "{\"awaited\":5,\"ping\":[]}", "{\"ping\":{\"body_limit\":-1,\"address\":7}}",
          "{\"awaited\":{\"a\":1},\"finished\":\"now\"}", "{{{{"}) {
        CAPTURE(text);
        CHECK(beat_state_from_json(text) == BeatState{});
    }
}
