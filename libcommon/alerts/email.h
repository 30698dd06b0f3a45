// Email: a message to one or more mailboxes over SMTP, as text and as HTML (RFC 2046, 5.1.4).
//
// A message keeps its Message-ID however often it is sent, so a mail system that gets it twice shows it once; what
// follows an opening answers it (RFC 5322, 3.6.4), so a mail program shows them as one conversation.
#pragma once

#include "alerts/channel.h"
#include "config/config.h"
#include "platform/mail.h"

#include <string>

namespace lectio {

class Email final : public Channel {
  public:
    // `rest`: where what is cut from a long message is to be found (paths.logs/alerts.log).
    Email(std::string name, EmailChannel settings, Voice voice, std::string rest);
    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] std::string fingerprint() const override;
    Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const override;

  private:
    std::string m_name;
    EmailChannel m_settings;
    Voice m_voice;
    std::string m_rest;
};

namespace email {

inline constexpr std::size_t k_most_text = 100'000; // bytes

// The whole message as it goes over the wire, lines of at most 78 characters ending in CRLF.
std::string compose(const Draft& draft, const EmailChannel& settings, const Voice& voice,
                    const std::string& rest);
// RFC 2047: as it is where it is ASCII, else UTF-8 in encoded words, folded.
std::string header_text(const std::string& text);
// "Lectio <m@example.org>" and "m@example.org": the address alone.
std::string address_of(const std::string& mailbox);
// What an answer means.
Outcome judge(const MailAnswer& answer, const EmailChannel& settings);

} // namespace email
} // namespace lectio
