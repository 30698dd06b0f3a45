#include "checks/freshness.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_redis.h"
#include "support/temp_folder.h"

#include <fstream>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

constexpr WallTime k_now{Duration(1'769'076'000'000)}; // 2026-01-22 10:00 UTC

FreshnessSettings settings_for(const std::string& files = "/srv/b/*.zst") {
    FreshnessSettings settings;
    settings.files = files;
    settings.age = {Amount{Amount::Unit::milliseconds, 26 * 3600e3},
                    Amount{Amount::Unit::milliseconds, 50 * 3600e3}};
    return settings;
}

FreshnessSettings of_a_query() {
    FreshnessSettings settings = settings_for("");
    settings.sql = FreshnessSql{Secret("sqlite:/srv/db"), "select 1"};
    return settings;
}

CheckResult judged(const std::string& value, const FreshnessSettings& settings = of_a_query()) {
    FreshnessSample sample;
    sample.value = value;
    return evaluate_freshness(sample, settings, k_now, {{"level-age", "warning"}});
}

CheckResult judged(const NewestFile& file, const FreshnessSettings& settings = settings_for()) {
    FreshnessSample sample;
    sample.file = file;
    return evaluate_freshness(sample, settings, k_now, {});
}

NewestFile newest(Duration age) {
    NewestFile file;
    file.path = "/srv/b/db-1.zst";
    file.modified = k_now - age;
    file.size = 5_MB;
    return file;
}

void write(const Path& path, std::size_t size) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << std::string(size, 'x');
}

} // namespace

TEST_CASE("a time that something tells is judged by its age", "[freshness]") {
    CHECK(judged("2026-01-22T09:30:00Z").status == Status::ok);
    CHECK(judged("2026-01-22T09:30:00Z").message.en == "30 minutes ago");
    CHECK(judged("2026-01-21T07:00:00Z").status == Status::warning);
    CHECK(judged("2026-01-21T07:00:00Z").message.ru == "в последний раз — 1 день 3 часа назад");
    CHECK(judged("2026-01-20 05:00:00").status == Status::critical);
    CHECK(judged("2026-01-20 05:00:00").message.en.find("(without a time zone, read as UTC)") !=
          std::string::npos);
    CHECK(judged("1769074200").message.en == "30 minutes ago");
    CHECK(judged("1769074200000").message.en == "30 minutes ago");
    CHECK(judged("2026-01-22 10:00:30Z").status == Status::ok); // of another host's clock
}

TEST_CASE("a time in the future, none, and what is none", "[freshness]") {
    const CheckResult future = judged("2026-01-22T13:00:00");
    CHECK(future.status == Status::warning);
    CHECK(future.message.en == "dated 3 hours in the future, so its age cannot be judged");

    CHECK(judged("").status == Status::critical);
    CHECK(judged("").message.en == "there is no time: the query gives nothing");
    CHECK(judged("").memory.contains("level-age"));
    const CheckResult odd = judged("next\x1b[31m week");
    CHECK(odd.status == Status::critical);
    CHECK(odd.message.en.find('\x1b') == std::string::npos);
    CHECK(judged(std::string(100'000, '7')).message.en.size() < 300);

    FreshnessSettings settings = settings_for("");
    settings.redis = FreshnessRedis{Secret("redis://127.0.0.1"), "last_sync"};
    CHECK(judged("", settings).message.ru == "времени нет: ключ last_sync ничего не даёт");
}

TEST_CASE("the newest file is judged by its age and its size", "[freshness]") {
    CHECK(judged(newest(1h)).message.en == "db-1.zst, 5 MB, changed 1 hour ago");
    CHECK(judged(newest(30h)).status == Status::warning);
    CHECK(judged(newest(51h)).message.en == "the newest file is 2 days 3 hours old: db-1.zst");
    CHECK(judged(newest(-2h)).status == Status::warning);
    NewestFile cut = newest(1h);
    cut.cut = true;
    CHECK(judged(cut).status == Status::warning);

    CHECK(judged(NewestFile{}).message.en == "no file matches /srv/b/*.zst");
    NewestFile closed;
    closed.not_readable = "/srv/b";
    closed.why = "Permission denied";
    CHECK(judged(closed).status == Status::unknown);
    NewestFile small;
    small.too_small = "/srv/b/db-2.zst";
    small.too_small_size = 12_B;
    FreshnessSettings settings = settings_for();
    settings.min_size = 100_kB;
    CHECK(judged(small, settings).status == Status::critical);
    CHECK(judged(small, settings).message.en.find("the newest, db-2.zst, is 12 B") != std::string::npos);
}

TEST_CASE("files are found by patterns in any part of a path", "[freshness]") {
    TempFolder folder;
    SystemFiles files;
    write(folder.path() / "a/db-1.zst", 100);
    write(folder.path() / "b/db-2.zst", 2000);
    write(folder.path() / "b/.db-3.zst", 2000);
    write(folder.path() / "b/db-4.zst/inside", 2000); // a folder of that name
    const auto hour_ago = std::filesystem::file_time_type::clock::now() - 1h;
    std::filesystem::last_write_time(folder.path() / "a/db-1.zst", hour_ago);
    std::filesystem::create_symlink(folder.path() / "b/db-2.zst", folder.path() / "a/db-5.zst");
    const std::string pattern = (folder.path() / "*/db-?.zst").string();
    const NewestFile all = newest_file(files, pattern, 0_B);
    CHECK(all.found == 3);
    CHECK(all.size == 2000_B); // itself or the link to it
    CHECK(newest_file(files, (folder.path() / "a/db-1.zst").string(), 0_B).found == 1);
    CHECK(newest_file(files, (folder.path() / "a/db-1.zst").string(), 1_kB).too_small.ends_with("db-1.zst"));
    CHECK(newest_file(files, (folder.path() / "c/*").string(), 0_B).found == 0);
    CHECK(newest_file(files, (folder.path() / "b/.db*").string(), 0_B).found == 1);
    CHECK(folder_of_pattern("/srv/b/*/x-?.zst") == "/srv/b");
    CHECK(folder_of_pattern("/*") == "/");
    CHECK(folder_of_pattern("/srv/b/x.zst") == "/srv/b");
}
