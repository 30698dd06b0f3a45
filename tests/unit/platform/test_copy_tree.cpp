#include "platform/copy_tree.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr Duration k_long{60'000};

User ourselves() {
    return *find_user(::geteuid());
}

void make_build(const TempFolder& root) {
    spill(root / "build/index.html", "<html>");
    spill(root / "build/static/main.js", "run()");
    spill(root / "build/bin/tool", "#!");
    REQUIRE(::chmod((root / "build/bin/tool").c_str(), 0700) == 0);
    REQUIRE(::chmod((root / "build/index.html").c_str(), 0600) == 0);
    std::filesystem::create_symlink("main.js", root / "build/static/latest.js");
}

Result<Received> copy(const TempFolder& root, const ReceiveLimits& limits = {}) {
    FakeClock clock;
    return copy_tree(root / "build", root / "into", ourselves(), limits, clock, clock.steady() + k_long);
}

std::string refused(const Result<Received>& received) {
    return !received ? "error: " + received.error().message : received->refused.en;
}

} // namespace

TEST_CASE("a build is copied from a folder, with plain modes", "[copy]") {
    const TempFolder root;
    make_build(root);
    const Result<Received> received = copy(root);
    REQUIRE(refused(received).empty());
    CHECK(received->kind == "folder");
    CHECK(received->tree.entries.size() == 6);
    CHECK(slurp(root / "into/static/main.js") == "run()");
    CHECK(received->tree.find("index.html")->mode == 0644);
    CHECK(received->tree.find("bin/tool")->mode == 0755);
    CHECK(received->tree.find("static")->mode == 0755);
    CHECK(received->tree.find("static/latest.js")->target == "main.js");
}

TEST_CASE("what an archive may not hold, a folder may not either", "[copy]") {
    const auto with = [](const std::function<void(const TempFolder&)>& change,
                         const ReceiveLimits& limits = {}) {
        const TempFolder root;
        make_build(root);
        spill(root / "outside/secret", "secret");
        change(root);
        const std::string words = refused(copy(root, limits));
        CHECK_FALSE(std::filesystem::exists(root / "into"));
        CHECK(slurp(root / "outside/secret") == "secret");
        return words;
    };
    const auto link = [](const char* target) {
        return
            [target](const TempFolder& root) { std::filesystem::create_symlink(target, root / "build/x"); };
    };
    CHECK(with(link("../outside")) == "x: the link leads out of the build: ../outside");
    CHECK(with(link("/etc")) == "x: the link leads out of the build: /etc");
    CHECK(with(link("x")) == "x: the link leads round in a circle: x");
    CHECK(with([](const TempFolder& root) { ::mkfifo((root / "build/fifo").c_str(), 0600); }) ==
          "fifo: a device, FIFO or socket has no place in a build");
    CHECK(with([](const TempFolder& root) { spill(root / "build/a\nb", ""); }) ==
          "a b: the name has control or invisible characters");
    CHECK(with([](const TempFolder& root) {
              spill(root / "build/Index.html", "");
          }).starts_with("Index.html and index.html: these names differ only in case"));
    ReceiveLimits few;
    few.entries = 5;
    CHECK(with([](const TempFolder&) {}, few).find("more than 5 files and folders") != std::string::npos);
    ReceiveLimits small;
    small.total = 12_B;
    CHECK(with([](const TempFolder&) {}, small).find("larger than 12 B") != std::string::npos);
    CHECK(with([](const TempFolder& root) {
              std::filesystem::remove_all(root / "build");
              std::filesystem::create_directory(root / "build");
          }) == "there is nothing in it");
    CHECK(with([](const TempFolder& root) { std::filesystem::remove_all(root / "build"); }).find("error: ") ==
          0);
}

TEST_CASE("what is left out is neither read nor copied", "[copy]") {
    const TempFolder root;
    make_build(root);
    REQUIRE(::mkfifo((root / "build/bin/fifo").c_str(), 0600) == 0);
    FakeClock clock;
    const Result<Received> received =
        copy_tree(root / "build", root / "into", ourselves(), {}, clock, clock.steady() + k_long,
                  [](std::string_view below) { return below == "bin" || below == "static/latest.js"; });
    REQUIRE(refused(received).empty());
    CHECK(received->tree.entries.size() == 3);
    CHECK_FALSE(std::filesystem::exists(root / "into/bin"));
}

TEST_CASE("what stands in the way of a copy stays", "[copy]") {
    const TempFolder root;
    make_build(root);
    spill(root / "into/kept", "kept");
    CHECK_FALSE(copy(root));
    CHECK(slurp(root / "into/kept") == "kept");
}

namespace {

// Somebody builds again while the copy is made.
class BuildingClock final : public Clock {
  public:
    BuildingClock(Path file, int after) : m_file(std::move(file)), m_after(after) {}
    Now now() override { return m_clock.now(); }
    void sleep_for(Duration duration) override { m_clock.sleep_for(duration); }
    SteadyTime steady() override {
        if (m_after-- == 0) {
            std::ofstream(m_file) << "another build";
        }
        return m_clock.steady();
    }

  private:
    FakeClock m_clock;
    Path m_file;
    int m_after;
};

} // namespace

TEST_CASE("a folder that changes while it is copied is noticed, whenever", "[copy]") {
    bool noticed = false, unchanged = false;
    for (int after = 1; !unchanged; ++after) { // at each look at the clock, until there is none left
        const TempFolder root;
        make_build(root);
        BuildingClock clock(root / "build/static/main.js", after);
        const Result<Received> received =
            copy_tree(root / "build", root / "into", ourselves(), {}, clock, clock.steady() + k_long);
        unchanged = slurp(root / "build/static/main.js") == "run()";
        if (received) {
            CHECK(slurp(root / "into/static/main.js") ==
                  (received->tree.find("static/main.js")->size == 5_B ? "run()" : "another build"));
        } else {
            CHECK(received.error().kind == ErrorKind::busy);
            noticed = true;
        }
        REQUIRE(after < 1'000);
    }
    CHECK(noticed);
}
