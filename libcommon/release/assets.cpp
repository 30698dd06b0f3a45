#include "release/assets.h"

#include "util/number.h"

#include <algorithm>
#include <array>
#include <set>

namespace lectio::release {
namespace {

constexpr std::size_t k_shortest_hash = 8;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_small(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}

// "20261122": a day, which people put into names.
bool looks_like_a_day(std::string_view part) {
    const auto month = number_from<int>(part.substr(4, 2)), day = number_from<int>(part.substr(6, 2));
    return part.size() == 8 && (part.starts_with("19") || part.starts_with("20")) && month && day &&
           *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31;
}

// As long as bundlers cut their hashes: one in forty of eight hexadecimal digits has no letter at all.
bool is_cut_hash(std::string_view part) {
    constexpr std::array<std::size_t, 6> k_lengths{8, 16, 20, 32, 40, 64};
    return std::find(k_lengths.begin(), k_lengths.end(), part.size()) != k_lengths.end() &&
           part.find_first_not_of("0123456789abcdef") == std::string_view::npos && !looks_like_a_day(part);
}

// Letters of both cases or letters and digits, mixed: no word of a language, no version.
bool is_mixed(std::string_view part) {
    const auto has = [&](bool (*is)(char)) { return std::any_of(part.begin(), part.end(), is); };
    const bool whole = std::all_of(part.begin(), part.end(), [](char c) {
        return is_digit(c) || is_small(c) || is_capital(c) || c == '_' || c == '-';
    });
    const bool digits = has(is_digit), small = has(is_small), capitals = has(is_capital);
    const bool starts_like_a_name =
        is_capital(part.front()) && std::none_of(part.begin() + 1, part.end(), is_capital);
    return whole && ((digits && (small || capitals)) || (small && capitals && !starts_like_a_name));
}

bool looks_like_a_hash(std::string_view part) {
    return part.size() >= k_shortest_hash && (is_mixed(part) || is_cut_hash(part));
}

} // namespace

bool has_content_hash(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) {
        return false;
    }
    if (name.ends_with(".map")) {
        name.remove_suffix(4);
        dot = name.rfind('.');
    }
    name = name.substr(0, dot == std::string_view::npos ? 0 : dot);
    if (name.ends_with(".chunk")) {
        name.remove_suffix(6);
    }
    const std::size_t before = name.find_last_of(".-");
    const std::string_view part =
        before == std::string_view::npos ? std::string_view{} : name.substr(before + 1);
    // A dash may be part of a hash (base64url, eight letters of it).
    const bool has_eight = name.size() > k_shortest_hash && (name[name.size() - k_shortest_hash - 1] == '-' ||
                                                             name[name.size() - k_shortest_hash - 1] == '.');
    return looks_like_a_hash(part) ||
           (has_eight && looks_like_a_hash(name.substr(name.size() - k_shortest_hash)));
}

std::vector<Carried> carried_on(const Release& replaced, const TreeManifest& own_of_replaced,
                                const TreeManifest& next, const std::vector<Release>& releases,
                                std::size_t keep, Duration keep_for, WallTime now) {
    std::vector<Carried> carried;
    std::set<std::string> seen;
    const auto add = [&](Carried file) {
        if (next.find(file.path) == nullptr && seen.insert(file.path).second) {
            carried.push_back(std::move(file));
        }
    };
    for (const TreeEntry& entry : own_of_replaced.entries) {
        if (entry.type == TreeEntry::Type::file && has_content_hash(entry.path)) {
            add({entry.path, replaced.id, now + keep_for});
        }
    }
    const std::vector<std::string> last = last_good(releases, keep);
    for (const Carried& file : replaced.carried) {
        if (now < file.until || std::find(last.begin(), last.end(), file.from) != last.end()) {
            add(file);
        }
    }
    return carried;
}

} // namespace lectio::release
