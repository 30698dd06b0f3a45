// What lies in the folder of a backend and is no part of its releases: data that outlives them, what is made anew for each,
// and the frontend, where it lies inside the project.
#pragma once

#include "config/deploy.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

struct OutsideReleases {
    std::vector<std::string> shared; // below the project, none below another: linked into each release
    std::string venv;                // below it; may be empty
    [[nodiscard]] bool leaves_out(std::string_view below) const;
};

// `frontend`: the path of [deploy.frontend]; empty where there is none.
OutsideReleases outside_releases(const BackendDeploy& deploy, const std::filesystem::path& frontend);

bool is_at_or_below(std::string_view path, std::string_view above);

// On which new code is tried, in the folder of its release.
constexpr std::string_view k_canary_socket = ".lectio-canary.sock";

} // namespace lectio::release
