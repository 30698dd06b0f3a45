// A text that is a number and nothing else.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace lectio {

// "42", "-1", "0.5", as far as T can hold it. Nothing where anything else stands in it: a blank, a "+", a unit.
template<class T>
std::optional<T> number_from(std::string_view text) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// The same in another base than ten; T is an integer.
template<class T>
std::optional<T> number_from(std::string_view text, int base) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

} // namespace lectio
