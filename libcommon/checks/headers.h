// headers: what a page tells browsers to keep its visitors safe, and what it should not tell.
#pragma once

#include "checks/check_type.h"
#include "platform/http.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct HeadersSettings {
    enum class Header { hsts, csp, nosniff, frame, referrer, permissions };
    std::string url;
    std::vector<Header> require;
    std::string cors_origin;
    bool cookies = false;
    bool hide_version = false;
};

// What such a header is called, a value that does, and what may come of its absence.
struct SecurityHeader {
    std::string_view name, advice;
    const Phrase& why;
};
SecurityHeader security_header(HeadersSettings::Header header);

struct HeadersSample {
    HttpAnswer page;
    std::optional<HttpAnswer> foreign; // the same asked with `Origin: cors_origin`
};

// Pure. The page is complete (http_failure()); its status does not matter: a 404 needs the headers, too.
CheckResult evaluate_headers(const HeadersSample& sample, const HeadersSettings& settings);
CheckType headers_check_type();

} // namespace lectio
