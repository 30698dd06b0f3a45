// Root causes and their symptoms, by `needs`.
#include "story.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;

namespace {

constexpr Status ok = Status::ok, warning = Status::warning, critical = Status::critical,
                 unknown = Status::unknown;

Story nginx_and_site() {
    return Story({policy_for("nginx", Layer::unit), policy_for("site", Layer::web, {"nginx"})});
}

} // namespace

TEST_CASE("a symptom keeps its status and is told under its root") {
    Story story = nginx_and_site();
    const News news = story.run({{"nginx", critical}, {"site", critical}});
    REQUIRE(words(news) == "opened nginx");
    REQUIRE(news.items[0].symptoms.size() == 1);
    CHECK(news.items[0].symptoms[0].check == "site");
    CHECK(news.items[0].symptoms[0].message == verbatim("site is critical"));
    CHECK(story.verdict("site").status == critical);
    CHECK(story.verdict("site").symptom_of == "nginx");
    CHECK(story.judged().to_heal == std::vector<std::string>{"nginx"});
    CHECK(words(story.run_for(10, {{"nginx", critical}, {"site", critical}})) == "");
    CHECK(words(story.run({{"nginx", ok}, {"site", ok}})) == "resolved nginx");
}

TEST_CASE("a symptom that outlives its root is an incident of its own") {
    Story story = nginx_and_site();
    story.run({{"nginx", critical}, {"site", critical}});
    CHECK(words(story.run({{"nginx", ok}, {"site", critical}})) == "opened site, resolved nginx");
    CHECK(words(story.run({{"nginx", ok}, {"site", ok}})) == "resolved site");
}

TEST_CASE(
    "a root mended in this run: what was not given the time to pass with it is for the next run to find") {
    Story story = nginx_and_site();
    Minute minute;
    minute.seen = {{"nginx", critical}, {"site", critical}};
    minute.healed = {{"nginx", ok}, {"site", critical}};
    const News news = story.run(minute);
    REQUIRE(words(news) == "mended nginx");
    CHECK(news.items[0].symptoms.size() == 1); // it still says what was broken
    CHECK(story.verdict("site").symptom_of.empty());
    CHECK(words(story.run({{"nginx", ok}, {"site", critical}})) == "opened site");
}

TEST_CASE("a root mended in this run: a symptom that had its time and fails on is an incident at once") {
    Story story({policy_for("nginx", Layer::unit), policy_for("frontend", Layer::web, {"nginx"}),
                 policy_for("page", Layer::web, {"nginx", "frontend"})});
    Minute minute;
    minute.seen = {{"nginx", critical}, {"frontend", critical}, {"page", critical}};
    minute.healed = {{"nginx", ok}, {"frontend", critical}, {"page", critical}};
    minute.outlived = {"frontend", "page"};
    SECTION("told beside the end of its root, under which it stands no more") {
        const News news = story.run(minute);
        REQUIRE(words(news) == "opened frontend, mended nginx");
        REQUIRE(news.items[0].symptoms.size() == 1);
        CHECK(news.items[0].symptoms[0].check == "page"); // of the two it needs, the one that fails
        CHECK(news.items[1].symptoms.empty());
        CHECK(story.judged().to_heal == std::vector<std::string>{"frontend"});
        CHECK(words(story.run({{"nginx", ok}, {"frontend", ok}, {"page", ok}})) == "resolved frontend");
    }
    SECTION("not before it has failed as often as it must") {
        story.policy.checks[1].common.confirm = 2;
        CHECK(words(story.run(minute)) == "mended nginx");
        CHECK(story.judged().to_heal.empty());
    }
    SECTION("not while its root fails still") {
        minute.healed["nginx"] = critical;
        CHECK(words(story.run(minute)) == "opened nginx");
    }
    SECTION("an incident that had become a symptom rises") {
        CHECK(words(story.run({{"nginx", ok}, {"frontend", warning}, {"page", ok}})) == "opened frontend");
        CHECK(words(story.run(minute)) == "risen frontend, mended nginx");
    }
}

TEST_CASE("needs reach through others, and the root is the one that needs nothing broken") {
    Story story({policy_for("site", Layer::web, {"api"}), policy_for("api", Layer::application, {"backend"}),
                 policy_for("backend", Layer::unit)});
    CHECK(words(story.run({{"site", critical}, {"api", critical}, {"backend", critical}})) ==
          "opened backend");
    CHECK(story.verdict("site").symptom_of == "backend");
    CHECK(story.verdict("api").symptom_of == "backend");

    Story middle_well({policy_for("site", Layer::web, {"api"}),
                       policy_for("api", Layer::application, {"backend"}),
                       policy_for("backend", Layer::unit)});
    CHECK(words(middle_well.run({{"site", critical}, {"api", ok}, {"backend", critical}})) ==
          "opened backend");
}

TEST_CASE("a long chain of needs is judged in no time") {
    std::vector<CheckPolicy> chain{policy_for("c0", Layer::unit)};
    std::map<std::string, Status> all_down{{"c0", critical}};
    for (int i = 1; i < 1000; ++i) {
        chain.push_back(policy_for(fmt::format("c{}", i), Layer::unit, {fmt::format("c{}", i - 1)}));
        all_down.emplace(fmt::format("c{}", i), critical);
    }
    Story story(chain);
    CHECK(words(story.run(all_down)) ==
          "opened c0"); // each pair asked anew what it needs: three quarters of a minute
}

TEST_CASE("of several roots the lowest layer leads") {
    Story story({policy_for("redis", Layer::data), policy_for("disk", Layer::disk),
                 policy_for("api", Layer::application, {"redis", "disk"})});
    CHECK(words(story.run({{"redis", critical}, {"disk", critical}, {"api", critical}})) ==
          "opened disk, opened redis");
    CHECK(story.verdict("api").symptom_of == "disk");
}

TEST_CASE("a warning never hides an outage") {
    Story story = nginx_and_site();
    CHECK(words(story.run({{"nginx", warning}, {"site", critical}})) == "opened site, opened nginx");
    Story informed = nginx_and_site();
    informed.policy.checks[0].common.severity = Severity::info;
    CHECK(words(informed.run({{"nginx", critical}, {"site", warning}})) == "opened nginx, opened site");
}

TEST_CASE("unknown and skipped suppress nothing") {
    Story story = nginx_and_site();
    CHECK(words(story.run({{"nginx", unknown}, {"site", critical}})) == "opened site");
    Story skipped = nginx_and_site();
    CHECK(words(skipped.run({{"nginx", Status::skipped}, {"site", critical}})) == "opened site");
}

TEST_CASE("a known outage goes on being the root while it cannot be looked at for a moment") {
    Story story = nginx_and_site();
    story.run({{"nginx", critical}, {"site", critical}});
    CHECK(words(story.run_for(3, {{"nginx", unknown}, {"site", critical}})) == "");
    CHECK(words(story.run({{"nginx", unknown}, {"site", critical}})) == "opened site");
}

TEST_CASE("checks that need each other are nobody's symptom") {
    Story story({policy_for("a", Layer::unit, {"b"}), policy_for("b", Layer::unit, {"a"}),
                 policy_for("c", Layer::web, {"a", "c", "nobody"})});
    CHECK(words(story.run({{"a", critical}, {"b", critical}, {"c", critical}})) == "opened a, opened b");
    CHECK(story.verdict("c").symptom_of == "a");
}

TEST_CASE("an incident that becomes a symptom keeps its life, but neither rises nor reminds") {
    Story story = nginx_and_site();
    CHECK(words(story.run({{"nginx", ok}, {"site", warning}})) == "opened site");
    CHECK(words(story.run({{"nginx", critical}, {"site", critical}})) == "opened nginx");
    CHECK(words(story.run_for(150, {{"nginx", critical}, {"site", critical}})) == "reminder nginx");
    CHECK(words(story.run({{"nginx", ok}, {"site", critical}})) == "risen site, resolved nginx");
}

TEST_CASE("a root that is not yet confirmed holds its symptoms back") {
    Story story = nginx_and_site();
    story.policy.checks[0].common.confirm = 3;
    CHECK(words(story.run_for(2, {{"nginx", critical}, {"site", critical}})) == "");
    CHECK(words(story.run({{"nginx", critical}, {"site", critical}})) == "opened nginx");
}

TEST_CASE("a root is good when its incident is over") {
    Story story = nginx_and_site();
    story.policy.checks[0].common.recover_confirm = 2;
    story.run({{"nginx", critical}, {"site", critical}});
    CHECK(words(story.run({{"nginx", ok}, {"site", critical}})) == "");
    CHECK(words(story.run({{"nginx", ok}, {"site", critical}})) == "opened site, resolved nginx");
}

TEST_CASE("needs outside --only are known from the last three minutes") {
    Story story = nginx_and_site();
    story.run({{"nginx", critical}});
    CHECK(words(story.run({{"site", critical}})) == "");
    CHECK(story.verdict("site").symptom_of == "nginx");
    story.clock.advance(std::chrono::minutes(3));
    CHECK(words(story.run({{"site", critical}})) == "opened site");
}
