#include "checks/accepted_change.h"
#include "checks/drift.h"
#include "platform/sqlite.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"
#include "util/text.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const WallTime k_now = WallTime(1'800'000'000s);

struct MadeUpDeploys final : Deploys {
    std::optional<WallTime> ended;
    std::optional<ReleasedBuild> build;
    [[nodiscard]] std::optional<WallTime> last(const World&, WallTime) const override { return ended; }
    [[nodiscard]] Result<std::optional<ReleasedBuild>> released(const World&, const Path&) const override {
        return build;
    }
};

// Runs one after another, each with what the one before has kept; files are changed "now" unless said otherwise.
struct Watch {
    DriftSettings settings;
    WallTime now = k_now;
    std::optional<WallTime> deploy;
    std::map<std::string, std::string> memory;
    std::map<std::string, WallTime> times;

    Watch() {
        settings.tool = "deepcheck";
        settings.name = "drift";
        settings.database.warn = Amount{Amount::Unit::percent, 10};
    }
    CheckResult look(const DriftSample& sample) {
        now += 1h;
        CheckResult result = evaluate_drift(sample, settings, now, memory);
        memory = result.memory;
        return result;
    }
    CheckResult look_at(const std::string& word, const ContentHashes& there) {
        DriftArea area;
        area.word = word;
        area.there = there;
        area.look = "look here";
        area.changed_at = [this](const std::string& name) -> std::optional<WallTime> {
            const auto found = times.find(name);
            return found == times.end() ? std::nullopt : std::optional(found->second);
        };
        return look({{area}, {}, deploy});
    }
    CheckResult size(Bytes size) { return look({{}, {{"lite", {}, size}}, deploy}); }
    void acknowledge() { memory[k_accepted_change] = memory.extract(k_told_change).mapped(); }
};

ContentHashes of(std::initializer_list<std::pair<std::string, std::string>> files) {
    ContentHashes hashes;
    for (const auto& [name, content] : files) {
        hashes[name] = content_hash(content);
    }
    return hashes;
}

} // namespace

TEST_CASE("what was there at the first look is what it is compared with", "[drift]") {
    Watch watch;
    const CheckResult first = watch.look_at("nginx", of({{"/etc/nginx/nginx.conf", "a"}}));
    CHECK(first.status == Status::ok);
    CHECK(first.message.en == "remembered, compared with from now on: nginx");
    const CheckResult second = watch.look_at("nginx", of({{"/etc/nginx/nginx.conf", "a"}}));
    CHECK(second.status == Status::ok);
    CHECK(second.message.en == "without a deploy nothing has changed: nginx");
}

TEST_CASE("a change without a deploy is named with its files, when, and how to look", "[drift]") {
    Watch watch;
    watch.look_at("nginx", of({{"/etc/nginx/a", "1"}, {"/etc/nginx/b", "1"}}));
    watch.times["/etc/nginx/a"] = watch.now + 48min;
    const CheckResult seen = watch.look_at("nginx", of({{"/etc/nginx/a", "2"}, {"/etc/nginx/c", "1"}}));
    CHECK(seen.status == Status::warning);
    CHECK(seen.message.en ==
          "changed without a deploy: nginx (/etc/nginx/a, -/etc/nginx/b, +/etc/nginx/c; 12 minutes ago)");
    CHECK(seen.message.ru ==
          "изменено без деплоя: nginx (/etc/nginx/a, -/etc/nginx/b, +/etc/nginx/c; 12 минут назад)");
    CHECK(seen.hint.en == "look: look here; if that was meant: sudo lectio-notify ack deepcheck/drift");
    CHECK(seen.remedy == Remedy::cannot_help);

    SECTION("as long as nobody says that it was meant") {
        CHECK(watch.look_at("nginx", of({{"/etc/nginx/a", "2"}, {"/etc/nginx/c", "1"}})).status ==
              Status::warning);
    }
    SECTION("what is put back is over") {
        CHECK(watch.look_at("nginx", of({{"/etc/nginx/a", "1"}, {"/etc/nginx/b", "1"}})).status ==
              Status::ok);
    }
    SECTION("acknowledged it is what later looks compare with") {
        watch.acknowledge();
        const CheckResult after = watch.look_at("nginx", of({{"/etc/nginx/a", "2"}, {"/etc/nginx/c", "1"}}));
        CHECK(after.status == Status::ok);
        CHECK(after.message.en == "accepted: nginx");
        CHECK(watch.look_at("nginx", of({{"/etc/nginx/a", "2"}, {"/etc/nginx/c", "2"}})).status ==
              Status::warning);
    }
    SECTION("what has changed after it was told was not acknowledged with it") {
        watch.acknowledge();
        CHECK(watch.look_at("nginx", of({{"/etc/nginx/a", "3"}})).status == Status::warning);
    }
    SECTION("the next deploy makes it the new state") {
        watch.deploy = watch.now + 30min;
        const CheckResult after = watch.look_at("nginx", of({{"/etc/nginx/a", "2"}, {"/etc/nginx/c", "1"}}));
        CHECK(after.status == Status::ok);
        CHECK(after.message.en == "changed by a deploy: nginx");
    }
}

TEST_CASE("what a deploy has changed is no drift, what was changed after it is", "[drift]") {
    Watch watch;
    watch.look_at("code", of({{"views.py", "1"}, {"urls.py", "1"}}));
    watch.deploy = watch.now + 10min;
    watch.times["views.py"] = watch.now + 9min;
    watch.times["urls.py"] = watch.now + 40min;
    const CheckResult seen = watch.look_at("code", of({{"views.py", "2"}, {"urls.py", "2"}}));
    CHECK(seen.status == Status::warning);
    CHECK(seen.message.en == "changed without a deploy: code (urls.py; 20 minutes ago)");
    watch.look_at("code", of({{"views.py", "2"}, {"urls.py", "1"}}));
    CHECK(watch.look_at("code", of({{"views.py", "2"}, {"urls.py", "1"}})).status == Status::ok);
}

TEST_CASE("a build that was released is compared with what was sealed, carried files apart", "[drift]") {
    Watch watch;
    DriftArea area;
    area.word = "build";
    area.there = of({{"index.html", "1"}, {"old.1.js", "x"}});
    area.released = ReleasedBuild{"fe-1", of({{"index.html", "1"}}), {"old.1.js"}};
    CHECK(watch.look({{area}, {}, {}}).status == Status::ok); // at the first look already
    area.there["debug.js"] = content_hash("x");
    const CheckResult seen = watch.look({{area}, {}, watch.now}); // whatever deploy there was
    CHECK(seen.status == Status::warning);
    CHECK(seen.message.en == "changed without a deploy: build (+debug.js)");
    watch.acknowledge();
    CHECK(watch.look({{area}, {}, {}}).status == Status::ok);
    CHECK(watch.look({{area}, {}, {}}).status == Status::ok); // and stays so
    area.there["debug.js"] = content_hash("y");
    CHECK(watch.look({{area}, {}, {}}).status == Status::warning);
}

TEST_CASE("a database that is another size within a day", "[drift]") {
    Watch watch;
    CHECK(watch.size(50_MB).status == Status::ok);
    CHECK(watch.size(54_MB).status == Status::ok);
    const CheckResult seen = watch.size(60_MB);
    CHECK(seen.status == Status::warning);
    CHECK(seen.message.en == "changed without a deploy: database (lite): 50 MB → 60 MB");
    CHECK(watch.size(40_MB).status == Status::warning); // smaller, too
    watch.acknowledge();
    CHECK(watch.size(40_MB).status == Status::ok);
    CHECK(watch.size(41_MB).status == Status::ok);
    SECTION("what grows a little each day is compared with yesterday") {
        for (int size = 42; size < 60; ++size) {
            watch.now += 25h;
            CHECK(watch.size(Bytes{static_cast<std::uint64_t>(size) << 20U}).status == Status::ok);
        }
    }
    SECTION("a deploy may do that") {
        watch.deploy = watch.now + 30min;
        CHECK(watch.size(80_MB).status == Status::ok);
        watch.deploy.reset();
        CHECK(watch.size(80_MB).status == Status::ok);
    }
    SECTION("a tenth of next to nothing is no news") {
        Watch small;
        small.size(100_kB);
        CHECK(small.size(800_kB).status == Status::ok);
    }
}

TEST_CASE("what could not be seen is unknown, and what was remembered of it stays", "[drift]") {
    Watch watch;
    watch.look_at("units", of({{"/etc/systemd/system/site.service", "1"}}));
    DriftArea blind;
    blind.word = "units";
    blind.trouble = {"no rights", "нет прав"};
    const CheckResult seen = watch.look({{blind}, {}, {}});
    CHECK(seen.status == Status::unknown);
    CHECK(seen.message.en == "units: no rights");
    CHECK(watch.look_at("units", of({{"/etc/systemd/system/site.service", "2"}})).status == Status::warning);
}

TEST_CASE("more files than the state takes are said to be too many", "[drift]") {
    Watch watch;
    ContentHashes many;
    for (int i = 0; i < 9000; ++i) {
        many[fmt::format("folder{}/file-with-a-name-{}.py", i % 100, i)] = content_hash("x");
    }
    const CheckResult seen = watch.look_at("code", many);
    CHECK(seen.status == Status::unknown);
    CHECK_THAT(seen.message.en, Contains("9000 files are more than can be remembered"));
    CHECK(seen.memory.size() < 64);
}

TEST_CASE("names and hashes come back from the memory as they were", "[drift]") {
    ContentHashes hashes;
    for (int i = 0; i < 500; ++i) {
        hashes[fmt::format("папка {}/вложенная/файл {}.py", i % 7, i)] = content_hash(std::to_string(i));
    }
    const std::vector<std::string> pieces = to_pieces(hashes);
    CHECK(pieces.size() > 1);
    for (const std::string& piece : pieces) {
        CHECK(piece.size() <= 4000);
        CHECK(is_utf8(piece));
    }
    CHECK(from_pieces(pieces) == hashes);
    CHECK(from_pieces({"garbage\n9 x y\n\n-1 a b\n"}).empty());
}

TEST_CASE("it looks into the folders themselves", "[drift]") {
    TempFolder folder;
    for (const char* name :
         {"nginx/sites-enabled", "units/site.service.d", "cron", "app/__pycache__", "app/media"}) {
        std::filesystem::create_directories(folder / name);
    }
    spill(folder / "nginx/nginx.conf", "1");
    std::filesystem::create_symlink("../sites-available/site", folder / "nginx/sites-enabled/site");
    spill(folder / "units/site.service.d/limits.conf", "1");
    spill(folder / "crontab", "1");
    spill(folder / "app/views.py", "1");
    spill(folder / "app/__pycache__/views.pyc", "1");
    BareWorld bare;
    FakeHost host;
    host.mount_list = std::vector<Mount>{};
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    {
        Result<Database> database = Database::at(folder / "app/db.sqlite3", Database::Access::create,
                                                 bare.clock, bare.clock.steady() + 60s);
        REQUIRE(database);
        REQUIRE(database->run("CREATE TABLE django_migrations (app TEXT, name TEXT);"
                              "INSERT INTO django_migrations VALUES ('shop', '0001_initial')"));
    }
    DriftSettings settings;
    settings.watch = {"build", "code", "nginx", "units", "crontab", "migrations"};
    settings.build = folder / "build";
    settings.code = folder / "app";
    settings.nginx = {folder / "nginx"};
    settings.units = {folder / "units"};
    settings.crontab = {folder / "crontab", folder / "cron", folder / "absent"};
    settings.leave_out = {"uploads*"};
    GrowthTarget database;
    database.kind = GrowthTarget::Kind::sqlite;
    database.text = "lite";
    database.path = folder / "app/db.sqlite3";
    settings.databases = {database};
    const auto deploys = std::make_shared<MadeUpDeploys>();
    settings.deploys = deploys;
    std::filesystem::create_directories(folder / "build");
    spill(folder / "build/index.html", "1");

    std::map<std::string, std::string> memory;
    const auto look = [&] {
        const auto check = drift_check_type().make(&settings);
        CheckResult result = dynamic_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + 300s, memory});
        memory = result.memory;
        return result;
    };
    CHECK(look().message.en ==
          "remembered, compared with from now on: build, code, nginx, units, crontab, migrations");
    spill(folder / "app/__pycache__/views.pyc", "2"); // changes by themselves
    spill(folder / "app/media/homework.py", "2");
    spill(folder / "app/uploads.txt", "2");
    CHECK(look().status == Status::ok);

    SECTION("each is named") {
        spill(folder / "build/index.html", "2");
        spill(folder / "app/views.py", "2");
        std::filesystem::remove(folder / "nginx/sites-enabled/site");
        std::filesystem::create_symlink("../sites-available/evil", folder / "nginx/sites-enabled/site");
        spill(folder / "units/site.service.d/limits.conf", "2");
        spill(folder / "cron/new", "x");
        Result<Database> open = Database::at(folder / "app/db.sqlite3", Database::Access::read_write,
                                             bare.clock, bare.clock.steady() + 60s);
        REQUIRE(open);
        REQUIRE(open->run("INSERT INTO django_migrations VALUES ('shop', '0002_more')"));
        const CheckResult seen = look();
        CHECK(seen.status == Status::warning);
        for (const std::string& name :
             {std::string("build (index.html"), std::string("code (views.py"),
              (folder / "nginx/sites-enabled/site").string(),
              (folder / "units/site.service.d/limits.conf").string(), "+" + (folder / "cron/new").string(),
              std::string("migrations (+shop.0002_more)")}) {
            CHECK_THAT(seen.message.en, Contains(name));
        }
    }
    SECTION("after a deploy nothing of it is drift") {
        spill(folder / "app/views.py", "2");
        deploys->ended = WallTime::max() - 1h;
        CHECK_THAT(look().message.en, Contains("changed by a deploy: code"));
    }
    SECTION("a check without a folder says which key is missing") {
        settings.code.clear();
        const CheckResult seen = look();
        CHECK(seen.status == Status::unknown);
        CHECK_THAT(seen.message.en, Contains("write code = \"/the/folder\""));
    }
}
