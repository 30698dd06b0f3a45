// CookieJar: the cookies of one login, as far as a walk through one site needs them (RFC 6265): names and values,
// deletion, nothing of paths, domains and times. They are sent to the origin of the site only.
#pragma once

#include "platform/http.h"

#include <map>
#include <string>

namespace lectio {

class CookieJar {
  public:
    // Takes over what the answer's Set-Cookie headers say. What deletes a cookie (Max-Age=0 or no value) deletes it.
    // Values may be sessions: they are registered for redact().
    void take(const HttpAnswer& answer);
    // Of the header Cookie; empty: there are none.
    [[nodiscard]] std::string header() const;
    [[nodiscard]] const std::string* find(const std::string& name) const;
    [[nodiscard]] bool empty() const { return m_cookies.empty(); }
    // One that may be a session: any beside the one of that name and those against forgery, which everybody gets.
    [[nodiscard]] bool has_session(const std::string& csrf_name) const;

  private:
    std::map<std::string, std::string> m_cookies;
};

} // namespace lectio
