#include "release/retention.h"

#include <algorithm>

namespace lectio::release {
namespace {

// The newest of those that were served, or were about to be, and are not good.
std::vector<std::string> newest_evidence(const std::vector<Release>& releases, std::size_t most) {
    std::vector<std::string> ids;
    for (const Release& release : releases) {
        if (release.state == State::bad || release.state == State::failing ||
            release.state == State::withdrawn) {
            ids.push_back(release.id);
        }
    }
    std::sort(ids.rbegin(), ids.rend()); // ids sort by time
    ids.resize(std::min(ids.size(), most));
    return ids;
}

} // namespace

std::vector<std::string> superfluous(const std::vector<Release>& releases, const std::string& current,
                                     const Keeping& keeping) {
    if (current.empty() || find(releases, current) == nullptr) {
        return {};
    }
    std::set<std::string> kept = keeping.needed;
    kept.insert(current);
    if (const Release* previous = previous_good(releases, current)) {
        kept.insert(previous->id);
    }
    for (const std::vector<std::string>& some :
         {last_good(releases, keeping.good), newest_evidence(releases, keeping.evidence)}) {
        kept.insert(some.begin(), some.end());
    }
    for (const Release& release : releases) {
        if (release.pinned ||
            release.adopted) { // `adopt --undo` gives back what was there at first, however long ago
            kept.insert(release.id);
        }
    }
    std::vector<std::string> gone;
    for (const Release& release : releases) {
        if (!kept.contains(release.id)) {
            gone.push_back(release.id);
        }
    }
    std::sort(gone.begin(), gone.end());
    return gone;
}

} // namespace lectio::release
