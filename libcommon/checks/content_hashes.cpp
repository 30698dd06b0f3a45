#include "checks/content_hashes.h"

#include "platform/sha256.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr std::size_t k_digits = 16;
constexpr std::size_t k_longest_piece = 4000; // the state keeps values of 4096 bytes
constexpr std::size_t k_longest_name = 500;   // characters

std::string name_of(const std::string& before, const std::string& path) {
    return shorten(clean_line(before + path), k_longest_name);
}

// The folders that two names have in common, with their last slash: never half a character.
std::size_t common_folders(std::string_view a, std::string_view b) {
    const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const std::size_t slash = a.substr(0, static_cast<std::size_t>(end - a.begin())).rfind('/');
    return slash == std::string_view::npos ? 0 : slash + 1;
}

} // namespace

std::string content_hash(std::string_view content) {
    return sha256(content).substr(0, k_digits);
}

ContentHashes content_hashes(const TreeManifest& manifest, const std::string& before) {
    ContentHashes hashes;
    for (const TreeEntry& entry : manifest.entries) {
        if (entry.type == TreeEntry::Type::file) {
            hashes[name_of(before, entry.path)] = entry.sha256.substr(0, k_digits);
        } else if (entry.type == TreeEntry::Type::link) {
            hashes[name_of(before, entry.path)] = content_hash("link " + entry.target);
        }
    }
    return hashes;
}

std::string hash_of_all(const ContentHashes& hashes) {
    std::string all;
    for (const auto& [name, hash] : hashes) {
        all += fmt::format("{} {}\n", hash, name);
    }
    return content_hash(all);
}

TreeDifference difference(const ContentHashes& before, const ContentHashes& after) {
    TreeDifference difference;
    for (const auto& [name, hash] : before) {
        const auto now = after.find(name);
        if (now == after.end()) {
            difference.removed.push_back(name);
        } else if (now->second != hash) {
            difference.changed.push_back(name);
        }
    }
    for (const auto& [name, hash] : after) {
        if (!before.contains(name)) {
            difference.added.push_back(name);
        }
    }
    return difference;
}

// A line a name, each piece by itself: "SHARED HASH REST", SHARED bytes being those of the name before.
std::vector<std::string> to_pieces(const ContentHashes& hashes) {
    std::vector<std::string> pieces;
    std::string_view before;
    for (const auto& [name, hash] : hashes) {
        const auto line = [&, &name = name, &hash = hash](std::size_t shared) {
            return fmt::format("{} {} {}\n", shared, hash, std::string_view(name).substr(shared));
        };
        std::string next = line(common_folders(before, name));
        if (pieces.empty() || pieces.back().size() + next.size() > k_longest_piece) {
            pieces.emplace_back();
            next = line(0);
        }
        pieces.back() += next;
        before = name;
    }
    return pieces;
}

ContentHashes from_pieces(const std::vector<std::string>& pieces) {
    ContentHashes hashes;
    for (const std::string& piece : pieces) {
        std::string before;
        for (const std::string_view line : split_lines(piece)) {
            const std::size_t first = line.find(' ');
            const std::size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
            if (second == line.npos) {
                continue;
            }
            const auto shared = number_from<std::size_t>(line.substr(0, first));
            if (shared && *shared <= before.size()) {
                before = before.substr(0, *shared) + std::string(line.substr(second + 1));
                hashes[before] = line.substr(first + 1, second - first - 1);
            }
        }
    }
    return hashes;
}

} // namespace lectio
