// Every check type and action that there is, as the configuration wants them: what is built into any tool is
// read alike by all.
#pragma once

#include "config/config.h"

namespace lectio {

Kinds known_kinds();

} // namespace lectio
