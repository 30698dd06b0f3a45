#include "cli/known_kinds.h"

#include "checks/all_checks.h"
#include "recovery/all_actions.h"

namespace lectio {

Kinds known_kinds() {
    Kinds kinds;
    for (const CheckType& type : all_checks()) {
        kinds.checks.push_back({type.name, type.help, &type.schema()});
    }
    for (const ActionType& type : all_actions()) {
        kinds.actions.push_back({type.name, type.help, &type.schema()});
    }
    return kinds;
}

} // namespace lectio
