// ToolState: what a checking tool remembers from run to run, and where it is kept.
//
// Home is state/<tool> (store/state_file.h). When that cannot be written (full, read-only), the state goes to
// the run folder beside the markers, which is memory on most hosts: without any memory each run would tell
// the same again. The newer of the two is loaded; a run that could write home again forgets the stopgap.
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
    // `home` is state/<tool>, `stopgap` run/<tool>-state.
    StateKeeper(Files& files, Path home, Path stopgap, uid_t us);

    struct Loaded {
        ToolState state;
        std::vector<Text> troubles; // for the self check `state`
        bool from_stopgap = false;  // home could not be written by the run before
    };
    Loaded load(WallTime now, StateFile::Access access);

    enum class Saved { home, stopgap, nowhere };
    struct SaveResult {
        Saved where = Saved::home;
        std::optional<Error> problem; // why not at home
    };
    SaveResult save(const ToolState& state);

  private:
    Files& m_files;
    Path m_home_folder, m_stopgap_folder;
    StateFile m_home, m_stopgap;
    bool m_stopgap_exists = false;
};

} // namespace lectio
