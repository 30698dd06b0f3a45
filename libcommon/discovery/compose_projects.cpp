#include "discovery/compose_projects.h"

#include "util/json_depth.h"

#include <map>
#include <set>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr int k_deepest = 20;
constexpr std::size_t k_most_projects = 100;

std::string label(const Json& labels, const char* name) {
    const auto found = labels.find(name);
    return found != labels.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::vector<ComposeProject> compose_projects(std::string_view json) {
    const Json containers = json_depth(json) > k_deepest ? Json() : Json::parse(json, nullptr, false);
    std::map<std::string, std::set<std::string>> services;
    std::map<std::string, std::string> folders;
    for (const Json& container : containers.is_array() ? containers : Json::array()) {
        const auto labels = container.is_object() ? container.find("Labels") : container.end();
        if (!container.is_object() || labels == container.end() || !labels->is_object()) {
            continue;
        }
        const std::string project = label(*labels, "com.docker.compose.project");
        if (project.empty() || (services.size() >= k_most_projects && !services.contains(project))) {
            continue;
        }
        services[project].insert(label(*labels, "com.docker.compose.service"));
        folders[project] = label(*labels, "com.docker.compose.project.working_dir");
    }
    std::vector<ComposeProject> projects;
    for (const auto& [name, names] : services) {
        projects.push_back({name, folders[name], {names.begin(), names.end()}});
    }
    return projects;
}

} // namespace lectio
