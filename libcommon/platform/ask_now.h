// One request, answered before anything else is done: for what has nothing to do meanwhile.
#pragma once

#include "platform/clock.h"
#include "platform/http.h"

namespace lectio {

// The answer; Failure::timeout when `until` comes or a stop is asked for first.
HttpAnswer ask_now(Http& http, Clock& clock, HttpRequest request, SteadyTime until);

} // namespace lectio
