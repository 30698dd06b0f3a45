// What the operator reads, in Russian and English.
//
// A Phrase stands beside the code that uses it and always has both languages: its constructor runs at compile
// time and refuses an empty language or placeholders that differ, so a missing translation does not build.
// (tests/policy prints the whole catalogue into docs/messages.md for proof-reading.)
//
//     constexpr Phrase k_wrong_status{"HTTP {}, expected {}", "HTTP {}, ожидался {}"};
//     Text text = say(k_wrong_status, 403, "200");
//
// A Text holds both languages; which one is read is decided where it is shown. Placeholders are {} in order
// or {0} {1} when the languages need another order (never mixed). Numbers with nouns go through counted().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

namespace lectio {

enum class Lang { ru, en };

struct Text {
    std::string en;
    std::string ru;
    [[nodiscard]] const std::string& in(Lang lang) const { return lang == Lang::ru ? ru : en; }
    [[nodiscard]] bool empty() const { return en.empty() && ru.empty(); }
    bool operator==(const Text&) const = default;
};

// Text from outside (an error message, a name, a log line): the same in both languages.
Text verbatim(std::string_view text);
// Several texts one after the other.
Text join(std::string_view separator, std::initializer_list<Text> parts);

class Phrase {
  public:
    consteval Phrase(const char* english, const char* russian) : m_en(english), m_ru(russian) {
        if (m_en.empty() || m_ru.empty()) {
            throw "a phrase needs both languages";
        }
        if (placeholders(m_en) != placeholders(m_ru)) {
            throw "the languages of a phrase have different placeholders";
        }
    }
    [[nodiscard]] constexpr std::string_view in(Lang lang) const { return lang == Lang::ru ? m_ru : m_en; }

  private:
    // A bit for each {N}; {} counts up. Two languages agree when the sets are the same.
    static consteval std::uint64_t placeholders(std::string_view text) {
        std::uint64_t seen = 0;
        unsigned next = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '{') {
                ++i;
            } else if (text[i] == '{') {
                unsigned index = 0;
                bool digits = false;
                for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
                    index = index * 10 + static_cast<unsigned>(text[i] - '0');
                    digits = true;
                }
                seen |= std::uint64_t{1} << (digits ? index : next++);
            }
        }
        return seen;
    }

    std::string_view m_en;
    std::string_view m_ru;
};

namespace detail {
template<Lang L, class T>
decltype(auto) pick(const T& argument) {
    if constexpr (std::is_same_v<T, Text>) {
        return argument.in(L);
    } else {
        return (argument);
    }
}
std::string format_phrase(std::string_view format, fmt::format_args arguments);
} // namespace detail

// The phrase with its arguments, in both languages. An argument may be a Text itself.
template<class... Args>
Text say(const Phrase& phrase, const Args&... args) {
    return Text{
        detail::format_phrase(phrase.in(Lang::en), fmt::make_format_args(detail::pick<Lang::en>(args)...)),
        detail::format_phrase(phrase.in(Lang::ru), fmt::make_format_args(detail::pick<Lang::ru>(args)...))};
}

// A noun in the forms that numbers ask for: 1 minute, 2 minutes; 1 минута, 2 минуты, 5 минут.
struct Noun {
    std::string_view en_one, en_many;
    std::string_view ru_one, ru_few, ru_many;
};
Text counted(std::int64_t number, const Noun& noun);
// "3 min", "2 h 10 min" in words with the right forms; below a second: "less than a second".
Text spoken(std::int64_t seconds);

} // namespace lectio
