// Errors since a swap are held against those before it, through rotations and other people's lines.
#include "release/error_share.h"
#include "support/temp_folder.h"

#include <fstream>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

void answer(const Path& log, int status, int times = 1) {
    std::ofstream out(log, std::ios::app);
    for (int i = 0; i < times; ++i) {
        out << "127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" " << status
            << " 12 \"-\" \"curl\"\n";
    }
}

bool is_too_much(Answered before, Answered since, double allowed) {
    return too_many_errors(before, since, allowed).has_value();
}

} // namespace

TEST_CASE("errors: the share since then against the share before", "[error_share]") {
    CHECK(is_too_much({1000, 0}, {100, 3}, 1));
    CHECK_FALSE(is_too_much({1000, 0}, {100, 1}, 1));
    CHECK_FALSE(is_too_much({1000, 20}, {100, 3}, 1)); // as before
    CHECK(is_too_much({1000, 20}, {100, 4}, 1));
    CHECK(is_too_much({0, 0}, {100, 50}, 10));        // nobody had come before
    CHECK_FALSE(is_too_much({1000, 0}, {19, 19}, 1)); // too few to say
    CHECK_FALSE(is_too_much({1000, 0}, {100, 2}, 1)); // one unlucky visitor
    CHECK(too_many_errors({1000, 10}, {200, 30}, 1)->en ==
          "of 200 answers since the swap 30 were errors of the server (15.0%), before it 1.0%");
}

TEST_CASE("errors: what is in the logs when it begins is before, what comes after is since",
          "[error_share]") {
    const TempFolder folder;
    SystemFiles files;
    const Path log = folder / "access.log", other = folder / "api.log";
    answer(log, 200, 90);
    answer(log, 500, 10);
    answer(other, 404, 100);
    ErrorShare share(files, {log, other, folder / "not-there.log"});
    share.begin();
    CHECK(share.before().all == 200);
    CHECK(share.before().errors == 10);
    CHECK(share.since().all == 0);
    answer(log, 200, 20);
    answer(other, 502, 5);
    spill(folder / "noise.log", "not asked for\n");
    CHECK(share.since().all == 25);
    CHECK(share.since().errors == 5);
    std::filesystem::rename(log, folder / "access.log.1"); // logrotate
    answer(log, 503, 7);
    CHECK(share.since().all == 32);
    CHECK(share.since().errors == 12);
    share.begin_again();
    CHECK(share.since().all == 0);
    CHECK(share.before().all == 200); // as it was
    answer(log, 503);
    CHECK(share.since().errors == 1);
    share.begin();
    CHECK(share.since().all == 0);
    CHECK(share.before().all == 113); // of what there is
}

TEST_CASE("errors: of a long log the end is what visitors get now", "[error_share]") {
    const TempFolder folder;
    SystemFiles files;
    const Path log = folder / "access.log";
    answer(log, 500, 30'000); // long ago
    answer(log, 200, 20'000); // a megabyte and more
    ErrorShare share(files, {log});
    share.begin();
    CHECK(share.before().errors == 0);
    CHECK(share.before().all > 10'000);
}
