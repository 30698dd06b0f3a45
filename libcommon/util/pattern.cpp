#include "util/pattern.h"

#include <array>

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace lectio {
namespace {

// A million steps take some milliseconds; an expression that needs more backtracks without end.
constexpr std::uint32_t k_most_steps = 1'000'000;

PCRE2_SPTR units(std::string_view text) {
    return reinterpret_cast<PCRE2_SPTR>(text.data());
}

std::string words_of(int reason) {
    std::array<PCRE2_UCHAR, 256> words{};
    pcre2_get_error_message(reason, words.data(), words.size());
    return reinterpret_cast<const char*>(words.data());
}

struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_context* limits) const { pcre2_match_context_free(limits); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

using OwnedCode = std::unique_ptr<pcre2_code, Free>;
using OwnedMatch = std::unique_ptr<pcre2_match_data, Free>;

OwnedCode compiled(std::string_view expression, PatternFault& fault) {
    constexpr std::uint32_t k_options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    int reason = 0;
    PCRE2_SIZE offset = 0;
    OwnedCode code(pcre2_compile(units(expression), expression.size(), k_options, &reason, &offset, nullptr));
    if (!code) {
        fault = {words_of(reason), offset};
    }
    return code;
}

} // namespace

struct Pattern::Code {
    OwnedCode code;
    std::unique_ptr<pcre2_match_context, Free> limits;
};

Result<Pattern> Pattern::compile(std::string_view expression) {
    PatternFault fault;
    auto code = std::make_shared<Code>();
    code->code = compiled(expression, fault);
    if (!code->code) {
        return Error{ErrorKind::invalid,
                     fmt::format("not a regular expression: {} at character {}", fault.words, fault.at)};
    }
    // Where executable memory is not to be had (a hardened unit) it is slower and as right.
    [[maybe_unused]] const int slower = pcre2_jit_compile(code->code.get(), PCRE2_JIT_COMPLETE);
    code->limits.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(code->limits.get(), k_most_steps);
    return Pattern(std::move(code));
}

Result<bool> Pattern::match(std::string_view text, pcre2_match_data& data) const {
    const auto match_so = [&](std::uint32_t options) {
        return pcre2_match(m_code->code.get(), units(text), text.size(), 0, options, &data,
                           m_code->limits.get());
    };
    int found = match_so(0);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
        found = match_so(PCRE2_NO_JIT); // long lines: the interpreter keeps its place on the heap
    }
    if (found >= 0) {
        return true;
    }
    if (found == PCRE2_ERROR_NOMATCH) {
        return false;
    }
    return Error{ErrorKind::too_large, fmt::format("the regular expression gave up: {}", words_of(found))};
}

// The match data is of its own in each call: patterns are shared between threads.
Result<bool> Pattern::found_in(std::string_view text) const {
    const OwnedMatch data(pcre2_match_data_create_from_pattern(m_code->code.get(), nullptr));
    return match(text, *data);
}

Result<std::optional<std::string>> Pattern::capture(std::string_view text) const {
    const OwnedMatch data(pcre2_match_data_create_from_pattern(m_code->code.get(), nullptr));
    const Result<bool> found = match(text, *data);
    LECTIO_TRY(found);
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    const std::size_t group = pcre2_get_ovector_count(data.get()) > 1 ? 2 : 0;
    if (!*found || ends[group] == PCRE2_UNSET) {
        return std::optional<std::string>();
    }
    return std::optional(std::string(text.substr(ends[group], ends[group + 1] - ends[group])));
}

std::optional<PatternFault> pattern_fault(std::string_view expression) {
    PatternFault fault;
    return compiled(expression, fault) ? std::nullopt : std::optional(std::move(fault));
}

} // namespace lectio
