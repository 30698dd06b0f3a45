// ToolState: what a checking tool remembers from run to run, and where it is kept.
//
// Home is state/<tool> (store/state_file.h). When that cannot be written (full, read-only), the state goes to
// the run folder beside the markers, and when that refuses too, to a folder of our own in /dev/shm: without any
// memory each run would tell the same again. The newest is loaded; a run that could write home again empties
// the stopgaps. (docs/decisions/0003)
#pragma once

#include "incidents/judge.h"
#include "recovery/limits.h"
#include "store/state_file.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct ToolState {
    JudgeState judge;
    RecoveryState recovery;
    std::optional<Now> finished; // the last whole run: what watches the watcher looks at it
};

std::string to_json(const ToolState& state);
// Tolerant like its parts: what is odd is left out, with a word in `dropped`.
ToolState tool_state_from_json(std::string_view text, std::vector<Text>& dropped);

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

    enum class Saved { home, stopgap, nowhere };
    struct SaveResult {
        Saved where = Saved::home;
        std::optional<Error> problem; // why not at home
    };
    SaveResult save(const ToolState& state);

  private:
    struct Stopgap {
        Path folder;
        StateFile file;
        enum class Parent { ours, anybodys } parent = Parent::ours;
    };
    [[nodiscard]] bool is_safe(const Stopgap& stopgap) const;
    [[nodiscard]] bool make(const Stopgap& stopgap) const;
    bool save_to_a_stopgap(const std::string& text);

    Files& m_files;
    uid_t m_us;
    Path m_home_folder;
    StateFile m_home;
    std::vector<Stopgap> m_stopgaps; // the first that can be written is used
};

} // namespace lectio
