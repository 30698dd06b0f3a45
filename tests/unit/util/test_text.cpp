#include "util/text.h"
#include "words/phrase.h"

#include <array>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("UTF-8 is strict") {
    CHECK(is_utf8("привет, 🌍"));
    for (std::size_t before = 0; before < 150; ++before) { // wherever it stands among what is plain
        const std::string plain(before, 'a');
        CHECK(is_utf8(plain));
        CHECK(is_utf8(plain + "я" + plain));
        CHECK_FALSE(is_utf8(plain + "\xFF" + plain));
        CHECK_FALSE(is_utf8(plain + "я" + plain + "\x80"));
    }
    CHECK_FALSE(is_utf8("\xC0\x80"));         // overlong
    CHECK_FALSE(is_utf8("\xED\xA0\x80"));     // surrogate
    CHECK_FALSE(is_utf8("\xF4\x90\x80\x80")); // above U+10FFFF
    CHECK_FALSE(is_utf8("\xD0"));             // cut
    CHECK(to_utf8("a\xFFz") == "a\xEF\xBF\xBDz");
}

TEST_CASE("text from outside cannot drive a terminal") {
    CHECK(clean("\x1B[31mred\x07") == "?[31mred?");
    CHECK(clean("a\r\nb\tc") == "a\nb\tc");
    CHECK(clean("abc\xE2\x80\xAE"
                "cba") == "abccba"); // right-to-left override
    CHECK(clean_line("  a \n\t b  ") == "a b");
}

TEST_CASE("lengths are those of Telegram") {
    CHECK(utf16_length("абв") == 3);
    CHECK(utf16_length("🚨") == 2);
    CHECK(utf16_prefix("a🚨b", 2) == "a");
    CHECK(utf16_prefix("a🚨b", 3) == "a🚨");
    CHECK(shorten("привет", 6) == "привет");
    CHECK(shorten("приветы", 6) == "приве…");
}

TEST_CASE("a misspelt word finds its neighbour") {
    const std::array<std::string_view, 3> words{"timeout", "status", "contains"};
    CHECK(nearest("timout", words) == "timeout");
    CHECK(nearest("sttaus", words) == "status");
    CHECK_FALSE(nearest("zzz", words).has_value());
    const std::vector<std::string_view> begun{"matches", "warn", "path", "max"};
    CHECK(nearest("match", begun) == "matches");
    CHECK(nearest("warning", begun) == "warn");
    CHECK_FALSE(nearest("maximum", begun).has_value()); // three letters begin too many words
    CHECK_FALSE(
        nearest("expect", std::vector<std::string_view>{"expect_json", "expect_headers"}).has_value());
}

TEST_CASE("wildcards match whole strings") {
    CHECK(wildcard_match("main.*.js", "main.abc.js"));
    CHECK_FALSE(wildcard_match("main.*.js", "main.js"));
    CHECK(wildcard_match("[!a]?*", "bcd"));
    CHECK(wildcard_match("deepcheck/*", "deepcheck/x"));
    CHECK_FALSE(wildcard_match("", "a"));
    CHECK(wildcard_match("*a*a*a*a*b", std::string(200, 'a') + "b"));
}

TEST_CASE("names of checks") {
    CHECK(is_name("login-teacher_2"));
    CHECK_FALSE(is_name("-x"));
    CHECK_FALSE(is_name("Site"));
    CHECK_FALSE(is_name(std::string(65, 'a')));
}

TEST_CASE("numbers take the right form of the noun") {
    constexpr Noun k_file{"file", "files", "файл", "файла", "файлов"};
    CHECK(counted(1, k_file).ru == "1 файл");
    CHECK(counted(22, k_file).ru == "22 файла");
    CHECK(counted(11, k_file).ru == "11 файлов");
    CHECK(counted(112, k_file).ru == "112 файлов");
    CHECK(counted(101, k_file).ru == "101 файл");
    CHECK(counted(1, k_file).en == "1 file");
    CHECK(spoken(0).en == "less than a second");
    CHECK(spoken(125).ru == "2 минуты 5 секунд");
    CHECK(spoken(3600).ru == "1 час");
}

TEST_CASE("a phrase is said in both languages") {
    static constexpr Phrase k_phrase{"HTTP {}, expected {}", "HTTP {}, ожидался {}"};
    const Text text = say(k_phrase, 403, "200");
    CHECK(text.en == "HTTP 403, expected 200");
    CHECK(text.ru == "HTTP 403, ожидался 200");
    static constexpr Phrase k_outer{"site: {}", "сайт: {}"};
    CHECK(say(k_outer, text).ru == "сайт: HTTP 403, ожидался 200");
}
