#include "platform/curl_transfer.h"

#include "platform/curl_setup.h"
#include "platform/dial.h"
#include "util/network.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace lectio {
namespace {

constexpr std::size_t k_max_header_bytes = std::size_t{256} << 10U; // CONTRACT 9
SteadyTime steady_now() {
    return std::chrono::steady_clock::now();
}

template<class Value>
void set(CURL* easy, CURLoption option, Value value) {
    // What fails here (an option this libcurl was built without, no memory) shows as a failed transfer.
    curl_easy_setopt(easy, option, value);
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string in_brackets(const std::string& address) {
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// "HTTP/1.1 200 OK" → 200; 0 where three digits do not stand (RFC 9112, 4), which libcurl lets pass.
int status_of(std::string_view status_line) {
    status_line.remove_prefix(std::min(status_line.find(' '), status_line.size()));
    const std::string_view code = trim(status_line).substr(0, 4);
    const bool ends = code.size() == 3 || (code.size() == 4 && (code[3] < '0' || code[3] > '9'));
    const int status = ends ? number_from<int>(code.substr(0, 3)).value_or(0) : 0;
    return std::max(status, 0);
}

// `peer`: of either family, an sockaddr_in in its beginning.
std::string peer_words(const sockaddr_in6& peer) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (peer.sin6_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &peer, sizeof in);
        ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(in.sin_port));
    }
    if (peer.sin6_family == AF_INET6) {
        ::inet_ntop(AF_INET6, &peer.sin6_addr, text.data(), text.size());
        return fmt::format("[{}]:{}", text.data(), ntohs(peer.sin6_port));
    }
    return {};
}

// 1*DIGIT (RFC 9110, 8.6) that a length can be.
bool is_length(std::string_view text) {
    return number_from<std::int64_t>(text).value_or(-1) >= 0;
}

// 307 and 308 ask for the same request at another address (RFC 9110, 15.4.8).
bool repeats_request(int status) {
    return status > 303;
}

// "tlsv13 alert certificate required" of "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate
// required, errno 0"; empty: it is about something else. In TLS 1.3 a server turns a client's certificate down after
// the handshake is over for the client (RFC 8446, 4.4.2.4).
std::string_view tls_alert_in(std::string_view words) {
    constexpr std::string_view k_before = "SSL routines::";
    const std::size_t at = words.find(k_before);
    if (at == std::string_view::npos || words.find(" alert ", at) == std::string_view::npos) {
        return {};
    }
    words.remove_prefix(at + k_before.size());
    return words.substr(0, words.find(','));
}

} // namespace

// libcurl's view of the transfer. None of these may call back into libcurl or run anything of a check.
struct CurlTransfer::Callbacks {
    static CurlTransfer& self(void* data) { return *static_cast<CurlTransfer*>(data); }

    static std::size_t header(char* data, std::size_t size, std::size_t count, void* transfer) {
        return self(transfer).on_header({data, size * count});
    }
    static std::size_t body(char* data, std::size_t size, std::size_t count, void* transfer) {
        return self(transfer).on_body({data, size * count});
    }
    static std::size_t send(char* buffer, std::size_t size, std::size_t count, void* transfer) {
        return self(transfer).on_send(buffer, size * count);
    }
    // libcurl sends again from the start where a kept connection turned out to be closed.
    static int seek(void* transfer, curl_off_t offset, int) {
        self(transfer).m_sent = static_cast<std::size_t>(offset);
        return CURL_SEEKFUNC_OK;
    }
    static curl_socket_t open_socket(void* transfer, curlsocktype, curl_sockaddr* address) {
        return self(transfer).open_socket(address->family, address->socktype, address->protocol,
                                          address->addr);
    }
    static CURLcode tls_begins(CURL*, void* context, void* transfer) {
        self(transfer).enter(Phase::tls);
        // Connections that wait hold no buffers of 34 kB each.
        SSL_CTX_set_mode(static_cast<SSL_CTX*>(context), SSL_MODE_RELEASE_BUFFERS);
        return CURLE_OK;
    }
    static int request_begins(void* transfer, char* peer, char*, int port, int) {
        CurlTransfer& me = self(transfer);
        if (me.m_url.socket.empty()) {
            me.m_answer.address = in_brackets(peer);
            me.m_answer.address += ':';
            me.m_answer.address += std::to_string(port);
        }
        me.enter(me.m_request.body.empty() ? Phase::first_byte : Phase::send);
        return CURL_PREREQFUNC_OK;
    }
};

SpareHandles::~SpareHandles() {
    for (void* easy : m_handles) {
        curl_easy_cleanup(easy);
    }
}

void* SpareHandles::take() {
    if (m_handles.empty()) {
        return curl_easy_init();
    }
    void* easy = m_handles.back();
    m_handles.pop_back();
    return easy;
}

void SpareHandles::give_back(void* easy) {
    curl_easy_reset(easy);
    m_handles.push_back(easy);
}

void CurlTransfer::ListDeleter::operator()(curl_slist* list) const {
    curl_slist_free_all(list);
}

CurlTransfer::CurlTransfer(HttpRequest request, SpareHandles& spare, std::function<void()> phase_changed)
    : m_request(std::move(request)), m_spare(spare), m_phase_changed(std::move(phase_changed)),
      m_error_text(CURL_ERROR_SIZE, '\0') {}

// The handle goes before the lists that it uses.
CurlTransfer::~CurlTransfer() {
    if (m_easy != nullptr && m_is_plain) {
        m_spare.give_back(m_easy);
    } else {
        curl_easy_cleanup(m_easy);
    }
}

CurlTransfer::Next CurlTransfer::begin() {
    m_started = steady_now();
    auto url = parse_http_url(m_request.url);
    if (!url.ok()) {
        end(Failure::bad_url, url.error().message);
        return Next::end;
    }
    m_url = std::move(*url);
    if (!m_request.proxy.empty()) {
        auto proxy = parse_proxy(m_request.proxy);
        if (!proxy.ok()) {
            end(Failure::bad_url, proxy.error().message);
            return Next::end;
        }
        m_proxy = std::move(*proxy);
    }
    m_easy = m_spare.take();
    if (m_easy == nullptr) {
        end(Failure::own_fault, "out of memory");
        return Next::end;
    }
    set_up_everything();
    return begin_hop();
}

CurlTransfer::Next CurlTransfer::begin_hop() {
    m_answer.final_url = m_url.shown();
    m_is_plain = m_is_plain && m_url.scheme == "http" && !m_proxy;
    enter(Phase::dns);
    m_header_bytes = 0;
    m_error_text.front() = '\0';
    if (m_proxy) {
        return is_ip_address(m_proxy->host) ? Next::connect : Next::look_up; // the proxy looks up the rest
    }
    const bool known = !m_url.socket.empty() || !m_request.resolve.empty() || is_ip_address(m_url.host);
    return known ? Next::connect : Next::look_up;
}

const std::string& CurlTransfer::name_to_ask() const {
    return m_proxy ? m_proxy->host : m_url.host;
}

CurlTransfer::Next CurlTransfer::connect_to(const NameLookup& lookup) {
    if (!lookup.error.empty()) {
        end(lookup.own_fault ? Failure::own_fault : Failure::dns, lookup.error);
        return Next::end;
    }
    set_up_target(lookup);
    enter(Phase::connect);
    return Next::connect;
}

CurlTransfer::Next CurlTransfer::hop_ended(int curl_code) {
    // Cut short by the length that libcurl believed: the lie is what there is to mend.
    const bool length_told = curl_code == CURLE_OK || curl_code == CURLE_PARTIAL_FILE;
    if (m_cut != Failure::none) {
        end(m_cut);
    } else if (const std::string wrong = length_told ? wrong_length() : ""; !wrong.empty()) {
        end(Failure::not_http, wrong);
    } else if (curl_code != CURLE_OK) {
        classify(curl_code);
    } else if (m_answer.status <= 100) { // "100 Continue" alone is no answer
        end(Failure::not_http, "no status of three digits");
    } else {
        const std::string* location = m_answer.header("location");
        if (m_request.follow && location != nullptr && is_redirect(m_answer.status)) {
            return follow(std::string(*location));
        }
        enter(Phase::done);
        end(Failure::none);
    }
    return Next::end;
}

CurlTransfer::Next CurlTransfer::follow(const std::string& location) {
    m_answer.hops.push_back({m_url.shown(), m_answer.status});
    if (std::cmp_greater(m_answer.hops.size(), m_request.max_redirects)) {
        end(Failure::redirects, fmt::format("more than {} redirects", m_request.max_redirects));
        return Next::end;
    }
    auto next = follow_location(m_url, location);
    if (!next.ok()) {
        end(Failure::redirects, next.error().message);
        return Next::end;
    }
    if (!next->same_origin(m_url)) {
        if (repeats_request(m_answer.status) && !m_request.body.empty()) {
            end(Failure::redirects, "the body of a request is not sent on to another server");
            return Next::end;
        }
        withhold_from(*next);
    }
    // As browsers do: what was posted is not posted again, but for 307 and 308.
    if (!repeats_request(m_answer.status) && m_request.method != "GET" && m_request.method != "HEAD") {
        m_request.method = "GET";
        m_request.body.clear();
    }
    m_url = std::move(*next);
    m_answer.body.clear();
    m_answer.headers.clear();
    set_up_method();
    set_up_headers();
    return begin_hop();
}

// Any header may be a key (X-Api-Key, Authorization), and a redirect leads where the asked server pleases: another
// origin gets nothing that was configured for the first.
void CurlTransfer::withhold_from(const HttpUrl& other) {
    m_answer.withheld = m_answer.withheld || !m_request.headers.empty() || !m_request.client_cert.empty();
    m_request.headers.clear();
    m_request.client_cert.clear();
    m_request.client_key.clear();
    m_request.resolve = other.host == m_url.host ? m_request.resolve : std::string();
    set_up_tls();
}

void CurlTransfer::time_out() {
    end(m_phase == Phase::dns ? Failure::dns_timeout : Failure::timeout);
}

void CurlTransfer::end(Failure failure, const std::string& detail) {
    m_answer.failure = failure;
    m_answer.phase = m_phase;
    if (m_answer.address.empty()) { // nothing could be asked of it
        m_answer.address = peer_words(m_peer);
    }
    m_answer.detail = redact(clean_line(detail));
    m_answer.total = std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - m_started);
}

HttpAnswer CurlTransfer::take_answer() {
    return std::move(m_answer);
}

// Leaves the present phase. A kept connection skips some; a redirect begins again.
void CurlTransfer::enter(Phase phase) {
    m_phase_since = steady_now();
    if (phase != Phase::dns) {
        m_answer.phases[static_cast<std::size_t>(m_phase)] =
            std::chrono::duration_cast<std::chrono::microseconds>(m_phase_since - m_started);
    }
    m_phase = phase;
    m_phase_changed();
}

SteadyTime CurlTransfer::deadline() const {
    const SteadyTime whole = m_started + m_request.timeout;
    switch (m_phase) {
    case Phase::dns:
        return std::min(whole, m_phase_since + k_longest_lookup);
    case Phase::connect:
        return std::min(whole, m_phase_since + m_request.connect_timeout);
    case Phase::tls:
        return std::min(whole, m_phase_since + m_request.tls_timeout);
    default:
        return whole;
    }
}

void CurlTransfer::set_up_everything() {
    CURL* easy = m_easy;
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_ERRORBUFFER, m_error_text.data());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // libcurl is told each address. With a limit it would look through all it knows after each request for what is too old.
    set(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    set(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::header);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, &Callbacks::body);
    set(easy, CURLOPT_WRITEDATA, this);
    set(easy, CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
    set(easy, CURLOPT_OPENSOCKETDATA, this);
    set(easy, CURLOPT_PREREQFUNCTION, &Callbacks::request_begins);
    set(easy, CURLOPT_PREREQDATA, this);
    if (m_request.http_version == "1.1") {
        set(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    } else if (m_request.http_version == "2") {
        set(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    }
    set_up_tls();
    set_up_method();
    set_up_headers();
}

void CurlTransfer::set_up_tls() {
    CURL* easy = m_easy;
    set(easy, CURLOPT_SSL_CTX_FUNCTION, &Callbacks::tls_begins);
    set(easy, CURLOPT_SSL_CTX_DATA, this);
    set(easy, CURLOPT_SSL_VERIFYPEER, m_request.verify ? 1L : 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, m_request.verify ? 2L : 0L);
    trust(easy, m_request.ca);
    if (!m_request.client_cert.empty()) {
        set(easy, CURLOPT_SSLCERT, m_request.client_cert.c_str());
        const std::string& key = m_request.client_key.empty() ? m_request.client_cert : m_request.client_key;
        set(easy, CURLOPT_SSLKEY, key.c_str());
    } else {
        set(easy, CURLOPT_SSLCERT, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_SSLKEY, static_cast<const char*>(nullptr));
    }
}

void CurlTransfer::set_up_method() {
    CURL* easy = m_easy;
    m_sent = 0;
    set(easy, CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
    if (m_request.method == "HEAD") {
        set(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    set(easy, CURLOPT_NOBODY, 0L);
    if (m_request.body.empty() && m_request.method != "POST") {
        set(easy, CURLOPT_HTTPGET, 1L);
    } else {
        set(easy, CURLOPT_POST, 1L);
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(m_request.body.size()));
        set(easy, CURLOPT_READFUNCTION, &Callbacks::send); // not POSTFIELDS: the end of sending is a phase
        set(easy, CURLOPT_READDATA, this);
        set(easy, CURLOPT_SEEKFUNCTION, &Callbacks::seek);
        set(easy, CURLOPT_SEEKDATA, this);
    }
    if (m_request.method != "GET" && m_request.method != "POST") {
        set(easy, CURLOPT_CUSTOMREQUEST, m_request.method.c_str());
    }
}

void CurlTransfer::set_up_headers() {
    static const List usual = headers_with({});
    List own = m_request.headers.empty() ? List() : headers_with(m_request.headers);
    set(m_easy, CURLOPT_HTTPHEADER, own ? own.get() : usual.get());
    m_headers = std::move(own);
}

CurlTransfer::List CurlTransfer::headers_with(const Headers& headers) {
    List list;
    const auto add = [&list](const std::string& line) {
        list.reset(curl_slist_append(list.release(), line.c_str())); // no memory: libcurl gave back nullptr
    };
    add(fmt::format("User-Agent: lectio-monitor/{}", k_version));
    add("Expect:"); // no waiting for "100 Continue"
    for (const auto& [name, value] : headers) {
        add(value.empty() ? name + ";"
                          : fmt::format("{}: {}", name, value)); // libcurl's way of sending an empty value
    }
    return list;
}

// Where to connect, so that libcurl never asks a resolver itself.
void CurlTransfer::set_up_target(const NameLookup& lookup) {
    CURL* easy = m_easy;
    const std::string first = lookup.addresses.empty() ? std::string() : lookup.addresses.front();
    set(easy, CURLOPT_URL, m_url.text.c_str());
    set(easy, CURLOPT_UNIX_SOCKET_PATH, m_url.socket.empty() ? nullptr : m_url.socket.c_str());
    set(easy, CURLOPT_SOCKS5_AUTH,
        CURLAUTH_BASIC); // name and password: Kerberos is left out (cmake/StaticCurl.cmake)
    set(easy, CURLOPT_PROXY, m_proxy ? m_proxy->at(first).c_str() : ""); // "" also silences the environment's
    // What a proxy says to CONNECT is not the server's answer: without it nothing of the request has left.
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Unlike RESOLVE, CONNECT_TO holds for one transfer only: the same name may be asked inside and outside.
    // A name beyond ASCII libcurl would look for among the given ones in its other form.
    const std::string fixed = !m_request.resolve.empty() || is_ascii(m_url.host) ? m_request.resolve : first;
    List connect_to, resolve;
    if (!m_proxy && !fixed.empty()) {
        connect_to.reset(curl_slist_append(nullptr, fmt::format("::{}:", in_brackets(fixed)).c_str()));
    } else if (!m_proxy && !first.empty()) {
        const std::string entry =
            fmt::format("{}:{}:{}", m_url.host, m_url.port, fmt::join(lookup.addresses, ","));
        resolve.reset(curl_slist_append(nullptr, entry.c_str()));
    }
    set(easy, CURLOPT_CONNECT_TO, connect_to.get());
    set(easy, CURLOPT_RESOLVE, resolve.get());
    m_connect_to = std::move(connect_to);
    m_resolve = std::move(resolve);
}

void CurlTransfer::classify(int curl_code) {
    const std::string words = m_error_text.front() != '\0'
                                  ? m_error_text.c_str()
                                  : curl_easy_strerror(static_cast<CURLcode>(curl_code));
    switch (curl_code) {
    case CURLE_COULDNT_CONNECT:
        end(why_not_connected(),
            m_socket_error != 0 ? std::generic_category().message(m_socket_error) : words);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        end(Failure::dns, words);
        break;
    case CURLE_OPERATION_TIMEDOUT: // the kernel's own patience was shorter than ours
        end(Failure::timeout, words);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        end(Failure::tls, words);
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        end(Failure::bad_url, words);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        end(Failure::closed, words);
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        if (const std::string_view alert = tls_alert_in(words); !alert.empty()) {
            end(Failure::tls, std::string(alert));
        } else {
            end(words.find("chunk") == std::string::npos ? Failure::closed : Failure::not_http, words);
        }
        break;
    case CURLE_UNSUPPORTED_PROTOCOL: // "HTTP/0.9", or a version that does not exist
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        end(Failure::not_http, words);
        break;
    case CURLE_WRITE_ERROR: // we take everything: it could not be unpacked on its way to us
        end(Failure::not_http, "Error while processing content unencoding");
        break;
    case CURLE_OUT_OF_MEMORY: // what libcurl 7.88 says of one header line over its own limit of 100 kB
        end(m_phase < Phase::first_byte ? Failure::own_fault : Failure::headers_too_large, words);
        break;
    default:
        end(Failure::other, words);
    }
}

HttpAnswer::Failure CurlTransfer::why_not_connected() const {
    long error = 0;
    curl_easy_getinfo(m_easy, CURLINFO_OS_ERRNO, &error);
    error = m_socket_error != 0 ? m_socket_error : error;
    return error == 0 ? HttpAnswer::Failure::other
                      : failure_as<HttpAnswer::Failure>(failure_to_connect(static_cast<int>(error)));
}

// Two lengths are one lie, and one that is no number is an unrecoverable error (RFC 9112, 6.3); libcurl would take
// the last, and read to the end of a connection whose length it cannot hold. What comes after the stated length
// it drops unseen, as browsers do: that the body is longer than it says cannot be known here.
std::string CurlTransfer::wrong_length() const {
    const std::string* first = m_answer.header("content-length");
    for (const auto& [name, value] : m_answer.headers) {
        if (name == "content-length" && value != *first) {
            return "two different Content-Length headers";
        }
    }
    return first == nullptr || is_length(*first) ? "" : "Invalid Content-Length";
}

std::size_t CurlTransfer::on_header(std::string_view line) {
    m_header_bytes += line.size();
    if (m_header_bytes > k_max_header_bytes) {
        m_cut = Failure::headers_too_large;
        return 0;
    }
    if (line.starts_with("HTTP/")) { // also after "100 Continue"
        m_answer.status = status_of(line);
        m_answer.headers.clear();
        if (m_answer.status >= 200) {
            enter(Phase::body);
        }
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
        m_answer.headers.emplace_back(to_lower_ascii(trim(line.substr(0, colon))),
                                      trim(line.substr(colon + 1)));
    }
    return line.size();
}

std::size_t CurlTransfer::on_body(std::string_view bytes) {
    const std::size_t room = m_request.max_body.count - m_answer.body.size();
    m_answer.body.append(bytes.substr(0, room));
    if (bytes.size() > room) {
        m_cut = Failure::too_large;
        return 0;
    }
    return bytes.size();
}

std::size_t CurlTransfer::on_send(char* buffer, std::size_t room) {
    const std::string_view rest = std::string_view(m_request.body).substr(m_sent);
    const std::string_view now = rest.substr(0, room);
    now.copy(buffer, now.size());
    m_sent += now.size();
    if (m_sent == m_request.body.size() && m_phase == Phase::send) {
        enter(Phase::first_byte);
    }
    return now.size();
}

int CurlTransfer::open_socket(int family, int type, int protocol, const sockaddr& peer) {
    m_answer.address.clear(); // its words are made when they are wanted, or libcurl brings them
    m_peer = {};
    if (family == AF_INET || family == AF_INET6) {
        std::memcpy(&m_peer, &peer, family == AF_INET ? sizeof(sockaddr_in) : sizeof m_peer);
    }
    const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
    m_socket_error = fd < 0 ? errno : 0;
    return fd;
}

} // namespace lectio
