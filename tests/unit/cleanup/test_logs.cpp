#include "checks/log_reader.h"
#include "cleanup/logs.h"
#include "config/config.h"
#include "pipeline/tool_state.h"
#include "platform/cut_mark.h"
#include "platform/gzip.h"
#include "platform/users.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"
#include "util/text.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace lectio::cleanup;
using namespace std::chrono_literals;

namespace {

std::string line(int number) {
    return fmt::format("2026-11-23 10:00:00.{:06} worker says something of line {}\n", number, number);
}
std::string lines(int first, int last) {
    std::string all;
    for (int i = first; i <= last; ++i) {
        all += line(i);
    }
    return all;
}
void grow(const Path& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text;
}

struct Place {
    BareWorld bare;
    TempFolder folder;
    Config config;
    Path log = folder / "site.log";
    OpenFiles open;

    Place() {
        config.paths.state = folder / "state";
        config.paths.run = folder / "run";
        config.cleanup.keep_lines = 100;
        bare.clock.jump_wall(SystemClock().now().wall - bare.clock.now().wall);
    }
    std::vector<cleanup::Deed> clean(LogRule::Action action, Sweep::Effect effect = Sweep::Effect::real) {
        LogRule rule;
        rule.files = (folder.path() / "*.log").string();
        rule.size = 1000_B;
        rule.action = action;
        Sweep sweep{bare.world, config, effect, [] { return true; }};
        clean_logs(rule, open, Untouchable(config), sweep);
        return sweep.deeds;
    }
};

class Reader {
  public:
    explicit Reader(Path path) : m_path(std::move(path)) {}
    std::string next() {
        std::string taken;
        const Result<LogReading> reading =
            read_new_lines(m_files, m_path, m_position, LogStart::begin, 64_MB, [&](std::string_view text) {
                taken += text;
                return true;
            });
        REQUIRE(reading);
        m_position = reading->position;
        m_lost_track = reading->lost_track;
        return taken;
    }
    [[nodiscard]] bool lost_track() const { return m_lost_track; }

  private:
    SystemFiles m_files;
    Path m_path;
    std::optional<LogPosition> m_position;
    bool m_lost_track = false;
};

} // namespace

TEST_CASE("logs: a mark is read as it was written, and nothing else is one", "[logs]") {
    const CutMark mark{123456, 512, 0xFFFFFFFFFFFFFFFFULL};
    const std::string text = line_of(mark);
    REQUIRE(mark_at_beginning(text + "more"));
    CHECK(mark_at_beginning(text + "more")->mark == mark);
    CHECK(mark_at_beginning(text)->length == text.size());
    CHECK(text.size() < k_longest_mark.count);
    CHECK(!mark_at_beginning(" " + text));
    CHECK(!mark_at_beginning(text.substr(0, text.size() - 1)));
    CHECK(!mark_at_beginning("[lectio-cleanup] cut here: x bytes above, head 1 2\n"));
    CHECK(!mark_at_beginning("[lectio-cleanup] cut here: 1 bytes above, head 1\n"));
    CHECK(!mark_at_beginning(""));
}

TEST_CASE("logs: the last lines stay in the same file, whole, behind a mark", "[logs]") {
    Place place;
    spill(place.log, lines(1, 1000));
    const ino_t inode = place.bare.files.info(place.log, Files::Follow::no)->inode;
    const std::vector<cleanup::Deed> shown = place.clean(LogRule::Action::truncate, Sweep::Effect::none);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].end == cleanup::Deed::End::shown);
    CHECK(slurp(place.log) == lines(1, 1000));
    const std::vector<cleanup::Deed> done = place.clean(LogRule::Action::truncate);
    REQUIRE(done.size() == 1);
    CHECK(done[0].end == cleanup::Deed::End::done);
    CHECK(done[0].freed > 40000_B);
    const std::string text = slurp(place.log);
    const std::optional<FoundMark> mark = mark_at_beginning(text);
    REQUIRE(mark);
    CHECK(text.substr(mark->length) == lines(901, 1000));
    CHECK(mark->mark.removed == lines(1, 900).size());
    CHECK(place.bare.files.info(place.log, Files::Follow::no)->inode == inode);
    CHECK(place.clean(LogRule::Action::truncate).empty()); // less than half would go
    CHECK(slurp(place.log) == text);
}

TEST_CASE("logs: who reads the log on misses no line and gets none twice", "[logs]") {
    std::mt19937 random(7);
    const auto pick = [&](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
    for (int history = 0; history < 30; ++history) {
        INFO("history " << history);
        Place place;
        spill(place.log, "");
        Reader reader(place.log);
        std::string taken;
        int written = 0;
        bool is_read = true;
        for (int step = 0; step < 30; ++step) {
            if (const int what = pick(4); what < 2) {
                const int more = 1 + pick(600);
                grow(place.log, lines(written + 1, written + more));
                written += more;
                is_read = false;
            } else if (what == 2 || !is_read) {
                taken += reader.next();
                CHECK(!reader.lost_track());
                is_read = true;
            } else {
                place.clean(LogRule::Action::truncate); // all was read, or it is cut elsewhere (below)
            }
        }
        taken += reader.next();
        REQUIRE(taken == lines(1, written));
    }
}

TEST_CASE("logs: what a log check has not read yet stays, however many lines that is", "[logs]") {
    Place place;
    spill(place.log, lines(1, 1000));
    ToolState state;
    state.finished = place.bare.clock.now();
    CheckState& check = state.judge.checks["errors"];
    check.type = "log";
    const FileInfo info = *place.bare.files.info(place.log, Files::Follow::no);
    check.memory[k_log_position] = position_to_text({info.inode, lines(1, 700).size(), 0, 0});
    const auto save = [&] {
        StateKeeper keeper(place.bare.files, place.config.paths.state / "deepcheck",
                           place.config.paths.run / "deepcheck-state", place.folder / "memory",
                           effective_user());
        CHECK(!keeper.save(state).problem);
    };
    const auto kept = [&] {
        place.clean(LogRule::Action::truncate);
        const std::string text = slurp(place.log);
        return text.substr(mark_at_beginning(text).value().length);
    };
    SECTION("while the tool runs") {
        save();
        CHECK(kept() == lines(701, 1000));
    }
    SECTION("not for a tool that has not run for days") {
        state.finished->wall -= 24h * 3;
        state.finished->boot_id.clear();
        save();
        CHECK(kept() == lines(901, 1000));
    }
}

TEST_CASE("logs: packed beside it is read on there", "[logs]") {
    Place place;
    spill(place.log, lines(1, 500));
    Reader reader(place.log);
    CHECK(reader.next() == lines(1, 500));
    grow(place.log, lines(501, 700));
    ::chmod(place.log.c_str(), 0640);
    const std::vector<cleanup::Deed> done = place.clean(LogRule::Action::compress);
    REQUIRE(done.size() == 1);
    CHECK(done[0].end == cleanup::Deed::End::done);
    CHECK(done[0].freed > 20000_B);
    CHECK(slurp(place.log).empty());
    std::vector<std::string> names = *place.bare.files.list(place.folder.path());
    REQUIRE(names.size() == 2);
    const Path packed = place.folder.path() / names[1];
    CHECK(done[0].words.en == "packed as " + names[1]);
    CHECK(place.bare.files.info(packed, Files::Follow::no)->mode == 0640);
    std::string text;
    REQUIRE(read_gzip(place.bare.files, packed, [&](std::string_view piece) {
        text += piece;
        return true;
    }));
    CHECK(text == lines(1, 700));
    grow(place.log, lines(701, 710));
    CHECK(reader.next() == lines(501, 710));
    CHECK(!reader.lost_track());
}

TEST_CASE("logs: what could be somebody else's is left", "[logs]") {
    Place place;
    spill(place.log, lines(1, 1000));
    SECTION("another name of a file") {
        std::filesystem::create_hard_link(place.log, place.folder / "elsewhere");
        for (const auto action : {LogRule::Action::truncate, LogRule::Action::compress}) {
            REQUIRE(place.clean(action).size() == 1);
            CHECK(place.clean(action)[0].end == cleanup::Deed::End::left);
        }
    }
    SECTION("written to without O_APPEND") {
        struct stat status {};
        REQUIRE(::stat(place.log.c_str(), &status) == 0);
        place.open = OpenFiles({{{status.st_dev, status.st_ino}, {812, "sh", true}}});
        CHECK(place.clean(LogRule::Action::truncate)[0].words.en.find(
                  "sh (812) writes to it without O_APPEND") == 0);
    }
    SECTION("a link") {
        std::filesystem::rename(place.log, place.folder / "elsewhere");
        std::filesystem::create_symlink(place.folder / "elsewhere", place.log);
        CHECK(place.clean(LogRule::Action::truncate).empty());
        CHECK(slurp(place.folder / "elsewhere") == lines(1, 1000));
    }
    SECTION("open, where it would be deleted") {
        struct stat status {};
        REQUIRE(::stat(place.log.c_str(), &status) == 0);
        place.open = OpenFiles({{{status.st_dev, status.st_ino}, {812, "nginx", false}}});
        CHECK(place.clean(LogRule::Action::remove)[0].words.en == "in use by nginx (812)");
        place.open = OpenFiles{};
        CHECK(place.clean(LogRule::Action::remove)[0].end == cleanup::Deed::End::done);
        CHECK(!std::filesystem::exists(place.log));
        return;
    }
    if (std::filesystem::exists(place.log)) {
        CHECK(slurp(place.log) == lines(1, 1000));
    }
}

TEST_CASE("logs: older and size must both be so", "[logs]") {
    const WallTime now{24h * 1000};
    MatchedFile log;
    log.type = FileInfo::Type::regular;
    log.modified = now - 24h * 8;
    log.size = 200_MB;
    LogRule rule;
    rule.older = 24h * 7;
    CHECK(is_meant(log, rule, now));
    rule.size = 100_MB;
    CHECK(is_meant(log, rule, now));
    log.size = 100_MB;
    CHECK(!is_meant(log, rule, now));
    log.size = 200_MB;
    log.modified = now - 24h * 6;
    CHECK(!is_meant(log, rule, now));
    rule.older.reset();
    CHECK(is_meant(log, rule, now));
    log.type = FileInfo::Type::folder;
    CHECK(!is_meant(log, rule, now));
}

TEST_CASE("logs: a file without lines keeps its end", "[logs]") {
    Place place;
    spill(place.log, std::string(70 << 20, 'x'));
    REQUIRE(place.clean(LogRule::Action::truncate).size() == 1);
    CHECK(std::filesystem::file_size(place.log) < 100000);
    spill(place.log, lines(1, 1000));
    place.config.cleanup.keep_lines = 0;
    REQUIRE(place.clean(LogRule::Action::truncate).size() == 1);
    CHECK(mark_at_beginning(slurp(place.log))->length == std::filesystem::file_size(place.log));
}
