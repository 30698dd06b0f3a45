#include "platform/http_url.h"

#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

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

// ── what needs no library ───────────────────────────────────────────────────────────────────────────────────

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_small_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

// "10.0.0.7" as it is always written; what else has digits at its end may be a number to libcurl ("127.1").
bool is_usual_ipv4(std::string_view host) {
    int numbers = 0;
    for (const std::string_view number : split(host, '.')) {
        const bool usual = number.size() == 1 || (number.size() <= 3 && !number.starts_with('0'));
        const auto value = usual ? number_from<unsigned>(number) : std::nullopt;
        if (!value || *value > 255) {
            return false;
        }
        ++numbers;
    }
    return numbers == 4;
}

bool is_usual_host(std::string_view host) {
    if (host.empty() || !is_small_letter_or_digit(host.front()) || !is_small_letter_or_digit(host.back()) ||
        !std::all_of(host.begin(), host.end(),
                     [](char c) { return is_small_letter_or_digit(c) || c == '-' || c == '.'; })) {
        return false;
    }
    const std::string_view last = host.substr(host.rfind('.') + 1);
    return !is_digit(last.front()) || is_usual_ipv4(host);
}

bool is_usual_path(std::string_view path) {
    return path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos &&
           std::all_of(path.begin(), path.end(), [](char c) {
               return is_small_letter_or_digit(c) || (c >= 'A' && c <= 'Z') ||
                      std::string_view("/-_.").find(c) != std::string_view::npos;
           });
}

// Most URLs are as plain as "http://127.0.0.1:8000/health/", and of many targets each is read in each run: libcurl takes
// 15,000 instructions for it. Nothing where it is not that plain.
std::optional<HttpUrl> usual_parts(std::string_view written) {
    HttpUrl parts;
    parts.scheme = written.starts_with("https://") ? "https" : "http";
    parts.port = parts.scheme == "https" ? 443 : 80;
    std::string_view rest = written;
    if (!rest.starts_with(parts.scheme) || !rest.substr(parts.scheme.size()).starts_with("://")) {
        return std::nullopt;
    }
    rest.remove_prefix(parts.scheme.size() + 3);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    const std::string_view path = rest.substr(authority.size());
    const std::size_t colon = authority.find(':');
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        const auto port = number_from<std::uint16_t>(digits);
        if (!port || *port == 0 || *port == parts.port || !is_digit(digits.front()) ||
            digits.front() == '0') {
            return std::nullopt;
        }
        parts.port = *port;
    }
    parts.host = authority.substr(0, colon);
    if (!is_usual_host(parts.host) || !is_usual_path(path)) {
        return std::nullopt;
    }
    parts.text = written;
    parts.text += path.empty() ? "/" : "";
    return parts;
}

Result<HttpUrl> parse_plain(std::string_view written) {
    if (std::optional<HttpUrl> usual = usual_parts(written)) {
        return *std::move(usual);
    }
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
