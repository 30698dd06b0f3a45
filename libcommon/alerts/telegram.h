// Telegram: the Bot API's sendMessage (https://core.telegram.org/bots/api#sendmessage).
//
// HTML is written so that the server cannot refuse it: only & < > are escaped, marked up pieces never nest,
// and a text is cut only between characters of its own, never within a tag or entity. Should it refuse even
// so, the same is sent without markup.
#pragma once

#include "alerts/channel.h"
#include "util/secret.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct TelegramSettings {
    std::string name; // of the channel
    Secret token;
    std::string chat;                   // a number, or @name of a public channel
    std::optional<std::int64_t> thread; // topic of a forum group
    std::string api = "https://api.telegram.org";
    std::string proxy; // "socks5h://127.0.0.1:1080"
    // Under an alert: acknowledge, mute, details. Only where somebody listens to them (lectio-notify poll).
    enum class Buttons { none, under_alerts };
    Buttons buttons = Buttons::none;
};

class Telegram final : public Channel {
  public:
    // `rest`: where what is cut from a long message is to be found (paths.logs/alerts.log).
    Telegram(TelegramSettings settings, Voice voice, std::string rest);
    [[nodiscard]] const std::string& name() const override { return m_settings.name; }
    [[nodiscard]] std::string chat() const override { return m_settings.chat; }
    [[nodiscard]] Budget budget() const override;
    [[nodiscard]] std::string fingerprint() const override;
    Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const override;

  private:
    TelegramSettings m_settings;
    Voice m_voice;
    std::string m_rest;
};

namespace telegram {

// Units are UTF-16 code units, counted after parsing, as the server does.
inline constexpr std::size_t k_text_units = 4096;
inline constexpr std::size_t k_raw_bytes = 32768;

enum class Markup { html, none };
// One or two texts of at most k_text_units each; of a longer message the beginning and the end, with a line
// between them that says how much is missing and where it is.
std::vector<std::string> render(const Draft& draft, Markup markup, const Voice& voice,
                                const std::string& rest);
std::string escape(std::string_view text);

// A call of the Bot API's `method`; `body` is its parameters as a JSON object.
HttpRequest request(const TelegramSettings& settings, std::string_view method, std::string body,
                    Duration timeout);

// What the buttons under a message carry, bot/command.h reads it: "ack/k3x7qa-m2np4c" names the incidents of
// `message` that are not over, as many as fit. Empty: it has none.
std::string incidents_for_button(const Message& message);

// What an answer of the server means.
Outcome judge(const HttpAnswer& answer);

} // namespace telegram
} // namespace lectio
