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
    state.recovery.roots["site"] = {2, clock.now(), true};
    return state;
}

StateKeeper keeper(Files& files, const TempFolder& folder) {
    return {files, folder / "state/health", folder / "run/health-state", effective_user()};
}

std::uint64_t loaded_run(Files& files, const TempFolder& folder) {
    StateKeeper again = keeper(files, folder);
    return again.load(FakeClock().now().wall, StateFile::Access::owner).state.judge.run;
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
    TempFolder folder;
    {
        SystemFiles files;
        save_run(files, folder, 1);
    }
    // Everything under state/ refuses; the run folder is another file system.
    class HomeRefuses final : public Files {
      public:
        HomeRefuses(Files& real, Path home) : m_real(real), m_home(std::move(home)) {}
        Result<std::string> read(const Path& path, Bytes limit) override { return m_real.read(path, limit); }
        Result<std::string> read_from(const Path& path, Bytes offset, Bytes limit) override {
            return m_real.read_from(path, offset, limit);
        }
        Result<FileInfo> info(const Path& path, Follow follow) override { return m_real.info(path, follow); }
        Result<std::vector<std::string>> list(const Path& path) override { return m_real.list(path); }
        Result<void> create_synced(const Path& path, std::string_view content, mode_t mode) override {
            return refused(path) ? Result<void>(full()) : m_real.create_synced(path, content, mode);
        }
        Result<void> rename(const Path& from, const Path& to) override {
            return refused(to) ? Result<void>(full()) : m_real.rename(from, to);
        }
        Result<void> sync_folder(const Path& path) override { return m_real.sync_folder(path); }
        Result<void> append(const Path& path, std::string_view content, mode_t mode) override {
            return refused(path) ? Result<void>(full()) : m_real.append(path, content, mode);
        }
        Result<void> remove(const Path& path) override { return m_real.remove(path); }
        Result<void> make_folders(const Path& path, mode_t mode) override {
            return m_real.make_folders(path, mode);
        }
        Result<void> link(const Path& from, const Path& to) override {
            return refused(to) ? Result<void>(full()) : m_real.link(from, to);
        }
        Result<Lock> lock(const Path& path, std::string_view tool, WallTime now) override {
            return m_real.lock(path, tool, now);
        }

      private:
        [[nodiscard]] bool refused(const Path& path) const {
            return path.string().starts_with(m_home.string());
        }
        static Error full() { return errno_error("write", ENOSPC); }
        Files& m_real;
        Path m_home;
    };
    SystemFiles real;
    HomeRefuses refusing(real, folder / "state");

    StateKeeper saver = keeper(refusing, folder);
    saver.load(FakeClock().now().wall, StateFile::Access::owner);
    const StateKeeper::SaveResult saved = saver.save(state_of_run(2));
    CHECK(saved.where == StateKeeper::Saved::stopgap);
    CHECK(saved.problem->kind == ErrorKind::no_space);

    StateKeeper next = keeper(refusing, folder);
    const StateKeeper::Loaded loaded = next.load(FakeClock().now().wall, StateFile::Access::owner);
    CHECK(loaded.state.judge.run == 2);
    CHECK(loaded.from_stopgap);

    // Home works again: the stopgap, now older, is not looked at any more.
    save_run(real, folder, 3);
    StateKeeper healed = keeper(real, folder);
    const StateKeeper::Loaded home = healed.load(FakeClock().now().wall, StateFile::Access::owner);
    CHECK(home.state.judge.run == 3);
    CHECK_FALSE(home.from_stopgap);
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
