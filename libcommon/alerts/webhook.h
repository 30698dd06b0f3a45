// Webhook: a POST of one JSON object to a program of somebody's own. What it holds and how it is signed:
// docs/webhook.md.
#pragma once

#include "alerts/channel.h"
#include "config/config.h"

#include <string>

namespace lectio {

class Webhook final : public Channel {
  public:
    // `rest`: where what is cut from a long message is to be found (paths.logs/alerts.log).
    Webhook(std::string name, WebhookChannel settings, Voice voice, std::string rest);
    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] std::string fingerprint() const override;
    Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const override;

  private:
    std::string m_name;
    WebhookChannel m_settings;
    Voice m_voice;
    std::string m_rest;
};

namespace webhook {

inline constexpr std::size_t k_most_text = 100'000; // bytes

std::string body(const Draft& draft, WallTime sent, const Voice& voice, const std::string& rest);
// What an answer means; `whom` was asked.
Outcome judge(const HttpAnswer& answer, const std::string& whom);

} // namespace webhook
} // namespace lectio
