#include "release/known_deploys.h"

#include "incidents/markers.h"
#include "platform/release_disk.h"
#include "platform/users.h"
#include "release/deploy_site.h"
#include "release/shelf.h"
#include "store/past_runs.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace lectio::release {
namespace {

constexpr Duration k_looking_back{2'000};

// "deploy:site,api", "mute, packages": whatever of it brings new files.
bool brings_files(const std::string& quiet) {
    return quiet.find(to_string(Quiet::deploy)) != std::string::npos ||
           quiet.find(to_string(Quiet::packages)) != std::string::npos;
}

class KnownDeploys final : public Deploys {
  public:
    KnownDeploys(std::optional<Places> places, HistoryPlace history)
        : m_places(std::move(places)), m_history(std::move(history)) {}

    [[nodiscard]] std::optional<WallTime> last(const World& world, WallTime since) const override {
        return std::max(last_recorded(world), last_marked(world, since));
    }

    [[nodiscard]] Result<std::optional<ReleasedBuild>> released(const World& world,
                                                                const Path& build) const override {
        if (!m_places || m_places->served.lexically_normal() != build.lexically_normal()) {
            return std::optional<ReleasedBuild>();
        }
        SystemReleaseDisk disk;
        Shelf shelf(world.files, disk, *m_places);
        const Result<Shelf::Served> served = shelf.served();
        LECTIO_TRY(served);
        if (served->kind != Shelf::Served::Kind::release) {
            return std::optional<ReleasedBuild>();
        }
        const Result<TreeManifest> manifest = shelf.manifest(served->id);
        LECTIO_TRY(manifest);
        const Result<Shelf::Records> records = shelf.records();
        LECTIO_TRY(records);
        ReleasedBuild released{served->id, content_hashes(*manifest), {}};
        if (const Release* release = find(records->releases, served->id)) {
            for (const Carried& file : release->carried) {
                released.carried.insert(file.path);
            }
        }
        return std::optional(std::move(released));
    }

  private:
    // What its journal says last: of a deploy that has died, too.
    [[nodiscard]] std::optional<WallTime> last_recorded(const World& world) const {
        if (!m_places) {
            return std::nullopt;
        }
        SystemReleaseDisk disk;
        const Result<std::vector<Shelf::Past>> journals = Shelf(world.files, disk, *m_places).journals();
        std::optional<WallTime> last;
        if (journals) {
            for (const Shelf::Past& past : *journals) {
                if (past.standing.swap && !past.text.entries.empty()) {
                    last = std::max(last, std::optional(past.text.entries.back().time));
                }
            }
        }
        return last;
    }

    // The last run of any tool that met one.
    [[nodiscard]] std::optional<WallTime> last_marked(const World& world, WallTime since) const {
        std::optional<WallTime> last;
        Result<PastRuns> past =
            PastRuns::at(world.files, world.clock, m_history, world.clock.steady() + k_looking_back);
        if (!past) {
            return last;
        }
        [[maybe_unused]] const Result<void> read =
            past->each({since, WallTime::max(), {}}, [&](const PastRun& run) {
                if (brings_files(run.quiet)) {
                    last = run.started.wall;
                }
            });
        return last;
    }

    std::optional<Places> m_places; // of the frontend, where there is one
    HistoryPlace m_history;
};

} // namespace

std::shared_ptr<const Deploys> known_deploys(const Config& config) {
    std::optional<Places> places;
    if (config.deploy.frontend) {
        places = places_of(config, Kind::frontend);
    }
    return std::make_shared<KnownDeploys>(
        std::move(places),
        HistoryPlace{config.paths.state, config.paths.run / "history.lock", effective_user()});
}

} // namespace lectio::release
