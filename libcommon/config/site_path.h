// Folders that root may change as a whole because the configuration says so, and those that only a mistake can mean.
#pragma once

#include "platform/files.h"

namespace lectio {

// Pure, by the path alone: false for folders of the system (hier(7)), for the homes of persons and services as such,
// for what holds keys, and for what is one step from the root.
bool lies_where_sites_do(const Path& path);
// Pure, too: whether files in this folder may be removed by their age and name. Logs of the system and /tmp are; a home is
// not, nor what is one step from the root, but folders further down are.
bool may_be_cleaned(const Path& folder);

} // namespace lectio
