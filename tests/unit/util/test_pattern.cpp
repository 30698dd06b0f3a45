#include "util/pattern.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

bool found(std::string_view expression, std::string_view text) {
    return Pattern::compile(expression)->found_in(text).value();
}

} // namespace

TEST_CASE("patterns are unanchored and know letters beyond ASCII") {
    CHECK(found("gunicorn: worker|gunicorn.*teaching_panel", "/usr/bin/python3 gunicorn: worker [x]"));
    CHECK_FALSE(found("^worker$", "gunicorn: worker"));
    CHECK(found("^п.ивет$", "привет"));
    CHECK(found("a", "\xFF\xFE"
                     "a\xFF"));
    CHECK_FALSE(found("a", ""));
}

TEST_CASE("what is wrong with a pattern is said with its place") {
    const Result<Pattern> wrong = Pattern::compile("gunicorn(");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().kind == ErrorKind::invalid);
    CHECK(wrong.error().message.find("parenthesis at character 9") != std::string::npos);
    REQUIRE(pattern_fault("gunicorn("));
    CHECK(pattern_fault("gunicorn(")->words == "missing closing parenthesis");
    CHECK(pattern_fault("gunicorn(")->at == 9);
    CHECK_FALSE(pattern_fault("[a]"));
}

TEST_CASE("a pattern that backtracks without end gives up") {
    const Result<bool> answer = Pattern::compile("(a+)+$")->found_in(std::string(4000, 'a') + "b");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::too_large);
}

TEST_CASE("a long line is no danger (std::regex overflowed the stack here)") {
    CHECK(found("(x|y)*z", std::string(200'000, 'x') + "z"));
}
