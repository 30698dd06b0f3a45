// Walks through a made-up site: what is asked, in which order, as whom, and what is left out.
#include "asked_at_once.h"
#include "smoke/smoke_checks.h"
#include "support/bare_world.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

LoginSettings login(const std::string& name) {
    LoginSettings settings;
    settings.name = name;
    settings.post = "/token/" + name + "/";
    settings.json = {R"({"email":"x@test.local","password":"made-up-pw"})"};
    settings.token = "/access";
    return settings;
}

class Site {
  public:
    Site() {
        smoke.base_url = k_site + "/";
        smoke.logins = {login("teacher")};
        answers("/token/teacher/", page(200, R"({"access":"token-of-teacher"})"), 10ms);
    }

    void answers(const std::string& path, HttpAnswer answer, Duration after = 1ms) {
        world.http.on(k_site + path, std::move(answer), after);
    }

    // Asks for these at once, as the runner does.
    std::map<std::string, CheckResult> walk(const std::vector<std::string>& names) {
        settings = std::make_shared<const SmokeSettings>(smoke);
        first = std::make_shared<Walk>(settings, world.http, world.clock);
        return ask(*first, names);
    }

    std::map<std::string, CheckResult> ask(Walk& walk, const std::vector<std::string>& names) {
        return asked_at_once(walk, names, world.http);
    }

    [[nodiscard]] std::vector<std::string> asked() const { // paths, in order
        std::vector<std::string> paths;
        for (const HttpRequest& request : world.http.requests()) {
            paths.push_back(request.url.substr(k_site.size()));
        }
        return paths;
    }

    [[nodiscard]] const HttpRequest& request(const std::string& path) const {
        for (const HttpRequest& each : world.http.requests()) {
            if (each.url == k_site + path) {
                return each;
            }
        }
        FAIL("not asked: " << path);
        throw std::logic_error("not reached");
    }

    [[nodiscard]] long count(const std::string& path) const {
        const std::vector<std::string> all = asked();
        return std::count(all.begin(), all.end(), path);
    }

    BareWorld world;
    SmokeSettings smoke;
    std::shared_ptr<const SmokeSettings> settings;
    std::shared_ptr<Walk> first;
};

std::string header_of(const HttpRequest& request, const std::string& name) {
    for (const auto& [each, value] : request.headers) {
        if (each == name) {
            return value;
        }
    }
    return "";
}

} // namespace

TEST_CASE("walk: a step goes as whom it says, after the login", "[walk]") {
    Site site;
    site.smoke.steps = {step("lessons", "teacher"), step("public")};
    site.answers("/lessons/", page(200));
    site.answers("/public/", page(200));
    const auto results = site.walk({"login-teacher", "lessons", "public"});
    CHECK(results.at("lessons").status == Status::ok);
    CHECK(site.asked() == std::vector<std::string>{"/token/teacher/", "/public/", "/lessons/"});
    CHECK(header_of(site.request("/lessons/"), "Authorization") == "Bearer token-of-teacher");
    CHECK(header_of(site.request("/public/"), "Authorization").empty());
    CHECK(site.request("/token/teacher/").method == "POST");
    CHECK(header_of(site.request("/token/teacher/"), "Content-Type") == "application/json");
}

TEST_CASE("walk: what needs nothing else is under way at once", "[walk]") {
    Site site;
    site.smoke.parallel = 100;
    std::vector<std::string> names;
    for (int i = 0; i < 9; ++i) {
        site.smoke.steps.push_back(step("s" + std::to_string(i), i < 5 ? "teacher" : ""));
        site.answers("/s" + std::to_string(i) + "/", page(200), 100ms);
        names.push_back("s" + std::to_string(i));
    }
    const SteadyTime start = site.world.clock.steady();
    site.walk(names);
    CHECK(site.world.clock.steady() - start == 110ms); // the login's 10 ms, then 100
}

TEST_CASE("walk: not more at once than allowed", "[walk]") {
    Site site;
    site.smoke.parallel = 2;
    std::vector<std::string> names;
    std::size_t most = 0;
    for (int i = 0; i < 7; ++i) {
        const std::string name = "s" + std::to_string(i);
        site.smoke.steps.push_back(step(name));
        site.world.http.on(
            k_site + "/" + name + "/",
            [&](const HttpRequest&) {
                most = std::max(most, site.world.http.waiting() + 1);
                return page(200);
            },
            10ms);
        names.push_back(name);
    }
    const auto results = site.walk(names);
    CHECK(most == 2);
    CHECK(std::all_of(results.begin(), results.end(),
                      [](const auto& each) { return each.second.status == Status::ok; }));
}

TEST_CASE("walk: behind a login that failed nothing is asked, and that is no second failure", "[walk]") {
    Site site;
    site.smoke.steps = {step("lessons", "teacher"), step("behind")};
    site.smoke.steps[1].common.needs = {"lessons"};
    site.answers("/token/teacher/", page(401));
    const auto results = site.walk({"login-teacher", "lessons", "behind"});
    CHECK(results.at("login-teacher").status == Status::warning);
    CHECK(results.at("lessons").status == Status::skipped);
    CHECK(results.at("lessons").message.en == "not asked, because login-teacher has failed");
    CHECK(results.at("behind").message == results.at("lessons").message); // the root, not the one between
    CHECK(site.count("/lessons/") == 0);
}

TEST_CASE("walk: a slow step is no reason to skip others", "[walk]") {
    Site site;
    site.smoke.steps = {step("slow"), step("behind")};
    site.smoke.steps[0].max_time = 1ms;
    site.smoke.steps[1].common.needs = {"slow"};
    site.answers("/slow/", page(200));
    site.answers("/behind/", page(200));
    const auto results = site.walk({"slow", "behind"});
    CHECK(results.at("slow").status == Status::warning);
    CHECK(results.at("behind").status == Status::ok);
}

TEST_CASE("walk: a value goes from one step to the next", "[walk]") {
    Site site;
    site.smoke.steps = {step("stream"), step("recordings")};
    site.smoke.steps[0].get = "/recordings/{recording}/stream/";
    site.smoke.steps[0].headers["X-Id"] = "id {recording}";
    site.smoke.steps[1].save["recording"] = {R"("/results/0/id")"};
    site.answers("/recordings/", page(200, R"({"results":[{"id":17}]})"));
    site.answers("/recordings/17/stream/", page(200));
    const auto results = site.walk({"stream", "recordings"});
    CHECK(results.at("stream").status == Status::ok);
    CHECK(header_of(site.request("/recordings/17/stream/"), "X-Id") == "id 17");
}

TEST_CASE("walk: without its value a step is skipped, and says whose it was", "[walk]") {
    Site site;
    site.smoke.steps = {step("stream"), step("recordings")};
    site.smoke.steps[0].get = "/recordings/{recording}/stream/";
    site.smoke.steps[1].save["recording"] = {R"("/results/0/id")"};
    site.answers("/recordings/", page(200, R"({"results":[]})"));
    const auto results = site.walk({"stream", "recordings"});
    CHECK(results.at("recordings").status == Status::warning);
    CHECK(results.at("stream").status == Status::skipped);
    CHECK(results.at("stream").message.en == "not asked: recordings has saved no {recording}");
}

TEST_CASE("walk: only what is asked for is asked, with what it needs", "[walk]") {
    Site site;
    site.smoke.steps = {step("lessons", "teacher"), step("other", "teacher")};
    site.answers("/lessons/", page(200));
    site.walk({"lessons"});
    CHECK(site.asked() == std::vector<std::string>{"/token/teacher/", "/lessons/"});
    CHECK_FALSE(site.first->was_asked_for("other"));
    CHECK(site.first->exchanges_of("lessons").size() == 1);
}

// Thirty steps of a hostile site held 650 MB, a burst of a hundred 3.5 GB: more than the host of the site has.
TEST_CASE("walk: of many and of large answers little is kept to its end", "[walk]") {
    Site site;
    site.smoke.steps = {step("large"), step("often")};
    site.smoke.steps[1].parallel = 70;
    site.answers("/large/", page(200, "abc" + std::string(1'000'000, '\xD0') + "\xAF"));
    site.answers("/often/", page(200));
    site.walk({"large", "often"});
    const Exchange& large = site.first->exchanges_of("large").front();
    CHECK(large.answer.body.size() <= 65'536);
    CHECK(large.received == 1'000'004);
    CHECK(site.first->exchanges_of("often").size() == 50);
    CHECK(site.first->exchanges_of("often").back().number == 70);
}

TEST_CASE("walk: a text is not cut amid a character", "[walk]") {
    Site site;
    site.smoke.steps = {step("large")};
    std::string text = "a";
    while (text.size() < 100'000) {
        text += "Я";
    }
    site.answers("/large/", page(200, text));
    site.walk({"large"});
    CHECK(site.first->exchanges_of("large").front().answer.body.size() == 65'535);
}

TEST_CASE("walk: clean-up comes last, whatever came between", "[walk]") {
    Site site;
    site.smoke.steps = {step("upload"), step("removed"), step("look")};
    site.smoke.steps[0].get.reset();
    site.smoke.steps[0].post = "/files/";
    site.smoke.steps[0].save["file"] = {R"("/id")"};
    site.smoke.steps[1].get.reset();
    site.smoke.steps[1].remove = "/files/{file}/";
    site.smoke.steps[1].always = true;
    site.smoke.steps[2].get = "/files/{file}/look/";
    site.answers("/files/", page(201, R"({"id":"f1"})"));
    site.answers("/files/f1/look/", page(500), 50ms);
    site.answers("/files/f1/", page(204));
    const auto results = site.walk({"upload", "removed", "look"});
    CHECK(results.at("look").status == Status::critical);
    CHECK(results.at("removed").status == Status::ok);
    CHECK(site.asked() == std::vector<std::string>{"/files/", "/files/f1/look/", "/files/f1/"});
    CHECK(site.request("/files/f1/").method == "DELETE");
}

TEST_CASE("walk: what was not made is not cleaned up", "[walk]") {
    Site site;
    site.smoke.steps = {step("upload"), step("removed")};
    site.smoke.steps[0].save["file"] = {R"("/id")"};
    site.smoke.steps[1].get = "/files/{file}/";
    site.smoke.steps[1].always = true;
    site.answers("/upload/", page(500));
    const auto results = site.walk({"upload", "removed"});
    CHECK(results.at("removed").status == Status::skipped);
    CHECK(results.at("removed").message.en == "nothing to clean up");
}

TEST_CASE("walk: with some steps goes what they need, and the clean-up of what those make", "[walk]") {
    using Names = std::vector<std::string>;
    SmokeSettings smoke;
    smoke.logins = {login("teacher"), login("student")};
    smoke.steps = {step("upload", "teacher"), step("look", "teacher"), step("removed", "teacher"),
                   step("other")};
    smoke.steps[0].save["file"] = {R"("/id")"};
    smoke.steps[1].get = "/files/{file}/look/";
    smoke.steps[2].get = "/files/{file}/";
    smoke.steps[2].always = true;
    CHECK(with_companions(smoke, {"look"}) ==
          Names{"login-teacher", "look", "upload", "connection", "removed"});
    CHECK(with_companions(smoke, {"other"}) == Names{"other", "connection"});
    CHECK(with_companions(smoke, {"login-student"}) == Names{"login-student", "connection"});
    CHECK(with_companions(smoke, {"connection"}) == Names{"connection"});
}

TEST_CASE("walk: asked again it makes anew what it needs, and cleans that up", "[walk]") {
    Site site;
    site.smoke.steps = {step("upload", "teacher"), step("look", "teacher"), step("removed", "teacher")};
    site.smoke.steps[0].save["file"] = {R"("/id")"};
    site.smoke.steps[1].get = "/files/{file}/look/";
    site.smoke.steps[2].get = "/files/{file}/";
    site.smoke.steps[2].always = true;
    int made = 0;
    site.world.http.on(k_site + "/upload/", [&](const HttpRequest&) {
        return page(201, R"({"id":"f)" + std::to_string(++made) + "\"}");
    });
    site.answers("/files/f1/look/", page(500));
    site.answers("/files/f2/look/", page(200));
    site.answers("/files/f1/", page(204));
    site.answers("/files/f2/", page(204));
    CHECK(site.walk({"upload", "look", "removed"}).at("look").status == Status::critical);
    const std::shared_ptr<Walk> second = site.first->again();
    CHECK(site.ask(*second, {"look"}).at("look").status == Status::ok);
    CHECK(site.count("/token/teacher/") == 1); // that worked
    CHECK(site.count("/files/f2/") == 1);      // what the second walk made is gone, too
}

TEST_CASE("walk: a session sends its cookies and the token against forgery, to the site alone", "[walk]") {
    Site site;
    LoginSettings session;
    session.name = "session";
    session.post = "/login/";
    session.form = {{"username", "walker"}, {"password", "p&w d"}};
    session.csrf = CsrfSettings{"/login/page/", "csrftoken", "X-CSRFToken"};
    site.smoke.logins.push_back(session);
    site.answers("/login/page/", page(200, "", {{"set-cookie", "csrftoken=before; Path=/"}}));
    site.answers("/login/",
                 page(302, "", {{"set-cookie", "csrftoken=after"}, {"set-cookie", "sessionid=abcdef"}}));
    site.smoke.steps = {step("files", "session"), step("elsewhere", "session")};
    site.smoke.steps[0].get.reset();
    site.smoke.steps[0].post = "/files/";
    site.smoke.steps[1].get = "http://other.example/x";
    site.answers("/files/", page(201));
    site.world.http.on("http://other.example/x", page(200));
    const auto results = site.walk({"files", "elsewhere"});
    CHECK(results.at("files").status == Status::ok);
    const HttpRequest& sent = site.request("/login/");
    CHECK(header_of(sent, "X-CSRFToken") == "before");
    CHECK(sent.body == "password=p%26w+d&username=walker");
    const HttpRequest& files = site.request("/files/");
    CHECK(header_of(files, "Cookie") == "csrftoken=after; sessionid=abcdef");
    CHECK(header_of(files, "X-CSRFToken") == "after");
    CHECK(header_of(files, "Referer") == k_site + "/");
    for (const HttpRequest& request : site.world.http.requests()) {
        if (request.url == "http://other.example/x") {
            CHECK(request.headers.empty());
        }
    }
}

TEST_CASE("walk: a page without the cookie against forgery is named", "[walk]") {
    Site site;
    site.smoke.logins[0].csrf = CsrfSettings{"/page/", "csrftoken", "X-CSRFToken"};
    site.answers("/page/", page(200));
    const auto results = site.walk({"login-teacher"});
    CHECK(results.at("login-teacher").status == Status::critical);
    CHECK(results.at("login-teacher").message.en == "the page /page/ sets no cookie csrftoken");
    CHECK(site.count("/token/teacher/") == 0);
}

TEST_CASE("walk: an upload is a form with a file of that size", "[walk]") {
    Site site;
    site.smoke.steps = {step("upload")};
    site.smoke.steps[0].get.reset();
    site.smoke.steps[0].post = "/files/";
    site.smoke.steps[0].form = {{"title", "smoke"}};
    site.smoke.steps[0].upload = UploadSettings{"file", "p.txt", 64_kB, "text/plain"};
    site.answers("/files/", page(201));
    site.walk({"upload"});
    const HttpRequest& sent = site.request("/files/");
    const std::string type = header_of(sent, "Content-Type");
    REQUIRE(type.starts_with("multipart/form-data; boundary="));
    const std::string boundary = "--" + type.substr(type.find('=') + 1);
    CHECK(sent.body.starts_with(boundary +
                                "\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nsmoke\r\n"));
    CHECK(sent.body.ends_with("\r\n" + boundary + "--\r\n"));
    const std::size_t head = sent.body.find("Content-Type: text/plain\r\n\r\n");
    REQUIRE(head != std::string::npos);
    const std::size_t begin = head + std::string("Content-Type: text/plain\r\n\r\n").size();
    CHECK(sent.body.rfind("\r\n" + boundary + "--") - begin == 65536);
}

TEST_CASE("walk: a burst is at once, whatever the lanes; repeated it is one after the other", "[walk]") {
    Site site;
    site.smoke.parallel = 1;
    site.smoke.steps = {step("burst")};
    site.smoke.steps[0].parallel = 10;
    site.smoke.steps[0].repeat = 2;
    std::size_t most = 0;
    site.world.http.on(
        k_site + "/burst/",
        [&](const HttpRequest&) {
            most = std::max(most, site.world.http.waiting() + 1);
            return page(200);
        },
        5ms);
    CHECK(site.walk({"burst"}).at("burst").status == Status::ok);
    CHECK(most == 10);
    CHECK(site.count("/burst/") == 20);
}

TEST_CASE("walk: a limit is asked one after the other until the last", "[walk]") {
    Site site;
    site.smoke.steps = {step("limit")};
    site.smoke.steps[0].limit = LimitExpectation{6, 60s, StatusSet({{429, 429}})};
    int asked = 0;
    site.world.http.on(k_site + "/limit/",
                       [&](const HttpRequest&) { return page(++asked == 6 ? 429 : 401); });
    CHECK(site.walk({"limit"}).at("limit").status == Status::ok);
    CHECK(asked == 6);
}

TEST_CASE("walk: one that is given up leaves nothing that goes on", "[walk]") {
    Site site;
    site.smoke.parallel = 1;
    site.smoke.steps = {step("hangs", "teacher"), step("waits"), step("behind")};
    site.smoke.steps[2].common.needs = {"hangs"};
    site.world.http.never(k_site + "/hangs/");
    site.settings = std::make_shared<const SmokeSettings>(site.smoke);
    auto walk = std::make_unique<Walk>(site.settings, site.world.http, site.world.clock);
    {
        std::vector<Task<CheckResult>> tasks;
        for (const char* name : {"behind", "waits", "hangs"}) {
            tasks.push_back(walk->result_of(name));
            tasks.back().start([] {});
        }
        for (int turn = 0; turn < 20; ++turn) {
            site.world.http.poll(10ms);
        }
    }
    walk.reset();
    CHECK(site.world.http.waiting() == 0);
    const std::size_t before = site.world.http.requests().size();
    site.world.http.poll(10ms);
    CHECK(site.world.http.requests().size() == before);
}

namespace {

HttpAnswer refused() {
    return failed(HttpAnswer::Failure::refused);
}

StepSettings order_step() {
    StepSettings settings = step("order");
    settings.get.reset();
    settings.post = "/orders/";
    settings.save["order"] = {R"("/id")"};
    return settings;
}

} // namespace

TEST_CASE("walk: a site that answers is not asked for its connection", "[walk]") {
    Site site;
    site.smoke.steps = {step("lessons", "teacher")};
    site.answers("/lessons/", page(500));
    const auto results = site.walk({"connection", "login-teacher", "lessons"});
    CHECK(results.at("connection").status == Status::ok);
    CHECK(results.at("lessons").status == Status::critical);
    CHECK(site.asked() == std::vector<std::string>{"/token/teacher/", "/lessons/"});
}

TEST_CASE("walk: of a site that is gone only the connection fails", "[walk]") {
    Site site;
    site.smoke.parallel = 2;
    site.smoke.steps = {step("lessons", "teacher"), step("page"), step("health"), step("closed")};
    site.world.http.on_any([](const HttpRequest&) { return refused(); });
    site.answers("/token/teacher/", refused());
    const auto results = site.walk({"connection", "login-teacher", "lessons", "page", "health", "closed"});
    CHECK(results.at("connection").status == Status::critical);
    CHECK(results.at("connection").message.en.starts_with("the site cannot be reached: "));
    CHECK(results.at("connection").message.en.ends_with("connection refused"));
    for (const char* name : {"login-teacher", "lessons", "page", "health", "closed"}) {
        CAPTURE(name);
        CHECK(results.at(name).status == Status::skipped);
        CHECK(results.at(name).message.en == "not asked: the site cannot be reached");
    }
    CHECK(site.asked().size() <= 4); // two at once, and the connection itself
}

TEST_CASE("walk: what hangs alone hangs alone", "[walk]") {
    Site site;
    site.smoke.steps = {step("lessons")};
    site.answers("/lessons/", failed(HttpAnswer::Failure::timeout, HttpAnswer::Phase::first_byte), 10s);
    site.answers("/", page(404));
    const auto results = site.walk({"connection", "lessons"});
    CHECK(results.at("connection").status == Status::ok);
    CHECK(results.at("lessons").status == Status::critical);
}

TEST_CASE("walk: another host that is gone is not the site", "[walk]") {
    Site site;
    site.smoke.steps = {step("shop"), step("page")};
    site.smoke.steps[0].get = "https://shop.example/";
    site.world.http.on("https://shop.example/", refused());
    site.answers("/page/", page(200));
    const auto results = site.walk({"connection", "shop", "page"});
    CHECK(results.at("connection").status == Status::ok);
    CHECK(results.at("shop").status == Status::critical);
    CHECK_FALSE(is_on_the_site(site.smoke.steps[0], site.smoke));
    CHECK(is_on_the_site(site.smoke.steps[1], site.smoke));
}

TEST_CASE("walk: asked alone the connection is looked at", "[walk]") {
    Site site;
    site.answers("/", page(500));
    CHECK(site.walk({"connection"}).at("connection").status == Status::ok);
    CHECK(site.asked() == std::vector<std::string>{"/"});
}

TEST_CASE("walk: what may have been sent is not sent a second time", "[walk]") {
    Site site;
    site.smoke.steps = {order_step()};
    const auto first = [&](HttpAnswer answer) {
        site.answers("/orders/", std::move(answer));
        site.answers("/", page(200));
        return site.walk({"order"}).at("order").status;
    };
    const auto again = [&] { return site.ask(*site.first->again(), {"order"}).at("order").status; };
    SECTION("its answer is bad") {
        CHECK(first(page(500)) == Status::critical);
        CHECK(again() == Status::critical);
        CHECK(site.count("/orders/") == 1);
    }
    SECTION("its answer is good") {
        CHECK(first(page(201, R"({"id":1})")) == Status::ok);
        CHECK(again() == Status::ok);
        CHECK(site.count("/orders/") == 1);
    }
    SECTION("there is no answer") {
        CHECK(first(failed(HttpAnswer::Failure::timeout, HttpAnswer::Phase::first_byte)) == Status::critical);
        CHECK(again() == Status::critical);
        CHECK(site.count("/orders/") == 1);
    }
    SECTION("it never left") {
        CHECK(first(refused()) == Status::critical);
        site.answers("/orders/", page(201, R"({"id":1})"));
        CHECK(again() == Status::ok);
        CHECK(site.count("/orders/") == 2);
    }
}

TEST_CASE("walk: what stands behind something that is sent once goes on with its value", "[walk]") {
    Site site;
    site.smoke.steps = {order_step(), step("look")};
    site.smoke.steps[1].get = "/orders/{order}/";
    site.answers("/orders/", page(201, R"({"id":7})"));
    site.answers("/orders/7/", page(500));
    CHECK(site.walk({"order", "look"}).at("look").status == Status::critical);
    site.answers("/orders/7/", page(200));
    const std::shared_ptr<Walk> second = site.first->again();
    CHECK(site.ask(*second, {"look"}).at("look").status == Status::ok);
    CHECK(site.ask(*second->again(), {"look"}).at("look").status == Status::ok);
    CHECK(site.count("/orders/") == 1);
}

TEST_CASE("walk: a step's own time is without its waiting for others", "[walk]") {
    Site site;
    site.smoke.parallel = 1;
    site.smoke.steps = {step("a", "teacher"), step("b", "teacher")};
    site.answers("/a/", page(200), 30ms);
    site.answers("/b/", page(200), 20ms);
    const auto results = site.walk({"a", "b", "login-teacher", "connection"});
    CHECK(results.at("login-teacher").took == 10ms);
    CHECK(results.at("a").took == 30ms);
    CHECK(results.at("b").took == 20ms);
    CHECK(results.at("connection").took == 0ms);
}

namespace {

// Makes a file, looks at it, removes it.
void make_a_file(Site& site) {
    site.smoke.steps = {step("upload", "teacher"), step("look", "teacher"), step("removed", "teacher")};
    site.smoke.steps[0].get.reset();
    site.smoke.steps[0].post = "/files/";
    site.smoke.steps[0].save["file"] = {R"("/id")"};
    site.smoke.steps[1].get = "/files/{file}/look/";
    site.smoke.steps[2].get.reset();
    site.smoke.steps[2].remove = "/files/{file}/";
    site.smoke.steps[2].always = true;
    site.answers("/files/", page(201, R"({"id":"f1"})"));
    site.answers("/files/f1/", page(204));
}

// As the runner does when the time is over: begun, and dropped amid its way.
void cut_short(Site& site, Walk& walk, const std::vector<std::string>& names, Duration after) {
    std::vector<Task<CheckResult>> tasks;
    for (const std::string& name : names) {
        tasks.push_back(walk.result_of(name));
    }
    for (Task<CheckResult>& task : tasks) {
        task.start([] {});
    }
    const SteadyTime end = site.world.clock.steady() + after;
    while (site.world.clock.steady() < end) {
        site.world.http.poll(std::chrono::ceil<Duration>(end - site.world.clock.steady()));
    }
}

} // namespace

TEST_CASE("walk: what was made is removed also when the walk is cut short", "[walk]") {
    Site site;
    make_a_file(site);
    site.world.http.never(k_site + "/files/f1/look/");
    Trip trip(std::make_shared<const SmokeSettings>(site.smoke));
    cut_short(site, trip.first(site.world.world), {"upload", "look", "removed"}, 1s);
    CHECK(site.count("/files/f1/") == 0); // it waits for the look
    CHECK(trip.clean_up(site.world.world, site.world.clock.steady() + 1s));
    CHECK(site.count("/files/f1/") == 1);
    CHECK(trip.last_result("removed")->status == Status::ok);
    CHECK_FALSE(trip.clean_up(site.world.world, site.world.clock.steady() + 1s));
    CHECK(site.count("/files/f1/") == 1);
}

TEST_CASE("walk: cut short, what two walks know of is removed once", "[walk]") {
    Site site;
    make_a_file(site);
    site.world.http.never(k_site + "/files/f1/look/");
    Trip trip(std::make_shared<const SmokeSettings>(site.smoke));
    cut_short(site, trip.first(site.world.world), {"upload", "look", "removed"}, 1s);
    cut_short(site, trip.second(site.world.world, "look"), {"look", "removed"}, 1s);
    CHECK(trip.clean_up(site.world.world, site.world.clock.steady() + 1s));
    CHECK(site.count("/files/") == 1);
    CHECK(site.count("/files/f1/") == 1);
}

TEST_CASE("walk: a removal that is under way is waited for, and nothing is begun where nothing was made",
          "[walk]") {
    Site site;
    make_a_file(site);
    site.answers("/files/f1/look/", page(200));
    site.answers("/files/f1/", page(204), 500ms);
    Trip trip(std::make_shared<const SmokeSettings>(site.smoke));
    CHECK_FALSE(trip.clean_up(site.world.world, site.world.clock.steady() + 1s)); // no walk at all
    cut_short(site, trip.first(site.world.world), {"upload", "look", "removed"}, 200ms);
    CHECK(site.count("/files/f1/") == 1);
    CHECK(trip.clean_up(site.world.world, site.world.clock.steady() + 1s));
    CHECK(site.count("/files/f1/") == 1);
    CHECK(trip.last_result("removed")->status == Status::ok);

    Site other;
    make_a_file(other);
    other.world.http.never(k_site + "/files/");
    Trip nothing(std::make_shared<const SmokeSettings>(other.smoke));
    cut_short(other, nothing.first(other.world.world), {"upload", "look", "removed"}, 1s);
    CHECK_FALSE(nothing.clean_up(other.world.world, other.world.clock.steady() + 1s));
    CHECK(other.count("/files/f1/") == 0);
}
