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

} // namespace

TEST_CASE("begun at the end, only what comes after is read, each complete line once") {
    const TempFolder root;
    spill(root / "log", "old 1\nold 2\nhalf of");
    Reader reader(root / "log", LogStart::end);
    CHECK(reader.next().empty());
    add(root / "log", " a line\nnew\npart");
    CHECK(reader.next() == "half of a line\nnew\n");
    CHECK(reader.next().empty());
    add(root / "log", "ial\n");
    CHECK(reader.next() == "partial\n");
}

TEST_CASE("begun at the beginning, all is read") {
    const TempFolder root;
    spill(root / "log", "1\n2\n");
    CHECK(Reader(root / "log", LogStart::begin).next() == "1\n2\n");
}

TEST_CASE("rotated by rename: the rest of the old file first, its unfinished last line included") {
    const TempFolder root;
    spill(root / "log", "1\n");
    Reader reader(root / "log", LogStart::begin);
    CHECK(reader.next() == "1\n");
    add(root / "log", "2\nlast");
    const std::string name = GENERATE("log.1", "log-20260122", "log.old");
    fs::rename(root / "log", root / name);
    spill(root / "log", "3\n");
    CHECK(reader.next() == "2\nlast3\n");
    CHECK(reader.next().empty());
}

TEST_CASE("rotated and not made again yet: missing, and nothing is lost") {
    const TempFolder root;
    spill(root / "log", "1\n");
    Reader reader(root / "log", LogStart::begin);
    reader.next();
    add(root / "log", "2\n");
    fs::rename(root / "log", root / "log.1");
    CHECK(reader.next().empty());
    CHECK(reader.error() == ErrorKind::not_found);
    spill(root / "log", "3\n");
    CHECK(reader.next() == "2\n3\n");
}

TEST_CASE("emptied in place, grown again beyond the old position or not") {
    const TempFolder root;
    spill(root / "log", "first line\nsecond line\n");
    Reader reader(root / "log", LogStart::begin);
    reader.next();
    SECTION("shorter than before") {
        spill(root / "log", "new\n");
        CHECK(reader.next() == "new\n");
    }
    SECTION("longer than before") {
        spill(root / "log", "another first line\nanother second line\nthird\n");
        CHECK(reader.next() == "another first line\nanother second line\nthird\n");
    }
    SECTION("empty") {
        spill(root / "log", "");
        CHECK(reader.next().empty());
        add(root / "log", "x\n");
        CHECK(reader.next() == "x\n");
    }
}

TEST_CASE("copied and emptied (copytruncate): the rest is read from the copy") {
    const TempFolder root;
    spill(root / "log", "2026-01-22 10:00:00 the first line of this log\n");
    Reader reader(root / "log", LogStart::begin);
    reader.next();
    add(root / "log", "unread\n");
    fs::copy_file(root / "log", root / "log.1");
    spill(root / "log", "after\n");
    CHECK(reader.next() == "unread\nafter\n");
}

TEST_CASE("the old file is gone for good: read from the start of the new one") {
    const TempFolder root;
    spill(root / "log", "1\n");
    Reader reader(root / "log", LogStart::begin);
    reader.next();
    fs::remove(root / "log");
    spill(root / "log", "2\n"); // most likely under the same inode number
    CHECK(reader.next() == "2\n");
}

TEST_CASE("a lot at once is read in parts, over several runs, in the old file as well") {
    const TempFolder root;
    std::string all;
    for (int i = 0; all.size() < (5_MB).count; ++i) {
        all += fmt::format("line {}\n", i);
    }
    spill(root / "log", "begin\n");
    Reader reader(root / "log", LogStart::begin, 2_MB);
    CHECK(reader.next() == "begin\n");
    add(root / "log", all);
    fs::rename(root / "log", root / "log.1");
    spill(root / "log", "end\n");
    std::string taken = reader.next();
    CHECK(reader.reached() == LogReading::Reached::limit);
    CHECK(taken.size() < (4_MB).count);
    while (reader.reached() == LogReading::Reached::limit) {
        taken += reader.next();
    }
    CHECK(taken == all + "end\n");
}

TEST_CASE("a line without end does not fill the memory") {
    const TempFolder root;
    spill(root / "log", std::string((3_MB).count + 5, 'x'));
    Reader reader(root / "log", LogStart::begin);
    CHECK(reader.next().size() == (3_MB).count);
}

TEST_CASE("what is no log is an error, not a hang") {
    const TempFolder root;
    fs::create_directory(root / "log");
    Reader reader(root / "log", LogStart::begin);
    reader.next();
    CHECK(reader.error() == ErrorKind::invalid);
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
