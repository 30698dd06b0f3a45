// The inspector of builds that [deploy.frontend] describes: static_gate.h over what lies on the shelf, and readable.h.
#pragma once

#include "config/config.h"
#include "release/frontend_part.h"
#include "release/readable.h"
#include "release/shelf.h"

#include <string>
#include <vector>

namespace lectio::release {

class ConfiguredInspector final : public BuildInspector {
  public:
    // `config` has deploy.frontend, and outlives it as `shelf` does.
    ConfiguredInspector(const Config& config, World world, Shelf& shelf, WebServerPlaces places = {});

    std::vector<Flaw> inspect(const Path& build, const TreeManifest& manifest, const Release* live,
                              const std::vector<Release>& releases) override;
    // Where it refuses; what it only warns of is in doubts().
    std::optional<Flaw> hidden_from_visitors(const Path& build) override;
    // Nobody says as whom the site is served: a Flaw that only warns. Nothing: it is known.
    [[nodiscard]] const std::optional<Flaw>& doubts() const { return m_doubts; }

  private:
    const Config& m_config;
    World m_world;
    Shelf& m_shelf;
    WebServerPlaces m_web_server;
    std::optional<Flaw> m_doubts;
};

} // namespace lectio::release
