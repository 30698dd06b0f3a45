// Alertmanager: each incident as an alert of its own, over POST /api/v2/alerts
// (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).
//
// Alertmanager keeps alerts in memory only and calls one resolved when its `endsAt` has passed. An incident is
// therefore given an end far ahead and told anew every few minutes while it is open: an Alertmanager that was begun
// anew hears of it, and a host that is down for a while does not make it look resolved (docs/decisions/0017).
#pragma once

#include "alerts/channel.h"
#include "config/config.h"

#include <string>

namespace lectio {

class Alertmanager final : public Channel {
  public:
    Alertmanager(std::string name, AlertmanagerChannel settings, Voice voice, std::string host,
                 std::string rest);
    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] std::string fingerprint() const override;
    [[nodiscard]] bool puts_together() const override { return false; } // its receivers group by themselves
    [[nodiscard]] std::optional<Duration> told_anew_after() const override;
    Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const override;

  private:
    std::string m_name;
    AlertmanagerChannel m_settings;
    Voice m_voice;
    std::string m_host;
    std::string m_rest;
};

namespace alertmanager {

inline constexpr Duration k_told_anew_after{5 * 60'000};
inline constexpr Duration k_end_ahead{12 * 3'600'000};
// What has no end of its own, a text of `send`: longer than a group's interval (5m), or nobody would be told.
inline constexpr Duration k_text_lasts{3'600'000};
inline constexpr std::size_t k_most_text = 8'000; // bytes of a description

std::string body(const Draft& draft, WallTime now, const AlertmanagerChannel& settings, const Voice& voice,
                 const std::string& host, const std::string& rest);
Outcome judge(const HttpAnswer& answer, const std::string& whom);

} // namespace alertmanager
} // namespace lectio
