#include "release/drift.h"

#include <algorithm>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest_reading = 10min;

bool is_carried(const Release& release, const TreeManifest& own, const TreeEntry& entry) {
    return std::any_of(release.carried.begin(), release.carried.end(), [&](const Carried& file) {
        const bool made_for_it = entry.type == TreeEntry::Type::folder && own.find(entry.path) == nullptr &&
                                 file.path.starts_with(entry.path + "/");
        return file.path == entry.path || made_for_it;
    });
}

} // namespace

TreeReading own_of(const Part& part) {
    TreeReading reading;
    reading.leave_out = [&part](std::string_view below) { return part.leaves_out(below); };
    return reading;
}

Result<TreeDifference> changes_by_hand(Shelf& shelf, const Release& release, const TreeReading& own,
                                       Clock& clock) {
    const Result<TreeManifest> kept = shelf.manifest(release.id);
    LECTIO_TRY(kept);
    Result<TreeManifest> there =
        read_tree(shelf.tree(release.id), clock, clock.steady() + k_longest_reading, own);
    LECTIO_TRY(there);
    std::erase_if(there->entries, [&](const TreeEntry& entry) { return is_carried(release, *kept, entry); });
    return compare(*kept, *there);
}

} // namespace lectio::release
