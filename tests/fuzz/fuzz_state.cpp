// The state file of a tool: whatever lies there, the tool begins, and what it has understood of it is what it saves.
#include "memory_files.h"
#include "pipeline/tool_state.h"
#include "property.h"

using namespace lectio;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Path home("/state/health");
    fuzz::MemoryFiles files;
    files.content[home / "state.json"] = fuzz::text_of(data, size);
    const WallTime now(Duration(1'769'000'000'000));
    StateKeeper keeper(files, home, "/run/state", "/dev/shm", 0);
    const ToolState state = keeper.load(now, StateFile::Access::owner).state;
    const std::string once = to_json(state);
    require(keeper.save(state).where == StateKeeper::Saved::home, "what was loaded can be saved");
    const StateKeeper::Loaded again = keeper.load(now, StateFile::Access::owner);
    require(again.troubles.empty(), "what was saved is understood");
    require(to_json(again.state) == once, "what was saved is what is loaded");
    return 0;
}
