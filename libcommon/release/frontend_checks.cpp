#include "release/frontend_checks.h"

namespace lectio::release {
namespace {

// "/srv/site/build" and "/srv/site/build/" are one.
bool same_folder(const std::filesystem::path& one, const std::filesystem::path& other) {
    const auto plain = [](const std::filesystem::path& path) {
        const std::filesystem::path normal = path.lexically_normal();
        return normal.has_filename() ? normal : normal.parent_path();
    };
    return plain(one) == plain(other);
}

} // namespace

std::vector<FrontendCheck> frontend_checks_of(const Config& config, const std::filesystem::path& root) {
    std::vector<FrontendCheck> found;
    for (const CheckSettings& check : config.health.checks) {
        if (check.type != "frontend" || check.settings == nullptr) {
            continue;
        }
        const auto* settings = static_cast<const FrontendSettings*>(check.settings.get());
        if (same_folder(settings->root, root)) {
            found.push_back({&check, settings});
        }
    }
    return found;
}

} // namespace lectio::release
