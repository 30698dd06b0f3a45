// What the manifest of every snapshot begins with, whatever was copied.
#pragma once

#include "platform/clock.h"
#include "platform/durable_file.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

struct ManifestHead {
    WallTime taken;
    Duration took{};
    std::string made_with;
    FileDigest file;
};

// Each type of snapshot has these members under these names.
template<class Snapshot>
ManifestHead head_of(const Snapshot& snapshot) {
    return {snapshot.taken, snapshot.took, snapshot.made_with, snapshot.file};
}
template<class Snapshot>
void take_over(ManifestHead head, Snapshot& snapshot) {
    snapshot.taken = head.taken;
    snapshot.took = head.took;
    snapshot.made_with = std::move(head.made_with);
    snapshot.file = std::move(head.file);
}

// A snapshot that `make` writes to `into`, with its date and how long that took. What failed leaves no file.
template<class Make>
auto timed(Clock& clock, const Path& into, Make make) -> decltype(make()) {
    const SteadyTime begun = clock.steady();
    const WallTime taken = clock.now().wall;
    auto snapshot = make();
    if (!snapshot) {
        [[maybe_unused]] const Result<void> removed = remove_file(into); // why there is none is what counts
        return snapshot;
    }
    snapshot->taken = std::chrono::floor<std::chrono::seconds>(taken);
    snapshot->took = std::chrono::duration_cast<Duration>(clock.steady() - begun);
    return snapshot;
}

// `more` has what this type alone says.
nlohmann::json manifest_of(const ManifestHead& head, std::string_view type, const nlohmann::json& more);
// invalid: `json` does not begin like the manifest of this type. It comes from a disk that others may write to.
Result<ManifestHead> head_from(const nlohmann::json& json, std::string_view type);

} // namespace lectio::backup
