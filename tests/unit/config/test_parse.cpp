// TOML into a tree with places: what a person would point at.
#include "config/parse.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

struct Parsed {
    std::optional<Node> root;
    Problems problems;
};
Parsed parse(std::string_view text) {
    Parsed parsed;
    parsed.root = parse_toml(text, parsed.problems);
    return parsed;
}

Position only_error(std::string_view text) {
    const Parsed parsed = parse(text);
    REQUIRE_FALSE(parsed.root.has_value());
    REQUIRE(parsed.problems.all().size() == 1);
    return parsed.problems.all().front().position;
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

} // namespace

TEST_CASE("keys, values and headers have their places, in the order of the file") {
    const Parsed parsed = parse(
        "z = 1\n[health.check.b]\n  type = \"x\"\n[health.check.a]\n[[route]]\nto = [\"c\",\n \"d\"]\n");
    REQUIRE(parsed.root.has_value());
    const Node* checks = parsed.root->find("health")->find("check");
    const auto& members = *checks->get<Node::Table>();
    REQUIRE(members.size() == 2);
    CHECK(members[0].key == "b");
    CHECK(members[0].key_position == Position{2, 15});
    CHECK(members[0].value.front().position() == Position{2, 1});
    CHECK(members[0].value.front().find("type")->position() == Position{3, 10});
    const Node& route = parsed.root->find("route")->get<Node::Array>()->front();
    CHECK(route.position() == Position{5, 1});
    CHECK(route.find("to")->get<Node::Array>()->at(1).position() == Position{7, 2});
}

TEST_CASE("a byte order mark and Windows line ends change nothing") {
    const Parsed parsed = parse("\xEF\xBB\xBFlang = \"ru\"\r\n[log]\r\nlevel = \"info\"\r\n");
    REQUIRE(parsed.root.has_value());
    CHECK(parsed.root->find("lang")->position() == Position{1, 8});
    CHECK(parsed.root->find("log")->find("level")->position() == Position{3, 9});
}

TEST_CASE("what is no TOML is one problem at its place") {
    CHECK(only_error("a = 1\nb = \"open\nc = 2\n").line == 2);
    CHECK(only_error("a = 1\na = 2\n").line == 2);
    CHECK(only_error("[a]\nb = 1\n[a]\n") == Position{3, 1});
    CHECK(only_error("a = 1\nb = \"и\xFF\"\n") == Position{2, 7});
    CHECK(only_error(std::string("a = 1\n\0", 7)) == Position{2, 1});
    CHECK(only_error(std::string(1024 * 1024 + 1, '\n')) == Position{1, 1});
}

TEST_CASE("depth is bounded, however it is written") {
    CHECK(only_error("x = " + repeated("[", 100000) + repeated("]", 100000)).line == 1);
    CHECK(only_error("x = " + repeated("{a=", 5000)).line == 1);
    CHECK(only_error(repeated("a.", 100000) + "a = 1").line == 1);
    CHECK(only_error("[" + repeated("a.", 100000) + "a]").line == 1);
    CHECK(parse("x = \"" + repeated(".", 1000) + "\" # " + repeated(".", 1000)).root.has_value());
    CHECK(parse("x = '''\n" + repeated(".", 1000) + "\n'''").root.has_value());
}
