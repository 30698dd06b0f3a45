#include "release/retention.h"

#include <algorithm>

namespace lectio::release {
namespace {

// The first `most` of those that `fits`, in the order of `before`.
template<class Fits, class Before>
void keep_first(const std::vector<Release>& releases, std::size_t most, const Fits& fits,
                const Before& before, std::set<std::string>& kept) {
    std::vector<const Release*> some;
    for (const Release& release : releases) {
        if (fits(release)) {
            some.push_back(&release);
        }
    }
    std::stable_sort(some.begin(), some.end(),
                     [&](const Release* a, const Release* b) { return before(*a, *b); });
    for (std::size_t i = 0; i < some.size() && i < most; ++i) {
        kept.insert(some[i]->id);
    }
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
    keep_first(
        releases, keeping.good, [](const Release& it) { return it.state == State::good; },
        [](const Release& a, const Release& b) { return a.generation > b.generation; }, kept);
    keep_first(
        releases, keeping.evidence,
        [](const Release& it) { return it.state == State::bad || it.state == State::withdrawn; },
        [](const Release& a, const Release& b) { return a.id > b.id; }, kept);
    for (const Release& release : releases) {
        if (release.pinned) {
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
