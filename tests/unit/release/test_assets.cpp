#include "release/assets.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;

namespace {

const WallTime k_noon = parse_utc("2026-11-22T12:00:00Z").value();
const Duration k_two_weeks = std::chrono::hours(24 * 14);

TreeManifest tree_of(std::initializer_list<const char*> paths) {
    TreeManifest manifest;
    for (const char* path : paths) {
        manifest.entries.push_back({path, TreeEntry::Type::file, 0644, 1_kB, "", ""});
    }
    std::sort(manifest.entries.begin(), manifest.entries.end(),
              [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
    return manifest;
}

Release good(const std::string& id, std::int64_t generation) {
    Release release;
    release.id = id;
    release.state = State::good;
    release.generation = generation;
    return release;
}

} // namespace

TEST_CASE("a hash in a name is told from a word and a version", "[assets]") {
    for (const char* path :
         {"static/js/main.1a2b3c4d.js", "static/css/main.07d5c2e1.chunk.css", "assets/index-DiwrgTda.js",
          "assets/index-Bx_3kP9q.css", "assets/index-Bx-3kP9q.css",
          "assets/logo.5d5d9eefa31e5e13a6610d9fa7a283bb.svg", "static/js/main.1a2b3c4d.js.map",
          "static/js/main.65807881.js", "static/js/main.deadbeef.js",
          "_next/static/chunks/pages/index-0e6f8a2b1c3d4e5f.js"}) {
        INFO(path);
        CHECK(has_content_hash(path));
    }
    for (const char* path : {"index.html", "favicon.ico", "service-worker.js", "manifest.json", "robots.txt",
                             "static/js/bundle.js", "jquery-datatables.js", "app-Settings.js",
                             "vendor.bootstrap.css", "1a2b3c4d", ".htaccess", "a/.1a2b3c4d", "lib-1.2.3.js",
                             "report-20261122.json", "app-123456789.js"}) {
        INFO(path);
        CHECK_FALSE(has_content_hash(path));
    }
}

TEST_CASE("hashed files of the one that is replaced are carried on, and nothing else of it", "[assets]") {
    const Release live = good("a", 1);
    const std::vector<Carried> carried =
        carried_on(live, tree_of({"index.html", "js/main.1a2b3c4d.js", "js/both.5e6f7a8b.js"}),
                   tree_of({"index.html", "js/main.9f8e7d6c.js", "js/both.5e6f7a8b.js"}), {live}, 5,
                   k_two_weeks, k_noon);
    CHECK(carried == std::vector<Carried>{{"js/main.1a2b3c4d.js", "a", k_noon + k_two_weeks}});
}

TEST_CASE("what is carried goes when its time is over and its release is none of the last", "[assets]") {
    Release live = good("d", 4);
    live.carried = {{"old.1a2b3c4d.js", "a", k_noon - 1s},
                    {"kept.1a2b3c4d.js", "c", k_noon - 1s},
                    {"young.1a2b3c4d.js", "a", k_noon + 1s}};
    const std::vector<Release> releases{good("a", 1), good("b", 2), good("c", 3), live};
    const std::vector<Carried> carried =
        carried_on(live, tree_of({"index.html"}), tree_of({"index.html"}), releases, 2, k_two_weeks, k_noon);
    REQUIRE(carried.size() == 2);
    CHECK(carried[0].path == "kept.1a2b3c4d.js");
    CHECK(carried[1].path == "young.1a2b3c4d.js");
}
