// Four hundred days of backups of one source beside a model: real SQLite, zstd and manifests, a clock, a disk and a remote
// that are made up, settings, faults and people at random. At every night the newest that counts gives back the rows that
// were in the database; what is kept, suspect, away and in the trash is what the model says, which knows nothing of the
// code under test.
//
// How many such years: tests/counts.json; without LECTIO_SOAK a fiftieth of them, of sixty days each; LECTIO_YEARS for any
// other number. LECTIO_SEED sets where they begin.
#include "backup/archive.h"
#include "backup/offsite.h"
#include "made_up_site.h"
#include "platform/sqlite.h"
#include "retention_model.h"
#include "support/bare_world.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <tuple>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;

namespace {

constexpr int k_days = 400, k_fewer_days = 60; // without LECTIO_SOAK
constexpr Duration k_in_trash = 72h;
constexpr std::size_t k_fewest = 3; // proven ones below which the trash is not emptied

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : m_random(seed) {}
    int below(int n) { return std::uniform_int_distribution(0, n - 1)(m_random); }
    bool one_in(int n) { return below(n) == 0; }
    template<class T>
    const T& one_of(const std::vector<T>& all) {
        return all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
    }

  private:
    std::mt19937_64 m_random;
};

void must(bool holds, const std::string& what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

// Another computer: keeps names and sizes, or is dead, or says that all is well and keeps nothing.
class Remote final : public Processes {
  public:
    enum class Mood { well, dead, lying };
    Mood mood = Mood::well;
    Result<ProcessAnswer> run(const ProcessRequest& request) override {
        ProcessAnswer answer;
        answer.exit_status = mood == Mood::dead ? 1 : 0;
        if (request.command.front() == "list") {
            for (const auto& [name, size] : m_sizes) {
                answer.out += fmt::format("{} {}\n", size, name);
            }
        } else if (mood == Mood::well) {
            const Path file = request.command.back();
            m_sizes[file.filename().string()] = std::filesystem::file_size(file);
        }
        return answer;
    }

  private:
    std::map<std::string, std::uintmax_t> m_sizes;
};

// What is known of a backup without asking the code under test.
struct Known {
    std::string stem;
    ModelBackup model;
    std::string state;
    std::int64_t packed = 0, plain = 0;
    std::optional<WallTime> trashed;
    bool operator==(const Known& other) const {
        return stem == other.stem && state == other.state && packed == other.packed && plain == other.plain &&
               model.time == other.model.time && model.pinned == other.model.pinned &&
               model.away == other.model.away;
    }
};
using Ledger = std::map<std::string, Known>; // by id

class Year {
  public:
    Year(std::uint64_t seed, int days) : m_dice(seed), m_days(days) {
        m_settings.dir = m_folder / "backups";
        std::filesystem::create_directory(m_settings.dir);
        m_settings.min_free = 1_kB;
        m_source.name = "database";
        m_source.type = "sqlite";
        m_source.sqlite.path = m_folder / "db.sqlite3";
        m_source.every = m_dice.one_of(std::vector<Duration>{12h, 24h, 24h, 36h, 72h});
        m_settings.shrink.value = m_dice.one_of(std::vector<double>{30, 50, 70, 90});
        if (m_dice.one_in(2)) {
            m_source.sqlite.latest = m_folder / "latest.sqlite3";
        }
        if (m_dice.one_in(2)) {
            m_settings.offsite = {"copy", "{file}"};
            if (!m_dice.one_in(3)) {
                m_settings.offsite_list = {"list"};
            }
        }
        m_settings.sources = {m_source};
        set_rule();
        change_database("CREATE TABLE t (n INTEGER, text TEXT)");
        add_rows(40);
    }

    void live() {
        for (m_day = 0; m_day < m_days; ++m_day) {
            let_time_pass();
            let_people_act();
            let_the_disk_rot();
            let_the_site_work();
            night();
            look();
        }
    }
    [[nodiscard]] int day() const { return m_day; }

    struct Counts {
        int made = 0, pruned = 0, failed = 0, killed = 0, suspect = 0, frozen = 0, restored = 0;
    };
    [[nodiscard]] const Counts& counts() const { return m_counts; }

  private:
    enum class Fault { none, kill, full_disk, io_error, no_room, empty, garbage, missing, damaged };

    // ── what happens between nights ─────────────────────────────────────────────────────────────────────────

    void let_time_pass() {
        clock().advance(24h + std::chrono::minutes(m_dice.below(120) - 60));
        if (m_dice.one_in(60)) { // the server was off
            clock().advance(24h * m_dice.below(20));
        }
        if (m_clock_is_off != 0h && m_dice.one_in(4)) { // somebody has noticed
            clock().jump_wall(-m_clock_is_off);
            m_clock_is_off = 0h;
            if (!m_dice.one_in(3)) {
                remove_what_is_to_come();
            }
        } else if (m_clock_is_off == 0h && m_dice.one_in(120)) {
            m_clock_is_off = m_dice.one_of(std::vector<Duration>{-31 * 24h, 31 * 24h, -26h, 1h, 400 * 24h});
            clock().jump_wall(m_clock_is_off);
        }
    }

    // Nothing is pruned while such a backup lies there, for a year if need be.
    void remove_what_is_to_come() {
        const WallTime now = clock().now().wall;
        std::size_t remain = 0;
        for (const auto& [id, one] : m_ledger) {
            remain += one.model.counts && one.model.time <= now && !m_rotten.contains(id) ? 1 : 0;
        }
        if (remain == 0) {
            return;
        }
        std::erase_if(m_ledger, [&](const auto& pair) {
            const Known& one = pair.second;
            if (one.model.time <= now) {
                return false;
            }
            std::filesystem::remove(m_settings.dir / (one.stem + ".sqlite3.zst"));
            std::filesystem::remove(m_settings.dir / (one.stem + ".json"));
            return true;
        });
    }

    void set_rule() {
        m_settings.keep = {m_dice.below(4), m_dice.below(3), m_dice.below(8),
                           m_dice.below(5), m_dice.below(7), m_dice.below(3)};
        if (m_dice.one_in(30)) {
            m_settings.keep = {0, 0, 0, 0, 0, 0};
        }
    }

    void let_people_act() {
        if (m_dice.one_in(40)) {
            set_rule();
        }
        m_settings.verify = m_settings.verify ? !m_dice.one_in(80) : m_dice.one_in(4);
        if (m_remote.mood != Remote::Mood::well) {
            m_remote.mood = m_dice.one_in(3) ? Remote::Mood::well : m_remote.mood;
        } else if (m_dice.one_in(15)) {
            m_remote.mood = m_dice.one_in(2) ? Remote::Mood::dead : Remote::Mood::lying;
        }
        if (m_dice.one_in(m_foreign ? 2 : 80)) {
            const Path foreign = m_settings.dir / "database-20260101T000000Z-aaaaaa.json";
            m_foreign = !m_foreign;
            m_foreign ? spill(foreign, "{") : void(std::filesystem::remove(foreign));
        }
        if (m_ledger.empty()) {
            return;
        }
        Known& one = std::next(m_ledger.begin(), m_dice.below(static_cast<int>(m_ledger.size())))->second;
        if (m_dice.one_in(60)) {
            Backup changed = on_disk(one.model.id);
            changed.pinned = one.model.pinned = !one.model.pinned;
            must(archive().save(changed).ok(), "it is pinned");
        }
        if (m_dice.one_in(20)) { // lectio-backup verify ID
            const Result<Backup> proven = archive().prove(on_disk(one.model.id), {}, Effort::full, later());
            must(proven.ok(), "it can be looked at");
            const std::string state = m_rotten.contains(one.model.id) ? "bad"
                                      : one.state == "suspect"        ? "suspect"
                                                                      : "verified";
            must(to_string(proven->state) == state, "proven again it is " + state);
            set_state(one, state);
        }
        if (one.state == "suspect" && m_dice.one_in(2)) { // as `accept` does it
            Backup accepted = on_disk(one.model.id);
            if (accepted.verified) {
                accepted.state = State::verified;
                must(archive().save(accepted).ok(), "it is accepted");
                set_state(one, "verified");
            }
        }
    }

    // One proven backup stays whole: where all are hit no rule helps.
    void let_the_disk_rot() {
        const bool flips = m_dice.one_in(60), loses = m_dice.one_in(100);
        if (m_ledger.empty() || (!flips && !loses)) {
            return;
        }
        const Known one =
            std::next(m_ledger.begin(), m_dice.below(static_cast<int>(m_ledger.size())))->second;
        if (m_rotten.contains(one.model.id)) {
            return; // flipped again it would be whole
        }
        std::size_t others = 0;
        for (const auto& [id, other] : m_ledger) {
            others += other.model.counts && id != one.model.id && !m_rotten.contains(id) ? 1 : 0;
        }
        if (others == 0) {
            return;
        }
        const Path file = m_settings.dir / (one.stem + ".sqlite3.zst");
        if (flips) {
            std::string bytes = slurp(file);
            bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 16);
            spill(file, bytes);
            m_rotten.insert(one.model.id);
        } else {
            std::filesystem::remove(file);
            m_without_file.insert(one.stem + ".json");
            m_ledger.erase(one.model.id);
        }
    }

    void let_the_site_work() {
        if (m_dice.one_in(3)) {
            add_rows(2);
        }
        if (m_dice.one_in(50)) {
            change_database("DELETE FROM t WHERE n > 12; VACUUM");
            m_rows = rows_in(m_source.sqlite.path);
        }
    }

    // ── a night ─────────────────────────────────────────────────────────────────────────────────────────────

    struct Seen {
        std::optional<Backup> made;
        bool is_proven = false;
        std::optional<Archive::Pruned> pruned;
        std::set<std::string> emptied;
    };

    // As the tool does it (tools/lectio-backup/run.cpp).
    Seen run() {
        Seen seen;
        Archive one = archive();
        if (!one.tidy()) {
            return seen;
        }
        const Result<Backup> made = one.make(m_source, later());
        if (!made) {
            return seen;
        }
        seen.made = *made;
        if (m_settings.verify) {
            const Result<Backup> proven = one.prove(*made, m_source.sqlite.latest, Effort::cheap, later());
            if (!proven) {
                return seen;
            }
            seen.made = *proven;
            seen.is_proven = true;
        }
        send(one);
        if (seen.made->state == State::suspect || seen.made->state == State::bad) {
            return seen;
        }
        const Result<Archive::Pruned> pruned = one.prune(m_source, later(), Archive::Effect::real);
        if (pruned) {
            seen.pruned = *pruned;
            const Result<std::vector<std::string>> emptied = one.empty_trash();
            if (emptied) {
                seen.emptied.insert(emptied->begin(), emptied->end());
            }
        }
        return seen;
    }

    void send(Archive& one) {
        const Result<Archive::Contents> there = one.contents();
        Offsite offsite(m_settings, m_world);
        for (Backup& backup : there ? offsite.waiting(there->of("database")) : std::vector<Backup>()) {
            if (!offsite.send(backup, later()).empty()) {
                return;
            }
            backup.away = std::chrono::floor<std::chrono::seconds>(clock().now().wall);
            if (!one.save(backup)) {
                return;
            }
        }
    }

    void night() {
        const Fault fault = !m_dice.one_in(4) ? Fault::none : static_cast<Fault>(1 + m_dice.below(8));
        m_what = fmt::format("day {}, fault {}", m_day, static_cast<int>(fault));
        if (fault == Fault::none) {
            const WallTime begun = clock().now().wall;
            Ledger expected = m_ledger;
            const Seen seen = run();
            must(seen.made.has_value(), "there is a backup");
            ++m_counts.made;
            expect_backup(expected, *seen.made, begun);
            expect_away(expected);
            expect_gone(expected, seen);
            m_ledger = std::move(expected);
            return;
        }
        const std::string good = break_source(fault);
        bool stopped = false;
        Seen seen;
        const auto step = static_cast<std::size_t>(1 + m_dice.below(40));
        switch (fault) {
        case Fault::kill:
            if (m_dice.one_in(2)) {
                m_files.crash_at(step * 2);
            } else {
                m_fuse.length = m_fuse.burnt + 1 + step % 8;
            }
            break;
        case Fault::full_disk:
            m_files.fail_from(step, ENOSPC);
            break;
        case Fault::io_error:
            m_files.fail_at(step * 2, EIO);
            break;
        case Fault::no_room:
            m_disk.free = 2_kB;
            break;
        default:
            break;
        }
        stopped = stopped_by_crash([&] { seen = run(); });
        m_files.heal();
        m_disk.free.reset();
        m_fuse = {};
        if (!good.empty()) {
            must(!seen.made, "nothing is made of what is no database");
            spill(m_source.sqlite.path, good);
        }
        ++(stopped ? m_counts.killed : m_counts.failed);
        nothing_half_has_a_name();
        the_newest_restores(with_fresh_ones()); // before anything is tidied
        must(archive().tidy().ok(), "the next run tidies up");
        take_over(seen);
    }

    // What stood there; empty: it is as it was.
    std::string break_source(Fault fault) {
        if (fault < Fault::empty) {
            return {};
        }
        const Path& path = m_source.sqlite.path;
        std::string good = slurp(path);
        std::string broken = good;
        if (fault == Fault::damaged) { // its pages but the first, which tells that there are others
            std::fill(broken.begin() + 4096, broken.end(), '\x5a');
        } else if (fault == Fault::garbage) {
            std::fill(broken.begin(), broken.end(), 'x');
        }
        fault == Fault::missing ? void(std::filesystem::remove(path))
                                : spill(path, fault == Fault::empty ? std::string() : broken);
        return good;
    }

    // ── the model ───────────────────────────────────────────────────────────────────────────────────────────

    // What is to come by the clock of `now` is less than everything else.
    static const Known* newest_of(const Ledger& ledger, WallTime now) {
        const auto rank = [&](const Known& one) {
            return std::tuple(one.model.time <= now + 1min, one.model.time, one.model.id);
        };
        const Known* newest = nullptr;
        for (const auto& [id, one] : ledger) {
            const bool newer = newest == nullptr || rank(one) > rank(*newest);
            newest = one.model.counts && newer ? &one : newest;
        }
        return newest;
    }

    static void set_state(Known& one, const std::string& state) {
        one.state = state;
        one.model.counts = state == "verified";
    }

    void expect_backup(Ledger& expected, const Backup& backup, WallTime begun) {
        Known one;
        one.stem = backup.stem();
        one.model.id = backup.id;
        one.model.time = backup.time;
        one.packed = static_cast<std::int64_t>(backup.packed.size.count);
        one.plain = static_cast<std::int64_t>(plain_file(backup.snapshot).size.count);
        must(backup.time + 1s > begun && backup.time <= clock().now().wall, "it is of now");
        must(!expected.contains(backup.id), "it has a name of its own");
        const Known* before = newest_of(expected, begun);
        bool small = false;
        for (const auto& [is, was] : {std::pair{one.packed, before ? before->packed : 0},
                                      std::pair{one.plain, before ? before->plain : 0}}) {
            small = small || is < was * static_cast<std::int64_t>(m_settings.shrink.value) / 100;
        }
        set_state(one, small ? "suspect" : m_settings.verify ? "verified" : "complete");
        must(to_string(backup.state) == one.state, "it is " + one.state);
        m_counts.suspect += small ? 1 : 0;
        m_rows_of[backup.id] = m_rows;
        expected[backup.id] = one;
    }

    void expect_away(Ledger& expected) {
        const bool nobody_looks = m_settings.offsite_list.empty() && m_remote.mood == Remote::Mood::lying;
        if (m_settings.offsite.empty() || (m_remote.mood != Remote::Mood::well && !nobody_looks)) {
            return; // the first fails, and the others wait
        }
        for (auto& [id, one] : expected) {
            const bool goes = one.model.counts || (!m_settings.verify && one.state == "complete");
            one.model.away = one.model.away || goes;
        }
    }

    std::vector<std::string> gone_of(const Ledger& ledger) {
        std::vector<ModelBackup> all;
        for (const auto& [id, one] : ledger) {
            all.push_back(one.model);
        }
        return m_settings.verify && !m_foreign
                   ? model_gone(all, {m_settings.keep, m_source.every, !m_settings.offsite.empty()},
                                clock().now().wall)
                   : std::vector<std::string>();
    }

    void expect_gone(Ledger& expected, const Seen& seen) {
        if (!seen.pruned) {
            must(expected[seen.made->id].state == "suspect",
                 "what is odd removes nothing, all else is pruned");
            return;
        }
        const std::vector<std::string> gone = gone_of(expected);
        must(seen.pruned->ids == gone, fmt::format("{} are pruned and not {}", fmt::join(gone, ", "),
                                                   fmt::join(seen.pruned->ids, ", ")));
        m_counts.frozen += seen.pruned->frozen.empty() ? 0 : 1;
        const WallTime now = clock().now().wall;
        for (const std::string& id : gone) {
            m_trash[id] = expected[id];
            m_trash[id].trashed = std::chrono::floor<std::chrono::seconds>(now);
            expected.erase(id);
            ++m_counts.pruned;
        }
        std::size_t proven = 0;
        for (const auto& [id, one] : expected) {
            proven += one.model.counts ? 1 : 0;
        }
        std::set<std::string> over;
        for (const auto& [id, one] : m_trash) {
            if (now - *one.trashed >= k_in_trash && proven >= k_fewest) {
                over.insert(id);
            }
        }
        must(seen.emptied == over, "what has lain in the trash for three days goes");
        for (const std::string& id : over) {
            m_trash.erase(id);
        }
    }

    // What a night that went wrong has left; only what the rule lets go may be missing, and at most one is new.
    void take_over(const Seen& seen) {
        Ledger there = read(m_settings.dir);
        Ledger all = there;
        std::vector<std::string> missing;
        for (const auto& [id, one] : m_ledger) {
            if (all.try_emplace(id, one).second) {
                missing.push_back(id);
            } else {
                must(there[id].state == one.state && there[id].packed == one.packed, "it is as it was");
            }
        }
        std::size_t fresh = 0;
        for (auto& [id, one] : there) {
            if (!m_ledger.contains(id)) {
                ++fresh;
                m_rows_of[id] = m_rows;
                must(one.state != "bad", "nothing bad is made of a good database");
            }
        }
        must(fresh <= 1 && (fresh == 1 || !seen.made), "one night makes one backup");
        const std::vector<std::string> may_go = gone_of(all);
        for (const std::string& id : missing) {
            must(std::find(may_go.begin(), may_go.end(), id) != may_go.end(), id + " had to stay");
        }
        m_trash = read(m_settings.dir / "trash");
        m_ledger = std::move(there);
    }

    // ── the disk ────────────────────────────────────────────────────────────────────────────────────────────

    std::vector<std::string> names_in(const Path& folder) { return m_bare.files.list(folder).value(); }

    // By our own reading, past backup/record.h. In the middle one may be on its way to the trash.
    enum class Moment { tidied, in_the_middle };
    Ledger read(const Path& folder, Moment moment = Moment::tidied) {
        Ledger ledger;
        for (const std::string& name : names_in(folder)) {
            if (!name.ends_with(".json") || name.starts_with('.') || m_without_file.contains(name) ||
                name == "database-20260101T000000Z-aaaaaa.json") {
                continue;
            }
            const nlohmann::json json = nlohmann::json::parse(slurp(folder / name));
            Known one;
            one.stem = name.substr(0, name.size() - 5);
            one.model.id = json["id"];
            one.model.time = parse_utc(json["time"].get<std::string>()).value();
            one.model.pinned = json["pinned"];
            one.model.away = json.contains("away");
            one.packed = json["size"];
            one.plain = json["snapshot"]["size"];
            set_state(one, json["state"]);
            if (json.contains("trashed")) {
                one.trashed = parse_utc(json["trashed"].get<std::string>()).value();
            }
            must(folder.filename() == "trash" || !one.trashed || moment == Moment::in_the_middle,
                 "what goes to the trash has gone");
            ledger[one.model.id] = one;
        }
        return ledger;
    }

    // Whole files with a manifest and nothing else but what is unfinished and called so.
    void nothing_half_has_a_name() {
        for (const std::string& name : names_in(m_settings.dir)) {
            if (!name.ends_with(".zst") || name.starts_with('.')) {
                continue;
            }
            const std::string stem = name.substr(0, name.find('.'));
            const Path manifest = m_settings.dir / (stem + ".json");
            must(std::filesystem::exists(manifest), name + " has a manifest");
            const nlohmann::json json = nlohmann::json::parse(slurp(manifest));
            must(json["size"] == std::filesystem::file_size(m_settings.dir / name), name + " is whole");
        }
    }

    // After a night: exactly what the model has, and the newest of it restores.
    void look() {
        try {
            std::set<std::string> expected(m_without_file);
            expected.insert("trash");
            if (m_foreign) {
                expected.insert("database-20260101T000000Z-aaaaaa.json");
            }
            for (const auto& [id, one] : m_ledger) {
                expected.insert({one.stem + ".json", one.stem + ".sqlite3.zst"});
            }
            const std::vector<std::string> names = names_in(m_settings.dir);
            must(std::set<std::string>(names.begin(), names.end()) == expected,
                 fmt::format("there are {} and not {}", fmt::join(expected, " "), fmt::join(names, " ")));
            if (m_day % 10 == 0) {
                must(read(m_settings.dir) == m_ledger, "the manifests say what the model knows");
                std::set<std::string> trash;
                for (const auto& [id, one] : read(m_settings.dir / "trash")) {
                    trash.insert(id);
                }
                must(trash.size() == m_trash.size(), "the trash holds what was put there");
            }
            const Known* newest = newest_of(m_ledger, clock().now().wall);
            const Archive::Contents there = archive().contents().value();
            const Backup* found = there.newest("database");
            must((newest == nullptr) == (found == nullptr) && (!newest || newest->model.id == found->id),
                 "the archive takes the same for the newest");
            the_newest_restores(m_ledger);
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(m_what + ": " + error.what());
        }
    }

    // A night that went wrong after its backup was proven may have let go what was the newest before it.
    Ledger with_fresh_ones() {
        Ledger all = m_ledger;
        for (const auto& [id, one] : read(m_settings.dir, Moment::in_the_middle)) {
            if (all.try_emplace(id, one).second) {
                m_rows_of[id] = m_rows;
            }
        }
        return all;
    }

    // Of those that the disk has not harmed. Where there was one there is one.
    void the_newest_restores(const Ledger& known) {
        Ledger whole = known;
        std::erase_if(whole, [&](const auto& one) { return m_rotten.contains(one.first); });
        const Known* newest = newest_of(whole, clock().now().wall);
        must(newest != nullptr || !m_had_one, "a proven backup is never the last one that goes");
        m_had_one = newest != nullptr;
        if (newest == nullptr || newest->trashed) {
            return;
        }
        const Path file = m_settings.dir / (newest->stem + ".sqlite3.zst"), out = m_folder / "out.sqlite3";
        must(std::filesystem::exists(file), newest->stem + " is there");
        const Backup backup = backup_from_json(slurp(m_settings.dir / (newest->stem + ".json"))).value();
        must(archive().unpack(backup, out, later()).ok(), newest->stem + " is unpacked");
        must(rows_in(out) == m_rows_of.at(newest->model.id), newest->stem + " has its rows");
        std::filesystem::remove(out);
        ++m_counts.restored;
    }

    Backup on_disk(const std::string& id) {
        const Path manifest = m_settings.dir / (m_ledger.at(id).stem + ".json");
        return backup_from_json(slurp(manifest)).value();
    }

    void change_database(const std::string& sql) {
        Result<Database> database =
            Database::at(m_source.sqlite.path, Database::Access::create, clock(), later());
        must(database.ok() && database->run(sql).ok(), "the site writes");
    }
    void add_rows(int rows) {
        change_database(
            fmt::format("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {}) "
                        "INSERT INTO t SELECT (SELECT count(*) FROM t) + n, "
                        "hex(randomblob(100)) FROM c",
                        rows));
        m_rows = rows_in(m_source.sqlite.path);
    }
    std::int64_t rows_in(const Path& path) {
        Result<Database> database = Database::at(path, Database::Access::read_only, clock(), later());
        must(database.ok(), "the database opens");
        return database->number("SELECT count(*) * 1000000 + sum(n) FROM t").value();
    }

    Archive archive() { return {m_settings, m_world, m_disk, Lang::en}; }
    FakeClock& clock() { return m_bare.clock; }
    SteadyTime later() { return clock().steady() + 10min; }

    Dice m_dice;
    TempFolder m_folder{TempFolder::Kept::in_memory}; // a year syncs some ten thousand files
    BareWorld m_bare;
    FaultyFiles m_files{m_folder.path()};
    release::Fuse m_fuse;
    release::FusedDisk m_disk{m_fuse};
    Remote m_remote;
    World m_world{m_bare.clock, m_files, m_bare.host, m_bare.http, m_remote, m_bare.services, m_bare.redis};
    BackupSettings m_settings;
    BackupSource m_source;
    Ledger m_ledger, m_trash;
    std::set<std::string> m_rotten, m_without_file;
    std::map<std::string, std::int64_t> m_rows_of; // by id
    std::int64_t m_rows = 0;
    Duration m_clock_is_off{};
    bool m_foreign = false; // a manifest that cannot be read lies there
    bool m_had_one = false;
    int m_days = 0, m_day = 0;
    Counts m_counts;
    std::string m_what;
};

} // namespace

TEST_CASE("in any year of nights the newest proven backup restores and what is kept is what the rule says") {
    const bool is_soak = std::getenv("LECTIO_SOAK") != nullptr;
    const std::uint64_t years = setting("LECTIO_YEARS", LECTIO_COUNT_BACKUP_YEARS / (is_soak ? 1 : 50));
    const int days = is_soak ? k_days : k_fewer_days;
    const std::uint64_t first = setting("LECTIO_SEED", 1);
    std::map<std::string, int> sums;
    for (std::uint64_t seed = first; seed < first + years; ++seed) {
        Year year(seed, days);
        try {
            year.live();
        } catch (const std::runtime_error& error) {
            FAIL("seed " << seed << ", day " << year.day() << ": " << error.what());
        }
        for (const auto& [name, count] : {std::pair{"backups made", year.counts().made},
                                          {"pruned", year.counts().pruned},
                                          {"nights that failed", year.counts().failed},
                                          {"nights that were killed", year.counts().killed},
                                          {"suspect", year.counts().suspect},
                                          {"nights that removed nothing, being odd", year.counts().frozen},
                                          {"restored and compared", year.counts().restored}}) {
            sums[name] += count;
        }
    }
    std::cout << "counted: " << years << " years of " << days << " nights";
    for (const auto& [name, count] : sums) {
        std::cout << ", " << count << " " << name;
    }
    std::cout << "\n";
    SUCCEED();
}
