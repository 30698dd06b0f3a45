// What a tool that runs by night has done, told under a key: once until it is over (operator/under_key.h).
#pragma once

#include "alerts/message.h"
#include "cli/tool_session.h"

#include <string>

namespace lectio {

// `level` Level::resolved: it has ended well, which is told if the trouble before was. Stored, and sent if that is done
// within `limit`; else by the flusher of each minute (CONTRACT 21). What stands in the way is said aside. Nothing is told
// with --no-notify or without a channel.
void tell_under_key(ToolSession& session, const std::string& key, Level level, const Text& title,
                    const Text& text, Duration limit);

} // namespace lectio
