#include "release/doctor_looks.h"

#include "discovery/host_view.h"
#include "platform/http.h"
#include "release/frontend_checks.h"
#include "release/nginx_of_host.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <set>

#include <unistd.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using Part = DeployConditions::SiteUnit::Part;

constexpr Duration k_for_unit = 5s;

constexpr Phrase k_cannot_look{"unable to look at {}: {}", "не удалось посмотреть на {}: {}"};
constexpr Phrase k_no_answer{"the page {} does not answer: whether browsers keep it is not known",
                             "страница {} не отвечает: хранят ли её браузеры, неизвестно"};

class Looks {
  public:
    Looks(World& world, ReleaseDisk& disk, const Config& config, Shelf& shelf, const WebServerPlaces& places)
        : m_world(world), m_disk(disk), m_config(config), m_shelf(shelf), m_places(places) {}

    DeployConditions look() {
        m_seen.served = m_shelf.places().served;
        m_seen.releases = m_shelf.places().releases;
        m_seen.now = m_world.clock.now().wall;
        m_seen.min_free = m_config.deploy.min_free;
        look_at_releases();
        look_at_folders();
        look_at_past();
        look_at_nginx();
        look_at_page();
        look_at_units();
        return std::move(m_seen);
    }

  private:
    template<class T>
    bool seen(const Result<T>& look, const std::string& what) {
        if (!look) {
            m_seen.unseen.push_back(say(k_cannot_look, clean_line(what), error_words(look.error().message)));
        }
        return look.operator bool();
    }

    void look_at_releases() {
        const Result<Shelf::Served> served = m_shelf.served();
        const Result<Shelf::Records> records = m_shelf.records();
        if (!seen(served, m_seen.served.string()) || !seen(records, m_shelf.places().state.string())) {
            return;
        }
        m_seen.served_kind = served->kind;
        m_seen.unreadable = records->unreadable;
        for (const Release& release : records->releases) {
            m_seen.newest = std::max(m_seen.newest.value_or(release.made), release.made);
        }
        if (const Release* live = find(records->releases, served->id)) {
            m_seen.live_size = live->size;
            m_seen.live_files = live->files;
        }
        if (served->kind == Shelf::Served::Kind::release || served->kind == Shelf::Served::Kind::folder) {
            m_seen.hidden = hidden_from(visitor_of(m_config, m_world, m_seen.served, m_places),
                                        std::filesystem::path(tree_served(*served)), m_seen.served, m_world);
        }
    }

    [[nodiscard]] Path tree_served(const Shelf::Served& served) const {
        return served.kind == Shelf::Served::Kind::release ? m_shelf.tree(served.id) : m_seen.served;
    }

    // What is not there yet is made by the first deploy, in the nearest folder that is.
    std::optional<FileInfo> nearest(Path folder) {
        for (;; folder = folder.parent_path()) {
            const Result<FileInfo> info = m_world.files.info(folder, Files::Follow::yes);
            const bool missing = !info && info.error().kind == ErrorKind::not_found;
            if (!missing || folder == folder.root_path()) {
                return seen(info, folder.string()) ? std::optional(*info) : std::nullopt;
            }
        }
    }

    void look_at_folders() {
        m_seen.us = ::geteuid();
        const Result<FileInfo> folder = m_world.files.info(m_seen.releases, Files::Follow::no);
        if (folder) {
            m_seen.releases_folder = *folder;
        }
        const std::optional<FileInfo> served = nearest(m_seen.served.parent_path());
        const std::optional<FileInfo> releases = nearest(m_seen.releases);
        if (served && releases) {
            m_seen.served_device = served->device;
            m_seen.releases_device = releases->device;
        }
        const Result<ReleaseDisk::Room> room =
            m_disk.room(folder ? m_seen.releases : m_seen.served.parent_path());
        if (seen(room, m_seen.releases.string())) {
            m_seen.room = *room;
        }
    }

    void look_at_past() {
        const Result<std::vector<Shelf::Past>> journals = m_shelf.journals();
        if (!seen(journals, m_shelf.places().state.string())) {
            return;
        }
        for (const Shelf::Past& past : *journals) {
            if (!past.standing.ended()) {
                m_seen.unfinished.push_back(past.id);
            }
        }
    }

    void look_at_nginx() {
        if (const std::optional<NginxTree> nginx = nginx_of_host(m_world, m_places.nginx)) {
            m_seen.file_caches = file_caches_of(*nginx, m_seen.served);
            const std::string& page = m_config.deploy.maintenance_page;
            m_seen.unknown_page = page.empty() || asks_for_file(*nginx, page) ? "" : page;
        }
    }

    // As health's check of this frontend asks for it.
    void look_at_page() {
        for (const auto& [check, settings] : frontend_checks_of(m_config, m_seen.served)) {
            if (!settings->url.empty()) {
                ask(*settings);
                return;
            }
        }
    }

    void ask(const FrontendSettings& settings) {
        HttpRequest request;
        request.url = settings.url.ends_with('/') ? settings.url : settings.url + "/";
        request.timeout = settings.timeout;
        request.ca = settings.ca;
        request.resolve = settings.resolve;
        const std::string url = request.url;
        std::optional<HttpAnswer> answer;
        const std::unique_ptr<Http::Transfer> transfer =
            m_world.http.start(std::move(request), [&](HttpAnswer done) { answer = std::move(done); });
        const SteadyTime end = m_world.clock.steady() + settings.timeout + 1s;
        while (!answer && m_world.clock.steady() < end) {
            m_world.http.poll(100ms);
        }
        constexpr int k_ok = 200;
        if (!answer || answer->failure != HttpAnswer::Failure::none || answer->status != k_ok) {
            m_seen.unseen.push_back(say(k_no_answer, clean_line(url)));
            return;
        }
        const auto header = [&](std::string_view name) {
            const std::string* value = answer->header(name);
            return value != nullptr ? shorten(*value, 200) : std::string();
        };
        m_seen.page = {url, header("cache-control"), header("expires")};
    }

    void look_at_units() {
        const HostView view = look_at(m_world);
        m_seen.systemd = view.systemd == HostView::Systemd::answers;
        if (!m_seen.systemd) {
            return;
        }
        if (const std::optional<UnitState> unit = state_of("lectio-deploy-recover.service")) {
            m_seen.recovery = *unit;
        }
        std::set<std::string> known;
        for (const RunningProgram& running : view.programs) {
            if (!running.unit.empty() && known.insert(running.unit).second) {
                add(running);
            }
        }
    }

    void add(const RunningProgram& running) {
        const Program& program = running.program;
        const bool runs_the_site = program.role == Program::Role::application || program.name == "celery";
        if (!runs_the_site && program.role != Program::Role::web) {
            return;
        }
        std::optional<UnitState> unit = state_of(running.unit);
        if (unit && runs_the_site) {
            const Part part = program.name == "celery" ? Part::workers : Part::web;
            m_seen.units.push_back({part, program.name, std::move(*unit)});
        } else if (unit) {
            m_seen.fronts.push_back(std::move(*unit));
        }
    }

    std::optional<UnitState> state_of(const std::string& name) {
        Result<UnitState> unit = m_world.services.unit(name, k_for_unit);
        return seen(unit, name) ? std::optional(std::move(*unit)) : std::nullopt;
    }

    World& m_world;
    ReleaseDisk& m_disk;
    const Config& m_config;
    Shelf& m_shelf;
    const WebServerPlaces& m_places;
    DeployConditions m_seen;
};

// ── nginx ──

struct Inherited {
    Path root;
    std::string cache;
};

Path without_slash(const std::string& folder) {
    const Path path = Path(folder).lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

void add_caches(const std::vector<NginxDirective>& block, Inherited around, const Path& root,
                std::vector<std::string>& caches) {
    for (const NginxDirective& directive : block) {
        if (directive.arguments.empty()) {
            continue;
        }
        if (directive.name == "root" || directive.name == "alias") {
            around.root = without_slash(directive.arguments[0]);
        } else if (directive.name == "open_file_cache") {
            around.cache.clear();
            for (const std::string& argument : directive.arguments) {
                around.cache += (around.cache.empty() ? "" : " ") + argument;
            }
        }
    }
    const bool keeps = !around.cache.empty() && around.cache != "off";
    if (keeps && around.root == root &&
        std::find(caches.begin(), caches.end(), around.cache) == caches.end()) {
        caches.push_back(around.cache);
    }
    for (const NginxDirective& directive : block) {
        add_caches(directive.block, around, root, caches);
    }
}

bool asks_for(const std::vector<NginxDirective>& block, const std::string& file) {
    return std::any_of(block.begin(), block.end(), [&](const NginxDirective& directive) {
        const bool asks =
            directive.name == "if" &&
            std::any_of(directive.arguments.begin(), directive.arguments.end(),
                        [&](const std::string& word) { return word == file || word == file + ")"; });
        return asks || asks_for(directive.block, file);
    });
}

} // namespace

DeployConditions look_at_conditions(World& world, ReleaseDisk& disk, const Config& config, Shelf& shelf,
                                    bool is_proven, const WebServerPlaces& places) {
    DeployConditions conditions = Looks(world, disk, config, shelf, places).look();
    conditions.is_proven = is_proven;
    return conditions;
}

std::vector<std::string> file_caches_of(const NginxTree& nginx, const Path& root) {
    std::vector<std::string> caches;
    add_caches(nginx.directives, {}, without_slash(root.string()), caches);
    return caches;
}

bool asks_for_file(const NginxTree& nginx, const Path& file) {
    return asks_for(nginx.directives, file.string());
}

} // namespace lectio::release
