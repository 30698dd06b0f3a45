// exec: a program of the operator, with its own user and time limit; exit status 0 is success.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType exec_action_type();

} // namespace lectio
