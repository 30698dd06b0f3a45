// Session: what a run of lectio-cleanup works with.
#pragma once

#include "cli/tool_session.h"
#include "config/config.h"
#include "options.h"

#include <optional>

namespace lectio::cleanup {

class Session : public ToolSession {
  public:
    Session(const Options& options, World world)
        : ToolSession("lectio-cleanup", options.common, world), m_options(options) {}

    // Loads the configuration: only a right one says what may go. A value: leave with it, everything is said.
    std::optional<int> open();
    // Nobody else cleans up from now on. A value: leave with it.
    std::optional<int> lock();

    [[nodiscard]] const CleanupSettings& settings() const { return config().cleanup; }
    // Whether it is done, or only shown.
    enum class Effect { none, real };
    [[nodiscard]] Effect effect() const;
    [[nodiscard]] bool for_a_person() const; // on a terminal

  private:
    const Options& m_options;
    Lock m_lock;
};

} // namespace lectio::cleanup
