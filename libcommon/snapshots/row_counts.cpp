#include "snapshots/row_counts.h"

#include "util/text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace lectio::snapshots {
namespace {

constexpr Phrase k_other_rows{"table {}: {} rows instead of {}", "таблица {}: строк {} вместо {}"};
constexpr Phrase k_no_table{"table {} is missing", "нет таблицы {}"};

} // namespace

std::int64_t total(const RowCounts& rows) {
    std::int64_t all = 0;
    for (const auto& [table, count] : rows) {
        all += count;
    }
    return all;
}

std::vector<Text> row_flaws(const RowCounts& found, const RowCounts& expected) {
    std::vector<Text> flaws;
    for (const auto& [table, rows] : expected) {
        const auto there = found.find(table);
        if (there == found.end()) {
            flaws.push_back(say(k_no_table, clean_line(table)));
        } else if (there->second != rows) {
            flaws.push_back(say(k_other_rows, clean_line(table), there->second, rows));
        }
    }
    return flaws;
}

bool are_row_counts(const nlohmann::json& json) {
    return std::all_of(json.begin(), json.end(),
                       [](const nlohmann::json& count) { return count.is_number_integer(); });
}

RowCounts row_counts_from(const nlohmann::json& json) {
    RowCounts rows;
    for (const auto& [table, count] : json.items()) {
        rows[table] = count.get<std::int64_t>();
    }
    return rows;
}

} // namespace lectio::snapshots
