// EarlierDatabase: going back to a release whose tables are no more takes the database back with it. Which of the snapshots
// that deploys have taken before their migrations is the one that it ran with, and loses least, stands in their journals.
#pragma once

#include "platform/clock.h"
#include "release/record.h"
#include "release/shelf.h"
#include "util/units.h"
#include "words/phrase.h"

#include <set>
#include <string>
#include <vector>

namespace lectio::release {

struct EarlierDatabase {
    std::string id;                // of the deploy that took it
    std::string schema;            // that it has
    std::string place;             // of the database
    WallTime taken;                // what was written after that is not in it
    std::vector<std::string> done; // since then, by other deploys, too: "app.0002_more"
};

// What was done to the database since `target` was served last.
struct SinceServed {
    // Something that does more than add was applied, and stayed: its code may not run with what it has left, even where the
    // tables look the same.
    bool is_beyond_adding = false;
    std::vector<EarlierDatabase> all; // with which it runs, the newest first; their snapshots may be gone
};

// `journals`: the oldest first.
SinceServed since_served(const std::vector<Shelf::Past>& journals, const Release& target);

// Journals without which since_served() would say something else of one of these releases.
std::set<std::string> telling_of(const std::vector<Shelf::Past>& journals,
                                 const std::vector<Release>& releases);

// Why the code of `target` would not go back alone to a database with this schema; empty: it would.
Text against_code_alone(const SinceServed& since, const Release& target, const std::string& schema);

// Rounded up so that a person can type it and still has time to: "20m", "3h".
std::string as_accepted(Duration loss);

} // namespace lectio::release
