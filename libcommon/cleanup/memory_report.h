// When memory is short: how short, who has it, and whom the kernel has killed: [cleanup] memory_report.
#pragma once

#include "platform/world.h"
#include "util/units.h"
#include "words/phrase.h"

#include <optional>

namespace lectio::cleanup {

// Nothing: there is as much as `least`, or nobody can say.
std::optional<Text> memory_report(Bytes least, World& world);

} // namespace lectio::cleanup
