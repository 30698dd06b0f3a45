// nginx's grammar, its includes, and what is not nginx's at all.
#include "discovery/nginx_config.h"
#include "support/fake_clock.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

NginxTree parse(const std::string& text) {
    NginxDump dump("# configuration file /etc/nginx/nginx.conf:\n" + text);
    return parse_nginx(dump, dump.main());
}

using Words = std::vector<std::string>;

// The words of the only directive.
Words words(const std::string& text) {
    const NginxTree tree = parse(text);
    CHECK(tree.whole);
    REQUIRE(tree.directives.size() == 1);
    Words all{tree.directives[0].name};
    all.insert(all.end(), tree.directives[0].arguments.begin(), tree.directives[0].arguments.end());
    return all;
}

} // namespace

TEST_CASE("words, quotes, escapes, variables and comments are nginx's") {
    CHECK(words("listen 80;") == Words{"listen", "80"});
    CHECK(words("  a\tb\r\nc ;") == Words{"a", "b", "c"});
    CHECK(words("a \"b; { } # c\" 'd \"e\"';") == Words{"a", "b; { } # c", "d \"e\""});
    CHECK(words("a \"say \\\"x\\\"\\n\";") == Words{"a", "say \"x\"\n"});
    CHECK(words("a ~^\\d+\\.x$;") == Words{"a", "~^\\d+\\.x$"});
    CHECK(words("a b\\;c d\\ e;") == Words{"a", "b\\;c", "d\\ e"});
    CHECK(words("a ${host}x$uri;") == Words{"a", "${host}x$uri"});
    CHECK(words("# one; {\na b#c; # two }\n") == Words{"a", "b#c"});
    CHECK(words("a \"\";") == Words{"a", ""});
}

TEST_CASE("blocks hold directives") {
    const NginxTree tree =
        parse("http { server { listen 80; location / { root /x; } } server { } } events {}");
    CHECK(tree.whole);
    REQUIRE(tree.directives.size() == 2);
    const NginxDirective& http = tree.directives[0];
    REQUIRE(http.block.size() == 2);
    CHECK(http.block[0].block[0].arguments == Words{"80"});
    CHECK(http.block[0].block[1].block[0].name == "root");
    CHECK(tree.directives[1].name == "events");
}

TEST_CASE("Lua between the directives is stepped over") {
    const NginxTree tree = parse("location / {\n"
                                 "  content_by_lua_block {\n"
                                 "    local t = { a = \"}\", b = '\\'}' } -- a comment with }\n"
                                 "    --[[ } ]] local s = [==[ } ]] ]==]\n"
                                 "    if t[1] then ngx.say(\"{\") end\n"
                                 "  }\n"
                                 "  root /srv;\n"
                                 "}");
    CHECK(tree.whole);
    REQUIRE(tree.directives.size() == 1);
    REQUIRE(tree.directives[0].block.size() == 2);
    CHECK(tree.directives[0].block[1].name == "root");
}

TEST_CASE("what is broken gives what could be read, and says so") {
    for (const std::string text :
         {"http { server { listen 80; }", "a b; }", "a \"b;", "a b", "http {", "}", "a b; c 'd", "{",
          "x_by_lua_block { [[ }", "include /missing.conf;", "a { include /missing.conf; }"}) {
        INFO(text);
        CHECK_FALSE(parse(text).whole);
    }
    const NginxTree tree = parse("http { server { listen 80; } server { listen 81;");
    REQUIRE(tree.directives.size() == 1);
    REQUIRE(tree.directives[0].block.size() == 2);
    CHECK(tree.directives[0].block[1].block[0].arguments == Words{"81"});
}

TEST_CASE("large, deep, circular and binary files end") {
    CHECK_FALSE(parse(std::string(100'000, '{')).whole);
    CHECK_FALSE(parse(std::string(100'000, '}')).whole);
    std::string deep;
    for (int i = 0; i < 50'000; ++i) {
        deep += "a { ";
    }
    CHECK_FALSE(parse(deep).whole);
    std::string many;
    while (many.size() < (std::size_t{10} << 20U)) {
        many += "server_name a b c d;\n";
    }
    CHECK_FALSE(parse(many).whole);
    CHECK_FALSE(parse("include nginx.conf; include nginx.conf; include nginx.conf;").whole);
    std::string binary;
    for (unsigned i = 0; i < 65536; ++i) {
        binary += static_cast<char>((i * 2654435761U) >> 24U);
    }
    parse(binary);
    CHECK(NginxDump(binary).main().empty());
    CHECK(NginxDump("").main().empty());
}

TEST_CASE("includes on disk: relative to the main file, by wildcards, in the order of their names") {
    TempFolder folder;
    SystemFiles files;
    spill(folder / "nginx.conf",
          "include mime.types; include sites/*.conf; include none/*; include */inner.conf;");
    spill(folder / "mime.types", "types;");
    spill(folder / "sites/b.conf", "b;");
    spill(folder / "sites/a.conf", "a;");
    spill(folder / "sites/.hidden.conf", "hidden;");
    spill(folder / "sites/a.conf.bak", "old;");
    spill(folder / "x/inner.conf", "inner;");
    FakeClock clock;
    Glance glance(files, {}, clock, clock.steady() + 5s);
    NginxFiles source(glance);
    const NginxTree tree = parse_nginx(source, folder / "nginx.conf");
    CHECK(tree.whole);
    Words names;
    for (const NginxDirective& directive : tree.directives) {
        names.push_back(directive.name);
    }
    CHECK(names == Words{"types", "a", "b", "inner"});

    CHECK_FALSE(parse_nginx(source, folder / "missing.conf").whole);
}

TEST_CASE("what includes cost is counted, also where they find nothing, and is over at some time") {
    TempFolder folder;
    FaultyFiles files(folder.path()); // counts what is asked of it
    FakeClock clock;
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
        spill(folder / name / "x/y", "");
    }
    std::string hostile;
    for (int i = 0; i < 20'000; ++i) {
        hostile += "include */*/x;";
    }
    spill(folder / "nginx.conf", hostile);
    const auto looked_at = [&](Glance& glance) {
        files.heal(); // the count begins
        NginxFiles source(glance);
        CHECK_FALSE(parse_nginx(source, folder / "nginx.conf").whole);
        REQUIRE(glance.missed().size() == 1);
        return glance.missed()[0].en;
    };
    SECTION("much work") {
        Glance glance(files, {}, clock, clock.steady() + 5s);
        CHECK(looked_at(glance).find("too much to look at") != std::string::npos);
        CHECK(files.calls() < 20'001);
    }
    SECTION("no time") {
        Glance glance(files, {}, clock, clock.steady());
        CHECK(looked_at(glance).find("no time") != std::string::npos);
        CHECK(files.calls() == 0);
    }
    SECTION("a mount that may hang is not touched, and said once") {
        spill(folder / "nginx.conf", "include a/*; include a/x/y; include b/x/y;");
        Glance glance(files, {{"server:/x", (folder / "a").string(), "nfs", "rw"}}, clock,
                      clock.steady() + 5s);
        CHECK(looked_at(glance).find((folder / "a").string() + " (nfs) may hang") != std::string::npos);
        CHECK(files.calls() == 2); // nginx.conf and b/x/y
    }
}

TEST_CASE("an include may stand in a block, and cannot close it") {
    NginxDump dump("# configuration file /n/nginx.conf:\nhttp { include /n/x.conf; c; }\n"
                   "# configuration file /n/x.conf:\na; } b;\n"
                   "# configuration file /n/x.conf:\nagain;\n");
    const NginxTree tree = parse_nginx(dump, dump.main());
    CHECK_FALSE(tree.whole);
    REQUIRE(tree.directives.size() == 1);
    CHECK(tree.directives[0].block.size() == 3);
}
