#include "platform/literals.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;

// Without the library there is no scanner, and nothing of it to test.
TEST_CASE("literals: each is found wherever it stands, up to the last byte", "[literals]") {
    const std::vector<std::vector<std::string>> sets{
        {"error", "warning"}, {"localhost:", "127.0.0.1:"}, {"connection refused", "timed out", "Error"}};
    for (const std::vector<std::string>& literals : sets) {
        const auto scanner = LiteralScanner::make(literals);
        if (scanner == nullptr) {
            return;
        }
        for (const std::string& literal : literals) {
            for (std::size_t behind = 0; behind < 200; ++behind) {
                for (const std::size_t before : {0U, 31U, 64U, 75U, 128U, 500U}) {
                    const std::string text = std::string(before, 'q') + literal + std::string(behind, '%');
                    std::vector<std::size_t> ends;
                    REQUIRE(scanner->scan(text, [&](std::size_t end) {
                        ends.push_back(end);
                        return true;
                    }));
                    INFO(literal << " with " << before << " bytes before it and " << behind << " behind");
                    REQUIRE(ends == std::vector<std::size_t>{before + literal.size()});
                }
            }
        }
    }
}

TEST_CASE("literals: all of them in their order, until it is enough", "[literals]") {
    const auto scanner = LiteralScanner::make({"error", "warning"});
    if (scanner == nullptr) {
        return;
    }
    std::string text;
    for (int i = 0; i < 50; ++i) {
        text += i % 2 == 0 ? "an ERROR. " : "a warning ";
    }
    std::vector<std::size_t> ends;
    CHECK(scanner->scan(text, [&](std::size_t end) {
        ends.push_back(end);
        return true;
    }));
    CHECK(ends.size() == 50);
    CHECK(std::is_sorted(ends.begin(), ends.end()));
    for (const std::size_t enough : {1U, 30U, 50U}) {
        std::size_t seen = 0;
        CHECK(scanner->scan(text, [&](std::size_t) { return ++seen < enough; }));
        CHECK(seen == enough);
    }
}
