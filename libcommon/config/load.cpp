#include "config/load.h"

#include "config/env_file.h"
#include "config/legacy_env.h"
#include "config/missing.h"
#include "config/other_writers.h"
#include "config/parse.h"
#include "platform/files.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_discovered{"no configuration: what is watched was found on this host",
                              "конфигурации нет: за чем следить, определено осмотром сервера"};
constexpr Phrase k_no_configuration{"no configuration: there is nothing to do without one",
                                    "настроек нет, а без них делать нечего"};
constexpr Phrase k_no_checks{"{} has no checks: what is watched was found on this host",
                             "в {} нет проверок: за чем следить, определено осмотром сервера"};
constexpr Phrase k_nothing_mended{
    "nothing is mended on a guess; `lectio-health init` writes down what was found",
    "по догадке ничего не чинится; запишет найденное `lectio-health init`"};
constexpr Phrase k_found{"{}: {}", "{}: {}"};
constexpr Phrase k_readable{"{} can be read by others", "{} могут читать посторонние"};
constexpr Phrase k_mend_mode{"run: chmod 600 {}", "выполните: chmod 600 {}"};
constexpr Phrase k_env_hint{"put the file there, or name the right one as paths.env_file",
                            "положите файл на место или укажите верный в paths.env_file"};
constexpr Phrase k_mute_file{"ALERTS_MUTE_FILE is no absolute path: {} is in use",
                             "ALERTS_MUTE_FILE — не абсолютный путь, действует {}"};

constexpr Phrase k_zone{"this host knows no time zone {}: its own is used",
                        "этот сервер не знает часового пояса {}: время будет по его собственному"};
constexpr Phrase k_zone_hint{"timedatectl list-timezones names them all",
                             "все пояса назовёт timedatectl list-timezones"};

constexpr Phrase k_unknown_zone{"unknown time zone \"{}\"", "неизвестный часовой пояс \"{}\""};
constexpr Phrase k_is_env_file{
    "this is a file of variables, not the configuration: name a config.toml, or leave --config out",
    "это файл переменных, а не настройки: укажите config.toml или уберите --config"};
constexpr Phrase k_empty_file{"the file is empty", "файл пуст"};
constexpr Phrase k_with_hint{"{}; {}", "{}; {}"};
constexpr Phrase k_mistyped{"{}: did you mean {}?", "{}: может быть, {}?"};
constexpr Phrase k_gone{
    "{}: if it was in use, its last good copy is config/last-good.toml in the state folder that it named",
    "{}: если он был в работе, его последняя верная копия — config/last-good.toml в папке state, которая "
    "была в нём указана"};

constexpr const char* k_zones = "/usr/share/zoneinfo";
constexpr Bytes k_env_size = 256_kB;
constexpr Bytes k_discovered_size = 1_MB;
// The first line of what is kept says which file it is from: another file's is no help.
constexpr std::string_view k_kept_from = "# The last configuration that loaded, kept by lectio. From: ";

std::string fingerprint_of(std::string_view text) { // FNV-1a, 64 bits: tells contents apart, protects nothing
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    return fmt::format("{:016x}", hash);
}

Path kept_path(const Path& state) {
    return state / "config" / "last-good.toml";
}

Path discovered_path(const Path& state) {
    return state / "config" / "discovered.json";
}

// All state is private, the folder that the tools share too (CONTRACT 6).
Result<void> keep(Files& files, const Path& state, const Path& path, std::string_view content) {
    for (const Path& folder : {state, path.parent_path()}) {
        LECTIO_TRY(files.make_folders(folder, 0700));
    }
    return write_atomically(files, path, content, 0600);
}

std::string absolute_name(const std::string& file) {
    std::error_code failed;
    const Path absolute = std::filesystem::absolute(file, failed);
    return failed ? file : absolute.lexically_normal().string();
}

std::string first_line_of_kept(const std::string& file) {
    return std::string(k_kept_from) + absolute_name(file) + "\n";
}

bool is_there(Files& files, const Path& path) {
    const Result<FileInfo> info = files.info(path, Files::Follow::yes);
    return info.ok() || info.error().kind != ErrorKind::not_found;
}

// ── the env file ───────────────────────────────────────────────────────────────────────────────────────────

struct Environment {
    EnvFile file;
    std::optional<Error> unreadable;
    std::vector<Config::Note> notes;
};

Environment read_env_file(Files& files, const Path& path, const VariableLookup& process) {
    Environment environment;
    const Result<std::string> text = files.read(path, k_env_size);
    if (!text) {
        environment.unreadable = text.error();
        return environment;
    }
    environment.file = parse_env_file(*text, process);
    for (const EnvFile::Remark& remark : environment.file.remarks) {
        environment.notes.push_back(
            {join("", {verbatim(fmt::format("{}:{}: ", path.string(), remark.line)), remark.message}),
             Text{},
             {}});
    }
    const Result<FileInfo> info = files.info(path, Files::Follow::yes);
    if (info && (info->mode & 0044U) != 0) {
        environment.notes.push_back({say(k_readable, path.string()), say(k_mend_mode, path.string()), {}});
    }
    if (std::optional<Config::Note> others = note_of_other_writers(files, path)) {
        environment.notes.push_back(std::move(*others));
    }
    return environment;
}

VariableLookup lookup_in(const EnvFile& file, const VariableLookup& process) {
    return [&file, process](const std::string& name) -> std::optional<std::string> {
        const auto found = file.values.find(name);
        return found != file.values.end() ? found->second : process(name);
    };
}

VariableLookup process_of(const ConfigRequest& request) {
    return request.environment ? request.environment
                               : [](const std::string&) { return std::optional<std::string>(); };
}

// What was kept of `file`, the last that loaded.
std::optional<std::string> last_good_text(Files& files, const Path& state, const std::string& file) {
    const Result<std::string> kept = files.read(kept_path(state), Bytes{k_config_size.count + 8192});
    const std::string first = first_line_of_kept(file);
    return kept && kept->starts_with(first) ? std::optional(kept->substr(first.size())) : std::nullopt;
}

std::optional<std::string> find_file(Files& files, const ConfigRequest& request) {
    if (request.file) {
        return request.file;
    }
    std::optional<std::string> named = process_of(request)("LECTIO_CONFIG");
    if (named && !named->empty()) {
        return named;
    }
    for (const Path& usual : request.usual_files) {
        if (is_there(files, usual)) {
            return usual.string();
        }
    }
    // A usual file that was in use and is gone, by a slip of rm perhaps: what config.env or discovery would find
    // instead is less, may have no channel to tell it, and would look like a host that is well.
    for (const Path& usual : request.usual_files) {
        if (last_good_text(files, request.usual_state, usual.string())) {
            return usual.string();
        }
    }
    return std::nullopt;
}

// Behind the '=' of a key: `state`, `paths.state`, `paths = { state`, `"stat`.
bool names_state(std::string_view before) {
    constexpr std::array<std::string_view, 1> k_state{"state"};
    before = trim(before);
    before.remove_suffix(before.ends_with('"') || before.ends_with('\'') ? 1 : 0);
    return nearest(before.substr(before.find_last_of(" \t.{,\"'") + 1), k_state).has_value();
}

// The absolute path that a value begins with, its quotes closed or not.
std::optional<Path> path_at(std::string_view value, const VariableLookup& process) {
    value.remove_prefix(std::min(value.find_first_not_of(" \t\"'"), value.size()));
    Node node(Node::Value(std::string(trim(value.substr(0, value.find_first_of("\"'#,"))))), {});
    Problems dropped;
    expand_references(node, process, dropped);
    const auto* path = node.get<std::string>();
    const bool absolute = path != nullptr && path->starts_with('/') && path->find('\0') == std::string::npos;
    return absolute ? std::optional<Path>(*path) : std::nullopt;
}

// What a text that does not load may mean by its folder of state: each path that stands as the value of a key named
// so, whatever table it is in. Only a guess: what lies there says itself whose copy it is.
std::vector<Path> states_in(std::string_view text, const VariableLookup& process) {
    constexpr std::size_t k_most = 8;
    std::vector<Path> states;
    for (const std::string_view line : split_lines(text)) {
        for (std::size_t at = line.find('='); at != std::string_view::npos && states.size() < k_most;
             at = line.find('=', at + 1)) {
            const std::optional<Path> state =
                names_state(line.substr(0, at)) ? path_at(line.substr(at + 1), process) : std::nullopt;
            if (state) {
                states.push_back(*state);
            }
        }
    }
    return states;
}

// The language that a text asks for, however broken the rest of it is.
std::optional<Lang> language_in(std::string_view text) {
    constexpr std::string_view k_mark = "\xEF\xBB\xBF";
    text.remove_prefix(text.starts_with(k_mark) ? k_mark.size() : 0);
    for (const std::string_view line : split_lines(text)) {
        if (line.starts_with('[')) {
            break; // lang stands before the first table
        }
        Problems dropped;
        const std::optional<Node> root = line.starts_with("lang") ? parse_toml(line, dropped) : std::nullopt;
        const Node* lang = root ? root->find("lang") : nullptr;
        const auto* word = lang != nullptr ? lang->get<std::string>() : nullptr;
        if (word != nullptr && (*word == "ru" || *word == "en")) {
            return *word == "en" ? Lang::en : Lang::ru;
        }
    }
    return std::nullopt;
}

// `text`: of the file, if it could be read.
std::optional<Lang> language_of(Files& files, const Path& state, const std::string& file,
                                std::string_view text) {
    const std::optional<Lang> asked = language_in(text);
    return asked ? asked : language_in(last_good_text(files, state, file).value_or(""));
}

// NAME=value and nothing else, as in config.env.
bool is_env_file(std::string_view text) {
    bool any = false;
    for (std::string_view line : split_lines(text)) {
        line = trim(line);
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        constexpr std::string_view k_export = "export ";
        line.remove_prefix(line.starts_with(k_export) ? k_export.size() : 0);
        const std::string_view name = line.substr(0, line.find('='));
        const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        });
        if (!is_name || name.size() == line.size()) {
            return false;
        }
        any = true;
    }
    return any;
}

bool loads(const std::string& text, const Kinds& kinds) {
    Problems problems;
    const std::optional<Node> root = parse_toml(text, problems);
    if (root) {
        static_cast<void>(read_config(*root, kinds, problems));
    }
    return !problems.has_errors();
}

// What earlier runs have found, as JSON; empty: nothing.
std::string kept_discovery(Files& files, const Path& state) {
    return files.read(discovered_path(state), k_discovered_size).value_or("");
}

Discovered discover_knowing(const std::string& kept, World& world, Discovery discovery, const Kinds& kinds,
                            std::optional<std::string> nginx_dump) {
    const auto is_known = [&](std::string_view type) {
        return std::any_of(kinds.checks.begin(), kinds.checks.end(),
                           [&](const KindSchema& kind) { return kind.name == type; });
    };
    const DiscoverRequest request{is_known, std::move(nginx_dump)};
    Discovered found = discovery(world, discovered_from_json(kept), request);
    // What is remembered may be damaged, or of a version that had other keys.
    return loads(config_of(found), kinds) ? found : discovery(world, {}, request);
}

// ── one text into a configuration ──────────────────────────────────────────────────────────────────────────

class Loader {
  public:
    Loader(World& world, const ConfigRequest& request, LastGood last_good)
        : m_world(world), m_request(request), m_last_good(last_good), m_process(process_of(request)) {}

    LoadedConfig load() {
        const std::optional<std::string> file = find_file(m_world.files, m_request);
        if (file) {
            LoadedConfig loaded = load_file(*file);
            return loaded.ok() || m_last_good == LastGood::never ? std::move(loaded)
                                                                 : fall_back(std::move(loaded));
        }
        return is_there(m_world.files, m_request.usual_env_file) ? load_env_alone() : load_nothing();
    }

    void discover(LoadedConfig& loaded) {
        const std::string kept = kept_discovery(m_world.files, loaded.config.paths.state);
        const Discovered found =
            discover_knowing(kept, m_world, m_request.discovery, m_request.kinds, std::nullopt);
        LoadedConfig made;
        read_made(config_of(found), made);
        if (loaded.config.source == Config::Source::discovery) { // there is nothing else
            loaded.problems = std::move(made.problems);
            loaded.use = made.use;
            loaded.fingerprint = made.fingerprint;
        }
        Config& config = loaded.config;
        config.health.checks = std::move(made.config.health.checks);
        for (const FoundCheck& check : found.checks) {
            config.explained.push_back(say(k_found, check.name, check.why));
        }
        config.assumed.insert(config.assumed.end(), found.missed.begin(), found.missed.end());
        const std::string text = to_json(found);
        loaded.discovered = text == kept ? "" : text;
        loaded.names_no_checks = false;
    }

  private:
    LoadedConfig load_file(const std::string& file) {
        LoadedConfig loaded;
        loaded.file = file;
        const Result<std::string> text = m_world.files.read(file, k_config_size);
        if (!text) {
            loaded.problems.error({}, error_words(text.error().message));
            speak_as_asked(loaded, "");
            loaded.needs_rights = text.error().kind == ErrorKind::permission;
            loaded.fingerprint = fingerprint_of(text.error().message);
            m_gone = text.error().kind == ErrorKind::not_found;
            loaded.config.paths.state = m_request.usual_state;
            return loaded;
        }
        loaded.fingerprint = fingerprint_of(*text);
        read_text(*text, loaded);
        loaded.config.source = Config::Source::file;
        loaded.config.file = file;
        if (!loaded.ok() && is_env_file(*text)) { // what is wrong with it as a configuration is no help
            loaded.problems = {};
            loaded.problems.error({}, say(k_is_env_file));
        }
        if (std::optional<Config::Note> others = note_of_other_writers(m_world.files, file)) {
            add_note(std::move(*others), loaded.config, loaded.problems);
        }
        // What an editor leaves behind on a full disk. Taken at its word it would be a watch that tells nobody, and the
        // last good copy of what it was.
        if (trim(*text).empty()) {
            loaded.problems.error({1, 1}, say(k_empty_file));
            loaded.use = LoadedConfig::Use::telling;
        }
        if (loaded.use != LoadedConfig::Use::present) {
            find_own_state(*text, loaded);
            speak_as_asked(loaded, *text);
        } else {
            loaded.text = *text;
            if (loaded.config.health.checks.empty()) {
                leave_to_discovery(loaded, say(k_no_checks, file));
            }
        }
        return loaded;
    }

    // The mistake may have taken along where the last good copy lies. Taken for the usual place, a typo in the first
    // lines would end the watch of an installation that has paths of its own.
    void find_own_state(std::string_view text, LoadedConfig& broken) const {
        Path& state = broken.config.paths.state;
        if (last_good_text(m_world.files, state, broken.file)) {
            return;
        }
        for (const Path& named : states_in(text, m_process)) {
            if (last_good_text(m_world.files, named, broken.file)) {
                state = named;
                return;
            }
        }
    }

    // What is wrong is told in the language that the file asks for; where that cannot be read, in that of its last
    // good copy.
    void speak_as_asked(LoadedConfig& broken, std::string_view text) {
        broken.config.lang = language_of(m_world.files, broken.config.paths.state, broken.file, text)
                                 .value_or(broken.config.lang);
    }

    // Parses, replaces references, reads; use is `present` or `telling`.
    void read_text(std::string_view text, LoadedConfig& loaded) {
        std::optional<Node> root = parse_toml(text, loaded.problems);
        if (!root) {
            loaded.config = salvage(text);
            loaded.use = LoadedConfig::Use::telling;
            return;
        }
        loaded.config = read_tree(*root, loaded.problems);
        loaded.use = loaded.problems.has_errors() ? LoadedConfig::Use::telling : LoadedConfig::Use::present;
        loaded.needs_rights = m_env_denied;
        if (loaded.problems.has_errors()) {
            keep_what_tells(loaded.config);
        } else if (m_last_good == LastGood::never) { // --check-config: runs find out by themselves
            warn_of_missing(*root, m_world, loaded.problems);
        }
    }

    Config read_tree(Node& root, Problems& problems) {
        const Node* paths = root.find("paths");
        const Node* named = paths != nullptr ? paths->find("env_file") : nullptr;
        const Path env_path = env_file_of(named);
        Environment environment = read_env_file(m_world.files, env_path, m_process);
        const VariableLookup lookup = lookup_in(environment.file, m_process);
        expand_references(root, lookup, problems);
        Config config = read_blaming_variables(root, lookup, problems);
        if (environment.unreadable) {
            note_unreadable(*environment.unreadable, named, config, problems);
        }
        add_notes(config, environment, problems);
        for (const Path& program : programs_of_root(root)) {
            if (std::optional<Config::Note> others = note_of_other_writers(m_world.files, program)) {
                add_note(std::move(*others), config, problems);
            }
        }
        judge_zone(root, config, problems);
        config.always_muted = lookup("ALERTS_MUTED").value_or("") == "1";
        read_mute_file(config, lookup("ALERTS_MUTE_FILE").value_or(""));
        return config;
    }

    // A wrong value out of a variable is this host's and not the file's. In a run only what needs it is off, as
    // for a variable that is not set: to refuse the whole would end the watch, for the last good configuration
    // refers to the same value. --check-config names it as the mistake that it is.
    Config read_blaming_variables(Node& root, const VariableLookup& lookup, Problems& problems) {
        WrongVariables wrong;
        for (;;) { // ends: each time around, at least one more value is given up
            Problems found = problems;
            Config config = read_config(root, m_request.kinds, found, wrong);
            if (m_last_good == LastGood::never || !give_up_wrong_values(root, lookup, found, wrong)) {
                problems = std::move(found);
                return config;
            }
        }
    }

    // Marks as unset what an error points at and what is of a variable's making. False: there is no such value.
    static bool give_up_wrong_values(Node& node, const VariableLookup& lookup, const Problems& found,
                                     WrongVariables& wrong) {
        bool any = false;
        if (auto* items = std::get_if<Node::Array>(&node.value())) {
            for (Node& item : *items) {
                any = give_up_wrong_values(item, lookup, found, wrong) || any;
            }
        } else if (auto* members = std::get_if<Node::Table>(&node.value())) {
            for (Member& member : *members) {
                any = give_up_wrong_values(member.value.front(), lookup, found, wrong) || any;
            }
        } else if (!node.written().empty() && node.unset().empty()) {
            const Problem* problem = error_at(node.position(), found);
            const std::vector<std::string> names = variables_in(node.written(), lookup);
            if (problem != nullptr && !names.empty()) {
                std::string name = fmt::format("{}", fmt::join(names, ", "));
                wrong.emplace(name, problem->message);
                Node unset(Node::Value(node.written()), node.position());
                unset.set_expanded("", std::move(name));
                node = std::move(unset);
                any = true;
            }
        }
        return any;
    }

    static const Problem* error_at(Position position, const Problems& problems) {
        for (const Problem& problem : problems.all()) {
            if (problem.severity == Problem::Severity::error && problem.position == position) {
                return &problem;
            }
        }
        return nullptr;
    }

    // The usual one need not be there, and need not be readable while nothing refers to it.
    void note_unreadable(const Error& why, const Node* named, Config& config, Problems& problems) {
        const bool denied = why.kind == ErrorKind::permission;
        const bool needed = std::any_of(config.notes.begin(), config.notes.end(),
                                        [](const Config::Note& note) { return !note.unset.empty(); });
        m_env_denied = denied && (named != nullptr || needed);
        if (named != nullptr || m_env_denied) {
            problems.warning(named != nullptr ? named->position() : Position{}, error_words(why.message));
            note_missing_env_file(config, why.message);
        }
    }

    // One trouble, one note: what is off for want of a variable is told with the file that would have set it.
    static void note_missing_env_file(Config& config, const std::string& why) {
        Config::Note all{error_words(why), say(k_env_hint), {}};
        std::erase_if(config.notes, [&](const Config::Note& note) {
            if (note.unset.empty()) {
                return false;
            }
            all.message = join("; ", {all.message, note.message});
            if (note.tool == "smoke" && config.smoke.users) { // there is a command that makes the file
                all.hint = join("; ", {all.hint, note.hint});
            }
            all.unset.insert(all.unset.end(), note.unset.begin(), note.unset.end());
            return true;
        });
        config.notes.push_back(std::move(all));
    }

    // Zones come and go with the host's packages: a run goes on with the host's own, only --check-config
    // refuses.
    void judge_zone(const Node& root, Config& config, Problems& problems) {
        const Path zones(k_zones);
        if (config.timezone.empty() || !is_there(m_world.files, zones)) {
            return;
        }
        const Result<FileInfo> zone = m_world.files.info(zones / config.timezone, Files::Follow::yes);
        if (zone && zone->type == FileInfo::Type::regular) {
            return;
        }
        if (m_last_good == LastGood::never) {
            const std::vector<std::string> names = zones_beside(config.timezone);
            report_unknown(k_unknown_zone, config.timezone, root.find("timezone")->position(),
                           std::vector<std::string_view>(names.begin(), names.end()), problems);
        } else {
            config.notes.push_back({say(k_zone, clean_line(config.timezone)), say(k_zone_hint), {}});
        }
        config.timezone.clear();
    }

    // Those of the same part of the world: "Europe/Moscow" for "Europe/Moskow".
    std::vector<std::string> zones_beside(const std::string& zone) {
        const Path part = Path(zone).parent_path();
        std::vector<std::string> names = m_world.files.list(Path(k_zones) / part).value_or({});
        for (std::string& name : names) {
            name = (part / name).string();
        }
        return names;
    }

    static void read_mute_file(Config& config, const std::string& named) {
        if (named.starts_with('/')) {
            config.mute_file = named;
        } else if (!named.empty()) {
            config.notes.push_back(
                {say(k_mute_file, (config.paths.run / "mute_until").string()), Text{}, {}});
        }
    }

    // Where the variables are must be known before they are used, so this path may only use the environment.
    Path env_file_of(const Node* named) {
        const auto* text = named != nullptr ? named->get<std::string>() : nullptr;
        if (text == nullptr) {
            return m_request.usual_env_file;
        }
        Node copy(Node::Value(*text), {});
        Problems dropped; // told when the whole tree is expanded
        expand_references(copy, m_process, dropped);
        const std::string& path = *copy.get<std::string>();
        return path.starts_with('/') ? Path(path) : m_request.usual_env_file;
    }

    static void add_notes(Config& config, const Environment& environment, Problems& problems) {
        for (const Config::Note& note : environment.notes) {
            add_note(note, config, problems);
        }
    }

    static void add_note(Config::Note note, Config& config, Problems& problems) {
        problems.warning({}, note.hint.empty() ? note.message : say(k_with_hint, note.message, note.hint));
        config.notes.push_back(std::move(note));
    }

    // ── what a broken file still says ──

    // A syntax error leaves no tree. What stands between the headers is tried piece by piece, and of what
    // parses only that is used which tells the operator of the error.
    Config salvage(std::string_view text) {
        std::string rest;
        for (const std::string& piece : pieces_of(text)) {
            if (tells(piece)) {
                rest += parses(piece) ? piece : good_lines_of(piece);
            }
        }
        Problems dropped;
        std::optional<Node> root = parse_toml(rest, dropped);
        Config config = root ? read_tree(*root, dropped) : Config{};
        keep_what_tells(config);
        return config;
    }

    static std::vector<std::string> pieces_of(std::string_view text) {
        std::vector<std::string> pieces(1);
        for (const std::string_view line : split_lines(text)) {
            if (line.starts_with('[')) {
                pieces.emplace_back();
            }
            pieces.back() += line;
            pieces.back() += '\n';
        }
        return pieces;
    }

    static bool parses(std::string_view text) {
        Problems dropped;
        return parse_toml(text, dropped).has_value();
    }

    // One wrong line must not take the paths with it: no others may be touched (CONTRACT 1). Under a header that is
    // wrong itself the lines would be another table's.
    static std::string good_lines_of(const std::string& piece) {
        std::string good;
        for (const std::string_view line : split_lines(piece)) {
            if (parses(line)) {
                good += fmt::format("{}\n", line);
            } else if (line.starts_with('[')) {
                return {};
            }
        }
        return parses(good) ? good : std::string(); // a key that is there twice
    }

    static bool tells(const std::string& piece) {
        constexpr std::array<std::string_view, 3> k_headers{"[paths]", "[channel.", "[log]"};
        return !piece.starts_with('[') ||
               std::any_of(k_headers.begin(), k_headers.end(),
                           [&](std::string_view header) { return piece.starts_with(header); });
    }

    // Never half of the new: no checks, no logins, no requests to the site, no recovery, no routes.
    static void keep_what_tells(Config& config) {
        config.health = HealthSettings{};
        config.smoke = SmokeSettings{};
        config.deepcheck = DeepcheckSettings{};
        config.deploy = DeploySettings{};
        config.routes.clear();
        std::erase_if(config.channels, [](const ChannelSettings& channel) {
            const bool complete = std::visit([](const auto& own) { return own.complete(); }, channel.own);
            return !complete || !channel.unset.empty();
        });
    }

    // ── the last good one ──

    LoadedConfig fall_back(LoadedConfig broken) {
        const Path state = broken.config.paths.state;
        const std::optional<std::string> kept = last_good_text(m_world.files, state, broken.file);
        if (!kept) {
            if (m_gone) {
                say_where_to_look(broken);
            }
            return broken;
        }
        LoadedConfig last;
        read_text(*kept, last);
        if (last.use != LoadedConfig::Use::present) {
            return broken; // the key table has changed since, or the kept file is damaged
        }
        if (last.config.health.checks.empty()) {
            leave_to_discovery(last, say(k_no_checks, broken.file));
        }
        last.config.source = Config::Source::file;
        last.config.file = broken.file;
        broken.config = std::move(last.config);
        broken.names_no_checks = last.names_no_checks;
        broken.use = LoadedConfig::Use::last_good;
        broken.copy_of_gone = m_gone ? kept_path(state) : Path();
        return broken;
    }

    // A file that is gone has taken with it where its last good copy lies, unless that is the usual place: nothing
    // outside its own paths may remember it (CONTRACT 1).
    // A mistyped name was never in use: what is beside it and was meant is said instead.
    void say_where_to_look(LoadedConfig& broken) {
        const std::optional<std::string> meant = file_beside(broken.file);
        const Text& what = broken.problems.all().front().message;
        Problems said;
        said.error({}, meant ? say(k_mistyped, what, *meant) : say(k_gone, what));
        broken.problems = std::move(said);
    }

    std::optional<std::string> file_beside(const std::string& file) {
        const Path path = file;
        const std::vector<std::string> names =
            m_world.files.list(path.has_parent_path() ? path.parent_path() : Path(".")).value_or({});
        const std::vector<std::string_view> views(names.begin(), names.end());
        const std::optional<std::string_view> near = nearest(path.filename().string(), views);
        return near ? std::optional((path.parent_path() / *near).string()) : std::nullopt;
    }

    // ── without a file ──

    LoadedConfig load_env_alone() {
        LoadedConfig loaded;
        loaded.file = m_request.usual_env_file.string();
        const Environment environment = read_env_file(m_world.files, m_request.usual_env_file, m_process);
        if (environment.unreadable) {
            loaded.problems.error({}, error_words(environment.unreadable->message));
            loaded.needs_rights = environment.unreadable->kind == ErrorKind::permission;
            loaded.fingerprint = fingerprint_of(environment.unreadable->message);
            return loaded;
        }
        const LegacyConfig legacy =
            legacy_config(environment.file.values, m_request.usual_env_file, [this](const Path& path) {
                return m_world.files.info(path, Files::Follow::yes).ok();
            });
        read_made(legacy.toml, loaded);
        loaded.config.source = Config::Source::config_env;
        leave_logins_to_smoke(loaded.config);
        loaded.config.file = loaded.file;
        loaded.config.assumed = legacy.assumed;
        for (const Config::Note& note : legacy.notes) {
            add_note(note, loaded.config, loaded.problems);
        }
        return loaded;
    }

    // Who has given no test accounts to the bash suite is told by the tool that wants them, not by all.
    static void leave_logins_to_smoke(Config& config) {
        std::erase_if(config.notes, [](const Config::Note& note) {
            return std::any_of(note.unset.begin(), note.unset.end(),
                               [](const std::string& name) { return name.starts_with("SMOKE_"); });
        });
    }

    LoadedConfig load_nothing() {
        LoadedConfig loaded;
        read_made("", loaded);
        loaded.config.source = Config::Source::discovery;
        if (m_request.discovery == nullptr) {
            loaded.config.assumed.push_back(say(k_no_configuration));
            return loaded;
        }
        leave_to_discovery(loaded, say(k_discovered));
        loaded.config.assumed.push_back(say(k_nothing_mended));
        return loaded;
    }

    // Only by a tool that looks for checks: to others their absence means nothing.
    void leave_to_discovery(LoadedConfig& loaded, Text why) const {
        if (m_request.discovery != nullptr) {
            loaded.names_no_checks = true;
            loaded.config.assumed.push_back(std::move(why));
        }
    }

    // A text that we made: places in it would mean nothing to anybody, and without them what is missing from
    // several keys would be the same line again and again.
    static void read_made_problems(const Problems& made, LoadedConfig& loaded) {
        std::set<std::string> told;
        for (const Problem& problem : made.all()) {
            if (!told.insert(problem.message.en).second) {
                continue;
            }
            problem.severity == Problem::Severity::error ? loaded.problems.error({}, problem.message)
                                                         : loaded.problems.warning({}, problem.message);
        }
    }

    void read_made(const std::string& text, LoadedConfig& loaded) {
        LoadedConfig made;
        read_text(text, made);
        read_made_problems(made.problems, loaded);
        loaded.config = std::move(made.config);
        loaded.use = made.use;
        loaded.fingerprint = fingerprint_of(text);
    }

    World& m_world;
    const ConfigRequest& m_request;
    LastGood m_last_good;
    VariableLookup m_process;
    bool m_gone = false;       // the file is not there
    bool m_env_denied = false; // the env file is there and needed, but not for us to read
};

} // namespace

Discovered discover_for(World& world, Discovery discovery, const Kinds& kinds, const Path& state,
                        std::optional<std::string> nginx_dump) {
    return discover_knowing(kept_discovery(world.files, state), world, discovery, kinds,
                            std::move(nginx_dump));
}

LoadedConfig load_config(World& world, const ConfigRequest& request, LastGood last_good) {
    return Loader(world, request, last_good).load();
}

void discover_checks(World& world, const ConfigRequest& request, LoadedConfig& loaded) {
    if (loaded.names_no_checks) {
        Loader(world, request, LastGood::fall_back).discover(loaded);
    }
}

Lang configured_language(Files& files, const ConfigRequest& request) {
    const std::optional<std::string> file = find_file(files, request);
    const std::string text = file ? files.read(*file, k_config_size).value_or("") : "";
    const std::optional<Lang> asked = file ? language_of(files, Paths{}.state, *file, text) : std::nullopt;
    return asked.value_or(Config{}.lang);
}

Text problem_lines(const LoadedConfig& loaded) {
    Text lines;
    for (const Problem& problem : loaded.problems.all()) {
        // "unable to open FILE: …" says where it is already.
        const bool names_file = problem.message.en.find(loaded.file) != std::string::npos;
        std::string line = problem.position.line == 0 && names_file ? "" : loaded.file;
        if (problem.position.line != 0) {
            line += fmt::format(":{}:{}", problem.position.line, problem.position.column);
        }
        line += line.empty() ? "" : ": ";
        line += problem.severity == Problem::Severity::warning ? "warning: " : "";
        lines.en += clean_line(redact(line + problem.message.en)) + "\n";
        lines.ru += clean_line(redact(line + problem.message.ru)) + "\n";
    }
    return lines;
}

Result<void> keep_last_good(Files& files, const LoadedConfig& loaded) {
    if (!loaded.ok() || loaded.config.source != Config::Source::file) {
        return {};
    }
    const std::string content = first_line_of_kept(loaded.file) + loaded.text;
    const Path path = kept_path(loaded.config.paths.state);
    // What is written out in the file, a token too, stands in its copy: nobody may read that who may not read the file.
    const Result<FileInfo> info = files.info(path, Files::Follow::yes);
    const bool is_private = info && (info->mode & 0077U) == 0;
    if (const Result<std::string> kept = files.read(path, Bytes{content.size() + 1});
        kept && *kept == content && is_private) {
        return {};
    }
    return keep(files, loaded.config.paths.state, path, content);
}

Result<void> keep_discovered(Files& files, const LoadedConfig& loaded) {
    if (loaded.discovered.empty()) {
        return {};
    }
    const Path& state = loaded.config.paths.state;
    return keep(files, state, discovered_path(state), loaded.discovered);
}

} // namespace lectio
