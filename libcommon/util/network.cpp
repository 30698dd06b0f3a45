#include "util/network.h"

#include "util/number.h"

#include <algorithm>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lectio {
namespace {

constexpr unsigned k_bits_before_ipv4 = 96;

} // namespace

bool is_ip_address(std::string_view text) {
    return Network::parse(text).has_value() && text.find('/') == std::string_view::npos;
}

std::optional<Network::Octets> Network::octets_of(std::string_view address) {
    const std::string text(address);
    Octets octets{};
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) {
        return octets;
    }
    octets[10] = octets[11] = 0xFF;
    return ::inet_pton(AF_INET, text.c_str(), octets.data() + k_bits_before_ipv4 / 8) == 1
               ? std::optional(octets)
               : std::nullopt;
}

std::optional<Network> Network::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    const std::optional<Octets> octets = octets_of(address);
    const unsigned before = address.find(':') == std::string_view::npos ? k_bits_before_ipv4 : 0;
    const unsigned most = 128 - before;
    const std::optional<unsigned> length =
        slash == std::string_view::npos ? most : number_from<unsigned>(text.substr(slash + 1));
    if (!octets || !length || *length > most) {
        return std::nullopt;
    }
    Network network;
    network.m_octets = *octets;
    network.m_bits = before + *length;
    return network;
}

bool Network::contains(std::string_view address) const {
    const std::optional<Octets> octets = octets_of(address);
    if (!octets) {
        return false;
    }
    const std::size_t whole = m_bits / 8;
    const unsigned rest = m_bits % 8;
    const auto mask = static_cast<std::uint8_t>(0xFF00U >> rest);
    return std::equal(m_octets.begin(), m_octets.begin() + static_cast<std::ptrdiff_t>(whole),
                      octets->begin()) &&
           (rest == 0 || ((m_octets[whole] ^ (*octets)[whole]) & mask) == 0);
}

} // namespace lectio
