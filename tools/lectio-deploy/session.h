// Session: what every command of lectio-deploy works with.
#pragma once

#include "cli/tool_session.h"
#include "options.h"
#include "platform/release_disk.h"
#include "release/shelf.h"

#include <optional>
#include <vector>

namespace lectio::deploy {

class Session : public ToolSession {
  public:
    Session(const Options& options, World world)
        : ToolSession("lectio-deploy", options.common, world), m_options(options) {}

    // Loads the configuration. A value: leave with it, everything is said. A deploy never works with anything but the
    // present configuration: what it does cannot be what was meant last week. What it left unfinished is undone also
    // when the file was broken since: with the last good one, while units start.
    std::optional<int> open();

    [[nodiscard]] const Options& options() const { return m_options; }
    [[nodiscard]] const FrontendDeploy& frontend() const { return *config().deploy.frontend; }
    [[nodiscard]] ReleaseDisk& disk() { return m_disk; }
    [[nodiscard]] const BackendDeploy& backend() const { return *config().deploy.backend; }
    // What the configuration has, and what the command is about: one of them.
    [[nodiscard]] std::vector<release::Kind> kinds() const;
    [[nodiscard]] release::Kind kind() const { return m_kind; }
    [[nodiscard]] release::Places places(release::Kind kind) const;
    [[nodiscard]] release::Shelf shelf(release::Kind kind) { return {world().files, m_disk, places(kind)}; }

    // On standard error, for who waits.
    void say_progress(const Text& words) const;

  private:
    std::optional<int> choose_kind();

    release::Kind m_kind = release::Kind::frontend;
    const Options& m_options;
    SystemReleaseDisk m_disk;
};

} // namespace lectio::deploy
