// History with real files and a real SQLite: what is recorded comes back, and no file of any kind stops a run.
#include "store/history.h"
#include "store/past_runs.h"
#include "support/fake_clock.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"
#include "util/secret.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <random>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

RecordedLook look_of(std::string check, int status, Text message) {
    RecordedLook look;
    look.check = std::move(check);
    look.type = "http";
    look.status = look.shown = status;
    look.message = std::move(message);
    look.took = 1500us;
    return look;
}

// A stand-in for a disk that has room for a lock's line and for no page of a database.
class NoRoom {
  public:
    NoRoom() : m_signal(::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &m_before) == 0);
        const rlimit tight{400, m_before.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;
    ~NoRoom() {
        ::setrlimit(RLIMIT_FSIZE, &m_before);
        ::signal(SIGXFSZ, m_signal);
    }

  private:
    sighandler_t m_signal;
    rlimit m_before{};
};

// One state folder, its clock and its history.
struct Place {
    explicit Place(HistoryLimits wanted = {}) : limits(wanted) {
        std::filesystem::create_directory(folder / "run");
    }

    HistoryPlace where() const { return {folder / "state", folder / "run/history.lock", ::geteuid()}; }
    Path file() const { return where().file(); }

    RecordedRun run(std::string tool = "health") {
        RecordedRun run;
        run.tool = std::move(tool);
        run.started = clock.now();
        run.took = 12'345us;
        run.looks = {look_of("site", 0, {"HTTP 200 in 12 ms", "HTTP 200 за 12 мс"})};
        return run;
    }
    History::Outcome record(const RecordedRun& run, History::Newer newer = History::Newer::leave) {
        clock.advance(1min);
        return History(files, clock, where(), limits).record(run, newer);
    }
    // Recorded without a word.
    void must_record(const RecordedRun& run) {
        const History::Outcome outcome = record(run);
        INFO((outcome.lost ? outcome.lost->message : outcome.trouble.en));
        REQUIRE_FALSE(outcome.lost);
        REQUIRE(outcome.trouble.empty());
    }

    Result<PastRuns> open() { return PastRuns::at(files, clock, where(), clock.steady() + 1s); }
    std::vector<RecordedRun> recorded(const Period& period = {WallTime::min()}) {
        Result<PastRuns> past = open();
        REQUIRE(past);
        std::vector<RecordedRun> runs;
        std::vector<std::int64_t> ids;
        REQUIRE(past->each(period, [&](const PastRun& seen) {
            RecordedRun run{
                seen.tool, seen.started, seen.took, seen.status, seen.exit_code, seen.partial, seen.quiet,
                {},        {},           {},        {}};
            for (const PastLook& look : seen.looks) {
                run.looks.push_back(look.whole());
            }
            for (const PastLook& look : seen.after_healing) {
                run.after_healing.push_back(look.whole());
            }
            runs.push_back(std::move(run));
            ids.push_back(seen.id);
        }));
        const auto run_of = [&](std::int64_t id) -> RecordedRun& {
            const auto at = std::find(ids.begin(), ids.end(), id);
            REQUIRE(at != ids.end());
            return runs[static_cast<std::size_t>(at - ids.begin())];
        };
        const auto events = past->events(period);
        const auto deeds = past->deeds(period);
        REQUIRE((events && deeds));
        for (const auto& event : *events) {
            run_of(event.run).events.push_back(event.what);
        }
        for (const auto& deed : *deeds) {
            run_of(deed.run).deeds.push_back(deed.what);
        }
        return runs;
    }
    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder / "state")) {
            names.push_back(entry.path().filename().string());
        }
        return names;
    }
    bool has_aside(std::string_view label) const {
        const std::vector<std::string> all = names();
        return std::any_of(all.begin(), all.end(), [&](const std::string& name) {
            return name.starts_with(fmt::format("history.{}-", label));
        });
    }

    TempFolder folder;
    FakeClock clock;
    SystemFiles files;
    HistoryLimits limits;
};

Database opened(const Place& place, Clock& clock) {
    Result<Database> database =
        Database::at(place.file(), Database::Access::read_write, clock, clock.steady() + 1s);
    REQUIRE(database);
    return std::move(database).value();
}

std::uintmax_t on_disk(const Place& place) {
    std::uintmax_t size = std::filesystem::file_size(place.file());
    const Path log = place.file().string() + "-wal";
    return size + (std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0);
}

} // namespace

// ── what is recorded comes back ─────────────────────────────────────────────────────────────────────────────

TEST_CASE("a run comes back as it was recorded, with all that happened in it") {
    Place place;
    RecordedRun run = place.run();
    run.status = run.exit_code = 2;
    run.partial = true;
    run.quiet = "deploy:site,api mute";
    RecordedLook& site = run.looks[0];
    site.status = 2;
    site.shown = 1;
    site.remedy = 2;
    site.hint = {"look into /var/log/nginx/error.log", "посмотрите /var/log/nginx/error.log"};
    site.evidence = "502 Bad Gateway\n\tupstream 10.0.0.1:8000";
    site.metrics = {{"time", "s", 0.25, 5.0, {}}, {"size", "B", 1234567, {}, 2e6}, {"", "", -0.5, {}, {}}};
    RecordedLook notice = look_of("state", 1, {"the state was begun afresh", "состояние начато заново"});
    notice.type = "self";
    notice.cause = "damaged";
    notice.passing = true;
    run.looks.push_back(notice);
    run.after_healing = {look_of("site", 0, {"HTTP 200", "HTTP 200"})};
    run.events = {{RecordedEvent::Kind::change, "opened", "site", "abc123", 2, {"HTTP 502", "HTTP 502"}},
                  {RecordedEvent::Kind::told, "mended", "site", "abc123", 2, {}}};
    run.deeds = {
        {"nginx", "restart", "nginx.service", true, {"in 340 ms", "за 340 мс"}, {"site", "api"}, 340ms}};
    place.must_record(run);
    CHECK(place.recorded() == std::vector<RecordedRun>{run});
}

TEST_CASE("texts come back to the digit, whatever digits they hold") {
    Place place;
    RecordedRun run = place.run();
    run.looks.clear();
    for (const std::string& text :
         {std::string("007 of 0010"), std::string("12345678901234567890123456789012345678901234"),
          std::string(40, '0'), std::string("диск: 9,8 % из 20 ГБ"), std::string("#1 \t тест"),
          std::string("3 of 5")}) {
        run.looks.push_back(look_of(fmt::format("c{}", run.looks.size()), 1, {text, "5 из 3; " + text}));
        run.looks.back().hint = {text, text};
        run.looks.back().evidence = text;
    }
    place.must_record(run);
    CHECK(place.recorded() == std::vector<RecordedRun>{run});
}

TEST_CASE("control characters, broken UTF-8, secrets and endless texts do not get in") {
    Place place;
    remember_secret("s3cr3t-t0k3n");
    RecordedRun run = place.run();
    run.looks[0].message = {"a\x01\x02\x1E\x1F z", "б\xFF"};
    run.looks[0].hint = verbatim("https://user:s3cr3t-t0k3n@host/");
    run.looks[0].evidence = std::string(10'000, 'x');
    run.looks[0].metrics = {{"na\x1Fme\x1E", "\n", 1, {}, {}}};
    place.must_record(run);
    const RecordedLook kept = place.recorded().at(0).looks.at(0);
    CHECK(kept.message.en == "a???? z");
    CHECK(kept.message.ru == "б\xEF\xBF\xBD");
    CHECK(kept.hint.en.find("s3cr3t") == std::string::npos);
    CHECK(kept.evidence.size() < 700);
    CHECK(kept.metrics.size() == 1);
}

TEST_CASE("a period is of one tool, and of its time") {
    Place place;
    const WallTime begin = place.clock.now().wall;
    for (int i = 0; i < 10; ++i) {
        place.must_record(place.run(i % 5 == 0 ? "smoke" : "health"));
    }
    CHECK(place.recorded({begin, WallTime::max(), "smoke"}).size() == 2);
    CHECK(place.recorded({begin + 3min}).size() == 7);
    CHECK(place.recorded({begin + 3min, begin + 5min}).size() == 2);
    CHECK(place.recorded({begin + 1h}).empty());
    Result<PastRuns> past = place.open();
    REQUIRE(past);
    CHECK(past->beginnings({begin + 3min, begin + 5min, "health"})->size() == 2);
}

// ── the model ───────────────────────────────────────────────────────────────────────────────────────────────

namespace {

class Chance {
  public:
    explicit Chance(unsigned seed) : m_engine(seed) {}
    int upto(int most) { return std::uniform_int_distribution<>(0, most)(m_engine); }
    bool one_in(int n) { return upto(n - 1) == 0; }
    template<class T>
    const T& of(const std::vector<T>& choices) {
        return choices[static_cast<std::size_t>(upto(static_cast<int>(choices.size()) - 1))];
    }

  private:
    std::mt19937 m_engine;
};

Text any_text(Chance& chance) {
    const int a = chance.upto(3), b = chance.upto(120'000);
    switch (chance.upto(4)) {
    case 0:
        return {fmt::format("{} of {}", a, b), fmt::format("{} из {}", a, b)};
    case 1:
        return {fmt::format("{} of {}", a, b),
                fmt::format("из {} всего {}", b, a)}; // the numbers change places
    case 2:
        return verbatim(fmt::format("{:05} 0{}", a, b));
    case 3:
        return {"all good", "всё в порядке"};
    default:
        return {};
    }
}

RecordedLook any_look(Chance& chance) {
    RecordedLook look = look_of(fmt::format("check-{}", chance.upto(5)), chance.upto(3), any_text(chance));
    look.type = chance.of<std::string>({"http", "disk", "self"});
    look.cause = chance.one_in(5) ? "cause" : "";
    look.shown = chance.upto(3);
    look.remedy = chance.upto(2);
    look.passing = chance.one_in(5);
    look.hint = any_text(chance);
    look.evidence = any_text(chance).ru;
    look.took = std::chrono::microseconds(chance.upto(10'000'000));
    for (int i = chance.upto(3); i > 0; --i) {
        const std::optional<double> limit = chance.one_in(2) ? std::optional(0.1) : std::nullopt;
        look.metrics.push_back(
            {fmt::format("m{}", i), "s", static_cast<float>(chance.upto(1000)) / 3.0F, limit, {}});
    }
    return look;
}

RecordedRun any_run(Chance& chance, const Now& now) {
    RecordedRun run;
    run.tool = chance.of<std::string>({"health", "smoke", "deepcheck"});
    run.started = now;
    run.took = std::chrono::microseconds(chance.upto(50'000'000));
    run.status = chance.upto(3);
    run.exit_code = chance.of<int>({0, 1, 2, 3, 78});
    run.partial = chance.one_in(10);
    run.quiet = chance.one_in(10) ? "maintenance" : "";
    for (int i = chance.upto(6); i > 0; --i) {
        run.looks.push_back(any_look(chance));
    }
    for (int i = chance.one_in(5) ? 2 : 0; i > 0; --i) {
        run.after_healing.push_back(any_look(chance));
        run.events.push_back({RecordedEvent::Kind::told, "opened", "site", "abcdef", 2, any_text(chance)});
        run.deeds.push_back(
            {"rung", "restart", "nginx.service", chance.one_in(2), any_text(chance), {"a", "b"}, 5ms});
    }
    return run;
}

} // namespace

TEST_CASE("the history is what a list of the recorded runs would be, over random runs, jumps and limits") {
    const unsigned seed = std::random_device()();
    INFO("seed " << seed);
    Chance chance(seed);
    for (int round = 0; round < 5; ++round) {
        Place place({chance.of<Duration>({1h, 24h, 24h * 90}), 200_MB});
        std::vector<RecordedRun> model;
        for (int i = 0; i < 60; ++i) {
            const RecordedRun run = any_run(chance, place.clock.now());
            place.must_record(run);
            std::erase_if(model, [&](const RecordedRun& old) {
                return old.started.wall < run.started.wall - place.limits.keep;
            });
            model.push_back(run);
            if (chance.one_in(10)) {
                place.clock.jump_wall(Duration(std::chrono::minutes(chance.upto(600) - 200)));
            }
            if (chance.one_in(20)) {
                place.clock.reboot(1min);
            }
        }
        CHECK(place.recorded() == model);
        const WallTime from = model[model.size() / 2].started.wall;
        std::erase_if(model,
                      [&](const RecordedRun& run) { return run.started.wall < from || run.tool != "smoke"; });
        CHECK(place.recorded({from, WallTime::max(), "smoke"}) == model);
    }
}

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────

namespace {

// A run that needs some 40 kB.
RecordedRun large_run(Place& place, int salt) {
    RecordedRun run = place.run();
    run.looks.clear();
    for (int i = 0; i < 20; ++i) {
        run.looks.push_back(look_of(fmt::format("c{}", i), 0, verbatim(fmt::format("{} of {}", i, salt))));
        for (int metric = 0; metric < 500; ++metric) {
            run.looks.back().metrics.push_back({"m", "", 0.25 * (metric + salt), {}, {}});
        }
    }
    return run;
}

} // namespace

TEST_CASE("the size on disk is held, the newest runs stay") {
    Place place({24h * 90, 4_MB});
    for (int i = 0; i < 100; ++i) {
        place.must_record(large_run(place, i));
        REQUIRE(on_disk(place) <= (4_MB).count);
    }
    const std::vector<RecordedRun> runs = place.recorded();
    CHECK(runs.size() > 25);
    CHECK(runs.size() < 100);
    CHECK(runs.back().looks == large_run(place, 99).looks);
}

TEST_CASE("a limit that was lowered is reached in small steps") {
    Place place;
    for (int i = 0; i < 140; ++i) {
        place.must_record(large_run(place, i));
    }
    REQUIRE(on_disk(place) > (5_MB).count);
    place.limits.size = 4_MB;
    for (int i = 0; i < 60; ++i) {
        place.must_record(place.run());
    }
    CHECK(on_disk(place) <= (4_MB).count);
}

TEST_CASE("checks that say the same are found by the index, not by trying each") {
    Place place;
    RecordedRun run = place.run();
    run.looks.clear();
    for (int i = 0; i < 50; ++i) {
        run.looks.push_back(look_of("site-" + std::to_string(i), 0, {"HTTP 200", "HTTP 200"}));
    }
    place.must_record(run);
    Database database = opened(place, place.clock);
    Result<Statement> keys = database.prepare("SELECT count(DISTINCT key) FROM look");
    REQUIRE(keys);
    REQUIRE(keys->step());
    CHECK(keys->number(0) == 50);
}

TEST_CASE("what no kept run says any more is forgotten") {
    Place place({1h, 200_MB});
    for (int i = 0; i < 20; ++i) {
        RecordedRun run = place.run();
        run.looks[0].message = verbatim(std::string("only once: ") + static_cast<char>('a' + i));
        place.must_record(run);
    }
    place.clock.advance(24h * 2);
    place.must_record(place.run());
    Database database = opened(place, place.clock);
    CHECK(database.number("SELECT count(*) FROM look").value_or(-1) == 1);
    CHECK(place.recorded().size() == 1);
}

TEST_CASE("a run of fifteen checks a minute stays far below 200 MB in 90 days") {
    Place place;
    constexpr int k_runs = 1000;
    for (int i = 0; i < k_runs; ++i) {
        RecordedRun run = place.run();
        run.looks.clear();
        for (int check = 0; check < 15; ++check) {
            const int ms = (i * 7919 + check * 104'729) % 90'000;
            RecordedLook look =
                look_of(fmt::format("check-{}", check), 0,
                        {fmt::format("HTTP 200 in {} ms", ms), fmt::format("HTTP 200 за {} мс", ms)});
            look.took = std::chrono::microseconds(ms);
            look.metrics = {{"time", "s", ms / 1000.0, 5.0, {}}, {"size", "B", 1e6 + ms, {}, {}}};
            run.looks.push_back(std::move(look));
        }
        place.must_record(run);
    }
    REQUIRE(opened(place, place.clock).empty_log());
    const double bytes = static_cast<double>(std::filesystem::file_size(place.file())) / k_runs;
    WARN(fmt::format("{:.0f} bytes a run of 15 checks, {:.0f} MB in 90 days", bytes,
                     bytes * 90 * 1440 / 1048576));
    CHECK(bytes < 500);
}

// ── trouble of every kind ───────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a file that is no history of ours is set aside, told once, and a new one begun") {
    const std::vector<std::pair<std::string, std::function<void(Place&)>>> kinds = {
        {"garbage", [](Place& p) { spill(p.file(), std::string(20'000, 'x')); }},
        {"one byte", [](Place& p) { spill(p.file(), "S"); }},
        {"cut in the middle",
         [](Place& p) {
             std::filesystem::resize_file(p.file(), std::filesystem::file_size(p.file()) / 8192 * 4096);
         }},
        {"a page of it overwritten",
         [](Place& p) {
             const std::string whole = slurp(p.file());
             spill(p.file(), whole.substr(0, 4096) + std::string(whole.size() - 4096, '\xA5'));
         }},
        {"a folder",
         [](Place& p) {
             std::filesystem::remove(p.file());
             std::filesystem::create_directory(p.file());
         }},
        {"a FIFO",
         [](Place& p) {
             std::filesystem::remove(p.file());
             REQUIRE(::mkfifo(p.file().c_str(), 0600) == 0);
         }},
        {"a link",
         [](Place& p) {
             std::filesystem::remove(p.file());
             std::filesystem::create_symlink(p.folder / "elsewhere", p.file());
         }},
        {"another program's database",
         [](Place& p) {
             std::filesystem::remove(p.file());
             FakeClock clock;
             Result<Database> other =
                 Database::at(p.file(), Database::Access::create, clock, clock.steady() + 1s);
             REQUIRE(other);
             REQUIRE(other->run("CREATE TABLE theirs (a)"));
         }},
        {"our number, other tables",
         [](Place& p) {
             FakeClock clock;
             REQUIRE(opened(p, clock).run("DROP TABLE event; DROP TABLE deed; DROP TABLE run"));
         }},
        {"a log that is a folder",
         [](Place& p) { std::filesystem::create_directory(p.file().string() + "-wal"); }},
    };
    for (const auto& [name, damage] : kinds) {
        DYNAMIC_SECTION(name) {
            Place place;
            for (int i = 0; i < 40; ++i) {
                place.must_record(place.run());
            }
            { // all of it in the file itself
                Database database = opened(place, place.clock);
                REQUIRE(database.empty_log());
            }
            std::filesystem::remove(place.file().string() + "-wal");
            std::filesystem::remove(place.file().string() + "-shm");
            damage(place);
            const RecordedRun run = place.run();
            const History::Outcome outcome = place.record(run);
            INFO((outcome.lost ? outcome.lost->message : ""));
            CHECK_FALSE(outcome.lost);
            CHECK_FALSE(outcome.trouble.en.empty());
            CHECK_FALSE(outcome.trouble.ru.empty());
            CHECK(place.has_aside("damaged"));
            CHECK(place.recorded() == std::vector<RecordedRun>{run});
            place.must_record(place.run());
            CHECK_FALSE(std::filesystem::exists(place.folder / "elsewhere"));
        }
    }
}

TEST_CASE("an emptied file is begun afresh, and told") {
    Place place;
    place.must_record(place.run());
    std::filesystem::remove(place.file().string() + "-wal");
    spill(place.file(), "");
    const RecordedRun run = place.run();
    const History::Outcome outcome = place.record(run);
    CHECK_FALSE(outcome.lost);
    CHECK(outcome.trouble.en.find("empty") != std::string::npos);
    CHECK(place.recorded() == std::vector<RecordedRun>{run});
}

TEST_CASE("a history that was only begun is gone on with, in silence") {
    Place place;
    std::filesystem::create_directory(place.folder / "state");
    {
        Result<Database> database =
            Database::at(place.file(), Database::Access::create, place.clock, place.clock.steady() + 1s);
        REQUIRE(database);
        REQUIRE(database->run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"));
    }
    REQUIRE(std::filesystem::file_size(place.file()) > 0);
    place.must_record(place.run());
    CHECK(place.recorded().size() == 1);
}

TEST_CASE("of what was set aside only the newest is kept") {
    Place place;
    for (int i = 0; i < 4; ++i) {
        std::filesystem::create_directory(place.folder / "state");
        std::filesystem::remove(place.file().string() + "-wal");
        spill(place.file(), std::string(5000, static_cast<char>('a' + i)));
        CHECK_FALSE(place.record(place.run()).trouble.empty());
    }
    const std::vector<std::string> all = place.names();
    CHECK(std::count_if(all.begin(), all.end(),
                        [](const std::string& name) { return name.starts_with("history.damaged-"); }) == 1);
}

TEST_CASE("a newer history is left alone at first, then set aside whole") {
    Place place;
    place.must_record(place.run());
    REQUIRE(opened(place, place.clock).run("PRAGMA user_version = 2"));
    const History::Outcome left = place.record(place.run());
    REQUIRE(left.lost);
    CHECK(left.lost->kind == ErrorKind::busy);
    CHECK_FALSE(place.has_aside("newer"));
    CHECK_FALSE(place.open());

    const RecordedRun run = place.run();
    const History::Outcome outcome = place.record(run, History::Newer::set_aside);
    CHECK_FALSE(outcome.lost);
    CHECK(outcome.trouble.en.find("newer") != std::string::npos);
    CHECK(place.has_aside("newer"));
    CHECK(place.recorded() == std::vector<RecordedRun>{run});
}

TEST_CASE("a lock that another holds costs the run its record after a second, and nothing else") {
    Place place;
    place.must_record(place.run());
    Database holder = opened(place, place.clock);
    {
        const Result<Transaction> held = Transaction::begin(holder);
        REQUIRE(held);
        const Duration before = place.clock.slept();
        const History::Outcome outcome = place.record(place.run());
        REQUIRE(outcome.lost);
        CHECK(outcome.lost->kind == ErrorKind::busy);
        CHECK(outcome.trouble.empty());
        CHECK(place.clock.slept() - before <= History::k_at_most + 100ms);
        CHECK(place.recorded().size() == 1); // who reads does not wait
    }
    place.must_record(place.run());
    CHECK(place.recorded().size() == 2);
}

TEST_CASE("a history that another tool is just beginning is waited for, no longer than a second") {
    Place place;
    const Result<Lock> held = place.files.lock(place.where().lock, "lectio-smoke", place.clock.now().wall);
    REQUIRE(held);
    const History::Outcome outcome = place.record(place.run());
    REQUIRE(outcome.lost);
    CHECK(outcome.lost->kind == ErrorKind::busy);
    CHECK(place.clock.slept() <= History::k_at_most + 100ms);
}

TEST_CASE("reading that does not end holds up no writer, and the log it grows is bounded") {
    Place place;
    place.must_record(place.run());
    Result<PastRuns> reader = place.open();
    REQUIRE(reader);
    History::Outcome outcome;
    int written = 0;
    for (; written < 5000 && !outcome.lost; ++written) {
        outcome = place.record(large_run(place, written));
    }
    REQUIRE(outcome.lost);
    CHECK(outcome.lost->kind == ErrorKind::busy);
    CHECK(written > 100);
    CHECK(on_disk(place) < (24_MB).count);
    reader = Error{};
    place.must_record(place.run());
}

TEST_CASE("where the folder cannot be written the run is lost with the reason") {
    Place place;
    SECTION("a file where the folder should be") {
        spill(place.folder / "state", "x");
    }
    SECTION("no such device") {
        std::filesystem::create_directory_symlink("/proc/self", place.folder / "state");
    }
    const History::Outcome outcome = place.record(place.run());
    REQUIRE(outcome.lost);
    CHECK_FALSE(outcome.lost->message.empty());
}

TEST_CASE("a disk without room leaves no empty file that would be told as damage later") {
    Place place;
    {
        const NoRoom no_room;
        const History::Outcome outcome = place.record(place.run());
        REQUIRE(outcome.lost);
        CHECK(outcome.trouble.empty());
    }
    CHECK_FALSE(std::filesystem::exists(place.file()));
    place.must_record(place.run());
}

TEST_CASE("every call that may fail, fails: the run is lost or recorded, the next one is recorded") {
    for (const bool damaged : {false, true}) {
        for (std::size_t call = 1;; ++call) {
            Place place;
            FaultyFiles faulty(place.folder.path());
            if (damaged) {
                std::filesystem::create_directory(place.folder / "state");
                spill(place.file(), std::string(5000, 'x'));
            }
            faulty.fail_from(call, ENOSPC);
            const auto record = [&] {
                place.clock.advance(1min);
                return History(faulty, place.clock, place.where(), place.limits).record(place.run());
            };
            const History::Outcome outcome = record();
            const bool got_through = faulty.calls() < call;
            CHECK_FALSE((got_through && outcome.lost));
            faulty.heal();
            CHECK_FALSE(record().lost);
            CHECK_FALSE(place.recorded().empty());
            if (got_through) {
                break;
            }
        }
    }
}

TEST_CASE("a run that dies at any step leaves a history that the next one writes") {
    for (const bool damaged : {false, true}) {
        bool stopped = true;
        for (std::size_t call = 1; stopped; ++call) {
            Place place;
            FaultyFiles faulty(place.folder.path());
            if (damaged) {
                std::filesystem::create_directory(place.folder / "state");
                spill(place.file(), std::string(5000, 'x'));
            }
            faulty.crash_at(call);
            stopped = stopped_by_crash(
                [&] { History(faulty, place.clock, place.where(), place.limits).record(place.run()); });
            faulty.heal();
            faulty.power_cut();
            CHECK_FALSE(place.record(place.run()).lost);
            CHECK_FALSE(place.recorded().empty());
        }
    }
}

TEST_CASE("many writers at once: what none of them lost is there") {
    Place place;
    std::atomic<int> kept = 0;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&, writer] {
            SystemFiles files;
            SystemClock clock;
            for (int i = 0; i < 25; ++i) {
                RecordedRun run;
                run.tool = fmt::format("tool-{}", writer);
                run.started = clock.now();
                run.looks = {look_of(fmt::format("c{}", i % 7), 0, verbatim(fmt::format("run {}", i)))};
                const History::Outcome outcome = History(files, clock, place.where(), {}).record(run);
                kept += outcome.lost ? 0 : 1;
                if (!outcome.trouble.empty()) {
                    kept = -10'000;
                }
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    CHECK(kept > 0);
    CHECK(place.recorded().size() == static_cast<std::size_t>(kept));
}

TEST_CASE("what there is not, cannot be read") {
    Place place;
    CHECK(place.open().error().kind == ErrorKind::not_found);
    std::filesystem::create_directory(place.folder / "state");
    spill(place.file(), std::string(5000, 'x'));
    CHECK(place.open().error().kind == ErrorKind::invalid);
    CHECK_FALSE(place.has_aside("damaged")); // reading changes nothing
}
