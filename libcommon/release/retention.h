// Retention: which releases may go. Pure; nothing here ever names the served one, the one to go back to, one that a process
// works in, the folder that was taken over, or one that a journal still speaks of (DESIGN rule 7).
#pragma once

#include "release/record.h"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace lectio::release {

struct Keeping {
    std::size_t good = 5;     // the last so many good ones, the served one among them
    std::size_t evidence = 2; // bad ones, the newest
    std::set<std::string>
        needed{}; // by whoever knows better: in use, named by an unfinished journal, changed by hand
};

// Ids, the oldest first. `current`: what the link says; empty where nothing is served or it is not known: then nothing goes.
std::vector<std::string> superfluous(const std::vector<Release>& releases, const std::string& current,
                                     const Keeping& keeping);

} // namespace lectio::release
