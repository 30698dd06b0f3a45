#include "platform/dns_probe.h"

#include "platform/dial.h"
#include "platform/resolver.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace lectio {
namespace {

using Failure = DnsSample::Failure;
using Packet = std::vector<unsigned char>;
constexpr std::size_t k_largest_question = 512;
constexpr std::size_t k_largest_answer = 65535;
constexpr std::size_t k_most_answers = 100; // of a record set; the rest is not looked at

constexpr std::array<std::pair<std::string_view, ns_type>, 7> k_records{{{"A", ns_t_a},
                                                                         {"AAAA", ns_t_aaaa},
                                                                         {"CNAME", ns_t_cname},
                                                                         {"MX", ns_t_mx},
                                                                         {"NS", ns_t_ns},
                                                                         {"SRV", ns_t_srv},
                                                                         {"TXT", ns_t_txt}}};

ns_type type_of(std::string_view record) {
    const auto* found = std::find_if(k_records.begin(), k_records.end(),
                                     [&](const auto& known) { return known.first == record; });
    return found == k_records.end() ? ns_t_invalid : found->second;
}

SteadyTime steady_now() {
    return std::chrono::steady_clock::now();
}

// ── packets ─────────────────────────────────────────────────────────────────────────────────────────────────────

// Empty: the name cannot be asked for.
Packet question_packet(const DnsQuestion& question) {
    struct __res_state state {};
    Packet packet(k_largest_question);
    if (::res_ninit(&state) != 0) {
        return {};
    }
    const int size =
        ::res_nmkquery(&state, ns_o_query, question.name.c_str(), ns_c_in, type_of(question.record), nullptr,
                       0, nullptr, packet.data(), static_cast<int>(packet.size()));
    ::res_nclose(&state);
    packet.resize(static_cast<std::size_t>(std::max(size, 0)));
    // The C library's own number can be guessed from the clock; an answer is known by it (RFC 5452).
    if (packet.size() > NS_HFIXEDSZ && ::getrandom(packet.data(), NS_INT16SZ, 0) != NS_INT16SZ) {
        return {};
    }
    return packet;
}

// The number and the question are ours; the letters of the name may have another case.
bool belongs_to(const Packet& answer, const Packet& question) {
    const std::size_t whole = question.size();
    if (answer.size() < whole || !std::equal(answer.begin(), answer.begin() + NS_INT16SZ, question.begin()) ||
        (answer[2] & 0x80U) == 0) {
        return false;
    }
    // Some servers leave the question out of an answer that says no.
    if (answer[4] == 0 && answer[5] == 0) {
        return (answer[3] & 0x0FU) != 0;
    }
    return std::equal(answer.begin() + NS_HFIXEDSZ, answer.begin() + static_cast<std::ptrdiff_t>(whole),
                      question.begin() + NS_HFIXEDSZ, [](unsigned char a, unsigned char b) {
                          const auto lower = [](unsigned char c) {
                              return c >= 'A' && c <= 'Z' ? c + 32 : int{c};
                          };
                          return lower(a) == lower(b);
                      });
}

std::optional<std::string> name_at(const ns_msg& message, const unsigned char* place) {
    std::array<char, NS_MAXDNAME> name{};
    if (::ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), place, name.data(), name.size()) <
        0) {
        return std::nullopt;
    }
    return to_lower_ascii(name.data());
}

std::optional<std::string> address_text(int family, std::span<const unsigned char> data, std::size_t size) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (data.size() != size || ::inet_ntop(family, data.data(), text.data(), text.size()) == nullptr) {
        return std::nullopt;
    }
    return text.data();
}

// Strings of up to 255 bytes, each behind its length; together they are one text (RFC 7208, 3.3).
std::optional<std::string> txt_text(std::span<const unsigned char> data) {
    std::string text;
    while (!data.empty()) {
        const std::size_t size = data.front();
        if (data.size() < size + 1) {
            return std::nullopt;
        }
        text.append(data.begin() + 1, data.begin() + 1 + static_cast<std::ptrdiff_t>(size));
        data = data.subspan(size + 1);
    }
    return text;
}

// `numbers` of 16 bits and a name: MX (RFC 1035), SRV (RFC 2782).
std::optional<std::string> numbered_name(const ns_msg& message, std::span<const unsigned char> data,
                                         std::size_t numbers) {
    if (data.size() <= numbers * NS_INT16SZ) {
        return std::nullopt;
    }
    std::string text;
    for (std::size_t i = 0; i < numbers; ++i) {
        text += fmt::format("{} ", ::ns_get16(data.data() + i * NS_INT16SZ));
    }
    const auto name = name_at(message, data.data() + numbers * NS_INT16SZ);
    return name ? std::optional(text + *name) : std::nullopt;
}

std::optional<std::string> record_text(const ns_msg& message, const ns_rr& record) {
    const std::span<const unsigned char> data(ns_rr_rdata(record), ns_rr_rdlen(record));
    switch (ns_rr_type(record)) {
    case ns_t_a:
        return address_text(AF_INET, data, NS_INADDRSZ);
    case ns_t_aaaa:
        return address_text(AF_INET6, data, NS_IN6ADDRSZ);
    case ns_t_mx:
        return numbered_name(message, data, 1);
    case ns_t_srv:
        return numbered_name(message, data, 3);
    case ns_t_txt:
        return txt_text(data);
    default: // CNAME, NS
        return numbered_name(message, data, 0);
    }
}

// False: it cannot be read.
bool read_answer(const Packet& answer, ns_type wanted, DnsSample& sample) {
    ns_msg message{};
    if (::ns_initparse(answer.data(), static_cast<int>(answer.size()), &message) != 0) {
        return false;
    }
    sample.code = static_cast<int>(ns_msg_getflag(message, ns_f_rcode));
    const int count = ns_msg_count(message, ns_s_an);
    for (int i = 0; i < count && sample.answers.size() < k_most_answers; ++i) {
        ns_rr record{};
        if (::ns_parserr(&message, ns_s_an, i, &record) != 0) {
            return false;
        }
        const auto type = static_cast<ns_type>(ns_rr_type(record));
        if (type != wanted && type != ns_t_cname) {
            continue; // signatures and the like
        }
        std::optional<std::string> text = record_text(message, record);
        if (!text) {
            return false;
        }
        (type == wanted ? sample.answers : sample.aliases).push_back(std::move(*text));
    }
    return true;
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────

struct Server {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string name; // "127.0.0.1:53"
};

// One nameserver, by one deadline.
class Asking {
  public:
    Asking(const Server& server, const Packet& question, ns_type wanted, DnsSample& sample)
        : m_server(server), m_question(question), m_wanted(wanted), m_sample(sample) {}

    void by(SteadyTime deadline) {
        m_sample.server = m_server.name;
        m_sample.failure = Failure::timeout;
        m_sample.detail.clear();
        Packet answer = over_udp(deadline);
        const bool cut = answer.size() > 2 && (answer[2] & 0x02U) != 0;
        if (cut) {
            answer = over_tcp(deadline);
        }
        if (!answer.empty()) {
            const bool readable = read_answer(answer, m_wanted, m_sample);
            m_sample.failure = readable ? Failure::none : Failure::garbled;
        }
    }

  private:
    void failed(int error) {
        const bool no_way = error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN;
        m_sample.failure = is_own_fault(error) ? Failure::own_fault
                           : no_way            ? Failure::unreachable
                                               : Failure::refused;
        m_sample.detail = std::generic_category().message(error);
    }

    // The socket is connected: the kernel drops what others send, and tells when nobody listens there.
    Packet over_udp(SteadyTime deadline) {
        const UniqueFd fd(::socket(m_server.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const auto* address = reinterpret_cast<const sockaddr*>(&m_server.address);
        if (!fd.valid() || ::connect(fd.get(), address, m_server.size) != 0) {
            failed(errno);
            return {};
        }
        // A packet may be lost on its way, which is no news.
        const SteadyTime again = steady_now() + (deadline - steady_now()) / 3;
        for (const SteadyTime until : {again, deadline}) {
            if (::send(fd.get(), m_question.data(), m_question.size(), MSG_NOSIGNAL) < 0) {
                failed(errno);
                return {};
            }
            if (Packet answer = receive(fd.get(), until); !answer.empty()) {
                return answer;
            }
            if (m_sample.failure != Failure::timeout) {
                return {};
            }
        }
        return {};
    }

    Packet receive(int fd, SteadyTime deadline) {
        Packet packet(k_largest_answer);
        while (wait_until_ready(fd, POLLIN, deadline)) {
            const ssize_t size = ::recv(fd, packet.data(), packet.size(), 0);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
                continue;
            }
            if (size < 0) {
                failed(errno);
                return {};
            }
            Packet answer(packet.begin(), packet.begin() + size);
            if (belongs_to(answer, m_question)) {
                return answer;
            }
            ++m_sample.strays;
        }
        return {};
    }

    Packet over_tcp(SteadyTime deadline) {
        const Dialled dialled = dial(m_server.name, deadline);
        if (!dialled.fd.valid()) {
            m_sample.failure = failure_as<Failure>(dialled.failure);
            m_sample.detail = dialled.detail;
            return {};
        }
        m_sample.failure = Failure::garbled; // whatever ends the exchange from here on, but the time
        std::array<unsigned char, NS_INT16SZ> length{};
        ::ns_put16(static_cast<unsigned>(m_question.size()), length.data());
        Packet message(length.begin(), length.end());
        message.insert(message.end(), m_question.begin(), m_question.end());
        Packet answer;
        if (!transfer(dialled.fd.get(), POLLOUT, message, deadline) ||
            !transfer(dialled.fd.get(), POLLIN, length, deadline)) {
            return {};
        }
        answer.resize(::ns_get16(length.data()));
        if (!transfer(dialled.fd.get(), POLLIN, answer, deadline) || !belongs_to(answer, m_question)) {
            return {};
        }
        return answer;
    }

    // All of `bytes`, out or in.
    bool transfer(int fd, short events, std::span<unsigned char> bytes, SteadyTime deadline) {
        while (!bytes.empty()) {
            if (!wait_until_ready(fd, events, deadline)) {
                m_sample.failure = Failure::timeout;
                return false;
            }
            const ssize_t moved = events == POLLOUT ? ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                                    : ::recv(fd, bytes.data(), bytes.size(), 0);
            if (moved < 0 && (errno == EAGAIN || errno == EINTR)) {
                continue;
            }
            if (moved <= 0) {
                return false;
            }
            bytes = bytes.subspan(static_cast<std::size_t>(moved));
        }
        return true;
    }

    const Server& m_server;
    const Packet& m_question;
    ns_type m_wanted;
    DnsSample& m_sample;
};

// ── nameservers ─────────────────────────────────────────────────────────────────────────────────────────────────

Server server_of(const sockaddr* address, socklen_t size) {
    Server server;
    std::memcpy(&server.address, address, size);
    server.size = size;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        const bool ipv6 = address->sa_family == AF_INET6;
        server.name = ipv6 ? fmt::format("[{}]:{}", host.data(), port.data())
                           : fmt::format("{}:{}", host.data(), port.data());
    }
    return server;
}

// resolv.conf(5); without one, or an empty one, this very host.
std::vector<Server> servers_of_this_host() {
    struct __res_state state {};
    std::vector<Server> servers;
    if (::res_ninit(&state) != 0) {
        return servers;
    }
    for (int i = 0; i < state.nscount; ++i) {
        if (state.nsaddr_list[i].sin_family == AF_INET) {
            servers.push_back(
                server_of(reinterpret_cast<const sockaddr*>(&state.nsaddr_list[i]), sizeof(sockaddr_in)));
        } else if (const sockaddr_in6* ipv6 = state._u._ext.nsaddrs[i]; ipv6 != nullptr) {
            servers.push_back(server_of(reinterpret_cast<const sockaddr*>(ipv6), sizeof(sockaddr_in6)));
        }
    }
    ::res_nclose(&state);
    return servers;
}

struct HostPort {
    std::string host;
    std::string port = "53";
};
// "host", "host:port", "::1", "[::1]", "[::1]:port"
HostPort split_server(const std::string& text) {
    if (text.starts_with('[')) {
        const std::size_t bracket = std::min(text.find(']'), text.size());
        const std::string rest = text.substr(std::min(bracket + 1, text.size()));
        return rest.starts_with(':') ? HostPort{text.substr(1, bracket - 1), rest.substr(1)}
                                     : HostPort{text.substr(1, bracket - 1)};
    }
    const std::size_t colon = text.find(':');
    const bool one_colon = colon != std::string::npos && text.find(':', colon + 1) == std::string::npos;
    return one_colon ? HostPort{text.substr(0, colon), text.substr(colon + 1)} : HostPort{text};
}

std::vector<Server> servers_named(const std::string& text, SteadyTime deadline, DnsSample& sample) {
    const HostPort target = split_server(text);
    const NameLookup lookup = lookup_in_time(system_lookup, target.host, deadline);
    sample.detail = lookup.error;
    sample.failure = lookup.own_fault ? Failure::own_fault : Failure::name;
    std::vector<Server> servers;
    for (const std::string& numeric : lookup.addresses) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_DGRAM;
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
        addrinfo* list = nullptr;
        if (::getaddrinfo(numeric.c_str(), target.port.c_str(), &hints, &list) == 0) {
            const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
            servers.push_back(server_of(list->ai_addr, list->ai_addrlen));
        }
    }
    return servers;
}

// The next nameserver is asked for what this one could not or would not say, as the C library does.
bool has_answered(const DnsSample& sample) {
    return sample.failure == Failure::none && (sample.code == ns_r_noerror || sample.code == ns_r_nxdomain);
}

} // namespace

DnsSample dns_probe(const DnsQuestion& question) {
    const SteadyTime begun = steady_now();
    const SteadyTime deadline = begun + question.timeout;
    DnsSample sample;
    const Packet packet = question_packet(question);
    if (packet.size() <= NS_HFIXEDSZ) {
        sample.detail = fmt::format("the name {} cannot be asked for", question.name);
        sample.failure = Failure::own_fault;
        return sample;
    }
    sample.server = question.server;
    const std::vector<Server> servers =
        question.server.empty() ? servers_of_this_host() : servers_named(question.server, deadline, sample);
    if (servers.empty()) {
        return sample;
    }
    auto left = static_cast<long>(servers.size());
    for (const Server& server : servers) {
        const SteadyTime until = steady_now() + (deadline - steady_now()) / left--;
        Asking(server, packet, type_of(question.record), sample).by(until);
        if (has_answered(sample) || left == 0) {
            break;
        }
        sample.failed.push_back(server.name);
    }
    sample.took = std::chrono::floor<Duration>(steady_now() - begun);
    return sample;
}

std::optional<std::string> canonical_address(std::string_view text, std::string_view record) {
    const int family = record == "AAAA" ? AF_INET6 : AF_INET;
    std::array<unsigned char, NS_IN6ADDRSZ> binary{};
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    if (::inet_pton(family, std::string(text).c_str(), binary.data()) != 1 ||
        ::inet_ntop(family, binary.data(), canonical.data(), canonical.size()) == nullptr) {
        return std::nullopt;
    }
    return canonical.data();
}

} // namespace lectio
