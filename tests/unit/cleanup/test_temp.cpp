// [cleanup] temp against a model: of a thousand random trees only what the rule names is gone.
#include "cleanup/temp.h"
#include "config/config.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"
#include "util/text.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>

using namespace lectio;
using namespace lectio::cleanup;
using namespace std::chrono_literals;

namespace {

constexpr Duration k_older = 24h * 7;

// Files are made now, and looked at a month later.
struct World30DaysOn : BareWorld {
    World30DaysOn() { clock.jump_wall(SystemClock().now().wall + 24h * 30 - clock.now().wall); }
};

enum class Kind { file, link, folder, fifo };

struct Entry {
    std::string path; // below the place
    Kind kind = Kind::file;
    bool young = false, held = false;
    std::size_t size = 0;
    std::vector<Entry> below{};
};

class RandomTree {
  public:
    explicit RandomTree(unsigned seed, WallTime now) : m_random(seed), m_now(now) {
        std::filesystem::create_directories(m_folder / "tmp");
        std::filesystem::create_directories(m_folder / "outside/deep");
        for (const char* name : {"outside/deep/cache-1", "outside/cache-2", "outside/old.tmp"}) {
            spill(m_folder.path() / name, "theirs");
        }
        fill(m_entries, "tmp", 0);
        for (const Entry& entry : m_entries) {
            age(entry);
        }
    }

    [[nodiscard]] const TempFolder& folder() const { return m_folder; }
    [[nodiscard]] OpenFiles open() const { return OpenFiles(m_holders); }

    std::string pattern() {
        constexpr std::array<const char*, 6> k_patterns{"tmp/build-*", "tmp/*/cache-*", "tmp/*.tmp",
                                                        "tmp/*",       "tmp/*/*/*",     "tmp/[bk]*/*.tmp"};
        return k_patterns.at(pick(k_patterns.size()));
    }
    bool chance(int percent) { return static_cast<int>(pick(100)) < percent; }

    // The rule said another way, of what was made.
    [[nodiscard]] std::set<std::string> gone(const std::string& pattern, std::optional<Bytes> over) const {
        std::set<std::string> all;
        for (const Entry& entry : m_entries) {
            judge(entry, split(pattern, '/'), over, all);
        }
        return all;
    }

    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(m_folder.path())) {
            all.insert(entry.path().lexically_relative(m_folder.path()).string());
        }
        return all;
    }

  private:
    std::size_t pick(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(m_random);
    }

    void fill(std::vector<Entry>& into, const std::string& folder, int depth) {
        constexpr std::array<const char*, 10> k_names{"build-1", "build-2",          "keep",        "cache-1",
                                                      "cache-2", "old.tmp",          ".hidden.tmp", "b.tmp",
                                                      "x",       "systemd-private-7"};
        std::set<std::string> taken;
        for (std::size_t i = pick(6); i > 0; --i) {
            const std::string name = k_names.at(pick(k_names.size()));
            if (taken.insert(name).second) {
                into.push_back(make(folder + "/" + name, depth));
            }
        }
    }

    Entry make(const std::string& path, int depth) {
        Entry entry{path};
        const Path there = m_folder.path() / path;
        const std::size_t kind = pick(20);
        entry.young = chance(15);
        entry.held = chance(8);
        if (kind < 7 && depth < 3) {
            entry.kind = Kind::folder;
            std::filesystem::create_directories(there);
            fill(entry.below, path, depth + 1);
        } else if (kind < 9) {
            entry.kind = Kind::link;
            entry.held = false; // nobody opens a link itself
            constexpr std::array<const char*, 3> k_targets{"outside", "outside/cache-2", "tmp"};
            std::filesystem::create_symlink(m_folder.path() / k_targets.at(pick(3)), there);
        } else if (kind == 9) {
            entry.kind = Kind::fifo;
            REQUIRE(::mkfifo(there.c_str(), 0600) == 0);
        } else if (kind == 10 && !m_linked) {
            m_linked = true; // one: its times are those of all its names
            std::filesystem::create_hard_link(m_folder / "outside/old.tmp", there);
            entry.size = 6;
            entry.held = entry.young = false;
        } else {
            entry.size = pick(3) * 3000;
            spill(there, std::string(entry.size, 'x'));
        }
        return entry;
    }

    // Bottom up: what is made in a folder makes it young.
    void age(const Entry& entry) {
        for (const Entry& below : entry.below) {
            age(below);
        }
        const Path there = m_folder.path() / entry.path;
        const WallTime time = m_now - (entry.young ? Duration(1h) : Duration(24h * 40));
        const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
        const timespec times[2]{{seconds, 0}, {seconds, 0}};
        struct stat status {};
        REQUIRE(::utimensat(AT_FDCWD, there.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
        REQUIRE(::lstat(there.c_str(), &status) == 0);
        if (entry.held) {
            m_holders[{status.st_dev, status.st_ino}] = {812, "holder", false};
        }
    }

    static bool quiet(const Entry& entry) {
        return !entry.young && !entry.held && entry.kind != Kind::fifo &&
               std::all_of(entry.below.begin(), entry.below.end(), quiet);
    }
    static std::size_t size_of(const Entry& entry, const Path& root) {
        std::size_t size = entry.size;
        if (entry.kind == Kind::link) {
            size = std::filesystem::read_symlink(root / entry.path).string().size();
        }
        for (const Entry& below : entry.below) {
            size += size_of(below, root);
        }
        return size;
    }
    static void add(const Entry& entry, std::set<std::string>& all) {
        all.insert(entry.path);
        for (const Entry& below : entry.below) {
            add(below, all);
        }
    }
    void judge(const Entry& entry, const std::vector<std::string_view>& pattern, std::optional<Bytes> over,
               std::set<std::string>& all) const {
        const std::vector<std::string_view> path = split(entry.path, '/');
        const std::string_view name = path.back();
        const std::string_view part = pattern.at(path.size() - 1);
        if ((name.starts_with('.') && !part.starts_with('.')) || name.starts_with("systemd-private-") ||
            !wildcard_match(part, name)) {
            return;
        }
        if (path.size() < pattern.size()) {
            for (const Entry& below : entry.below) {
                judge(below, pattern, over, all);
            }
        } else if (quiet(entry) && (!over || size_of(entry, m_folder.path()) > over->count)) {
            add(entry, all);
        }
    }

    std::mt19937 m_random;
    WallTime m_now;
    bool m_linked = false;
    TempFolder m_folder;
    std::vector<Entry> m_entries;
    OpenFiles::Holders m_holders;
};

int trees() {
    return std::getenv("LECTIO_SOAK") != nullptr ? LECTIO_COUNT_CLEANUP_TREES
                                                 : LECTIO_COUNT_CLEANUP_TREES / 10;
}

} // namespace

TEST_CASE("temp: of random trees only what the rule names is gone", "[temp]") {
    World30DaysOn bare;
    std::size_t removed = 0;
    std::size_t kept = 0;
    for (int seed = 0; seed < trees(); ++seed) {
        RandomTree tree(static_cast<unsigned>(seed), bare.clock.now().wall);
        const std::string pattern = tree.pattern();
        TempRule rule{(tree.folder().path() / pattern).string(), k_older, std::nullopt};
        if (tree.chance(20)) {
            rule.size = 2999_B;
        }
        const std::set<std::string> expected = tree.gone(pattern, rule.size);
        const std::set<std::string> before = tree.names();
        const Config config;
        Sweep sweep{bare.world, config, Sweep::Effect::none, [] { return true; }};
        clean_temp(rule, tree.open(), Untouchable(config), sweep);
        CHECK(tree.names() == before); // it was only shown
        sweep.effect = Sweep::Effect::real;
        sweep.deeds.clear();
        clean_temp(rule, tree.open(), Untouchable(config), sweep);

        std::set<std::string> wanted = before;
        for (const std::string& path : expected) {
            wanted.erase(path);
        }
        INFO("seed " << seed << ", pattern " << pattern);
        REQUIRE(tree.names() == wanted);
        for (const char* theirs : {"outside/deep/cache-1", "outside/cache-2", "outside/old.tmp"}) {
            REQUIRE(slurp(tree.folder().path() / theirs) == "theirs");
        }
        for (const Deed& deed : sweep.deeds) {
            REQUIRE(deed.end != Deed::End::failed);
        }
        removed += expected.size();
        kept += wanted.size();
    }
    CHECK(removed > 0);
    CHECK(kept > removed);
}

TEST_CASE("temp: the suite's own, backups and what is served stay, whatever matches", "[temp]") {
    World30DaysOn bare;
    TempFolder folder;
    Config config;
    config.paths.state = folder / "all/state";
    config.paths.run = folder / "all/run";
    config.backup.dir = folder / "all/backups";
    config.deploy.backend.emplace().path = folder / "all/site";
    for (const char* name : {"all/state/health/state.json", "all/backups/database-1.zst",
                             "all/site/manage.py", "all/site/old/core", "all/other/x"}) {
        std::filesystem::create_directories((folder.path() / name).parent_path());
        spill(folder.path() / name, "x");
    }
    const auto clean = [&](const std::string& pattern) {
        Sweep sweep{bare.world, config, Sweep::Effect::real, [] { return true; }};
        clean_temp({(folder.path() / pattern).string(), k_older, std::nullopt}, OpenFiles{},
                   Untouchable(config), sweep);
        return sweep.deeds;
    };
    clean("all/*");
    CHECK(!std::filesystem::exists(folder / "all/other"));
    clean("all/*/*");
    clean("*");
    CHECK(slurp(folder / "all/state/health/state.json") == "x");
    CHECK(slurp(folder / "all/backups/database-1.zst") == "x");
    clean("all/site/*");
    CHECK(slurp(folder / "all/site/manage.py") == "x");
    CHECK(slurp(folder / "all/site/old/core") == "x");
    clean("all/site/old/*"); // a folder in it that is named
    CHECK(!std::filesystem::exists(folder / "all/site/old/core"));
    CHECK(std::filesystem::exists(folder / "all/site/old"));
}

// /var/backups -> /mnt/disk/backups: what is not to be touched has two names, and a rule may know either.
TEST_CASE("temp: what stays does so under each of its names", "[temp]") {
    for (const bool linked_in_config : {true, false}) {
        World30DaysOn bare;
        TempFolder folder;
        std::filesystem::create_directories(folder / "disk/backups");
        std::filesystem::create_directory_symlink(folder / "disk", folder / "link");
        spill(folder / "disk/backups/database-1.zst", "x");
        spill(folder / "disk/other", "x");
        Config config;
        config.backup.dir = folder / (linked_in_config ? "link/backups" : "disk/backups");
        for (const char* pattern : {"disk/*", "disk/*/*", "disk/backups/*", "link/backups/*", "link/*"}) {
            Sweep sweep{bare.world, config, Sweep::Effect::real, [] { return true; }};
            clean_temp({(folder.path() / pattern).string(), k_older, std::nullopt}, OpenFiles{},
                       Untouchable(config), sweep);
            INFO(pattern << ", " << linked_in_config);
            CHECK(slurp(folder / "disk/backups/database-1.zst") == "x");
        }
        CHECK(!std::filesystem::exists(folder / "disk/other"));
    }
}

TEST_CASE("temp: what is in use is said, and what is stopped goes on later", "[temp]") {
    World30DaysOn bare;
    TempFolder folder;
    const Config config;
    std::filesystem::create_directories(folder / "tmp");
    spill(folder / "tmp/a", "x");
    spill(folder / "tmp/b", "x");
    struct stat status {};
    REQUIRE(::stat((folder / "tmp/a").c_str(), &status) == 0);
    const OpenFiles open({{{status.st_dev, status.st_ino}, {812, "vim", false}}});
    const TempRule rule{(folder / "tmp/*").string(), k_older, std::nullopt};
    Sweep stopped{bare.world, config, Sweep::Effect::real, [] { return false; }};
    clean_temp(rule, open, Untouchable(config), stopped);
    CHECK(stopped.deeds.empty());
    Sweep sweep{bare.world, config, Sweep::Effect::real, [] { return true; }};
    clean_temp(rule, open, Untouchable(config), sweep);
    REQUIRE(sweep.deeds.size() == 2);
    CHECK(sweep.deeds[0].end == Deed::End::left);
    CHECK(sweep.deeds[0].words.en == "in use by vim (812)");
    CHECK(sweep.deeds[1].end == Deed::End::done);
    CHECK(slurp(folder / "tmp/a") == "x");
}
