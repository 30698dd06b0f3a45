// config.env as the shell would read it, without a shell; and references to it.
#include "config/env_file.h"
#include "util/secret.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;

namespace {

std::optional<std::string> nothing(const std::string& /*name*/) {
    return std::nullopt;
}

std::optional<std::string> made_up(const std::string& name) {
    static const std::map<std::string, std::string> values{{"A", "one"},
                                                           {"EMPTY", ""},
                                                           {"HOME", "/home/op"},
                                                           {"ODD_ONE", "from-nowhere-else"},
                                                           {"MADE_TOKEN", "made-up-0123456789"}};
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

TEST_CASE("a variable made of variables grows up to a limit") {
    std::string text = "V0=0123456789\n";
    for (int i = 1; i < 60; ++i) { // each twice as long as the one before
        text += fmt::format("V{0}=\"$V{1}${{V{1}}}\"\n", i, i - 1);
    }
    const EnvFile file = parse_env_file(text + "LAST=1\n", nothing);
    CHECK(file.values.contains("V10"));
    CHECK(file.values.at("LAST") == "1");
    REQUIRE_FALSE(file.remarks.empty());
    CHECK(file.remarks.front().message.en.find("longer than") != std::string::npos);
    CHECK(expand("${A}" + std::string(1 << 17, 'x') + "${A}").error);
}

TEST_CASE("what sounds like a secret is masked from then on") {
    read("ERRORS_BOT_TOKEN=\"4711:made-up-for-this-test\"\nSITE_URL=https://masked-by-nobody.example\n");
    CHECK(redact("x 4711:made-up-for-this-test y") == "x *** y");
    CHECK(redact("https://masked-by-nobody.example") == "https://masked-by-nobody.example");
}

TEST_CASE("whose name says nothing is masked, too") {
    read("K=made-up-r4bbit\nDB_PWD=pw4\nPIN=4821\nSHORT=xyzzy-1\n");
    CHECK(redact("a made-up-r4bbit b") == "a *** b");
    CHECK(redact("password pw4 is too short to mask, pin 4821 is not") ==
          "password pw4 is too short to mask, pin *** is not");
    CHECK(redact("xyzzy-1") == "***");
    expand("${ODD_ONE}");
    CHECK(redact("from-nowhere-else") == "***");
}

TEST_CASE("what a value must look like to be a secret") {
    using Variable = std::pair<const char*, const char*>;
    for (const auto& [name, value] : {
             Variable{"BOT_TOKEN", "1"},
             Variable{"DB_PWD", "secret"},
             Variable{"PIN", "4821"},
             Variable{"K", "rabbit"},
             Variable{"SHORT", "correct horse"},
             Variable{"K", "/aGVsbG8gd29ybGQhISE="},
             Variable{"SITE_URL", "https://user:pw@site.example/"},
             Variable{"HOOK", "https://hooks.example/services/T0/B0/a1B2c3D4e5F6g7H8"},
             Variable{"PING_URL", "https://site.example/?id=7"},
         }) {
        INFO(name << "=" << value);
        CHECK(holds_secret(name, value));
    }
    for (const auto& [name, value] : {
             Variable{"FLAG", "true"},
             Variable{"K", "1"},
             Variable{"MAX_RESPONSE_TIME", "300000"},
             Variable{"MEMORY", "1024MB"},
             Variable{"ERRORS_CHAT_ID", "-1001234567890"},
             Variable{"SITE_URL", "https://site.example/api/health/"},
             Variable{"BROKER", "redis://localhost:6379/0"},
             Variable{"SMOKE_TEACHER_EMAIL", "teacher@site.example"},
             Variable{"BACKEND_SERVICE", "teaching_panel"},
             Variable{"PROJECT_ROOT", "/var/www/teaching_panel"},
             Variable{"X", "/var/www/teaching_panel"},
             Variable{"PWD", "/root/project"},
             Variable{"db_host", "db.site.example"},
         }) {
        INFO(name << "=" << value);
        CHECK_FALSE(holds_secret(name, value));
    }
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
