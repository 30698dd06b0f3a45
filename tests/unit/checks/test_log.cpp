#include "checks/log.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::uint64_t matched(const std::vector<std::string>& patterns, std::string_view lines,
                      std::string* last = nullptr) {
    LineMatcher matcher(patterns);
    std::uint64_t count = 0;
    matcher.look_through(lines, [&](std::string_view line) {
        ++count;
        if (last != nullptr) {
            *last = line;
        }
    });
    return count;
}

// One check over one file, run after run, with its memory.
struct Watched {
    TempFolder root;
    BareWorld bare;
    LogCheckSettings settings;
    std::map<std::string, std::string> memory;

    Watched() {
        settings.path = root / "error.log";
        settings.matches = {"\" 50[0-9] ", "Traceback"};
    }
    void write(std::string_view text) const {
        std::ofstream(settings.path, std::ios::app | std::ios::binary) << text;
    }
    CheckResult run(bool recheck = false) {
        const auto check = log_check_type().make(&settings);
        CheckResult result = static_cast<const BlockingCheck&>(*check).run(
            {bare.world, bare.clock.now(), bare.clock.steady() + 50s, memory, recheck});
        memory = result.memory;
        return result;
    }
};

constexpr const char* k_500 = "10.0.0.1 \"GET /api/ HTTP/1.1\" 500 145\n";
constexpr const char* k_200 = "10.0.0.1 \"GET / HTTP/1.1\" 200 5145\n";

} // namespace

TEST_CASE("a line counts once, whichever pattern matches it and how often") {
    std::string last;
    CHECK(matched({"a", "b"}, "a\nab ab\nc\nxb\n", &last) == 3);
    CHECK(last == "xb");
    CHECK(matched({"a"}, "") == 0);
    CHECK(matched({"a"}, "b\n") == 0);
    CHECK(matched({"a"}, "x\nlast a") == 1);
}

TEST_CASE("patterns stay within their line, and ^ and $ are those of a line") {
    CHECK(matched({"^b$"}, "ab\nb\nba\n") == 1);
    CHECK(matched({"a[^x]b"}, "a\nb\n") == 0);
    CHECK(matched({"a\\s+b"}, "a\nb\na b\n") == 1);
    CHECK(matched({"a.*b"}, "a\nb\n") == 0);
    CHECK(matched({"(?i)error"}, "ERROR\nError\nok\n") == 2);
    CHECK(matched({"ошибка"}, "была ошибка\n") == 1);
}

TEST_CASE("much text and little text have the same lines") {
    const std::vector<std::vector<std::string>> all_patterns{{"\" 50[0-9] ", "Traceback"},
                                                             {"(?i)error|ОШИБКА"},
                                                             {"^a.*z$"},
                                                             {"x*"},
                                                             {"colou?r", "[0-9]{3}-[0-9]{4}"},
                                                             {"(?i)union(\\+|%20)+select", "\\.\\./"},
                                                             {"ab"},
                                                             {"[^q]uit"},
                                                             {"a\\s+b"}};
    std::mt19937 random(7);
    const std::vector<std::string> pieces{"\" 500 ", "\" 200 ", "Traceback", "tracebacK", "ERROR",
                                          "ошибка",  "a",       "z",         "\n",        "\n\n",
                                          " ",       "color",   "colour",    "555-1234",  "UNION%20select",
                                          "../",     "ab",      "quit",      "suit",      "a  b"};
    for (const auto& patterns : all_patterns) {
        std::string text;
        while (text.size() < 300'000) {
            text += pieces[random() % pieces.size()] + (random() % 6 == 0 ? "\n" : "");
        }
        CAPTURE(patterns.front());
        std::vector<std::string> at_once;
        LineMatcher matcher(patterns);
        matcher.look_through(text, [&](std::string_view line) { at_once.emplace_back(line); });
        std::vector<std::string> one_by_one;
        const LineMatcher each(patterns);
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            if (each.matches(rest.substr(0, end))) {
                one_by_one.emplace_back(rest.substr(0, end));
            }
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        CHECK(at_once == one_by_one);
    }
}

TEST_CASE("a pattern that matches nothing at all matches each line once") {
    CHECK(matched({"x*"}, "a\n\nb\n") == 3);
    CHECK(matched({"^$"}, "a\n\nb\n") == 1);
}

TEST_CASE("a 500 of the application is found in the next run, and is over when the window has passed") {
    Watched log;
    log.write(k_500); // before our time
    CHECK(log.run().status == Status::ok);
    log.write(k_200);
    log.bare.clock.advance(1min);
    CHECK(log.run().status == Status::ok);
    log.write(k_500);
    log.write(k_200);
    log.bare.clock.advance(1min);
    const CheckResult found = log.run();
    CHECK(found.status == Status::warning);
    CHECK(found.evidence == "10.0.0.1 \"GET /api/ HTTP/1.1\" 500 145");
    CHECK(found.message.ru == "найдено в " + log.settings.path.string() + ": 1 строка (период: 10 минут)");
    REQUIRE(found.metrics.front().name == "matches");
    CHECK(found.metrics.front().value == 1);
    log.bare.clock.advance(9min);
    CHECK(log.run().status == Status::warning);
    log.bare.clock.advance(1min);
    const CheckResult over = log.run();
    CHECK(over.status == Status::ok);
    CHECK(over.evidence.empty());
    CHECK(over.metrics.front().value == 0);
}

TEST_CASE("counts add up over the window, by the time of reading") {
    Watched log;
    log.settings.count = {Amount{Amount::Unit::number, 3}, Amount{Amount::Unit::number, 5}};
    log.run();
    for (int i = 0; i < 2; ++i) {
        log.write(k_500);
        log.bare.clock.advance(1min);
        CHECK(log.run().status == Status::ok);
    }
    log.write(k_500);
    CHECK(log.run().status == Status::warning);
    log.write(std::string(k_500) + k_500);
    CHECK(log.run().status == Status::critical);
    log.bare.clock.advance(20min);
    CHECK(log.run().status == Status::ok);
}

TEST_CASE("asked again in the same run, nothing is read and the answer is the same") {
    Watched log;
    log.run();
    log.write(k_500);
    const CheckResult first = log.run();
    log.write(k_500);
    const CheckResult again = log.run(true);
    CHECK(again.status == first.status);
    CHECK(again.message == first.message);
    CHECK(again.evidence == first.evidence);
    CHECK(log.run().metrics.front().value == 2);
}

TEST_CASE("a missing file is a warning and never no matches; when it comes, all of it is new") {
    Watched log;
    const CheckResult missing = log.run();
    CHECK(missing.status == Status::warning);
    CHECK(missing.metrics.empty());
    log.write(k_500);
    CHECK(log.run().metrics.front().value == 1);
    std::filesystem::remove(log.settings.path);
    CHECK(log.run().message.en == "there is no log file " + log.settings.path.string());
}

TEST_CASE("what cannot be read is unknown, and the position is kept") {
    Watched log;
    log.write(k_200);
    log.run();
    const auto before = log.memory;
    std::filesystem::remove(log.settings.path);
    std::filesystem::create_directory(log.settings.path);
    CHECK(log.run().status == Status::unknown);
    CHECK(log.memory == before);
}

TEST_CASE("evidence is outside text: cleaned, without secrets, short") {
    Watched log;
    log.run();
    log.write("Traceback \x1B[31m redis://user:secretpw@h/0 " + std::string(5000, 'x') + "\n");
    const CheckResult result = log.run();
    CHECK(result.evidence.find('\x1B') == std::string::npos);
    CHECK(result.evidence.find("secretpw") == std::string::npos);
    CHECK(result.evidence.size() < 320);
}

TEST_CASE("the memory stays small however long the window") {
    Watched log;
    log.settings.window = 24h;
    log.settings.count = {Amount{Amount::Unit::number, 1e6}, std::nullopt};
    log.run();
    for (int minute = 0; minute < 600; ++minute) {
        log.write(k_500);
        log.bare.clock.advance(1min);
        log.run();
    }
    CHECK(log.run().metrics.front().value == 600);
    CHECK(log.memory.at("counts").size() < 4000);
}

TEST_CASE("garbage in the memory of a check is as no memory") {
    Watched log;
    log.write(k_500);
    log.memory = {{"position", "x"},
                  {"counts", "matched=1@ @ matched=2@1/2 x@1/2/3 matched=3 matched=@1"},
                  {"level-count", "?"}};
    CHECK(log.run().metrics.front().value == 0);
}

namespace {

// nginx's combined format with the time to answer behind it.
std::string access_line(const std::string& request, int status, const std::string& address = "198.51.100.7",
                        const std::string& behind = " 0.012", const std::string& agent = "Mozilla/5.0") {
    return fmt::format("{} - - [22/Nov/2026:10:00:00 +0000] \"{}\" {} 512 \"-\" \"{}\"{}\n", address, request,
                       status, agent, behind);
}

struct WatchedAccess : Watched {
    WatchedAccess() {
        settings.matches.clear();
        settings.format = LogCheckSettings::Format::nginx_access;
        settings.window = 1h;
        run();
    }
    void write_many(int number, const std::string& line) const {
        std::string text;
        for (int i = 0; i < number; ++i) {
            text += line;
        }
        write(text);
    }
};

} // namespace

namespace {

std::optional<AccessLine> parsed_line(const std::string& line) {
    static std::string kept; // what the parts lie in
    kept = line.substr(0, line.find('\n'));
    return parse_access_line(kept);
}

} // namespace

TEST_CASE("access log: a line taken apart") {
    const std::string line = access_line("GET /api/?q=%22 HTTP/1.1", 200);
    const auto parsed = parsed_line(line);
    REQUIRE(parsed);
    CHECK(parsed->address == "198.51.100.7");
    CHECK(parsed->method == "GET");
    CHECK(parsed->target == "/api/?q=%22");
    CHECK(parsed->status == 200);
    CHECK(parsed->seconds == 0.012);
    CHECK(parsed_line(access_line("GET / HTTP/1.1", 200, "::1", " rt=1.5 uct=0.1"))->seconds == 1.5);
    CHECK(parsed_line(access_line("GET / HTTP/1.1", 200, "::1", " \"203.0.113.9\" request_time=0.250"))
              ->seconds == 0.25);
    CHECK_FALSE(parsed_line(access_line("GET / HTTP/1.1", 200, "::1", ""))->seconds);
    CHECK_FALSE(parsed_line(access_line("GET / HTTP/1.1", 200, "::1", " 8080 -"))->seconds);
    CHECK(parsed_line(access_line("\\x16\\x03\\x01", 400))->status == 400); // TLS on a plain port
    CHECK(parse_access_line("::1 - - [x] \"\" 400 0 \"-\" \"-\"")->target.empty());
    for (const char* none : {"", "x", "\"", "1.2.3.4 \"GET / HTTP/1.1", "1.2.3.4 \"GET / HTTP/1.1\" abc 1",
                             "1.2.3.4 \"GET / HTTP/1.1\" 999 1", "1.2.3.4 \"GET / HTTP/1.1\""}) {
        CHECK_FALSE(parse_access_line(none));
    }
}

TEST_CASE("access log: the share of 5xx, once there are enough answers") {
    WatchedAccess log;
    log.settings.ratio = {Amount{Amount::Unit::percent, 1}, Amount{Amount::Unit::percent, 20}};
    log.write_many(10, access_line("GET / HTTP/1.1", 502));
    CHECK(log.run().status == Status::ok); // fewer than min_samples
    log.write_many(90, access_line("GET / HTTP/1.1", 200));
    const CheckResult some = log.run();
    CHECK(some.status == Status::warning);
    CHECK(some.message.en == "5xx: 10.0% of 100 answers (window: 1 hour)");
    CHECK(some.message.ru == "ответы 5xx: 10.0% из 100 ответов (период: 1 час)");
    log.write_many(100, access_line("GET / HTTP/1.1", 500));
    CHECK(log.run().status == Status::critical);
    log.bare.clock.advance(1h);
    CHECK(log.run().status == Status::ok);
}

TEST_CASE("access log: percentiles of the time to answer") {
    WatchedAccess log;
    log.settings.latency["p95"] = {Amount{Amount::Unit::milliseconds, 1000}, std::nullopt};
    log.write_many(96, access_line("GET / HTTP/1.1", 200, "::1", " 0.020"));
    log.write_many(4, access_line("GET / HTTP/1.1", 200, "::1", " 3.000"));
    const CheckResult quick = log.run();
    CHECK(quick.status == Status::ok);
    CHECK(quick.metrics.at(0).value == Approx(20).epsilon(0.11));
    CHECK(quick.message.en == "100 answers and nothing that stands out (window: 1 hour)");
    log.write_many(20, access_line("GET / HTTP/1.1", 200, "::1", " 3.000"));
    const CheckResult slow = log.run();
    CHECK(slow.status == Status::warning);
    CHECK(slow.metrics.at(0).value == Approx(3000).epsilon(0.11));
    CHECK_THAT(slow.message.ru, Catch::Contains("самые медленные 5% ответов заняли 3."));
}

TEST_CASE("log: the hint shows the very lines that were counted, also of the file rotated away") {
    WatchedAccess log;
    log.settings.ratio = {Amount{Amount::Unit::percent, 1}, std::nullopt};
    log.write_many(30, access_line("GET / HTTP/1.1", 502, "::1"));
    const CheckResult told = log.run();
    CHECK(told.status == Status::warning);
    const std::string path = log.settings.path.string();
    CHECK(told.hint.en == "look: grep -shP '\" 5[0-9]{2} ' " + path + ".1 " + path + " | tail -n 20");
    Watched plain;
    plain.settings.matches = {R"(\[error\])", "it's"};
    plain.settings.count = {Amount{Amount::Unit::number, 1}, std::nullopt};
    plain.run();
    plain.write("[error] x\n");
    CHECK_THAT(plain.run().hint.en, Catch::Contains(R"(grep -shP '\[error\]|it'\''s' )"));
}

TEST_CASE("access log: attempts from outside, by kind and address") {
    WatchedAccess log;
    log.settings.attacks = {Attack::brute_force, Attack::traversal, Attack::sql_injection, Attack::scanner};
    log.settings.attempts = {Amount{Amount::Unit::number, 50}, std::nullopt};
    const std::string guessing = access_line("POST /api/jwt/token/ HTTP/1.1", 401, "203.0.113.5");
    log.write_many(30, guessing);
    log.write_many(60, access_line("POST /api/jwt/token/ HTTP/1.1", 200, "203.0.113.6")); // who logs in
    log.write_many(
        60, access_line("GET /api/union/select-seats HTTP/1.1", 200, "203.0.113.7")); // a site's own words
    CHECK(log.run().status == Status::ok);
    log.write_many(25, guessing);
    log.write_many(10, access_line("GET /?id=1%27%20OR%201=1 HTTP/1.1", 200, "203.0.113.5"));
    log.write_many(5, access_line("GET /../../etc/passwd HTTP/1.1", 400, "203.0.113.8"));
    log.write_many(7, access_line("GET /.env HTTP/1.1", 404, "2001:db8::1", "", "sqlmap/1.7"));
    log.write_many(8, access_line("GET /.env HTTP/1.1", 404, "127.0.0.1")); // as lectio-deepcheck asks
    const CheckResult told = log.run();
    CHECK(told.status == Status::warning);
    CHECK(told.message.en == "attempts from 203.0.113.5: password guessing (55), SQL injection (10); "
                             "attempts from 2001:db8::1: scanner (7); "
                             "attempts from 203.0.113.8: foreign files (5) (window: 1 hour)");
    CHECK(told.hint.en ==
          "keep these out (ufw prepend deny from 203.0.113.5), limit logins (nginx: limit_req)");
    CHECK(told.metrics.at(0).value == 65);
}

TEST_CASE("access log: attempts are told beside a flood of 5xx that is as bad") {
    WatchedAccess log;
    log.settings.ratio = {Amount{Amount::Unit::percent, 1}, Amount{Amount::Unit::percent, 20}};
    log.settings.attacks = {Attack::brute_force};
    log.settings.attempts = {Amount{Amount::Unit::number, 50}, std::nullopt};
    log.write_many(60, access_line("POST /api/jwt/token/ HTTP/1.1", 401, "203.0.113.5"));
    log.write_many(55, access_line("POST /api/jwt/token/ HTTP/1.1", 401, "203.0.113.6"));
    log.write_many(10, access_line("GET / HTTP/1.1", 502));
    const CheckResult both = log.run();
    CHECK(both.status == Status::warning);
    CHECK_THAT(both.message.en, Catch::Contains("5xx: 8.0%") && Catch::Contains("attempts from 203.0.113.5"));
    CHECK_THAT(both.hint.en,
               Catch::Contains("ufw prepend deny from 203.0.113.5; ufw prepend deny from 203.0.113.6"));
    log.write_many(60, access_line("GET / HTTP/1.1", 502));
    const CheckResult worse = log.run();
    CHECK(worse.status == Status::critical);
    CHECK_THAT(worse.message.en, Catch::StartsWith("5xx: ") && Catch::Contains("attempts from 203.0.113.5"));
}

TEST_CASE("access log: nobody is told to shut out a proxy of his own") {
    for (const char* own :
         {"127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.1.1", "::1", "fd00::1", "100.64.0.1"}) {
        CAPTURE(own);
        WatchedAccess log;
        log.settings.attacks = {Attack::brute_force};
        log.settings.attempts = {Amount{Amount::Unit::number, 50}, std::nullopt};
        log.write_many(60, access_line("POST /api/jwt/token/ HTTP/1.1", 401, own));
        const CheckResult told = log.run();
        CHECK(told.status == Status::warning);
        CHECK(told.hint.en.find("ufw") == std::string::npos);
        CHECK_THAT(told.hint.en, Catch::Contains("set_real_ip_from"));
    }
}

TEST_CASE("access log: latency without a time in any line is said") {
    WatchedAccess log;
    log.settings.latency["p95"] = {Amount{Amount::Unit::milliseconds, 1000}, std::nullopt};
    log.write_many(10, access_line("GET / HTTP/1.1", 200, "198.51.100.7", ""));
    const CheckResult few = log.run();
    log.write_many(30, access_line("GET / HTTP/1.1", 200, "198.51.100.7", ""));
    CHECK(few.status == Status::ok);
    const CheckResult told = log.run();
    CHECK(told.status == Status::warning);
    CHECK(told.message.en == "not one line tells how long the answer took: latency is not judged");
    CHECK_THAT(told.hint.ru, Catch::Contains("$request_time"));
}

TEST_CASE("the first look claims nothing of what it has not read") {
    Watched log;
    log.write(k_500);
    CHECK(log.run().message.en == "read from here on: what stood in the log before is not counted");
    CHECK(log.run().message.en == "no matching lines (window: 10 minutes)");
    Watched from_begin;
    from_begin.settings.start = LogStart::begin;
    from_begin.write(k_200);
    CHECK(from_begin.run().message.en == "no matching lines (window: 10 minutes)");
}

TEST_CASE("access log: each kind of attempt, and what only looks like one") {
    const auto kind_of = [](Attack kind, const std::string& line) {
        int found = 0;
        AttackFinder({kind}).look_through(line, [&](Attack, std::string_view) { ++found; });
        return found == 1;
    };
    for (const char* target : {"/static/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/x", "/?f=/etc/shadow",
                               "/a/../../b", "/x?f=..\\x5cwin.ini"}) {
        CHECK(kind_of(Attack::traversal, access_line(fmt::format("GET {} HTTP/1.1", target), 404)));
    }
    for (const char* target : {"/?id=1+UNION+ALL+SELECT+1", "/?q=pg_sleep(5)", "/?a=%27+or+%27a%27%3D%27a",
                               "/?t=information_schema.tables"}) {
        CHECK(kind_of(Attack::sql_injection, access_line(fmt::format("GET {} HTTP/1.1", target), 200)));
    }
    for (const char* target :
         {"/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/actuator/health"}) {
        CHECK(kind_of(Attack::scanner, access_line(fmt::format("GET {} HTTP/1.1", target), 404)));
    }
    CHECK(kind_of(Attack::scanner, access_line("GET / HTTP/1.1", 200, "::1", "", "Mozilla/5.0 Nikto/2.5")));
    for (const Attack kind :
         {Attack::brute_force, Attack::traversal, Attack::sql_injection, Attack::scanner}) {
        for (const char* harmless :
             {"GET / HTTP/1.1", "GET /static/js/main.0a1b2c3d.js HTTP/1.1",
              "GET /api/lessons/?from=2026-01-01 HTTP/1.1", "POST /api/homework/ HTTP/1.1",
              "GET /news/it's-spring HTTP/1.1", "GET /credit-union/ HTTP/1.1"}) {
            CHECK_FALSE(kind_of(kind, access_line(harmless, 200)));
        }
    }
}

TEST_CASE("access log: the memory stays small under a storm from everywhere") {
    WatchedAccess log;
    log.settings.window = 24h;
    log.settings.latency["p99"] = {Amount{Amount::Unit::milliseconds, 60'000}, std::nullopt};
    log.settings.attacks = {Attack::scanner};
    for (int hour = 0; hour < 30; ++hour) {
        std::string text;
        for (int i = 0; i < 2000; ++i) {
            text += access_line("GET /.env HTTP/1.1", 404, fmt::format("10.{}.{}.1", hour, i % 250),
                                fmt::format(" {}.{:03}", i % 50, i % 1000));
        }
        log.write(text);
        log.bare.clock.advance(1h);
        log.run();
    }
    CHECK(log.memory.at("counts").size() < 20'000);
}

TEST_CASE("a ratio of matching lines without a format") {
    Watched log;
    log.settings.count = {};
    log.settings.ratio = {Amount{Amount::Unit::percent, 10}, std::nullopt};
    log.run();
    for (int i = 0; i < 30; ++i) {
        log.write(i % 5 == 0 ? k_500 : k_200);
    }
    const CheckResult result = log.run();
    CHECK(result.status == Status::warning);
    CHECK(result.message.en == "matching: 20.0% of 30 lines (window: 10 minutes)");
}

TEST_CASE("a line that is larger than what is read at once is one line") {
    Watched log;
    log.settings.matches = {"ERROR"};
    log.settings.count = {};
    log.settings.ratio = {Amount{Amount::Unit::percent, 10}, std::nullopt};
    log.run();
    std::string line = "ERROR ";
    while (line.size() < 5'000'000) {
        line += "again: ERROR, ";
    }
    log.write(line + "\n");
    for (int i = 0; i < 19; ++i) {
        log.write(i % 2 == 0 ? "ERROR\n" : "fine\n");
    }
    CHECK(log.run().message.en == "matching: 55.0% of 20 lines (window: 10 minutes)");
}

TEST_CASE("a line with a byte that is no UTF-8 is still a line") {
    Watched log;
    log.settings.matches = {"^.*ERROR"};
    log.run();
    log.write("na\xEFve ERROR\n\xFF\xFE ERROR\nfine \xC3\n");
    CHECK(log.run().message.en.find("2 lines") != std::string::npos);
    std::string much; // where what a line must hold is looked for first
    while (much.size() < 400 * 1024) {
        much += "nothing to see\n";
    }
    log.write(much + "a\xFF ERROR\n" + much + "\xD0 ERROR\nERROR\n");
    CHECK(log.run().message.en.find("5 lines") != std::string::npos);
}
