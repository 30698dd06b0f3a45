// What a nameserver answers. The first byte of an input chooses the record asked for; then come the rest of the header
// and what follows the question. Number and question are put in: without them an answer is dropped unread.
#include "checks/dns.h"
#include "platform/dns_probe.h"
#include "property.h"
#include "scripted_peer.h"

#include <algorithm>
#include <array>
#include <string>

#include <arpa/nameser.h>
#include <sys/types.h>

using namespace lectio;
using namespace std::chrono_literals;
using fuzz::require;

// The number of a question is zero here, so that the answer can be written before it is asked.
extern "C" ssize_t getrandom(void* buffer, std::size_t size, unsigned) {
    std::fill_n(static_cast<char*>(buffer), size, '\0');
    return static_cast<ssize_t>(size);
}

namespace {

constexpr std::array<std::pair<const char*, ns_type>, 7> k_records{{{"A", ns_t_a},
                                                                    {"AAAA", ns_t_aaaa},
                                                                    {"CNAME", ns_t_cname},
                                                                    {"MX", ns_t_mx},
                                                                    {"NS", ns_t_ns},
                                                                    {"SRV", ns_t_srv},
                                                                    {"TXT", ns_t_txt}}};
constexpr std::size_t k_rest_of_header = NS_HFIXEDSZ - NS_INT16SZ;

std::string answer_of(std::string_view said, ns_type type) {
    std::string packet(NS_INT16SZ, '\0');
    packet += said.substr(0, k_rest_of_header);
    packet.resize(NS_HFIXEDSZ, '\0');
    packet[2] = static_cast<char>(packet[2] | '\x80'); // it is an answer
    packet += std::string("\4site\4test\0", 11);
    packet += {'\0', static_cast<char>(type), '\0', '\1'};
    packet += said.substr(std::min(k_rest_of_header, said.size()));
    return packet;
}

std::string behind_its_length(const std::string& packet) {
    const std::size_t size = std::min<std::size_t>(packet.size(), 65535);
    return std::string{static_cast<char>(size >> 8U), static_cast<char>(size & 0xFFU)} +
           packet.substr(0, size);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto& [record, type] = k_records[data[0] % k_records.size()];
    const std::string packet = answer_of(fuzz::text_of(data + 1, size - 1), type);
    const std::string over_tcp = behind_its_length(packet);
    fuzz::script({packet, over_tcp});
    const DnsSample sample = dns_probe({"site.test", record, "127.0.0.1", 5ms});
    require(sample.answers.size() + sample.aliases.size() <= 65535 / NS_RRFIXEDSZ,
            "no more answers than fit in");
    for (const std::string& answer : sample.answers) {
        if (type == ns_t_a || type == ns_t_aaaa) {
            require(canonical_address(answer, record) == answer, "an address is in its one form");
        }
    }
    const CheckResult result = evaluate_dns(sample, {"site.test", record, "127.0.0.1", {"192.0.2.1"}, 5ms});
    require(!result.message.en.empty() && !result.message.ru.empty(), "a result has words");
    return 0;
}
