// Compose projects, out of the list of containers that Docker's API gives (GET /containers/json).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct ComposeProject {
    std::string name;
    std::string folder;                // where its file is; may be empty
    std::vector<std::string> services; // sorted, each once
};

// Sorted by name. Tolerant: what is odd is left out.
std::vector<ComposeProject> compose_projects(std::string_view json);

} // namespace lectio
