// What a fuzzer holds true of every input. Not assert(): it holds in every build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace lectio::fuzz {

inline void require(bool holds, const char* property) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %s\n", property);
        std::abort();
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// An input that stands for several things said one after the other: "FIRST\n====\nSECOND".
inline std::vector<std::string_view> parts_of(std::string_view text) {
    constexpr std::string_view k_between = "\n====\n";
    std::vector<std::string_view> parts;
    for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + k_between.size())) {
        end = text.find(k_between);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            break;
        }
    }
    return parts;
}

} // namespace lectio::fuzz
