// From the configuration to what delivers: one explicit table of channel types. A new type is one file, one
// row here and one line of CMake.
#pragma once

#include "alerts/delivery.h"
#include "alerts/telegram.h"
#include "config/config.h"

#include <memory>
#include <string>
#include <vector>

namespace lectio {

// The channels that can be used; those that refer to variables that are not set are left out (the
// configuration says so itself).
std::vector<std::unique_ptr<Channel>> make_channels(const Config& config);
TelegramSettings telegram_settings(const std::string& name, const TelegramChannel& channel);
DeliverySettings delivery_settings(const Config& config);
std::vector<AlertRoute> routes_of(const Config& config);

} // namespace lectio
