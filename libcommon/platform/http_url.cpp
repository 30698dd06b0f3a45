#include "platform/http_url.h"

#include "util/secret.h"
#include "util/text.h"

#include <charconv>
#include <memory>

#include <curl/curl.h>

namespace lectio {
namespace {

constexpr std::string_view k_unix = "unix:";
constexpr unsigned k_proxy_flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DEFAULT_SCHEME;

struct UrlDeleter {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

std::string part(const UrlHandle& url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) {
        return {};
    }
    const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
    return text;
}

std::string host_of(const UrlHandle& url) {
    const std::string host = to_lower_ascii(part(url, CURLUPART_HOST));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

Error unusable(std::string_view url, std::string_view why) {
    return Error{ErrorKind::invalid, redact(clean_line(url)) + ": " + std::string(why)};
}

Result<HttpUrl> parts_of(const UrlHandle& url, std::string_view written) {
    HttpUrl parts;
    parts.scheme = part(url, CURLUPART_SCHEME);
    if (parts.scheme != "http" && parts.scheme != "https") {
        return unusable(written, "neither http nor https");
    }
    curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0); // is the browser's business
    parts.text = part(url, CURLUPART_URL);
    parts.host = host_of(url);
    const std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    std::from_chars(port.data(), port.data() + port.size(), parts.port);
    return parts;
}

Result<HttpUrl> parse_plain(std::string_view written) {
    const UrlHandle url(curl_url());
    const CURLUcode code =
        curl_url_set(url.get(), CURLUPART_URL, std::string(written).c_str(), CURLU_NON_SUPPORT_SCHEME);
    return code == CURLUE_OK ? parts_of(url, written) : unusable(written, curl_url_strerror(code));
}

} // namespace

std::string HttpUrl::shown() const {
    constexpr std::string_view k_stand_in = "http://localhost";
    return redact(socket.empty() ? text : "unix:" + socket + ":" + text.substr(k_stand_in.size()));
}

bool HttpUrl::same_origin(const HttpUrl& other) const {
    return scheme == other.scheme && host == other.host && port == other.port && socket == other.socket;
}

Result<HttpUrl> parse_http_url(std::string_view url) {
    if (!url.starts_with(k_unix)) {
        return parse_plain(url);
    }
    const std::string_view rest = url.substr(k_unix.size());
    const std::size_t colon = rest.find(":/");
    if (!rest.starts_with('/') || colon == std::string_view::npos) {
        return unusable(url, "a socket is written unix:/path.sock:/request/path");
    }
    auto parts = parse_plain("http://localhost" + std::string(rest.substr(colon + 1)));
    if (parts.ok()) {
        parts->socket = rest.substr(0, colon);
    }
    return parts;
}

Result<HttpUrl> follow_location(const HttpUrl& from, const std::string& location) {
    const UrlHandle url(curl_url());
    if (curl_url_set(url.get(), CURLUPART_URL, from.text.c_str(), 0) != CURLUE_OK ||
        curl_url_set(url.get(), CURLUPART_URL, location.c_str(),
                     CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE) != CURLUE_OK) {
        return unusable(location, "not a URL");
    }
    auto to = parts_of(url, location);
    if (to.ok() && !from.socket.empty() && to->scheme == from.scheme && to->host == from.host &&
        to->port == from.port) {
        to->socket = from.socket;
    }
    return to;
}

Result<ProxyUrl> parse_proxy(const std::string& text) {
    const UrlHandle url(curl_url());
    // A plain socks5 proxy would have the name looked up here, by libcurl.
    const bool local_lookup = text.starts_with("socks5://");
    ProxyUrl proxy{local_lookup ? "socks5h" + text.substr(6) : text, {}};
    const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, proxy.text.c_str(), k_proxy_flags);
    if (code != CURLUE_OK) {
        return unusable(text, curl_url_strerror(code));
    }
    proxy.host = host_of(url);
    return proxy;
}

std::string ProxyUrl::at(const std::string& address) const {
    const UrlHandle url(curl_url());
    if (address.empty() || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), k_proxy_flags) != CURLUE_OK) {
        return text;
    }
    const std::string in_url = address.find(':') == std::string::npos ? address : "[" + address + "]";
    curl_url_set(url.get(), CURLUPART_HOST, in_url.c_str(), 0);
    return part(url, CURLUPART_URL);
}

} // namespace lectio
