// From a route of the configuration to how long nobody may be silent.
#include "alerts/channels.h"
#include "incidents/key_type.h"
#include "pipeline/policy.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::optional<Duration> after(const Config& config, const std::string& check, Level level,
                              const std::string& key = {}) {
    Subject subject;
    subject.check = check;
    subject.key = key;
    return escalation_after(routes_of(config), subject, level);
}

} // namespace

TEST_CASE("the first route that an incident follows says after what time it goes to others") {
    Config config;
    Route disks;
    disks.check = {"health/disk*"};
    Route critical;
    critical.severity = {Severity::critical};
    critical.escalate = Escalation{15min, {"boss"}};
    Route rest;
    rest.escalate = Escalation{2h, {"boss"}};
    config.routes = {disks, critical, rest};
    CHECK_FALSE(after(config, "health/disk-var", Level::critical));
    CHECK(after(config, "health/site", Level::critical) == Duration(15min));
    CHECK(after(config, "health/site", Level::warning) == Duration(2h));
    CHECK_FALSE(after({}, "health/site", Level::critical));
}

TEST_CASE("what a script has told under a key is named by a route as what lectio-notify sends, too") {
    Config config;
    Route scripts;
    scripts.tool = {"notify"};
    scripts.escalate = Escalation{15min, {"boss"}};
    config.routes = {scripts};
    CHECK(after(config, "health/key-export", Level::critical, "export") == Duration(15min));
    CHECK_FALSE(after(config, "health/key-export", Level::critical)); // a check that is called so
    CheckPolicy key{"key-export", std::string(k_key_type), Layer::other, Recheck::no, {}};
    add_escalations(key, "health", routes_of(config));
    CHECK(key.escalate_critical == Duration(15min));
    CheckPolicy check{"key-export", "http", Layer::other, Recheck::no, {}};
    add_escalations(check, "health", routes_of(config));
    CHECK_FALSE(check.escalate_critical);
}
