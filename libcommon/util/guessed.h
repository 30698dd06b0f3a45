// Passwords that whoever tries a few words finds.
#pragma once

#include <string_view>

namespace lectio {

// Letters, with at most four digits after them, 15 bytes at most: "admin", "test1234", "пароль". redact() masks such a
// secret only where it stands as a value: in quotes, behind an equals sign, alone.
bool is_ordinary_word(std::string_view text);

} // namespace lectio
