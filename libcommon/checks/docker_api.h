// The Docker Engine's answers about containers, over its socket (API 1.24 and later:
// https://docs.docker.com/reference/api/engine/), without the docker program.
#pragma once

#include "checks/check.h"
#include "platform/files.h"
#include "platform/world.h"
#include "util/task.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct DockerQuestion {
    Path socket;
    std::vector<std::string> containers; // by name; empty: those of the project, or all that run
    std::string project;                 // of Compose
    Duration timeout{};                  // of everything
};
struct DockerAnswers {
    std::optional<CheckResult> failure;  // the Engine could not be asked
    std::vector<std::string> missing;    // asked for by name, but not there
    std::vector<std::string> containers; // as the Engine inspects each (ContainerInspect), JSON
};
Task<DockerAnswers> ask_docker(World world, DockerQuestion question);

// For an answer that is not what the Engine answers.
CheckResult docker_not_understood();

// The ids in the list of containers, without those of `docker compose run`. Nothing when it is no such list.
std::optional<std::vector<std::string>> container_ids(std::string_view json);
bool is_container_id(std::string_view text);

} // namespace lectio
