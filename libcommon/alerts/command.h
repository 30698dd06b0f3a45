// Command: a program of the operator's own that gets the message on standard input: a pager, a siren, a gateway for
// text messages. Started without a shell.
//
// Its environment: LECTIO_LEVEL, LECTIO_TITLE, LECTIO_HOST; LECTIO_CHECK ("health/site") and LECTIO_ID of the first
// incident, empty for a text of `send`; LECTIO_MESSAGE_ID, the same when a message comes again. Exit status 0: told;
// 75 (EX_TEMPFAIL): try again later; any other: refused.
#pragma once

#include "alerts/channel.h"
#include "config/config.h"
#include "platform/processes.h"

#include <string>

namespace lectio {

class Command final : public Channel {
  public:
    // `rest`: where what is cut from a long message is to be found (paths.logs/alerts.log).
    Command(std::string name, CommandChannel settings, Voice voice, std::string rest);
    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] std::string fingerprint() const override;
    Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const override;

  private:
    std::string m_name;
    CommandChannel m_settings;
    Voice m_voice;
    std::string m_rest;
};

namespace command {

inline constexpr std::size_t k_most_text = 64'000; // bytes

ProcessRequest request(const Draft& draft, const CommandChannel& settings, const Voice& voice,
                       const std::string& rest);
Outcome judge(const Result<ProcessAnswer>& answer, const CommandChannel& settings);

} // namespace command
} // namespace lectio
