// How many rows each table has: the fact by which a database is known again.
#pragma once

#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::snapshots {

using RowCounts = std::map<std::string, std::int64_t>; // by the table's name

std::int64_t total(const RowCounts& rows);
// What keeps the one from being the other: a table of `expected` that is missing, or has another number of rows.
std::vector<Text> row_flaws(const RowCounts& found, const RowCounts& expected);

// {"table": 12, …}
bool are_row_counts(const nlohmann::json& json);
RowCounts row_counts_from(const nlohmann::json& json);

} // namespace lectio::snapshots
