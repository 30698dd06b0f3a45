// Files with a hash in their name outlive their release: a page that is still open asks for them (RELEASES_AND_BACKUPS
// section 5). They are hard-linked into the release that replaces theirs. Pure.
#pragma once

#include "platform/tree_manifest.h"
#include "release/record.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

// "main.1a2b3c4d.js", "index-DiwrgTda.css": the name changes whenever the content does. The last part before the ending
// (and before ".chunk") has at least eight letters or digits and does not look like a word.
bool has_content_hash(std::string_view path);

// What the next release carries on: of the one that is replaced its own hashed files, for `keep_for` from now on, and what it
// carries itself while it is wanted (Carried::until) or its release is one of the last `keep` good ones. What the next one
// has itself is not among them.
std::vector<Carried> carried_on(const Release& replaced, const TreeManifest& own_of_replaced,
                                const TreeManifest& next, const std::vector<Release>& releases,
                                std::size_t keep, Duration keep_for, WallTime now);

} // namespace lectio::release
