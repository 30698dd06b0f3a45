// The one table of all actions of the recovery ladder; what is not here does not exist.
#pragma once

#include "recovery/action_type.h"

#include <span>
#include <string_view>

namespace lectio {

std::span<const ActionType> all_actions();
const ActionType* find_action_type(std::string_view name); // nullptr: no such action

} // namespace lectio
