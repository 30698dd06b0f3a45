// Session: what every command of lectio-deploy works with.
#pragma once

#include "cli/exit_code.h"
#include "config/load.h"
#include "options.h"
#include "platform/release_disk.h"
#include "platform/users.h"
#include "platform/world.h"
#include "release/shelf.h"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio::deploy {

class Session {
  public:
    Session(const Options& options, World world) : m_options(options), m_world(world) {}

    // Loads the configuration. A value: leave with it, everything is said. A deploy never works with anything but the
    // present configuration: what it does cannot be what was meant last week.
    std::optional<int> open();

    [[nodiscard]] const Options& options() const { return m_options; }
    [[nodiscard]] World& world() { return m_world; }
    [[nodiscard]] const LoadedConfig& loaded() const { return m_loaded; }
    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    [[nodiscard]] const FrontendDeploy& frontend() const { return *m_loaded.config.deploy.frontend; }
    [[nodiscard]] Lang lang() const { return config().lang; }
    [[nodiscard]] ReleaseDisk& disk() { return m_disk; }
    [[nodiscard]] release::Places places() const;
    [[nodiscard]] release::Shelf shelf() { return {m_world.files, m_disk, places()}; }
    [[nodiscard]] std::string host() const;
    [[nodiscard]] WallTime now() const { return m_world.clock.now().wall; }
    [[nodiscard]] std::string person() const; // who calls us

    // Nothing could be done: why, on standard error and for --format json as an object (CONTRACT 23).
    int leave(ExitCode exit, const Text& reason, const Text& hint = {});
    int leave(const Error& error);
    // The last thing that a command does: prints its outcome, returns `status`. `fields` stand in the object of --format json.
    int say_outcome(const Text& words, int status, const nlohmann::json& fields);
    // On standard error, for who waits.
    void say_aside(const Text& words) const;

  private:
    const Options& m_options;
    World m_world;
    LoadedConfig m_loaded;
    SystemReleaseDisk m_disk;
};

} // namespace lectio::deploy
