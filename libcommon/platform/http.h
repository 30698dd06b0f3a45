// Http: all transfers of a run over one libcurl multi handle, on one thread.
//
// Names are resolved by our own abandonable step (resolver.h) and given to libcurl (CURLOPT_RESOLVE), because
// with a silent resolver libcurl returned six seconds late (CONTRACT 34). Our timers end a transfer and name
// the phase that ate the time; an answer always says which phase it reached.
#pragma once

#include "util/result.h"
#include "util/secret.h"
#include "util/task.h"
#include "util/units.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method = "GET";
    std::string url; // http:// https:// or unix:/path.sock:/request/path
    Headers headers; // values may hold secrets: never shown
    std::string body;
    bool follow = true; // redirects, up to max_redirects; each hop is kept in the answer
    int max_redirects = 5;
    bool verify = true; // TLS chain and name
    std::string ca;     // PEM file; empty: the system's
    std::string client_cert, client_key;
    std::string resolve; // connect to this address instead of resolving the URL's host; Host and SNI stay
    std::string proxy;   // "" none (the environment's proxies are never used)
    std::string http_version;       // "" libcurl's choice, "1.1", "2"
    bool new_connection = false;    // none that is open already, nor one stream more in it
    Bytes max_body = 1_MB;          // decoded; more ends the transfer with Failure::too_large
    Duration connect_timeout{2000}; // TCP (DNS has its own 2 s)
    Duration tls_timeout{3000};
    Duration timeout{10000}; // everything, redirects included
};

struct HttpHop {
    std::string url; // secrets already masked
    int status = 0;
};

struct HttpAnswer {
    enum class Phase { dns, connect, tls, send, first_byte, body, done };
    enum class Failure {
        none,
        bad_url,           // our fault: the URL cannot be used
        dns,               // no such name, or the resolver says no
        dns_timeout,       // the resolver says nothing
        refused,           // connection refused
        unreachable,       // no route, network down: the cause is outside this host
        timeout,           // `phase` says where
        tls,               // handshake failed, certificate refused: `detail`
        closed,            // connection cut in the middle
        too_large,         // body over max_body
        headers_too_large, // over 256 kB together, or one over libcurl's limit
        not_http,          // what came is no HTTP answer, or its lengths contradict themselves
        redirects,         // more than max_redirects, or a redirect to something that is not http(s)
        own_fault,         // we could not ask: no descriptors, memory, ports or rights left here: `detail`
        other,             // `detail`
    };
    Failure failure = Failure::none;
    Phase phase = Phase::dns;  // the last phase reached; done for a complete answer
    int status = 0;            // last status line seen, 0 = none
    Headers headers;           // of the last answer, names in lower case, order kept
    std::string body;          // decoded
    std::vector<HttpHop> hops; // the redirects followed, in order
    std::string final_url;     // secrets masked
    bool withheld = false;     // headers or a client certificate, from the server that a redirect led to
    std::string address;       // peer "127.0.0.1:8000", for messages
    std::string detail;        // libcurl's or OpenSSL's words, secrets masked
    // When each phase was left, since the start of the request; a phase not reached has none.
    std::array<std::optional<std::chrono::microseconds>, 7> phases{};
    std::chrono::microseconds total{};

    [[nodiscard]] const std::string* header(std::string_view lower_case_name) const;
};

class Http {
  public:
    virtual ~Http() = default;

    using Done = std::function<void(HttpAnswer)>;
    // Destroying the handle cancels the transfer; `done` is then never called.
    class Transfer {
      public:
        virtual ~Transfer() = default;
    };
    // `done` is called exactly once, from poll(), never from inside start().
    [[nodiscard]] virtual std::unique_ptr<Transfer> start(HttpRequest request, Done done) = 0;

    // The run's loop: moves transfers on and waits at most `wait` for something to happen, or until wake().
    virtual void poll(Duration wait) = 0;
    // From any thread: makes a waiting poll() return.
    virtual void wake() = 0;
    // From any thread: poll() calls `what` once, on the thread of the loop.
    virtual void post(std::function<void()> what) = 0;
};

// co_await fetch(http, request): the answer, whatever it is. Cancelled with its coroutine.
class [[nodiscard]] Fetch {
  public:
    Fetch(Http& http, HttpRequest request) : m_http(http), m_request(std::move(request)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        m_transfer = m_http.start(std::move(m_request), [this, waiting](HttpAnswer answer) {
            m_answer.emplace(std::move(answer));
            waiting.resume();
        });
    }
    HttpAnswer await_resume() { return std::move(*m_answer); }

  private:
    Http& m_http;
    HttpRequest m_request;
    std::unique_ptr<Http::Transfer> m_transfer;
    std::optional<HttpAnswer> m_answer;
};
inline Fetch fetch(Http& http, HttpRequest request) {
    return {http, std::move(request)};
}

// co_await fetch_all(http, requests): all at once; the answers in the order of the requests.
class [[nodiscard]] FetchAll {
  public:
    FetchAll(Http& http, std::vector<HttpRequest> requests)
        : m_http(http), m_requests(std::move(requests)), m_answers(m_requests.size()),
          m_left(m_requests.size()) {}
    bool await_ready() const noexcept { return m_requests.empty(); }
    void await_suspend(std::coroutine_handle<> waiting) {
        for (std::size_t i = 0; i < m_answers.size(); ++i) {
            m_transfers.push_back(
                m_http.start(std::move(m_requests[i]), [this, i, waiting](HttpAnswer answer) {
                    m_answers[i] = std::move(answer);
                    if (--m_left == 0) {
                        waiting.resume();
                    }
                }));
        }
    }
    std::vector<HttpAnswer> await_resume() { return std::move(m_answers); }

  private:
    Http& m_http;
    std::vector<HttpRequest> m_requests;
    std::vector<HttpAnswer> m_answers;
    std::size_t m_left;
    std::vector<std::unique_ptr<Http::Transfer>> m_transfers;
};
inline FetchAll fetch_all(Http& http, std::vector<HttpRequest> requests) {
    return {http, std::move(requests)};
}

} // namespace lectio
