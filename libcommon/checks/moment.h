// A moment in a check's memory: what a check keeps to know in a later run how long ago something was.
#pragma once

#include "platform/clock.h"

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// "WALL/BOOT/BOOT-ID", milliseconds; no blank in it.
std::string moment_to_text(const Now& moment);
std::optional<Now> moment_from_text(std::string_view text);

} // namespace lectio
