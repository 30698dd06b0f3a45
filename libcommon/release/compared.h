// A whole build beside those that were live before it: nothing new, something old, another application's, or names that
// promise a content they no longer have.
#pragma once

#include "release/static_gate.h"

#include <string>
#include <vector>

namespace lectio::release {

struct Compared {
    const TreeManifest& manifest;
    std::string index;      // its index.html
    std::string live_index; // of what is served; empty: not known
    const EarlierRelease& live;
    const std::vector<EarlierRelease>& earlier;
    Amount shrink;
    std::string zone;
};

std::vector<Flaw> compare_with_others(const Compared& build);

} // namespace lectio::release
