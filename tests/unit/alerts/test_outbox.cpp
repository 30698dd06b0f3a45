#include "alerts/message_json.h"
#include "alerts/outbox.h"
#include "news_samples.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace lectio;

namespace {

const std::string k_channel = "errors";

Message message_at(int second, std::string title, Level level = Level::info) {
    Message message;
    message.title = std::move(title);
    message.level = level;
    message.time = sample_now().wall + std::chrono::seconds(second);
    return message;
}

std::vector<std::string> titles(Outbox& outbox) {
    std::vector<std::string> titles;
    for (const Letter& letter : outbox.waiting(k_channel, 10'000).letters) {
        titles.push_back(letter.message.title);
    }
    return titles;
}

using Titles = std::vector<std::string>;

} // namespace

TEST_CASE("messages wait in the order in which they were put, also when the clock is set back") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    CHECK(titles(outbox).empty());
    REQUIRE(outbox.put(k_channel, message_at(10, "first")));
    REQUIRE(outbox.put(k_channel, message_at(10, "second")));
    REQUIRE(outbox.put(k_channel, message_at(-86400, "third")));
    CHECK(titles(outbox) == Titles{"first", "second", "third"});
    CHECK(outbox.count_waiting(k_channel) == 3);
    CHECK(outbox.channels() == std::vector<std::string>{"errors"});
    CHECK(outbox.waiting(k_channel, 2).letters.size() == 2);
    CHECK(outbox.waiting(k_channel, 2).total == 3);
}

TEST_CASE("what is taken in is found again, however long; what would not be is refused") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    Message message = message_at(0, "long");
    // A piped text of one letter a line: the largest that a letter becomes of what it says.
    message.lines.assign(100'000, Line{Line::Form::text, {{Piece::Kind::plain, "x"}}});
    REQUIRE(outbox.put(k_channel, message));
    const Outbox::Waiting waiting = outbox.waiting(k_channel, 10);
    CHECK(outbox.count_damaged(k_channel) == 0);
    REQUIRE(waiting.letters.size() == 1);
    CHECK(waiting.letters[0].message == message);

    message.lines = {Line{Line::Form::text, {{Piece::Kind::plain, std::string(17'000'000, 'x')}}}};
    const Result<Outbox::Put> put = outbox.put(k_channel, message);
    REQUIRE_FALSE(put);
    CHECK(put.error().kind == ErrorKind::too_large);
    CHECK(outbox.count_waiting(k_channel) == 1);
}

TEST_CASE("messages are private") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "state/outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(0, "a")));
    for (const char* made : {"state", "state/outbox", "state/outbox/to-errors"}) {
        CHECK(files.info(folder / made, Files::Follow::no)->mode == 0700);
    }
    const std::string name = outbox.waiting(k_channel, 1).letters.front().name;
    CHECK(files.info(folder.path() / "state/outbox/to-errors" / (name + ".new"), Files::Follow::no)->mode ==
          0600);
}

TEST_CASE("a letter that was begun keeps its place and its mark until it is taken out") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(0, "a")));
    REQUIRE(outbox.put(k_channel, message_at(1, "b")));
    std::vector<Letter> letters = outbox.waiting(k_channel, 1).letters;
    REQUIRE(outbox.begin(k_channel, letters));
    Outbox next_run(files, folder / "outbox", {});
    CHECK(titles(next_run) == Titles{"a", "b"});
    CHECK(next_run.waiting(k_channel, 9).letters[0].state == Letter::State::begun);
    CHECK(next_run.waiting(k_channel, 9).letters[1].state == Letter::State::fresh);
    REQUIRE(outbox.unbegin(k_channel, letters));
    CHECK(next_run.waiting(k_channel, 9).letters[0].state == Letter::State::fresh);
    REQUIRE(next_run.remove(k_channel, letters.front()));
    CHECK(titles(outbox) == Titles{"b"});
}

TEST_CASE("what is refused is kept with the reason, and no longer waits") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(0, "a")));
    REQUIRE(outbox.reject(k_channel, outbox.waiting(k_channel, 1).letters.front(), "chat not found"));
    CHECK(outbox.count_waiting(k_channel) == 0);
    CHECK(outbox.count_rejected("errors") == 1);
    const std::vector<std::string> kept = *files.list(folder.path() / "outbox" / "rejected");
    REQUIRE(kept.size() == 2);
    CHECK(message_from_json(slurp(folder.path() / "outbox" / "rejected" / kept[0]))->title == "a");
    CHECK(slurp(folder.path() / "outbox" / "rejected" / kept[1]) == "chat not found\n");
}

TEST_CASE("a damaged file is set aside and holds up nobody") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(5, "good")));
    const Path place = folder.path() / "outbox" / "to-errors";
    spill(place / "0000000000000001-00000001-0.new", "");
    spill(place / "0000000000000002-00000001-0.new", "{\"schema\":1,\"le");
    spill(place / "0000000000000003-00000001-0.new", std::string(2'000'000, 'x'));
    spill(place / "zzz.new", "\xff\xfe");
    spill(place / "notes.txt", "not ours");
    REQUIRE(::mkdir((place / "0000000000000004-00000001-0.new").c_str(), 0700) == 0);
    REQUIRE(::mkfifo((place / "0000000000000005-00000001-0.new").c_str(), 0600) == 0);
    std::filesystem::create_symlink("nowhere", place / "0000000000000006-00000001-0.new");
    const Outbox::Waiting waiting = outbox.waiting(k_channel, 100);
    CHECK(outbox.count_damaged(k_channel) == 7);
    REQUIRE(waiting.letters.size() == 1);
    CHECK(waiting.letters.front().message.title == "good");
    CHECK(waiting.total == 1);
    CHECK(files.list(folder.path() / "outbox" / "damaged")->size() == 7);
    // A name without a number does not spoil the next one.
    REQUIRE(outbox.put(k_channel, message_at(6, "next")));
    CHECK(titles(outbox) == Titles{"good", "next"});
}

TEST_CASE("a full outbox lets the oldest go that is not critical") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {4, 50_MB});
    REQUIRE(outbox.put(k_channel, message_at(0, "critical", Level::critical)));
    REQUIRE(outbox.put(k_channel, message_at(1, "warning", Level::warning)));
    REQUIRE(outbox.put(k_channel, message_at(2, "c2", Level::critical)));
    REQUIRE(outbox.put(k_channel, message_at(3, "c3", Level::critical)));
    CHECK(outbox.put(k_channel, message_at(4, "c4", Level::critical))->dropped == 1);
    CHECK(titles(outbox) == Titles{"critical", "c2", "c3", "c4"});
    CHECK(outbox.put(k_channel, message_at(5, "c5", Level::critical))->dropped == 1);
    CHECK(titles(outbox) == Titles{"c2", "c3", "c4", "c5"});
    // By size as well.
    Outbox small(files, folder / "small", {100, 1000_B});
    for (int i = 0; i < 20; ++i) {
        REQUIRE(small.put(k_channel, message_at(i, std::string(200, 'x'))));
    }
    CHECK(small.count_waiting(k_channel) < 5);
    CHECK(small.count_waiting(k_channel) > 1);
}

TEST_CASE("many writers at once lose nothing") {
    TempFolder folder;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&folder, writer] {
            SystemFiles files;
            Outbox outbox(files, folder / "outbox", {});
            for (int i = 0; i < 25; ++i) {
                if (!outbox.put(k_channel, message_at(0, std::to_string(writer * 100 + i)))) {
                    return;
                }
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    CHECK(titles(outbox).size() == 100);
}

TEST_CASE("a writer that died leaves a temporary file, which is swept once it is old") {
    TempFolder folder;
    SystemFiles files;
    Outbox outbox(files, folder / "outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(0, "a")));
    const Path left = folder.path() / "outbox" / "to-errors" / ".tmp-x-1-0";
    spill(left, "half");
    const WallTime written = files.info(left, Files::Follow::no)->modified;
    outbox.sweep(k_channel, written + std::chrono::minutes(1));
    CHECK(files.info(left, Files::Follow::no));
    outbox.sweep(k_channel, written + std::chrono::minutes(11));
    CHECK_FALSE(files.info(left, Files::Follow::no));
    CHECK(titles(outbox) == Titles{"a"});
}

TEST_CASE(
    "putting, stopped at each step, with and without the power: the message is whole or was not stored") {
    for (const bool power_lost : {false, true}) {
        for (std::size_t step = 1;; ++step) {
            TempFolder folder;
            FaultyFiles files(folder.path());
            Outbox outbox(files, folder / "outbox", {});
            REQUIRE(outbox.put(k_channel, message_at(0, "before")));
            files.crash_at(step);
            bool stored = false;
            const bool stopped =
                stopped_by_crash([&] { stored = outbox.put(k_channel, message_at(1, "new")).ok(); });
            if (power_lost) {
                files.power_cut();
            }
            files.heal();
            Outbox next_run(files, folder / "outbox", {});
            INFO("step " << step << (power_lost ? ", power lost" : ""));
            const Titles found = titles(next_run);
            REQUIRE((found == Titles{"before"} || found == Titles{"before", "new"}));
            REQUIRE(next_run.count_damaged(k_channel) == 0);
            REQUIRE((!stored || found.size() == 2));
            REQUIRE(next_run.put(k_channel, message_at(2, "later")));
            if (!stopped) {
                REQUIRE(stored);
                break;
            }
        }
    }
}

TEST_CASE("the very first message survives the power as well") {
    TempFolder folder;
    FaultyFiles files(folder.path());
    Outbox outbox(files, folder.path() / "state" / "outbox", {});
    REQUIRE(files.make_folders(folder / "state", 0700));
    REQUIRE(files.sync_folder(folder.path()));
    REQUIRE(outbox.put(k_channel, message_at(0, "first")));
    files.power_cut();
    CHECK(titles(outbox) == Titles{"first"});
}

TEST_CASE("a disk that refuses is said, and what was there before stays") {
    for (const int reason : {ENOSPC, EROFS, EIO}) {
        TempFolder folder;
        FaultyFiles files(folder.path());
        Outbox outbox(files, folder / "outbox", {});
        REQUIRE(outbox.put(k_channel, message_at(0, "before")));
        files.fail_writing(reason);
        const Result<Outbox::Put> put = outbox.put(k_channel, message_at(1, "new"));
        REQUIRE_FALSE(put);
        CHECK_FALSE(put.error().message.empty());
        CHECK(titles(outbox) == Titles{"before"});
        files.heal();
        REQUIRE(outbox.put(k_channel, message_at(1, "new")));
        CHECK(titles(outbox) == Titles{"before", "new"});
    }
}

TEST_CASE("a file that cannot be read today is not damaged") {
    TempFolder folder;
    FaultyFiles files(folder.path());
    Outbox outbox(files, folder / "outbox", {});
    REQUIRE(outbox.put(k_channel, message_at(0, "a")));
    files.fail_at(2, EIO); // the folder is listed, the file is not read
    const Outbox::Waiting waiting = outbox.waiting(k_channel, 9);
    CHECK(waiting.letters.empty());
    CHECK(outbox.count_damaged(k_channel) == 0);
    files.heal();
    CHECK(titles(outbox) == Titles{"a"});
}
