// How things stand as one page of HTML that needs nothing else: no script, no request, no font; light and dark, on a phone
// first. Whatever comes from outside is escaped.
#pragma once

#include "status/long_view.h"
#include "status/overview.h"

#include <string>

namespace lectio::status {

std::string render_html(const Overview& overview, const LongView& past, Lang lang);

} // namespace lectio::status
