#include "status/screen.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::status;

TEST_CASE("a line is cut by what a terminal draws, not by bytes", "[status]") {
    CHECK(cut("", 3).empty());
    CHECK(cut("abc", 3) == "abc");
    CHECK(cut("abcd", 3) == "ab\x1B[0m…");
    CHECK(cut("жёлт", 4) == "жёлт");
    CHECK(cut("жёлтый", 4) == "жёл\x1B[0m…");
    CHECK(cut("\x1B[31mab\x1B[0mc", 3) == "\x1B[31mab\x1B[0mc");  // a colour has no width
    CHECK(cut("\x1B[31mabcd\x1B[0m", 3) == "\x1B[31mab\x1B[0m…"); // and does not outlive the cut
    CHECK(cut("🚨 a", 4) == "🚨 a");
    CHECK(cut("🚨🚨", 3) == "🚨\x1B[0m…");
    CHECK(cut("▁▂█·", 4) == "▁▂█·");
    CHECK(cut("ab", 1) == "\x1B[0m…");
}

TEST_CASE("odd bytes do not lead beyond the line", "[status]") {
    for (const char* text : {"\xF0", "a\xE2\x82", "\x1B[", "\x1B[31", "\x1B", "\x80\x80\x80"}) {
        CAPTURE(text);
        for (const std::size_t columns : {1, 2, 80}) {
            CHECK(cut(text, columns).size() < 20);
        }
    }
}

TEST_CASE("a screen is drawn over the one before, and never scrolls", "[status]") {
    CHECK(frame("one\ntwo\n", {24, 80}, Lang::en) == "\x1B[Hone\x1B[K\ntwo\x1B[K\n\x1B[J");
    CHECK(frame("1\n2\n3\n", {4, 80}, Lang::en) == "\x1B[H1\x1B[K\n2\x1B[K\n3\x1B[K\n\x1B[J");
    CHECK(frame("1\n2\n3\n4\n", {4, 80}, Lang::en) == "\x1B[H1\x1B[K\n2\x1B[K\n… 2 more lines\x1B[K\n\x1B[J");
    CHECK(frame("1\n2\n", {1, 80}, Lang::ru) == "\x1B[H… ещё строк: 2\x1B[K\n\x1B[J");
    CHECK(frame("", {0, 0}, Lang::en) == "\x1B[H\x1B[J");
}
