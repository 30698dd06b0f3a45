// Which of the tables that there is one of has a key: appended to a file, a line falls into the file's last table.
#pragma once

#include "config/schema.h"

#include <optional>
#include <string_view>

namespace lectio {

// section: there is one of it. part: a check, a rung: what is written there may well be meant for it, unless the key can
// only be another table's.
enum class Around { section, part };
// "alerts"; "" for the top of the file, before the first table. Nothing where no table has such a key, or several have.
std::optional<std::string_view> home_of(std::string_view key, Around around);

} // namespace lectio
