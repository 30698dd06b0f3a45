// The examples load, and thirty kinds of mistake in them are each found where they are.
#include "config/config.h"
#include "config/env_file.h"
#include "config/parse.h"
#include "russian.h"
#include "stand_in_types.h"
#include "support/temp_folder.h"

#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const std::string& example() {
    static const std::string text = slurp(Path(LECTIO_SOURCE_FOLDER) / "config/config.example.toml");
    return text;
}
const std::string& more() {
    static const std::string text = slurp(Path(LECTIO_SOURCE_FOLDER) / "config/config.more.toml");
    return text;
}

struct Loaded {
    Config config;
    Problems problems;
};
// With every variable set, so that what is left are problems of words.
Loaded load(const std::string& text) {
    Loaded loaded;
    std::optional<Node> root = parse_toml(text, loaded.problems);
    if (root) {
        expand_references(
            *root, [](const std::string&) { return std::optional<std::string>("1234"); }, loaded.problems);
        loaded.config = read_config(*root, test::stand_in_kinds(), loaded.problems);
    }
    return loaded;
}

std::vector<Problem> errors_of(const std::string& text) {
    std::vector<Problem> errors;
    const Loaded loaded = load(text);
    for (const Problem& problem : loaded.problems.all()) {
        if (problem.severity == Problem::Severity::error) {
            errors.push_back(problem);
        }
    }
    return errors;
}

Position place_of(const std::string& text, std::size_t at) {
    Position position{1, 1};
    for (const char c : text.substr(0, at)) {
        if (c == '\n') {
            ++position.line;
            position.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++position.column;
        }
    }
    return position;
}

// One mistake: `good` in the file becomes `bad`, in which ¦ marks where the problem is to be shown.
struct Mistake {
    std::string what;
    std::string good, bad;
    std::string message; // a part of it
};

void check_mistake(const std::string& file, const Mistake& mistake) {
    INFO(mistake.what);
    const std::size_t at = file.find(mistake.good);
    REQUIRE(at != std::string::npos);
    constexpr std::string_view k_mark = "¦";
    const std::size_t mark = mistake.bad.find(k_mark);
    REQUIRE(mark != std::string::npos);
    std::string bad = mistake.bad;
    bad.erase(mark, k_mark.size());
    std::string text = file;
    text.replace(at, mistake.good.size(), bad);

    const std::vector<Problem> errors = errors_of(text);
    REQUIRE(errors.size() == 1);
    INFO(errors[0].message.en + "\n" + errors[0].message.ru);
    const Position expected = place_of(text, at + mark);
    CHECK(errors[0].position.line == expected.line);
    CHECK(errors[0].position.column == expected.column);
    CHECK(errors[0].message.en.find(mistake.message) != std::string::npos);
    CHECK(test::is_russian(errors[0].message.ru));
}

void check_mistakes(const std::string& file, const std::vector<Mistake>& mistakes) {
    for (const Mistake& mistake : mistakes) {
        SECTION(mistake.what) {
            check_mistake(file, mistake);
        }
    }
}

std::vector<Position> places_of_errors(const std::string& text) {
    std::vector<Position> places;
    for (const Problem& error : errors_of(text)) {
        places.push_back(error.position);
    }
    return places;
}

} // namespace

TEST_CASE("both examples load without an error, and say what comes later") {
    for (const std::string& text : {example(), more()}) {
        for (const Problem& problem : errors_of(text)) {
            UNSCOPED_INFO(problem.position.line << ":" << problem.position.column << " "
                                                << problem.message.en);
        }
        CHECK(errors_of(text).empty());
    }
    std::vector<std::string> later;
    const Loaded loaded = load(example());
    for (const Problem& problem : loaded.problems.all()) {
        later.push_back(problem.message.en);
    }
    CHECK(std::find(later.begin(), later.end(), R"("smoke" is not built yet: ignored)") == later.end());
    CHECK(std::find(later.begin(), later.end(), R"("cleanup" is not built yet: ignored)") == later.end());
}

TEST_CASE("the example as the tools see it") {
    const Config config = load(example()).config;
    CHECK(config.lang == Lang::ru);
    CHECK(config.host == "lectio-1");
    CHECK(config.paths.state == "/var/lib/lectio-monitor");
    CHECK(config.health.deadline == 50s);
    REQUIRE(config.health.checks.size() == 10);
    CHECK(config.health.checks[0].name == "nginx");
    CHECK(config.health.checks[2].common.needs == std::vector<std::string>{"nginx"});
    const auto& site = *static_cast<const test::HttpLike*>(config.health.checks[2].settings.get());
    CHECK(site.url == "https://lectio.tw1.ru/");
    CHECK(site.status.words() == "200");
    CHECK(site.timeout == 10s);
    REQUIRE(config.health.recovery.size() == 4);
    CHECK(config.health.recovery[0].action == "fix-permissions");
    CHECK(config.health.recovery[1].settle == 10s);
    CHECK(config.health.limits.waits == std::vector<Duration>{1min, 5min, 15min});
    REQUIRE(config.channels.size() == 1);
    CHECK(config.channels[0].as<TelegramChannel>()->token.reveal() == "1234");
    CHECK(config.channels[0].as<TelegramChannel>()->operators == std::vector<std::int64_t>{111111111});
    REQUIRE(config.routes.size() == 1);
    CHECK(config.routes[0].severity == std::vector<Severity>{Severity::critical});
    CHECK(config.alerts.deploy_grace == 10min);
    CHECK(config.heartbeat.tools.at("deepcheck") == 130min);
}

TEST_CASE("what is not set switches off what needs it, and is said") {
    Problems problems;
    std::optional<Node> root = parse_toml(example(), problems);
    expand_references(
        *root, [](const std::string&) { return std::optional<std::string>(); }, problems);
    const Config config = read_config(*root, test::stand_in_kinds(), problems);
    CHECK_FALSE(problems.has_errors());
    REQUIRE(config.channels.size() == 1);
    CHECK(config.channels[0].unset == std::vector<std::string>{"ERRORS_BOT_TOKEN", "ERRORS_CHAT_ID"});
    REQUIRE(config.notes.size() == 2);
    CHECK(config.notes[0].tool == "smoke");
    CHECK(config.notes[0].message.en ==
          "variables SMOKE_TEACHER_PASSWORD, SMOKE_STUDENT_PASSWORD are not set; "
          "off because of it: login teacher, login student");
    CHECK(config.notes[0].message.ru ==
          "не заданы переменные SMOKE_TEACHER_PASSWORD, SMOKE_STUDENT_PASSWORD; "
          "из-за этого выключено: вход teacher, вход student");
    CHECK(config.notes[1].tool.empty());
    CHECK(config.notes[1].message.en ==
          "channel errors is off: variables ERRORS_BOT_TOKEN, ERRORS_CHAT_ID are not set");
    CHECK(config.notes[1].message.ru ==
          "канал errors выключен: не заданы переменные ERRORS_BOT_TOKEN, ERRORS_CHAT_ID");
    const auto& all = problems.all();
    CHECK(std::any_of(all.begin(), all.end(), [](const Problem& problem) {
        return problem.message.en.starts_with("ERRORS_BOT_TOKEN is not set, neither in ") &&
               problem.severity == Problem::Severity::warning;
    }));
}

namespace {

constexpr const char* k_two_logins = R"([smoke.users]
manage = "/srv/app/manage.py"
roles = { teacher = "teacher", ROLE = "student" }
[smoke.login.teacher]
post = "/token/"
json = { email = "t@test.local", password = "${TEACHER_PASSWORD}" }
[smoke.login.student]
post = "/token/"
form = { email = "s@test.local", password = "${STUDENT_PASSWORD}" }
)";

Config two_logins(const std::string& role, const std::string& password, Problems& problems) {
    std::string text = k_two_logins;
    text.replace(text.find("ROLE"), 4, role);
    std::optional<Node> root = parse_toml(text, problems);
    expand_references(
        *root,
        [&](const std::string& name) {
            return std::optional<std::string>(name == "STUDENT_PASSWORD" ? password
                                                                         : "made-up-of-the-teacher");
        },
        problems);
    return read_config(*root, test::stand_in_kinds(), problems);
}

} // namespace

TEST_CASE("an empty password of a login is one that is set nowhere") {
    Problems problems;
    const Config config = two_logins("student", "", problems);
    CHECK_FALSE(problems.has_errors());
    CHECK(config.smoke.logins[0].unset.empty());
    CHECK(config.smoke.logins[1].unset == std::vector<std::string>{"STUDENT_PASSWORD"});
    REQUIRE(config.notes.size() == 1);
    CHECK(config.notes[0].message.en ==
          "login student is off: the value of variable STUDENT_PASSWORD is wrong: "
          "it is empty, which is no password");
    CHECK_THAT(config.notes[0].hint.ru, Catch::Contains("sudo lectio-smoke setup-users"));
}

TEST_CASE("a password that is an ordinary word is warned of") {
    for (const char* easy : {"пароль", "teacher", "qwe-123", "correcthorse", "test1234", "Admin2026"}) {
        INFO(easy);
        Problems problems;
        const Config config = two_logins("student", easy, problems);
        CHECK_FALSE(problems.has_errors());
        CHECK(config.notes.empty()); // the site is not ill for it
        REQUIRE(problems.all().size() == 1);
        CHECK_THAT(problems.all()[0].message.en, Catch::Contains("is easily guessed"));
        CHECK(problems.all()[0].message.ru.find(easy) == std::string::npos);
    }
    Problems problems;
    two_logins("student", "made-up-2", problems);
    CHECK(problems.all().empty());
}

TEST_CASE("a login that is not there is told once, not by each step that logs in as it") {
    std::string text = "[smoke]\nbase_url = \"https://site.test\"\n[smoke.login.techer]\npost = \"/token/\"\n"
                       "json = { email = \"t@test.local\" }\n";
    for (const char* name : {"lessons", "groups", "homework"}) {
        text += fmt::format("[[smoke.step]]\nname = \"{}\"\nas = \"teacher\"\nget = \"/{}/\"\n", name, name);
    }
    Problems problems;
    const std::optional<Node> root = parse_toml(text, problems);
    read_config(*root, test::stand_in_kinds(), problems);
    REQUIRE(problems.all().size() == 1);
    CHECK(problems.all()[0].message.en == "unknown login \"teacher\"; did you mean \"techer\"?");
    CHECK(problems.all()[0].position.line == 8);
}

TEST_CASE("a role is one of a login") {
    Problems problems;
    two_logins("studnet", "made-up-of-the-student", problems);
    REQUIRE(problems.all().size() == 1);
    CHECK(problems.has_errors());
    CHECK(problems.all()[0].message.en == "unknown login \"studnet\"; did you mean \"student\"?");
    CHECK(problems.all()[0].position.line == 3);
    Problems others; // of a profile that was cut down
    two_logins("headmaster", "made-up-of-the-student", others);
    CHECK_FALSE(others.has_errors());
    REQUIRE(others.all().size() == 1);
    CHECK(test::is_russian(others.all()[0].message.ru));
}

TEST_CASE("each kind of mistake in the example is one problem at its place") {
    const std::vector<Mistake> mistakes{
        {"unknown key before the tables", "lang = \"ru\"", "¦langg = \"ru\"", "did you mean \"lang\""},
        {"unknown table", "[paths]", "[¦path]", "did you mean \"paths\""},
        {"unknown key in a table", "level  = \"info\"", "¦levle  = \"info\"", "did you mean \"level\""},
        {"unknown key of a check", "contains = 'id=\"root\"'  ", "¦containz = 'id=\"root\"'  ",
         "did you mean \"contains\""},
        {"key of another type", "unit = \"nginx.service\"", "unit = \"nginx.service\"\n¦url = \"http://x/\"",
         "unknown key \"url\""},
        {"unknown type", "type = \"systemd\"", "type = ¦\"sistemd\"", "did you mean \"systemd\""},
        {"missing type", "[health.check.nginx]\ntype = \"systemd\"", "¦[health.check.nginx]",
         "missing key \"type\""},
        {"type of a wrong type", "type = \"systemd\"", "type = ¦5", "expected text"},
        {"missing key", "[health.check.disk]\ntype = \"disk\"\npath = \"/\"",
         "¦[health.check.disk]\ntype = \"disk\"", "missing key \"path\""},
        {"wrong type", "follow   = true", "follow   = ¦\"yes\"", "expected true or false"},
        {"number for a duration", "max_time = \"5s\"", "max_time = ¦5", "expected a duration"},
        {"duration without a unit", "max_time = \"5s\"", "max_time = ¦\"5\"", "not a duration"},
        {"unknown unit", "timeout  = \"10s\"", "timeout  = ¦\"10sec\"", "not a duration"},
        {"out of range", "timeout  = \"10s\"", "timeout  = ¦\"2h\"", "10ms to 1h"},
        {"number out of range", "attempts = 3", "attempts = ¦0", "1 to 100"},
        {"status out of range", "status   = 200", "status   = ¦99", "100 to 599"},
        {"no status", "status   = 200", "status   = ¦\"2yy\"", "no status"},
        {"a date", "json    = { \"/checks/database\" = \"ok\" }",
         "json    = { \"/checks/database\" = ¦2026-01-22 }", "found date"},
        {"wrong unit of a threshold", "free = { warn = \"15%\"", "free = { warn = ¦\"15s\"", "wrong unit"},
        {"unknown threshold", "inodes = { warn = \"10%\"", "inodes = { ¦warning = \"10%\"",
         "unknown key \"warning\""},
        {"thresholds the wrong way round", "free = { warn = \"15%\", critical = \"5%\" }",
         "free = { warn = \"5%\", critical = ¦\"15%\" }", "less is worse"},
        {"no absolute path", "path = \"/\"", "path = ¦\"var\"", "absolute path"},
        {"no URL", "url      = \"https://lectio.tw1.ru/\"", "url      = ¦\"lectio.tw1.ru\"",
         "expected a URL"},
        {"no mode", "dirs   = \"755\"", "dirs   = ¦\"788\"", "not a mode"},
        {"unknown need", "needs    = [\"nginx\"]", "needs    = [¦\"ngnix\"]", "did you mean \"nginx\""},
        {"a circle of needs", "unit = \"nginx.service\"", "unit = \"nginx.service\"\nneeds = ¦[\"nginx\"]",
         "needs itself"},
        {"unknown check of a rung", "when   = [\"frontend\", \"site\"]",
         "when   = [\"frontend\", ¦\"sight\"]", "unknown check \"sight\""},
        {"unknown action", "action = \"restart\"", "action = ¦\"restrat\"", "did you mean \"restart\""},
        {"a rung without its unit",
         "[[health.recovery]]\nname   = \"backend-last\"                       # the site fails though unit, "
         "API "
         "and nginx look well\nwhen   = [\"site\"]\naction = \"restart\"\nunit   = "
         "\"teaching_panel.service\"",
         "¦[[health.recovery]]\nname   = \"backend-last\"\nwhen   = [\"site\"]\naction = \"restart\"",
         "missing key \"unit\""},
        {"two rungs of one name", "name   = \"nginx\"", "name   = ¦\"backend\"", "a second recovery"},
        {"unknown channel", "to       = [\"errors\"]", "to       = [¦\"error\"]", "did you mean \"errors\""},
        {"unknown channel in an escalation", "to = [\"errors\"] }", "to = [¦\"nobody\"] }",
         "unknown channel"},
        {"wrong word", "on_site_down = \"silent\"", "on_site_down = ¦\"quiet\"", "silent | ping | fail"},
        {"unknown tool", "tools = { health = \"3m\"", "tools = { ¦helth = \"3m\"", "did you mean \"health\""},
        {"unknown login of a step", "as   = \"teacher\"", "as   = ¦\"headmaster\"", "unknown login"},
        {"unknown check of a gate", "gate     = { checks = [\"site\"", "gate     = { checks = [¦\"sit\"",
         "did you mean \"site\""},
        {"a gate that nothing passes", "passes = 3 }", "passes = ¦31 }",
         "31 passes a second apart do not fit into within = 30 s"},
        {"a maintenance page that goes with the release", "gate     = { checks = [\"site\"",
         "maintenance_page = ¦\"/var/www/teaching_panel/frontend/build/m.html\"\ngate     = { checks = "
         "[\"site\"",
         "lies in what is released"},
        {"a maintenance page without a place", "gate     = { checks = [\"site\"",
         "maintenance_page = ¦\"m.html\"\ngate     = { checks = [\"site\"", "absolute path of a file"},
        {"no name", "[health.check.celery]", "[health.check.¦Celery]", "is no name"},
        {"a list where a text belongs", "unit = \"nginx.service\"", "unit = ¦[\"nginx.service\"]",
         "expected text, found list"},
        {"a text where a list belongs", "test   = [\"nginx\", \"-t\"]", "test   = ¦\"nginx -t\"",
         "expected a list of texts, found text; write [\"nginx\", \"-t\"]"},
        {"a table where a list of tables belongs", "[[route]]", "¦[route]", "list of tables"},
        {"a key of the top below a table", "digest   = \"\"", "digest   = \"\"\n¦host = \"site\"",
         "belongs at the top, before the first [table]"},
        {"a key of another table", "digest   = \"\"", "digest   = \"\"\n¦boot_grace = \"2m\"",
         "unknown key \"boot_grace\": it belongs in [health]"},
        {"a key of another table in a check", "unit = \"nginx.service\"",
         "unit = \"nginx.service\"\n¦digest = \"09:00\"", "unknown key \"digest\": it belongs in [alerts]"},
        {"malformed reference", "\"${ERRORS_CHAT_ID}\"", "¦\"${ERRORS_CHAT_ID\"", "malformed reference"},
        {"no chat", "chat   = \"${ERRORS_CHAT_ID}\"", "chat   = ¦\"nobody\"", "@name"},
        {"wrong time of day", "digest   = \"\"", "digest   = ¦\"25:00\"", "time of day"},
        {"a key twice", "lang = \"ru\"", "lang = \"ru\"\nlang = ¦\"en\"", "lang"},
        {"no TOML", "level  = \"info\"", "level  = inf¦o", ""},
    };
    REQUIRE(mistakes.size() >= 30);
    check_mistakes(example(), mistakes);
}

TEST_CASE("each kind of mistake in the other example, too") {
    const std::vector<Mistake> mistakes{
        {"unknown key of what comes later", "keep_lines = 1000", "¦keeplines = 1000", "keep_lines"},
        {"wrong unit of what comes later", "lag = { warn = \"30s\" }", "lag = { warn = ¦\"30%\" }",
         "wrong unit"},
        {"unknown type of a channel", "type = \"email\"", "type = ¦\"emial\"", "did you mean \"email\""},
        {"unknown type of a source", "type = \"postgres\"\nurl = \"postgresql://backup",
         "type = ¦\"postgre\"\nurl = \"postgresql://backup", "did you mean \"postgres\""},
        {"unknown step", "needs = [\"tags\"]", "needs = [¦\"tag\"]", "did you mean \"tags\""},
        {"two steps of one name", "name = \"burst\"", "name = ¦\"removed\"", "a second step"},
        {"range of what comes later", "nice = 19", "nice = ¦20", "0 to 19"},
        {"growth of an unknown check", "\"check:lite\"", "¦\"check:lit\"", "did you mean \"lite\""},
        {"growth of what has no size", "\"check:lite\"", "¦\"check:heads\"", "looks at no database"},
        {"unknown part", "part = \"frontend\"", "part = ¦\"front\"", "frontend | backend"},
    };
    check_mistakes(more(), mistakes);
}

TEST_CASE("each kind of mistake in a login or a step") {
    const std::vector<Mistake> mistakes{
        {"a value that no step saves", "delete = \"/api/files/{id}/\"", "delete = ¦\"/api/files/{idd}/\"",
         "no step saves {idd}; did you mean \"id\"?"},
        {"a value saved twice", "name = \"burst\"\nget = \"/health\"",
         "name = \"burst\"\nget = \"/health\"\nsave = { ¦id = \"/id\" }", "a second step saves {id}"},
        {"a value with an odd name", "save = { id = \"/id\"", "save = { ¦\"Id 2\" = \"/id\", id = \"/id\"",
         "expected a name"},
        {"nothing to save from", "etag = { header = \"ETag\" }", "etag = ¦{ heder = \"ETag\" }",
         "expected a JSON pointer"},
        {"a saved expression that is none", "key = { matches = 'value=\"([^\"]+)\"' }",
         "key = ¦{ matches = 'value=(' }", "expected a JSON pointer"},
        {"an expectation of no type", "\"/id\" = { type = \"integer\" }", "\"/id\" = ¦{ type = \"integr\" }",
         "expected a value"},
        {"nothing asked", "get = \"/health\"\n", "", "one of get, post"},
        {"two things asked", "get = \"/health\"\n", "get = \"/health\"\npost = ¦\"/x\"\n",
         "one step asks one thing"},
        {"a path without its slash", "get = \"/health\"", "get = ¦\"health\"", "begins with /"},
        {"a body of a GET", "get = \"/health\"\n", "get = \"/health\"\njson = ¦{ a = 1 }\n",
         "a GET has no body"},
        {"two bodies", "upload = { field", "json = { a = 1 }\nupload = ¦{ field", "one request has one body"},
        {"odd bytes", "get = \"/health\"\n", "get = \"/health\"\nrange = ¦\"first\"\n", "expected bytes"},
        {"bytes backwards", "get = \"/health\"\n", "get = \"/health\"\nrange = ¦\"1023-0\"\n",
         "expected bytes"},
        {"a limit in parallel", "limit = { requests = 6", "parallel = ¦2\nlimit = { requests = 6",
         "one after the other"},
        {"a header that is none", "Content-Type = \"application/json*\"",
         "¦\"Content Type\" = \"application/json*\"", "name of a header"},
        {"a step that needs itself", "name = \"burst\"\n", "name = \"burst\"\nneeds = [\"burst\"]\n",
         "needs itself"},
        {"a login that needs what needs it", "csrf = { get", "needs = [\"upload\"]\ncsrf = { get",
         "needs itself"},
        {"a step named as a login is", "name = \"burst\"", "name = ¦\"login-session\"", "a second step"},
        {"a limit of one", "requests = 6", "requests = ¦1", "2 to 1000"},
    };
    for (const Mistake& mistake : mistakes) {
        DYNAMIC_SECTION(mistake.what) {
            if (mistake.bad.find("¦") != std::string::npos) {
                check_mistake(more(), mistake);
                continue;
            }
            std::string text = more(); // shown at the table that the mistake is in
            const std::size_t at = text.find(mistake.good);
            REQUIRE(at != std::string::npos);
            text.replace(at, mistake.good.size(), mistake.bad);
            const std::vector<Problem> errors = errors_of(text);
            REQUIRE_FALSE(errors.empty());
            CHECK_THAT(errors.front().message.en, Catch::Contains(mistake.message));
            CHECK(errors.front().position.line > 1);
        }
    }
}

TEST_CASE("growth wakes nobody unless its severity is written down") {
    const auto severity_of = [](const std::string& text) {
        for (const CheckSettings& check : load(text).config.deepcheck.checks) {
            if (check.name == "grow") {
                return check.common.severity;
            }
        }
        FAIL("no check grow");
        return Severity::critical;
    };
    std::string text = more();
    CHECK(severity_of(text) == Severity::info);
    text.replace(text.find("type = \"growth\""), 0, "severity = \"warning\"\n");
    CHECK(severity_of(text) == Severity::warning);
}

TEST_CASE("the order of logins and steps, from what they need and use") {
    const std::map<std::string, StepOrder> orders = order_of(load(more()).config.smoke);
    CHECK(orders.at("login-session").needs.empty());
    CHECK(orders.at("upload").needs == std::vector<std::string>{"login-session", "tags"});
    CHECK(orders.at("removed").needs == std::vector<std::string>{"login-session"});
    CHECK(orders.at("removed").after == std::vector<std::string>{"tags"});
    CHECK(orders.at("burst").needs.empty());
}

TEST_CASE("references are names in braces, and JSON has braces of its own") {
    using Names = std::vector<std::string>;
    CHECK(references_in("/a/{id}/{other-1}/") == Names{"id", "other-1"});
    CHECK(references_in(R"({"a":{"b":1},"c":"{id}"})") == Names{"id"});
    CHECK(references_in("{} {Id} {a b} {unclosed") == Names{});
}

TEST_CASE("all mistakes are told at once, in the order of the file") {
    const std::string text = "langg = \"ru\"\n[health]\ndeadline = 5\n[health.check.a]\n"
                             "type = \"http\"\nfolow = true\n[health.check.b]\n";
    // In the fourth line: the url is missing.
    CHECK(places_of_errors(text) == std::vector<Position>{{1, 1}, {3, 12}, {4, 1}, {6, 1}, {7, 1}});
}

TEST_CASE("unknown keys are told where the type is missing or wrong, too") {
    const std::string text = "[health.check.a]\ntype = \"htp\"\nzzz = 1\nurl = \"http://x/\"\n"
                             "[health.check.b]\nyyy = 1\n";
    CHECK(places_of_errors(text) == std::vector<Position>{{2, 8}, {3, 1}, {5, 1}, {6, 1}});
}

TEST_CASE("a circle of needs is found around corners") {
    const auto check = [](const char* name, const char* need) {
        return "[health.check." + std::string(name) + "]\ntype = \"systemd\"\nneeds = [\"" + need + "\"]\n";
    };
    const std::vector<Problem> errors =
        errors_of(check("a", "b") + check("b", "health/c") + check("c", "a") + check("d", "a"));
    CHECK(errors.size() == 3); // each of the circle, and not the one that only leads there
}

TEST_CASE("mangled examples are refused or read, and never end the process") {
    std::mt19937 random(4711); // NOLINT(cert-msc51-cpp): the same histories in each run
    const auto pick = [&](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
    };
    constexpr std::string_view k_bytes = "\"'[]{}=.#$\n\\ \t,:-0a\xFF\0";
    for (int round = 0; round < 400; ++round) {
        std::string text = round % 2 == 0 ? example() : more();
        for (std::size_t change = 0, changes = 1 + pick(6); change < changes; ++change) {
            const std::size_t at = pick(text.size());
            switch (pick(4)) {
            case 0:
                text[at] = k_bytes[pick(k_bytes.size() + 1)];
                break;
            case 1:
                text.erase(at, 1 + pick(40));
                break;
            case 2:
                text.insert(at, text.substr(pick(text.size()), pick(80)));
                break;
            default:
                text.insert(at, 1, k_bytes[pick(k_bytes.size() + 1)]);
            }
        }
        const Loaded loaded = load(text);
        for (const Problem& problem : loaded.problems.all()) {
            CHECK_FALSE(problem.message.en.empty());
        }
    }
}

TEST_CASE("a recovery that can never act is warned of, for what is mended must be critical") {
    const auto warned = [](const std::string& severities, const std::string& when) {
        std::string checks;
        for (const char name : severities) { // each check is called by the first letter of its severity
            const std::string severity = name == 'i' ? "info" : name == 'w' ? "warning" : "critical";
            checks += fmt::format("[health.check.{}]\ntype = \"systemd\"\nunit = \"x\"\nseverity = \"{}\"\n",
                                  name, severity);
        }
        const Loaded loaded = load(checks + "[[health.recovery]]\nname = \"r\"\nwhen = [" + when +
                                   "]\naction = \"restart\"\nunits = [\"x\"]\n");
        std::vector<std::string> words;
        for (const Problem& problem : loaded.problems.all()) {
            if (problem.message.en.find("never act") != std::string::npos) {
                CHECK(problem.severity == Problem::Severity::warning);
                words.push_back(problem.message.en);
            }
        }
        return words.size();
    };
    CHECK(warned("i", "\"i\"") == 1);
    CHECK(warned("iw", "\"i\", \"w\"") == 1);
    CHECK(warned("iwc", "\"i\", \"w\", \"c\"") == 0);
    CHECK(warned("c", "\"c\"") == 0);
    CHECK(warned("c", "") == 0);
    CHECK(warned("c", "\"unknown\"") == 0); // an error of its own
}
