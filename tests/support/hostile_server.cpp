#include "support/hostile_server.h"

#include "util/text.h"

#include <array>
#include <charconv>
#include <csignal>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace lectio {
namespace {

void must(bool happened, const char* what) {
    if (!happened) {
        throw std::runtime_error(std::string("test server: ") + what);
    }
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

UniqueFd listen_on_loopback(int backlog) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to peers that have gone
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(0);
    must(fd.valid() && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
             ::listen(fd.get(), backlog) == 0,
         "no port to listen on");
    return fd;
}

UniqueFd listen_on_socket(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    must(fd.valid() && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
             ::listen(fd.get(), 1024) == 0,
         "no socket to listen on");
    return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    must(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "no port");
    return ntohs(address.sin_port);
}

std::size_t body_length(std::string_view head) {
    for (const std::string_view line : split_lines(head)) {
        constexpr std::string_view k_name = "content-length:";
        if (to_lower_ascii(line).starts_with(k_name)) {
            const std::string_view number = trim(line.substr(k_name.size()));
            std::size_t length = 0;
            std::from_chars(number.data(), number.data() + number.size(), length);
            return length;
        }
    }
    return 0;
}

ssl_ctx_st* tls_context(const TestCertificate& certificate, const std::string& chain) {
    ssl_ctx_st* context = SSL_CTX_new(TLS_server_method());
    const auto read = [](const std::string& pem) {
        return std::unique_ptr<BIO, int (*)(BIO*)>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                   BIO_free);
    };
    const std::unique_ptr<X509, void (*)(X509*)> own(
        PEM_read_bio_X509(read(certificate.pem).get(), nullptr, nullptr, nullptr), X509_free);
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
        PEM_read_bio_PrivateKey(read(certificate.key_pem).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    SSL_CTX_set_security_level(context, 0); // what a test wishes for may be weak
    must(SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1 &&
             SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0") == 1,
         "old protocols not usable");
    must(SSL_CTX_use_certificate(context, own.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1,
         "certificate not usable");
    if (!chain.empty()) {
        const auto bio = read(chain);
        while (X509* more = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
            SSL_CTX_add_extra_chain_cert(context, more); // owns it
        }
    }
    return context;
}

X509* certificate_of(const std::string& pem) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                  BIO_free);
    return PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
}

} // namespace

void HostileServer::ask_for_certificate(const TestCertificate& authority) {
    const std::unique_ptr<X509, void (*)(X509*)> trusted(certificate_of(authority.pem), X509_free);
    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(m_tls.get()), trusted.get()) == 1,
         "authority not usable");
    SSL_CTX_set_verify(m_tls.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void HostileServer::speak_at_most(int tls_version) {
    must(SSL_CTX_set_max_proto_version(m_tls.get(), tls_version) == 1, "version not usable");
}

void HostileServer::before_tls(Script prologue) {
    m_before_tls = std::move(prologue);
}

bool Connection::handshake(ssl_ctx_st* context) {
    if (context == nullptr) {
        return true;
    }
    m_tls = {SSL_new(context), SSL_free};
    SSL_set_fd(m_tls.get(), m_fd.get());
    if (SSL_accept(m_tls.get()) == 1) {
        return true;
    }
    // To hang up over bytes that were not read would reset the connection, and the alert were lost with it.
    ::shutdown(m_fd.get(), SHUT_WR);
    std::array<char, 4096> dropped{};
    while (::recv(m_fd.get(), dropped.data(), dropped.size(), 0) > 0) {
    }
    return false;
}

long Connection::receive(char* buffer, std::size_t room) {
    if (m_tls != nullptr) {
        return SSL_read(m_tls.get(), buffer, static_cast<int>(room));
    }
    return ::recv(m_fd.get(), buffer, room, 0);
}

std::string Connection::read_request() {
    std::array<char, 4096> buffer{};
    for (;;) {
        const std::size_t end = m_read.find("\r\n\r\n");
        if (end != std::string::npos) {
            const std::size_t whole = end + 4 + body_length(m_read.substr(0, end));
            if (m_read.size() >= whole) {
                std::string request = m_read.substr(0, whole);
                m_read.erase(0, whole);
                return request;
            }
        }
        const long size = receive(buffer.data(), buffer.size());
        if (size <= 0) {
            return {};
        }
        m_read.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

char Connection::read_byte() {
    char byte = 0;
    return receive(&byte, 1) == 1 ? byte : '\0';
}

std::string Connection::read_line() {
    std::string line;
    for (char byte = read_byte(); byte != '\n' && byte != 0; byte = read_byte()) {
        line += byte;
    }
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

bool Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const long size = m_tls != nullptr
                              ? SSL_write(m_tls.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : ::send(m_fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

void Connection::wait_until_gone() {
    std::array<char, 4096> buffer{};
    while (receive(buffer.data(), buffer.size()) > 0) {
    }
}

HostileServer::HostileServer(Script script)
    : m_script(std::move(script)), m_listener(listen_on_loopback(1024)), m_port(port_of(m_listener)),
      m_acceptor([this] { accept_all(); }) {}

HostileServer::HostileServer(Script script, const std::string& socket)
    : m_script(std::move(script)), m_listener(listen_on_socket(socket)),
      m_acceptor([this] { accept_all(); }) {}

HostileServer::HostileServer(Script script, const TestCertificate& certificate, const std::string& chain)
    : m_script(std::move(script)), m_tls(tls_context(certificate, chain), SSL_CTX_free),
      m_listener(listen_on_loopback(1024)), m_port(port_of(m_listener)),
      m_acceptor([this] { accept_all(); }) {}

HostileServer::~HostileServer() {
    m_ending = true;
    ::shutdown(m_listener.get(), SHUT_RDWR); // wakes accept()
    m_acceptor.join();
    for (Worker& worker : m_workers) {
        ::shutdown(worker.connection->m_fd.get(), SHUT_RDWR);
    }
    for (Worker& worker : m_workers) {
        worker.thread.join();
    }
}

std::string HostileServer::url(std::string_view path, std::string_view host) const {
    return fmt::format("{}://{}:{}{}", m_tls != nullptr ? "https" : "http", host, m_port, path);
}

void HostileServer::accept_all() {
    while (!m_ending) {
        UniqueFd fd(::accept4(m_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd.valid()) {
            continue;
        }
        ++m_connections;
        Worker& worker = m_workers.emplace_back();
        worker.connection = std::make_unique<Connection>(std::move(fd));
        worker.thread = std::thread([this, peer = worker.connection.get()] {
            if (m_before_tls) {
                m_before_tls(*peer);
            }
            if (peer->handshake(m_tls.get())) {
                m_script(*peer);
                if (peer->m_tls != nullptr) {
                    SSL_shutdown(peer->m_tls.get());
                }
            }
            ::shutdown(peer->m_fd.get(), SHUT_RDWR);
        });
    }
}

FullPort::FullPort() : m_listener(listen_on_loopback(0)), m_port(port_of(m_listener)) {
    const sockaddr_in address = loopback(m_port);
    // The queue is full when a connection stays under way; on loopback the others are made at once.
    for (int tries = 0; tries < 16; ++tries) {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        pollfd writable{fd.get(), POLLOUT, 0};
        const bool made = ::poll(&writable, 1, 100) == 1;
        m_waiting.push_back(std::move(fd));
        if (!made) {
            return;
        }
    }
    must(false, "the queue of connections does not fill");
}

std::uint16_t closed_port() {
    return port_of(listen_on_loopback(1));
}

std::string http_answer(std::string_view body, std::string_view more_headers, std::string_view status) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more_headers,
                       body);
}

} // namespace lectio
