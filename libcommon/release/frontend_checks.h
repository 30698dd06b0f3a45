// Health's checks of type frontend that look at one build: what they say of the site holds for its releases, too.
#pragma once

#include "checks/frontend.h"
#include "config/config.h"

#include <filesystem>
#include <vector>

namespace lectio::release {

struct FrontendCheck {
    const CheckSettings* check;
    const FrontendSettings* settings;
};

// Those whose root is this folder, switched off or not, in the order of the file; they live as long as `config`.
std::vector<FrontendCheck> frontend_checks_of(const Config& config, const std::filesystem::path& root);

} // namespace lectio::release
