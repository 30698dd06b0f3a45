// LineMatcher: which lines of a text match any of some regular expressions (RE2), all of them in one pass.
//
// What a line must contain to match at all is looked for first, where there is much to read: RE2 says what that is, and
// LiteralScanner finds it several times faster than an expression is tried. Most lines of a log are never looked at.
#pragma once

#include "words/phrase.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// Why it is none of RE2's, or matches every line.
std::optional<Text> expression_complaint(const std::string& expression);

class LineMatcher {
  public:
    explicit LineMatcher(const std::vector<std::string>& patterns);
    ~LineMatcher();
    LineMatcher(LineMatcher&&) noexcept;
    LineMatcher& operator=(LineMatcher&&) noexcept;

    // Calls `take` with each line that matches, once, without its end, in their order.
    void look_through(std::string_view lines, const std::function<void(std::string_view line)>& take);
    [[nodiscard]] bool matches(std::string_view line) const;

  private:
    struct Expression;
    std::unique_ptr<Expression> m_expression;
};

} // namespace lectio
