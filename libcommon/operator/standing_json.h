// Open incidents, and how things stand with telling, as --format json prints them (CONTRACT 26).
#pragma once

#include "operator/desk.h"

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

nlohmann::json json_of(const std::vector<OpenIncident>& incidents, Lang lang);
nlohmann::json json_of(const Standing& standing, Lang lang);

} // namespace lectio
