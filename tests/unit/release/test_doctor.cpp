// What hurts a deploy is told with the line that mends it, and a host that has all in order hears nothing.
#include "discovery/nginx_config.h"
#include "release/doctor.h"
#include "release/doctor_looks.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;

namespace {

using Part = DeployConditions::SiteUnit::Part;

constexpr const char* k_recovery = "lectio-deploy-recover.service";

// packaging/systemd/site/teaching_panel.service, as systemd tells of it.
UnitState corrected_unit(const std::string& name, const std::string& part) {
    UnitState unit = running_unit(name);
    unit.type = "notify";
    unit.notify_access = "main";
    unit.stop_timeout = 25s;
    unit.start_timeout = 90s;
    unit.triggered_by = {"teaching_panel.socket"};
    unit.after = {"network.target", k_recovery};
    unit.exec_start = {{"/srv/venv/bin/gunicorn", "--graceful-timeout", "15", "site.wsgi"}};
    unit.exec_start_pre = {{"/usr/local/bin/lectio-deploy", "gate", part}};
    return unit;
}

DeployConditions good_host() {
    DeployConditions seen;
    seen.served = "/var/www/site/build";
    seen.releases = "/var/www/site/.lectio-releases";
    seen.now = WallTime(1'800'000'000s);
    seen.units.push_back({Part::web, "gunicorn", corrected_unit("teaching_panel.service", "web")});
    seen.units.push_back({Part::workers, "celery", corrected_unit("celery-default.service", "workers")});
    seen.units.back().state.type = "simple";
    seen.units.back().state.triggered_by.clear();
    seen.fronts.push_back(running_unit("nginx.service"));
    seen.fronts.back().after = {k_recovery};
    seen.recovery = running_unit(k_recovery);
    seen.recovery.active_state = "inactive";
    seen.recovery.unit_file_state = "enabled";
    seen.page = {"http://site/", "no-cache", ""};
    seen.served_kind = Shelf::Served::Kind::release;
    seen.releases_folder = FileInfo{FileInfo::Type::folder, 0_B, 0755, 0, 0, {}, 1, 2};
    seen.room = ReleaseDisk::Room{5_GB, 100'000};
    seen.min_free = 1_GB;
    seen.live_size = 10_MB;
    seen.live_files = 200;
    seen.newest = seen.now - 1h;
    return seen;
}

// Of a host that differs from a good one by `change`: its one finding.
struct Ill {
    template<class Change>
    explicit Ill(Change change) {
        DeployConditions seen = good_host();
        change(seen);
        findings = judge_conditions(seen);
        REQUIRE(findings.size() == 1);
        one = findings.front();
    }
    [[nodiscard]] bool says(const std::string& text) const {
        const std::string all = one.words.in(Lang::en) + " | " + one.hint.in(Lang::en);
        UNSCOPED_INFO(all);
        return all.find(text) != std::string::npos;
    }
    std::vector<release::Finding> findings;
    release::Finding one;
};

class NoFiles final : public NginxSource {
  public:
    explicit NoFiles(std::string text) : m_text(std::move(text)) {}
    Result<std::string> read(const Path&) override { return m_text; }
    Result<std::vector<Path>> matching(const Path&) override { return std::vector<Path>{}; }

  private:
    std::string m_text;
};

std::vector<std::string> caches(const std::string& text, const Path& root = "/srv/build") {
    NoFiles source(text);
    return file_caches_of(parse_nginx(source, "/etc/nginx/nginx.conf"), root);
}

bool asks_for(const std::string& text, const Path& file) {
    NoFiles source(text);
    return asks_for_file(parse_nginx(source, "/etc/nginx/nginx.conf"), file);
}

} // namespace

TEST_CASE("whether nginx would show the maintenance page", "[doctor]") {
    const Path page = "/var/www/lectio-maintenance.html";
    const std::string shipped = slurp(Path(LECTIO_SOURCE_FOLDER) / "packaging/nginx/maintenance.conf");
    CHECK(asks_for("http { server { listen 80; " + shipped + " } }", page));
    CHECK_FALSE(asks_for("http { server { listen 80; " + shipped + " } }", "/var/www/other.html"));
    CHECK_FALSE(asks_for("http { server { location / { alias /var/www/lectio-maintenance.html; } } }", page));
    CHECK(asks_for("server { if ( -f /m.html ) { return 503; } }", "/m.html"));
    CHECK(Ill([&](DeployConditions& seen) { seen.unknown_page = page; }).says("include snippets"));
}

TEST_CASE("a host that has all in order hears nothing", "[doctor]") {
    CHECK(judge_conditions(good_host()).empty());
}

TEST_CASE("the site's units: each thing with the line that mends it", "[doctor]") {
    using Seen = DeployConditions;
    const Ill cut([](Seen& seen) { seen.units[0].state.stop_timeout = 15s; });
    CHECK(cut.says("TimeoutStopSec=25s"));
    CHECK(cut.one.status == Status::warning);
    // gunicorn's own default is 30 s
    const Ill unsaid([](Seen& seen) {
        seen.units[0].state.exec_start = {{"/srv/venv/bin/gunicorn", "site.wsgi"}};
    });
    CHECK(unsaid.says("TimeoutStopSec=40s"));
    CHECK(Ill([](Seen& seen) {
              seen.units[0].state.triggered_by = {"x.timer"};
          }).says("teaching_panel.socket"));
    CHECK(Ill([](Seen& seen) { seen.units[0].state.type = "simple"; }).says("Type=notify"));
    CHECK(Ill([](Seen& seen) { seen.units[0].state.notify_access = "none"; }).says("NotifyAccess=main"));
    CHECK(Ill([](Seen& seen) { seen.units[0].state.watchdog = 60s; }).says("WatchdogSec=0"));
    CHECK(Ill([](Seen& seen) { seen.units[0].state.exec_start_pre.clear(); }).says("lectio-deploy gate web"));
    CHECK(Ill([](Seen& seen) {
              seen.units[1].state.exec_start_pre.clear();
          }).says("lectio-deploy gate workers"));
    CHECK(Ill([](Seen& seen) { seen.units[0].state.start_timeout = 30s; }).says("TimeoutStartSec=90s"));
    CHECK(Ill([](Seen& seen) { seen.systemd = false; }).one.status == Status::unknown);
}

TEST_CASE("what is nobody's fault is not told of a unit", "[doctor]") {
    DeployConditions seen = good_host();
    UnitState& unit = seen.units[0].state;
    SECTION("no end to the time in which it may stop and start") {
        unit.stop_timeout = 0ms;
        unit.start_timeout = 0ms;
    }
    SECTION("a file of gunicorn's says how long") {
        unit.exec_start = {{"/srv/venv/bin/gunicorn", "-c", "gunicorn.conf.py", "site.wsgi"}};
    }
    SECTION("a watchdog of ours stands in gunicorn's place") {
        unit.watchdog = 60s;
        unit.exec_start[0].insert(unit.exec_start[0].begin(), "/usr/local/bin/lectio-heartbeat");
    }
    SECTION("another server than gunicorn") {
        seen.units[0].program = "uvicorn";
        unit.type = "simple";
        unit.stop_timeout = 5s;
    }
    CHECK(judge_conditions(seen).empty());
}

TEST_CASE("the start of the machine", "[doctor]") {
    using Seen = DeployConditions;
    CHECK(Ill([](Seen& seen) {
              seen.recovery.unit_file_state = "disabled";
          }).says("systemctl enable lectio-deploy-recover.service"));
    CHECK(Ill([](Seen& seen) { seen.recovery.load_state = "not-found"; }).says("install.sh"));
    CHECK(Ill([](Seen& seen) { seen.fronts[0].after.clear(); }).says("nginx.service"));
    CHECK(Ill([](Seen& seen) {
              seen.units[1].state.after.clear();
          }).says("After=lectio-deploy-recover.service"));
}

TEST_CASE("nginx and the page", "[doctor]") {
    using Seen = DeployConditions;
    const Ill cache([](Seen& seen) { seen.file_caches = {"max=1000"}; });
    CHECK(cache.says("open_file_cache off;"));
    CHECK(cache.one.status == Status::critical);
    CHECK(Ill([](Seen& seen) { seen.page->cache_control = "public, max-age=3600"; }).says("max-age=3600"));
    CHECK(Ill([](Seen& seen) { seen.page->cache_control.clear(); }).says("not sent"));
    DeployConditions seen = good_host();
    for (const char* said : {"No-Cache", "no-store", "public, max-age=0, must-revalidate"}) {
        seen.page->cache_control = said;
        CHECK(judge_conditions(seen).empty());
    }
}

TEST_CASE("releases, room, rights, clock", "[doctor]") {
    using Seen = DeployConditions;
    const auto status = [](auto change) { return Ill(change).one.status; };
    CHECK(status([](Seen& seen) { seen.served_kind = Shelf::Served::Kind::foreign; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.releases_folder->owner = 33; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.releases_folder->mode = 0775; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.releases_device = 7; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.room->free = 500_MB; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.room->free = Bytes{seen.min_free.count + seen.live_size.count}; }) ==
          Status::warning);
    CHECK(status([](Seen& seen) { seen.room->inodes = 1100; }) == Status::warning);
    CHECK(status([](Seen& seen) { seen.room->inodes = 100; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.newest = seen.now + 1h; }) == Status::critical);
    CHECK(status([](Seen& seen) { seen.unfinished = {"fe-1"}; }) == Status::warning);
    CHECK(status([](Seen& seen) { seen.unreadable = {"fe-1"}; }) == Status::warning);
    CHECK(status([](Seen& seen) { seen.is_proven = false; }) == Status::warning);
    CHECK(status([](Seen& seen) { seen.unseen = {verbatim("no rights")}; }) == Status::unknown);
    CHECK(status([](Seen& seen) {
              seen.hidden = Flaw{Flaw::Weight::refuse, verbatim("no way in")};
          }) == Status::critical);
    CHECK(status([](Seen& seen) {
              seen.hidden = Flaw{Flaw::Weight::warn, verbatim("nobody knows")};
          }) == Status::warning);
    DeployConditions seen = good_host();
    seen.room->inodes = 0; // a file system that does not count them
    seen.releases_folder.reset();
    CHECK(judge_conditions(seen).empty());
    seen.is_proven = false;
    seen.served_kind = Shelf::Served::Kind::foreign;
    CHECK(judge_conditions(seen).front().status == Status::critical);
}

TEST_CASE("open_file_cache counts where it holds for what is served", "[doctor]") {
    CHECK(caches("http { open_file_cache max=9 inactive=20s; server { root /srv/build/; } }") ==
          std::vector<std::string>{"max=9 inactive=20s"});
    CHECK(caches("http { open_file_cache max=9; server { open_file_cache off; root /srv/build; } }").empty());
    CHECK(caches("http { open_file_cache max=9; server { root /srv/other; } }").empty());
    CHECK(caches("http { server { root /srv/build; location /static/ { open_file_cache max=5; } } }") ==
          std::vector<std::string>{"max=5"});
    CHECK(caches("http { server { location / { alias /srv/build/; open_file_cache max=5; } } }").size() == 1);
    CHECK(caches("http { server { root /srv/build; } }").empty());
}
