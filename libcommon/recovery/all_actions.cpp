#include "recovery/all_actions.h"

#include "recovery/exec.h"
#include "recovery/fix_permissions.h"
#include "recovery/reload.h"
#include "recovery/restart.h"
#include "recovery/restore_frontend.h"
#include "recovery/rollback.h"
#include "recovery/start.h"

#include <algorithm>
#include <vector>

namespace lectio {

std::span<const ActionType> all_actions() {
    static const std::vector<ActionType> types{
        // In alphabetical order, one row an action.
        exec_action_type(),    fix_permissions_action_type(),  reload_action_type(),
        restart_action_type(), restore_frontend_action_type(), rollback_action_type(),
        start_action_type(),
    };
    return types;
}

const ActionType* find_action_type(std::string_view name) {
    const std::span<const ActionType> types = all_actions();
    const auto found =
        std::find_if(types.begin(), types.end(), [&](const ActionType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

} // namespace lectio
