#include "platform/sha256.h"
#include "platform/tree_manifest.h"
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

TreeManifest read(const Path& root, const TreeReading& reading = {}) {
    FakeClock clock;
    Result<TreeManifest> manifest = read_tree(root, clock, clock.steady() + k_long, reading);
    if (!manifest) {
        FAIL(manifest.error().message);
    }
    return std::move(*manifest);
}

void make_build(const TempFolder& root) {
    spill(root / "build/index.html", "<script src=/static/js/main.1.js></script>");
    spill(root / "build/static/js/main.1.js", "run()");
    spill(root / "build/static-2", ""); // '-' comes before '/'
    std::filesystem::create_symlink("main.1.js", root / "build/static/js/main.js");
    std::filesystem::create_directories(root / "build/empty");
    for (const auto& found : std::filesystem::recursive_directory_iterator(root / "build")) {
        if (!found.is_symlink()) {
            REQUIRE(::chmod(found.path().c_str(), found.is_directory() ? 0755 : 0644) == 0);
        }
    }
}

std::vector<std::string> paths(const TreeManifest& manifest) {
    std::vector<std::string> all;
    for (const TreeEntry& entry : manifest.entries) {
        all.push_back(entry.path);
    }
    return all;
}

} // namespace

TEST_CASE("SHA-256 is FIPS 180-4's", "[sha256]") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 hash;
    hash.add("a");
    hash.add("bc");
    CHECK(hash.finish() == sha256("abc"));
    CHECK(hash.finish() == sha256(""));
}

TEST_CASE("a tree is read sorted, with hashes, links and empty folders", "[manifest]") {
    const TempFolder root;
    make_build(root);
    const TreeManifest manifest = read(root / "build");
    CHECK(paths(manifest) == std::vector<std::string>{"empty", "index.html", "static", "static-2",
                                                      "static/js", "static/js/main.1.js",
                                                      "static/js/main.js"});
    const TreeEntry* script = manifest.find("static/js/main.1.js");
    REQUIRE(script != nullptr);
    CHECK(script->sha256 == sha256("run()"));
    CHECK(script->size == 5_B);
    CHECK(script->mode == 0644);
    CHECK(manifest.find("static/js/main.js")->target == "main.1.js");
    CHECK(manifest.find("empty")->type == TreeEntry::Type::folder);
    CHECK(manifest.find("nothing") == nullptr);
    CHECK(manifest.files() == 3);
    CHECK(manifest.size() == 47_B);
}

TEST_CASE("a manifest's text comes back the same, whatever the names", "[manifest]") {
    const TempFolder root;
    make_build(root);
    spill(root / "build/with blank and юникод", "x");
    spill(root / "build/new\nline\ttab\\x41\x7f", "x");
    spill(root / "build/not utf-8 \xff", "x");
    std::filesystem::create_symlink("a\tb\nc", root / "build/odd\tlink");
    REQUIRE(::mkfifo((root / "build/fifo").c_str(), 0600) == 0);
    const TreeManifest manifest = read(root / "build");
    const std::string text = format_manifest(manifest);
    CHECK(text.starts_with("lectio-manifest 1\nfolder 755 empty\n"));
    CHECK(text.find("\\x0aline\\x09tab\\x5cx41\\x7f") != std::string::npos);
    CHECK(text.find("\nother fifo\n") != std::string::npos);
    const Result<TreeManifest> parsed = parse_manifest(text);
    REQUIRE(parsed);
    CHECK(parsed->entries == manifest.entries);

    const Result<TreeManifest> nothing = parse_manifest(format_manifest({}));
    REQUIRE(nothing);
    CHECK(nothing->entries.empty());
}

TEST_CASE("what is not exactly a manifest is none", "[manifest]") {
    const TempFolder root;
    make_build(root);
    const std::string good = format_manifest(read(root / "build"));
    REQUIRE(parse_manifest(good));

    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_FALSE(parse_manifest(good.substr(0, length)));
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string flipped = good;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        const Result<TreeManifest> parsed = parse_manifest(flipped);
        const bool in_a_mode = parsed && tree_hash(*parsed) == tree_hash(*parse_manifest(good));
        CHECK((!parsed || in_a_mode)); // the end's hash says the rest
    }
    CHECK_FALSE(parse_manifest(good + "x"));
    CHECK_FALSE(parse_manifest(good + good));

    // Ends that would fit, so that the line itself is what is refused.
    const auto with = [](std::vector<TreeEntry> entries) {
        TreeManifest manifest;
        manifest.entries = std::move(entries);
        return format_manifest(manifest);
    };
    const auto file = [](std::string path) {
        TreeEntry entry;
        entry.path = std::move(path);
        entry.sha256 = sha256("");
        return entry;
    };
    CHECK(parse_manifest(with({file("a"), file("b")})));
    const std::string nul("a\0b", 3);
    for (const std::string& path : {std::string("/etc/passwd"), std::string("../x"), std::string("a/../b"),
                                    std::string("a//b"), std::string("./a"), std::string("a/"), std::string(),
                                    std::string("nowhere/x"), std::string(300, 'x'), nul}) {
        CAPTURE(path);
        CHECK_FALSE(parse_manifest(with({file(path)})));
    }
    CHECK_FALSE(parse_manifest(with({file("b"), file("a")})));
    CHECK_FALSE(parse_manifest(with({file("a"), file("a")})));
    CHECK_FALSE(parse_manifest(with({file("a"), file("a/b")})));
    TreeEntry setuid_and_more = file("a");
    setuid_and_more.mode = 0100644;
    CHECK_FALSE(parse_manifest(with({setuid_and_more})));
    TreeEntry upper = file("a");
    upper.sha256[0] = 'E';
    CHECK_FALSE(parse_manifest(with({upper})));

    const Error error = parse_manifest("<html>").error();
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(error.message == "unable to understand the manifest: line 1: <html>");
}

TEST_CASE("two trees are compared, and their hash tells them apart", "[manifest]") {
    const TempFolder root;
    make_build(root);
    const TreeManifest before = read(root / "build");
    CHECK(compare(before, before).empty());

    REQUIRE(::chmod((root / "build/index.html").c_str(), 0600) == 0);
    const TreeManifest other_mode = read(root / "build");
    CHECK(compare(before, other_mode).empty());
    CHECK(tree_hash(before) == tree_hash(other_mode));
    CHECK(compare(before, other_mode, CompareModes::yes).changed == std::vector<std::string>{"index.html"});

    spill(root / "build/index.html", "<script src=/static/js/main.2.js></script>"); // of the same size
    spill(root / "build/added", "x");
    std::filesystem::remove(root / "build/static/js/main.js");
    std::filesystem::remove(root / "build/static-2");
    std::filesystem::create_directory(root / "build/static-2");
    const TreeManifest after = read(root / "build");
    const TreeDifference difference = compare(before, after);
    CHECK(difference.added == std::vector<std::string>{"added"});
    CHECK(difference.removed == std::vector<std::string>{"static/js/main.js"});
    CHECK(difference.changed == std::vector<std::string>{"index.html", "static-2"});
    CHECK(tree_hash(before) != tree_hash(after));
    CHECK(compare({}, before).added == paths(before));
    CHECK(compare(before, {}).removed == paths(before));
}

TEST_CASE("what is left out does not count, with all below it", "[manifest]") {
    const TempFolder root;
    make_build(root);
    TreeReading reading;
    reading.leave_out = [](std::string_view below) { return below == "static"; };
    CHECK(paths(read(root / "build", reading)) ==
          std::vector<std::string>{"empty", "index.html", "static-2"});
}

TEST_CASE("reading a tree has limits of time and number, and goes through no link", "[manifest]") {
    const TempFolder root;
    make_build(root);
    std::filesystem::create_symlink(root / "build", root / "build/round");
    CHECK(read(root / "build").entries.size() == 8);

    FakeClock clock;
    CHECK(read_tree(root / "build", clock, clock.steady()).error().kind == ErrorKind::timeout);
    TreeReading few;
    few.most_entries = 7;
    CHECK(read_tree(root / "build", clock, clock.steady() + k_long, few).error().kind ==
          ErrorKind::too_large);
    CHECK(read_tree(root / "nothing", clock, clock.steady() + k_long).error().kind == ErrorKind::not_found);
}

namespace {

// Somebody adds to a file each time that the reader looks at the clock.
class WritingClock final : public Clock {
  public:
    WritingClock(Path file, int times) : m_file(std::move(file)), m_times(times) {}
    Now now() override { return m_clock.now(); }
    void sleep_for(Duration duration) override { m_clock.sleep_for(duration); }
    SteadyTime steady() override {
        if (m_times > 0) {
            --m_times;
            std::ofstream(m_file, std::ios::app) << "more";
        }
        return m_clock.steady();
    }

  private:
    FakeClock m_clock;
    Path m_file;
    int m_times;
};

} // namespace

TEST_CASE("a file that changes while it is read is read again, or named", "[manifest]") {
    const TempFolder root;
    spill(root / "build/log", std::string(600'000, 'x')); // more than one piece
    WritingClock once(root / "build/log", 3);
    const Result<TreeManifest> settled = read_tree(root / "build", once, once.steady() + k_long);
    REQUIRE(settled);
    CHECK(settled->entries[0].size.count == std::filesystem::file_size(root / "build/log"));
    CHECK(settled->entries[0].sha256 == sha256(slurp(root / "build/log")));

    WritingClock always(root / "build/log", 1'000);
    const Result<TreeManifest> busy = read_tree(root / "build", always, always.steady() + k_long);
    REQUIRE_FALSE(busy);
    CHECK(busy.error().kind == ErrorKind::busy);
    CHECK(busy.error().message.find("build/log: it changes while it is read") != std::string::npos);
}
