// Who answered in the place of the API.
#pragma once

#include "platform/http.h"
#include "words/phrase.h"

namespace lectio {

// Where the page itself says so: another web server's, the frontend's, Django's; otherwise empty.
enum class Wanted { data, page }; // page: the frontend's may be what was asked for
Text whose_page(const HttpAnswer& answer, Wanted wanted);

} // namespace lectio
