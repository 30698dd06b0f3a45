// HostileServer: a TCP or TLS server on loopback that does what a test tells it, byte by byte.
//
//     HostileServer server([](Connection& peer) {
//         peer.read_request();
//         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); // and hangs up
//     });
//     request.url = server.url("/");
//
// Every connection has a thread of its own; all of them end with the server, whatever they wait for.
#pragma once

#include "support/test_certificates.h"
#include "util/unique_fd.h"
#include "util/units.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace lectio {

class Connection {
  public:
    explicit Connection(UniqueFd fd) : m_fd(std::move(fd)) {}
    // One request with its body (Content-Length); empty when the peer has gone.
    std::string read_request();
    std::string read_line();           // without its end; empty when the peer has gone
    char read_byte();                  // 0 when the peer has gone
    bool send(std::string_view bytes); // false when the peer or the test has gone
    void wait_until_gone();            // reads and drops until the peer or the test goes

  private:
    friend class HostileServer;
    bool handshake(ssl_ctx_st* context);
    long receive(char* buffer, std::size_t room);

    UniqueFd m_fd;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> m_tls{nullptr, nullptr};
    std::string m_read; // but not yet used
};

class HostileServer {
  public:
    using Script = std::function<void(Connection&)>;

    explicit HostileServer(Script script);
    HostileServer(Script script, const std::string& socket); // on a socket file that is not there yet
    // TLS; `chain`: PEM certificates sent after its own.
    HostileServer(Script script, const TestCertificate& certificate, const std::string& chain = "");
    ~HostileServer();
    // Before the first connection: who has no certificate of this authority is turned away.
    void ask_for_certificate(const TestCertificate& authority);
    void speak_at_most(int tls_version); // before the first connection: TLS1_VERSION, …
    void before_tls(Script prologue);    // before the first connection: what is said before the handshake
    HostileServer(const HostileServer&) = delete;
    HostileServer& operator=(const HostileServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return m_port; }
    // "http://127.0.0.1:PORT" + path, or https://HOST:PORT.
    [[nodiscard]] std::string url(std::string_view path, std::string_view host = "127.0.0.1") const;
    [[nodiscard]] int connections() const { return m_connections; }

  private:
    struct Worker {
        std::unique_ptr<Connection> connection;
        std::thread thread;
    };
    void accept_all();

    Script m_script;
    Script m_before_tls;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> m_tls{nullptr, nullptr};
    UniqueFd m_listener;
    std::uint16_t m_port = 0;
    std::atomic<int> m_connections{0};
    std::atomic<bool> m_ending{false};
    std::list<Worker> m_workers;
    std::thread m_acceptor;
};

// A port whose queue of connections is full and never emptied: a new one is neither accepted nor refused.
class FullPort {
  public:
    FullPort();
    [[nodiscard]] std::uint16_t port() const { return m_port; }

  private:
    UniqueFd m_listener;
    std::vector<UniqueFd> m_waiting;
    std::uint16_t m_port = 0;
};

// A port on which nobody listens.
std::uint16_t closed_port();

// "HTTP/1.1 200 OK" with this body and its right length.
std::string http_answer(std::string_view body, std::string_view more_headers = "",
                        std::string_view status = "200 OK");

} // namespace lectio
