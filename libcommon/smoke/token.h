// What a JSON Web Token says of its own time (RFC 7519, 4.1); the signature is the site's business.
#pragma once

#include "platform/clock.h"

#include <optional>
#include <string_view>

namespace lectio {

struct TokenTimes {
    std::optional<WallTime> issued, expires, not_before;
};
// Nothing where the token is none that can be read: an opaque one is as good.
std::optional<TokenTimes> times_of_token(std::string_view token);

} // namespace lectio
