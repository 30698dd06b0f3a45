#include "checks/moment.h"

#include "util/number.h"
#include "util/text.h"

#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

std::optional<Duration> milliseconds(std::string_view text) {
    const auto count = number_from<Duration::rep>(text);
    return count ? std::optional(Duration(*count)) : std::nullopt;
}

} // namespace

std::string moment_to_text(const Now& moment) {
    return fmt::format("{}/{}/{}", moment.wall.time_since_epoch().count(), moment.boot.count(),
                       moment.boot_id);
}

std::optional<Now> moment_from_text(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, '/');
    if (parts.size() != 3) {
        return std::nullopt;
    }
    const std::optional<Duration> wall = milliseconds(parts[0]);
    const std::optional<Duration> boot = milliseconds(parts[1]);
    return wall && boot ? std::optional(Now{WallTime(*wall), *boot, std::string(parts[2])}) : std::nullopt;
}

} // namespace lectio
