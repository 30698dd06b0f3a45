#include "release/configured_inspector.h"

#include "platform/tree_place.h"
#include "release/frontend_checks.h"
#include "release/static_gate.h"
#include "util/text.h"
#include "words/error_words.h"

#include <map>
#include <memory>
#include <utility>

namespace lectio::release {
namespace {

constexpr Phrase k_cannot_look{"unable to look into the build: {}", "не удалось заглянуть в сборку: {}"};

// Where health's check of type frontend has it; "": at the root of its host, or nobody says.
std::string site_of(const Config& config, const Path& root) {
    for (const FrontendCheck& frontend : frontend_checks_of(config, root)) {
        if (!frontend.settings->url.empty()) {
            return frontend.settings->url;
        }
    }
    return {};
}

BuildTree tree_in(const std::shared_ptr<HeldFolder>& folder, const TreeManifest& manifest) {
    return {manifest, [folder](const std::string& path, Bytes limit) { return folder->read(path, limit); }};
}

} // namespace

ConfiguredInspector::ConfiguredInspector(const Config& config, World world, Shelf& shelf,
                                         WebServerPlaces places)
    : m_config(config), m_world(world), m_shelf(shelf), m_web_server(std::move(places)) {}

std::vector<Flaw> ConfiguredInspector::inspect(const Path& build, const TreeManifest& manifest,
                                               const Release* live, const std::vector<Release>& releases) {
    Result<HeldFolder> folder = HeldFolder::hold(build);
    if (!folder) {
        return {{Flaw::Weight::refuse, say(k_cannot_look, error_words(folder.error().message))}};
    }
    std::map<std::string, TreeManifest> manifests; // of those that are known still
    for (const Release& release : releases) {
        if (Result<TreeManifest> known = m_shelf.manifest(release.id)) {
            manifests.emplace(release.id, std::move(*known));
        }
    }
    const auto earlier = [&](const Release& release) {
        const auto known = manifests.find(release.id);
        return EarlierRelease{&release, known == manifests.end() ? nullptr : &known->second};
    };
    const FrontendDeploy& rules = m_config.deploy.frontend.value();
    BuildToJudge question{tree_in(std::make_shared<HeldFolder>(std::move(*folder)), manifest),
                          site_of(m_config, rules.path), rules};
    question.shrink = m_config.deploy.shrink;
    question.zone = m_config.timezone;
    for (const Release& release : releases) {
        if (live == nullptr || release.id != live->id) {
            question.earlier.push_back(earlier(release));
        }
    }
    if (live != nullptr) {
        question.live = earlier(*live);
        Result<HeldFolder> served = HeldFolder::hold(m_shelf.tree(live->id));
        if (served && question.live.manifest != nullptr) {
            question.served.emplace(
                tree_in(std::make_shared<HeldFolder>(std::move(*served)), *question.live.manifest));
        }
    }
    return judge_build(question);
}

std::optional<Flaw> ConfiguredInspector::hidden_from_visitors(const Path& build) {
    const Path& site = m_config.deploy.frontend.value().path;
    std::optional<Flaw> flaw =
        hidden_from(visitor_of(m_config, m_world, site, m_web_server), build, site, m_world);
    m_doubts.reset();
    if (flaw && flaw->weight == Flaw::Weight::warn) {
        m_doubts = std::exchange(flaw, std::nullopt);
    }
    return flaw;
}

} // namespace lectio::release
