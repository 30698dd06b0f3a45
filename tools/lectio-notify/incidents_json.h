// Open incidents as --format json prints them.
#pragma once

#include "operator/desk.h"

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::notify {

nlohmann::json json_of(const std::vector<OpenIncident>& incidents, Lang lang);

} // namespace lectio::notify
