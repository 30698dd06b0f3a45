// ActionType: how an action enters the suite; all_actions.cpp lists them.
//
// An action is one source (with a small header for its settings and the table), its test, one row in
// all_actions.cpp and one line of CMake, just as a check type is (checks/check_type.h).
#pragma once

#include "config/schema.h"
#include "recovery/action.h"

#include <memory>
#include <string_view>
#include <type_traits>

namespace lectio {

struct ActionType {
    std::string_view name; // what `action = "…"` says
    Disruptive disruptive = Disruptive::yes;
    std::string_view help; // one line for docs/configuration.md
    const SchemaBase& (*schema)() = nullptr;
    // `settings` is what schema().make() made and the configuration filled; it is copied.
    std::unique_ptr<Action> (*make)(const void* settings) = nullptr;
};

template<auto SchemaFunction, class ActionClass>
ActionType make_action_type(std::string_view name, Disruptive disruptive, std::string_view help) {
    using Settings = typename std::remove_cvref_t<decltype(SchemaFunction())>::Settings;
    return {name, disruptive, help, []() -> const SchemaBase& { return SchemaFunction(); },
            [](const void* settings) -> std::unique_ptr<Action> {
                return std::make_unique<ActionClass>(*static_cast<const Settings*>(settings));
            }};
}

} // namespace lectio
