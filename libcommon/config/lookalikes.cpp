#include "config/lookalikes.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

struct Likeness {
    std::string_view cyrillic;
    char latin;
};
constexpr auto k_likenesses = std::to_array<Likeness>(
    {{"а", 'a'}, {"с", 'c'}, {"ԁ", 'd'}, {"е", 'e'}, {"һ", 'h'}, {"і", 'i'}, {"ј", 'j'},
     {"к", 'k'}, {"м", 'm'}, {"о", 'o'}, {"р", 'p'}, {"ѕ", 's'}, {"т", 't'}, {"у", 'y'},
     {"х", 'x'}, {"А", 'A'}, {"В", 'B'}, {"С", 'C'}, {"Е", 'E'}, {"Н", 'H'}, {"К", 'K'},
     {"М", 'M'}, {"О", 'O'}, {"Р", 'P'}, {"Т", 'T'}, {"Х", 'X'}});

} // namespace

std::string as_latin(std::string_view text) {
    const std::string_view whole = text;
    std::string latin;
    while (!text.empty()) {
        const auto* found = std::find_if(k_likenesses.begin(), k_likenesses.end(), [&](const Likeness& each) {
            return text.starts_with(each.cyrillic);
        });
        latin += found != k_likenesses.end() ? found->latin : text.front();
        text.remove_prefix(found != k_likenesses.end() ? found->cyrillic.size() : 1);
    }
    const bool all_latin =
        std::all_of(latin.begin(), latin.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const bool some_latin = std::any_of(
        whole.begin(), whole.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
    return all_latin && some_latin ? latin : std::string(whole);
}

} // namespace lectio
