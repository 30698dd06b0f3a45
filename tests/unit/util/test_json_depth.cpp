#include "util/json_depth.h"

#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;

TEST_CASE("JSON is parsed as deep as it may be nested, and no deeper") {
    const auto nested = [](int depth) {
        const auto count = static_cast<std::size_t>(depth);
        return std::string(count, '[') + std::string(count, ']');
    };
    CHECK(json_within_depth(nested(k_max_json_depth)).is_array());
    CHECK(json_within_depth(nested(k_max_json_depth + 1)).is_discarded());
    CHECK(json_within_depth("{\"a\": \"[[[\"}").at("a") == "[[[");
    CHECK(json_within_depth("{\"a\":").is_discarded());
    CHECK(json_within_depth("").is_discarded());
}
