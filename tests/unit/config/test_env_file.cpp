// config.env as the shell would read it, without a shell; and references to it.
#include "config/env_file.h"
#include "util/secret.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

std::optional<std::string> nothing(const std::string& /*name*/) {
    return std::nullopt;
}

std::optional<std::string> made_up(const std::string& name) {
    static const std::map<std::string, std::string> values{
        {"A", "one"}, {"EMPTY", ""}, {"HOME", "/home/op"}, {"MADE_TOKEN", "made-up-0123456789"}};
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, std::string> read(std::string_view text) {
    return parse_env_file(text, made_up).values;
}

struct Expansion {
    std::string text, unset;
    bool error = false;
};
Expansion expand(std::string text) {
    Node node(Node::Value(std::move(text)), {1, 1});
    Problems problems;
    expand_references(node, made_up, problems);
    return {*node.get<std::string>(), node.unset(), problems.has_errors()};
}

} // namespace

TEST_CASE("assignments as the shell reads them") {
    using Values = std::map<std::string, std::string>;
    CHECK(read("A=1\nB = two\n") == Values{{"A", "1"}, {"B", "two"}});
    CHECK(read("export A='x y'\n") == Values{{"A", "x y"}});
    CHECK(read("A=\"x # y\" # comment\n") == Values{{"A", "x # y"}});
    CHECK(read("A=x#y\nB=#z\nC= # nothing\n") == Values{{"A", "x#y"}, {"B", "#z"}, {"C", ""}});
    CHECK(read("A=a'b'\"c\"d\n") == Values{{"A", "abcd"}});
    CHECK(read("A=\"say \\\"hi\\\" \\$5 \\n\"\n") == Values{{"A", "say \"hi\" $5 \\n"}});
    CHECK(read("A='$HOME \\'\nB=$HOME/x\nC=\"${B}/y\"\n") ==
          Values{{"A", "$HOME \\"}, {"B", "/home/op/x"}, {"C", "/home/op/x/y"}});
    CHECK(read("A=1; B=2 ;C=3") == Values{{"A", "1"}, {"B", "2"}, {"C", "3"}});
    CHECK(read("\xEF\xBB\xBF"
               "A=1\r\n\r\n# c\r\nB='2'\r\n") == Values{{"A", "1"}, {"B", "2"}});
    CHECK(read("A=\"two\nlines\"\nB=con\\\ntinued\n") == Values{{"A", "two\nlines"}, {"B", "continued"}});
    CHECK(read("A=${NOT:-fall}\nB=${NOT}\nA=last\n") == Values{{"A", "last"}, {"B", ""}});
    CHECK(read("").empty());
}

TEST_CASE("nothing is run, and what is left out is said by its line, without its text") {
    const EnvFile file = parse_env_file("set -a\nA=$(cat /etc/shadow)\nB=`id`\nC=\"$(id)\"\nexport GOOD\nif "
                                        "true; then\nOK=1\nD=\"open\nE=2\n",
                                        nothing);
    CHECK(file.values == std::map<std::string, std::string>{{"OK", "1"}});
    REQUIRE(file.remarks.size() == 6);
    CHECK(file.remarks[0].line == 1);
    CHECK(file.remarks[1].line == 2);
    CHECK(file.remarks[5].line == 8);
    for (const EnvFile::Remark& remark : file.remarks) {
        CHECK(remark.message.en.find("shadow") == std::string::npos);
    }
}

TEST_CASE("what sounds like a secret is masked from then on") {
    read("ERRORS_BOT_TOKEN=\"4711:made-up-for-this-test\"\nSITE_URL=https://masked-by-nobody.example\n");
    CHECK(redact("x 4711:made-up-for-this-test y") == "x *** y");
    CHECK(redact("https://masked-by-nobody.example") == "https://masked-by-nobody.example");
}

TEST_CASE("references") {
    CHECK(expand("plain $A").text == "plain $A");
    CHECK(expand("x${A}y${A}").text == "xoneyone");
    CHECK(expand("${NOT:-other}").text == "other");
    CHECK(expand("${EMPTY:-other}").text == "other");
    CHECK(expand("${EMPTY}").text.empty());
    CHECK(expand("${NOT:-${A}}").text == "one");
    CHECK(expand("${NOT:-a${NOR:-b}c}").text == "abc");
    CHECK(expand("${NOT:-}").text.empty());
    CHECK(expand("${NOT:-}").unset.empty());
    CHECK(expand("${NOT}").unset == "NOT");
    CHECK(expand("${NOT:-${NOR}}").unset == "NOR");
    CHECK(expand("${A:-${NOR}}").unset.empty());
}

TEST_CASE("malformed references are problems") {
    for (const char* text : {"${", "${}", "${1}", "${A", "${A-x}", "${A:-x", "${A:-${B:-${C}}}", "${a b}"}) {
        INFO(text);
        const Expansion expansion = expand(text);
        // The innermost of too many levels is only looked at when it is needed.
        CHECK((expansion.error || std::string_view(text) == "${A:-${B:-${C}}}"));
    }
    CHECK(expand("${NOT:-${NOR:-${C}}}").error);
}

TEST_CASE("a value is not expanded a second time") {
    Node node(Node::Value(std::string("${X}")), {1, 1});
    Problems problems;
    expand_references(
        node, [](const std::string&) { return std::optional<std::string>("${Y}"); }, problems);
    CHECK(*node.get<std::string>() == "${Y}");
    CHECK(problems.all().empty());
}
