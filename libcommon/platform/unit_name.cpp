#include "platform/unit_name.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

constexpr std::array<std::string_view, 11> k_endings{".service", ".socket", ".timer",     ".target",
                                                     ".path",    ".mount",  ".automount", ".swap",
                                                     ".device",  ".slice",  ".scope"};

} // namespace

std::span<const std::string_view> unit_endings() {
    return k_endings;
}

bool has_unit_ending(std::string_view name) {
    return std::any_of(k_endings.begin(), k_endings.end(), [&](std::string_view ending) {
        return name.size() > ending.size() && name.ends_with(ending);
    });
}

std::string full_unit_name(std::string_view name) {
    return std::string(name) + (has_unit_ending(name) ? "" : ".service");
}

} // namespace lectio
