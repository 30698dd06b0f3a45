// Damaged files are renamed and kept for whoever wants to see what happened, the newest few of them.
#pragma once

#include "platform/files.h"

#include <string>
#include <string_view>

namespace lectio {

// "state.damaged-20260122T100000Z.json": sorts by time and is a file name everywhere. `ending` from its dot or dash.
std::string name_aside(std::string_view stem, std::string_view label, WallTime now, std::string_view ending);
// Removes from `folder` what name_aside() has named so, all but the newest `kept`. What cannot be removed stays.
void keep_newest_aside(Files& files, const Path& folder, std::string_view stem, std::string_view label,
                       std::size_t kept);

} // namespace lectio
