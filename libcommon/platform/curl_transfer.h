// CurlTransfer: one request on one libcurl easy handle, redirect by redirect, from its first lookup to its
// answer.
//
// It knows the phases and what each failure is called; when things happen is the loop's business
// (curl_http.cpp).
#pragma once

#include "platform/clock.h"
#include "platform/http.h"
#include "platform/http_url.h"
#include "platform/resolver.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>

struct curl_slist;

namespace lectio {

// Easy handles that have done their work, for the next transfers: making one anew costs libcurl as much as a tenth of a
// request. What a handle keeps even when its options are reset is the TLS sessions it has seen, and who resumes one is not
// shown the certificate again; so only handles that have never spoken TLS come back.
class SpareHandles {
  public:
    SpareHandles() = default;
    ~SpareHandles();
    SpareHandles(const SpareHandles&) = delete;
    SpareHandles& operator=(const SpareHandles&) = delete;

    [[nodiscard]] void* take(); // CURL*, with every option at its default; nullptr: no memory
    void give_back(void* easy); // belongs to no multi handle any more

  private:
    std::vector<void*> m_handles;
};

class CurlTransfer {
  public:
    // `phase_changed` is called whenever deadline() may have moved; also from inside libcurl. `spare` outlives it.
    CurlTransfer(HttpRequest request, SpareHandles& spare, std::function<void()> phase_changed);
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    // The life of a transfer: begin, then for each hop name_to_ask, connect_to, (libcurl works), hop_ended.
    enum class Next { look_up, connect, end };
    Next begin();
    // The host whose address is wanted when `look_up` was said.
    [[nodiscard]] const std::string& name_to_ask() const;
    // With its addresses, or none where none were needed. `end`: there is nothing to connect to.
    Next connect_to(const NameLookup& lookup);
    // libcurl is through with the hop: CURLcode.
    Next hop_ended(int curl_code);
    // deadline() has passed.
    void time_out();

    [[nodiscard]] void* easy() const { return m_easy; } // CURL*
    [[nodiscard]] bool wants_new_connection() const { return m_request.new_connection; }
    [[nodiscard]] SteadyTime deadline() const; // of the present phase
    HttpAnswer take_answer();                  // once, after `end` or time_out()

  private:
    using Phase = HttpAnswer::Phase;
    using Failure = HttpAnswer::Failure;
    struct ListDeleter {
        void operator()(curl_slist* list) const;
    };
    using List = std::unique_ptr<curl_slist, ListDeleter>;
    struct Callbacks; // what libcurl calls

    Next begin_hop();
    Next follow(const std::string& location);
    void withhold_from(const HttpUrl& other);
    void end(Failure failure, const std::string& detail = {});
    void enter(Phase phase);

    void set_up_everything();
    void set_up_method();
    void set_up_tls();
    void set_up_headers();
    static List headers_with(const Headers& headers); // our own and these
    void set_up_target(const NameLookup& lookup);

    void classify(int curl_code);
    [[nodiscard]] Failure why_not_connected() const;
    [[nodiscard]] std::string wrong_length() const;

    std::size_t on_header(std::string_view line);
    std::size_t on_body(std::string_view bytes);
    std::size_t on_send(char* buffer, std::size_t room);
    int open_socket(int family, int type, int protocol, const sockaddr& peer);

    HttpRequest m_request;
    SpareHandles& m_spare;
    std::function<void()> m_phase_changed;
    HttpUrl m_url; // of the present hop
    std::optional<ProxyUrl> m_proxy;
    List m_headers, m_resolve, m_connect_to;
    std::string m_error_text; // CURLOPT_ERRORBUFFER
    void* m_easy = nullptr;   // CURL*
    bool m_is_plain = true;   // no hop was asked over TLS
    sockaddr_in6 m_peer{};    // the last that was connected to; of no family: none, or none with an address
    HttpAnswer m_answer;
    Failure m_cut = Failure::none; // why we ended it from inside a callback
    int m_socket_error = 0;        // errno, where not even a socket could be had
    Phase m_phase = Phase::dns;
    SteadyTime m_started, m_phase_since;
    std::size_t m_header_bytes = 0;
    std::size_t m_sent = 0;
};

} // namespace lectio
