// ContentHashes: names and what is in them, as a check's memory can keep them: small enough for the state file, and exact
// enough to name what has changed.
#pragma once

#include "platform/tree_manifest.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

using ContentHashes = std::map<std::string, std::string>; // name → 16 hexadecimal digits

// Files and links; folders do not count, nor what is neither. Names are cleaned for one line; `before` stands before each.
ContentHashes content_hashes(const TreeManifest& manifest, const std::string& before = {});
// What a link or a short text stands for.
std::string content_hash(std::string_view content);
// One hash over all.
std::string hash_of_all(const ContentHashes& hashes);

TreeDifference difference(const ContentHashes& before, const ContentHashes& after);

// Texts of at most 4,000 bytes, which the memory of a check takes. A file costs about 40 bytes.
std::vector<std::string> to_pieces(const ContentHashes& hashes);
// What is not as to_pieces() makes it is left out.
ContentHashes from_pieces(const std::vector<std::string>& pieces);

} // namespace lectio
