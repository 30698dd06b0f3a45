#include "checks/all_checks.h"

#include <algorithm>
#include <vector>

namespace lectio {

std::span<const CheckType> all_checks() {
    static const std::vector<CheckType> types{
        // In alphabetical order, one row a type: tcp_check_type(),
    };
    return types;
}

const CheckType* find_check_type(std::string_view name) {
    const std::span<const CheckType> types = all_checks();
    const auto found =
        std::find_if(types.begin(), types.end(), [&](const CheckType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

} // namespace lectio
