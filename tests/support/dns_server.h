// DnsServer: a nameserver on loopback, over UDP and TCP on one port, that answers what a test tells it, byte by byte.
//
//     DnsServer server([](const std::string& question, DnsServer::Over) {
//         return std::vector{dns_answer(question, 0, {{ns_t_a, "\x7f\0\0\1"s}})};
//     });
#pragma once

#include "util/unique_fd.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace lectio {

class DnsServer {
  public:
    enum class Over { udp, tcp };
    // The packets to send, none for silence; over TCP each gets its length in front. In the server's thread.
    using Script = std::function<std::vector<std::string>(const std::string& question, Over over)>;

    explicit DnsServer(Script script);
    ~DnsServer();
    DnsServer(const DnsServer&) = delete;
    DnsServer& operator=(const DnsServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] std::string address() const; // "127.0.0.1:PORT"
    [[nodiscard]] int questions() const { return m_questions; }

  private:
    void answer_all();
    void answer_over_udp();
    void answer_over_tcp();

    Script m_script;
    UniqueFd m_udp, m_tcp, m_end;
    std::uint16_t m_port = 0;
    std::atomic<int> m_questions{0};
    std::thread m_thread;
};

struct DnsRecord {
    std::uint16_t type = 0;
    std::string data;
    std::string name = "\xc0\x0c"; // as it stands in the packet; the default points to the question
};

// The answer to a question, with this RCODE and these records. `cut`: with the flag TC and without records.
std::string dns_answer(const std::string& question, int code, const std::vector<DnsRecord>& records = {});
std::string dns_answer_cut(const std::string& question);
// "www.example" as a packet has it.
std::string dns_name(const std::string& name);

} // namespace lectio
