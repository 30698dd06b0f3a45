#include "words/span.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("A length of time behind через, за, уже is in the accusative") {
    CHECK(span_of(1) == Text{"1 second", "1 секунду"});
    CHECK(span_of(21) == Text{"21 seconds", "21 секунду"});
    CHECK(span_of(2).ru == "2 секунды");
    CHECK(span_of(5).ru == "5 секунд");
    CHECK(span_of(61).ru == "1 минуту 1 секунду");
    CHECK(span_of(60 * 60).ru == "1 час");
    CHECK(span_of(0) == spoken(0));
    CHECK(spoken(61).ru == "1 минута 1 секунда");
}
