#include "platform/http.h"

#include <algorithm>

namespace lectio {

const std::string* HttpAnswer::header(std::string_view lower_case_name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return header.first == lower_case_name; });
    return found == headers.end() ? nullptr : &found->second;
}

} // namespace lectio
