#include "config/complaints.h"
#include "config/schema.h"
#include "platform/redis.h"
#include "platform/unit_name.h"
#include "russian.h"

#include <catch2/catch.hpp>

namespace lectio {
namespace {

std::string english(const std::optional<Text>& complaint) {
    return complaint ? complaint->en : "";
}

TEST_CASE("a unit is named as systemctl takes it") {
    CHECK(full_unit_name("nginx") == "nginx.service");
    CHECK(full_unit_name("app@1") == "app@1.service");
    CHECK(full_unit_name("backup.timer") == "backup.timer");
    CHECK(full_unit_name("gunicorn.prod") == "gunicorn.prod.service");
    for (const std::string name :
         {"nginx", "nginx.service", "a.socket", "a.device", "a.mount", "a.automount", "a.swap", "a.target",
          "a.path", "a.timer", "a.slice", "a.scope", "app@a.b.service", "system-fsck\\x2d.slice"}) {
        CAPTURE(name);
        CHECK(unit_complaint(name) == std::nullopt);
    }
}

TEST_CASE("what no unit is called is said, with the ending that was meant") {
    CHECK(english(unit_complaint("nginx.servce")) == "no unit ends so; did you mean \".service\"?");
    CHECK(english(unit_complaint("nginx.conf")) ==
          "no unit ends so; write it with its ending, like \".service\"");
    for (const std::string name : {"ngi/nx.service", "my app", ".service", "nginx.service ", "тест"}) {
        CAPTURE(name);
        CHECK(english(unit_complaint(name)) == "expected the name of a unit, like \"nginx.service\"");
    }
}

TEST_CASE("a socket is no page without the path behind it") {
    for (const std::string url :
         {"unix:/run/app.sock:/", "unix:/run/app.sock:/api/?x=1", "http://a/", "https://a"}) {
        CAPTURE(url);
        CHECK(http_url_complaint(url) == std::nullopt);
    }
    for (const std::string url :
         {"unix:/run/app.sock", "unix:/run/app.sock:", "unix:/run/app.sock:api", "unix:/"}) {
        CAPTURE(url);
        CHECK(english(http_url_complaint(url)) ==
              "of the page behind the socket there is no path: unix:/socket:/path");
    }
}

TEST_CASE("a Redis is named as it will be read") {
    for (const std::string url : {"redis://h", "redis://h/", "redis://h:6379/15", "redis://u:p/w@h/0?x=a/b",
                                  "unix:///run/r.sock?db=2", "redis+socket:///run/r.sock"}) {
        CAPTURE(url);
        CHECK(redis_url_complaint(url) == std::nullopt);
        CHECK(parse_redis_url(Secret(url)).ok());
    }
    for (const std::string url : {"redis://h/abc", "redis://h:6379/1x", "redis://h/-1", "redis://h/0/1"}) {
        CAPTURE(url);
        CHECK(english(redis_url_complaint(url)) ==
              "the database behind the / is a number: redis://host:port/0");
        CHECK_FALSE(parse_redis_url(Secret(url)).ok());
    }
    for (const std::string url : {"unix:/run/r.sock", "unix://r.sock", "http://h", "redis://h:x/0", ""}) {
        CAPTURE(url);
        CHECK(english(redis_url_complaint(url)) == "expected redis://host:port/database or unix:///socket");
        CHECK_FALSE(parse_redis_url(Secret(url)).ok());
    }
}

TEST_CASE("what no account is called") {
    for (const std::string name : {"", "www-data", "user@example.org", "_apt", "1000"}) {
        CHECK(user_complaint(name) == std::nullopt);
    }
    for (const std::string name : {"www data", " root", "root ", "a:b", "-rf", "a/b", "a\tb"}) {
        CAPTURE(name);
        CHECK(english(user_complaint(name)) == "expected the name of a user");
        CHECK(english(owner_complaint("www-data:" + name + ":x")) == "expected user:group");
    }
    CHECK(english(owner_complaint("www data:www-data")) == "expected user:group");
    CHECK(owner_complaint(":adm") == std::nullopt);
}

TEST_CASE("words of what comes later are judged where their rules are known") {
    using Judge = std::optional<Text> (*)(const std::string&);
    struct Row {
        Judge judge;
        std::vector<std::string> good, bad;
    };
    const std::vector<Row> rows{
        {pointer_complaint, {"", "/", "/a/b~1c~0"}, {"a", "/a~", "/a~2"}},
        {port_or_network_complaint,
         {"22", "65535", "127.0.0.0/8", "::1", "fe80::/10"},
         {"", "0", "65536", "22x", "127.0.0.0/33", "fe80::/129", "localhost"}},
        {published_complaint, {"443", "443/tcp", "53/udp"}, {"", "443/", "443/tpc", "0/tcp", "tcp"}},
        {request_path_complaint, {"/", "/api/{id}/", "https://x/"}, {"", "api/"}},
        {postgres_url_complaint,
         {"", "postgresql://x", "postgres://x", "postgresql://", "postgresql:///db?host=/run/pg",
          "postgresql://u:p%40ss%2f@[::1]:5432,db-2:5433,db-3/d?options=-c%20x%3Dy@z",
          "postgresql://%2Frun/d", "postgresql://u:a b#c:d?@h/d"},
         {"mysql://x", "x", "postgresql://u:50%off@h/d", "postgresql://u:p%4", "postgresql://u:p@ss@h/d",
          "postgresql://u:pa/ss@h/d", "postgresql://u:pa:ss/x@h/d", "postgresql://h:0/d",
          "postgresql://h:x/d", "postgresql://[::1/d"}},
        {database_complaint, {"", "sqlite:a.db", "postgresql:"}, {"mysql:x", "/a.db"}},
        {mail_url_complaint, {"smtps://h:465", "smtp://h"}, {"", "mail.example.org", "https://h"}},
        {address_complaint, {"example.org:443", "xn--e1afmkfd.xn--p1ai:443"}, {"пример.рф:443"}},
        {http_url_complaint,
         {"https://xn--e1afmkfd.xn--p1ai/путь"},
         {"https://пример.рф/", "https://ПРИМЕР.рф:8443"}},
        {mail_address_complaint, {"a@b", "A B <a@b.org>"}, {"", "a", "@b", "a@", "a@b\nBcc: c@d"}},
        {growth_complaint, {"disk:/", "files:/srv", "check:lite"}, {"", "disk:srv", "check:", "lite"}},
        {ip_address_complaint, {"", "127.0.0.1", "::1"}, {"127.0.0.256", "localhost"}},
        {pattern_complaint, {"[a]", "a+"}, {"[a", "a(", "a)", "*a", "[b-a]", "a\\"}},
    };
    for (const Row& row : rows) {
        for (const std::string& text : row.good) {
            CAPTURE(text);
            CHECK(row.judge(text) == std::nullopt);
        }
        for (const std::string& text : row.bad) {
            CAPTURE(text);
            const std::optional<Text> complaint = row.judge(text);
            REQUIRE(complaint);
            CHECK(test::is_russian(complaint->ru));
        }
    }
}

TEST_CASE("what is wrong with a regular expression is said in both languages, with its place") {
    CHECK(pattern_complaint("gunicorn: (worker") ==
          Text{"not a regular expression: missing closing parenthesis at character 17",
               "это не регулярное выражение: не закрыта скобка (, символ 17"});
    CHECK(expression_words("missing ]: [(error") ==
          Text{"missing ]: [(error", "не закрыта скобка [: [(error"});
    CHECK(expression_words("a fault that nobody foresaw") ==
          Text{"a fault that nobody foresaw", "«a fault that nobody foresaw»"});
}

} // namespace
} // namespace lectio
