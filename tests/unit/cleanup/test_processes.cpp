// [cleanup] kill against a model: of random process trees only what the rule names is signalled, also while numbers change
// hands.
#include "cleanup/processes.h"
#include "config/config.h"
#include "made_up_table.h"
#include "platform/users.h"
#include "support/bare_world.h"
#include "support/fake_host.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace lectio::cleanup;
using namespace std::chrono_literals;

namespace {

const uid_t k_us = effective_user();

struct Place {
    BareWorld bare;
    FakeHost host;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    Config config;
    Sweep sweep{world, config, Sweep::Effect::real, [] { return true; }};
    MadeUpTable table;

    Place() {
        host.memory_info = MemoryInfo{2_GB, 500_MB, 0_B, 0_B};
        add(1, 0, "init");
        add(50, 1, "sshd");
        add(60, 50, "npm run watch"); // that we descend from
        table.self = 70;
        add(70, 60, "lectio-cleanup npm run");
    }
    MadeUpProcess& add(int pid, int parent, const std::string& command, Duration age = 10h) {
        ProcessInfo info;
        info.pid = pid;
        info.parent = parent;
        info.owner = k_us;
        info.name = command.substr(0, command.find(' '));
        info.command_line = command;
        info.age = age;
        info.rss = 600_MB;
        return table.add(info);
    }
    void run(const KillRule& rule) { end_processes(rule, table, sweep); }
    [[nodiscard]] std::vector<int> signalled(int signal) const {
        std::vector<int> all;
        for (const auto& [who, sent] : table.signals) {
            if (sent == signal) {
                all.push_back(who.first);
            }
        }
        return all;
    }
};

KillRule npm() {
    KillRule rule;
    rule.match = "npm (install|ci|run)";
    rule.older = 30min;
    return rule;
}

// The rule said another way.
bool is_named(const MadeUpProcess& process, const KillRule& rule, const std::set<int>& family,
              bool memory_low) {
    const ProcessInfo& info = process.info;
    const bool words = info.command_line.find("npm install") != std::string::npos ||
                       info.command_line.find("npm ci") != std::string::npos ||
                       info.command_line.find("npm run") != std::string::npos;
    const bool old =
        info.age >= rule.older || (memory_low && rule.low_memory && info.age >= rule.low_memory->older);
    const std::string& unit = process.place.unit;
    const bool free = unit.empty() || unit == "session-4.scope" || unit == "user@1000.service" ||
                      std::find(rule.units.begin(), rule.units.end(), unit) != rule.units.end();
    return words && old && free && info.state != 'Z' && info.owner == k_us && info.pid > 1 &&
           !family.contains(info.pid) && !process.place.contained && (!rule.rss || info.rss > *rule.rss);
}

class RandomProcesses {
  public:
    RandomProcesses(unsigned seed, Place& place) : m_random(seed), m_place(place) {
        for (int i = 0; i < 25; ++i) {
            make(100 + pick(40));
        }
    }
    int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(m_random); }
    bool chance(int percent) { return pick(100) < percent; }

    // Somebody has ended, and somebody else has got the number.
    void churn() {
        for (int i = pick(6); i > 0; --i) {
            make(100 + pick(40));
        }
        if (chance(40)) { // another program in the same process (execve)
            auto& process = any();
            process.info.command_line = "postgres: writer";
        }
    }
    KillRule rule() {
        KillRule rule = npm();
        if (chance(30)) {
            rule.rss = 500_MB;
        }
        if (chance(30)) {
            rule.units = {"cron.service"};
        }
        if (chance(40)) {
            rule.low_memory = {chance(50) ? 1_GB : 100_MB, 10min};
        }
        return rule;
    }

  private:
    MadeUpProcess& any() {
        auto at = m_place.table.running.lower_bound(100 + pick(40));
        at = at == m_place.table.running.end() || at->first < 100 ? m_place.table.running.find(60) : at;
        return at->first == 60 ? make(100) : at->second;
    }
    MadeUpProcess& make(int pid) {
        static const std::vector<std::string> commands{
            "npm run build", "node npm ci", "/usr/bin/npm install x",
            "npm outdated",  "postgres",    "vim npm-run"};
        static const std::vector<std::string> units{"",
                                                    "",
                                                    "",
                                                    "session-4.scope",
                                                    "user@1000.service",
                                                    "cron.service",
                                                    "site.service",
                                                    "docker-1.scope"};
        auto& process = m_place.add(pid, 1, commands.at(static_cast<std::size_t>(pick(6))),
                                    chance(60)   ? Duration(2h)
                                    : chance(50) ? Duration(15min)
                                                 : Duration(1min));
        process.info.owner = chance(80) ? k_us : k_us + 1;
        process.info.state = chance(90) ? 'S' : 'Z';
        process.info.rss = chance(50) ? 600_MB : 100_MB;
        process.place.unit = units.at(static_cast<std::size_t>(pick(static_cast<int>(units.size()))));
        process.place.contained = chance(5);
        process.ignores_term = chance(30);
        return process;
    }

    std::mt19937 m_random;
    Place& m_place;
};

const std::set<int> k_family{1, 50, 60, 70};

} // namespace

TEST_CASE("kill: of random process trees only what the rule names is signalled", "[processes]") {
    const int trees = LECTIO_COUNT_CLEANUP_TREES / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    std::size_t ended = 0;
    std::size_t reused = 0;
    for (int seed = 0; seed < trees; ++seed) {
        Place place;
        RandomProcesses random(static_cast<unsigned>(seed), place);
        const KillRule rule = random.rule();
        const bool low = rule.low_memory && 500_MB < rule.low_memory->available;
        const bool churns = seed % 2 == 1;
        std::set<MadeUpTable::Identity> named;
        const auto note = [&] {
            for (const auto& [pid, process] : place.table.running) {
                if (is_named(process, rule, k_family, low)) {
                    named.insert(MadeUpTable::identity(process.info));
                }
            }
        };
        note();
        const std::set<MadeUpTable::Identity> at_first = named;
        INFO("seed " << seed);
        if (churns) {
            place.table.before_list = place.table.before_hold = [&] {
                random.churn();
                note();
            };
            place.table.before_signal = [&] {
                const std::size_t before = place.table.running.size();
                random.churn();
                reused += place.table.running.size() >= before ? 1 : 0;
                note();
            };
        }
        place.run(rule);
        std::set<MadeUpTable::Identity> signalled;
        for (const auto& [who, signal] : place.table.signals) {
            REQUIRE(named.contains(who)); // as it was when it was last looked at, or before
            signalled.insert(who);
        }
        if (!churns) {
            REQUIRE(signalled == at_first);
            for (const auto& [pid, process] : place.table.running) {
                REQUIRE(!signalled.contains(MadeUpTable::identity(process.info)));
            }
        }
        for (const int pid : k_family) {
            REQUIRE(place.table.running.contains(pid));
        }
        ended += signalled.size();
    }
    CHECK(ended > static_cast<std::size_t>(trees));
    CHECK(reused > 0);
}

TEST_CASE("kill: TERM, then KILL for what does not end by itself", "[processes]") {
    Place place;
    place.add(100, 1, "npm run build");
    place.add(101, 1, "npm ci").ignores_term = true;
    place.add(102, 1, "npm install").never_ends = true;
    place.run(npm());
    CHECK(place.signalled(SIGTERM) == std::vector<int>{100, 101, 102});
    CHECK(place.signalled(SIGKILL) == std::vector<int>{101, 102});
    REQUIRE(place.sweep.deeds.size() == 3);
    CHECK(place.sweep.deeds[0].target == "npm run build (100)");
    CHECK(place.sweep.deeds[0].freed == 600_MB);
    CHECK(place.sweep.deeds[1].words.en == "killed: it did not end by itself within 10 s");
    CHECK(place.sweep.deeds[2].end == Deed::End::failed);
    CHECK(place.sweep.deeds[2].freed == 0_B);
}

TEST_CASE("kill: who has got the number meanwhile is not hit", "[processes]") {
    Place place;
    place.add(100, 1, "npm run build");
    const auto replace = [&] { place.add(100, 1, "postgres"); };
    SECTION("between the look and the hold") {
        place.table.before_hold = replace;
    }
    SECTION("between the hold and the signal") {
        place.table.before_signal = replace;
    }
    SECTION("by one that would be named as well, but is young") {
        place.table.before_hold = [&] { place.add(100, 1, "npm run build", 1min); };
    }
    place.run(npm());
    CHECK(place.table.signals.empty());
    CHECK(place.table.running.contains(100));
}

TEST_CASE("kill: a process that has become another program is not hit", "[processes]") {
    Place place;
    place.add(100, 1, "npm run build");
    int lists = 0;
    place.table.before_list = [&] {
        if (++lists == 2) {
            place.table.running.at(100).info.command_line = "postgres";
        }
    };
    place.run(npm());
    CHECK(lists == 2);
    CHECK(place.table.signals.empty());
}

TEST_CASE("kill: what is spared for a reason says it", "[processes]") {
    Place place;
    place.add(100, 1, "npm run a").place.unit = "site.service";
    place.add(101, 1, "npm run b").info.owner = k_us + 1;
    place.add(102, 1, "npm run c").place.contained = true;
    place.run(npm());
    CHECK(place.table.signals.empty());
    REQUIRE(place.sweep.deeds.size() == 3);
    CHECK(place.sweep.deeds[0].words.en ==
          "it belongs to site.service: only services that the rule names in `units` are touched");
    CHECK(place.sweep.deeds[1].words.en ==
          "it belongs to another user: only what the rule names by `user` is ended");
    CHECK(place.sweep.deeds[2].words.en == "it runs in a container");
    for (const Deed& deed : place.sweep.deeds) {
        CHECK(deed.end == Deed::End::left);
    }
    KillRule rule = npm();
    rule.units = {"site"};
    place.run(rule);
    CHECK(place.signalled(SIGTERM) == std::vector<int>{100});
}

TEST_CASE("kill: by --dry-run nobody is signalled", "[processes]") {
    Place place;
    place.add(100, 1, "npm run build");
    place.sweep.effect = Sweep::Effect::none;
    place.run(npm());
    CHECK(place.table.signals.empty());
    REQUIRE(place.sweep.deeds.size() == 1);
    CHECK(place.sweep.deeds[0].end == Deed::End::shown);
    CHECK(place.sweep.deeds[0].freed == 600_MB);
}

TEST_CASE("kill: a real process is held, and ended", "[processes]") {
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGTERM, SIG_DFL); // Catch2 has its own
        ::alarm(600);
        for (;;) {
            ::pause();
        }
    }
    SystemHost host;
    SystemProcessTable table(host);
    const Result<std::vector<ProcessInfo>> all = table.processes();
    const auto seen =
        std::find_if(all->begin(), all->end(), [&](const auto& one) { return one.pid == child; });
    REQUIRE(seen != all->end());
    ProcessInfo another = *seen;
    another.start_ticks -= 1;
    CHECK(table.hold(another).error().kind == ErrorKind::not_found);
    Result<std::unique_ptr<HeldProcess>> held = table.hold(*seen);
    REQUIRE(held);
    CHECK(!(*held)->ended_within(Duration(0)));
    REQUIRE((*held)->send(SIGTERM));
    CHECK((*held)->ended_within(60s));
    ::waitpid(child, nullptr, 0);
    CHECK((*held)->send(SIGTERM).error().kind == ErrorKind::not_found);
    CHECK(table.hold(*seen).error().kind == ErrorKind::not_found);
}
