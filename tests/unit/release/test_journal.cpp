#include "release/journal.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <random>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

const WallTime k_noon = parse_utc("2026-11-22T12:00:00Z").value();

std::string some_journal() {
    return format_entry({Mark::begin, k_noon, {{"id", "fe-1"}, {"by", "Ольга\n\"x\""}}}) +
           format_entry({Mark::swap, k_noon, {{"from", "a"}, {"to", "b"}}}) +
           format_entry({Mark::commit, k_noon, {}});
}

} // namespace

TEST_CASE("a journal comes back as it was written", "[journal]") {
    TempFolder folder;
    SystemReleaseDisk disk;
    FakeClock clock;
    Journal journal(disk, folder / "x.journal", clock);
    REQUIRE(journal.note(Mark::begin, {{"id", "x"}}));
    REQUIRE(journal.note(Mark::swap, {{"from", "a"}, {"to", "b"}}));
    const JournalText text = parse_journal(slurp(folder / "x.journal"));
    REQUIRE(text.entries.size() == 2);
    CHECK_FALSE(text.damaged);
    const Standing standing = standing_of(text.entries);
    CHECK(standing.id == "x");
    CHECK(standing.swap->fact("to") == "b");
    CHECK_FALSE(standing.committed);
    CHECK_FALSE(standing.ended());
}

TEST_CASE("a record that the power has cut is as if it had not been begun", "[journal]") {
    const std::string whole = some_journal();
    const std::size_t two = whole.size() - format_entry({Mark::commit, k_noon, {}}).size();
    for (std::size_t size = two; size < whole.size(); ++size) {
        const JournalText text = parse_journal(whole.substr(0, size));
        INFO(size);
        CHECK(text.entries.size() == 2);
        CHECK_FALSE(text.damaged);
    }
}

TEST_CASE("any other change of any byte is seen", "[journal]") {
    const std::string whole = some_journal();
    const std::vector<Entry> entries = parse_journal(whole).entries;
    REQUIRE(entries.size() == 3);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        const JournalText text = parse_journal(changed);
        INFO(i);
        const bool seen = text.damaged || text.entries.size() < entries.size();
        CHECK(seen);
    }
    // Garbage of the length of a block where the end should be: a disk has done that after a power cut.
    CHECK(parse_journal(whole + std::string(512, '\0')).entries.size() == 3);
}

TEST_CASE("no text makes a journal of nothing", "[journal]") {
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        std::string text(random() % 200, '\0');
        for (char& c : text) {
            c = static_cast<char>(random());
        }
        CHECK(parse_journal(text).entries.empty());
    }
    for (const char* text :
         {"00000002 ", "99999999 00000000 {}\n", "00000002 00000000 {}\n", "00000002 deadbeef {}\n"}) {
        CHECK(parse_journal(text).entries.empty());
    }
}
