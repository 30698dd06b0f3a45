// Ids that follow from what they name, so that a run that is done again gives the same ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lectio {

// 64 bits, stable for good (FNV-1a, then mixed so that every bit depends on every byte).
std::uint64_t stable_hash(std::string_view text);
// Six letters of base32 (RFC 4648, in lower case), from the lowest 30 bits.
std::string base32_id(std::uint64_t bits);

} // namespace lectio
