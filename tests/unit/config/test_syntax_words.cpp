// What is said of a text that is no TOML.
#include "config/lookalikes.h"
#include "config/parse.h"
#include "config/parser_words.h"
#include "config/syntax_words.h"
#include "russian.h"

#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

Problem only_problem(std::string_view text) {
    Problems problems;
    CHECK_FALSE(parse_toml(text, problems));
    REQUIRE(problems.all().size() == 1);
    return problems.all().front();
}

} // namespace

TEST_CASE("what was probably meant is told for programs, too") {
    CHECK(only_problem("level = info\n").suggestion == "\"info\"");
    CHECK(only_problem("a = { b = 5s, c = 1 }\n").suggestion == "\"5s\"");
    CHECK(only_problem("follow = Yes\n").suggestion == "true");
    CHECK(only_problem("[lоg]\n").suggestion == "[log]");
    CHECK(only_problem("pаth = 1\n").suggestion == "path");
    CHECK(only_problem("[x]\n[[x]]\n").suggestion == "[[x]]");
}

TEST_CASE("the value of a secret is never repeated") {
    for (const char* text : {"token = made-up\n", "a = { password = made-up }\n", "API_KEY = made-up\n"}) {
        const Problem problem = only_problem(text);
        CHECK(problem.message.en.find("needs quotes") != std::string::npos);
        CHECK(problem.message.en.find("made-up") == std::string::npos);
        CHECK(problem.message.ru.find("made-up") == std::string::npos);
        CHECK(problem.suggestion.empty());
    }
}

TEST_CASE("a mistake that nobody foresaw is told in the parser's words") {
    CHECK(only_problem("a = 1 b = 2\n").message.en.find("parsing") != std::string::npos);
}

TEST_CASE("the parser's words are known in Russian, and what is not stands in quotes") {
    const auto russian = [](std::string_view message) {
        return parser_words("Error while parsing " + std::string(message)).ru;
    };
    CHECK(only_problem("a = 1 b = 2\n").message.ru ==
          "ошибка в строке «ключ = значение»: ожидается конец строки или комментарий, а здесь 'b'");
    CHECK(russian("array: expected value or closing ']', saw comma") ==
          "ошибка в списке: ожидается значение или ], а здесь запятая");
    CHECK(russian("value: could not determine value type") ==
          "ошибка в значении: непонятно, что это за значение");
    CHECK(russian("decimal integer: '9999' is not representable in 64 bits") ==
          "ошибка в числе: слишком большое число");
    CHECK(russian("date: expected month between 1 and 12 (inclusive), saw 13") ==
          "ошибка в дате: ожидается месяц от 1 до 12, а здесь 13");
    CHECK(russian("a new thing: it is odd") == "ошибка «a new thing»: «it is odd»");
    CHECK(parser_words("no such form") == Text{"no such form", "«no such form»"});
}

// Each comes to an end, with words, and with a place inside the text.
TEST_CASE("a text that is cut anywhere, or torn by anything") {
    std::ifstream file(LECTIO_SOURCE_FOLDER "/config/config.example.toml");
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(whole.size() > 1000);
    for (std::size_t at = 0; at < whole.size(); at += 101) {
        for (const char* torn :
             {"", "\"", "'", "[", "]", "=", "{", "\n", "“", "\xC2\xA0", "а", "<<<<<<<", "."}) {
            const std::string text = whole.substr(0, at) + torn + (at % 2 == 0 ? "" : whole.substr(at));
            Problems problems;
            if (!parse_toml(text, problems)) {
                REQUIRE(problems.all().size() == 1);
                CHECK_FALSE(problems.all().front().message.en.empty());
                CHECK(test::is_russian(problems.all().front().message.ru));
                CHECK(problems.all().front().position.line >= 1);
            }
        }
    }
}

TEST_CASE("letters that look Latin become so, all others stay") {
    CHECK(as_latin("pаth") == "path");
    CHECK(as_latin("сервер") == "сервер");
    CHECK(as_latin("тест") == "тест");
    CHECK(as_latin("plain \xFF ü") == "plain \xFF ü");
    CHECK(as_latin("").empty());
}
