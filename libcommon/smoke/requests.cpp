#include "smoke/requests.h"

#include "platform/http_url.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

// Whether it answers at all is asked when something has got no answer already.
constexpr Duration k_longest_knock = 5s;
constexpr std::string_view k_boundary = "----lectio-smoke-2f1b7c90d3e8a645";

std::string url_of(std::string_view target, const SmokeSettings& smoke) {
    if (target.starts_with("http://") || target.starts_with("https://")) {
        return std::string(target);
    }
    std::string_view base = smoke.base_url;
    while (base.ends_with('/')) {
        base.remove_suffix(1);
    }
    return fmt::format("{}{}{}", base, target.starts_with('/') ? "" : "/", target);
}

HttpRequest request_to(std::string_view method, std::string_view target, Duration timeout,
                       const SmokeSettings& smoke) {
    HttpRequest request;
    request.method = method;
    request.url = url_of(target, smoke);
    request.timeout = timeout > 0ms ? timeout : smoke.timeout;
    if (is_of_the_site(request.url, smoke)) {
        request.resolve = smoke.resolve;
        request.ca = smoke.ca;
    }
    return request;
}

// application/x-www-form-urlencoded (https://url.spec.whatwg.org/#urlencoded-serializing).
std::string encoded_form(const std::map<std::string, std::string>& form) {
    const auto encode = [](std::string_view text) {
        std::string encoded;
        for (const char c : text) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                               std::string_view("*-._").find(c) != std::string_view::npos;
            if (plain) {
                encoded += c;
            } else if (c == ' ') {
                encoded += '+';
            } else {
                encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
            }
        }
        return encoded;
    };
    std::string text;
    for (const auto& [name, value] : form) {
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", encode(name), encode(value));
    }
    return text;
}

// A saved value must not end the header that it stands in.
std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    return text;
}

// What names in Content-Disposition may not hold (RFC 7578, 4.2) is written as browsers do.
std::string in_quotes(std::string_view name) {
    std::string text;
    for (const char c : name) {
        text += c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : std::string(1, c);
    }
    return text;
}

std::string made_up_file(Bytes size) {
    constexpr std::string_view k_line = "lectio-smoke: this file was made to see whether files can be sent\n";
    std::string file;
    file.reserve(size.count + k_line.size());
    while (file.size() < size.count) {
        file += k_line;
    }
    file.resize(size.count);
    return file;
}

// multipart/form-data (RFC 7578).
std::string multipart(const UploadSettings& upload, const std::map<std::string, std::string>& fields) {
    std::string body;
    for (const auto& [name, value] : fields) {
        body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", k_boundary,
                            in_quotes(name), value);
    }
    body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n"
                        "Content-Type: {}\r\n\r\n",
                        k_boundary, in_quotes(upload.field), in_quotes(upload.name), upload.type);
    body += made_up_file(upload.size);
    return body + fmt::format("\r\n--{}--\r\n", k_boundary);
}

void add_body(HttpRequest& request, const std::string& json, const std::map<std::string, std::string>& form) {
    if (!json.empty()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = json;
    } else if (!form.empty()) {
        request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
        request.body = encoded_form(form);
    }
}

void add_identity(HttpRequest& request, const Identity& who, const SmokeSettings& smoke) {
    if (!is_of_the_site(request.url, smoke)) {
        return;
    }
    if (!who.token.empty()) {
        request.headers.emplace_back("Authorization", "Bearer " + who.token.reveal());
    }
    if (who.cookies.empty()) {
        return;
    }
    request.headers.emplace_back("Cookie", who.cookies.header());
    const std::string* csrf = who.cookies.find(who.csrf_cookie);
    if (csrf != nullptr && request.method != "GET") {
        request.headers.emplace_back(who.csrf_header, *csrf);
        request.headers.emplace_back("Referer", url_of("/", smoke)); // Django asks for it over https
    }
}

} // namespace

bool is_of_the_site(const std::string& url, const SmokeSettings& smoke) {
    const Result<HttpUrl> asked = parse_http_url(url);
    const Result<HttpUrl> site = parse_http_url(smoke.base_url);
    return asked && site && asked->same_origin(*site);
}

HttpRequest connection_request(const SmokeSettings& smoke) {
    HttpRequest request = request_to("GET", "/", std::min(smoke.timeout, k_longest_knock), smoke);
    request.follow = false;
    return request;
}

HttpRequest csrf_request(const LoginSettings& login, const SmokeSettings& smoke) {
    return request_to("GET", login.csrf->get, login.timeout, smoke);
}

HttpRequest login_request(const LoginSettings& login, const Identity& so_far, const SmokeSettings& smoke) {
    HttpRequest request = request_to("POST", login.post, login.timeout, smoke);
    request.follow = false; // what a redirect leads to is no part of the login, and hides its cookies
    add_body(request, login.json.text, login.form);
    add_identity(request, so_far, smoke);
    return request;
}

HttpRequest step_request(const StepSettings& step, const Identity* who, const Values& values,
                         const SmokeSettings& smoke) {
    const MethodAndTarget asked = method_of(step);
    HttpRequest request = request_to(asked.method, put_in_target(asked.target, values), step.timeout, smoke);
    request.follow = step.follow;
    request.max_body = step.max_size;
    std::map<std::string, std::string> form;
    for (const auto& [name, value] : step.form) {
        form[name] = put_in_text(value, values);
    }
    if (step.upload) {
        request.headers.emplace_back("Content-Type",
                                     fmt::format("multipart/form-data; boundary={}", k_boundary));
        request.body = multipart(*step.upload, form);
    } else {
        add_body(request, step.json.text.empty() ? "" : put_in_json(step.json.text, values), form);
    }
    if (!step.range.empty()) {
        request.headers.emplace_back("Range", "bytes=" + step.range);
        request.headers.emplace_back("Accept-Encoding", "identity"); // a packed part has other bytes
    }
    for (const auto& [name, value] : step.headers) {
        request.headers.emplace_back(name, one_line(put_in_text(value, values)));
    }
    if (who != nullptr) {
        add_identity(request, *who, smoke);
    }
    return request;
}

} // namespace lectio
