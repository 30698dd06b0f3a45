// Pattern: a Perl-compatible regular expression from the configuration (PCRE2 with JIT and limits, CONTRACT
// 36). For a page, a command line; scanning logs is RE2's (checks/log.cpp).
#pragma once

#include "util/result.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_match_data_8; // pcre2_match_data

namespace lectio {

class Pattern {
  public:
    // invalid: what is wrong with it and where ("missing closing parenthesis at character 7").
    static Result<Pattern> compile(std::string_view expression);

    // Unanchored. The text is taken as UTF-8; bytes that are not match nothing. Error (too_large) when the
    // expression needs more steps than any sane one does: it would hang on this text.
    Result<bool> found_in(std::string_view text) const;
    // What its first group caught, of an expression without groups all that it matched; nothing where it is not found.
    Result<std::optional<std::string>> capture(std::string_view text) const;

  private:
    struct Code;
    Result<bool> match(std::string_view text, pcre2_real_match_data_8& data) const;
    explicit Pattern(std::shared_ptr<const Code> code) : m_code(std::move(code)) {}
    std::shared_ptr<const Code> m_code;
};

// What is wrong with an expression, in PCRE2's words, and after which character; or nothing.
struct PatternFault {
    std::string words;
    std::size_t at = 0;
};
std::optional<PatternFault> pattern_fault(std::string_view expression);

} // namespace lectio
