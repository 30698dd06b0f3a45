// Names in SQL.
#pragma once

#include <string>
#include <string_view>

namespace lectio {

// In double quotes, as standard SQL has it: any name is an identifier then.
std::string sql_identifier(std::string_view name);
// In single quotes: any text is a value then (with standard_conforming_strings, as PostgreSQL and SQLite have it).
std::string sql_literal(std::string_view text);

} // namespace lectio
