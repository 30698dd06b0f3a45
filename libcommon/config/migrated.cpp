#include "config/migrated.h"

#include "discovery/discover.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_written{"What {} says, written down by lectio-health init --from on {}. It is your file "
                           "now: change what is not so.",
                           "То, что говорит {}; записал lectio-health init --from {}. Дальше это ваш файл: "
                           "поправьте, где он неправ."};
constexpr Phrase k_secrets{
    "The secrets stay in that file: it is read on, only its other values stand here now.",
    "Секреты остались в том файле: он по-прежнему читается, остальное теперь здесь."};
constexpr Phrase k_from_host{"{} is not set in {}: {}, as found on this host",
                             "{} не задан в {}: {}, так на этом сервере"};
constexpr Phrase k_several{"{} is not set in {}, and this host has several: {}",
                           "{} не задан в {}, а на этом сервере таких несколько: {}"};
constexpr Phrase k_unused{"nothing of this suite reads {} of {}",
                          "{} из {} ничего в этих утилитах не читает"};
constexpr Phrase k_refers{"{} refers to {}, which it does not set: read as empty",
                          "{} ссылается на {}, а сам её не задаёт: считается пустой"};
constexpr Phrase k_found_here{"found on this host: {}", "найдено на этом сервере: {}"};

bool is_type(const FoundCheck& check, std::initializer_list<std::string_view> types) {
    return std::find(types.begin(), types.end(), check.type) != types.end();
}

// "\"a\"" → "a"; of what discovery writes: a unit's name, a URL.
std::string plain(const FoundCheck& check, std::string_view key) {
    const auto found = std::find_if(check.keys.begin(), check.keys.end(),
                                    [&](const auto& each) { return each.first == key; });
    std::string_view value = found == check.keys.end() ? std::string_view() : found->second;
    return value.size() < 2 ? std::string() : std::string(value.substr(1, value.size() - 2));
}

class Migration {
  public:
    Migration(std::string_view text, const Path& env_file, const Discovered& found,
              const MigrationHeading& heading, const std::function<bool(const Path&)>& is_there)
        : m_env_file(env_file), m_found(found), m_heading(heading), m_is_there(is_there) {
        read(text);
    }

    MigratedConfig made() {
        fill_from_host("SITE_URL", "url", site_urls());
        if (!has_unit("teaching_panel.service")) {
            fill_from_host("BACKEND_SERVICE", "unit", application_units());
        }
        const LegacyConfig legacy = legacy_config(m_values, m_env_file, m_is_there);
        for (const Config::Note& note : legacy.notes) {
            note_down(note.message);
        }
        for (const std::string& name : legacy.unused) {
            note_down(say(k_unused, name, m_env_file.string()));
        }
        write(legacy.toml);
        return std::move(m_made);
    }

  private:
    void read(std::string_view text) {
        std::set<std::string> asked;
        const EnvFile file = parse_env_file(text, [&](const std::string& name) {
            asked.insert(name);
            return std::optional<std::string>();
        });
        for (const EnvFile::Remark& remark : file.remarks) {
            note_down(join(
                "", {verbatim(fmt::format("{}:{}: ", m_env_file.string(), remark.line)), remark.message}));
        }
        for (const std::string& name : asked) {
            note_down(say(k_refers, m_env_file.string(), name));
        }
        m_values = file.values;
    }

    void note_down(Text note) { m_made.notes.push_back(std::move(note)); }

    [[nodiscard]] bool has_unit(const std::string& unit) const {
        constexpr std::array<const char*, 3> k_folders{"/etc/systemd/system", "/lib/systemd/system",
                                                       "/usr/lib/systemd/system"};
        return std::any_of(k_folders.begin(), k_folders.end(),
                           [&](const char* folder) { return m_is_there(Path(folder) / unit); });
    }

    // ── what the file leaves out ──

    void fill_from_host(const std::string& name, std::string_view key,
                        const std::vector<const FoundCheck*>& candidates) {
        if (const auto given = m_values.find(name);
            candidates.empty() || (given != m_values.end() && !trim(given->second).empty())) {
            return;
        }
        if (candidates.size() > 1) {
            std::string all;
            for (const FoundCheck* candidate : candidates) {
                all += (all.empty() ? "" : ", ") + plain(*candidate, key);
            }
            note_down(say(k_several, name, m_env_file.string(), clean_line(all)));
            return;
        }
        m_values[name] = plain(*candidates.front(), key);
        note_down(say(k_from_host, name, m_env_file.string(), clean_line(m_values[name])));
    }

    [[nodiscard]] std::vector<const FoundCheck*> site_urls() const {
        return those(
            [](const FoundCheck& check) { return check.about.starts_with("site ") && check.type == "http"; });
    }

    // Units that something needs which answers HTTP behind the web server.
    [[nodiscard]] std::vector<const FoundCheck*> application_units() const {
        return those([&](const FoundCheck& unit) {
            return unit.type == "systemd" && unit.about.starts_with("unit ") &&
                   std::any_of(m_found.checks.begin(), m_found.checks.end(), [&](const FoundCheck& check) {
                       const bool is_of_it =
                           check.about.starts_with("app ") || check.about.starts_with("workers ");
                       return is_of_it && needs(check, unit);
                   });
        });
    }

    static bool needs(const FoundCheck& check, const FoundCheck& root) {
        return std::find(check.needs.begin(), check.needs.end(), root.about) != check.needs.end();
    }

    template<class Wanted>
    [[nodiscard]] std::vector<const FoundCheck*> those(const Wanted& wanted) const {
        std::vector<const FoundCheck*> found;
        for (const FoundCheck& check : m_found.checks) {
            if (wanted(check)) {
                found.push_back(&check);
            }
        }
        return found;
    }

    // ── what it has no words for: unified_monitor.sh looked at Redis and Celery ──

    [[nodiscard]] Discovered more(const std::string& written) const {
        Discovered more;
        const auto add = [&](const FoundCheck& check) {
            const bool is_new =
                written.find(fmt::format("[health.check.{}]", check.name)) == std::string::npos;
            if (is_new && more.find(check.about) == nullptr) {
                more.checks.push_back(check);
            }
        };
        for (const FoundCheck& check : m_found.checks) {
            if (!is_type(check, {"redis", "celery", "postgres"})) {
                continue;
            }
            for (const FoundCheck& root : m_found.checks) {
                const bool is_unit = root.type == "systemd" && root.about.starts_with("unit ");
                if (is_unit && needs(check, root) && written.find(plain(root, "unit")) == std::string::npos) {
                    add(root);
                }
            }
            add(check);
        }
        return more;
    }

    // ── the text ──

    void remark(const Text& words) {
        m_made.toml += fmt::format("# {}\n", clean_line(words.in(m_heading.lang)));
    }

    void write(const std::string& toml) {
        remark(say(k_written, m_env_file.string(), m_heading.when));
        remark(say(k_secrets));
        for (const Text& note : m_made.notes) {
            remark(note);
        }
        m_made.toml += fmt::format("\nlang = \"{}\"\n", m_heading.lang == Lang::ru ? "ru" : "en");
        for (const std::string_view line : split_lines(toml)) {
            if (!line.empty()) {
                m_made.toml += fmt::format("{}{}\n", line.starts_with('[') ? "\n" : "", line);
            }
        }
        const Discovered others = more(toml);
        for (const FoundCheck& check : others.checks) {
            m_made.toml += '\n';
            remark(say(k_found_here, check.why));
            m_made.toml += config_of(check, others);
        }
    }

    const Path& m_env_file;
    const Discovered& m_found;
    const MigrationHeading& m_heading;
    const std::function<bool(const Path&)>& m_is_there;
    std::map<std::string, std::string> m_values;
    MigratedConfig m_made;
};

} // namespace

MigratedConfig migrated_config(std::string_view text, const Path& env_file, const Discovered& found,
                               const MigrationHeading& heading,
                               const std::function<bool(const Path&)>& is_there) {
    return Migration(text, env_file, found, heading, is_there).made();
}

} // namespace lectio
