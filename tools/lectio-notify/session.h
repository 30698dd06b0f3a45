// Session: what every command of lectio-notify works with: the configuration, the delivery, and how an outcome is
// said.
#pragma once

#include "alerts/delivery.h"
#include "cli/common_options.h"
#include "cli/exit_code.h"
#include "config/load.h"
#include "operator/desk.h"

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio::notify {

class Session {
  public:
    Session(const CommonOptions& options, World world) : m_options(options), m_world(world) {}

    // Loads the configuration. A value: leave with it, everything is said.
    std::optional<int> open();

    [[nodiscard]] World& world() { return m_world; }
    [[nodiscard]] const CommonOptions& options() const { return m_options; }
    [[nodiscard]] const LoadedConfig& loaded() const { return m_loaded; }
    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    [[nodiscard]] Delivery& delivery() { return *m_delivery; }
    [[nodiscard]] Desk desk();              // for the person who has called us
    [[nodiscard]] std::string host() const; // the name in messages
    [[nodiscard]] WallTime now() const;
    [[nodiscard]] SteadyTime deadline(Duration budget) const;

    // What must be read for this and is not ours to read, in words. An outbox that we may not look into would
    // seem empty, and a channel without its token would seem not to be set.
    [[nodiscard]] std::optional<std::string> denied_to_us();
    [[nodiscard]] std::optional<std::string> denied_secrets();
    // It is there, and no folder, say: of what waits in it nothing is known.
    [[nodiscard]] std::optional<Text> unreadable_outbox();
    int needs_rights(const std::string& what);
    // Nothing could be done: why, on standard error and for --format json as an object (CONTRACT 23).
    int leave(ExitCode exit, const std::string& reason);

    // alerts.log; a log that cannot be written stops nothing.
    void log(const DeliveryReport& report);

    // The last thing that a command does: prints its outcome, returns the exit status. `fields` stand in the object
    // that --format json prints, beside what stands in every tool's (CONTRACT 26).
    [[nodiscard]] int say_outcome(const Text& words, int status, const nlohmann::json& fields);
    [[nodiscard]] int say_outcome(const Text& words, int status, const DeliveryReport& report);
    // Of an operator's wish; what was done stands in alerts.log, too.
    [[nodiscard]] int say_answer(const Answer& answer);
    // Beside the outcome, to standard error.
    void say_aside(const Text& words) const;

  private:
    [[nodiscard]] std::string problem_words() const;

    const CommonOptions& m_options;
    World m_world;
    LoadedConfig m_loaded;
    std::unique_ptr<Delivery> m_delivery;
};

} // namespace lectio::notify
