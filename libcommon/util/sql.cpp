#include "util/sql.h"

namespace lectio {

std::string sql_identifier(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) {
        text.append(c == '"' ? 2 : 1, c);
    }
    return text + '"';
}

} // namespace lectio
