#include "checks/line_matcher.h"

#include "config/complaints.h"
#include "platform/literals.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/filtered_re2.h>
#include <re2/re2.h>

namespace lectio {
namespace {

constexpr Phrase k_matches_all{"an empty expression matches every line",
                               "пустому выражению подходит любая строка"};
constexpr Phrase k_no_expression{"not a regular expression: {}", "это не регулярное выражение: {}"};

// From here on it pays to load the library and to compile for it (a millisecond).
constexpr std::size_t k_much = 256 * 1024;
// What is shorter stands in nearly every line.
constexpr int k_shortest_literal = 3;

RE2::Options options() {
    RE2::Options chosen;
    chosen.set_log_errors(false);
    chosen.set_never_nl(true); // [^x] and \s must not reach into the next line
    return chosen;
}

// Of literals that begin alike (" 500 , " 501  …) only what they share: few are found several times as fast as many, and
// the expression decides anyhow.
std::vector<std::string> shared_beginnings(std::vector<std::string> literals) {
    constexpr std::size_t k_alike = 4;
    std::sort(literals.begin(), literals.end());
    std::vector<std::string> shared;
    for (const std::string& literal : literals) {
        if (!shared.empty() && literal.substr(0, k_alike) == shared.back().substr(0, k_alike)) {
            std::string& before = shared.back();
            const auto differs = std::mismatch(before.begin(), before.end(), literal.begin(), literal.end());
            before.erase(differs.first, before.end());
        } else {
            shared.push_back(literal);
        }
    }
    return shared;
}

// One of these stands in every line that any of the patterns matches, in any case of letters; none: nobody knows.
std::vector<std::string> literals_of(const std::vector<std::string>& patterns) {
    std::vector<std::string> literals;
    for (const std::string& pattern : patterns) {
        // One by one: a pattern without literals would have to be tried on every line.
        re2::FilteredRE2 filtered(k_shortest_literal);
        int id = 0;
        std::vector<std::string> atoms;
        if (filtered.Add(pattern, options(), &id) != RE2::NoError) {
            return {};
        }
        filtered.Compile(&atoms);
        std::vector<int> passed;
        filtered.AllPotentials({}, &passed);
        if (!passed.empty()) { // it may match where none of them stands
            return {};
        }
        literals.insert(literals.end(), atoms.begin(), atoms.end());
    }
    // RE2 folds all letters into small ones, the scanner those of ASCII only.
    const bool is_ascii = std::all_of(literals.begin(), literals.end(), [](const std::string& literal) {
        return std::all_of(literal.begin(), literal.end(),
                           [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    });
    return is_ascii ? shared_beginnings(std::move(literals)) : std::vector<std::string>{};
}

std::string any_of(const std::vector<std::string>& patterns) {
    std::string any;
    for (const std::string& pattern : patterns) {
        any += fmt::format("{}(?:{})", any.empty() ? "" : "|", pattern);
    }
    return "(?m)" + any; // ^ and $ are those of a line
}

struct Line {
    std::size_t begin = 0, end = 0; // without its newline
};
Line line_around(std::string_view lines, std::size_t place) {
    const std::size_t before = place == 0 ? std::string_view::npos : lines.rfind('\n', place - 1);
    return {before == std::string_view::npos ? 0 : before + 1,
            std::min(lines.find('\n', place), lines.size())};
}

} // namespace

std::optional<Text> expression_complaint(const std::string& expression) {
    if (expression.empty()) {
        return say(k_matches_all);
    }
    const RE2 compiled(expression, options());
    return compiled.ok() ? std::nullopt
                         : std::optional(say(k_no_expression, expression_words(compiled.error())));
}

struct LineMatcher::Expression {
    explicit Expression(const std::vector<std::string>& all)
        : patterns(all), compiled(any_of(all), options()) {}

    // Over the whole text at once, not line by line: most lines do not match, and a call for each would cost
    // more than the looking.
    void try_everywhere(std::string_view lines, const std::function<void(std::string_view)>& take) const {
        const re2::StringPiece text(lines.data(), lines.size());
        re2::StringPiece found;
        for (std::size_t at = 0;
             at < lines.size() && compiled.Match(text, at, lines.size(), RE2::UNANCHORED, &found, 1);) {
            const auto place = static_cast<std::size_t>(found.data() - lines.data());
            if (place >= lines.size()) {
                return; // an empty match behind the last line
            }
            const Line line = line_around(lines, place);
            take(lines.substr(line.begin, line.end - line.begin));
            at = line.end + 1;
        }
    }

    // To RE2 an odd byte is no character of an expression, not even “.”: it stands for U+FFFD.
    bool matches(std::string_view line) const {
        return matches_as_it_is(line) || (!is_utf8(line) && matches_as_it_is(to_utf8(line)));
    }

    bool matches_as_it_is(std::string_view line) const {
        return compiled.Match(re2::StringPiece(line.data(), line.size()), 0, line.size(), RE2::UNANCHORED,
                              nullptr, 0);
    }

    // Only where a literal stands; false: the scanner broke off, and `done` says how far it came.
    bool try_where_it_may(std::string_view lines, const std::function<void(std::string_view)>& take,
                          std::size_t& done) const {
        return scanner->scan(lines, [&](std::size_t end) {
            if (end > done) {
                const Line line = line_around(lines, end - 1);
                const std::string_view text = lines.substr(line.begin, line.end - line.begin);
                if (matches(text)) {
                    take(text);
                }
                done = line.end + 1;
            }
            return true;
        });
    }

    const LiteralScanner* scanner_for(std::size_t size) {
        if (!was_asked_for && size >= k_much) {
            was_asked_for = true;
            scanner = LiteralScanner::make(literals_of(patterns));
        }
        return scanner.get();
    }

    std::vector<std::string> patterns;
    RE2 compiled;
    std::unique_ptr<LiteralScanner> scanner;
    bool was_asked_for = false;
};

LineMatcher::LineMatcher(const std::vector<std::string>& patterns)
    : m_expression(std::make_unique<Expression>(patterns)) {}
LineMatcher::~LineMatcher() = default;
LineMatcher::LineMatcher(LineMatcher&&) noexcept = default;
LineMatcher& LineMatcher::operator=(LineMatcher&&) noexcept = default;

void LineMatcher::look_through(std::string_view lines, const std::function<void(std::string_view)>& take) {
    std::size_t done = 0;
    if (m_expression->scanner_for(lines.size()) != nullptr &&
        m_expression->try_where_it_may(lines, take, done)) {
        return;
    }
    if (done < lines.size()) {
        const std::string_view rest = lines.substr(done);
        is_utf8(rest) ? m_expression->try_everywhere(rest, take)
                      : m_expression->try_everywhere(to_utf8(rest), take);
    }
}

bool LineMatcher::matches(std::string_view line) const {
    return m_expression->matches(line);
}

} // namespace lectio
