// From a login or a step to what is sent.
#pragma once

#include "config/smoke.h"
#include "platform/http.h"
#include "smoke/cookies.h"
#include "smoke/values.h"
#include "util/secret.h"

#include <string>

namespace lectio {

// Who asks: what a login has brought. Sent to the origin of the site only: a step may lead elsewhere.
struct Identity {
    Secret token;
    CookieJar cookies;
    std::string csrf_cookie, csrf_header;
};

bool is_of_the_site(const std::string& url, const SmokeSettings& smoke);

// Only to see whether the site answers at all.
HttpRequest connection_request(const SmokeSettings& smoke);
HttpRequest csrf_request(const LoginSettings& login, const SmokeSettings& smoke);
HttpRequest login_request(const LoginSettings& login, const Identity& so_far, const SmokeSettings& smoke);
// `who`: nullptr for nobody.
HttpRequest step_request(const StepSettings& step, const Identity* who, const Values& values,
                         const SmokeSettings& smoke);

} // namespace lectio
