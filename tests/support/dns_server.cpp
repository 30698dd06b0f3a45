#include "support/dns_server.h"

#include "util/text.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_header = 12;
constexpr int k_tries = 50;

UniqueFd bound(int type, std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fd.reset();
    }
    return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

std::string two_bytes(std::size_t number) {
    return {static_cast<char>(number >> 8U & 0xFFU), static_cast<char>(number & 0xFFU)};
}

// Without what stands behind the question.
std::string head_of(const std::string& question, int code, bool cut, std::size_t records) {
    std::string head = question.substr(0, 2);
    head += static_cast<char>(cut ? 0x86 : 0x84); // an answer, authoritative
    head += static_cast<char>(code);
    head += two_bytes(1) + two_bytes(records) + two_bytes(0) + two_bytes(0);
    return head + question.substr(k_header);
}

} // namespace

DnsServer::DnsServer(Script script) : m_script(std::move(script)), m_end(::eventfd(0, EFD_CLOEXEC)) {
    // Both on one port: somebody else may have that of the other kind.
    for (int i = 0; i < k_tries && !m_tcp.valid(); ++i) {
        m_udp = bound(SOCK_DGRAM, 0);
        m_port = port_of(m_udp);
        m_tcp = bound(SOCK_STREAM, m_port);
    }
    if (!m_tcp.valid() || ::listen(m_tcp.get(), 8) != 0) {
        throw std::runtime_error("no port for a nameserver");
    }
    m_thread = std::thread([this] { answer_all(); });
}

DnsServer::~DnsServer() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(m_end.get(), &one, sizeof one));
    m_thread.join();
}

std::string DnsServer::address() const {
    return fmt::format("127.0.0.1:{}", m_port);
}

void DnsServer::answer_all() {
    for (;;) {
        std::array<pollfd, 3> waiting{
            {{m_udp.get(), POLLIN, 0}, {m_tcp.get(), POLLIN, 0}, {m_end.get(), POLLIN, 0}}};
        ::poll(waiting.data(), waiting.size(), -1);
        if (waiting[2].revents != 0) {
            return;
        }
        if (waiting[0].revents != 0) {
            answer_over_udp();
        }
        if (waiting[1].revents != 0) {
            answer_over_tcp();
        }
    }
}

void DnsServer::answer_over_udp() {
    std::array<char, 512> buffer{};
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t got = ::recvfrom(m_udp.get(), buffer.data(), buffer.size(), 0, address, &size);
    if (got < static_cast<ssize_t>(k_header)) {
        return;
    }
    ++m_questions;
    for (const std::string& packet : m_script({buffer.data(), static_cast<std::size_t>(got)}, Over::udp)) {
        ::sendto(m_udp.get(), packet.data(), packet.size(), 0, address, size);
    }
}

void DnsServer::answer_over_tcp() {
    const UniqueFd peer(::accept4(m_tcp.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 512> buffer{};
    const ssize_t got = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
    if (got < static_cast<ssize_t>(k_header + 2)) {
        return;
    }
    ++m_questions;
    for (const std::string& packet :
         m_script({buffer.data() + 2, static_cast<std::size_t>(got) - 2}, Over::tcp)) {
        const std::string framed = two_bytes(packet.size()) + packet;
        ::send(peer.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
}

std::string dns_answer(const std::string& question, int code, const std::vector<DnsRecord>& records) {
    std::string answer = head_of(question, code, false, records.size());
    for (const DnsRecord& record : records) {
        answer += record.name + two_bytes(record.type) + two_bytes(1) + std::string(4, '\0') +
                  two_bytes(record.data.size()) + record.data;
    }
    return answer;
}

std::string dns_answer_cut(const std::string& question) {
    return head_of(question, 0, true, 0);
}

std::string dns_name(const std::string& name) {
    std::string packed;
    for (const std::string_view label : split(name, '.')) {
        packed += static_cast<char>(label.size());
        packed += label;
    }
    return packed + '\0';
}

} // namespace lectio
