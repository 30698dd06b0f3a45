// The process's environment, read only.
#pragma once

#include <optional>
#include <string>

namespace lectio {

std::optional<std::string> environment_variable(const std::string& name);

} // namespace lectio
