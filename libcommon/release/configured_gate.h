// ConfiguredGate: the gate of [deploy] with the checks of health, deepcheck and smoke that it names.
//
// They are the same objects as those of the tools, asked without state, history, incidents or alerts, and whatever their
// `every` says.
#pragma once

#include "checks/runner.h"
#include "config/load.h"
#include "platform/http.h"
#include "platform/world.h"
#include "release/error_share.h"
#include "release/live_gate.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lectio::release {

class ConfiguredGate final : public LiveGate {
  public:
    enum class Walk { as_configured, never };
    // `loaded` outlives it; checks that discovery is to find are in it already (discover_checks()). `site`: the path of
    // the frontend. Where the gate names nothing, health's own checks of what is served from there are asked
    // (docs/decisions/0024-gates-of-a-release.md).
    ConfiguredGate(const LoadedConfig& loaded, World world, const std::filesystem::path& site,
                   Walk walk = Walk::as_configured);

    // What it asks by itself because the gate names nothing; empty otherwise.
    [[nodiscard]] const std::vector<std::string>& chosen() const { return m_chosen; }
    // Named, and switched off by `enabled = false`: not asked.
    [[nodiscard]] const std::vector<std::string>& switched_off() const { return m_switched_off; }

    [[nodiscard]] bool has_checks() const override { return !m_checks.empty() || !m_unaskable.empty(); }
    [[nodiscard]] bool has_walk() const override { return m_has_walk; }
    [[nodiscard]] std::vector<std::string> names() const override;
    Look look(SteadyTime until) override;
    Look walk() override;
    void begin_to_count() override;
    void count_again() override;
    std::optional<Text> too_many_errors() override;
    std::optional<Text> unseen_page(std::string_view text, SteadyTime until) override;

  private:
    void choose(const std::filesystem::path& site);
    void add(const std::string& name);
    [[nodiscard]] std::vector<HttpRequest> ways_of_visitors() const;

    const LoadedConfig& m_loaded;
    World m_world;
    std::vector<CheckToRun> m_checks;
    std::vector<Seen> m_unaskable; // named, and cannot be asked: unknown in each look
    std::vector<std::string> m_chosen, m_switched_off, m_walked;
    bool m_has_walk = false;
    std::unique_ptr<Runner> m_runner;
    std::optional<ErrorShare> m_errors; // since the swap
};

} // namespace lectio::release
