#include "checks/log_reader.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
namespace fs = std::filesystem;

namespace {

void add(const Path& path, std::string_view text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
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
        } else {
            m_error = reading.error().kind;
        }
        return taken;
    }
    [[nodiscard]] LogReading::Reached reached() const { return m_reached; }
    [[nodiscard]] std::optional<ErrorKind> error() const { return m_error; }

  private:
    SystemFiles m_files;
    Path m_path;
    LogStart m_start;
    Bytes m_most;
    std::optional<LogPosition> m_position;
    LogReading::Reached m_reached = LogReading::Reached::end;
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

TEST_CASE("whatever happens to a log, each line is read exactly once") {
    const unsigned seed = GENERATE(range(0U, 60U));
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
    bool rotated = false; // at most once between two runs, as logrotate does
    std::size_t in_file = 0;
    for (int step = 0; step < 120; ++step) {
        if (chance(4)) {
            const std::string expected = written.substr(0, written.size() - partial.size());
            REQUIRE(reader.next() == expected);
            written = partial;
            rotated = false;
        } else if (chance(10) && !rotated && in_file > 64 && written.size() < in_file - 32) {
            // A rotated file's last line is finished, whether it looks so or not.
            fs::remove(root / "log.2");
            if (fs::exists(root / "log.1")) {
                fs::rename(root / "log.1", root / "log.2");
            }
            if (chance(2)) {
                fs::rename(log, root / "log.1");
                spill(log, "");
            } else {
                fs::copy_file(log, root / "log.1");
                fs::resize_file(log, 0);
            }
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
