// HMAC with SHA-256 (RFC 2104, FIPS 180-4), by OpenSSL.
#pragma once

#include "util/secret.h"

#include <string>
#include <string_view>

namespace lectio {

// In lower case hexadecimal, 64 characters.
std::string hmac_sha256(const Secret& key, std::string_view text);

} // namespace lectio
