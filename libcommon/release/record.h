// Release: what is known of one release, kept as ID.json beside its folder ID (RELEASES_AND_BACKUPS section 4).
//
// Which one is served is never read from here but from the link itself; what came before it, and what may be gone back
// to, is read from here and never from times of files.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"
#include "util/units.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

enum class Kind {
    frontend, // files that a web server gives out
    backend,  // code that units run
};
std::string_view to_string(Kind kind);

enum class State {
    staged, // sealed and whole, never served
    good,   // has passed its gate
    bad,    // was served and has failed its gate
    failing, // the same, and it stays: its migrations cannot be undone without losing what visitors have written
    withdrawn, // was good until somebody went back from it
};
std::string_view to_string(State state);

// A file of an earlier release that is served on for pages that are still open.
struct Carried {
    std::string path; // below the release
    std::string from; // the release it came with
    WallTime until;   // wanted at least until then
    bool operator==(const Carried&) const = default;
};

struct Release {
    std::string id;
    Kind kind = Kind::frontend;
    State state = State::staged;
    // Counts admissions: the good one with the highest is the last that was served. 0: never.
    std::int64_t generation = 0;
    WallTime made;
    std::optional<WallTime> live, replaced; // since when it was served last, and until when
    std::string by;                         // who brought it
    std::string source;                     // a folder or archive; "" where it was found in place (adopted)
    std::string hash;                       // of what came, without what is carried
    std::uint64_t files = 0;
    Bytes size;
    std::string commit;       // of a backend out of git: 40 hexadecimal digits
    std::string dependencies; // of a backend: a hash of what its virtual environment was made of; "" unknown
    // Of a backend: what the database's tables were, as hashes, whenever it ran with them or is known to do so, the newest
    // last; empty: nobody has looked.
    std::vector<std::string> schemas{};
    std::string reason;   // of a bad or failing one: why, in the operator's language
    bool pinned = false;  // stays whatever retention says: it holds what somebody has changed by hand
    bool adopted = false; // it was there before the first deploy
    std::vector<Carried> carried{};
    bool operator==(const Release&) const = default;
};

// "fe-20261122T164501Z-1fk3", of a backend "be-…": sorts by time, to the millisecond; unique by ten bits of `random`.
std::string make_id(Kind kind, WallTime time, std::uint64_t random);
// The same, with bits that the kernel gives.
std::string fresh_id(Kind kind, WallTime time);
// What make_id() makes; anything else never becomes part of a path.
bool is_id(std::string_view text);
// Of an id.
Kind kind_of_id(std::string_view id);

std::string to_json(const Release& release);
// invalid: not such an object, or with an id that is none. `text` comes from a disk that others may write to.
Result<Release> release_from_json(std::string_view text);

// It is known to run with a database that has this schema, from now on.
void learn_schema(Release& release, const std::string& schema);
bool is_known_to_fit(const Release& release, const std::string& schema);

// The good one that was served before `current`; nullptr: none. `current` may be an id that nobody has.
const Release* previous_good(const std::vector<Release>& releases, std::string_view current);
const Release* find(const std::vector<Release>& releases, std::string_view id);
// Of the next one that is admitted.
std::int64_t next_generation(const std::vector<Release>& releases);
// Ids of the good ones that were served last, at most `most`, the last first.
std::vector<std::string> last_good(const std::vector<Release>& releases, std::size_t most);

} // namespace lectio::release
