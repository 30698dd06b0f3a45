// Retention: which backups of one source may go (RELEASES_AND_BACKUPS section 7). Pure.
//
// Only what was proven fills a place of the rule, and whatever the rule says, the three newest of them stay, the newest that
// lies elsewhere too, what is pinned, what is younger than a day, and for a week what was not proven. Nothing goes while something is odd.
#pragma once

#include "backup/record.h"
#include "config/backup.h"
#include "words/phrase.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace lectio::backup {

// The newest proven backup of a source that is to be backed up each `every`: older than two intervals it is told, and removes
// nothing.
[[nodiscard]] constexpr bool is_late(Duration age, Duration every) {
    return age > 2 * every;
}

// Dated later than now, by more than clocks are set by from day to day: whichever of the two was wrong, how old it is nobody
// knows.
[[nodiscard]] constexpr bool is_to_come(WallTime time, WallTime now) {
    return time > now + std::chrono::minutes(1);
}

struct Rule {
    KeepRule keep;
    Duration every = std::chrono::hours(24); // of the source
    bool offsite = false;                    // copies are to lie elsewhere, too
};

// Ids that stay. Dates are UTC, weeks begin on Monday.
std::set<std::string> kept(const std::vector<Backup>& backups, const KeepRule& keep, WallTime now);

struct Sweep {
    std::vector<std::string> ids; // to go now, the oldest first: at most a fifth of all, and two
    std::size_t later = 0;        // that could go as well
    Text frozen;                  // why nothing goes; empty: nothing is odd
    bool awaits_remote = false;   // frozen for want of a copy elsewhere only: that is told on its own
};
// `backups`: all of one source, what lies in the trash left out.
Sweep superfluous(const std::vector<Backup>& backups, const Rule& rule, WallTime now);

} // namespace lectio::backup
