#include "platform/build_rules.h"

#include "util/text.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <unicase.h>

namespace lectio {
namespace {

constexpr std::size_t k_shown = 100;
constexpr std::size_t k_longest_name = 255; // NAME_MAX
constexpr std::size_t k_longest_path = 1024;
constexpr int k_most_links = 40; // on one way, as the kernel
constexpr std::size_t k_most_named = 3;

constexpr Phrase k_absolute{"{}: an absolute name; pack with: tar cz -C build .",
                            "{}: имя от корня; упакуйте так: tar cz -C build ."};
constexpr Phrase k_leads_up{"{}: the name leads out of the build (..)", "{}: имя ведёт наружу сборки (..)"};
constexpr Phrase k_no_name{"an entry has no name", "у одной из записей нет имени"};
constexpr Phrase k_not_utf8{"{}: the name is not UTF-8", "{}: имя не в UTF-8"};
constexpr Phrase k_invisible{"{}: the name has control or invisible characters",
                             "{}: в имени управляющие или невидимые символы"};
constexpr Phrase k_too_long{"{}: the name is too long", "{}: слишком длинное имя"};
constexpr Phrase k_too_deep{"{}: more than {} folders deep", "{}: вложенность больше {} папок"};
constexpr Phrase k_odd{"{}: a device, FIFO or socket has no place in a build",
                       "{}: устройству, FIFO или сокету в сборке не место"};
constexpr Phrase k_leads_out{"{}: the link leads out of the build: {}", "{}: ссылка ведёт наружу сборки: {}"};
constexpr Phrase k_round{"{}: the link leads round in a circle: {}", "{}: ссылка ведёт по кругу: {}"};
constexpr Phrase k_alike{"{} and {}: these names differ only in case or in how a letter is composed",
                         "{} и {}: имена отличаются только регистром или составом букв"};
constexpr Phrase k_too_many{"more than {} files and folders", "больше {} файлов и папок"};
constexpr Phrase k_file_too_large{"{}: larger than {}", "{}: больше {}"};
constexpr Phrase k_too_large{"larger than {} in all", "всего больше {}"};
constexpr Phrase k_nothing{"there is nothing in it", "внутри ничего нет"};
constexpr Phrase k_missing{"not as its manifest says: missing {}",
                           "не совпадает с манифестом: не хватает {}"};
constexpr Phrase k_additional{"not as its manifest says: not listed there {}",
                              "не совпадает с манифестом: лишнее {}"};
constexpr Phrase k_different{"not as its manifest says: changed {}",
                             "не совпадает с манифестом: изменено {}"};
constexpr Phrase k_and_more{"{} and {} more", "{} и ещё {}"};

bool changes_when_shown(std::string_view name) {
    return clean(name) != name || name.find_first_of("\n\t") != name.npos;
}

// ── names that are taken for one ────────────────────────────────────────────────────────────────────────────────

struct FreeWords {
    void operator()(std::uint8_t* words) const { std::free(words); }
};

// unicase.h: full case folding and NFC, without a language's own rules.
std::string folded(std::string_view utf8) {
    std::size_t size = 0;
    const std::unique_ptr<std::uint8_t, FreeWords> words(
        u8_casefold(reinterpret_cast<const std::uint8_t*>(utf8.data()), utf8.size(), nullptr, UNINORM_NFC,
                    nullptr, &size));
    return words ? std::string(reinterpret_cast<const char*>(words.get()), size) : std::string(utf8);
}

bool is_plain_lower(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && !(c >= 'A' && c <= 'Z');
    });
}

Text alike_names(const TreeManifest& tree) {
    std::unordered_map<std::string, std::string_view> seen;
    seen.reserve(tree.entries.size());
    for (const TreeEntry& entry : tree.entries) {
        std::string key = is_plain_lower(entry.path) ? entry.path : folded(entry.path);
        const auto [other, is_new] = seen.emplace(std::move(key), entry.path);
        if (!is_new) {
            return say(k_alike, shown_name(other->second), shown_name(entry.path));
        }
    }
    return {};
}

// ── links ───────────────────────────────────────────────────────────────────────────────────────────────────────

enum class Way { inside, out, round };

std::deque<std::string> steps_of(std::string_view path) {
    std::deque<std::string> steps;
    for (const std::string_view step : split(path, '/')) {
        steps.emplace_back(step);
    }
    return steps;
}

// As the kernel would go, but in the tree's words: a link on the way is gone through as well.
Way way_of(const TreeManifest& tree, const TreeEntry& link) {
    std::deque<std::string> steps = steps_of(link.path);
    std::vector<std::string> here;
    for (int links = 0; !steps.empty();) {
        const std::string step = std::move(steps.front());
        steps.pop_front();
        if (step.empty() || step == ".") {
            continue;
        }
        if (step == "..") {
            if (here.empty()) {
                return Way::out;
            }
            here.pop_back();
            continue;
        }
        here.push_back(step);
        const TreeEntry* entry = tree.find(fmt::format("{}", fmt::join(here, "/")));
        if (entry == nullptr || entry->type != TreeEntry::Type::link) {
            continue;
        }
        if (entry->target.starts_with('/')) {
            return Way::out;
        }
        if (++links > k_most_links) {
            return Way::round;
        }
        here.pop_back();
        const std::deque<std::string> more = steps_of(entry->target);
        steps.insert(steps.begin(), more.begin(), more.end());
    }
    return Way::inside;
}

Text why_not_link(const TreeManifest& tree, const TreeEntry& link) {
    switch (way_of(tree, link)) {
    case Way::out:
        return say(k_leads_out, shown_name(link.path), shown_name(link.target));
    case Way::round:
        return say(k_round, shown_name(link.path), shown_name(link.target));
    case Way::inside:
        break;
    }
    return {};
}

Text why_not_entry(const TreeManifest& tree, const TreeEntry& entry, const ReceiveLimits& limits) {
    if (Text wrong = why_not_path(entry.path, limits.depth); !wrong.empty()) {
        return wrong;
    }
    if (entry.type == TreeEntry::Type::other) {
        return say(k_odd, shown_name(entry.path));
    }
    if (entry.size > limits.file) {
        return say(k_file_too_large, shown_name(entry.path), format_size(limits.file));
    }
    return entry.type == TreeEntry::Type::link ? why_not_link(tree, entry) : Text{};
}

// "a, b, c and 7 more".
Text named(const std::vector<std::string>& paths) {
    std::vector<std::string> first;
    for (std::size_t i = 0; i < std::min(paths.size(), k_most_named); ++i) {
        first.push_back(shown_name(paths[i]));
    }
    const std::string names = fmt::format("{}", fmt::join(first, ", "));
    return paths.size() > first.size() ? say(k_and_more, names, paths.size() - first.size())
                                       : verbatim(names);
}

} // namespace

std::string shown_name(std::string_view name) {
    return shorten(clean_line(name), k_shown);
}

Text why_not_path(std::string_view path, std::size_t depth) {
    if (path.empty()) {
        return say(k_no_name);
    }
    if (path.starts_with('/')) {
        return say(k_absolute, shown_name(path));
    }
    if (!is_utf8(path)) {
        return say(k_not_utf8, shown_name(path));
    }
    if (changes_when_shown(path)) {
        return say(k_invisible, shown_name(path));
    }
    const std::vector<std::string_view> names = split(path, '/');
    for (const std::string_view name : names) {
        if (name == "..") {
            return say(k_leads_up, shown_name(path));
        }
        if (name.empty() || name == ".") {
            return say(k_no_name);
        }
        if (name.size() > k_longest_name) {
            return say(k_too_long, shown_name(path));
        }
    }
    if (names.size() > depth) {
        return say(k_too_deep, shown_name(path), depth);
    }
    return path.size() > k_longest_path ? say(k_too_long, shown_name(path)) : Text{};
}

Text why_not_tree(const TreeManifest& tree, const ReceiveLimits& limits) {
    if (tree.entries.empty()) {
        return say(k_nothing);
    }
    if (tree.entries.size() > limits.entries) {
        return say(k_too_many, limits.entries);
    }
    for (const TreeEntry& entry : tree.entries) {
        if (Text wrong = why_not_entry(tree, entry, limits); !wrong.empty()) {
            return wrong;
        }
    }
    if (tree.size() > limits.total) {
        return say(k_too_large, format_size(limits.total));
    }
    return alike_names(tree);
}

Text why_not_as_promised(const TreeManifest& promised, const TreeManifest& tree) {
    const TreeDifference difference = compare(promised, tree);
    if (!difference.removed.empty()) {
        return say(k_missing, named(difference.removed));
    }
    if (!difference.changed.empty()) {
        return say(k_different, named(difference.changed));
    }
    return difference.added.empty() ? Text{} : say(k_additional, named(difference.added));
}

} // namespace lectio
