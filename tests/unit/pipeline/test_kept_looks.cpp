#include "pipeline/kept_looks.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

Now at(std::chrono::seconds since_boot) {
    return {WallTime(Duration(1'700'000'000'000) + since_boot), since_boot, "boot"};
}

CheckPolicy policy_of(const std::string& name, Duration every) {
    CheckPolicy policy;
    policy.name = name;
    policy.type = "sqlite";
    policy.common.every = every;
    return policy;
}

Verdict verdict_of(const std::string& name, Status status) {
    Verdict verdict;
    verdict.name = name;
    verdict.type = "sqlite";
    verdict.status = status;
    verdict.message = {"2 pages are damaged", "повреждены 2 страницы"};
    return verdict;
}

Observation seen(const std::string& name) {
    CheckResult result;
    result.evidence = "page 7";
    result.metrics = {{"free", 3, "%", 10, {}, Metric::Bad::below}};
    return {name, result, false};
}

} // namespace

TEST_CASE("a look counts until the next one, and says how old it is") {
    Policy policy;
    policy.checks = {policy_of("dear", 24h), policy_of("cheap", 0s)};
    std::vector<KeptLook> kept;
    const std::vector<Verdict> verdicts{verdict_of("dear", Status::critical),
                                        verdict_of("cheap", Status::ok)};
    keep_looks(kept, verdicts, {seen("dear"), seen("cheap")}, policy, at(1000s));
    REQUIRE(kept.size() == 1);

    kept = kept_looks_from_json(to_json(kept));
    const KeptVerdicts later = kept_verdicts(kept, {verdicts[1]}, {}, policy, at(1000s + 3h));
    REQUIRE(later.verdicts.size() == 1);
    CHECK(later.verdicts[0].status == Status::critical);
    CHECK(later.verdicts[0].message.en == "2 pages are damaged (looked at 3 hours ago)");
    CHECK(later.verdicts[0].message.ru == "повреждены 2 страницы (проверено 3 часа назад)");
    REQUIRE(later.rows.size() == 1);
    CHECK(later.rows[0].age == 3h);
    CHECK(later.rows[0].result.evidence == "page 7");
    REQUIRE(later.rows[0].result.metrics.size() == 1);
    CHECK(later.rows[0].result.metrics[0].bad == Metric::Bad::below);
    CHECK(later.rows[0].result.metrics[0].warn == 10);

    CHECK(kept_verdicts(kept, verdicts, {}, policy, at(2000s)).verdicts.empty()); // asked in this run
}

TEST_CASE("a look is forgotten with its check, its type and its `every`") {
    Policy policy;
    policy.checks = {policy_of("dear", 24h)};
    std::vector<KeptLook> kept;
    keep_looks(kept, {verdict_of("dear", Status::warning)}, {seen("dear")}, policy, at(1000s));
    REQUIRE(kept.size() == 1);

    const auto left_under = [&](const Policy& changed) {
        std::vector<KeptLook> looks = kept;
        keep_looks(looks, {}, {}, changed, at(2000s));
        return looks.size();
    };
    CHECK(left_under(policy) == 1);
    CHECK(left_under(Policy{}) == 0);
    Policy other = policy;
    other.checks[0].type = "postgres";
    CHECK(left_under(other) == 0);
    CHECK(kept_verdicts(kept, {}, {}, other, at(2000s)).verdicts.empty());
    other = policy;
    other.checks[0].common.every = 0s;
    CHECK(left_under(other) == 0);

    keep_looks(kept, {verdict_of("dear", Status::skipped)}, {seen("dear")}, policy, at(2000s));
    CHECK(kept.empty()); // what was skipped was not looked at
}

TEST_CASE("what a disk has made of kept looks is left out") {
    CHECK(kept_looks_from_json("").empty());
    CHECK(kept_looks_from_json("{}").empty());
    CHECK(kept_looks_from_json(R"([1, "x", null, {}, {"name": "a", "status": "fine"}])").empty());
    const std::vector<KeptLook> some = kept_looks_from_json(
        R"([{"name":"a","type":"t","status":"ok","message":7,"metrics":[{"name":"m"},{"value":"x"},{"name":"n","value":1,"bad":9}],
             "seen":{"wall_ms":1,"boot_ms":1,"boot_id":"b"}}])");
    REQUIRE(some.size() == 1);
    REQUIRE(some[0].metrics.size() == 1);
    CHECK(some[0].metrics[0].bad == Metric::Bad::above);
}

TEST_CASE("a look under other settings is asked anew, and one that failed after an hour") {
    Policy policy;
    policy.checks = {policy_of("bad", 24h), policy_of("good", 24h)};
    std::vector<KeptLook> kept;
    keep_looks(kept, {verdict_of("bad", Status::warning), verdict_of("good", Status::ok)},
               {seen("bad"), seen("good")}, policy, at(1000s), "settings");
    kept = kept_looks_from_json(to_json(kept));
    const auto asked_again = [&](const char* name, const char* mark, Duration limit, Duration later) {
        return is_out_of_date(kept, name, mark, limit,
                              at(1000s + std::chrono::duration_cast<std::chrono::seconds>(later)));
    };
    CHECK_FALSE(asked_again("bad", "settings", 1h, 30min));
    CHECK(asked_again("bad", "settings", 1h, 59min)); // cron is not exact
    CHECK_FALSE(asked_again("bad", "settings", 0h, 23h));
    CHECK_FALSE(asked_again("good", "settings", 1h, 23h));
    CHECK(asked_again("good", "others", 1h, 1min));
    CHECK_FALSE(asked_again("good", "", 0h, 23h));
    CHECK_FALSE(asked_again("unknown", "others", 1h, 23h));
}
