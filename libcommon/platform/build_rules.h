// What a build may consist of, wherever it comes from: names that mean the same to everybody, and links that stay inside.
//
// Each rule gives one line for the operator that names the entry; an empty Text means that nothing is wrong.
#pragma once

#include "platform/received.h"
#include "platform/tree_manifest.h"
#include "words/phrase.h"

#include <string>
#include <string_view>

namespace lectio {

// The first entry of an archive that pack() makes; no part of the build.
constexpr std::string_view k_manifest_name = ".lectio-manifest";

// A name from outside in a message: cleaned and shortened.
std::string shown_name(std::string_view name);

// `path` below the build's folder. Names are UTF-8 without control, invisible or direction-changing characters, of at
// most 255 bytes, without "..", and not deeper than `depth`.
Text why_not_path(std::string_view path, std::size_t depth);

// A whole tree: each path, the limits of size and number, no devices, FIFOs or sockets; links only to what is below the
// build's folder, through any chain of links (a link to nothing stays one); no two names in a folder that some systems
// would take for one: they differ in case alone or in how a letter is composed (Unicode's canonical equivalence).
Text why_not_tree(const TreeManifest& tree, const ReceiveLimits& limits);

// What differs from the manifest that came with it: missing, additional, changed, with the first few names.
Text why_not_as_promised(const TreeManifest& promised, const TreeManifest& tree);

} // namespace lectio
