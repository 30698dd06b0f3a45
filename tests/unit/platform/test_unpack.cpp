#include "platform/build_rules.h"
#include "platform/processes.h"
#include "platform/sha256.h"
#include "platform/stop.h"
#include "platform/unpack.h"
#include "support/scoped_mount.h"
#include "support/tar_builder.h"
#include "support/temp_folder.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr Duration k_long{120'000}; // only against hanging

User ourselves() {
    return *find_user(::geteuid());
}

// A folder to unpack into, beside what must not be touched.
class Place {
  public:
    Place() {
        spill(m_root / "outside/secret", "secret");
        spill(m_root / "secret", "secret");
        std::filesystem::create_directory(into());
        // A temporary folder is ours alone, and others unpack here, too.
        REQUIRE(::chmod(m_root.path().c_str(), 0711) == 0);
        m_before = around();
    }
    [[nodiscard]] Path into() const { return m_root / "into"; }
    [[nodiscard]] Path root() const { return m_root.path(); }
    [[nodiscard]] bool untouched() const { return around() == m_before; }

    Result<Received> receive(std::string_view bytes, const User& as = ourselves(),
                             const ReceiveLimits& limits = {}, TopFolder top = TopFolder::strip) {
        const Path archive = m_root / "archive";
        spill(archive, bytes);
        const UniqueFd input(::open(archive.c_str(), O_RDONLY | O_CLOEXEC));
        std::filesystem::remove(archive);
        SystemClock clock;
        return unpack(input.get(), into(), as, limits, top, clock, clock.steady() + k_long);
    }

  private:
    [[nodiscard]] std::string around() const {
        SystemClock clock;
        TreeReading reading;
        reading.leave_out = [](std::string_view below) { return below == "into"; };
        return format_manifest(*read_tree(m_root.path(), clock, clock.steady() + k_long, reading));
    }
    TempFolder m_root;
    std::string m_before;
};

std::string refused(const Result<Received>& received) {
    if (!received) {
        return "error: " + received.error().message;
    }
    return received->refused.empty() ? "accepted" : received->refused.en;
}

std::vector<std::string> paths(const TreeManifest& tree) {
    std::vector<std::string> all;
    for (const TreeEntry& entry : tree.entries) {
        all.push_back(entry.path);
    }
    return all;
}

// As a program that packs would: libarchive writes what zlib does not.
std::string compressed(std::string_view bytes, int filter) {
    std::string packed(bytes.size() + 65536, '\0');
    std::size_t used = 0;
    archive* writer = archive_write_new();
    archive_write_set_format_raw(writer);
    archive_write_add_filter(writer, filter);
    REQUIRE(archive_write_open_memory(writer, packed.data(), packed.size(), &used) == ARCHIVE_OK);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_filetype(entry, S_IFREG);
    REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
    REQUIRE(archive_write_data(writer, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()));
    archive_entry_free(entry);
    REQUIRE(archive_write_close(writer) == ARCHIVE_OK);
    archive_write_free(writer);
    packed.resize(used);
    return packed;
}

TarBuilder good() {
    TarBuilder tar;
    tar.folder("./").file("./index.html", "<html>").folder("./static/").file("./static/main.js", "run()");
    return tar;
}

std::string manifest_of(const std::vector<std::pair<std::string, std::string>>& files) {
    TreeManifest manifest;
    for (const auto& [path, content] : files) {
        TreeEntry entry;
        entry.path = path, entry.sha256 = sha256(content), entry.size = {content.size()}, entry.mode = 0644;
        manifest.entries.push_back(entry);
    }
    return format_manifest(manifest);
}

std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint64_t state = 88172645463325252ULL; // xorshift64
    for (char& c : bytes) {
        state ^= state << 13U, state ^= state >> 7U, state ^= state << 17U;
        c = static_cast<char>(state >> 32U);
    }
    return bytes;
}

struct Hostile {
    const char* what;
    std::string bytes;
    const char* words; // of the refusal
};

TarBuilder::Entry odd(std::string name, char type) {
    TarBuilder::Entry entry;
    entry.name = std::move(name), entry.type = type;
    return entry;
}

std::string many_entries(int count) {
    TarBuilder tar;
    for (int i = 0; i < count; ++i) {
        tar.file(fmt::format("{}", i), "");
    }
    return tar.done();
}

std::string cut(std::string bytes, std::size_t from_the_end) {
    bytes.resize(bytes.size() - from_the_end);
    return bytes;
}

std::string flipped(std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    return bytes;
}

// GNU's old sparse file: a gigabyte of hole in a header of 512 bytes.
std::string sparse(std::uint64_t real_size) {
    TarBuilder tar;
    tar.pax({{"GNU.sparse.major", "1"},
             {"GNU.sparse.minor", "0"},
             {"GNU.sparse.name", "hole"},
             {"GNU.sparse.realsize", std::to_string(real_size)}});
    std::string map = fmt::format("1\n{}\n0\n", real_size);
    map.resize(512, '\0');
    tar.file("GNUSparseFile.0/hole", map);
    return tar.done();
}

std::vector<Hostile> names_that_lead_out() {
    return {
        {"an absolute name", TarBuilder().file("/etc/cron.d/evil").done(),
         "/etc/cron.d/evil: an absolute name"},
        {"an absolute name of a pax header", TarBuilder().pax({{"path", "/tmp/x"}}).file("x").done(),
         "an absolute name"},
        {"up", TarBuilder().file("../secret").done(), "../secret: the name leads out"},
        {"up from below", TarBuilder().folder("a").file("a/../../secret").done(), "leads out"},
        {"up at the end", TarBuilder().file("a/..").done(), "leads out"},
        {"up by a prefix",
         [] {
             TarBuilder::Entry entry;
             entry.name = "secret", entry.prefix = "..";
             return TarBuilder().add(entry).done();
         }(),
         "leads out"},
        {"up by a pax header", TarBuilder().pax({{"path", "../../secret"}}).file("x").done(), "leads out"},
        {"up by a long name of GNU's",
         [] {
             TarBuilder::Entry entry;
             entry.name = "././@LongLink", entry.type = 'L', entry.content = std::string("../secret\0", 10);
             return TarBuilder().add(entry).file("x").done();
         }(),
         "leads out"},
        {"no name", TarBuilder().file("").done(), "no name"},
        {"a link out", TarBuilder().link("out", "../outside").done(),
         "out: the link leads out of the build: ../outside"},
        {"an absolute link", TarBuilder().link("out", "/etc").done(), "leads out of the build: /etc"},
        {"a link out by a detour", TarBuilder().folder("a").link("a/out", "../a/../../outside").done(),
         "leads out"},
        {"a file through a link out",
         TarBuilder().link("out", "../outside").file("out/secret", "evil").done(),
         "out is in the archive twice"},
        {"a file through an absolute link",
         TarBuilder().link("out", "/tmp").file("out/secret", "evil").done(), "out is in the archive twice"},
        {"a file over a link", TarBuilder().link("index.html", "../secret").file("index.html", "evil").done(),
         "index.html is in the archive twice"},
        {"a link over a file", TarBuilder().file("index.html").link("index.html", "../secret").done(),
         "index.html is in the archive twice"},
        {"two links that are out together",
         TarBuilder()
             .folder("a")
             .folder("a/b")
             .link("a/b/up", "..")
             .link("out", "a/b/up/../../outside")
             .done(),
         "leads out"},
        {"a link round", TarBuilder().link("a", "b").link("b", "a").done(), "round in a circle"},
        {"a link to itself", TarBuilder().link("a", "a").done(), "round in a circle"},
        {"a link to nothing at all", TarBuilder().link("a", "").done(), "a link to nowhere"},
        {"a hard link out", TarBuilder().hard_link("x", "../secret").done(), "leads out"},
        {"an absolute hard link", TarBuilder().hard_link("x", "/etc/passwd").done(), "an absolute name"},
        {"a hard link to nothing", TarBuilder().hard_link("x", "y").done(),
         "not in the archive before it: y"},
        {"a hard link to what comes later", TarBuilder().hard_link("x", "y").file("y").done(),
         "not in the archive before it"},
        {"a hard link to a folder", TarBuilder().folder("y").hard_link("x", "y").done(),
         "not in the archive before it"},
        {"a hard link to a link out", TarBuilder().link("y", "../secret").hard_link("x", "y").done(),
         "not in the archive before it"},
        {"a hard link through a link out",
         TarBuilder().link("y", "../outside").hard_link("x", "y/secret").done(),
         "not in the archive before it"},
    };
}

std::vector<Hostile> odd_entries() {
    return {
        {"a character device", TarBuilder().add(odd("dev", '3')).done(), "dev: a device, FIFO or socket"},
        {"a block device", TarBuilder().add(odd("dev", '4')).done(), "a device, FIFO or socket"},
        {"a FIFO", TarBuilder().add(odd("fifo", '6')).done(), "a device, FIFO or socket"},
        {"setuid", TarBuilder().file("su", "x", 04755).done(),
         "su: a file that runs with its owner's rights"},
        {"setgid", TarBuilder().file("sg", "x", 02755).done(), "runs with its owner's rights"},
        {"a name twice", TarBuilder().file("a").file("b").file("a").done(), "a is in the archive twice"},
        {"a name twice, written differently", TarBuilder().file("a/b").file("./a//b").done(),
         "a/b is in the archive twice"},
        {"a file where a folder is needed", TarBuilder().file("a").file("a/b").done(),
         "a is both a file and a folder"},
        {"a folder where a file is", TarBuilder().file("a").folder("a").done(),
         "a is both a file and a folder"},
        {"a file where a folder is", TarBuilder().folder("a").file("a").done(), "a is in the archive twice"},
        {"the root as a file", TarBuilder().file(".").done(), ". is in the archive twice"},
        {"names alike but for case", TarBuilder().file("Index.html").file("index.html").done(),
         "Index.html and index.html: these names differ only in case"},
        {"folders alike but for case", TarBuilder().file("Static/a").file("static/b").done(),
         "differ only in case"},
        {"Cyrillic names alike but for case", TarBuilder().file("Фото").file("фото").done(),
         "differ only in case"},
        {"ß and SS", TarBuilder().file("straße").file("STRASSE").done(), "differ only in case"},
        {"a letter composed in two ways", TarBuilder().file("caf\xc3\xa9").file("cafe\xcc\x81").done(),
         "differ only in case or in how a letter is composed"},
        {"the same in pax headers",
         TarBuilder()
             .pax({{"path", "caf\xc3\xa9"}})
             .file("x")
             .pax({{"path", "cafe\xcc\x81"}})
             .file("y")
             .done(),
         ""},
        {"a newline in a name", TarBuilder().file("a\nb").done(), "control or invisible characters"},
        {"an escape in a name", TarBuilder().file("a\x1b[31mb").done(), "control or invisible"},
        {"a name that turns round", TarBuilder().file("a\xe2\x80\xaegpj.js").done(), "control or invisible"},
        {"a zero-width name", TarBuilder().file("a\xe2\x80\x8b.js").done(), "control or invisible"},
        {"a name that is not UTF-8", TarBuilder().file("a\xff.js").done(), "the name is not UTF-8"},
        {"an overlong slash", TarBuilder().file("..\xc0\xafsecret").done(), "not UTF-8"},
        {"a pax name that is not UTF-8", TarBuilder().pax({{"path", "a\xff.js"}}).file("x").done(),
         "damaged after"},
        {"a name of 300 bytes", TarBuilder().pax({{"path", std::string(300, 'n')}}).file("x").done(),
         "too long"},
        {"a path of 2,000 bytes",
         TarBuilder()
             .pax({{"path", std::string(200, 'n') + "/" + std::string(200, 'n') + "/" +
                                std::string(200, 'n') + "/" + std::string(200, 'n') + "/" +
                                std::string(200, 'n') + "/" + std::string(200, 'n')}})
             .file("x")
             .done(),
         "too long"},
        {"too deep",
         [] {
             std::string path = "d";
             for (int i = 0; i < 70; ++i) {
                 path += "/d";
             }
             return TarBuilder().pax({{"path", path}}).file("x").done();
         }(),
         "more than 64 folders deep"},
        {"the manifest late", TarBuilder().file("index.html").file(".lectio-manifest", "x").done(),
         "must come first"},
        {"the manifest a link", TarBuilder().link(".lectio-manifest", "../secret").done(), "must come first"},
        {"a manifest that is none", TarBuilder().file(".lectio-manifest", "x").file("index.html").done(),
         "its manifest is damaged"},
    };
}

std::vector<Hostile> broken_streams() {
    const std::string tar = good().done();
    const std::string gz = gzipped(tar);
    const std::string xz = compressed(tar, ARCHIVE_FILTER_XZ);
    const std::string zst = compressed(tar, ARCHIVE_FILTER_ZSTD);
    const std::string bz2 = compressed(tar, ARCHIVE_FILTER_BZIP2);
    TarBuilder::Entry wrong_sum;
    wrong_sum.name = "b", wrong_sum.content = "x", wrong_sum.wrong_checksum = true;
    TarBuilder::Entry short_one;
    short_one.name = "b", short_one.content = "x", short_one.size = 100'000;
    TarBuilder::Entry negative;
    negative.name = "b", negative.content = "x";
    std::string negative_size = TarBuilder().file("a").add(negative).done();
    return {
        {"nothing", "", "nothing came"},
        {"zeros", std::string(10240, '\0'), "the archive is empty"},
        {"an empty archive, compressed", gzipped(std::string(10240, '\0')), "the archive is empty"},
        {"an archive of its root alone", TarBuilder().folder("./").done(), "there is nothing in it"},
        {"a zip", std::string("PK\x03\x04\x14\0\0\0\x08\0", 10) + std::string(100, 'z'), "this is a zip"},
        {"a page", "<!doctype html><html>404</html>", "a page (HTML)"},
        {"a page, compressed", gzipped("<html>404</html>"), "a page (HTML)"},
        {"what PowerShell made of it", "\x1f?\x08" + std::string(600, '?'), "PowerShell"},
        {"text", "hello", "this is no tar archive; it begins with: hello"},
        {"noise", noise(5000), "no tar archive; it begins with: "},
        {"gzip of noise", gzipped(noise(5000)), "no tar archive"},
        {"gzip twice", gzipped(gz), "no tar archive"},
        {"a cut gzip", cut(gz, 20), "it ends too early"},
        {"a gzip without its trailer", cut(gz, 8), "it ends too early"},
        {"a cut xz", cut(xz, 20), "ends too early"},
        {"a cut zstd", cut(zst, 5), "ends too early"},
        {"a cut bzip2", cut(bz2, 5), "ends too early"},
        {"a wrong checksum of gzip", flipped(gz, gz.size() - 6), "damaged on the way"},
        {"a wrong length of gzip", flipped(gz, gz.size() - 2), "damaged on the way"},
        {"a wrong byte in gzip", flipped(gz, gz.size() / 2), "damaged on the way"},
        {"a wrong byte in xz", flipped(xz, xz.size() / 2), "damaged on the way"},
        {"a wrong byte in bzip2", flipped(bz2, bz2.size() / 2), "damaged on the way"},
        {"junk after gzip", gz + "junk", "something else follows"},
        {"another archive after gzip", gz + gz, "something else follows"},
        {"a cut tar", cut(tar, 1024 + 600), "ends too early"},
        {"a tar cut in a header", cut(tar, 1024 + 512 + 300), "ends too early"},
        {"a tar without its end", good().without_end(), "no end mark"},
        {"a tar with half its end", cut(tar, 512), "no end mark"},
        {"junk after a tar", tar + "junk", "something else follows"},
        {"another tar after a tar", tar + tar, "something else follows"},
        {"a wrong checksum in a tar", TarBuilder().file("a").add(wrong_sum).done(), "damaged after a"},
        {"a wrong checksum in its first header", TarBuilder().add(wrong_sum).done(),
         "damaged after its beginning"},
        {"a size that is not there", TarBuilder().file("a").add(short_one).done(), "ends too early"},
        {"a pax header without end",
         TarBuilder().file("a").pax({{"path", std::string(2'000'000, 'n')}}).done(), ""},
        {"a pax header of nonsense",
         [] {
             TarBuilder::Entry entry;
             entry.name = "pax", entry.type = 'x', entry.content = "999999999999 path=x\n";
             return TarBuilder().file("a").add(entry).file("b").done();
         }(),
         ""},
    };
}

void refuses_all(const std::vector<Hostile>& corpus, const User& as) {
    for (const Hostile& hostile : corpus) {
        Place place;
        const Result<Received> received = place.receive(hostile.bytes, as);
        INFO(hostile.what << ": " << refused(received));
        CHECK(received);
        CHECK(refused(received) != "accepted");
        CHECK(refused(received).find(hostile.words) != std::string::npos);
        CHECK((received && !received->refused.ru.empty()));
        CHECK(refused(received).find('\n') == std::string::npos);
        CHECK(place.untouched());
    }
}

} // namespace

TEST_CASE("hostile archives: names and links that lead out", "[unpack]") {
    refuses_all(names_that_lead_out(), ourselves());
}

TEST_CASE("hostile archives: entries that no build has", "[unpack]") {
    refuses_all(odd_entries(), ourselves());
}

TEST_CASE("hostile archives: broken streams and what is no archive", "[unpack]") {
    refuses_all(broken_streams(), ourselves());
}

TEST_CASE("hostile archives, unpacked as another user", "[unpack]") {
    const Result<User> nobody = find_user("nobody");
    if (::geteuid() != 0 || !nobody) {
        return; // only root can become somebody else
    }
    refuses_all(names_that_lead_out(), *nobody);
    refuses_all(odd_entries(), *nobody);
    refuses_all(broken_streams(), *nobody);

    Place place;
    const Result<Received> received = place.receive(gzipped(good().done()), *nobody);
    REQUIRE(refused(received) == "accepted");
    CHECK(SystemFiles().info(place.into() / "static/main.js", Files::Follow::no)->owner == nobody->uid);
    CHECK(SystemFiles().info(place.into() / "static/main.js", Files::Follow::no)->mode == 0644);
}

TEST_CASE("hostile archives: bombs", "[unpack]") {
    ReceiveLimits limits;
    limits.total = 40_MB, limits.file = 30_MB, limits.entries = 50;
    const std::string zeros = TarBuilder().file("zeros", std::string(25 << 20, '\0')).done();
    const std::string half = std::string(1 << 20, 'x');
    TarBuilder much;
    for (int i = 0; i < 45; ++i) {
        much.file(fmt::format("{}", i), half);
    }
    TarBuilder linked;
    linked.file("0", std::string(20 << 20, 'x')).hard_link("1", "0").hard_link("2", "0");
    TarBuilder deep; // few entries, many folders
    for (int i = 0; i < 10; ++i) {
        deep.file(fmt::format("{}/a/b/c/d/e/f", i));
    }
    ReceiveLimits high;
    high.total = 2_GB;
    const std::vector<std::pair<Hostile, ReceiveLimits>> bombs{
        {{"gzip of zeros", gzipped(zeros), "more than 200 times larger"}, high},
        {{"gzip of zeros behind the end", gzipped(good().done() + std::string(25 << 20, '\0')),
          "more than 200 times larger"},
         high},
        {{"xz of zeros", compressed(zeros, ARCHIVE_FILTER_XZ), "more than 200 times larger"}, high},
        {{"zstd of zeros", compressed(zeros, ARCHIVE_FILTER_ZSTD), "more than 200 times larger"}, high},
        {{"bzip2 of zeros", compressed(zeros, ARCHIVE_FILTER_BZIP2), "more than 200 times larger"}, high},
        {{"a hole of 900 MB", sparse(900'000'000), "more than 200 times larger"}, high},
        {{"a hole of 8 EB", sparse(8'000'000'000'000'000'000ULL), ""}, high},
        {{"a file too large", TarBuilder().file("a", std::string(31 << 20, 'x')).done(),
          "a: larger than 30 MB"},
         limits},
        {{"too much in all", much.done(), "larger than 40 MB in all"}, limits},
        {{"too much by hard links", linked.done(), "larger than 40 MB in all"}, limits},
        {{"too many entries", many_entries(51), "more than 50 files and folders"}, limits},
        {{"too many folders", deep.done(), "more than 50 files and folders"}, limits},
    };
    for (const auto& [bomb, its_limits] : bombs) {
        Place place;
        const Result<Received> received = place.receive(bomb.bytes, ourselves(), its_limits);
        INFO(bomb.what << ": " << refused(received));
        CHECK(received);
        CHECK(refused(received) != "accepted");
        CHECK(refused(received).find(bomb.words) != std::string::npos);
        CHECK(place.untouched());
    }
}

TEST_CASE("a build is unpacked, whatever packed it", "[unpack]") {
    const std::string tar = good().done();
    const std::vector<std::pair<std::string, std::string>> kinds{
        {"tar", tar},
        {"tar.gz", gzipped(tar)},
        {"tar.gz", gzipped(tar.substr(0, 700)) + gzipped(tar.substr(700))}, // pigz, and cat of two
        {"tar.gz", gzipped(tar) + std::string(512, '\0')},
        {"tar.xz", compressed(tar, ARCHIVE_FILTER_XZ)},
        {"tar.zst", compressed(tar, ARCHIVE_FILTER_ZSTD)},
        {"tar.bz2", compressed(tar, ARCHIVE_FILTER_BZIP2)},
        {"tar", tar + std::string(8192, '\0')}, // GNU tar fills up a record
    };
    for (const auto& [kind, bytes] : kinds) {
        Place place;
        const Result<Received> received = place.receive(bytes);
        CAPTURE(kind);
        REQUIRE(refused(received) == "accepted");
        CHECK(received->kind == kind);
        CHECK(received->top_folder.empty());
        CHECK_FALSE(received->verified);
        CHECK(paths(received->tree) == std::vector<std::string>{"index.html", "static", "static/main.js"});
        CHECK(slurp(place.into() / "static/main.js") == "run()");
        CHECK(place.untouched());
    }
}

TEST_CASE("modes become plain ones, links stay inside, hard links become copies", "[unpack]") {
    TarBuilder tar;
    tar.folder("./").folder("./bin", 02775).file("./bin/run", "#!", 0700).file("./page", "page", 0666);
    tar.hard_link("./bin/same", "./bin/run").link("./latest", "bin/run").link("./bin/up", "../page");
    tar.link("./later", "nothing/there").link("./here", ".");
    tar.pax({{"SCHILY.xattr.user.evil", "x"}, {"SCHILY.acl.access", "user:root:rwx"}}).file("./attributed");
    Place place;
    const Result<Received> received = place.receive(tar.done());
    REQUIRE(refused(received) == "accepted");
    const TreeManifest& tree = received->tree;
    CHECK(tree.find("bin")->mode == 0755);
    CHECK(tree.find("bin/run")->mode == 0755);
    CHECK(tree.find("bin/same")->mode == 0755);
    CHECK(tree.find("bin/same")->sha256 == sha256("#!"));
    CHECK(tree.find("page")->mode == 0644);
    CHECK(tree.find("latest")->target == "bin/run");
    struct stat seen {};
    REQUIRE(::stat((place.into() / "bin/same").c_str(), &seen) == 0);
    CHECK(seen.st_nlink == 1);
}

TEST_CASE("long names, empty folders and holes come through", "[unpack]") {
    const std::string longest(255, 'n');
    TarBuilder tar;
    tar.pax({{"path", "a/" + longest}}).file("x", "long").folder("empty").file("юникод и пробел", "x");
    tar.pax({{"path", std::string("ends\0.html", 10)}}).file("x", "x"); // at its NUL, as everywhere in a tar
    tar.file("large", noise(25 << 20));
    tar.raw(sparse(1'000'000));
    Place place;
    const Result<Received> received = place.receive(tar.without_end());
    REQUIRE(refused(received) == "accepted");
    CHECK(slurp(place.into() / "a" / longest) == "long");
    CHECK(received->tree.find("hole")->size.count == 1'000'000);
    CHECK(received->tree.find("hole")->sha256 == sha256(std::string(1'000'000, '\0')));
    CHECK(received->tree.find("ends") != nullptr);
    CHECK(received->tree.find("large")->size == 25_MB);
    CHECK(received->tree.find("empty")->type == TreeEntry::Type::folder);
}

TEST_CASE("what GNU tar makes is taken, in each of its formats", "[unpack]") {
    const TempFolder root;
    spill(root / "build/index.html", "<html>");
    spill(root / "build" / std::string(90, 'a') / std::string(90, 'b') / "main.js", "run()");
    spill(root / "build/page twice", "page");
    std::filesystem::create_hard_link(root / "build/page twice", root / "build/the same page");
    std::filesystem::create_symlink("index.html", root / "build/start");
    spill(root / "build/hole", "begin");
    std::filesystem::resize_file(root / "build/hole", 5'000'000);
    for (const char* format : {"gnu", "oldgnu", "pax", "ustar", "posix"}) {
        for (const char* compression : {"--gzip", "--xz", "--zstd", "--bzip2", "--no-auto-compress"}) {
            CAPTURE(format, compression);
            const Path archive = root / "archive";
            ProcessRequest tar;
            tar.command = {"tar",    "--create",       compression, fmt::format("--format={}", format),
                           "--file", archive.string(), "-C",        (root / "build").string(),
                           "."};
            if (std::string_view(format) != "ustar") {
                tar.command.insert(tar.command.begin() + 2, "--sparse");
            }
            tar.timeout = k_long;
            const Result<ProcessAnswer> packed = SystemProcesses().run(tar);
            REQUIRE(packed);
            if (packed->exit_status != 0) {
                continue; // without that compressor
            }
            Place place;
            const Result<Received> received = place.receive(slurp(archive));
            REQUIRE(refused(received) == "accepted");
            SystemClock clock;
            const Result<TreeManifest> original = read_tree(root / "build", clock, clock.steady() + k_long);
            REQUIRE(original);
            CHECK(compare(*original, received->tree).empty());
        }
    }
}

TEST_CASE("the one folder that all lies in is taken away, and said", "[unpack]") {
    const auto build = [](const std::string& top) {
        return TarBuilder().folder(top).file(top + "/index.html").file(top + "/build/x").done();
    };
    Place place;
    const Result<Received> received = place.receive(build("build"));
    REQUIRE(refused(received) == "accepted");
    CHECK(received->top_folder == "build");
    CHECK(paths(received->tree) == std::vector<std::string>{"build", "build/x", "index.html"});

    Place kept;
    const Result<Received> as_it_is = kept.receive(build("build"), ourselves(), {}, TopFolder::keep);
    REQUIRE(refused(as_it_is) == "accepted");
    CHECK(as_it_is->top_folder.empty());
    CHECK(as_it_is->tree.find("build/index.html") != nullptr);

    Place rooted; // it says itself what its root is
    const Result<Received> with_root =
        rooted.receive(TarBuilder().folder("./").file("./static/main.js").done());
    REQUIRE(refused(with_root) == "accepted");
    CHECK(with_root->top_folder.empty());
    CHECK(with_root->tree.find("static/main.js") != nullptr);
}

TEST_CASE("an archive with a manifest is compared with it, file by file", "[unpack]") {
    const std::string manifest = manifest_of({{"a.js", "one"}, {"b.js", "two"}});
    const auto with_manifest = [&] { return TarBuilder().file(".lectio-manifest", manifest); };
    struct Case {
        std::string bytes, words;
    };
    const std::vector<Case> cases{
        {with_manifest().file("a.js", "one").file("b.js", "two").done(), "accepted"},
        {with_manifest().file("a.js", "one").done(), "not as its manifest says: missing b.js"},
        {with_manifest().done(), "not as its manifest says: missing a.js, b.js"},
        {with_manifest().file("a.js", "one").file("b.js", "2wo").done(),
         "not as its manifest says: changed b.js"},
        {with_manifest().file("a.js", "one").file("b.js", "two").file("c.js").done(),
         "not as its manifest says: not listed there c.js"},
        {with_manifest().file("a.js", "one").link("b.js", "a.js").done(),
         "not as its manifest says: changed b.js"},
        {TarBuilder().file(".lectio-manifest", cut(manifest, 1)).file("a.js", "one").done(),
         "its manifest is damaged: unable to understand the manifest: line 4: end 2"},
    };
    for (const Case& one : cases) {
        Place place;
        const Result<Received> received = place.receive(one.bytes);
        INFO(refused(received));
        CHECK(refused(received).starts_with(one.words));
        CHECK((received && received->verified == (one.words == "accepted")));
        CHECK_FALSE(std::filesystem::exists(place.into() / k_manifest_name));
    }
}

TEST_CASE("what stalls is not waited for, and what is asked to stop stops", "[unpack]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]), writing(ends[1]);
    const std::string begun = gzipped(good().done()).substr(0, 50);
    REQUIRE(::write(writing.get(), begun.data(), begun.size()) == 50);
    SystemClock clock;

    Place stalled;
    const Result<Received> late = unpack(reading.get(), stalled.into(), ourselves(), {}, TopFolder::strip,
                                         clock, clock.steady() + Duration{300});
    REQUIRE_FALSE(late);
    CHECK(late.error().kind == ErrorKind::timeout);
    CHECK(stalled.untouched());

    Place stopped;
    request_stop_for_test(SIGTERM);
    const Result<Received> ended = unpack(reading.get(), stopped.into(), ourselves(), {}, TopFolder::strip,
                                          clock, clock.steady() + k_long);
    request_stop_for_test(0);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().kind == ErrorKind::timeout);
}

TEST_CASE("an archive comes through a pipe in pieces", "[unpack]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    const std::string large = noise(300'000);
    const std::string bytes = gzipped(good().file("./large", large).done());
    std::thread sender([&, writing = UniqueFd(ends[1])] {
        for (std::size_t at = 0; at < bytes.size(); at += 777) {
            const std::string piece = bytes.substr(at, 777);
            REQUIRE(::write(writing.get(), piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
        }
    });
    Place place;
    SystemClock clock;
    const Result<Received> received = unpack(reading.get(), place.into(), ourselves(), {}, TopFolder::strip,
                                             clock, clock.steady() + k_long);
    sender.join();
    REQUIRE(refused(received) == "accepted");
    CHECK(received->tree.find("large")->sha256 == sha256(large));
}

TEST_CASE("a disk without room or inodes is our trouble, not the archive's", "[unpack]") {
    TarBuilder many;
    for (int i = 0; i < 300; ++i) {
        many.file(fmt::format("{}", i), "");
    }
    const std::vector<std::pair<const char*, std::string>> cases{
        {"size=1m,nr_inodes=1000", TarBuilder().file("large", noise(2 << 20)).done()},
        {"size=9m,nr_inodes=100", many.done()},
    };
    for (const auto& [options, bytes] : cases) {
        Place place;
        const ScopedMount disk = ScopedMount::small(place.into(), options);
        if (!disk.mounted()) {
            return; // only root may, and not in every container
        }
        const Result<Received> received = place.receive(bytes);
        REQUIRE_FALSE(received);
        CHECK(received.error().kind == ErrorKind::no_space);
        CHECK(received.error().message.find("No space left on device") != std::string::npos);
    }
}

TEST_CASE("where it is unpacked must be an empty folder", "[unpack]") {
    Place place;
    spill(place.into() / "there", "x");
    CHECK(refused(place.receive(good().done())).find("the folder is not empty") != std::string::npos);
    std::filesystem::remove_all(place.into());
    CHECK(place.receive(good().done()).error().kind == ErrorKind::not_found);
    spill(place.into(), "a file");
    CHECK_FALSE(place.receive(good().done()));
}
