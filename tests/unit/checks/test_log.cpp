#include "checks/log.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::uint64_t matched(const std::vector<std::string>& patterns, std::string_view lines,
                      std::string* last = nullptr) {
    LineMatcher matcher(patterns);
    matcher.look_through(lines);
    if (last != nullptr) {
        *last = matcher.last();
    }
    return matcher.count();
}

// One check over one file, run after run, with its memory.
struct Watched {
    TempFolder root;
    BareWorld bare;
    LogCheckSettings settings;
    std::map<std::string, std::string> memory;

    Watched() {
        settings.path = root / "error.log";
        settings.matches = {"\" 50[0-9] ", "Traceback"};
    }
    void write(std::string_view text) const {
        std::ofstream(settings.path, std::ios::app | std::ios::binary) << text;
    }
    CheckResult run(bool recheck = false) {
        const auto check = log_check_type().make(&settings);
        CheckResult result = static_cast<const BlockingCheck&>(*check).run(
            {bare.world, bare.clock.now(), bare.clock.steady() + 50s, memory, recheck});
        memory = result.memory;
        return result;
    }
};

constexpr const char* k_500 = "10.0.0.1 \"GET /api/ HTTP/1.1\" 500 145\n";
constexpr const char* k_200 = "10.0.0.1 \"GET / HTTP/1.1\" 200 5145\n";

} // namespace

TEST_CASE("a line counts once, whichever pattern matches it and how often") {
    std::string last;
    CHECK(matched({"a", "b"}, "a\nab ab\nc\nxb\n", &last) == 3);
    CHECK(last == "xb");
    CHECK(matched({"a"}, "") == 0);
    CHECK(matched({"a"}, "b\n") == 0);
    CHECK(matched({"a"}, "x\nlast a") == 1);
}

TEST_CASE("patterns stay within their line, and ^ and $ are those of a line") {
    CHECK(matched({"^b$"}, "ab\nb\nba\n") == 1);
    CHECK(matched({"a[^x]b"}, "a\nb\n") == 0);
    CHECK(matched({"a\\s+b"}, "a\nb\na b\n") == 1);
    CHECK(matched({"a.*b"}, "a\nb\n") == 0);
    CHECK(matched({"(?i)error"}, "ERROR\nError\nok\n") == 2);
    CHECK(matched({"ошибка"}, "была ошибка\n") == 1);
}

TEST_CASE("a pattern that matches nothing at all matches each line once") {
    CHECK(matched({"x*"}, "a\n\nb\n") == 3);
    CHECK(matched({"^$"}, "a\n\nb\n") == 1);
}

TEST_CASE("a 500 of the application is found in the next run, and is over when the window has passed") {
    Watched log;
    log.write(k_500); // before our time
    CHECK(log.run().status == Status::ok);
    log.write(k_200);
    log.bare.clock.advance(1min);
    CHECK(log.run().status == Status::ok);
    log.write(k_500);
    log.write(k_200);
    log.bare.clock.advance(1min);
    const CheckResult found = log.run();
    CHECK(found.status == Status::warning);
    CHECK(found.evidence == "10.0.0.1 \"GET /api/ HTTP/1.1\" 500 145");
    CHECK(found.message.ru == "найдено в " + log.settings.path.string() + ": 1 строка (период: 10 минут)");
    REQUIRE(found.metrics.front().name == "matches");
    CHECK(found.metrics.front().value == 1);
    log.bare.clock.advance(9min);
    CHECK(log.run().status == Status::warning);
    log.bare.clock.advance(1min);
    const CheckResult over = log.run();
    CHECK(over.status == Status::ok);
    CHECK(over.evidence.empty());
    CHECK(over.metrics.front().value == 0);
}

TEST_CASE("counts add up over the window, by the time of reading") {
    Watched log;
    log.settings.count = {Amount{Amount::Unit::number, 3}, Amount{Amount::Unit::number, 5}};
    log.run();
    for (int i = 0; i < 2; ++i) {
        log.write(k_500);
        log.bare.clock.advance(1min);
        CHECK(log.run().status == Status::ok);
    }
    log.write(k_500);
    CHECK(log.run().status == Status::warning);
    log.write(std::string(k_500) + k_500);
    CHECK(log.run().status == Status::critical);
    log.bare.clock.advance(20min);
    CHECK(log.run().status == Status::ok);
}

TEST_CASE("asked again in the same run, nothing is read and the answer is the same") {
    Watched log;
    log.run();
    log.write(k_500);
    const CheckResult first = log.run();
    log.write(k_500);
    const CheckResult again = log.run(true);
    CHECK(again.status == first.status);
    CHECK(again.message == first.message);
    CHECK(again.evidence == first.evidence);
    CHECK(log.run().metrics.front().value == 2);
}

TEST_CASE("a missing file is a warning and never no matches; when it comes, all of it is new") {
    Watched log;
    const CheckResult missing = log.run();
    CHECK(missing.status == Status::warning);
    CHECK(missing.metrics.empty());
    log.write(k_500);
    CHECK(log.run().metrics.front().value == 1);
    std::filesystem::remove(log.settings.path);
    CHECK(log.run().message.en == "there is no log file " + log.settings.path.string());
}

TEST_CASE("what cannot be read is unknown, and the position is kept") {
    Watched log;
    log.write(k_200);
    log.run();
    const auto before = log.memory;
    std::filesystem::remove(log.settings.path);
    std::filesystem::create_directory(log.settings.path);
    CHECK(log.run().status == Status::unknown);
    CHECK(log.memory == before);
}

TEST_CASE("evidence is outside text: cleaned, without secrets, short") {
    Watched log;
    log.run();
    log.write("Traceback \x1B[31m redis://user:secretpw@h/0 " + std::string(5000, 'x') + "\n");
    const CheckResult result = log.run();
    CHECK(result.evidence.find('\x1B') == std::string::npos);
    CHECK(result.evidence.find("secretpw") == std::string::npos);
    CHECK(result.evidence.size() < 320);
}

TEST_CASE("the memory stays small however long the window") {
    Watched log;
    log.settings.window = 24h;
    log.settings.count = {Amount{Amount::Unit::number, 1e6}, std::nullopt};
    log.run();
    for (int minute = 0; minute < 600; ++minute) {
        log.write(k_500);
        log.bare.clock.advance(1min);
        log.run();
    }
    CHECK(log.run().metrics.front().value == 600);
    CHECK(log.memory.at("counts").size() < 4000);
}

TEST_CASE("garbage in the memory of a check is as no memory") {
    Watched log;
    log.write(k_500);
    log.memory = {{"position", "x"}, {"counts", "1@ @ 2@1/2 x@1/2/3 3"}, {"level-count", "?"}};
    CHECK(log.run().metrics.front().value == 0);
}
