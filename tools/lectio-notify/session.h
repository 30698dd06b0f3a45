// Session: what every command of lectio-notify works with: the configuration, the delivery, and how an outcome is
// said.
#pragma once

#include "alerts/delivery.h"
#include "cli/tool_session.h"
#include "operator/desk.h"

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio::notify {

class Session : public ToolSession {
  public:
    Session(const CommonOptions& options, World world) : ToolSession("lectio-notify", options, world) {}

    // Loads the configuration, the last good one where the present one is wrong. A value: leave with it, everything
    // is said.
    std::optional<int> open();

    [[nodiscard]] Delivery& delivery() { return *m_delivery; }
    [[nodiscard]] Desk desk(); // for the person who has called us

    // What must be read for this and is not ours to read, in words. An outbox that we may not look into would
    // seem empty, and a channel without its token would seem not to be set.
    [[nodiscard]] std::optional<Text> denied_to_us();
    [[nodiscard]] std::optional<Text> denied_secrets();
    // It is there, and no folder, say: of what waits in it nothing is known.
    [[nodiscard]] std::optional<Text> unreadable_outbox();

    // alerts.log; a log that cannot be written stops nothing.
    void log(const DeliveryReport& report);

    using ToolSession::say_outcome;
    [[nodiscard]] int say_outcome(const Text& words, int status, const DeliveryReport& report);
    // Of an operator's wish; what was done stands in alerts.log, too.
    [[nodiscard]] int say_answer(const Answer& answer);

  private:
    std::unique_ptr<Delivery> m_delivery;
};

} // namespace lectio::notify
