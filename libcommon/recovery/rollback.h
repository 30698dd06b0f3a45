// rollback: the last good release is served again, through the journal of lectio-deploy.
#pragma once

#include "recovery/action_type.h"

namespace lectio {

ActionType rollback_action_type();

} // namespace lectio
