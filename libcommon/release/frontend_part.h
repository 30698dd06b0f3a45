// FrontendPart: files that a web server gives out. Open pages of the release before find their scripts in the next one,
// browsers do not stay with an old page, and visitors may read all of it.
#pragma once

#include "config/deploy.h"
#include "platform/release_disk.h"
#include "platform/trees.h"
#include "release/part.h"
#include "release/shelf.h"

namespace lectio::release {

class BuildInspector {
  public:
    virtual ~BuildInspector() = default;
    // `live`: the release that it would replace, where there is one.
    virtual std::vector<Flaw> inspect(const Path& build, const TreeManifest& manifest, const Release* live,
                                      const std::vector<Release>& releases) = 0;
    // When owner and modes are set: why visitors could not get it; nothing: they can.
    virtual std::optional<Flaw> hidden_from_visitors(const Path& build) = 0;
};

class FrontendPart final : public Part {
  public:
    struct Settings {
        TreeRules rules;
        Duration keep_assets{};
        int keep = 5; // releases
    };
    // All of it outlives the part.
    FrontendPart(Settings settings, Shelf& shelf, ReleaseDisk& disk, BuildInspector& inspector, Clock& clock)
        : m_settings(std::move(settings)), m_shelf(shelf), m_disk(disk), m_inspector(inspector),
          m_clock(clock) {}

    [[nodiscard]] Kind kind() const override { return Kind::frontend; }
    [[nodiscard]] Patience patience() const override { return k_files_patience; }
    Step ready() override { return {}; }
    Step may_be_adopted(Wish, bool, const Voice&) override { return {}; }
    Result<void> before_adoption(const std::string&) override { return {}; }
    Result<void> forget_adoption(const std::string&) override { return {}; }
    [[nodiscard]] bool leaves_out(std::string_view) const override { return false; }
    Result<std::set<std::string>> needed() override { return std::set<std::string>{}; }
    std::vector<Flaw> inspect(const Path& build, const TreeManifest& manifest, const Release* live,
                              const std::vector<Release>& releases) override {
        return m_inspector.inspect(build, manifest, live, releases);
    }
    Step dress(const Path& staging, const Draft& draft, const Voice& voice) override;
    Step build(const Path&, const Draft&, const Voice&) override { return {}; }
    void carry(const std::string& going, const std::string& coming, const Voice& voice) override;
    Step start(const std::string&, const Voice&) override { return {}; }
    Step stands(const std::string&) override { return {}; }
    void finish(const std::string&, const Voice&) override {}

  private:
    Settings m_settings;
    Shelf& m_shelf;
    ReleaseDisk& m_disk;
    BuildInspector& m_inspector;
    Clock& m_clock;
};

} // namespace lectio::release
