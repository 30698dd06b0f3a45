// HttpUrl: the parts of a URL that decide where a request goes, and where a redirect may lead.
#pragma once

#include "util/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lectio {

struct HttpUrl {
    std::string text;   // for libcurl, in normal form: "https://example.org/"
    std::string scheme; // "http" or "https"
    std::string host;   // without brackets
    std::uint16_t port = 0;
    std::string socket; // of unix:/path.sock:/request/path; the host is then "localhost"

    [[nodiscard]] std::string shown() const;                    // as it was written, secrets masked
    [[nodiscard]] bool same_origin(const HttpUrl& other) const; // scheme, host, port and socket
};

// http:// https:// or unix:/path.sock:/request/path; anything else is `invalid`.
Result<HttpUrl> parse_http_url(std::string_view url);
// Where a Location header leads: absolute or relative. Not http(s): `invalid`.
Result<HttpUrl> follow_location(const HttpUrl& from, const std::string& location);

// A proxy: http:// socks5h:// and the like, user and password allowed.
struct ProxyUrl {
    std::string text;
    std::string host;
    // The same with the address in place of the host ("" leaves it).
    [[nodiscard]] std::string at(const std::string& address) const;
};
Result<ProxyUrl> parse_proxy(const std::string& url);

} // namespace lectio
