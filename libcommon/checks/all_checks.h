// The one table of all check types: a check type that is not here does not exist (a self-registering object
// in a static library is silently dropped by the linker).
#pragma once

#include "checks/check_type.h"

#include <span>
#include <string_view>

namespace lectio {

std::span<const CheckType> all_checks();
const CheckType* find_check_type(std::string_view name); // nullptr: no such type

} // namespace lectio
