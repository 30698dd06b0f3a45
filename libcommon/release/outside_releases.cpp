#include "release/outside_releases.h"

#include <algorithm>
#include <utility>

namespace lectio::release {
namespace {

// Those below another are there with it.
std::vector<std::string> outermost(std::vector<std::string> paths) {
    for (std::string& path : paths) {
        path = std::filesystem::path(path).lexically_normal().string();
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    std::vector<std::string> kept;
    for (const std::string& path : paths) {
        const bool inside = std::any_of(kept.begin(), kept.end(), [&](const std::string& above) {
            return path.starts_with(above + "/");
        });
        if (!inside) {
            kept.push_back(path);
        }
    }
    return kept;
}

// Where the web server's part of the site lies inside the project, its folder is no part of a release.
std::string frontend_folder(const BackendDeploy& deploy, const std::filesystem::path& frontend) {
    const std::string inside = deploy.path.lexically_normal().string() + "/";
    const std::string folder = frontend.lexically_normal().parent_path().string();
    return folder.starts_with(inside) ? folder.substr(inside.size()) : std::string();
}

// What comes and goes beside what is shared: the log of a database, and what `lectio-backup restore` has set aside.
bool lies_beside(std::string_view below, std::string_view shared) {
    if (!below.starts_with(shared)) {
        return false;
    }
    const std::string_view more = below.substr(shared.size());
    return more == "-wal" || more == "-shm" || more == "-journal" || more.starts_with(".before-");
}

} // namespace

bool OutsideReleases::leaves_out(std::string_view below) const {
    const std::string_view name = below.substr(below.rfind('/') + 1);
    return name == "__pycache__" || name.ends_with(".pyc") || below == ".git" || below == k_canary_socket ||
           (!venv.empty() && is_at_or_below(below, venv)) ||
           std::any_of(shared.begin(), shared.end(), [&](const std::string& path) {
               return is_at_or_below(below, path) || lies_beside(below, path);
           });
}

OutsideReleases outside_releases(const BackendDeploy& deploy, const std::filesystem::path& frontend) {
    std::vector<std::string> shared = deploy.shared;
    if (std::string folder = frontend_folder(deploy, frontend); !folder.empty()) {
        shared.push_back(std::move(folder));
    }
    return {outermost(std::move(shared)), std::filesystem::path(deploy.venv).lexically_normal().string()};
}

bool is_at_or_below(std::string_view path, std::string_view above) {
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

} // namespace lectio::release
