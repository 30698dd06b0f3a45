#include "pipeline/tool_state.h"
#include "platform/users.h"
#include "support/fake_clock.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <cerrno>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

ToolState state_of_run(std::uint64_t run) {
    FakeClock clock;
    ToolState state;
    state.judge.epoch = "abcdef";
    state.judge.run = run;
    state.judge.last_run = clock.now();
    state.finished = clock.now();
    Message news;
    news.title = "🚨 site";
    news.time = clock.now().wall;
    news.run = {"abcdef", run};
    state.pending = {{"errors", news}, {"chat-2", news}};
    state.recovery.roots["site"] = {2, clock.now(), true};
    state.history = {3, {"locked", "занято"}, {"cut", "обрезан"}};
    return state;
}

StateKeeper keeper(Files& files, const TempFolder& folder) {
    return {files, folder / "state/health", folder / "run/health-state", folder / "shm", effective_user()};
}

StateKeeper::Loaded load(Files& files, const TempFolder& folder) {
    StateKeeper again = keeper(files, folder);
    return again.load(FakeClock().now().wall, StateFile::Access::owner);
}

std::uint64_t loaded_run(Files& files, const TempFolder& folder) {
    return load(files, folder).state.judge.run;
}

void save_run(Files& files, const TempFolder& folder, std::uint64_t run) {
    StateKeeper saver = keeper(files, folder);
    saver.load(FakeClock().now().wall, StateFile::Access::owner);
    saver.save(state_of_run(run));
}

} // namespace

TEST_CASE("what a run remembers comes back whole") {
    std::vector<Text> dropped;
    const ToolState before = state_of_run(7);
    const ToolState after = tool_state_from_json(to_json(before), dropped);
    CHECK(dropped.empty());
    CHECK(after.judge.run == 7);
    CHECK(after.finished == before.finished);
    CHECK(after.recovery == before.recovery);
    CHECK(after.history == before.history);
    CHECK(after.pending == before.pending);
}

TEST_CASE("of news that waits to be stored the newest is kept, and nonsense dropped with a word") {
    ToolState state = state_of_run(7);
    const Outgoing one = state.pending.front();
    state.pending.assign(ToolState::k_most_pending + 5, one);
    state.pending.back().channel = "last";
    std::vector<Text> dropped;
    const ToolState after = tool_state_from_json(to_json(state), dropped);
    CHECK(after.pending.size() == ToolState::k_most_pending);
    CHECK(after.pending.back().channel == "last");
    CHECK(dropped.empty());
    const ToolState odd = tool_state_from_json(
        R"({"pending":[{"channel":"../../etc","message":{}},{"channel":"a","message":7},5]})", dropped);
    CHECK(odd.pending.empty());
    CHECK(dropped.size() == 1);
}

TEST_CASE("nonsense is begun afresh, with a word") {
    for (const char* nonsense : {"[]", "{", "\"x\"", "null"}) {
        std::vector<Text> dropped;
        CHECK(tool_state_from_json(nonsense, dropped).judge.run == 0);
        CHECK(dropped.size() == 1);
    }
    std::vector<Text> dropped;
    CHECK_FALSE(tool_state_from_json(R"({"finished":{"wall_ms":"x"}})", dropped).finished.has_value());
}

TEST_CASE("a state folder that cannot be written does not make the watcher forget") {
    // Everything under state/ refuses; the run folder is another file system.
    TempFolder folder;
    FaultyFiles files(folder.path());
    save_run(files, folder, 1);
    files.fail_writing(ENOSPC, folder / "state");

    StateKeeper saver = keeper(files, folder);
    saver.load(FakeClock().now().wall, StateFile::Access::owner);
    const StateKeeper::SaveResult saved = saver.save(state_of_run(2));
    CHECK(saved.where == StateKeeper::Saved::stopgap);
    CHECK(saved.problem->kind == ErrorKind::no_space);
    CHECK(load(files, folder).state.judge.run == 2);
    CHECK(load(files, folder).stopgap == folder / "run/health-state");

    // Home works again: the stopgap is emptied, so that a home begun afresh later is not overruled by it.
    files.heal();
    save_run(files, folder, 3);
    CHECK(load(files, folder).state.judge.run == 3);
    CHECK(load(files, folder).stopgap.empty());
    CHECK(std::filesystem::is_empty(folder / "run/health-state"));
}

TEST_CASE("state and run folder on one disk that refuses: there is the memory of the host") {
    for (const int error : {EROFS, ENOSPC}) {
        CAPTURE(error);
        TempFolder folder;
        std::filesystem::create_directory(folder / "shm");
        FaultyFiles files(folder.path());
        save_run(files, folder, 1);
        for (const std::uint64_t run : {std::uint64_t{2}, std::uint64_t{3}}) {
            files.fail_writing(error, folder / "state");
            // The run folder is one of a disk that is made to refuse, too: what is a file cannot be a folder.
            std::filesystem::remove_all(folder / "run");
            spill(folder / "run", "");
            save_run(files, folder, run);
            CHECK(load(files, folder).state.judge.run == run);
            CHECK(load(files, folder).stopgap.parent_path() == folder / "shm");
        }
        files.heal();
        save_run(files, folder, 4);
        CHECK(load(files, folder).state.judge.run == 4);
        CHECK(load(files, folder).stopgap.empty());
    }
}

TEST_CASE("nobody plants a memory for us") {
    TempFolder folder;
    std::filesystem::create_directory(folder / "shm");
    SystemFiles files;
    spill(folder / "state", ""); // files where folders ought to be: neither can be written
    spill(folder / "run", "");
    save_run(files, folder, 5);
    const Path ours = load(files, folder).stopgap;
    REQUIRE(ours.parent_path() == folder / "shm");

    SECTION("a folder that others may write to") {
        std::filesystem::permissions(ours, std::filesystem::perms::others_write,
                                     std::filesystem::perm_options::add);
    }
    SECTION("a link") {
        std::filesystem::rename(ours, folder / "elsewhere");
        std::filesystem::create_directory_symlink(folder / "elsewhere", ours);
    }
    CHECK(load(files, folder).state.judge.run == 0);
    StateKeeper saver = keeper(files, folder);
    saver.load(FakeClock().now().wall, StateFile::Access::owner);
    CHECK(saver.save(state_of_run(6)).where == StateKeeper::Saved::nowhere);
}

TEST_CASE("a host without /dev/shm is not given one") {
    TempFolder folder;
    SystemFiles files;
    spill(folder / "state", "");
    spill(folder / "run", "");
    StateKeeper saver = keeper(files, folder);
    CHECK(saver.save(state_of_run(1)).where == StateKeeper::Saved::nowhere);
    CHECK_FALSE(std::filesystem::exists(folder / "shm"));
}

TEST_CASE("killed or without power at any step of saving: the old or the new state, whole") {
    for (const bool power : {false, true}) {
        for (std::size_t step = 1;; ++step) {
            TempFolder folder;
            SystemFiles real;
            save_run(real, folder, 1);
            bool died = false;
            {
                FaultyFiles files(folder.path());
                files.crash_at(step);
                died = stopped_by_crash([&] { save_run(files, folder, 2); });
                if (power) {
                    files.power_cut();
                }
            }
            CAPTURE(step, power);
            const std::uint64_t run = loaded_run(real, folder);
            if (!died) {
                CHECK(run == 2);
                break;
            }
            CHECK((run == 1 || run == 2));
        }
    }
}
