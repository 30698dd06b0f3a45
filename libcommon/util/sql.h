// Names in SQL.
#pragma once

#include <string>
#include <string_view>

namespace lectio {

// In double quotes, as standard SQL has it: any name is an identifier then.
std::string sql_identifier(std::string_view name);

} // namespace lectio
