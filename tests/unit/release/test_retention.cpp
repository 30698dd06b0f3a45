#include "release/retention.h"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

Release made(int number, State state, std::int64_t generation) {
    Release release;
    release.id =
        make_id(Kind::frontend, WallTime(std::chrono::hours(number)), static_cast<std::uint64_t>(number));
    release.state = state;
    release.generation = generation;
    return release;
}

} // namespace

TEST_CASE("the last good ones stay, and the newest bad ones for whoever wants to know", "[retention]") {
    std::vector<Release> releases;
    for (int i = 0; i < 8; ++i) {
        releases.push_back(made(i, State::good, i + 1));
    }
    for (int i = 8; i < 12; ++i) {
        releases.push_back(made(i, State::bad, 0));
    }
    const std::vector<std::string> gone = superfluous(releases, releases[7].id, {.good = 3, .evidence = 2});
    std::vector<std::string> expected;
    for (const int i : {0, 1, 2, 3, 4, 8, 9}) {
        expected.push_back(releases[static_cast<std::size_t>(i)].id);
    }
    CHECK(gone == expected);
}

TEST_CASE("the folder that was taken over stays until it is given back", "[retention]") {
    std::vector<Release> releases;
    for (int i = 0; i < 8; ++i) {
        releases.push_back(made(i, State::good, i + 1));
    }
    releases[0].adopted = true;
    const std::vector<std::string> gone = superfluous(releases, releases[7].id, {.good = 2, .evidence = 0});
    CHECK(std::find(gone.begin(), gone.end(), releases[0].id) == gone.end());
    CHECK(gone.size() == 5);
}

TEST_CASE("nothing goes while it is not known what is served", "[retention]") {
    const std::vector<Release> releases{made(1, State::good, 1), made(2, State::bad, 0),
                                        made(3, State::staged, 0)};
    CHECK(superfluous(releases, "", {.good = 1, .evidence = 0}).empty());
    CHECK(superfluous(releases, "fe-20000101T000000Z-aaaa", {.good = 1, .evidence = 0}).empty());
}

// A model beside it: histories of good, bad, half-done and rolled-back deploys, with any settings.
TEST_CASE("no history ever loses the served one, the one to go back to, or one in use", "[retention]") {
    std::mt19937 random(20261122);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    for (int history = 0; history < 2000; ++history) {
        std::vector<Release> releases;
        std::string current;
        std::int64_t generation = 0;
        int number = 0;
        const Keeping limits{.good = 1 + random() % 6, .evidence = random() % 3};
        for (int step = 0; step < 40; ++step) {
            std::set<std::string> used;
            for (const Release& release : releases) {
                if (chance(9)) {
                    used.insert(release.id);
                }
            }
            if (chance(4) && previous_good(releases, current) != nullptr) { // rollback
                const std::string to = previous_good(releases, current)->id;
                for (Release& release : releases) {
                    if (release.id == current) {
                        release.state = State::withdrawn;
                    }
                    if (release.id == to) {
                        release.generation = ++generation;
                    }
                }
                current = to;
            } else {
                const unsigned kind = static_cast<unsigned>(random() % 4);
                releases.push_back(made(++number,
                                        kind == 0   ? State::bad
                                        : kind == 1 ? State::staged
                                                    : State::good,
                                        kind < 2 ? 0 : ++generation));
                releases.back().pinned = chance(15);
                current = kind < 2 ? current : releases.back().id;
            }
            Keeping keeping = limits;
            keeping.needed = used;
            const std::vector<std::string> gone = superfluous(releases, current, keeping);
            const Release* back = previous_good(releases, current);
            for (const std::string& id : gone) {
                const Release* release = find(releases, id);
                REQUIRE(release != nullptr);
                CHECK(id != current);
                CHECK((back == nullptr || id != back->id));
                CHECK_FALSE(used.contains(id));
                CHECK_FALSE(release->pinned);
                // A good one goes only where enough newer good ones are left.
                if (release->state == State::good) {
                    const auto newer =
                        std::count_if(releases.begin(), releases.end(), [&](const Release& it) {
                            return it.state == State::good && it.generation > release->generation;
                        });
                    CHECK(static_cast<std::size_t>(newer) >= limits.good);
                }
            }
            std::erase_if(releases, [&](const Release& release) {
                return std::find(gone.begin(), gone.end(), release.id) != gone.end();
            });
            // Bounded, whatever happens: what is left is kept for a reason.
            const auto plain = std::count_if(releases.begin(), releases.end(), [&](const Release& release) {
                return !release.pinned && !used.contains(release.id);
            });
            CHECK((current.empty() || static_cast<std::size_t>(plain) <= limits.good + limits.evidence + 2));
        }
    }
}
