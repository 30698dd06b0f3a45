#include "store/state_file.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr int k_schema = 3;
const WallTime k_now{std::chrono::seconds(1'769'076'000)}; // 2026-01-22T10:00:00Z
using Access = StateFile::Access;

StateFile state_in(Files& files, const TempFolder& root) {
    return {files, root / "health", k_schema, ::geteuid()};
}

std::vector<std::string> names_in(const Path& folder) {
    return SystemFiles().list(folder).value_or({});
}

// A tool that has run twice: current says 2, previous says 1.
void run_twice(Files& files, const TempFolder& root) {
    StateFile state = state_in(files, root);
    state.load(k_now, Access::owner);
    REQUIRE(state.save(R"({"n":1})"));
    REQUIRE(state.save(R"({"n":2})"));
}

constexpr const char* k_first = R"({"schema":3,"n":1})";
constexpr const char* k_second = R"({"schema":3,"n":2})";

} // namespace

TEST_CASE("the first run has no state and no trouble") {
    const TempFolder root;
    SystemFiles files;
    const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
    CHECK(loaded.text.empty());
    CHECK(loaded.trouble.empty());
}

TEST_CASE("what was saved is loaded, private, and the one before is kept") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
    CHECK(loaded.text == k_second);
    CHECK(loaded.schema == 3);
    CHECK(loaded.trouble.empty());
    CHECK(slurp(root / "health/state.prev.json") == k_first);
    CHECK(files.info(root / "health", Files::Follow::no)->mode == 0700);
    CHECK(files.info(root / "health/state.json", Files::Follow::no)->mode == 0600);
    CHECK(names_in(root / "health") == std::vector<std::string>{"state.json", "state.prev.json"});
}

TEST_CASE("the folder that all tools share is private too") {
    const TempFolder root;
    SystemFiles files;
    REQUIRE(StateFile(files, root / "state/health", k_schema, ::geteuid()).save(R"({"n":1})"));
    CHECK(files.info(root / "state", Files::Follow::no)->mode == 0700);
}

TEST_CASE("an empty object is a state too") {
    const TempFolder root;
    SystemFiles files;
    StateFile state = state_in(files, root);
    REQUIRE(state.save("{}"));
    CHECK(state.load(k_now, Access::owner).text == R"({"schema":3})");
}

TEST_CASE("a state of an older version is given with its number") {
    const TempFolder root;
    SystemFiles files;
    spill(root / "health/state.json", R"({"schema":1,"old":true})");
    const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
    CHECK(loaded.schema == 1);
    CHECK(loaded.text == R"({"schema":1,"old":true})");
    CHECK(loaded.trouble.empty());
}

TEST_CASE("whatever lies in the place of the state, the previous one is used and the report says so") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    const Path current = root / "health/state.json";

    SECTION("missing") {
        std::filesystem::remove(current);
    }
    SECTION("empty") {
        spill(current, "");
    }
    SECTION("cut") {
        spill(current, R"({"schema":3,"n")");
    }
    SECTION("garbage") {
        spill(current, std::string(4096, '\0'));
    }
    SECTION("nested so deep that whoever copies it overflows the stack") {
        constexpr std::size_t k_levels = 200'000;
        spill(current, R"({"schema":3,"n":)" + std::string(k_levels, '[') + std::string(k_levels, ']') + '}');
    }
    SECTION("JSON, but not ours") {
        spill(current, R"([1,2,3])");
    }
    SECTION("a schema that is no number") {
        spill(current, R"({"schema":"3"})");
    }
    SECTION("a schema that no int holds") {
        spill(current, R"({"schema":99999999999999})");
    }
    SECTION("oversized") {
        spill(current, std::string(StateFile::k_largest.count + 1, ' '));
    }
    SECTION("a FIFO, which must not be waited for") {
        std::filesystem::remove(current);
        REQUIRE(::mkfifo(current.c_str(), 0600) == 0);
    }
    SECTION("a link, even to a good state") {
        std::filesystem::rename(current, root / "elsewhere.json");
        std::filesystem::create_symlink(root / "elsewhere.json", current);
    }
    SECTION("a folder") {
        std::filesystem::remove(current);
        std::filesystem::create_directories(current / "inside");
    }

    StateFile state = state_in(files, root);
    const LoadedState loaded = state.load(k_now, Access::owner);
    CHECK(loaded.text == k_first);
    CHECK_FALSE(loaded.trouble.en.empty());
    CHECK(loaded.trouble.en.find("the previous state is used") != std::string::npos);

    // The damaged one never becomes the previous one, and the next run is as ever.
    REQUIRE(state.save(R"({"n":3})"));
    CHECK(slurp(root / "health/state.prev.json") == k_first);
    const LoadedState after = state_in(files, root).load(k_now, Access::owner);
    CHECK(after.text == R"({"schema":3,"n":3})");
    CHECK(after.trouble.empty());
}

TEST_CASE("whatever lies in the place of the previous state, the run goes on and leaves nothing behind") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    const Path previous = root / "health/state.prev.json";
    std::filesystem::remove(previous);
    bool is_folder = false;

    SECTION("a folder with something in it") {
        std::filesystem::create_directory(previous);
        spill(previous / "file", "x");
        is_folder = true;
    }
    SECTION("a FIFO, which must not be waited for") {
        REQUIRE(::mkfifo(previous.c_str(), 0600) == 0);
    }
    SECTION("a link to a file of somebody else's") {
        spill(root / "precious", "precious");
        std::filesystem::create_symlink(root / "precious", previous);
    }
    SECTION("a link to nowhere") {
        std::filesystem::create_symlink(root / "nowhere", previous);
    }
    SECTION("garbage") {
        spill(previous, "garbage");
    }
    for (int run = 0; run < 3; ++run) {
        StateFile state = state_in(files, root);
        const LoadedState loaded = state.load(k_now, Access::owner);
        CHECK_FALSE(loaded.text.empty());
        CHECK(loaded.trouble.empty() == !(is_folder && run == 0));
        REQUIRE(state.save(R"({"run":)" + std::to_string(run) + '}'));
        CHECK(slurp(previous) == loaded.text);
    }
    const std::size_t aside = is_folder ? 1 : 0;
    CHECK(names_in(root / "health").size() == 2 + aside);
    if (std::filesystem::exists(root / "precious")) {
        CHECK(slurp(root / "precious") == "precious");
    }
}

TEST_CASE("a state of another user is not trusted") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    const uid_t somebody = 54321;
    if (::geteuid() == 0) { // root's own files are trusted by everybody
        REQUIRE(::chown((root / "health/state.json").c_str(), 65534, 65534) == 0);
        REQUIRE(::chown((root / "health/state.prev.json").c_str(), 65534, 65534) == 0);
    }
    const LoadedState loaded =
        StateFile(files, root / "health", k_schema, somebody).load(k_now, Access::owner);
    CHECK(loaded.text.empty());
    CHECK(loaded.trouble.en.find("belongs to another user") != std::string::npos);
    CHECK(loaded.trouble.ru.find("принадлежит другому пользователю") != std::string::npos);
}

TEST_CASE("both damaged: begun afresh, both set aside") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    spill(root / "health/state.json", "x");
    spill(root / "health/state.prev.json", "y");
    const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
    CHECK(loaded.text.empty());
    CHECK(loaded.trouble.en.find("begun afresh") != std::string::npos);
    CHECK(slurp(root / "health/state.damaged-20260122T100000Z.json") == "x");
    CHECK(slurp(root / "health/state.damaged-20260122T100000Z-prev.json") == "y");
}

TEST_CASE("a state of a newer version is set aside and begun afresh, once") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    spill(root / "health/state.json", R"({"schema":4,"n":7})");
    StateFile state = state_in(files, root);
    const LoadedState loaded = state.load(k_now, Access::owner);
    CHECK(loaded.text.empty());
    CHECK(loaded.trouble.en.find("newer version") != std::string::npos);
    CHECK(slurp(root / "health/state.newer-20260122T100000Z.json") == R"({"schema":4,"n":7})");
    REQUIRE(state.save("{}"));
    CHECK(state_in(files, root).load(k_now, Access::owner).trouble.empty());
}

TEST_CASE("at most three damaged states are kept, the newest") {
    const TempFolder root;
    SystemFiles files;
    for (int minute = 0; minute < 5; ++minute) {
        spill(root / "health/state.json", std::to_string(minute));
        state_in(files, root).load(k_now + std::chrono::minutes(minute), Access::owner);
    }
    CHECK(names_in(root / "health") == std::vector<std::string>{"state.damaged-20260122T100200Z.json",
                                                                "state.damaged-20260122T100300Z.json",
                                                                "state.damaged-20260122T100400Z.json"});
}

TEST_CASE("a reader changes nothing") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    spill(root / "health/state.json", "damaged");
    spill(root / "health/.tmp-state.json-1-1", "being written by the holder of the lock");
    const auto before = names_in(root / "health");
    const LoadedState loaded = state_in(files, root).load(k_now, Access::reader);
    CHECK(loaded.text == k_first);
    CHECK_FALSE(loaded.trouble.empty());
    CHECK(names_in(root / "health") == before);
}

TEST_CASE("what a killed run left half written is swept") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    spill(root / "health/.tmp-state.json-1-1", "half");
    state_in(files, root).load(k_now, Access::owner);
    CHECK(names_in(root / "health") == std::vector<std::string>{"state.json", "state.prev.json"});
}

TEST_CASE("a state too large to be loaded again is not written") {
    const TempFolder root;
    SystemFiles files;
    run_twice(files, root);
    StateFile state = state_in(files, root);
    const Result<void> saved = state.save("{\"x\":\"" + std::string(StateFile::k_largest.count, 'x') + "\"}");
    REQUIRE_FALSE(saved);
    CHECK(saved.error().kind == ErrorKind::too_large);
    CHECK(state.load(k_now, Access::owner).text == k_second);
}

TEST_CASE("killed at any step of saving, the next run has the old state or the new one, whole") {
    bool stopped = true;
    for (std::size_t step = 1; stopped; ++step) {
        CAPTURE(step);
        const TempFolder root;
        FaultyFiles files(root.path());
        run_twice(files, root);
        StateFile state = state_in(files, root);
        state.load(k_now, Access::owner);
        files.crash_at(step);
        stopped = stopped_by_crash([&] { (void)state.save(R"({"n":3})"); });

        files.heal();
        StateFile next = state_in(files, root);
        const LoadedState loaded = next.load(k_now, Access::owner);
        CHECK((loaded.text == k_second || loaded.text == R"({"schema":3,"n":3})"));
        CHECK(loaded.trouble.empty());
        CHECK((stopped || loaded.text == R"({"schema":3,"n":3})"));
        REQUIRE(next.save(R"({"n":4})"));
        CHECK(names_in(root / "health") == std::vector<std::string>{"state.json", "state.prev.json"});
        CHECK(slurp(root / "health/state.prev.json") == loaded.text);
    }
}

TEST_CASE("the power lost at any step of saving: old or new, and new once save() has returned") {
    bool stopped = true;
    for (std::size_t step = 1; stopped; ++step) {
        for (std::size_t survivors = 0; survivors < 6; ++survivors) {
            CAPTURE(step, survivors);
            const TempFolder root;
            FaultyFiles files(root.path());
            run_twice(files, root);
            StateFile state = state_in(files, root);
            state.load(k_now, Access::owner);
            files.crash_at(step);
            stopped = stopped_by_crash([&] { (void)state.save(R"({"n":3})"); });
            files.power_cut(survivors);

            files.heal();
            const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
            CHECK(loaded.trouble.empty());
            CHECK((loaded.text == R"({"schema":3,"n":3})" || (stopped && loaded.text == k_second)));
        }
    }
}

TEST_CASE("the very first save may be stopped at any step too") {
    bool stopped = true;
    for (std::size_t step = 1; stopped; ++step) {
        CAPTURE(step);
        const TempFolder root;
        FaultyFiles files(root.path());
        StateFile state = state_in(files, root);
        state.load(k_now, Access::owner);
        files.crash_at(step);
        stopped = stopped_by_crash([&] { (void)state.save(R"({"n":1})"); });
        files.power_cut();
        files.heal();
        const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
        CHECK(loaded.trouble.empty());
        CHECK((loaded.text == k_first || (stopped && loaded.text.empty())));
    }
}

TEST_CASE("a step that fails is told and harms nothing") {
    const int error = GENERATE(ENOSPC, EIO, EROFS);
    bool failed = true;
    for (std::size_t step = 1; failed; ++step) {
        CAPTURE(step, error);
        const TempFolder root;
        FaultyFiles files(root.path());
        run_twice(files, root);
        StateFile state = state_in(files, root);
        state.load(k_now, Access::owner);
        files.fail_at(step, error);
        const Result<void> saved = state.save(R"({"n":3})");
        failed = files.calls() >= step;

        files.heal();
        const LoadedState loaded = state_in(files, root).load(k_now, Access::owner);
        CHECK((loaded.text == R"({"schema":3,"n":3})" || (!saved && loaded.text == k_second)));
        CHECK(loaded.trouble.empty());
    }
}

TEST_CASE("loading goes on whatever call of it fails or stops") {
    for (std::size_t step = 1; step < 12; ++step) {
        CAPTURE(step);
        const TempFolder root;
        FaultyFiles files(root.path());
        run_twice(files, root);
        spill(root / "health/state.json", "damaged");
        files.fail_at(step, EIO);
        state_in(files, root).load(k_now, Access::owner);
        files.crash_at(step);
        (void)stopped_by_crash([&] { state_in(files, root).load(k_now, Access::owner); });
        files.heal();
        CHECK(state_in(files, root).load(k_now, Access::owner).text == k_first);
    }
}

TEST_CASE("on a full or read-only disk the run goes on with the state it can read") {
    const TempFolder root;
    FaultyFiles files(root.path());
    run_twice(files, root);
    spill(root / "health/state.json", "damaged");
    files.fail_writing(EROFS);
    StateFile state = state_in(files, root);
    const LoadedState loaded = state.load(k_now, Access::owner);
    CHECK(loaded.text == k_first);
    const Result<void> saved = state.save("{}");
    REQUIRE_FALSE(saved);
    CHECK(saved.error().kind == ErrorKind::io); // other rights would not help
    CHECK(slurp(root / "health/state.prev.json") == k_first);
}
