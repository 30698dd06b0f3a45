// docker: containers run, are healthy and are not restarted again and again.
#pragma once

#include "checks/check_type.h"
#include "checks/docker_api.h"
#include "platform/files.h"
#include "platform/http.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct DockerSettings {
    std::vector<std::string> containers;
    std::string project; // of Compose
    Path socket{"/var/run/docker.sock"};
    Duration timeout{5'000};
};

// What the Engine tells of one container (ContainerInspect).
struct DockerContainer {
    std::string name;
    std::string id;            // hexadecimal; another one: it was made anew
    std::string state;         // created running paused restarting removing exited dead
    std::string health;        // healthy unhealthy starting; empty: it has no health check
    std::string health_output; // of the last health check
    std::string error;         // why it could not be started
    std::string policy;        // of restarts: no always unless-stopped on-failure
    std::int64_t exit_code = 0;
    std::int64_t restarts = 0; // by Docker itself since it was made or last started by hand
    bool oom_killed = false;
};

struct DockerSample {
    std::optional<CheckResult> failure;      // the Engine could not be asked
    std::vector<std::string> missing;        // configured, but not there
    std::vector<DockerContainer> containers; // in the order to be told
};

// Nothing when it is not what the Engine answers.
std::optional<DockerContainer> container_of(std::string_view json);
// Pure. `memory`: the restarts seen in earlier runs.
CheckResult evaluate_docker(const DockerSample& sample, const DockerSettings& settings, const Now& now,
                            const std::map<std::string, std::string>& memory);

CheckType docker_check_type();

} // namespace lectio
