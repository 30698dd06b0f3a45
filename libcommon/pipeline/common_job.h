// What every checking tool takes from the configuration alike.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"

#include <string>
#include <string_view>

namespace lectio {

// Everything but what is checked and mended, and the notices of add_configuration_notices(). `short_name`: "health".
Job common_job(const LoadedConfig& loaded, World& world, std::string_view short_name);
// What is wrong with the configuration becomes notices of the self check `config`.
void add_configuration_notices(Job& job, const LoadedConfig& loaded);
SelfNotice config_notice(std::string cause, Text message, Text hint);

} // namespace lectio
