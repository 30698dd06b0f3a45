#include "util/punycode.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("names in other alphabets are what DNS knows them as", "[punycode]") {
    const std::pair<std::string, std::string> known[] = {
        {"example.org", "example.org"},
        {"пример.рф", "xn--e1afmkfd.xn--p1ai"},
        {"Пример.РФ", "xn--e1afmkfd.xn--p1ai"},
        {"ёлка.example.org", "xn--80atc1g.example.org"},
        {"bücher.example", "xn--bcher-kva.example"},
        {"президент.рф.", "xn--d1abbgf6aiiy.xn--p1ai."},
        {"他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"}, // RFC 3492, 7.1 (B)
    };
    for (const auto& [name, ascii] : known) {
        CHECK(in_ascii(name).value_or("") == ascii);
    }
}

TEST_CASE("what is no name is none in any form", "[punycode]") {
    CHECK_FALSE(in_ascii("\xFF\xFE"));
    CHECK_FALSE(in_ascii(std::string(64, 'a')));
    CHECK_FALSE(in_ascii("и" + std::string(62, 'a')));
}
