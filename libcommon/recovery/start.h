// start: a unit that is not running is started; one that is running is left alone.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType start_action_type();

} // namespace lectio
