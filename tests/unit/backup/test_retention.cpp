#include "backup/retention.h"
#include "retention_model.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const WallTime k_begin{std::chrono::sys_days{std::chrono::year{2025} / 1 / 1}};

Backup at(WallTime time, State state = State::verified) {
    static int made = 0;
    Backup backup;
    backup.id = fmt::format("{:06}", made++);
    backup.source = "database";
    backup.time = time;
    backup.state = state;
    return backup;
}

std::vector<Backup> nightly(int nights, WallTime begin = k_begin) {
    std::vector<Backup> all;
    for (int i = 0; i < nights; ++i) {
        all.push_back(at(begin + i * 24h));
    }
    return all;
}

std::vector<ModelBackup> as_the_model_sees(const std::vector<Backup>& all) {
    std::vector<ModelBackup> seen;
    for (const Backup& one : all) {
        seen.push_back({one.id, one.time, one.counts(), one.pinned, one.away.has_value()});
    }
    return seen;
}

} // namespace

TEST_CASE("nothing goes while no copy lies elsewhere, and the newest that does stays") {
    std::vector<Backup> all = nightly(40);
    const WallTime now = all.back().time + 1h;
    const KeepRule keep{1, 0, 0, 0, 0, 0};
    CHECK(superfluous(all, {keep, 24h, false}, now).frozen.empty());
    CHECK_THAT(superfluous(all, {keep, 24h, true}, now).frozen.en, Contains("was copied away"));
    all[20].away = all[20].time;
    CHECK_THAT(superfluous(all, {keep, 24h, true}, now).frozen.en, Contains("the newest backup elsewhere"));
    CHECK(kept(all, keep, now).contains(all[20].id));
    all[38].away = all[38].time;
    CHECK(superfluous(all, {keep, 24h, true}, now).frozen.empty());
    CHECK_FALSE(kept(all, keep, now).contains(all[20].id));
    CHECK_FALSE(superfluous(all, {keep, 24h, true}, now).awaits_remote);
    all[38].state = State::bad; // what lies there was never looked into
    CHECK(superfluous(all, {keep, 24h, true}, now).awaits_remote);
    CHECK(kept(all, keep, now).contains(all[20].id));
}

TEST_CASE("a year of nights is thinned to days, weeks and months") {
    const std::vector<Backup> all = nightly(365);
    const WallTime now = all.back().time + 1h;
    const KeepRule rule{3, 0, 7, 4, 6, 0};
    const std::set<std::string> stay = kept(all, rule, now);
    CHECK(stay.size() == 14); // 7 days; of the weeks 2 more; of the months 5 more
    CHECK(stay.contains(all.back().id));
    const Sweep sweep = superfluous(all, {rule, 24h}, now);
    CHECK(sweep.frozen.empty());
    CHECK(sweep.ids.size() == 73); // a fifth at once
    CHECK(sweep.later == 365 - 14 - 73);
    CHECK(sweep.ids.front() == all.front().id);
}

TEST_CASE("nothing goes while something is odd") {
    std::vector<Backup> all = nightly(30);
    Rule rule{{1, 0, 0, 0, 0, 0}, 24h};
    WallTime now = all.back().time + 1h;
    REQUIRE_FALSE(superfluous(all, rule, now).ids.empty());
    SECTION("none is proven") {
        for (Backup& backup : all) {
            backup.state = State::complete;
        }
        CHECK_THAT(superfluous(all, rule, now).frozen.en, Contains("no backup of it is proven"));
    }
    SECTION("they have stopped coming") {
        now = all.back().time + 49h;
        CHECK_THAT(superfluous(all, rule, now).frozen.en, Contains("more than two intervals"));
    }
    SECTION("the clock was set back") {
        now = all.back().time - 24h * 31;
        CHECK_THAT(superfluous(all, rule, now).frozen.en, Contains("the clock is wrong"));
    }
    SECTION("the rule is empty") {
        rule.keep = {0, 0, 0, 0, 0, 0};
        CHECK_THAT(superfluous(all, rule, now).frozen.en, Contains("nothing but zeros"));
    }
    CHECK(superfluous(all, rule, now).ids.empty());
}

TEST_CASE("what is pinned, young, or evidence stays; what is evidence no longer goes") {
    std::vector<Backup> all = nightly(30);
    all[0].pinned = true;
    all[1].state = State::bad;      // a month old
    all[25].state = State::suspect; // four days
    const WallTime now = all.back().time + 1h;
    const std::set<std::string> stay = kept(all, {1, 0, 0, 0, 0, 0}, now);
    CHECK(stay == std::set<std::string>{all[0].id, all[25].id, all[27].id, all[28].id, all[29].id});
}

TEST_CASE("in any history the kept are those of the rule, and what is proven is never all gone") {
    const int seeds = LECTIO_COUNT_BACKUP_HISTORIES / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    for (int seed = 0; seed < seeds; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random(static_cast<unsigned>(seed));
        const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
        const Rule rule{{below(5), below(4), below(9), below(6), below(8), below(3)},
                        std::chrono::hours(1 + below(48))};
        std::vector<Backup> all;
        WallTime now = k_begin;
        for (int night = 0; night < 400; ++night) {
            now += below(20) == 0 ? 24h * below(30) : rule.every;
            if (below(40) == 0) {
                now -= 24h * 31; // the clock is set back a month
            }
            const int luck = below(20);
            if (luck > 1) {
                all.push_back(at(now, luck == 2   ? State::bad
                                      : luck == 3 ? State::suspect
                                      : luck == 4 ? State::complete
                                                  : State::verified));
                all.back().pinned = below(100) == 0;
            }
            if (!all.empty() && below(50) == 0) { // a disk loses one
                all[static_cast<std::size_t>(below(static_cast<int>(all.size())))].state = State::bad;
            }
            const bool looked_at = night % 100 == 0; // the model is slow
            if (looked_at) {
                REQUIRE(kept(all, rule.keep, now) == model_kept(as_the_model_sees(all), rule.keep, now));
            }
            const auto proven = [&] {
                return std::count_if(all.begin(), all.end(), [](const Backup& b) { return b.counts(); });
            };
            const auto before = proven();
            const Sweep sweep = superfluous(all, rule, now);
            const std::set<std::string> stay =
                looked_at ? kept(all, rule.keep, now) : std::set<std::string>();
            bool right = (sweep.frozen.empty() || sweep.ids.empty()) &&
                         sweep.ids.size() <= std::max<std::size_t>(2, all.size() / 5);
            for (const std::string& id : sweep.ids) {
                right = right && !stay.contains(id);
                std::erase_if(all, [&](const Backup& backup) { return backup.id == id; });
            }
            right = right && proven() >= std::min<std::ptrdiff_t>(before, 3);
            if (!right) {
                FAIL("night " << night);
            }
        }
    }
}
