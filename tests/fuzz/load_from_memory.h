// load_config() over files that are in memory, as every tool calls it. Nothing else of the host is looked at.
#pragma once

#include "config/load.h"
#include "memory_files.h"

namespace lectio::fuzz {

// request.kinds are put in: all that there are.
LoadedConfig load_from_memory(MemoryFiles& files, ConfigRequest request);

} // namespace lectio::fuzz
