// restore-frontend: the newest whole copy of a frontend's build takes the place of one that is not whole.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType restore_frontend_action_type();

} // namespace lectio
