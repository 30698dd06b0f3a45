#include "smoke/cookies.h"
#include "support/fake_http.h"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

CookieJar jar_of(const Headers& headers) {
    CookieJar jar;
    jar.take(page(200, "", headers));
    return jar;
}

} // namespace

TEST_CASE("cookie jar: names and values go back, attributes do not", "[cookies]") {
    const CookieJar jar = jar_of({{"set-cookie", "csrftoken=abc; Path=/; SameSite=Lax"},
                                  {"set-cookie", "sessionid=x=y==; HttpOnly; Secure; Max-Age=1209600"},
                                  {"content-type", "text/html"}});
    CHECK(jar.header() == "csrftoken=abc; sessionid=x=y==");
    REQUIRE(jar.find("csrftoken") != nullptr);
    CHECK(*jar.find("csrftoken") == "abc");
    CHECK(jar.find("path") == nullptr);
}

TEST_CASE("cookie jar: a later value takes the place of an earlier one", "[cookies]") {
    CookieJar jar = jar_of({{"set-cookie", "sessionid=one"}});
    jar.take(page(200, "", {{"set-cookie", "sessionid=two"}}));
    CHECK(jar.header() == "sessionid=two");
}

TEST_CASE("cookie jar: what deletes a cookie deletes it", "[cookies]") {
    for (const char* line : {"sessionid=; Path=/", "sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT",
                             "sessionid=gone; Max-Age=0", "sessionid=gone; max-age=-1"}) {
        INFO(line);
        CookieJar jar = jar_of({{"set-cookie", "sessionid=one"}});
        jar.take(page(200, "", {{"set-cookie", line}}));
        CHECK(jar.empty());
    }
}

TEST_CASE("cookie jar: what is no cookie is none", "[cookies]") {
    CHECK(jar_of({{"set-cookie", ""}, {"set-cookie", "no equals sign"}, {"set-cookie", ";;;"}}).empty());
}

TEST_CASE("cookie jar: what everybody gets against forgery is no session", "[cookies]") {
    CHECK_FALSE(jar_of({{"set-cookie", "csrftoken=abcdef"}}).has_session(""));
    CHECK_FALSE(
        jar_of({{"set-cookie", "XSRF-TOKEN=abcdef"}, {"set-cookie", "odd=abcdef"}}).has_session("odd"));
    CHECK(
        jar_of({{"set-cookie", "csrftoken=abcdef"}, {"set-cookie", "sessionid=a"}}).has_session("csrftoken"));
}

TEST_CASE("cookie jar: of a site that sets thousands it keeps what a browser keeps", "[cookies]") {
    Headers headers{{"set-cookie", "sessionid=first"}};
    for (int i = 0; i < 5000; ++i) {
        headers.emplace_back("set-cookie", "c" + std::to_string(i) + "=" + std::to_string(i));
    }
    headers.emplace_back("set-cookie", "sessionid=changed");
    const CookieJar jar = jar_of(headers);
    const std::string sent = jar.header();
    CHECK(std::count(sent.begin(), sent.end(), '=') == 180);
    CHECK(*jar.find("sessionid") == "changed");
}
