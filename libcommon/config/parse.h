// TOML text into a tree of Nodes with the position of every key and value. toml++ is behind parse.cpp.
#pragma once

#include "config/node.h"
#include "util/units.h"

#include <optional>
#include <string_view>

namespace lectio {

// A configuration is written by hand: what is larger is not one.
inline constexpr Bytes k_config_size = 1_MB;

// With a byte order mark or without, lines ended by \n or \r\n. A syntax error is the only problem reported
// (CONTRACT 3), and there is no tree then.
std::optional<Node> parse_toml(std::string_view text, Problems& problems);

} // namespace lectio
