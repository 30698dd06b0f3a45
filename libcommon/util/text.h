// Text helpers that know nothing of monitoring: cleaning, cutting, measuring, comparing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::vector<std::string_view> split_lines(std::string_view text); // accepts \n and \r\n
std::string to_lower_ascii(std::string_view text);
bool contains_ignoring_case(std::string_view text, std::string_view part); // ASCII only

// Strict UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text);
// Every invalid byte becomes U+FFFD.
std::string to_utf8(std::string_view text);
// Outside text on its way to a terminal, log or message: invalid UTF-8 replaced, control characters (C0, DEL,
// C1) but newline and tab made visible as '?', bidirectional overrides and zero-width characters removed.
std::string clean(std::string_view text);
// The same, on one line: newlines and tabs become blanks, runs of blanks one, blanks at both ends go.
std::string clean_line(std::string_view text);

// Length in UTF-16 code units, as Telegram counts.
std::size_t utf16_length(std::string_view utf8);
// The longest prefix of at most `units` UTF-16 units that does not cut a code point.
std::string_view utf16_prefix(std::string_view utf8, std::size_t units);
// At most `characters` code points; what is cut ends in "…".
std::string shorten(std::string_view utf8, std::size_t characters);

// The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length away), for "did you
// mean".
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

// Shell-like wildcard over a whole string: * ? [abc] [!a-z]; * crosses everything.
bool wildcard_match(std::string_view pattern, std::string_view text);

// `pattern` as fnmatch per path segment is platform business (glob); names of checks, steps … are here:
// [a-z0-9][a-z0-9_-]{0,63} (CONTRACT 8).
bool is_name(std::string_view text);

} // namespace lectio
