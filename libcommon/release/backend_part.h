// BackendPart: code that units run. It is built where it will stay, by the user of the site, tried on a private socket, and
// the units are restarted when the link leads to it; workers come last, when it stays.
//
// What outlives releases (databases, uploads) lies once, behind RELEASES/.shared, and is linked into each release. The
// folder that was there before the first deploy becomes the first release, and .shared leads there: nothing of the site's
// data is ever moved, copied or deleted (docs/decisions/0030-releases-of-a-backend.md).
#pragma once

#include "config/deploy.h"
#include "platform/release_disk.h"
#include "platform/services.h"
#include "platform/users.h"
#include "platform/world.h"
#include "recovery/command.h"
#include "release/outside_releases.h"
#include "release/part.h"
#include "release/shelf.h"
#include "release/site_database.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace lectio::release {

class BackendPart final : public Part {
  public:
    struct Settings {
        BackendDeploy deploy;
        User user;                // who builds and runs it
        std::string host;         // the name by which the site is asked; may be empty
        Path frontend_path;       // of [deploy.frontend]; empty: none
        Bytes least_free = 0_B;   // that a deploy may leave
        Bytes most_held = 200_MB; // of a database that is changed while requests wait
    };
    // All of it outlives the part.
    BackendPart(Settings settings, Shelf& shelf, ReleaseDisk& disk, World& world);

    [[nodiscard]] Kind kind() const override { return Kind::backend; }
    [[nodiscard]] Patience patience() const override { return k_start_patience; }
    Step ready() override;
    Step may_be_adopted(Wish wish, bool force, const Voice& voice) override;
    Result<void> before_adoption(const std::string& id) override;
    Result<void> forget_adoption(const std::string& id) override;
    [[nodiscard]] bool leaves_out(std::string_view below) const override;
    Result<std::set<std::string>> needed() override;
    std::vector<Flaw> inspect(const Path& build, const TreeManifest& manifest, const Release* live,
                              const std::vector<Release>& releases) override;
    Foresight foresee(const Path& staging, const Draft& draft, const Voice& voice) override;
    Step dress(const Path& staging, const Draft& draft, const Voice& voice) override;
    Step build(const Path& tree, const Draft& draft, const Voice& voice) override;
    Result<std::optional<std::string>> schema() override;
    Step only_ours(SteadyTime until) override;
    Step take_snapshot(const std::string& id, SteadyTime until) override;
    Step migrate(const std::string& id, SteadyTime until, const Voice& voice) override;
    Step keep_before_reverse(const std::string& id) override;
    Step reverse(const std::string& id, const std::string& way_back, const Voice& voice) override;
    Result<std::string> database_place() override;
    Result<std::string> look_at_database(const std::string& place, SteadyTime until) override;
    Step restore(const std::string& id, const std::string& place, Duration wait) override;
    Step keep_replaced(const std::string& id, const std::string& place, const Voice& voice) override;
    Result<std::optional<Text>> damage_to_snapshot(const std::string& id, const std::string& place) override;
    Result<Text> rows_since(const std::string& id) override;
    Step may_go_back_to(const std::string& id, const std::string& place,
                        const std::vector<std::string>& undone, bool behind_page) override;
    Step may_be_replaced(const std::string& place, SteadyTime until) override;
    Step go_back_to(const std::string& id, const std::string& present, const std::string& place,
                    const std::string& to, SteadyTime until, const Voice& voice) override;
    Result<Running> running() override;
    Step hold(const std::string& unit, SteadyTime until, const Voice& voice) override;
    void were_held(const std::vector<std::string>& units) override;
    void let_go(Waiting waiting, const Voice& voice) override;
    void carry(const std::string&, const std::string&, const Voice&) override {}
    Step start(const std::string& id, const Voice& voice) override;
    Step stands(const std::string& id) override;
    void finish(const std::string& id, const Voice& voice) override;

  private:
    [[nodiscard]] ProcessRequest request_for(const Path& tree, std::vector<std::string> command) const;
    CommandOutcome run_in(const Path& tree, const std::vector<std::string>& command);
    struct NamedCommand {
        std::string_view name; // in the configuration
        const std::vector<std::string>& words;
        std::optional<Duration> limit{}; // else deploy.timeout
        std::vector<std::pair<std::string, std::string>> environment{};
    };
    Step run_named(const Path& tree, const NamedCommand& named);
    Step make_environment(const Path& tree, const Draft& draft, const Voice& voice);
    bool reuse_environment(const Path& tree, const Release& live);
    Step look_for_migrations(const Path& tree, WaitingMigrations& waiting);
    Step may_migrate(const Path& tree, const WaitingMigrations& waiting, bool force, const Voice& voice);
    [[nodiscard]] Path snapshots() const;
    Step may_be_held(const Text& changes, bool behind_page, Bytes size);
    [[nodiscard]] SiteDatabase::Snapshot kept_with(const std::string& id) const;
    Result<void> when_it_is_free(SteadyTime last_try, const std::function<Result<void>()>& act);
    [[nodiscard]] bool listens(const std::string& socket) const;
    [[nodiscard]] bool socket_listens(const UnitState& unit) const;
    Step look_for_database(const Path& tree, const WaitingMigrations& waiting);
    [[nodiscard]] std::unique_ptr<SiteDatabase> configured_database() const;
    SiteDatabase* database_at(const std::string& place);
    [[nodiscard]] SteadyTime later() const;
    Step ask(const Path& tree, std::vector<std::string> manage, const std::vector<std::string>& question,
             std::string& printed);
    Step try_it(const Path& tree, Duration limit, const Voice& voice);
    [[nodiscard]] Duration left(SteadyTime until, Duration longest) const;
    Step look_for_shared();
    Step look_for_socket();
    std::optional<Text> restart(const std::string& unit);

    Settings m_settings;
    Shelf& m_shelf;
    ReleaseDisk& m_disk;
    World& m_world;
    OutsideReleases m_outside;
    std::vector<std::string> m_web, m_workers;
    std::unique_ptr<SiteDatabase> m_database;        // empty: none that we can look at
    std::unique_ptr<SiteDatabase> m_once;            // of a journal
    std::set<std::string> m_held;                    // stopped by a deploy
    std::map<std::string, std::uint32_t> m_restarts; // by systemd itself, when it was started
};

} // namespace lectio::release
