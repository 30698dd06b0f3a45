#include "config/deploy.h"

#include "config/complaints.h"
#include "config/sections.h"
#include "config/site_path.h"

#include <algorithm>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_no_place{"refused: {} would become a link as a whole",
                            "отказано: {} целиком превратилось бы в ссылку"};
constexpr Phrase k_no_folder{"expected an absolute path like \"/srv/site/releases\"",
                             "ожидается полный путь вроде \"/srv/site/releases\""};
constexpr Phrase k_no_file{"expected the absolute path of a file like \"/var/www/maintenance.html\"",
                           "ожидается полный путь к файлу вроде \"/var/www/maintenance.html\""};
constexpr Phrase k_page_in_release{"lies in what is released: name a file beside it",
                                   "лежит внутри того, что выкладывают: назовите файл рядом"};
constexpr Phrase k_never_passed{"{} passes a second apart do not fit into within = {}",
                                "{} проходов с шагом в секунду не уложатся в within = {}"};
constexpr Phrase k_no_socket{"expected a command with {} where the socket belongs",
                             "ожидается команда с {} на месте сокета"};
constexpr Phrase k_no_socket_unit{"expected a unit like \"teaching_panel.socket\"",
                                  "ожидается юнит вроде \"teaching_panel.socket\""};
constexpr Phrase k_no_name{"expected a path inside the build like \"index.html\"",
                           "ожидается путь внутри сборки вроде \"index.html\""};

std::optional<Text> place_complaint(const std::filesystem::path& path) {
    return lies_where_sites_do(path) ? std::nullopt : std::optional(say(k_no_place, path.string()));
}

std::optional<Text> releases_complaint(const std::string& text) {
    const bool good = text.empty() || lies_where_sites_do(text);
    return good ? std::nullopt : std::optional(say(k_no_folder));
}

std::optional<Text> page_complaint(const std::string& text) {
    const std::filesystem::path path(text);
    const bool good = text.empty() || (path.is_absolute() && path.has_filename());
    return good ? std::nullopt : std::optional(say(k_no_file));
}

// Also of patterns: what leads out of the build can match nothing in it.
std::optional<Text> inside_complaint(const std::string& text) {
    const std::filesystem::path path(text);
    bool good = !text.empty() && path.is_relative() && path.has_filename();
    for (const std::filesystem::path& step : path) {
        good = good && step != ".." && step != ".";
    }
    return good ? std::nullopt : std::optional(say(k_no_name));
}

std::optional<Text> socket_complaint(const std::string& text) {
    const bool good = text.empty() || (text.ends_with(".socket") && !unit_complaint(text));
    return good ? std::nullopt : std::optional(say(k_no_socket_unit));
}

// A gate that nothing can pass would take every release back.
std::vector<Complaint> gate_complaints(const GateSettings& gate) {
    if (std::chrono::seconds(gate.passes - 1) < gate.within) {
        return {};
    }
    return {{"passes", say(k_never_passed, gate.passes, format_duration(gate.within))}};
}

std::optional<Text> owner_or_none_complaint(const std::string& text) {
    return text.empty() ? std::nullopt : owner_complaint(text);
}

std::optional<Text> inside_or_none_complaint(const std::string& text) {
    return text.empty() ? std::nullopt : inside_complaint(text);
}

constexpr std::string_view k_socket = "{socket}";

std::vector<Complaint> canary_complaints(const CanarySettings& canary) {
    for (const std::string& word : canary.command) {
        if (word.find(k_socket) != std::string::npos) {
            return {};
        }
    }
    return {{"command", say(k_no_socket, k_socket)}};
}

const Schema<GitSource>& git_source_schema() {
    static const Schema<GitSource> schema{
        optional("remote", &GitSource::remote, "a URL, or the name of a remote of the repository at path"),
        optional("ref", &GitSource::ref, "branch, tag or commit"),
    };
    return schema;
}

const Schema<CanarySettings>& canary_settings_schema() {
    static const Schema<CanarySettings> schema =
        Schema<CanarySettings>{
            required("command", &CanarySettings::command,
                     "serves the new code on {socket}, which stands for unix:PATH, before anybody meets it"),
            optional("path", &CanarySettings::path, "asked there").check(request_path_complaint),
        }
            .verify(canary_complaints);
    return schema;
}

// What lies in a release is another file with the next one.
std::vector<Complaint> deploy_complaints(const DeploySettings& deploy) {
    std::vector<std::filesystem::path> places;
    if (deploy.frontend) {
        places.push_back(deploy.frontend->path);
    }
    if (deploy.backend) {
        places.push_back(deploy.backend->path);
    }
    const bool inside = std::any_of(places.begin(), places.end(), [&](const std::filesystem::path& place) {
        const std::filesystem::path below =
            std::filesystem::path(deploy.maintenance_page).lexically_normal().lexically_relative(place);
        return !below.empty() && *below.begin() != "..";
    });
    return inside ? std::vector<Complaint>{{"maintenance_page", say(k_page_in_release)}}
                  : std::vector<Complaint>{};
}

} // namespace

const Schema<BackendDeploy>& backend_deploy_schema() {
    static const Schema<BackendDeploy> schema{
        required("path", &BackendDeploy::path,
                 "the project: `adopt backend` makes a link to a release of this folder")
            .check(place_complaint),
        optional("git", &BackendDeploy::git, git_source_schema(),
                 "where the code is from when neither folder nor archive is given"),
        optional("venv", &BackendDeploy::venv, "virtual environment, inside the release; empty: none is made")
            .check(inside_or_none_complaint),
        optional("install", &BackendDeploy::install,
                 "fills it; skipped where the files that it names are those of the release before"),
        optional("check", &BackendDeploy::check, "must succeed before anybody meets the release"),
        optional("migrate", &BackendDeploy::migrate,
                 "manage.py migrate: migrations that only add are applied after a snapshot, before the swap; "
                 "others while none of the units runs"),
        optional("collect", &BackendDeploy::collect, "gathers static files"),
        optional("canary", &BackendDeploy::canary, canary_settings_schema(),
                 "the new code is tried before the swap"),
        optional(
            "database", &BackendDeploy::database,
            "sqlite:PATH (inside the release, or absolute): what migrations change; a snapshot of it is "
            "taken before them; postgresql:URL the same, by a role that owns it and may create databases "
            "(the restored one stands beside it)")
            .check(secretly<database_complaint>),
        optional("shared", &BackendDeploy::shared,
                 "outlives releases: linked into each, never copied or deleted")
            .check(inside_complaint),
        optional("units", &BackendDeploy::units, "restarted on the new code").check(unit_complaint),
        optional("workers", &BackendDeploy::workers,
                 "those of units that are restarted last, when the release stays; default: those that are "
                 "named after celery, beat or workers")
            .check(unit_complaint),
        optional("socket", &BackendDeploy::socket,
                 "that keeps requests while units restart: a release is refused where it does not listen, or "
                 "starts none of "
                 "units; empty: not asked for")
            .check(socket_complaint),
        optional("user", &BackendDeploy::user, "who runs the commands; empty: the owner of path")
            .check(user_complaint),
        optional("timeout", &BackendDeploy::timeout, "of each command").between(1s, 25min),
    };
    return schema;
}

const Schema<GateSettings>& gate_schema() {
    static const Schema<GateSettings> schema =
        Schema<GateSettings>{
            optional("checks", &GateSettings::checks,
                     "checks of health (or TOOL/CHECK) that must pass: before a release, or it does not "
                     "begin; after "
                     "it, or the previous release comes back"),
            optional("smoke", &GateSettings::smoke, "the whole walk of lectio-smoke must pass, too"),
            optional("within", &GateSettings::within, "this long after the swap").between(1s, 10min),
            optional("passes", &GateSettings::passes, "so many passes in a row, one second apart")
                .between(1, 100),
            optional("errors", &GateSettings::errors,
                     "so many percent points more of the answers may be errors (5xx) than before the swap, "
                     "by the access logs "
                     "that checks of type log with format = \"nginx-access\" read; empty: not judged")
                .units({Amount::Unit::percent}),
        }
            .verify(gate_complaints);
    return schema;
}

const Schema<FrontendDeploy>& frontend_deploy_schema() {
    static const Schema<FrontendDeploy> schema{
        required("path", &FrontendDeploy::path,
                 "what the web server serves: the first release makes a link to a release of this folder")
            .check(place_complaint),
        optional("owner", &FrontendDeploy::owner, "user:group; empty: the owner of path")
            .check(owner_or_none_complaint),
        optional("dirs", &FrontendDeploy::dirs, "mode of folders"),
        optional("files", &FrontendDeploy::files, "mode of files"),
        optional("requires", &FrontendDeploy::requires_files,
                 "patterns; each must match a file of the build that is not empty")
            .check(inside_complaint),
        optional("contains", &FrontendDeploy::contains, "file = text that it must hold")
            .check_keys(inside_complaint),
        optional(
            "keep_assets", &FrontendDeploy::keep_assets,
            "files with a hash in their name stay reachable this long after their release, and as long as it "
            "is one of the last `keep`")
            .between(0s, std::chrono::hours(24 * 365)),
        optional("forbid", &FrontendDeploy::forbid, "texts that must not stand in a page, script or style"),
    };
    return schema;
}

const Schema<DeploySettings>& deploy_schema() {
    static const Schema<DeploySettings> schema =
        Schema<DeploySettings>{
            optional("keep", &DeploySettings::keep, "good releases that stay").between(1, 1000),
            optional("min_free", &DeploySettings::min_free,
                     "must be free on the disk when a release is there"),
            optional("releases", &DeploySettings::releases,
                     "where they lie, on the file system of path; empty: .lectio-releases beside path")
                .check(releases_complaint),
            optional("shrink", &DeploySettings::shrink,
                     "a build below this share of the live one is refused without --force; not judged below "
                     "100 kB")
                .units({Amount::Unit::percent}),
            optional("maintenance_page", &DeploySettings::maintenance_page,
                     "a file that visitors get as long as it is there, if nginx is told so (README): "
                     "`--maintenance` "
                     "writes it while migrations are applied, and takes it away; empty: none")
                .check(page_complaint),
            optional("gate", &DeploySettings::gate, gate_schema(), "what must pass"),
            optional("frontend", &DeploySettings::frontend, frontend_deploy_schema(), "the build"),
            optional("backend", &DeploySettings::backend, backend_deploy_schema(), "the code"),
        }
            .verify(deploy_complaints);
    return schema;
}

std::filesystem::path releases_folder(const DeploySettings& deploy, const std::filesystem::path& path) {
    return deploy.releases.empty() ? path.parent_path() / ".lectio-releases"
                                   : std::filesystem::path(deploy.releases);
}

} // namespace lectio
