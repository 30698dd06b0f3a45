#include "checks/ports.h"

#include "checks/findings.h"
#include "config/complaints.h"
#include "util/network.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

constexpr const char* k_seen = "seen";
constexpr std::size_t k_most_kept = 100; // of them; more are found, but not told apart from new ones

constexpr Noun k_listeners{"listener", "listeners", "слушающий порт", "слушающих порта", "слушающих портов"};
constexpr Phrase k_all_allowed{"{}, all allowed", "{}, все разрешены"};
constexpr Phrase k_open{"{} is open: {}", "открыт {}: {}"};
constexpr Phrase k_new{"new: {} is open: {}", "новый: открыт {}: {}"};
constexpr Phrase k_nobody{"of a process that is not ours to see", "чей процесс, не видно"};
constexpr Phrase k_why_data{
    "data stands open to whoever reaches this address: passwords are guessed by machines, all day",
    "данные открыты любому, кто достучится до адреса: пароли подбирают машины круглые сутки"};
constexpr Phrase k_why{"what listens can be attacked; what nobody needs is best closed",
                       "что слушает, то можно атаковать; ненужное лучше закрыть"};
constexpr Phrase k_mend{
    "bind it to 127.0.0.1, close it in the firewall, or add \"{}\" to allow; look: ss -tlnp 'sport = :{}'",
    "привяжите его к 127.0.0.1, закройте в файрволе или добавьте \"{}\" в allow; посмотреть: ss -tlnp 'sport "
    "= :{}'"};
constexpr Phrase k_cannot_look{"unable to look at the listening ports: {}",
                               "не удалось посмотреть слушающие порты: {}"};

// Docker's API, MySQL, PostgreSQL, AMQP, Redis, Elasticsearch, memcached, MongoDB.
constexpr std::array<std::uint16_t, 8> k_data_ports{2375, 3306, 5432, 5672, 6379, 9200, 11211, 27017};

const Schema<PortsSettings>& ports_schema() {
    static const Schema<PortsSettings> schema{
        required("allow", &PortsSettings::allow, "ports and networks that may listen")
            .check(port_or_network_complaint),
    };
    return schema;
}

class Allowed {
  public:
    explicit Allowed(const std::vector<std::string>& allow) {
        for (const std::string& text : allow) {
            if (const auto port = number_from<std::uint16_t>(text)) {
                m_ports.insert(*port);
            } else if (const auto network = Network::parse(text)) {
                m_networks.push_back(*network);
            }
        }
    }

    [[nodiscard]] bool covers(const Listener& listener) const {
        // Whoever allows 127.0.0.0/8 means this host, and ::1 is this host, too.
        const std::string_view address =
            listener.address == "::1" ? "127.0.0.1" : std::string_view(listener.address);
        return m_ports.contains(listener.port) ||
               std::any_of(m_networks.begin(), m_networks.end(), [&](const Network& network) {
                   return network.contains(address) || network.contains(listener.address);
               });
    }

  private:
    std::set<std::uint16_t> m_ports;
    std::vector<Network> m_networks;
};

std::string shown(const Listener& listener) {
    const bool v6 = listener.address.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), clean_line(listener.address), listener.port);
}

Finding finding_of(const Listener& listener, bool is_new) {
    const bool data =
        std::find(k_data_ports.begin(), k_data_ports.end(), listener.port) != k_data_ports.end();
    const Text owner = listener.process.empty() ? say(k_nobody) : verbatim(clean_line(listener.process));
    return {Status::warning, say(is_new ? k_new : k_open, shown(listener), owner),
            say(data ? k_why_data : k_why), say(k_mend, listener.port, listener.port)};
}

class PortsCheck final : public BlockingCheck {
  public:
    explicit PortsCheck(PortsSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::vector<Listener>> listeners = context.world.host.listeners();
        if (!listeners) {
            CheckResult result;
            result.message = say(k_cannot_look, error_words(listeners.error().message));
            result.memory = context.memory;
            return result;
        }
        return evaluate_ports(*listeners, m_settings, context.memory);
    }

  private:
    PortsSettings m_settings;
};

} // namespace

CheckResult evaluate_ports(const std::vector<Listener>& listeners, const PortsSettings& settings,
                           const std::map<std::string, std::string>& memory) {
    const auto before = memory.find(k_seen);
    std::set<std::string_view> known;
    if (before != memory.end()) {
        const auto words = split(before->second, ' ');
        known.insert(words.begin(), words.end());
    }
    const Allowed allowed(settings.allow);
    std::set<std::string> found; // a socket shared by several workers is one
    std::vector<Finding> findings;
    std::int64_t count = 0;
    for (const Listener& listener : listeners) {
        if (listener.port == 0) {
            continue; // a Unix socket: its file's mode rules it
        }
        ++count;
        if (!allowed.covers(listener) && found.insert(shown(listener)).second) {
            const bool is_new = before != memory.end() && !known.contains(shown(listener));
            findings.push_back(finding_of(listener, is_new));
        }
    }
    CheckResult result = result_of(std::move(findings), say(k_all_allowed, counted(count, k_listeners)));
    while (found.size() > k_most_kept) {
        found.erase(std::prev(found.end()));
    }
    result.memory[k_seen] = fmt::format("{}", fmt::join(found, " "));
    return result;
}

CheckType ports_check_type() {
    return make_check_type<ports_schema, PortsCheck>("ports", Layer::other, Recheck::no,
                                                     "nothing listens that is not meant to");
}

} // namespace lectio
