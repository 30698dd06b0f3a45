// reload: a running unit reads its configuration again, after that has passed its test.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType reload_action_type();

} // namespace lectio
