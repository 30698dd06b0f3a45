#include "incidents/ids.h"

#include "util/fnv1a.h"

namespace lectio {

std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = fnv1a(text);
    // The finaliser of splitmix64: FNV-1a alone leaves the low bits of short texts too regular.
    hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EBULL;
    return hash ^ (hash >> 31U);
}

std::string base32_id(std::uint64_t bits) {
    constexpr std::string_view k_alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    std::string id;
    for (int i = 0; i < 6; ++i) {
        id += k_alphabet[bits & 31U];
        bits >>= 5U;
    }
    return id;
}

} // namespace lectio
