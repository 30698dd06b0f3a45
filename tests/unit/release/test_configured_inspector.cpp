// The inspector over a shelf as a deploy leaves it.
#include "cli/known_kinds.h"
#include "config/parse.h"
#include "release/configured_inspector.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;

namespace {

struct Shelved {
    Shelved() {
        Problems problems;
        const std::string path = (folder / "build").string();
        const std::optional<Node> root = parse_toml(
            fmt::format("[deploy.frontend]\npath = \"{0}\"\nforbid = [\"localhost:\"]\n"
                        "[health.check.build]\ntype = \"frontend\"\nroot = \"{0}\"\nreader = \"root\"\n"
                        "url = \"https://site.example/app/\"\n",
                        path),
            problems);
        REQUIRE(root);
        config = read_config(*root, known_kinds(), problems);
        REQUIRE_FALSE(problems.has_errors());
        host.mount_list = std::vector<Mount>{};
        REQUIRE(shelf.prepare().ok());
    }

    TreeManifest make(const Path& tree, const std::string& script) {
        std::filesystem::create_directories(tree / "static");
        spill(tree / "index.html",
              "<!doctype html><title>Site</title><script src=/app/static/main.1a2b3c4d.js>");
        spill(tree / "static/main.1a2b3c4d.js", script);
        return read_tree(tree, bare.clock, bare.clock.steady() + 60s).value();
    }

    TempFolder folder;
    BareWorld bare;
    FakeHost host;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    SystemReleaseDisk disk;
    Shelf shelf{bare.files, disk, {folder / "build", folder / "releases", folder / "state"}};
    Config config;
};

} // namespace

TEST_CASE("inspector: the build, the site it is for, and what was live before", "[inspector]") {
    Shelved site;
    ConfiguredInspector inspector(site.config, site.world, site.shelf);
    const Path incoming = site.shelf.incoming("fe-new");
    TreeManifest manifest = site.make(incoming, "var x=1");
    CHECK(inspector.inspect(incoming, manifest, nullptr, {}).empty());

    Release live;
    live.id = make_id(Kind::frontend, site.bare.clock.now().wall, 7);
    live.state = State::good;
    live.hash = "another";
    REQUIRE(site.shelf.keep(live.id, site.make(site.shelf.tree(live.id), "var x=2")).ok());
    const std::vector<Flaw> flaws = inspector.inspect(incoming, manifest, &live, {live});
    REQUIRE(flaws.size() == 1); // a hashed name with another content
    CHECK(flaws[0].words.en.find(live.id) != std::string::npos);

    manifest = site.make(incoming, "fetch('http://localhost:8000')");
    CHECK(inspector.inspect(incoming, manifest, nullptr, {}).size() == 1);
}

TEST_CASE("inspector: whom the site is served by is asked before the swap", "[inspector]") {
    Shelved site;
    const Path incoming = site.shelf.incoming("fe-new");
    site.make(incoming, "var x=1");
    ConfiguredInspector inspector(site.config, site.world, site.shelf);
    CHECK_FALSE(inspector.hidden_from_visitors(incoming)); // root reads all
    CHECK_FALSE(inspector.doubts());
    Config unsaid = site.config;
    unsaid.health.checks.clear();
    ConfiguredInspector unsure(unsaid, site.world, site.shelf, {site.folder / "none.conf", {}});
    CHECK_FALSE(unsure.hidden_from_visitors(incoming));
    CHECK(unsure.doubts());
}
