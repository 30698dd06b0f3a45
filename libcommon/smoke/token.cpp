#include "smoke/token.h"

#include "util/base64.h"
#include "util/json_depth.h"
#include "util/text.h"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr int k_deepest = 20;
constexpr double k_latest = 253402300799; // the end of the year 9999, in seconds

// base64url (RFC 4648, 5).
std::optional<std::string> from_base64url(std::string_view text) {
    std::string plain(text);
    std::replace(plain.begin(), plain.end(), '-', '+');
    std::replace(plain.begin(), plain.end(), '_', '/');
    return from_base64(plain);
}

std::optional<WallTime> time_at(const Json& claims, const char* name) {
    const auto claim = claims.find(name);
    if (claim == claims.end() || !claim->is_number()) {
        return std::nullopt;
    }
    const auto seconds = claim->get<double>();
    if (!(seconds >= 0 && seconds <= k_latest)) {
        return std::nullopt;
    }
    return WallTime(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

} // namespace

std::optional<TokenTimes> times_of_token(std::string_view token) {
    const std::vector<std::string_view> parts = split(token, '.');
    const std::optional<std::string> claims = parts.size() == 3 ? from_base64url(parts[1]) : std::nullopt;
    if (!claims || json_depth(*claims) > k_deepest) {
        return std::nullopt;
    }
    const Json json = Json::parse(*claims, nullptr, false);
    if (!json.is_object()) {
        return std::nullopt;
    }
    return TokenTimes{time_at(json, "iat"), time_at(json, "exp"), time_at(json, "nbf")};
}

} // namespace lectio
