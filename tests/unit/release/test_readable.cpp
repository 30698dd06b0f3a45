// Whether the web server's user gets every file of a release: by owners and modes, as the kernel would decide.
#include "cli/known_kinds.h"
#include "config/parse.h"
#include "platform/readable_tree.h"
#include "platform/stop.h"
#include "release/readable.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;

namespace {

// Nobody of this host: what is readable for all is readable for him.
const User k_stranger{"stranger", 61'234, 61'234, "/"};

struct Site {
    Site() {
        ::chmod(folder.path().c_str(), 0755);
        std::filesystem::create_directories(folder / "releases/new/static/js");
        spill(folder / "releases/new/index.html", "<html></html>");
        spill(folder / "releases/new/static/js/main.js", "x");
        for (const char* each :
             {"releases", "releases/new", "releases/new/static", "releases/new/static/js"}) {
            mode(each, 0755);
        }
        mode("releases/new/index.html", 0644);
        mode("releases/new/static/js/main.js", 0644);
        host.mount_list = std::vector<Mount>{};
    }
    void mode(const std::string& name, mode_t bits) const { ::chmod((folder / name).c_str(), bits); }
    [[nodiscard]] std::optional<Flaw> hidden(std::optional<User> user = k_stranger) {
        const std::string name = user ? user->name : "";
        const Visitor visitor{name, user, verbatim("as the test says")};
        return hidden_from(visitor, folder / "releases/new", folder / "build", world);
    }
    [[nodiscard]] Visitor visitor(const std::string& toml, const WebServerPlaces& places) {
        Problems problems;
        const std::optional<Node> root = parse_toml(toml, problems);
        REQUIRE(root);
        return visitor_of(read_config(*root, known_kinds(), problems), world, "/srv/site/build", places);
    }

    TempFolder folder;
    BareWorld bare;
    FakeHost host;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
};

} // namespace

TEST_CASE("readable: what everybody may read, the web server may read", "[readable]") {
    Site site;
    CHECK_FALSE(site.hidden());
}

TEST_CASE("readable: each file and folder that keeps the web server out is found", "[readable]") {
    Site site;
    const std::string root = site.folder.path().string();
    site.mode("releases/new/static/js/main.js", 0600);
    std::optional<Flaw> flaw = site.hidden();
    REQUIRE(flaw);
    CHECK(flaw->weight == Flaw::Weight::refuse);
    CHECK(flaw->words.en ==
          "stranger (as the test says) may not read " + root + "/releases/new/static/js/main.js (mode 600)");
    site.mode("releases/new/static", 0700);
    flaw = site.hidden();
    REQUIRE(flaw);
    CHECK(flaw->words.en.find("may not enter the folder " + root + "/releases/new/static (mode 700)") !=
          std::string::npos);
    CHECK(flaw->words.en.ends_with("; and 1 more"));

    Site shut;
    shut.mode("releases/new", 0700); // the release itself
    CHECK(shut.hidden().value().words.en.find("/releases/new (mode 700)") != std::string::npos);
}

TEST_CASE("readable: the folders above count, and are not ours to change", "[readable]") {
    Site site;
    site.mode("releases", 0700);
    const std::optional<Flaw> flaw = site.hidden();
    REQUIRE(flaw);
    CHECK(flaw->words.en.find("may not enter the folder " + (site.folder / "releases").string()) !=
          std::string::npos);
    CHECK(flaw->hint.en.ends_with("sudo chmod o+x " + (site.folder / "releases").string()));
}

TEST_CASE("readable: the owner and his group are judged by their own bits", "[readable]") {
    Site site;
    const User owner{"owner", ::geteuid() == 0 ? 61'300U : ::geteuid(), 61'300U, "/"};
    if (::geteuid() == 0) {
        REQUIRE(::chown((site.folder / "releases/new/index.html").c_str(), owner.uid, owner.gid) == 0);
    }
    site.mode("releases/new/index.html", 0044); // everybody but him
    CHECK(site.hidden(owner));
    CHECK_FALSE(site.hidden());
}

TEST_CASE("readable: links are followed as the web server does", "[readable]") {
    Site site;
    std::filesystem::create_symlink("static/js/main.js", site.folder / "releases/new/main.js");
    CHECK_FALSE(site.hidden());
    std::filesystem::create_symlink("gone.js", site.folder / "releases/new/other.js");
    CHECK(site.hidden().value().words.en.ends_with("/releases/new/gone.js leads nowhere"));
}

TEST_CASE("readable: nobody knows who serves it: a warning, no refusal", "[readable]") {
    Site site;
    const std::optional<Flaw> flaw = site.hidden(std::nullopt);
    REQUIRE(flaw);
    CHECK(flaw->weight == Flaw::Weight::warn);
}

TEST_CASE("readable: who serves it is known from the check, from nginx, by habit", "[readable]") {
    Site site;
    const std::string check = "[health.check.build]\ntype = \"frontend\"\nroot = \"/srv/site/build/\"\n";
    spill(site.folder / "nginx.conf", "user root adm;\nhttp { server { listen 80; } }\n");
    spill(site.folder / "silent.conf", "http { server { listen 80; } }\n");
    WebServerPlaces places{site.folder / "nginx.conf", {"no-such-user", "root"}};

    Visitor visitor = site.visitor(check + "reader = \"daemon\"\n", places);
    CHECK(visitor.name == "daemon");
    CHECK(visitor.user);
    CHECK(visitor.whence.en == "as health's check build says");

    visitor = site.visitor(check, places);
    CHECK(visitor.name == "root");
    CHECK(visitor.whence.en == "as " + places.nginx.string() + " says");

    places.nginx = site.folder / "silent.conf";
    visitor = site.visitor(check, places);
    CHECK(visitor.name == "root");
    CHECK(visitor.whence.en == "as is usual");

    places = {site.folder / "none.conf", {"no-such-user"}};
    CHECK(site.visitor(check, places).name.empty());
    visitor = site.visitor(check + "reader = \"no-such-user\"\n", places);
    CHECK(visitor.name == "no-such-user");
    CHECK_FALSE(visitor.user);
}

TEST_CASE("readable: a walk ends with its time, and when the process is to end", "[readable]") {
    Site site;
    const Reader reader(k_stranger);
    FakeClock& clock = site.bare.clock;
    CHECK_FALSE(look_for_unreadable(site.folder.path(), reader, clock, clock.steady()).ok());
    const Result<TreeReadability> seen =
        look_for_unreadable(site.folder.path(), reader, clock, clock.steady() + 1s);
    REQUIRE(seen.ok());
    CHECK(seen->examined == 7); // the folder, four below it, two files
    CHECK(seen->unreadable == 0);
}
