// FNV-1a, 64 bits (Fowler, Noll, Vo): for telling contents apart, never against an adversary. Kept in state files.
#pragma once

#include <cstdint>
#include <string_view>

namespace lectio {

constexpr std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return hash;
}

} // namespace lectio
