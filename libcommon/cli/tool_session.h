// ToolSession: what the commands of a tool work with that is no checking run: its configuration, who calls and when, and
// how an outcome is said. A tool that needs more derives its own.
#pragma once

#include "cli/common_options.h"
#include "cli/exit_code.h"
#include "config/load.h"
#include "platform/world.h"
#include "report/log.h"
#include "util/result.h"
#include "words/phrase.h"

#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

class ToolSession {
  public:
    // `tool` as it calls itself, "lectio-notify"; `common` outlives this.
    ToolSession(std::string tool, const CommonOptions& common, World world)
        : m_tool(std::move(tool)), m_common(common), m_world(world) {}

    // Loads the configuration, or answers --check-config. A value: leave with it, everything is said. With
    // LastGood::never nothing but a right configuration will do. `refuses`: of a right one, that --check-config is to
    // judge as with --strict, because this tool would not do what it asks for.
    std::optional<int> load(LastGood last_good, const std::function<bool(const Config&)>& refuses = {});

    [[nodiscard]] World& world() { return m_world; }
    [[nodiscard]] const CommonOptions& common() const { return m_common; }
    [[nodiscard]] const LoadedConfig& loaded() const { return m_loaded; }
    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    [[nodiscard]] Lang lang() const { return config().lang; }
    [[nodiscard]] std::string host() const;   // the name in messages
    [[nodiscard]] std::string person() const; // who calls us; sudo says who was root before
    [[nodiscard]] WallTime now() const { return m_world.clock.now().wall; }
    [[nodiscard]] SteadyTime deadline(Duration budget) const { return m_world.clock.steady() + budget; }

    // A log of the suite's, "deploy.log", as [log] asks for it.
    [[nodiscard]] Log open_log(const std::string& name);
    // What was said to it is in its file; its folder is made. An Error stops nothing.
    Result<void> write(Log& log);

    // Nothing could be done: why, on standard error and for --format json as an object (CONTRACT 23).
    int leave(ExitCode exit, const Text& reason, const Text& hint = {});
    int leave(const Error& error);
    int needs_rights(const Text& what);

    // The last thing that a command does: prints its outcome, returns `status`. `fields` stand in the object that
    // --format json prints, beside what stands in every tool's (CONTRACT 26).
    [[nodiscard]] int say_outcome(const Text& words, int status, const nlohmann::json& fields);
    // Beside the outcome, to standard error.
    void say_aside(const Text& words) const;

  private:
    std::string m_tool;
    const CommonOptions& m_common;
    World m_world;
    LoadedConfig m_loaded;
};

} // namespace lectio
