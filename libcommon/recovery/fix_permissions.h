// fix-permissions: owner and modes of a folder tree become what the configuration says; only what differs is
// touched.
#pragma once

#include "platform/trees.h"
#include "recovery/action_type.h"

namespace lectio {

ActionType fix_permissions_action_type();

// "14 entries, e.g. static/js 000 → 755"; pure.
Text repair_words(const TreeRepair& repair);

} // namespace lectio
