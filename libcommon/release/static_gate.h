// The gate before the swap: a build is judged by its content, while nobody meets it.
//
// Pure over what it is given: no clock, no network. What each rule rests on: docs/decisions/0024-gates-of-a-release.md.
#pragma once

#include "config/deploy.h"
#include "platform/tree_manifest.h"
#include "release/flaw.h"
#include "release/record.h"
#include "util/result.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lectio::release {

// A tree of files, none of which is carried from another release.
struct BuildTree {
    const TreeManifest& manifest;
    // Of a file of the manifest; too_large beyond `limit`.
    std::function<Result<std::string>(const std::string& path, Bytes limit)> read;
};

// A release that visitors have got, or get. `manifest`: what it came with; nullptr: not known any more.
struct EarlierRelease {
    const Release* record = nullptr;
    const TreeManifest* manifest = nullptr;
};

struct BuildToJudge {
    BuildTree build;
    std::string site; // where it is served (checks/whole_build.h)
    const FrontendDeploy& rules;
    Amount shrink{Amount::Unit::percent, 50};
    EarlierRelease live{};                 // without a record: there is none
    std::optional<BuildTree> served{};     // the tree of `live`
    std::vector<EarlierRelease> earlier{}; // all others
    std::string zone{};                    // of times in words; empty: the host's
};

// Everything at once, the worst first; at most k_most_flaws, and how many more there are. Empty: nothing is wrong.
std::vector<Flaw> judge_build(const BuildToJudge& build);
constexpr std::size_t k_most_flaws = 20;

} // namespace lectio::release
