// Network: a range of IP addresses, "10.0.0.0/8", "::1", as the configuration writes it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lectio {

// "127.0.0.1", "::1", without brackets, zone or port.
bool is_ip_address(std::string_view text);

class Network {
  public:
    // An address with the length of its prefix; without one that address alone. Bits beyond the prefix do not matter.
    static std::optional<Network> parse(std::string_view text);

    // `address` as getnameinfo(3) has it, without a zone. An IPv4 address in IPv6 clothes (::ffff:a.b.c.d) is that
    // IPv4 address. What is no address lies in none.
    [[nodiscard]] bool contains(std::string_view address) const;

  private:
    using Octets = std::array<std::uint8_t, 16>; // IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)
    static std::optional<Octets> octets_of(std::string_view address);

    Octets m_octets{};
    unsigned m_bits = 0; // of the 128
};

} // namespace lectio
