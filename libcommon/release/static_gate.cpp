#include "release/static_gate.h"

#include "checks/frontend.h"
#include "checks/whole_build.h"
#include "release/assets.h"
#include "release/compared.h"
#include "release/file_content.h"
#include "util/json_depth.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

using Weight = Flaw::Weight;

constexpr Bytes k_largest_read = 32_MB;
constexpr std::size_t k_shown_characters = 60;
constexpr int k_most_links = 40; // as the kernel follows

constexpr Phrase k_hint_whole{"build again, and send the whole folder that the build makes",
                              "соберите заново и пришлите всю папку, которую делает сборка"};
constexpr Phrase k_hint_case{"there is {}: the names differ in their case only",
                             "есть {}: имена различаются только регистром"};
constexpr Phrase k_hint_folder{
    "the build is made for the folder {0} of the site: build it for /, or set url = "
    "\"https://…{0}\" in health's check of type frontend",
    "сборка сделана для папки сайта {0}: соберите её для / или задайте "
    "url = \"https://…{0}\" в проверке health типа frontend"};
constexpr Phrase k_no_page{"index.html is no page of HTML: it begins with “{}”",
                           "index.html — не HTML-страница: она начинается с «{}»"};
constexpr Phrase k_template{"index.html is the template of a build, not what a build makes: it has {}",
                            "index.html — шаблон для сборки, а не её результат: в нём {}"};
constexpr Phrase k_source{"index.html names {}: that is source code, not a build",
                          "index.html ссылается на {}: это исходный код, а не сборка"};
constexpr Phrase k_hint_source{"send the folder that the build makes (dist, build), not that of the project",
                               "присылайте папку, которую делает сборка (dist, build), а не папку проекта"};
constexpr Phrase k_page_for_script{"{} holds a page of HTML, not a script",
                                   "в {} HTML-страница, а не скрипт"};
constexpr Phrase k_page_for_style{"{} holds a page of HTML, not a style sheet",
                                  "в {} HTML-страница, а не стили"};
constexpr Phrase k_page_for_json{"{} holds a page of HTML, not JSON", "в {} HTML-страница, а не JSON"};
constexpr Phrase k_no_text{"{} holds no text", "в {} не текст"};
constexpr Phrase k_empty_script{"{} is empty", "файл {} пуст"};
constexpr Phrase k_unread{"unable to look into {}", "не удалось заглянуть в {}"};
constexpr Phrase k_too_large{"{} is larger than {} and was not looked into",
                             "файл {} больше {}: внутрь не заглядывали"};
constexpr Phrase k_named_missing{"{} names {}, which is missing", "{} ссылается на {}, а такого файла нет"};
constexpr Phrase k_named_missing_more{"{0} names {2} files that are missing, the first is {1}",
                                      "{0} ссылается на несуществующие файлы ({2}), первый — {1}"};
constexpr Phrase k_required{"nothing in the build matches “{}” (deploy.frontend.requires)",
                            "в сборке нет ничего под «{}» (deploy.frontend.requires)"};
constexpr Phrase k_required_empty{"what matches “{}” in the build is empty (deploy.frontend.requires)",
                                  "то, что в сборке подходит под «{}», пусто (deploy.frontend.requires)"};
constexpr Phrase k_contains_missing{"{} is missing (deploy.frontend.contains)",
                                    "нет файла {} (deploy.frontend.contains)"};
constexpr Phrase k_lacks{"{} lacks “{}” (deploy.frontend.contains)",
                         "в {} нет «{}» (deploy.frontend.contains)"};
constexpr Phrase k_forbidden{"{} contains “{}” (deploy.frontend.forbid)",
                             "в {} есть «{}» (deploy.frontend.forbid)"};
constexpr Phrase k_forbidden_more{"{} files contain “{}” (deploy.frontend.forbid), the first is {}",
                                  "«{1}» есть в файлах ({0}) (deploy.frontend.forbid), первый — {2}"};
constexpr Phrase k_secret{"{} would be served to everybody", "{} будет отдаваться всем"};
constexpr Phrase k_secret_more{"{0} files like {1} would be served to everybody",
                               "файлы вроде {1} ({0}) будут отдаваться всем"};
constexpr Phrase k_hint_secret{"leave it out of the build", "уберите это из сборки"};
constexpr Phrase k_maps{"source maps would be served to everybody: {0}, the first is {1}",
                        "карты исходного кода будут отдаваться всем: {0}, первая — {1}"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};
constexpr Phrase k_hint_maps{"build without them, if the source is not to be read by everybody",
                             "собирайте без них, если исходный код не для всех"};
constexpr Phrase k_case{"{} and {} differ in their case only: on Windows and macOS they are one file",
                        "{} и {} различаются только регистром: в Windows и macOS это один файл"};
constexpr Phrase k_no_hash{"{} has no hash in its name: an open tab gets the new file with the old page",
                           "в имени {} нет хеша: открытая вкладка получит новый файл к старой странице"};
constexpr Phrase k_hint_no_hash{"let the build put a hash of the content into the names",
                                "пусть сборка добавляет в имена хеш содержимого"};
constexpr Phrase k_and_more{"and {} more", "и ещё {}"};

// The file that a path leads to, links followed as the web server does.
struct Reached {
    const TreeEntry* entry = nullptr;
    std::string path;
};

std::optional<Reached> reach(const TreeManifest& manifest, const std::string& path) {
    std::deque<std::string> steps;
    const auto put_in_front = [&](const Path& more) {
        std::deque<std::string> front;
        for (const Path& step : more) {
            front.push_back(step.string());
        }
        steps.insert(steps.begin(), front.begin(), front.end());
    };
    put_in_front(path);
    Path here;
    const TreeEntry* entry = nullptr;
    for (int links = 0; !steps.empty();) {
        const std::string step = steps.front();
        steps.pop_front();
        if (step == ".." && here.empty()) {
            return std::nullopt; // out of the build
        }
        if (step == ".." || step == "." || step.empty()) {
            here = step == ".." ? here.parent_path() : here;
            continue;
        }
        entry = manifest.find((here / step).string());
        if (entry == nullptr) {
            return std::nullopt;
        }
        if (entry->type != TreeEntry::Type::link) {
            here /= step;
        } else if (++links > k_most_links || Path(entry->target).is_absolute()) {
            return std::nullopt;
        } else {
            put_in_front(entry->target);
        }
    }
    entry = here.empty() ? nullptr : manifest.find(here.string());
    return entry == nullptr ? std::nullopt : std::optional(Reached{entry, here.string()});
}

BuildView view_of(const BuildTree& build) {
    const auto gone = [](const Path& below) {
        return Error{ErrorKind::not_found, "there is no " + below.string()};
    };
    return {[&build, gone](const Path& below) -> Result<std::string> {
                const std::optional<Reached> reached = reach(build.manifest, below.string());
                return reached ? build.read(reached->path, k_largest_page) : gone(below);
            },
            [&build, gone](const Path& below) -> Result<FileInfo> {
                const std::optional<Reached> reached = reach(build.manifest, below.string());
                if (!reached) {
                    return gone(below);
                }
                FileInfo info;
                info.type = reached->entry->type == TreeEntry::Type::file     ? FileInfo::Type::regular
                            : reached->entry->type == TreeEntry::Type::folder ? FileInfo::Type::folder
                                                                              : FileInfo::Type::other;
                info.size = reached->entry->size;
                return info;
            }};
}

// The folder of the site for which a build that is whole nowhere else is made: "/app/"; empty: none.
std::string folder_it_is_made_for(const BuildView& view, const std::string& index) {
    for (const HtmlAsset& asset : html_assets(index)) {
        const std::string path = local_path(asset.url, "").value_or("");
        for (std::size_t slash = path.find('/'); slash != std::string::npos;
             slash = path.find('/', slash + 1)) {
            std::string folder = "/" + path.substr(0, slash + 1);
            if (prove_build(view, "http://site" + folder).whole()) {
                return folder;
            }
        }
    }
    return {};
}

// Step by step, so that a star does not cross a slash.
bool matches(std::string_view pattern, std::string_view path) {
    const std::vector<std::string_view> wanted = split(pattern, '/'), steps = split(path, '/');
    return wanted.size() == steps.size() &&
           std::equal(wanted.begin(), wanted.end(), steps.begin(), wildcard_match);
}

bool is_secret(const std::string& path) {
    for (const Path& step : Path(path)) {
        const std::string name = to_lower_ascii(step.string());
        const bool example = name.ends_with(".example") || name.ends_with(".sample");
        if (name == ".git" || name == ".htpasswd" || name == ".svn" || name == "id_rsa" ||
            ((name == ".env" || name.starts_with(".env.")) && !example) || name.ends_with(".sqlite3")) {
            return true;
        }
    }
    return false;
}

std::string shown(std::string_view text) {
    return shorten(redact(clean_line(text)), k_shown_characters);
}

class Judge {
  public:
    explicit Judge(const BuildToJudge& build)
        : m_build(build), m_view(view_of(build.build)), m_site(site()), m_proof(prove_build(m_view, m_site)) {
        for (const NamedFile& file : m_proof.named) {
            if (const std::optional<Reached> reached = reach(build.build.manifest, file.path)) {
                m_named.emplace(reached->path, file.kind);
            }
        }
    }

    std::vector<Flaw> judge() {
        judge_whole();
        judge_contents();
        judge_lists();
        judge_rules();
        judge_names();
        if (m_flawed.empty()) { // what is broken is like nothing else anyway
            judge_compared();
        }
        return worst_first();
    }

  private:
    // Where nobody says it, the live build shows whether it is served from a folder of the site.
    [[nodiscard]] std::string site() const {
        if (!m_build.site.empty() || !m_build.served) {
            return m_build.site;
        }
        const BuildView served = view_of(*m_build.served);
        const BuildProof live = prove_build(served, "");
        const std::string folder =
            live.whole() || !live.index ? std::string() : folder_it_is_made_for(served, *live.index);
        return folder.empty() ? std::string() : "http://site" + folder;
    }

    void add(Weight weight, Text words, Text hint = {}) {
        m_flaws.push_back({weight, std::move(words), std::move(hint)});
    }
    // Of a file that is broken nothing else is said.
    void add_broken(Weight weight, const std::string& file, Text words, Text hint = {}) {
        if (m_flawed.insert(file).second) {
            add(weight, std::move(words), std::move(hint));
        }
    }

    // ── index.html and what it names ──

    void judge_whole() {
        const bool is_no_page = m_proof.index && !is_page(*m_proof.index);
        if (is_no_page) {
            add_broken(Weight::refuse, "index.html", say(k_no_page, shown(*m_proof.index)),
                       say(k_hint_whole));
        } else if (m_proof.index && m_proof.index->find("%PUBLIC_URL%") != std::string::npos) {
            add_broken(Weight::refuse, "index.html", say(k_template, "%PUBLIC_URL%"), say(k_hint_source));
        }
        const std::string folder = m_proof.index && !m_proof.whole() && m_site.empty()
                                       ? folder_it_is_made_for(m_view, *m_proof.index)
                                       : std::string();
        for (const BuildFlaw& flaw : m_proof.flaws) {
            const bool one_file =
                flaw.kind == BuildFlaw::Kind::names_nothing; // some builds put it all inside
            add_broken(one_file ? Weight::refuse_unless_forced : Weight::refuse, flaw.file, flaw.words,
                       hint_for(flaw, folder));
        }
        for (const NamedFile& file : m_proof.named) {
            if (is_source_code(file.path)) {
                add_broken(Weight::refuse, file.path, say(k_source, clean_line(file.path)),
                           say(k_hint_source));
            }
        }
    }

    [[nodiscard]] Text hint_for(const BuildFlaw& flaw, const std::string& folder) const {
        if (flaw.kind != BuildFlaw::Kind::missing) {
            return say(k_hint_whole);
        }
        if (!folder.empty()) {
            return say(k_hint_folder, folder);
        }
        const std::string wanted = to_lower_ascii(flaw.file);
        for (const TreeEntry& entry : m_build.build.manifest.entries) {
            if (to_lower_ascii(entry.path) == wanted) {
                return say(k_hint_case, clean_line(entry.path));
            }
        }
        return say(k_hint_whole);
    }

    // What it is by its name, or else by what the page takes it for.
    [[nodiscard]] FileKind kind_by_use(const std::string& path) const {
        const FileKind kind = kind_of(path);
        const auto named = m_named.find(path);
        if (kind != FileKind::other || named == m_named.end()) {
            return kind;
        }
        return named->second == HtmlAsset::Kind::script  ? FileKind::script
               : named->second == HtmlAsset::Kind::style ? FileKind::style
                                                         : FileKind::other;
    }

    // ── what the files hold ──

    void judge_contents() {
        std::map<std::size_t, std::vector<std::string>> forbidden; // by text: the files
        for (const TreeEntry& entry : m_build.build.manifest.entries) {
            const FileKind kind = kind_by_use(entry.path);
            if (entry.type == TreeEntry::Type::file && kind != FileKind::other &&
                kind != FileKind::source_map && !m_flawed.contains(entry.path)) {
                judge_content(entry, kind, forbidden);
            }
        }
        for (const auto& [text, files] : forbidden) {
            const std::string& words = m_build.rules.forbid[text];
            add(Weight::refuse, files.size() == 1
                                    ? say(k_forbidden, clean_line(files.front()), words)
                                    : say(k_forbidden_more, files.size(), words, clean_line(files.front())));
        }
    }

    void judge_content(const TreeEntry& entry, FileKind kind,
                       std::map<std::size_t, std::vector<std::string>>& forbidden) {
        // What the page does not name may be of no use, and broken for years.
        const Weight weight = m_named.contains(entry.path) || entry.path == "index.html"
                                  ? Weight::refuse
                                  : Weight::refuse_unless_forced;
        const std::string name = clean_line(entry.path);
        if (entry.size.count == 0) {
            if (kind == FileKind::script) {
                add_broken(weight, entry.path, say(k_empty_script, name), say(k_hint_whole));
            }
            return;
        }
        const Result<std::string> content = m_build.build.read(entry.path, k_largest_read);
        if (!content) {
            const bool large = content.error().kind == ErrorKind::too_large;
            add(large ? Weight::warn : Weight::refuse,
                large ? say(k_too_large, name, format_size(k_largest_read)) : say(k_unread, name));
            return;
        }
        if (!is_text(*content)) {
            add_broken(weight, entry.path, say(k_no_text, name), say(k_hint_whole));
        } else if (kind != FileKind::page && begins_as_page(*content)) {
            add_broken(weight, entry.path,
                       kind == FileKind::script  ? say(k_page_for_script, name)
                       : kind == FileKind::style ? say(k_page_for_style, name)
                                                 : say(k_page_for_json, name),
                       say(k_hint_whole));
        } else if (kind != FileKind::json) {
            for (std::size_t text = 0; text < m_build.rules.forbid.size(); ++text) {
                if (content->find(m_build.rules.forbid[text]) != std::string::npos) {
                    forbidden[text].push_back(entry.path);
                }
            }
        }
    }

    // ── the lists of their files that some builds bring along ──

    void judge_lists() {
        for (const char* list : {"asset-manifest.json", ".vite/manifest.json", "manifest.json"}) {
            const TreeEntry* entry = m_build.build.manifest.find(list);
            if (entry == nullptr || entry->type != TreeEntry::Type::file || m_flawed.contains(list)) {
                continue;
            }
            const Result<std::string> text = m_build.build.read(list, k_largest_page);
            std::vector<std::string> missing;
            for (const std::string& file : text ? files_in_list(*text) : std::set<std::string>{}) {
                if (kind_of(file) != FileKind::source_map && !m_flawed.contains(file) &&
                    !reach(m_build.build.manifest, file)) {
                    missing.push_back(file);
                    m_flawed.insert(file);
                }
            }
            if (!missing.empty()) {
                const std::string first = clean_line(missing.front());
                add(Weight::refuse_unless_forced,
                    missing.size() == 1 ? say(k_named_missing, list, first)
                                        : say(k_named_missing_more, list, first, missing.size()),
                    say(k_hint_whole));
            }
        }
    }

    // webpack's { "files": { name: url } }, Vite's { name: { "file", "css", "assets" } }.
    [[nodiscard]] std::set<std::string> files_in_list(const std::string& text) const {
        std::set<std::string> files;
        const auto add_url = [&](const nlohmann::json& url) {
            if (url.is_string()) {
                if (std::optional<std::string> path = local_path(url.get<std::string>(), m_site)) {
                    files.insert(std::move(*path));
                }
            }
        };
        const nlohmann::json list = json_within_depth(text);
        if (!list.is_object()) {
            return files;
        }
        for (const auto& [key, value] : list.items()) {
            if (key == "files" && value.is_object()) {
                std::for_each(value.begin(), value.end(), add_url);
            }
            if (!value.is_object() || !value.contains("file")) {
                continue;
            }
            add_url(value["file"]);
            for (const char* more : {"css", "assets"}) {
                if (value.contains(more) && value[more].is_array()) {
                    std::for_each(value[more].begin(), value[more].end(), add_url);
                }
            }
        }
        return files;
    }

    // ── what [deploy.frontend] asks for ──

    void judge_rules() {
        for (const std::string& pattern : m_build.rules.requires_files) {
            judge_required(pattern);
        }
        for (const auto& [file, text] : m_build.rules.contains) {
            const std::optional<Reached> reached = reach(m_build.build.manifest, file);
            if (m_flawed.contains(file) || (reached && m_flawed.contains(reached->path))) {
                continue;
            }
            const Result<std::string> content = reached
                                                    ? m_build.build.read(reached->path, k_largest_read)
                                                    : Result<std::string>(Error{ErrorKind::not_found, ""});
            if (!content) {
                add(Weight::refuse,
                    reached ? say(k_unread, clean_line(file)) : say(k_contains_missing, clean_line(file)));
            } else if (content->find(text) == std::string::npos) {
                add(Weight::refuse, say(k_lacks, clean_line(file), text));
            }
        }
    }

    void judge_required(const std::string& pattern) {
        if (std::any_of(m_flawed.begin(), m_flawed.end(),
                        [&](const std::string& file) { return matches(pattern, file); })) {
            return; // said already
        }
        bool is_there = false;
        for (const TreeEntry& entry : m_build.build.manifest.entries) {
            if (!matches(pattern, entry.path)) {
                continue;
            }
            const std::optional<Reached> reached = reach(m_build.build.manifest, entry.path);
            if (reached && reached->entry->type == TreeEntry::Type::file) {
                is_there = true;
                if (reached->entry->size.count > 0) {
                    return;
                }
            }
        }
        add(Weight::refuse, say(is_there ? k_required_empty : k_required, pattern));
    }

    // ── names that should not be there, or be otherwise ──

    void judge_names() {
        std::vector<std::string> secrets, maps;
        std::map<std::string, std::string> by_lower_case;
        bool said_case = false;
        for (const TreeEntry& entry : m_build.build.manifest.entries) {
            const auto [first, fresh] = by_lower_case.emplace(to_lower_ascii(entry.path), entry.path);
            if (!fresh && !std::exchange(said_case, true)) {
                add(Weight::warn, say(k_case, clean_line(first->second), clean_line(entry.path)));
            }
            if (entry.type == TreeEntry::Type::folder) {
                continue;
            }
            if (is_secret(entry.path)) {
                secrets.push_back(clean_line(entry.path));
            } else if (kind_of(entry.path) == FileKind::source_map) {
                maps.push_back(clean_line(entry.path));
            }
        }
        if (!secrets.empty()) { // what was served once cannot be taken back
            add(Weight::refuse_unless_forced,
                secrets.size() == 1 ? say(k_secret, secrets.front())
                                    : say(k_secret_more, secrets.size(), secrets.front()),
                say(k_hint_secret));
        }
        if (!maps.empty()) {
            add(Weight::warn,
                say(k_maps, counted(static_cast<std::int64_t>(maps.size()), k_files), maps.front()),
                say(k_hint_maps));
        }
        for (const NamedFile& file : m_proof.named) {
            if (file.kind != HtmlAsset::Kind::other && !m_flawed.contains(file.path) &&
                !has_content_hash(file.path)) {
                add(Weight::warn, say(k_no_hash, clean_line(file.path)), say(k_hint_no_hash));
                break; // all of them come from the same build
            }
        }
    }

    // ── beside what was live before (compared.h) ──

    void judge_compared() {
        Compared compared{m_build.build.manifest,
                          m_proof.index.value_or(""),
                          {},
                          m_build.live,
                          m_build.earlier,
                          m_build.shrink,
                          m_build.zone};
        if (m_build.served) {
            compared.live_index = m_build.served->read("index.html", k_largest_page).value_or("");
        }
        for (Flaw& flaw : compare_with_others(compared)) {
            m_flaws.push_back(std::move(flaw));
        }
    }

    std::vector<Flaw> worst_first() {
        std::stable_sort(m_flaws.begin(), m_flaws.end(),
                         [](const Flaw& one, const Flaw& other) { return one.weight < other.weight; });
        if (m_flaws.size() > k_most_flaws) {
            const std::size_t more = m_flaws.size() - k_most_flaws;
            m_flaws.resize(k_most_flaws);
            m_flaws.push_back({m_flaws.back().weight, say(k_and_more, more)});
        }
        return std::move(m_flaws);
    }

    const BuildToJudge& m_build;
    BuildView m_view;
    std::string m_site;
    BuildProof m_proof;
    std::map<std::string, HtmlAsset::Kind> m_named; // by index.html, where the links end
    std::set<std::string> m_flawed;                 // files of which it is said that they are broken
    std::vector<Flaw> m_flaws;
};

} // namespace

std::vector<Flaw> judge_build(const BuildToJudge& build) {
    return Judge(build).judge();
}

} // namespace lectio::release
