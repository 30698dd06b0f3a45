// ToolState: what a checking tool remembers from run to run, and where it is kept.
//
// Home is state/<tool>; what becomes of it when that cannot be written says store/kept_state.h.
#pragma once

#include "alerts/outbox.h"
#include "incidents/judge.h"
#include "incidents/key_events.h"
#include "incidents/unit_falls.h"
#include "pipeline/kept_looks.h"
#include "recovery/limits.h"
#include "store/kept_state.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

// What became of the record of the last run in the history (store/history.h), for the next one to tell.
struct HistoryMemory {
    int lost = 0;   // runs in a row that were not recorded
    Text lost_why;  // and why the last was not
    Text set_aside; // what was found unusable by the last run
    bool operator==(const HistoryMemory&) const = default;
};

struct ToolState {
    JudgeState judge;
    RecoveryState recovery;
    // News that `judge` counts as told and that may not be in the outbox yet: written with it in one go, so that a
    // run may die anywhere (docs/decisions/0014). The oldest first, at most k_most_pending of them are kept.
    std::vector<Outgoing> pending;
    static constexpr std::size_t k_most_pending = 100;
    std::optional<Now> finished; // the last whole run: what watches the watcher looks at it
    HistoryMemory history{};
    std::vector<KeptLook> looks{}; // at checks that are not asked in every run
    // Of lectio-health, what it has taken over from state/events:
    std::vector<FallenUnit> units{};    // what fell is watched until it is well
    std::vector<KnownKey> keys{};       // what scripts have told under a key
    std::vector<std::string> counted{}; // files of `keys` that are counted, and not known to be removed
};

std::string to_json(const ToolState& state);
// Tolerant like its parts: what is odd is left out, with a word in `dropped`.
ToolState tool_state_from_json(std::string_view text, std::vector<Text>& dropped);
// `rows`: the checks that are missing in `json` (store/state_file.h).
ToolState tool_state_of(const nlohmann::json& json, std::vector<Text>& dropped,
                        const JsonRows* rows = nullptr);

class StateKeeper {
  public:
    // `home` is state/<tool>, `run` is run/<tool>-state, `memory` a folder open to every user: /dev/shm.
    StateKeeper(Files& files, const Path& home, const Path& run, const Path& memory, uid_t us);

    struct Loaded {
        ToolState state;
        std::vector<Text> troubles; // for the self check `state`
        Path stopgap; // where it was when home could not be written by the run before; else empty
    };
    Loaded load(WallTime now, StateFile::Access access);

    using Saved = KeptState::Saved;
    using SaveResult = KeptState::SaveResult;
    SaveResult save(const ToolState& state);

  private:
    KeptState m_kept;
};

} // namespace lectio
