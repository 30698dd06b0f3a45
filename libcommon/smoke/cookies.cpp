#include "smoke/cookies.h"

#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <vector>

namespace lectio {
namespace {

// Browsers keep 180 of a site. What a hostile one sets beyond would be sent with every request, and looked for as a
// secret in every line that is told.
constexpr std::size_t k_most_cookies = 180;

bool deletes(std::string_view value, const std::vector<std::string_view>& attributes) {
    return trim(value).empty() || trim(value) == "\"\"" ||
           std::any_of(attributes.begin() + 1, attributes.end(), [](std::string_view attribute) {
               const std::string lower = to_lower_ascii(trim(attribute));
               constexpr std::string_view k_age = "max-age=";
               return lower.starts_with(k_age) &&
                      number_from<std::int64_t>(std::string_view(lower).substr(k_age.size())).value_or(1) <=
                          0;
           });
}

} // namespace

void CookieJar::take(const HttpAnswer& answer) {
    for (const auto& [header, line] : answer.headers) {
        const std::vector<std::string_view> parts = split(line, ';');
        const std::size_t equals = parts.front().find('=');
        if (header != "set-cookie" || equals == std::string_view::npos) {
            continue;
        }
        const std::string name(trim(parts.front().substr(0, equals)));
        const std::string value(trim(parts.front().substr(equals + 1)));
        if (deletes(value, parts)) {
            m_cookies.erase(name);
        } else if (m_cookies.size() < k_most_cookies || m_cookies.contains(name)) {
            remember_secret(value);
            m_cookies[name] = value;
        }
    }
}

std::string CookieJar::header() const {
    std::string text;
    for (const auto& [name, value] : m_cookies) {
        text += (text.empty() ? "" : "; ") + name + "=" + value;
    }
    return text;
}

bool CookieJar::has_session(const std::string& csrf_name) const {
    return std::any_of(m_cookies.begin(), m_cookies.end(), [&](const auto& cookie) {
        const std::string& name = cookie.first;
        return name != csrf_name && !contains_ignoring_case(name, "csrf") &&
               !contains_ignoring_case(name, "xsrf");
    });
}

const std::string* CookieJar::find(const std::string& name) const {
    const auto found = m_cookies.find(name);
    return found == m_cookies.end() ? nullptr : &found->second;
}

} // namespace lectio
