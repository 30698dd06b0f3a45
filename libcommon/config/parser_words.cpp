#include "config/parser_words.h"

#include "util/text.h"

#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace lectio {
namespace {

// "Error while parsing {}: {}"
constexpr std::string_view k_parsing = "Error while parsing ";
constexpr std::array k_scopes{
    Phrase{"binary integer", "в двоичном числе"},
    Phrase{"octal integer", "в восьмеричном числе"},
    Phrase{"decimal integer", "в числе"},
    Phrase{"hexadecimal integer", "в шестнадцатеричном числе"},
    Phrase{"hexadecimal floating-point", "в шестнадцатеричном числе"},
    Phrase{"floating-point", "в числе"},
    Phrase{"boolean", "в слове true или false"},
    Phrase{"unicode scalar sequence", "в коде знака"},
    Phrase{"literal string", "в тексте '…'"},
    Phrase{"string", "в тексте"},
    Phrase{"comment", "в комментарии"},
    Phrase{"date", "в дате"},
    Phrase{"time", "во времени"},
    Phrase{"date-time", "в дате и времени"},
    Phrase{"date-time offset", "в дате и времени"},
    Phrase{"value", "в значении"},
    Phrase{"key", "в имени ключа"},
    Phrase{"table header", "в заголовке таблицы"},
    Phrase{"key-value pair", "в строке «ключ = значение»"},
    Phrase{"root table", "в строке"},
    Phrase{"array", "в списке"},
    Phrase{"inline table", "в таблице внутри фигурных скобок"},
};

// "expected {}, saw {}"
constexpr std::string_view k_expected = "expected ";
constexpr std::string_view k_saw = ", saw ";
constexpr std::array k_expectations{
    Phrase{"keys, tables, whitespace or comments", "ключ, заголовок таблицы или комментарий"},
    Phrase{"a comment or whitespace", "конец строки или комментарий"},
    Phrase{"bare key starting character or string delimiter", "имя ключа"},
    Phrase{"value", "значение"},
    Phrase{"value-terminator", "конец значения"},
    Phrase{"value or closing ']'", "значение или ]"},
    Phrase{"comma or closing ']'", "запятая или ]"},
    Phrase{"comma or closing '}'", "запятая или закрывающая фигурная скобка"},
    Phrase{"key or closing '}'", "ключ или закрывающая фигурная скобка"},
    Phrase{"key-value pair", "ключ и значение"},
    Phrase{"key-value pair or closing '}'", "ключ и значение или закрывающая фигурная скобка"},
    Phrase{"space or tab", "пробел"},
    Phrase{"space, 'T' or 't'", "пробел или T"},
    Phrase{"digit", "цифра"},
    Phrase{"decimal digit", "цифра"},
    Phrase{"decimal digit or '.'", "цифра или точка"},
    Phrase{"decimal digit or exponent", "цифра или степень"},
    Phrase{"exponent digit", "цифра степени"},
    Phrase{"exponent decimal digit or sign", "цифра степени"},
    Phrase{"exponent digit or sign", "цифра степени"},
    Phrase{"expected digit or sign", "цифра или знак"},
    Phrase{"fractional digits", "цифры после точки"},
    Phrase{"hex digit", "шестнадцатеричная цифра"},
    Phrase{"hexadecimal digit", "шестнадцатеричная цифра"},
    Phrase{"hexadecimal digit or '.'", "шестнадцатеричная цифра"},
    Phrase{"hexadecimal digit or exponent", "шестнадцатеричная цифра"},
    Phrase{"4-digit year", "год из четырёх цифр"},
    Phrase{"2-digit month", "месяц из двух цифр"},
    Phrase{"2-digit day", "день из двух цифр"},
    Phrase{"2-digit hour", "часы из двух цифр"},
    Phrase{"2-digit minute", "минуты из двух цифр"},
    Phrase{"2-digit second", "секунды из двух цифр"},
    Phrase{"month between 1 and 12 (inclusive)", "месяц от 1 до 12"},
    Phrase{"hour between 0 to 59 (inclusive)", "часы от 0 до 23"},
    Phrase{"hour between 0 and 23 (inclusive)", "часы от 0 до 23"},
    Phrase{"minute between 0 and 59 (inclusive)", "минуты от 0 до 59"},
    Phrase{"second between 0 and 59 (inclusive)", "секунды от 0 до 59"},
};
constexpr std::array k_seen{
    Phrase{"comma", "запятая"},
    Phrase{"EOF", "конец файла"},
};

// How the other messages begin; what follows (a number, a name) is left out.
constexpr std::array k_beginnings{
    Phrase{"encountered end-of-file", "файл кончился раньше времени"},
    Phrase{"could not determine value type", "непонятно, что это за значение"},
    Phrase{"exceeded maximum nested value depth", "слишком много вложенных скобок"},
    Phrase{"exceeds length limit", "слишком длинное число"},
    Phrase{"numeric value too long", "слишком длинное число"},
    Phrase{"fractional component exceeds", "слишком много цифр после точки"},
    Phrase{"leading zeroes are prohibited", "число не может начинаться с нуля"},
    Phrase{"underscores m", "подчёркивание может стоять только между цифрами"},
    Phrase{"values may not begin with underscores", "значение не может начинаться с подчёркивания"},
    Phrase{"missing exponent", "не хватает степени"},
    Phrase{"hexadecimal floating-point values", "таких чисел в TOML нет"},
    Phrase{"values greater than U+10FFFF", "знака с таким кодом нет"},
    Phrase{"unexpected control character", "здесь управляющий символ"},
    Phrase{"control characters other", "управляющий символ; так можно только табуляцию"},
    Phrase{"unescaped control characters", "управляющий символ; так можно только табуляцию"},
    Phrase{"vertical tabs", "вертикальная табуляция вместо конца строки"},
    Phrase{"unicode surrogates", "половина знака (суррогат)"},
    Phrase{"unescaped unicode surrogates", "половина знака (суррогат)"},
    Phrase{"line-ending backslashes", "после \\ в конце строки ничего стоять не должно"},
    Phrase{"escape sequence", "такого сочетания после \\ в TOML нет"},
    Phrase{"unknown escape", "такого сочетания после \\ в TOML нет"},
    Phrase{"multi-line strings are prohibited", "имя ключа не может занимать несколько строк"},
    Phrase{"[[array-of-table]]", "скобки [[ и ]] пишутся без пробела внутри"},
    Phrase{"tables with blank bare keys", "в заголовке нет имени"},
    Phrase{"cannot insert", "эта таблица уже записана целиком в фигурных скобках"},
    Phrase{"cannot redefine existing", "это уже задано выше"},
};
// How those end that begin with what stands in the file.
constexpr std::array k_endings{
    Phrase{"could not be interpreted as a value", "это не значение"},
    Phrase{"is not representable in 64 bits", "слишком большое число"},
};

constexpr Phrase k_words{"{}: {}", "ошибка {}: {}"};
constexpr Phrase k_expected_saw{"expected {}, saw {}", "ожидается {}, а здесь {}"};

std::string left(std::string_view english) {
    return fmt::format("«{}»", english);
}

template<std::size_t Count>
std::optional<std::string> whole(std::string_view english, const std::array<Phrase, Count>& table) {
    for (const Phrase& known : table) {
        if (known.in(Lang::en) == english) {
            return std::string(known.in(Lang::ru));
        }
    }
    return std::nullopt;
}

// A sign in quotes is the same in every language.
template<std::size_t Count>
std::string sign_or_words(std::string_view english, const std::array<Phrase, Count>& table) {
    const bool is_sign = english.size() >= 3 && english.size() <= 12 && english.front() == '\'' &&
                         english.back() == '\'' && english.find(' ', 2) == std::string_view::npos;
    const bool is_number = english.find_first_not_of("0123456789") == std::string_view::npos;
    return is_sign || is_number ? std::string(english) : whole(english, table).value_or(left(english));
}

std::string in_russian(std::string_view message) {
    for (const Phrase& known : k_endings) {
        if (message.ends_with(known.in(Lang::en))) {
            return std::string(known.in(Lang::ru));
        }
    }
    for (const Phrase& known : k_beginnings) {
        if (message.starts_with(known.in(Lang::en))) {
            return std::string(known.in(Lang::ru));
        }
    }
    const std::size_t saw = message.rfind(k_saw);
    if (!message.starts_with(k_expected) || saw == std::string_view::npos || saw < k_expected.size()) {
        return left(message);
    }
    const std::string_view expected = message.substr(k_expected.size(), saw - k_expected.size());
    const std::string_view seen = message.substr(saw + k_saw.size());
    return say(k_expected_saw, sign_or_words(expected, k_expectations), sign_or_words(seen, k_seen)).ru;
}

} // namespace

Text parser_words(std::string_view description) {
    const std::string english = clean_line(description);
    const std::string_view all = english;
    const std::size_t colon = all.find(": ");
    if (!all.starts_with(k_parsing) || colon == std::string_view::npos) {
        return {english, left(english)};
    }
    const std::string_view scope = all.substr(k_parsing.size(), colon - k_parsing.size());
    const std::string message = in_russian(all.substr(colon + 2));
    return {english, say(k_words, whole(scope, k_scopes).value_or(left(scope)), message).ru};
}

} // namespace lectio
