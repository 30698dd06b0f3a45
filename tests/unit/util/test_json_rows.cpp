#include "util/json_rows.h"

#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;

namespace {

using Json = nlohmann::json;

// Rows and others together again.
Json whole(const JsonRows& rows) {
    Json json = Json::parse(rows.others);
    for (const JsonRows::Row& row : rows.rows) {
        Json& members = json[std::string(row.name)];
        for (std::size_t i = row.first; i < row.first + row.count; ++i) {
            const JsonRows::Member& member = rows.members[i];
            Json value = member.is_number ? Json(member.number) : Json(member.word);
            members[std::string(member.key)] = std::move(value);
        }
    }
    return json;
}

} // namespace

TEST_CASE("what is plain becomes rows, what is not stays JSON, and together they are all of it") {
    const std::string text =
        R"({"a":{"n":0,"x":18446744073709551615,"y":"word"},"b":{},"c":{"deep":{"}":["\"}"]}},)"
        R"("d":{"neg":-1},"e":{"list":[1,2]},"f":{"z":"я"},"g":{"x":1.5},"h":{"z":1},"i":[{}]})";
    const auto rows = json_rows(text + ",\"and\":1}");
    REQUIRE(rows != nullptr);
    CHECK(rows->size == text.size());
    CHECK(rows->rows.size() == 2);
    CHECK(rows->rows.front().name == "a");
    CHECK(whole(*rows) == Json::parse(text));
    CHECK(json_rows("{}")->others == "{}");
}

TEST_CASE("an object that is not written as ours is left to a parser") {
    for (const char* text :
         {"", "{", "{}x{", "[]", "{\"a\":{}", "{\"a\":{\"x\":1}", "{\"a\":{\"x\":1},", "{\"a\":{\"x\":1},}",
          "{ \"a\":{}}", "{\"a\": {}}", "{\"b\":{},\"a\":{}}", "{\"a\":{},\"a\":{}}", "{\"a\":5}",
          "{\"a\":\"x\"}", "{\"a\\u0062\":{}}", "{\"\xD1\x8F\":{}}", "{\"a\":{\"x\":\"", "{\"a\":{\"x\\"}) {
        INFO(text);
        CHECK((json_rows(text) == nullptr) == (std::string(text) != "{}x{"));
    }
}

TEST_CASE("whatever is changed in a text, what is read of it is what a parser reads") {
    const std::string good =
        R"({"a":{"n":0,"x":12,"y":"word"},"bb":{"k":{"m":[1,"}"]},"x":7},"c":{"s":"t"}})";
    std::mt19937 random(7);
    int read = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = good;
        for (unsigned changes = 1 + random() % 2; changes > 0; --changes) {
            constexpr std::string_view k_signs = "{}[]\",:\\01a-. ";
            text[random() % text.size()] = k_signs[random() % k_signs.size()];
        }
        const auto rows = json_rows(text);
        const Json others = rows ? Json::parse(rows->others, nullptr, false) : Json();
        if (rows == nullptr || others.is_discarded()) {
            continue;
        }
        ++read;
        INFO(text);
        const Json parsed = Json::parse(text.substr(0, rows->size), nullptr, false);
        REQUIRE_FALSE(parsed.is_discarded());
        REQUIRE(whole(*rows) == parsed);
    }
    CHECK(read > 100);
}
