#include "checks/log_reader.h"
#include "support/temp_folder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <zlib.h>

using namespace lectio;
namespace fs = std::filesystem;

namespace {

void add(const Path& path, std::string_view text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

std::string text_of(const Path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// As gzip(1) does: the plain file is gone afterwards.
void pack(const Path& path, const Path& packed) {
    const std::string text = text_of(path);
    const gzFile file = gzopen(packed.c_str(), "wb");
    REQUIRE(file != nullptr);
    REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
    REQUIRE(gzclose(file) == Z_OK);
    fs::remove(path);
}

enum class Rotation { rename, copy_and_empty };

// As logrotate does: log.1 becomes log.2 and so on, up to nine; `packed`: what was log.1 is packed, or the new one at once.
void rotate(const Path& log, Rotation rotation, bool packed) {
    const auto name = [&](int number, const char* ending) {
        return Path(log.string() + fmt::format(".{}{}", number, ending));
    };
    for (int number = 9; number > 0; --number) {
        for (const char* ending : {"", ".gz"}) {
            if (fs::exists(name(number, ending))) {
                fs::rename(name(number, ending), name(number + 1, ending));
            }
        }
    }
    fs::remove(name(10, ""));
    fs::remove(name(10, ".gz"));
    if (rotation == Rotation::rename) {
        fs::rename(log, name(1, ""));
        spill(log, "");
    } else {
        fs::copy_file(log, name(1, ""));
        fs::resize_file(log, 0);
    }
    if (packed) {
        pack(name(1, ""), name(1, ".gz"));
    }
}

// Reads on like one run after another does.
class Reader {
  public:
    Reader(Path path, LogStart start, Bytes most = 64_MB)
        : m_path(std::move(path)), m_start(start), m_most(most) {}

    std::string next() {
        std::string taken;
        const Result<LogReading> reading =
            read_new_lines(m_files, m_path, m_position, m_start, m_most, [&](std::string_view lines) {
                taken += lines;
                return true;
            });
        if (reading) {
            m_position = position_from_text(position_to_text(reading->position)); // as through the state file
            m_reached = reading->reached;
            m_lost_track = reading->lost_track;
        } else {
            m_error = reading.error().kind;
        }
        return taken;
    }
    [[nodiscard]] LogReading::Reached reached() const { return m_reached; }
    [[nodiscard]] bool lost_track() const { return m_lost_track; }
    [[nodiscard]] std::optional<ErrorKind> error() const { return m_error; }

  private:
    SystemFiles m_files;
    Path m_path;
    LogStart m_start;
    Bytes m_most;
    std::optional<LogPosition> m_position;
    LogReading::Reached m_reached = LogReading::Reached::end;
    bool m_lost_track = false;
    std::optional<ErrorKind> m_error;
};

// A log in a folder of its own, and its reader, which begins at the start of it.
struct Log {
    explicit Log(std::string_view text, LogStart start = LogStart::begin, Bytes most = 64_MB)
        : reader(path, start, most) {
        spill(path, text);
    }
    void grow(std::string_view text) const { add(path, text); }
    void rewrite(std::string_view text) const { spill(path, text); } // in place
    void rename(const std::string& name) const { fs::rename(path, folder / name); }

    TempFolder folder;
    Path path = folder / "log";
    Reader reader;
};

// One of which all is read already.
struct ReadLog : Log {
    explicit ReadLog(std::string_view text) : Log(text) { REQUIRE(reader.next() == text); }
};

} // namespace

TEST_CASE("begun at the end, only what comes after is read, each complete line once") {
    Log log("old 1\nold 2\nhalf of", LogStart::end);
    CHECK(log.reader.next().empty());
    log.grow(" a line\nnew\npart");
    CHECK(log.reader.next() == "half of a line\nnew\n");
    CHECK(log.reader.next().empty());
    log.grow("ial\n");
    CHECK(log.reader.next() == "partial\n");
}

TEST_CASE("begun at the beginning, all is read") {
    Log log("1\n2\n");
    CHECK(log.reader.next() == "1\n2\n");
}

TEST_CASE("rotated by rename: the rest of the old file first, its unfinished last line included") {
    ReadLog log("1\n");
    log.grow("2\nlast");
    const std::string name = GENERATE("log.1", "log-20260122", "log.old");
    log.rename(name);
    log.rewrite("3\n");
    CHECK(log.reader.next() == "2\nlast3\n");
    CHECK(log.reader.next().empty());
}

TEST_CASE("rotated and not made again yet: missing, and nothing is lost") {
    ReadLog log("1\n");
    log.grow("2\n");
    log.rename("log.1");
    CHECK(log.reader.next().empty());
    CHECK(log.reader.error() == ErrorKind::not_found);
    log.rewrite("3\n");
    CHECK(log.reader.next() == "2\n3\n");
}

TEST_CASE("emptied in place, grown again beyond the old position or not") {
    ReadLog log("first line\nsecond line\n");
    SECTION("shorter than before") {
        log.rewrite("new\n");
        CHECK(log.reader.next() == "new\n");
    }
    SECTION("longer than before") {
        log.rewrite("another first line\nanother second line\nthird\n");
        CHECK(log.reader.next() == "another first line\nanother second line\nthird\n");
    }
    SECTION("empty") {
        log.rewrite("");
        CHECK(log.reader.next().empty());
        log.grow("x\n");
        CHECK(log.reader.next() == "x\n");
    }
}

TEST_CASE("copied and emptied (copytruncate): the rest is read from the copy") {
    ReadLog log("2026-01-22 10:00:00 the first line of this log\n");
    log.grow("unread\n");
    fs::copy_file(log.path, log.folder / "log.1");
    log.rewrite("after\n");
    CHECK(log.reader.next() == "unread\nafter\n");
}

TEST_CASE("the old file is gone for good: read from the start of the new one") {
    ReadLog log("1\n");
    fs::remove(log.path);
    log.rewrite("2\n"); // most likely under the same inode number
    CHECK(log.reader.next() == "2\n");
}

TEST_CASE("a lot at once is read in parts, over several runs, in the old file as well") {
    std::string all;
    for (int i = 0; all.size() < (5_MB).count; ++i) {
        all += fmt::format("line {}\n", i);
    }
    Log log("begin\n", LogStart::begin, 2_MB);
    CHECK(log.reader.next() == "begin\n");
    log.grow(all);
    log.rename("log.1");
    log.rewrite("end\n");
    std::string taken = log.reader.next();
    CHECK(log.reader.reached() == LogReading::Reached::limit);
    CHECK(taken.size() < (4_MB).count);
    while (log.reader.reached() == LogReading::Reached::limit) {
        taken += log.reader.next();
    }
    CHECK(taken == all + "end\n");
}

TEST_CASE("a line without end does not fill the memory") {
    Log log(std::string((3_MB).count + 5, 'x'));
    CHECK(log.reader.next().size() == (3_MB).count);
}

TEST_CASE("what is no log is an error, not a hang") {
    Log log("");
    fs::remove(log.path);
    fs::create_directory(log.path);
    log.reader.next();
    CHECK(log.reader.error() == ErrorKind::invalid);
}

TEST_CASE("positions that nobody wrote are none") {
    for (const char* text : {"", "1 2 3", "1 2 3 x", "1 2 3 4 5", "1 2 -3 4", "1 10 11 4", "1 9999 513 4"}) {
        CAPTURE(text);
        CHECK_FALSE(position_from_text(text));
    }
}

TEST_CASE("rotated twice between two runs: what was in the middle is read, too") {
    const std::string name = GENERATE("number", "date");
    CAPTURE(name);
    const std::string first = name == "number" ? "log.2" : "log-20260120";
    const std::string second = name == "number" ? "log.1" : "log-20260121";
    ReadLog log("begun long before with a head of its own\n");
    log.grow("rest of the first\n");
    log.rename(first);
    spill(log.path, "second\n");
    log.rename(second);
    spill(log.path, "third\n");
    spill(log.folder / "log.bak", "a copy that somebody made\n");
    CHECK(log.reader.next() == "rest of the first\nsecond\nthird\n");
    CHECK_FALSE(log.reader.lost_track());
    CHECK(log.reader.next().empty());
}

TEST_CASE("rotated and packed at once: the rest is read from the packed file") {
    ReadLog log("begun long before with a head of its own\n");
    log.grow("rest of the first\n");
    pack(log.path, log.folder / "log.2.gz");
    spill(log.path, "second\nwithout an end");
    pack(log.path, log.folder / "log.1.gz");
    spill(log.path, "third\n");
    SECTION("whole") {
        CHECK(log.reader.next() == "rest of the first\nsecond\nwithout an endthird\n");
        CHECK_FALSE(log.reader.lost_track());
    }
    SECTION("while it is being packed, the plain one counts") {
        spill(log.folder / "log.1", "second\nwithout an end");
        fs::resize_file(log.folder / "log.1.gz", 12);
        CHECK(log.reader.next() == "rest of the first\nsecond\nwithout an endthird\n");
    }
    SECTION("damaged: the rest is not held up") {
        spill(log.folder / "log.1.gz", "\x1f\x8b nothing of the kind");
        CHECK(log.reader.next() == "rest of the first\nthird\n");
        CHECK(log.reader.lost_track());
    }
    CHECK(log.reader.next().empty());
}

TEST_CASE("a packed file is read in parts, too") {
    Log log("", LogStart::begin, 100_B);
    std::string all = "a head that is long enough to be known again\n";
    log.grow(all);
    CHECK(log.reader.next() == all);
    std::string rest;
    for (int i = 0; i < 200'000; ++i) {
        rest += fmt::format("line {}\n", i);
    }
    log.grow(rest);
    pack(log.path, log.folder / "log.1.gz");
    spill(log.path, "new\n");
    std::string seen;
    for (int runs = 0; runs < 100 && seen != rest + "new\n"; ++runs) {
        seen += log.reader.next();
    }
    CHECK(seen == rest + "new\n");
}

TEST_CASE("where the old file is gone, that is said") {
    ReadLog log("begun long before with a head of its own\n");
    log.grow("nobody will read this\n");
    fs::remove(log.path);
    spill(log.path, "new\n");
    CHECK(log.reader.next() == "new\n");
    CHECK(log.reader.lost_track());
    CHECK(log.reader.next().empty());
    CHECK_FALSE(log.reader.lost_track());
}

TEST_CASE("an empty log is not one that was emptied") {
    ReadLog log("");
    for (int run = 0; run < 3; ++run) {
        CHECK(log.reader.next().empty());
        CHECK_FALSE(log.reader.lost_track());
    }
    log.grow("first\n");
    CHECK(log.reader.next() == "first\n");
    CHECK_FALSE(log.reader.lost_track());
}

TEST_CASE("whatever happens to a log, each line is read exactly once") {
    const unsigned histories = LECTIO_COUNT_LOG_HISTORIES / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    const unsigned seed = GENERATE_COPY(range(0U, histories));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    const TempFolder root;
    const Path log = root / "log";
    spill(log, "");
    Reader reader(log, LogStart::begin);
    std::string written; // since the last run, of what is to be read
    std::string partial; // of it, the unfinished line at the end
    int line = 0;
    std::size_t in_file = 0;
    std::size_t read_of_file = 0; // enough of it and its copies are known again
    bool rotated = false;         // since the last run: then only the first of them had to be known again
    for (int step = 0; step < 120; ++step) {
        if (chance(4)) {
            const std::string expected = written.substr(0, written.size() - partial.size());
            REQUIRE(reader.next() == expected);
            written = partial;
            read_of_file = in_file - partial.size();
            rotated = false;
        } else if (chance(10) && (rotated || read_of_file >= 32)) {
            // As often as chance has it between two runs. A rotated file's last line is finished, whether it looks so or not.
            rotate(log, chance(2) ? Rotation::rename : Rotation::copy_and_empty, chance(2));
            partial.clear();
            in_file = 0;
            rotated = true;
        } else {
            std::string text = fmt::format("{}{}", ++line, std::string(random() % 50, 'x'));
            const bool whole = !chance(4);
            text += whole ? "\n" : "";
            add(log, text);
            written += text;
            partial = whole ? "" : partial + text;
            in_file += text.size();
        }
    }
}

TEST_CASE("of more archives than are looked at the newest are") {
    Log log("begin of the log, long enough to tell it\n");
    for (int day = 1; day <= 300; ++day) {
        spill(log.folder / fmt::format("log-2025{:04}", day), "old\n");
    }
    CHECK(log.reader.next() == "begin of the log, long enough to tell it\n");
    log.grow("before the rotation\n");
    const std::string name = GENERATE("log-20260122", "log.1", "log.old");
    log.rename(name);
    log.rewrite("new\n");
    CHECK(log.reader.next() == "before the rotation\nnew\n");
    CHECK_FALSE(log.reader.lost_track());
}

TEST_CASE("a packed log without its end: what can be read is, and that something is lost is told") {
    ReadLog log("the first line of the log, long enough to tell it\n");
    std::mt19937 random(1); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    std::string lines;
    for (int i = 0; i < 20'000; ++i) {
        lines += fmt::format("line {} {}\n", i, random());
    }
    log.grow(lines);
    pack(log.path, log.folder / "log.1.gz");
    fs::resize_file(log.folder / "log.1.gz", fs::file_size(log.folder / "log.1.gz") / 2);
    log.rewrite("new\n");
    const std::string read = log.reader.next();
    CHECK(read.size() > 1000);
    CHECK(read.size() < lines.size());
    CHECK(read.ends_with("\nnew\n"));
    CHECK(log.reader.lost_track());
}
