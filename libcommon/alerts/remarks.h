// What every channel says of a message, whatever markup it has: its lines with the remarks about its own way here, its
// number, its plain text.
#pragma once

#include "alerts/channel.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lectio {

// The message from its title to the remarks about its own way here, in order.
std::vector<Line> lines_of(const Draft& draft, Lang lang);

// Without markup, at most `most` bytes: of a longer text the beginning and the end, with a line between them that says
// how much is missing and where it is (`rest`, a file).
std::string text_of(const Draft& draft, Lang lang, std::size_t most, const std::string& rest);
// `text` cut in the same way.
std::string fitted(const std::string& text, Lang lang, std::size_t most, const std::string& rest);

// 63 bits, the same however often this message is sent: for channels that have no numbers of their own.
std::int64_t number_of(const Message& message);
std::string id_of(const Message& message); // the same as 16 hexadecimal digits

} // namespace lectio
