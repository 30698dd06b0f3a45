// What one thing has broken is one incident: walks through a made-up site, and what is left of their failures.
#include "asked_at_once.h"
#include "smoke/common_roots.h"
#include "support/bare_world.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

class Site {
  public:
    Site() {
        smoke.base_url = k_site;
        for (const char* name : {"teacher", "student"}) {
            LoginSettings login;
            login.name = name;
            login.post = "/token/";
            login.json = {R"({"email":"smoke@test.local","password":"made-up-pw"})"};
            login.token = "/access";
            login.common.needs = {"health"};
            smoke.logins.push_back(login);
        }
        answers("/token/", page(200, R"({"access":"made-up-token"})"));
        smoke.steps = {step("health"), step("lessons", "teacher"), step("groups", "teacher"),
                       step("tasks", "student")};
        for (const char* path : {"/", "/health/", "/lessons/", "/groups/", "/tasks/"}) {
            answers(path, page(200));
        }
    }

    void answers(const std::string& path, HttpAnswer answer) {
        m_world.http.on(k_site + path, std::move(answer), 1ms);
    }

    // Both looks of a run, of which the second asks for all that failed in the first; between them `happens`.
    std::map<std::string, CheckResult> look(const std::function<void()>& happens = [] {}) {
        Trip trip(std::make_shared<const SmokeSettings>(smoke));
        std::vector<std::string> names{"connection"};
        for (const LoginSettings& login : smoke.logins) {
            names.push_back(check_of_login(login.name));
        }
        for (const StepSettings& each : smoke.steps) {
            names.push_back(each.name);
        }
        std::vector<Observation> seen = ask(trip.first(m_world.world), names);
        happens();
        std::vector<std::string> failed;
        for (const Observation& each : seen) {
            if (each.result.status == Status::critical) {
                failed.push_back(each.name);
            }
        }
        if (!failed.empty()) {
            merge_second_look({}, seen, ask(trip.second(m_world.world, failed.front()), failed));
        }
        join_common_roots(seen, smoke, trip);
        std::map<std::string, CheckResult> results;
        for (Observation& each : seen) {
            if (each.result.status != Status::ok) {
                results[each.name] = std::move(each.result);
            }
        }
        return results;
    }

    SmokeSettings smoke;

  private:
    std::vector<Observation> ask(Walk& walk, const std::vector<std::string>& names) {
        std::map<std::string, CheckResult> results = asked_at_once(walk, names, m_world.http);
        std::vector<Observation> seen;
        for (const std::string& name : names) {
            seen.push_back({name, std::move(results[name]), false});
        }
        return seen;
    }

    BareWorld m_world;
};

// What is bad, of all that is not ok.
std::vector<std::string> bad(const std::map<std::string, CheckResult>& results) {
    std::vector<std::string> names;
    for (const auto& [name, result] : results) {
        if (result.status == Status::critical || result.status == Status::warning) {
            names.push_back(name);
        }
    }
    return names;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("roots: what fails by itself stays by itself", "[roots]") {
    Site site;
    CHECK(site.look().empty());
    site.answers("/lessons/", page(500));
    site.answers("/groups/", page(404));
    site.answers("/tasks/", page(500));
    const auto results = site.look();
    CHECK(bad(results) == Names{"groups", "lessons", "tasks"});
    CHECK_THAT(results.at("lessons").message.en, !Contains("the same"));
}

TEST_CASE("roots: one view that fails is one incident, whoever asks for it", "[roots]") {
    Site site;
    site.smoke.steps[3].get = "/lessons/?page=2";
    site.answers("/lessons/", page(500));
    site.answers("/lessons/?page=2", page(500));
    const auto results = site.look();
    CHECK(bad(results) == Names{"lessons"});
    CHECK_THAT(results.at("lessons").message.en, Contains("; the same: tasks"));
    CHECK(results.at("tasks").status == Status::skipped);
    SECTION("another answer there is another fault") {
        site.answers("/lessons/?page=2", page(404));
        CHECK(bad(site.look()) == Names{"lessons", "tasks"});
    }
}

TEST_CASE("roots: a proxy whose application is gone is one incident, wherever it is asked", "[roots]") {
    Site site;
    for (const char* path : {"/lessons/", "/groups/", "/tasks/"}) {
        site.answers(path, page(502));
    }
    CHECK(bad(site.look()) == Names{"lessons"});
}

TEST_CASE("roots: a locked database is named where the answers show it", "[roots]") {
    Site site;
    site.answers("/lessons/", page(500, "OperationalError: database is locked"));
    site.answers("/groups/", page(503, R"({"detail":"database is locked"})"));
    const auto results = site.look();
    CHECK(bad(results) == Names{"lessons"});
    CHECK_THAT(results.at("lessons").message.en, Contains("the database is locked: HTTP 500"));
    CHECK_THAT(results.at("lessons").hint.en, Contains("fuser"));
}

TEST_CASE("roots: when no login works for an error of the server, that is one incident", "[roots]") {
    Site site;
    site.smoke.logins[1].post = "/login/";
    site.answers("/token/", page(500));
    site.answers("/login/", page(500));
    CHECK(bad(site.look()) == Names{"login-teacher"});
    site.answers("/login/", page(401)); // an account, not the site
    CHECK(bad(site.look()) == Names{"login-student", "login-teacher"});
}

TEST_CASE("roots: an account with another role is one warning, as far as the site proves it", "[roots]") {
    Site site;
    StepSettings me = step("me", "teacher");
    me.expect_json["/role"] = {R"("teacher")"};
    site.smoke.steps.push_back(me);
    site.answers("/lessons/", page(403));
    site.answers("/groups/", page(403));
    SECTION("it says so") {
        site.answers("/me/", page(200, R"({"role":"student"})"));
        const auto results = site.look();
        CHECK(bad(results) == Names{"login-teacher"});
        CHECK(results.at("login-teacher").status == Status::warning);
        CHECK_THAT(results.at("login-teacher").message.en,
                   Contains("smoke@test.local is logged in, but its role is “student”, expected “teacher”; "
                            "refused for it "
                            "(HTTP 403): lessons, groups"));
        CHECK_THAT(results.at("login-teacher").hint.en, Contains("sudo lectio-smoke setup-users"));
    }
    SECTION("its role is the right one: the site refuses its teachers") {
        site.answers("/me/", page(200, R"({"role":"teacher"})"));
        const auto results = site.look();
        CHECK(bad(results) == Names{"lessons"});
        CHECK(results.at("lessons").status == Status::critical);
        CHECK_THAT(results.at("lessons").message.en, Contains("the same: groups"));
    }
    SECTION("what the account does not explain stays") {
        site.answers("/me/", page(200, R"({"role":"student"})"));
        site.answers("/groups/", page(500));
        CHECK(bad(site.look()) == Names{"groups", "login-teacher"});
    }
}

TEST_CASE("roots: what died in the middle of a walk is the only thing that is told", "[roots]") {
    Site site;
    const auto dies = [&](HttpAnswer answer) {
        return [&site, answer] {
            for (const char* path : {"/", "/health/", "/lessons/", "/groups/", "/tasks/", "/token/"}) {
                site.answers(path, answer);
            }
        };
    };
    site.answers("/groups/", page(502));
    site.answers("/tasks/", page(500));
    SECTION("the application") {
        const auto results = site.look(dies(page(502)));
        CHECK(bad(results) == Names{"health"});
        CHECK_THAT(results.at("groups").message.en, Contains("health failed while it was asked"));
    }
    SECTION("the whole site") {
        const auto results =
            site.look(dies(failed(HttpAnswer::Failure::refused, HttpAnswer::Phase::connect)));
        CHECK(bad(results) == Names{"connection"});
        CHECK_THAT(results.at("connection").message.en, Contains("the site cannot be reached"));
    }
    SECTION("nothing: it is as it was") {
        CHECK(bad(site.look()) == Names{"groups", "tasks"});
    }
}

TEST_CASE("roots: what failed says what was asked, as whom, and what shows more of it", "[roots]") {
    Site site;
    StepSettings posts = step("pay", "teacher");
    posts.get.reset();
    posts.post = "/pay/?token=made-up-secret";
    site.smoke.steps.push_back(posts);
    site.answers("/pay/?token=made-up-secret", page(500));
    site.answers("/lessons/", page(404));
    site.answers("/health/", page(200));
    const auto results = site.look();
    CHECK_THAT(results.at("lessons").hint.en,
               Contains("; GET /lessons/ as teacher; request and answer: sudo lectio-smoke run lessons -v"));
    CHECK_THAT(
        results.at("lessons").hint.ru,
        Contains("; GET /lessons/ от имени teacher; запрос и ответ: sudo lectio-smoke run lessons -v"));
    CHECK_THAT(results.at("pay").hint.en, Contains("POST /pay/?token=*** as teacher"));
    site.answers("/token/", page(401));
    CHECK_THAT(site.look().at("login-teacher").hint.en,
               Contains("POST /token/; request and answer: sudo lectio-smoke run login-teacher -v"));
    site.answers("/health/", page(500));
    CHECK_THAT(site.look().at("health").hint.en,
               Contains("GET /health/; request and answer: sudo lectio-smoke run health -v"));
}

TEST_CASE("roots: a name that does not exist is told with the place where it is written", "[roots]") {
    Site site;
    const HttpAnswer nobody =
        failed(HttpAnswer::Failure::dns, HttpAnswer::Phase::dns, "Name or service not known");
    for (const char* path : {"/", "/health/", "/lessons/", "/groups/", "/tasks/", "/token/"}) {
        site.answers(path, nobody);
    }
    const auto results = site.look();
    CHECK(bad(results) == Names{"connection"});
    CHECK_THAT(results.at("connection").hint.en,
               Contains("look how the name is written") &&
                   Contains("it is written in [smoke] base_url: " + std::string(k_site)));
}

TEST_CASE("roots: logins that are all refused alike are not the accounts' fault", "[roots]") {
    Site site;
    for (const int status : {403, 429}) {
        INFO(status);
        site.answers("/token/", page(status));
        const auto results = site.look();
        CHECK(bad(results) == Names{"login-teacher"});
        const CheckResult& root = results.at("login-teacher");
        CHECK(root.status == Status::warning);
        CHECK(root.message.en == "not the test accounts: all of them are refused alike (HTTP " +
                                     std::to_string(status) +
                                     "); the site does so, or it refuses this host; the same: login-student");
        CHECK_THAT(root.message.ru, Contains("дело не в тестовых учётных записях"));
        CHECK_THAT(root.hint.en, Contains(status == 403 ? "log in from elsewhere" : "except this address"));
    }
    SECTION("401 speaks of the accounts") {
        site.answers("/token/", page(401));
        CHECK(bad(site.look()) == Names{"login-student", "login-teacher"});
    }
    SECTION("another way in is another thing") {
        site.smoke.logins[1].post = "/login/";
        site.answers("/login/", page(200, R"({"access":"made-up-token"})"));
        const auto results = site.look();
        CHECK_THAT(results.at("login-teacher").message.en, Contains("the test account, not the site"));
    }
    SECTION("of the only one nobody can say") {
        site.smoke.logins.pop_back();
        site.smoke.steps.pop_back();
        const auto results = site.look();
        CHECK_THAT(
            results.at("login-teacher").message.en,
            Contains(
                "the test account, or this host is refused: smoke@test.local may not log in (HTTP 429)"));
        CHECK(results.at("login-teacher").status == Status::warning);
    }
}
