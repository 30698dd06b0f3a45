#include "util/secret.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a secret is masked wherever it turns up") {
    const Secret secret("pa/ss word+1");
    CHECK(redact("x pa/ss word+1 y") == "x *** y");
    CHECK(redact("?p=pa%2Fss%20word%2B1&q") == "?p=***&q");
}

TEST_CASE("an ordinary word that is somebody's password stays a word where no value stands") {
    remember_secret("gardener");
    remember_secret("orchard1234");
    for (const char* text :
         {"login-gardener has failed", "GET /gardener/ as gardener", "of orchard1234s", "(gardener)"}) {
        CHECK(redact(text) == text);
    }
    CHECK(redact(R"({"echo": "gardener", "with":'orchard1234'})") == R"({"echo": "***", "with":'***'})");
    CHECK(redact("said=gardener&x=orchard1234") == "said=***&x=***");
    CHECK(redact("a=gardener; b=gardeners") == "a=***; b=gardeners");
    CHECK(redact("orchard1234") == "***");
}

TEST_CASE("credentials in addresses are masked though nobody registered them") {
    CHECK(redact("redis://user:pw@10.0.0.1/0") == "redis://***@10.0.0.1/0");
    CHECK(redact("https://api.telegram.org/bot12345:AAExyz/sendMessage failed") ==
          "https://api.telegram.org/bot***/sendMessage failed");
    CHECK(redact("not expected: 123456789:AAEhBOweik6ad9r_made-up-K4K-bcxyz01, 2") == "not expected: ***, 2");
    CHECK(redact("at 1769083200:5 and 12:34:56, sha256:0123456789012345678901234567890123456789") ==
          "at 1769083200:5 and 12:34:56, sha256:0123456789012345678901234567890123456789");
    CHECK(redact("https://example.org/bots/1") == "https://example.org/bots/1");
}

TEST_CASE("what the query of a URL calls a secret is masked though nobody registered it") {
    CHECK(redact("https://example.org/x?page=2&token=abc#part") ==
          "https://example.org/x?page=2&token=***#part");
    CHECK(redact("GET /x?access_token=abc HTTP/1.1") == "GET /x?access_token=*** HTTP/1.1");
    CHECK(redact("?X-Api-Key=a&PASSWORD=b&client_secret=c&X-Amz-Signature=d&sig=e") ==
          "?X-Api-Key=***&PASSWORD=***&client_secret=***&X-Amz-Signature=***&sig=***");
    CHECK(redact("\"https://example.org/?key=a%20b\", 'x?auth=c'") ==
          "\"https://example.org/?key=***\", 'x?auth=***'");
    CHECK(redact("?token=a=b&x=1") == "?token=***&x=1");
}

TEST_CASE("what a query says beside its secrets stays, and so do words that are no query") {
    for (const std::string text : {"/x?page=2&tokens_left=5&keyboard=de", "/x?token=&page=2", "?token",
                                   "what? token=abc", "a & key=b", "token=abc", "?", "&"}) {
        CHECK(redact(text) == text);
    }
    CHECK(redact("/x?token=***&page=2") == "/x?token=***&page=2"); // masked already
}

TEST_CASE("a secret that stands in quotes beside its name is masked though nobody registered it") {
    CHECK(redact("password = \"ab c\", user = \"op\"") == "password = \"***\", user = \"op\"");
    CHECK(redact("{\"api_key\": \"abc\", \"token\":\"d\", \"page\": \"2\"}") ==
          "{\"api_key\": \"***\", \"token\":\"***\", \"page\": \"2\"}");
    CHECK(redact("connect(user='op', DB_PASSWORD='it is')") == "connect(user='op', DB_PASSWORD='***')");
    for (const std::string text :
         {"token = \"${TOKEN}\"", "key: \"disk\"", "password = \"\"", "token: \"abc",
          "unknown key \"tokn\": it belongs in [x]", "passwords: 'two'", "=\"", ":"}) {
        CHECK(redact(text) == text);
    }
}

TEST_CASE("a secret is masked as it stands in a form and in JSON, too") {
    const Secret secret("my *pass~phrase");
    CHECK(redact("username=a&x=my+*pass%7Ephrase") == "username=a&x=***");
    const Secret quoted("abc\"def\\ghi");
    CHECK(redact(R"({"p":"abc\"def\\ghi"})") == R"({"p":"***"})");
    const Secret russian("пароль");
    CHECK(redact(R"(["\u043f\u0430\u0440\u043e\u043b\u044c"])") == R"(["***"])");
}

TEST_CASE("what carries an identity is masked though nobody registered it") {
    const std::string jwt = "eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.abcdefghijklmnopqrst";
    CHECK(redact("{\"refresh\":\"" + jwt + "\"}") == "{\"refresh\":\"***\"}");
    CHECK(redact("cut " + jwt.substr(0, 22)) == "cut ***");
    CHECK(redact("ERROR Authorization: Bearer " + jwt) == "ERROR Authorization: ***");
    CHECK(redact("{'Authorization': 'Basic dTpwdw=='}, 'authorization: Token abc', x") ==
          "{'Authorization': '***'}, 'authorization: ***', x");
    CHECK(redact("Cookie: a=b; sessionid=q1w2e3r4t5y6; c=d") == "Cookie: a=***; sessionid=***; c=***");
    CHECK(redact("set-cookie: sid=q1w2; Path=/") == "set-cookie: sid=***; Path=***");
    CHECK(redact("gunicorn --env SECRET_KEY=django-abc p.wsgi") == "gunicorn --env SECRET_KEY=*** p.wsgi");
    CHECK(redact("(password=it-is,user=op)") == "(password=***");
    for (const std::string text :
         {"the login set no cookie: there is no session", "key=disk", "token=$TOKEN", "SECRET_KEY=…",
          "no authorization: ", "eyJust a word", "a == b", "=abcd"}) {
        CHECK(redact(text) == text);
    }
}

// Each of them used to move all that stands behind it: minutes for an answer of some megabytes.
TEST_CASE("a text that is full of secrets is masked in one go") {
    const Secret secret("of-the-tests");
    for (const auto& [piece, masked] : {
             std::pair{"of-the-tests ", "*** "},
             std::pair{"a://u:p@h ", "a://***@h "},
             std::pair{"/bot1:a ", "/bot*** "},
             std::pair{"?token=abcdef ", "?token=*** "},
             std::pair{"\"token\":\"abcdef\",", "\"token\":\"***\","},
             std::pair{"token=abcdef ", "token=*** "},
             std::pair{"Authorization: abcdef\n", "Authorization: ***\n"},
             std::pair{"Cookie: a=b; c=d\n", "Cookie: a=***; c=***\n"},
             std::pair{"eyJhbGciOiJIUzI1NiIsInR5 ", "*** "},
             std::pair{"123456:AAEhBOweik6ad9r_made-up-K4K-bcxyz01 ", "*** "},
         }) {
        constexpr int k_often = 200'000;
        std::string text, expected;
        for (int i = 0; i < k_often; ++i) {
            text += piece;
            expected += masked;
        }
        INFO(piece);
        CHECK((redact(text) == expected)); // in parentheses: a difference would be printed
    }
}

TEST_CASE("of thousands of secrets each is masked once") {
    constexpr int k_many = 20'000;
    for (int i = 0; i < k_many; ++i) {
        remember_secret("one-of-many-" + std::to_string(i));
    }
    CHECK(redact("one-of-many-19999 one-of-many-1") == "*** ***");
}
