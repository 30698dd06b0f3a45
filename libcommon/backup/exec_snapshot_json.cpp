// What a manifest says of what a program has written: who only reads manifests runs none.
#include "backup/exec_snapshot.h"
#include "backup/manifest.h"
#include "util/json_members.h"

#include <nlohmann/json.hpp>

namespace lectio::backup {

nlohmann::json json_of(const ExecSnapshot& snapshot) {
    return manifest_of(head_of(snapshot), "exec", {{"extension", snapshot.extension}});
}

Result<ExecSnapshot> exec_snapshot_from(const nlohmann::json& json) {
    const Result<ManifestHead> head = head_from(json, "exec");
    LECTIO_TRY(head);
    ExecSnapshot snapshot;
    take_over(*head, snapshot);
    snapshot.extension = text_of(json, "extension");
    if (!is_extension(snapshot.extension)) {
        return Error{ErrorKind::invalid, "this is no manifest of what a program has written"};
    }
    return snapshot;
}

} // namespace lectio::backup
