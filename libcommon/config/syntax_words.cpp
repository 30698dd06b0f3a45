#include "config/syntax_words.h"

#include "config/env_file.h"
#include "config/lookalikes.h"
#include "config/parser_words.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_merge_conflict{"a merge conflict of git that nobody resolved",
                                  "неразрешённый конфликт слияния git"};
constexpr Phrase k_lone_cr{"lines that end in CR alone; save the file with line ends of Unix or Windows",
                           "концы строк — один CR; сохраните файл с концами строк Unix или Windows"};
constexpr Phrase k_typographic{"typographic quotes; write plain ones: \"…\"",
                               "типографские кавычки; нужны прямые: \"…\""};
constexpr Phrase k_invisible{"a blank that is none (an invisible character); type the line anew",
                             "невидимый символ вместо пробела; наберите строку заново"};
constexpr Phrase k_make_double{"an earlier [{0}] has single brackets; each must be [[{0}]]",
                               "выше есть [{0}] в одинарных скобках; везде должно быть [[{0}]]"};
constexpr Phrase k_also_double{"an earlier [[{0}]] has double brackets; each must be [[{0}]]",
                               "выше есть [[{0}]] в двойных скобках; везде должно быть [[{0}]]"};
constexpr Phrase k_key_twice{"\"{}\" is set a second time in this table",
                             "\"{}\" задано в этой таблице второй раз"};
constexpr Phrase k_table_twice{"[{}] stands here a second time; put all its keys under one",
                               "[{}] стоит здесь второй раз; соберите все его ключи под одним"};
constexpr Phrase k_table_twice_first{
    "[{}] stands here a second time, first in line {}; put all its keys under one",
    "[{}] стоит здесь второй раз, первый — в строке {}; соберите все его ключи под одним"};
constexpr Phrase k_lookalike{"a Cyrillic letter that looks Latin; did you mean {}?",
                             "русская буква, похожая на латинскую; может быть, {}?"};
constexpr Phrase k_comment{"a comment begins with #", "комментарий начинается с #"};
constexpr Phrase k_comma_too_many{"a comma too many before the }}", "лишняя запятая перед }}"};
constexpr Phrase k_one_line{"what stands in {{ }} must stand on one line",
                            "всё внутри {{ }} должно стоять на одной строке"};
constexpr Phrase k_no_bracket{"a comma or the closing ] is missing, here or above",
                              "здесь или выше не хватает запятой или закрывающей ]"};
constexpr Phrase k_no_quote{"the closing quote is missing", "не хватает закрывающей кавычки"};
constexpr Phrase k_backslash{
    "a backslash between \"…\" must be written twice; or take '…', which leaves it as it is",
    "обратная косая черта внутри \"…\" пишется дважды; или возьмите '…', там она остаётся как есть"};
constexpr Phrase k_no_header_end{"the closing ] is missing, or the name has a blank in it",
                                 "не хватает закрывающей ], или в имени есть пробел"};
constexpr Phrase k_no_equals{"between a key and its value stands =", "между ключом и значением ставится ="};
constexpr Phrase k_number_too_large{"the number is too large", "число слишком большое"};
constexpr Phrase k_no_value{"the value is missing", "не хватает значения"};
constexpr Phrase k_mean_word{"did you mean {}? A text needs quotes", "может быть, {}? Тексту нужны кавычки"};
constexpr Phrase k_needs_quotes{"a text needs quotes: '…'", "тексту нужны кавычки: '…'"};
constexpr Phrase k_write_quoted{"a text needs quotes; write {}", "тексту нужны кавычки; напишите {}"};

constexpr std::size_t k_longest_shown = 60; // of a value that is shown as it should be written

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// The line of the mistake, and the piece of it that the parser choked on.
class Mistake {
  public:
    Mistake(std::string_view text, std::size_t at, std::string_view description)
        : m_text(text), m_description(description) {
        at = std::min(at, text.size());
        const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
        m_start = before == std::string_view::npos ? 0 : before + 1;
        m_line = text.substr(m_start, std::min(text.find('\n', at), text.size()) - m_start);
        m_at = at - m_start;
    }

    SyntaxWords words() const {
        for (const auto& recognise : {&Mistake::of_an_editor, &Mistake::second_time, &Mistake::lookalike,
                                      &Mistake::punctuation, &Mistake::bare_value}) {
            if (std::optional<SyntaxWords> found = (this->*recognise)()) {
                return std::move(*found);
            }
        }
        return {parser_words(m_description), {}};
    }

  private:
    using Found = std::optional<SyntaxWords>;

    Found of_an_editor() const {
        constexpr std::array<std::string_view, 9> k_quotes{"“", "”", "„", "«", "»", "‘", "’", "‟", "′"};
        constexpr std::array<std::string_view, 5> k_unseen{"\u00A0", "\u200B", "\u202F", "\u2060", "\uFEFF"};
        const auto is_in_line = [&](std::string_view mark) { return has(m_line, mark); };
        if (m_line.starts_with("<<<<<<<") || m_line.starts_with("=======") || m_line.starts_with(">>>>>>>")) {
            return SyntaxWords{say(k_merge_conflict), {}};
        }
        if (has(m_description, "expected '\\n' after '\\r'")) {
            return SyntaxWords{say(k_lone_cr), {}};
        }
        if (std::any_of(k_quotes.begin(), k_quotes.end(), is_in_line)) {
            return SyntaxWords{say(k_typographic), {}};
        }
        if (std::any_of(k_unseen.begin(), k_unseen.end(), is_in_line)) {
            return SyntaxWords{say(k_invisible), {}};
        }
        return std::nullopt;
    }

    Found second_time() const {
        if (!has(m_description, "cannot redefine")) {
            return std::nullopt;
        }
        const std::size_t begin = m_description.find('\'') + 1;
        const std::string name =
            clean_line(m_description.substr(begin, m_description.find('\'', begin) - begin));
        if (has(m_description, "as array-of-tables")) {
            return SyntaxWords{say(k_make_double, name), fmt::format("[[{}]]", name)};
        }
        if (!trim(m_line).starts_with('[')) {
            return SyntaxWords{say(k_key_twice, name), {}};
        }
        if (line_of(fmt::format("[[{}]]", name)) != 0) {
            return SyntaxWords{say(k_also_double, name), fmt::format("[[{}]]", name)};
        }
        const std::size_t first = line_of(fmt::format("[{}]", name));
        return SyntaxWords{first == 0 ? say(k_table_twice, name) : say(k_table_twice_first, name, first), {}};
    }

    // 1 and up; 0: nowhere above.
    std::size_t line_of(std::string_view header) const {
        std::size_t number = 0;
        for (const std::string_view line : split_lines(m_text.substr(0, m_start))) {
            ++number;
            if (trim(line).starts_with(header)) {
                return number;
            }
        }
        return 0;
    }

    // A letter that no name may have, where a name stands.
    Found lookalike() const {
        const std::string_view line = trim(m_line);
        const bool header = line.starts_with('[');
        const std::string_view name = trim(line.substr(0, line.find_first_of(header ? "]#" : "=#")));
        const std::string latin = as_latin(name);
        if (latin == name || m_at > m_line.find(name) + name.size() || has(name, "\"") || has(name, "'")) {
            return std::nullopt;
        }
        const std::string meant = latin + (header ? "]" : "");
        return SyntaxWords{say(k_lookalike, clean_line(meant)), meant};
    }

    Found punctuation() const {
        const std::string_view line = trim(m_line);
        if (line.starts_with(';') || line.starts_with("//")) {
            return SyntaxWords{say(k_comment), {}};
        }
        if (has(m_description, "inline table") && has(m_description, "dangling comma")) {
            return SyntaxWords{say(k_comma_too_many), {}};
        }
        if (has(m_description, "inline table") && at_end()) {
            return SyntaxWords{say(k_one_line), {}};
        }
        if (has(m_description, "parsing array") && has(m_description, "expected comma or closing")) {
            return SyntaxWords{say(k_no_bracket), {}};
        }
        if (has(m_description, "parsing string") && at_end()) {
            return SyntaxWords{say(k_no_quote), {}};
        }
        if (has(m_description, "unknown escape")) {
            return SyntaxWords{say(k_backslash), {}};
        }
        if (has(m_description, "table header") && has(m_description, "expected ']'")) {
            return SyntaxWords{say(k_no_header_end), {}};
        }
        if (has(m_description, "key-value pair: expected '='")) {
            return SyntaxWords{say(k_no_equals), {}};
        }
        if (has(m_description, "not representable in 64 bits")) {
            return SyntaxWords{say(k_number_too_large), {}};
        }
        return std::nullopt;
    }

    bool at_end() const { return trim(m_line.substr(std::min(m_at, m_line.size()))).empty(); }

    // level = info: a value that is none because it has no quotes.
    Found bare_value() const {
        const std::size_t near = std::min(m_at, m_line.size());
        const std::size_t mark = m_line.substr(0, near).find_last_of("=,[{");
        if (mark == std::string_view::npos || has(m_line.substr(mark, near - mark), "\"") ||
            has(m_line.substr(mark, near - mark), "'")) {
            return std::nullopt;
        }
        const std::string_view rest = m_line.substr(mark + 1);
        const std::string value(trim(rest.substr(0, rest.find_first_of(",]}#"))));
        if (value.empty()) {
            return SyntaxWords{say(k_no_value), {}};
        }
        if (value.find_first_of("{[=") != std::string::npos && value.find('"') == std::string::npos) {
            return std::nullopt; // two mistakes, or another one
        }
        return in_quotes(value, m_line.substr(0, mark));
    }

    static SyntaxWords in_quotes(const std::string& value, std::string_view key) {
        const std::string word = to_lower_ascii(value);
        for (const auto& [words, meant] : {std::pair{"|true|yes|on|", "true"}, {"|false|no|off|", "false"}}) {
            if (has(words, "|" + word + "|")) {
                return {say(k_mean_word, meant), meant};
            }
        }
        if (sounds_secret(key) || value.size() > k_longest_shown ||
            value.find_first_of("\"\\") != std::string::npos) {
            return {say(k_needs_quotes), {}};
        }
        const std::string quoted = fmt::format("\"{}\"", clean_line(value));
        return {say(k_write_quoted, quoted), quoted};
    }

    std::string_view m_text, m_description, m_line;
    std::size_t m_start = 0; // of the line
    std::size_t m_at = 0;    // in the line
};

} // namespace

SyntaxWords syntax_words(std::string_view text, std::size_t at, std::string_view description) {
    return Mistake(text, at, description).words();
}

} // namespace lectio
