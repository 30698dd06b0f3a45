// What the answer to a login is worth. Pure.
#pragma once

#include "checks/check.h"
#include "config/smoke.h"
#include "platform/http.h"
#include "util/secret.h"

#include <optional>
#include <string>

namespace lectio {

struct LoginVerdict {
    CheckResult result;
    bool in = false; // it can be worked with
    Secret token;    // empty: the session's cookie is the login
};
// `got_cookie`: the answer set one. A refusal of the account is a warning: the site may be well.
LoginVerdict evaluate_login(const HttpAnswer& answer, const LoginSettings& login, const HttpRequest& request,
                            bool got_cookie, WallTime now);

// Of the page that `csrf` names, which is to set a cookie to send back; nothing: it has.
std::optional<CheckResult> wrong_csrf_page(const HttpAnswer& answer, const CsrfSettings& csrf,
                                           const HttpRequest& request, bool has_cookie);

// The account as the login names it: "smoke_teacher@test.local".
std::string account_of(const LoginSettings& login);

} // namespace lectio
