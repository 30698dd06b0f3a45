// FromChat: carries out what operators ask for in a chat, as the same command does in a terminal.
#pragma once

#include "bot/listener.h"
#include "operator/desk.h"
#include "platform/processes.h"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace lectio::notify {

class Session;

// A check or a look into the history that an operator asked for.
inline constexpr Duration k_check_at_most = std::chrono::seconds(45);

class FromChat final : public Operators {
  public:
    explicit FromChat(Session& session) : m_session(session) {}
    std::variant<Reply, Slow> carry_out(const OperatorCommand& command, const std::string& who) override;

  private:
    Reply status(Desk& desk);
    Reply acknowledge(const std::string& what, Desk& desk);
    Slow details(const std::string& ids, const Desk& desk);
    Slow check();
    // lectio-health beside this tool, with our configuration.
    [[nodiscard]] ProcessRequest health(std::vector<std::string> arguments) const;

    Session& m_session;
};

} // namespace lectio::notify
