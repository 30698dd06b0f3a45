#include "release/compared.h"

#include "release/assets.h"
#include "release/file_content.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace lectio::release {
namespace {

using Weight = Flaw::Weight;

constexpr Bytes k_too_small_to_judge = 100_kB; // CONTRACT 29
constexpr std::size_t k_enough_names = 3;

constexpr Phrase k_same_as_live{"nothing has changed: this is the build that is live since {} (release {})",
                                "ничего не изменилось: эта сборка и так на сайте с {} (релиз {})"};
constexpr Phrase k_hint_same{"was it built again? --force releases it all the same",
                             "её точно собрали заново? --force выложит её всё равно"};
constexpr Phrase k_same_as_older{"this is an old build: release {}, live since {}",
                                 "это старая сборка: релиз {}, был на сайте с {}"};
constexpr Phrase k_same_as_older_until{"this is an old build: release {}, live from {} to {}",
                                       "это старая сборка: релиз {}, был на сайте с {} по {}"};
constexpr Phrase k_hint_older{"to go back to it on purpose: lectio-deploy rollback --to {}",
                              "вернуться к ней намеренно: lectio-deploy rollback --to {}"};
constexpr Phrase k_same_as_bad{"this build has been tried already and taken back (release {}): {}",
                               "эту сборку уже выкладывали и сняли (релиз {}): {}"};
constexpr Phrase k_shrunk{"the build has shrunk to {}, the live one has {}: less than {} of it",
                          "сборка уменьшилась до {}, а на сайте {}: это меньше {}"};
constexpr Phrase k_hint_shrunk{"is all of it there? --force releases it all the same",
                               "всё ли на месте? --force выложит её всё равно"};
constexpr Phrase k_other_names{"this looks like another application: its title is “{}”, that of the live one "
                               "“{}”, and they have no file name in common",
                               "похоже на другое приложение: заголовок «{}», а у того, что на сайте, «{}», "
                               "и ни одного общего имени файла"};
constexpr Phrase k_other_root{"this looks like another application: its title is “{}”, that of the live one "
                              "“{}”, and it is drawn into #{} instead of #{}",
                              "похоже на другое приложение: заголовок «{}», а у того, что на сайте, «{}», "
                              "и рисуется в #{} вместо #{}"};
constexpr Phrase k_hint_other{
    "if it is the right one: --force; deploy.frontend.contains tells them apart for "
    "sure",
    "если всё верно: --force; надёжно их различает deploy.frontend.contains"};
constexpr Phrase k_title{"the page has another title: “{}” instead of “{}”",
                         "у страницы другой заголовок: «{}» вместо «{}»"};
constexpr Phrase k_other_bytes{"{} has the name of a file of release {} and another content: browsers keep "
                               "the old one",
                               "{} носит имя файла из релиза {}, а содержимое другое: браузеры оставят себе "
                               "старое"};
constexpr Phrase k_other_bytes_more{
    "{} files have the names of files of earlier releases and another content: "
    "browsers keep the old ones; the first is {} (release {})",
    "файлов с именами из прежних релизов, но с другим содержимым: {}; браузеры "
    "оставят себе старые; первый — {} (релиз {})"};
constexpr Phrase k_hint_other_bytes{"let the build name files by their content ([contenthash])",
                                    "пусть сборка называет файлы по содержимому ([contenthash])"};

bool is_map(const TreeEntry& entry) {
    return kind_of(entry.path) == FileKind::source_map;
}

// Without source maps: who leaves them out from now on has lost nothing.
Bytes size_of_what_is_used(const TreeManifest& manifest) {
    Bytes size;
    for (const TreeEntry& entry : manifest.entries) {
        size.count += entry.type == TreeEntry::Type::file && !is_map(entry) ? entry.size.count : 0;
    }
    return size;
}

// "assets/lesson.js" of "assets/lesson-Ab12Cd34.js".
std::string name_without_hash(const std::string& path) {
    if (!has_content_hash(path)) {
        return path;
    }
    const std::size_t name = path.rfind('/') + 1;
    return path.substr(0, path.find_first_of(".-", name)) + path.substr(path.rfind('.'));
}

// What any build of its kind has.
bool is_common_name(const std::string& path) {
    static const std::set<std::string_view> k_common{
        "index", "main",    "app",    "runtime",  "vendor",  "vendors",        "polyfills",      "bundle",
        "chunk", "favicon", "robots", "manifest", "logo192", "logo512",        "vite",           "react",
        "style", "styles",  "sw",     "404",      "200",     "asset-manifest", "service-worker", "logo"};
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string stem = to_lower_ascii(name.substr(0, name.find('.')));
    return k_common.contains(stem) || stem.find_first_not_of("0123456789") == std::string::npos;
}

std::set<std::string> own_names(const TreeManifest& manifest) {
    std::set<std::string> names;
    for (const TreeEntry& entry : manifest.entries) {
        if (entry.type == TreeEntry::Type::file && !is_map(entry)) {
            std::string name = name_without_hash(entry.path);
            if (!is_common_name(name)) {
                names.insert(std::move(name));
            }
        }
    }
    return names;
}

bool was_served(const Release& release) {
    return release.state != State::staged;
}

class Comparison {
  public:
    explicit Comparison(const Compared& build) : m_build(build), m_hash(tree_hash(build.manifest)) {}

    std::vector<Flaw> flaws() {
        if (!find_the_same()) {
            compare_sizes();
            compare_pages();
        }
        compare_hashed_names();
        return std::move(m_flaws);
    }

  private:
    void add(Weight weight, Text words, Text hint = {}) {
        m_flaws.push_back({weight, std::move(words), std::move(hint)});
    }

    [[nodiscard]] std::string time_of(const Release& release) const {
        return format_local(release.live.value_or(release.made), m_build.zone);
    }

    bool find_the_same() {
        const Release* live = m_build.live.record;
        if (live != nullptr && live->hash == m_hash) {
            add(Weight::refuse_unless_forced, say(k_same_as_live, time_of(*live), live->id),
                say(k_hint_same));
            return true;
        }
        const Release* same = nullptr; // the one that was live last
        for (const EarlierRelease& earlier : m_build.earlier) {
            const Release& release = *earlier.record;
            if (was_served(release) && release.hash == m_hash &&
                (same == nullptr || release.live.value_or(release.made) > same->live.value_or(same->made))) {
                same = &release;
            }
        }
        if (same == nullptr) {
            return false;
        }
        if (same->state == State::bad) {
            add(Weight::refuse_unless_forced, say(k_same_as_bad, same->id, clean_line(same->reason)),
                say(k_hint_same));
        } else {
            add(Weight::refuse_unless_forced,
                same->replaced ? say(k_same_as_older_until, same->id, time_of(*same),
                                     format_local(*same->replaced, m_build.zone))
                               : say(k_same_as_older, same->id, time_of(*same)),
                say(k_hint_older, same->id));
        }
        return true;
    }

    void compare_sizes() {
        if (m_build.live.record == nullptr) {
            return;
        }
        const TreeManifest* live = m_build.live.manifest;
        const Bytes before = live != nullptr ? size_of_what_is_used(*live) : m_build.live.record->size;
        const Bytes now = live != nullptr ? size_of_what_is_used(m_build.manifest) : m_build.manifest.size();
        const double least = static_cast<double>(before.count) * m_build.shrink.value / 100;
        if (before >= k_too_small_to_judge && static_cast<double>(now.count) < least) {
            add(Weight::refuse_unless_forced,
                say(k_shrunk, format_size(now), format_size(before), format_amount(m_build.shrink)),
                say(k_hint_shrunk));
        }
    }

    void compare_pages() {
        const std::string title = title_of(m_build.index), before = title_of(m_build.live_index);
        if (title.empty() || before.empty() || to_lower_ascii(title) == to_lower_ascii(before)) {
            return;
        }
        const std::set<std::string> names = own_names(m_build.manifest);
        const std::set<std::string> live =
            m_build.live.manifest != nullptr ? own_names(*m_build.live.manifest) : std::set<std::string>{};
        const std::string root = root_element_of(m_build.index),
                          root_before = root_element_of(m_build.live_index);
        const std::string a = shorten(title, 60), b = shorten(before, 60);
        if (names.size() >= k_enough_names && live.size() >= k_enough_names) {
            std::vector<std::string> common;
            std::set_intersection(names.begin(), names.end(), live.begin(), live.end(),
                                  std::back_inserter(common));
            common.empty() ? add(Weight::refuse_unless_forced, say(k_other_names, a, b), say(k_hint_other))
                           : add(Weight::warn, say(k_title, a, b));
        } else if (root != root_before && !root.empty() && !root_before.empty()) {
            add(Weight::refuse_unless_forced,
                say(k_other_root, a, b, clean_line(root), clean_line(root_before)), say(k_hint_other));
        } else {
            add(Weight::warn, say(k_title, a, b));
        }
    }

    // Not of source maps: they are named after their script, and no browser keeps them for a visitor.
    void compare_hashed_names() {
        std::vector<std::pair<std::string, std::string>> changed; // file, release
        std::vector<EarlierRelease> all = m_build.earlier;
        all.insert(all.begin(), m_build.live);
        for (const TreeEntry& entry : m_build.manifest.entries) {
            if (entry.type != TreeEntry::Type::file || is_map(entry) || !has_content_hash(entry.path)) {
                continue;
            }
            for (const EarlierRelease& earlier : all) {
                const TreeEntry* before =
                    earlier.record != nullptr && earlier.manifest != nullptr && was_served(*earlier.record)
                        ? earlier.manifest->find(entry.path)
                        : nullptr;
                if (before != nullptr && before->type == TreeEntry::Type::file &&
                    before->sha256 != entry.sha256) {
                    changed.emplace_back(clean_line(entry.path), earlier.record->id);
                    break;
                }
            }
        }
        if (changed.empty()) {
            return;
        }
        const auto& [file, release] = changed.front();
        add(Weight::refuse_unless_forced,
            changed.size() == 1 ? say(k_other_bytes, file, release)
                                : say(k_other_bytes_more, changed.size(), file, release),
            say(k_hint_other_bytes));
    }

    const Compared& m_build;
    std::string m_hash;
    std::vector<Flaw> m_flaws;
};

} // namespace

std::vector<Flaw> compare_with_others(const Compared& build) {
    return Comparison(build).flaws();
}

} // namespace lectio::release
