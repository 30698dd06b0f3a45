// restart: a unit is stopped and started again by systemd, after its configuration has passed its test.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType restart_action_type();

} // namespace lectio
