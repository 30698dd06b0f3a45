#include "checks/drift.h"

#include "checks/accepted_change.h"
#include "checks/django.h"
#include "checks/frontend.h"
#include "checks/thresholds.h"
#include "platform/postgres.h"
#include "platform/sqlite_probe.h"
#include "platform/stranded.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_as_before{"without a deploy nothing has changed: {}", "без деплоя ничего не менялось: {}"};
constexpr Phrase k_begun{"remembered, compared with from now on: {}",
                         "запомнено, сравнивается с этого момента: {}"};
constexpr Phrase k_by_deploy{"changed by a deploy: {}", "изменено деплоем: {}"};
constexpr Phrase k_taken{"accepted: {}", "принято: {}"};
constexpr Phrase k_drifted{"changed without a deploy: {}", "изменено без деплоя: {}"};
constexpr Phrase k_part{"{} ({})", "{} ({})"};
constexpr Phrase k_part_ago{"{} ({}; {} ago)", "{} ({}; {} назад)"};
constexpr Phrase k_resized{"{}: {} → {}", "{}: {} → {}"};
constexpr Phrase k_unseen{"{}: {}", "{}: {}"};
constexpr Phrase k_unable{"unable to look: {}", "не удалось посмотреть: {}"};
constexpr Phrase k_may_hang{"lies on {}, which may hang: it is not read",
                            "лежит на {}, а такая файловая система может зависнуть: не читается"};
constexpr Phrase k_no_place{"where it lies is not known: write {} = \"/the/folder\"",
                            "неизвестно, где это лежит: напишите {} = \"/папка\""};
constexpr Phrase k_no_database{"there is no check of type sqlite or postgres beside this one",
                               "рядом нет проверки типа sqlite или postgres"};
constexpr Phrase k_too_many{"{} files are more than can be remembered: leave_out what is no code",
                            "файлов {} — столько не запомнить: уберите лишнее ключом leave_out"};
constexpr Phrase k_hint{"look: {}; if that was meant: sudo lectio-notify ack {}/{}",
                        "посмотрите: {}; если так и задумано: sudo lectio-notify ack {}/{}"};

constexpr Phrase k_build{"build", "сборка"};
constexpr Phrase k_code{"code", "код"};
constexpr Phrase k_nginx{"nginx", "nginx"};
constexpr Phrase k_units{"units", "юниты"};
constexpr Phrase k_crontab{"crontab", "crontab"};
constexpr Phrase k_migrations{"migrations", "миграции"};
constexpr Phrase k_databases{"database", "база"};

// The state keeps 64 values of a check, and each of these is to keep its share whatever the others need.
struct Word {
    std::string_view word;
    const Phrase* name;
    std::size_t most_pieces; // of some 100 files
};
constexpr std::array<Word, 6> k_words{{{"build", &k_build, 14},
                                       {"code", &k_code, 22},
                                       {"nginx", &k_nginx, 3},
                                       {"units", &k_units, 4},
                                       {"crontab", &k_crontab, 2},
                                       {"migrations", &k_migrations, 3}}};

constexpr Duration k_settles{60'000}; // what a deploy still does after it has said that it is done
constexpr Duration k_day = 24h;
constexpr Duration k_asking{5'000};
constexpr double k_small_change = 1024 * 1024; // bytes: a tenth of a small database is no news
constexpr Bytes k_largest_file = 10_MB;
constexpr std::size_t k_most_migrations = 10'000;

// What lies beside code and changes by itself.
constexpr std::array<std::string_view, 7> k_no_code{".git",  "__pycache__",      "node_modules", "venv",
                                                    ".venv", ".lectio-releases", ".cache"};
constexpr std::array<std::string_view, 3> k_no_code_at_top{"media", "staticfiles", "logs"};
constexpr std::array<std::string_view, 11> k_no_code_endings{
    ".pyc", ".log", ".pid", ".sock", ".sqlite3", ".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal",
    ".db",  ".swp", "~"};

const Schema<DriftSettings>& drift_schema() {
    static const Schema<DriftSettings> schema{
        required("watch", &DriftSettings::watch, "what must not change without a deploy")
            .one_of({"build", "code", "nginx", "units", "crontab", "migrations"}),
        optional(
            "database", &DriftSettings::database,
            "change of a database's size, up or down, within a day: of each sqlite and postgres check of the "
            "same tool")
            .units({Amount::Unit::percent})
            .grows(),
        optional("build", &DriftSettings::build,
                 "its folder; empty: that of [deploy.frontend], or of a check of type frontend"),
        optional("code", &DriftSettings::code,
                 "its folder; empty: that of manage.py of a check of type django"),
        optional("nginx", &DriftSettings::nginx, "files and folders of its configuration"),
        optional("units", &DriftSettings::units, "folders of unit files and their drop-ins"),
        optional("crontab", &DriftSettings::crontab, "crontabs and folders of them"),
        optional(
            "leave_out", &DriftSettings::leave_out,
            "patterns of paths below build and code that change by themselves, like \"uploads/*\"; what lies "
            "beside code anyway (.git, venv, media, logs, databases …) is left out by itself"),
        optional("timeout", &DriftSettings::timeout, "of reading each of them").between(1s, 10min),
    };
    return schema;
}

std::string key_of(std::string_view word, std::string_view what) {
    return fmt::format("{}-{}", word, what);
}

const std::string* kept(const std::map<std::string, std::string>& memory, const std::string& key) {
    const auto found = memory.find(key);
    return found == memory.end() ? nullptr : &found->second;
}

std::optional<WallTime> moment_in(const std::map<std::string, std::string>& memory, const std::string& key) {
    const std::string* text = kept(memory, key);
    const auto count = text == nullptr ? std::nullopt : number_from<std::int64_t>(*text);
    return count ? std::optional(WallTime(Duration(*count))) : std::nullopt;
}

std::string text_of(WallTime time) {
    return fmt::to_string(time.time_since_epoch().count());
}

// ── what the rest of the configuration says ─────────────────────────────────────────────────────────────────

template<class Settings>
const Settings* settings_of(const CheckSettings& check, std::string_view type) {
    return check.type == type && check.unset.empty() ? static_cast<const Settings*>(check.settings.get())
                                                     : nullptr;
}

Path build_of(const Config& config) {
    if (config.deploy.frontend) {
        return config.deploy.frontend->path;
    }
    for (const auto* checks : {&config.health.checks, &config.deepcheck.checks}) {
        for (const CheckSettings& check : *checks) {
            const auto* frontend = settings_of<FrontendSettings>(check, "frontend");
            if (frontend != nullptr && !frontend->root.empty()) {
                return frontend->root;
            }
        }
    }
    return {};
}

Path code_of(const Config& config) {
    for (const auto* checks : {&config.health.checks, &config.deepcheck.checks}) {
        for (const CheckSettings& check : *checks) {
            if (const auto* django = settings_of<DjangoSettings>(check, "django")) {
                return django->manage.parent_path();
            }
        }
    }
    return {};
}

std::vector<GrowthTarget> databases_of(const std::vector<CheckSettings>& checks) {
    std::vector<std::string> names;
    for (const CheckSettings& check : checks) {
        if ((check.type == "sqlite" || check.type == "postgres") && check.common.enabled) {
            names.push_back("check:" + check.name);
        }
    }
    std::vector<GrowthTarget> targets = growth_targets(names, checks);
    std::erase_if(targets,
                  [](const GrowthTarget& target) { return target.kind == GrowthTarget::Kind::none; });
    for (GrowthTarget& target : targets) {
        target.text.erase(0, std::string_view("check:").size());
    }
    return targets;
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────

const Word& known(std::string_view word) {
    return *std::find_if(k_words.begin(), k_words.end() - 1, [&](const Word& it) { return it.word == word; });
}

Text name_of(std::string_view word) {
    return say(*known(word).name);
}

Text joined(std::string_view separator, const std::vector<Text>& parts) {
    Text all;
    for (const Text& part : parts) {
        all = all.empty() ? part : join(separator, {all, part});
    }
    return all;
}

class Judging {
  public:
    Judging(const DriftSample& sample, const DriftSettings& settings, WallTime now,
            const std::map<std::string, std::string>& memory)
        : m_sample(sample), m_settings(settings), m_now(now), m_memory(memory) {
        const std::string* accepted = kept(memory, k_accepted_change);
        for (const std::string_view word : split(accepted == nullptr ? std::string_view() : *accepted, ' ')) {
            m_accepted.insert(std::string(word));
        }
    }

    CheckResult finish() && {
        for (const DriftArea& area : m_sample.areas) {
            judge(area);
        }
        for (const DriftDatabase& database : m_sample.databases) {
            judge(database);
        }
        if (!m_told.empty()) {
            m_result.memory[k_told_change] = m_told;
        }
        return say_all();
    }

  private:
    void judge(const DriftArea& area) {
        if (!area.trouble.empty()) {
            m_unseen.push_back(say(k_unseen, name_of(area.word), area.trouble));
            for (const auto& [key, value] : m_memory) {
                if (key.starts_with(area.word + "-")) {
                    m_result.memory[key] = value;
                }
            }
            return;
        }
        if (area.released) {
            compare_with_release(area);
        } else {
            compare_with_last_time(area);
        }
    }

    void compare_with_release(const DriftArea& area) {
        ContentHashes there = area.there;
        std::erase_if(there, [&](const auto& file) { return area.released->carried.contains(file.first); });
        const TreeDifference changes = difference(area.released->files, there);
        const std::string hash = hash_of_all(there);
        const std::string* accepted = kept(m_memory, key_of(area.word, "accepted"));
        if (changes.empty()) {
            m_same.push_back(name_of(area.word));
        } else if (is_accepted(area.word, hash) || (accepted != nullptr && *accepted == hash)) {
            m_result.memory[key_of(area.word, "accepted")] = hash;
            m_taken.push_back(name_of(area.word));
        } else {
            drifted(area, changes, hash);
        }
    }

    void compare_with_last_time(const DriftArea& area) {
        const std::optional<WallTime> since = moment_in(m_memory, key_of(area.word, "since"));
        if (!since) {
            remember(area, m_begun);
            return;
        }
        const TreeDifference all = difference(remembered(area.word), area.there);
        const TreeDifference by_hand = without_deploy(all, area, *since);
        const std::string hash = hash_of_all(area.there);
        if (all.empty()) {
            remember(area, m_same);
        } else if (by_hand.empty()) {
            remember(area, m_by_deploy);
        } else if (is_accepted(area.word, hash)) {
            remember(area, m_taken);
        } else {
            drifted(area, by_hand, hash);
            keep_pieces(area.word);
        }
    }

    [[nodiscard]] ContentHashes remembered(const std::string& word) const {
        std::vector<std::string> pieces;
        while (const std::string* piece = kept(m_memory, key_of(word, fmt::to_string(pieces.size())))) {
            pieces.push_back(*piece);
        }
        return from_pieces(pieces);
    }

    // Where a deploy has ended since, what was changed before its end is its work.
    [[nodiscard]] TreeDifference without_deploy(const TreeDifference& all, const DriftArea& area,
                                                WallTime since) const {
        if (!m_sample.deploy || *m_sample.deploy < since) {
            return all;
        }
        const auto of_deploy = [&](const std::string& name) {
            const std::optional<WallTime> when = area.changed_at ? area.changed_at(name) : std::nullopt;
            return !when || *when <= *m_sample.deploy + k_settles;
        };
        TreeDifference later = all;
        later.removed.clear();
        std::erase_if(later.added, of_deploy);
        std::erase_if(later.changed, of_deploy);
        return later;
    }

    void remember(const DriftArea& area, std::vector<Text>& as) {
        const std::vector<std::string> pieces = to_pieces(area.there);
        if (pieces.size() > known(area.word).most_pieces) {
            m_unseen.push_back(say(k_unseen, name_of(area.word), say(k_too_many, area.there.size())));
            return;
        }
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            m_result.memory[key_of(area.word, fmt::to_string(i))] = pieces[i];
        }
        m_result.memory[key_of(area.word, "since")] = text_of(m_now);
        as.push_back(name_of(area.word));
    }

    void keep_pieces(const std::string& word) {
        for (std::size_t i = 0;; ++i) {
            const std::string key = key_of(word, fmt::to_string(i));
            const std::string* piece = kept(m_memory, key);
            if (piece == nullptr) {
                break;
            }
            m_result.memory[key] = *piece;
        }
        m_result.memory[key_of(word, "since")] = *kept(m_memory, key_of(word, "since"));
    }

    void drifted(const DriftArea& area, const TreeDifference& changes, const std::string& hash) {
        std::optional<WallTime> last;
        for (const auto* names : {&changes.changed, &changes.added}) {
            for (const std::string& name : *names) {
                const std::optional<WallTime> when = area.changed_at ? area.changed_at(name) : std::nullopt;
                last = when && (!last || *last < *when) ? when : last;
            }
        }
        const Text what = some_of(changes);
        m_drifted.push_back(last ? say(k_part_ago, name_of(area.word), what,
                                       span_of(std::max<std::int64_t>((m_now - *last) / 1s, 0)))
                                 : say(k_part, name_of(area.word), what));
        m_status = worst(m_status, Status::warning);
        told(area.word, hash, area.look);
    }

    void judge(const DriftDatabase& database) {
        const std::string key = "size-" + database.name;
        const std::string* before = kept(m_memory, key);
        if (!database.trouble.empty()) {
            m_unseen.push_back(say(k_unseen, verbatim(database.name), database.trouble));
            if (before != nullptr) {
                m_result.memory[key] = *before;
            }
            return;
        }
        const Bytes size = database.size;
        const std::vector<std::string_view> words =
            split(before == nullptr ? std::string_view() : *before, ' ');
        const auto bytes = words.size() == 2 ? number_from<std::uint64_t>(words[0]) : std::nullopt;
        const auto when = words.size() == 2 ? number_from<std::int64_t>(words[1]) : std::nullopt;
        const Text name = say(k_part, say(k_databases), verbatim(database.name));
        if (!bytes || !when) {
            keep_size(key, size);
            m_begun.push_back(name);
            return;
        }
        const WallTime since{Duration(*when)};
        const double change = std::abs(static_cast<double>(size.count) - static_cast<double>(*bytes));
        const Quantity share{*bytes == 0 ? 100.0 : 100 * change / static_cast<double>(*bytes), {}};
        const Status status = change < k_small_change ? Status::ok
                                                      : judge_thresholds(share, m_settings.database, {},
                                                                         Direction::grows, Status::ok);
        const bool deployed = m_sample.deploy && *m_sample.deploy >= since;
        if (status == Status::ok || deployed || is_accepted(key, "any")) {
            if (status == Status::ok && m_now - since < k_day && m_now >= since) {
                m_result.memory[key] = *before;
            } else {
                keep_size(key, size);
            }
            (status == Status::ok ? m_same : deployed ? m_by_deploy : m_taken).push_back(name);
            return;
        }
        m_result.memory[key] = *before;
        m_drifted.push_back(say(k_resized, name, format_size(Bytes{*bytes}), format_size(size)));
        m_status = worst(m_status, status);
        told(key, "any",
             fmt::format("sudo lectio-{} --only {} --dry-run -v", m_settings.tool, database.name));
    }

    void keep_size(const std::string& key, Bytes size) {
        m_result.memory[key] = fmt::format("{} {}", size.count, text_of(m_now));
    }

    [[nodiscard]] bool is_accepted(const std::string& what, const std::string& hash) const {
        return m_accepted.contains(fmt::format("{}={}", what, hash));
    }

    void told(const std::string& what, const std::string& hash, const std::string& look) {
        m_told += fmt::format("{}{}={}", m_told.empty() ? "" : " ", what, hash);
        m_look = m_look.empty() ? look : m_look;
    }

    CheckResult say_all() {
        m_result.remedy = Remedy::cannot_help;
        m_result.status = Status::ok;
        std::vector<Text> parts;
        const auto add = [&](const Phrase& phrase, const std::vector<Text>& names) {
            if (!names.empty()) {
                parts.push_back(say(phrase, joined(", ", names)));
            }
        };
        add(k_by_deploy, m_by_deploy);
        add(k_taken, m_taken);
        add(k_begun, m_begun);
        add(k_as_before, m_same);
        m_result.message = joined("; ", parts);
        if (!m_unseen.empty()) {
            raise(m_result, Status::unknown, joined("; ", m_unseen));
        }
        if (!m_drifted.empty()) {
            raise(m_result, m_status, say(k_drifted, joined("; ", m_drifted)),
                  say(k_hint, m_look, m_settings.tool, m_settings.name));
        }
        m_result.metrics.push_back({"drifted", static_cast<double>(m_drifted.size()), "", {}, {}});
        return std::move(m_result);
    }

    const DriftSample& m_sample;
    const DriftSettings& m_settings;
    WallTime m_now;
    const std::map<std::string, std::string>& m_memory;
    std::set<std::string> m_accepted;
    CheckResult m_result;
    Status m_status = Status::ok;
    std::vector<Text> m_same, m_begun, m_by_deploy, m_taken, m_unseen, m_drifted;
    std::string m_told, m_look;
};

// ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

Text unseen(const Error& error) {
    return say(k_unable, error_words(shorten(clean_line(error.message), 200)));
}

bool is_no_code(std::string_view below) {
    const std::string_view name = below.substr(below.rfind('/') == below.npos ? 0 : below.rfind('/') + 1);
    return std::find(k_no_code.begin(), k_no_code.end(), name) != k_no_code.end() ||
           std::find(k_no_code_at_top.begin(), k_no_code_at_top.end(), below) != k_no_code_at_top.end() ||
           std::any_of(k_no_code_endings.begin(), k_no_code_endings.end(),
                       [&](std::string_view ending) { return name.ends_with(ending); });
}

class Looking {
  public:
    Looking(const DriftSettings& settings, const CheckContext& context)
        : m_settings(settings), m_context(context) {}

    DriftArea area(const std::string& word) {
        DriftArea area;
        area.word = word;
        if (word == "build") {
            look_at_tree(area, m_settings.build, false);
            look_at_release(area);
        } else if (word == "code") {
            look_at_tree(area, m_settings.code, true);
        } else if (word == "migrations") {
            look_at_migrations(area);
        } else {
            look_at_system(area, word == "nginx"   ? m_settings.nginx
                                 : word == "units" ? m_settings.units
                                                   : m_settings.crontab);
        }
        return area;
    }

    DriftDatabase size_of(const GrowthTarget& database) {
        DriftDatabase sample;
        sample.name = database.text;
        if (std::optional<Text> hanging = hangs(database)) {
            sample.trouble = *std::move(hanging);
        } else if (const Result<Bytes> size = database_size(database, m_context)) {
            sample.size = *size;
        } else {
            sample.trouble = unseen(size.error());
        }
        return sample;
    }

  private:
    std::optional<Text> hangs(const Path& path) {
        const Result<std::vector<Mount>> mounts = m_context.world.host.mounts();
        if (!mounts) { // whether it may hang cannot be known
            return unseen(mounts.error());
        }
        const std::optional<Mount> mount = mount_that_may_hang(path, *mounts);
        return mount ? std::optional(say(k_may_hang, mount_name(*mount))) : std::nullopt;
    }

    std::optional<Text> hangs(const GrowthTarget& database) {
        return database.path.empty() ? std::nullopt : hangs(database.path);
    }

    void look_at_tree(DriftArea& area, const Path& folder, bool code) {
        if (folder.empty()) {
            area.trouble = say(k_no_place, area.word);
            return;
        }
        area.look = fmt::format("ls -ltR {} | head -n 30", folder.string());
        if (std::optional<Text> hanging = hangs(folder)) {
            area.trouble = *std::move(hanging);
            return;
        }
        if (code && m_context.world.files.info(folder / ".git", Files::Follow::no)) {
            area.look = fmt::format("git -C {} status", folder.string());
        }
        TreeReading reading;
        reading.leave_out = [&settings = m_settings, code](std::string_view below) {
            return (code && is_no_code(below)) ||
                   std::any_of(settings.leave_out.begin(), settings.leave_out.end(),
                               [&](const std::string& pattern) { return wildcard_match(pattern, below); });
        };
        add_tree(area, folder, {}, reading);
        area.changed_at = [files = &m_context.world.files, folder](const std::string& name) {
            return changed_at(*files, folder / name);
        };
    }

    void look_at_release(DriftArea& area) {
        if (!area.trouble.empty() || m_settings.deploys == nullptr) {
            return;
        }
        Result<std::optional<ReleasedBuild>> released =
            m_settings.deploys->released(m_context.world, m_settings.build);
        if (!released) {
            area.trouble = unseen(released.error());
        } else if (*released) {
            area.released = std::move(*released);
            area.look = "sudo lectio-deploy status";
        }
    }

    void look_at_system(DriftArea& area, const std::vector<Path>& places) {
        area.look = fmt::format("ls -ltR {} | head -n 30", places.empty() ? "" : places.front().string());
        for (const Path& place : places) {
            if (std::optional<Text> hanging = hangs(place)) {
                area.trouble = *std::move(hanging);
                return;
            }
            add_place(area, place);
        }
        area.changed_at = [files = &m_context.world.files](const std::string& name) {
            return changed_at(*files, name);
        };
    }

    // What is not there has nothing in it: it may come.
    void add_place(DriftArea& area, const Path& place) {
        Files& files = m_context.world.files;
        const Result<FileInfo> info = files.info(place, Files::Follow::yes);
        if (!info) {
            if (info.error().kind != ErrorKind::not_found) {
                area.trouble = unseen(info.error());
            }
        } else if (info->type == FileInfo::Type::folder) {
            add_tree(area, place, place.string() + "/", {});
        } else if (const Result<std::string> content = files.read(place, k_largest_file)) {
            area.there[place.string()] = content_hash(*content);
        } else {
            area.trouble = unseen(content.error());
        }
    }

    void add_tree(DriftArea& area, const Path& folder, const std::string& before,
                  const TreeReading& reading) {
        Clock& clock = m_context.world.clock;
        const SteadyTime until = clock.steady() + time_for(m_context, m_settings.timeout);
        const Result<TreeManifest> tree = read_tree(folder, clock, until, reading);
        if (!tree) {
            area.trouble = unseen(tree.error());
            return;
        }
        area.there.merge(content_hashes(*tree, before));
    }

    void look_at_migrations(DriftArea& area) {
        if (m_settings.databases.empty()) {
            area.trouble = say(k_no_database);
        }
        area.look = m_settings.code.empty()
                        ? "manage.py showmigrations"
                        : fmt::format("{} showmigrations", (m_settings.code / "manage.py").string());
        for (const GrowthTarget& database : m_settings.databases) {
            if (std::optional<Text> hanging = hangs(database)) {
                area.trouble = *std::move(hanging);
                return;
            }
            const Result<std::string> applied =
                database.kind == GrowthTarget::Kind::sqlite ? ask_sqlite(database) : ask_postgres(database);
            if (!applied) {
                area.trouble = unseen(applied.error());
                return;
            }
            const std::string before = m_settings.databases.size() > 1 ? database.text + ": " : "";
            for (const std::string_view name : split_lines(*applied)) {
                if (!name.empty()) {
                    area.there[shorten(clean_line(before + std::string(name)), 200)] = content_hash(name);
                }
            }
        }
    }

    // "" where there is no such table: nothing of Django's.
    Result<std::string> ask_sqlite(const GrowthTarget& database) {
        Clock& clock = m_context.world.clock;
        Result<std::string> names = sqlite_value(
            database.path, "SELECT group_concat(app || '.' || name, char(10)) FROM django_migrations", clock,
            clock.steady() + time_for(m_context, k_asking));
        return !names && names.error().kind == ErrorKind::internal ? Result<std::string>(std::string())
                                                                   : names;
    }

    Result<std::string> ask_postgres(const GrowthTarget& database) {
        Clock& clock = m_context.world.clock;
        Result<PostgresConnection> connection = PostgresConnection::at(
            {database.url, database.sslmode, clock.steady() + time_for(m_context, k_asking)}, clock);
        LECTIO_TRY(connection);
        const Result<std::vector<PostgresRow>> rows =
            connection->query("SELECT app || '.' || name FROM django_migrations", k_most_migrations);
        if (!rows) {
            return rows.error().kind == ErrorKind::invalid ? Result<std::string>(std::string())
                                                           : rows.error();
        }
        std::string names;
        for (const PostgresRow& row : *rows) {
            names += (row.empty() ? "" : row.front().value_or("")) + "\n";
        }
        return names;
    }

    static std::optional<WallTime> changed_at(Files& files, const Path& path) {
        const Result<FileInfo> info = files.info(path, Files::Follow::no);
        return info ? std::optional(info->modified) : std::nullopt;
    }

    const DriftSettings& m_settings;
    const CheckContext& m_context;
};

class DriftCheck final : public BlockingCheck {
  public:
    explicit DriftCheck(DriftSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        DriftSample sample;
        Looking looking(m_settings, context);
        for (const std::string& word : m_settings.watch) {
            sample.areas.push_back(looking.area(word));
        }
        if (m_settings.database != Thresholds{}) {
            for (const GrowthTarget& database : m_settings.databases) {
                sample.databases.push_back(looking.size_of(database));
            }
        }
        // Asked last: what a deploy did while we read is its work, too.
        const std::optional<WallTime> since = compared_since(context.memory);
        if (since && m_settings.deploys != nullptr) {
            sample.deploy = m_settings.deploys->last(context.world, *since);
        }
        return evaluate_drift(sample, m_settings, context.now.wall, context.memory);
    }

  private:
    DriftSettings m_settings;
};

} // namespace

std::shared_ptr<const void> configured_drift(const CheckSettings& check, const std::string& tool,
                                             const std::vector<CheckSettings>& checks, const Config& config,
                                             std::shared_ptr<const Deploys> deploys) {
    const auto settings =
        std::make_shared<DriftSettings>(*static_cast<const DriftSettings*>(check.settings.get()));
    settings->tool = tool;
    settings->name = check.name;
    settings->build = settings->build.empty() ? build_of(config) : settings->build;
    settings->code = settings->code.empty() ? code_of(config) : settings->code;
    settings->databases = databases_of(checks);
    settings->deploys = std::move(deploys);
    return settings;
}

std::optional<WallTime> compared_since(const std::map<std::string, std::string>& memory) {
    std::optional<WallTime> oldest;
    for (const auto& [key, value] : memory) {
        const bool of_size = key.starts_with("size-");
        const auto count = number_from<std::int64_t>(
            of_size ? std::string_view(value).substr(std::min(value.find(' ') + 1, value.size()))
                    : std::string_view(value));
        if ((of_size || key.ends_with("-since")) && count) {
            const WallTime since{Duration(*count)};
            oldest = oldest ? std::min(*oldest, since) : since;
        }
    }
    return oldest;
}

CheckResult evaluate_drift(const DriftSample& sample, const DriftSettings& settings, WallTime now,
                           const std::map<std::string, std::string>& memory) {
    return Judging(sample, settings, now, memory).finish();
}

CheckType drift_check_type() {
    return make_check_type<drift_schema, DriftCheck>(k_drift_type, Layer::other, Recheck::no,
                                                     "nothing has changed without a deploy");
}

} // namespace lectio
