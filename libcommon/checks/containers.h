// containers: how the containers of this host are set up. Whether they run is the check type "docker".
#pragma once

#include "checks/check_type.h"
#include "checks/docker_api.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct ContainersSettings {
    enum class Must { non_root, restart, memory_limit, healthcheck };
    Path socket{"/var/run/docker.sock"};
    std::string project; // "": every container that runs
    std::vector<Must> require{Must::non_root, Must::restart, Must::memory_limit, Must::healthcheck};
    std::vector<std::string> published; // "443/tcp", "443"
};

// How a container was made, of what the Engine inspects.
struct ContainerSetup {
    struct Published {
        std::string address; // of this host: "0.0.0.0"
        std::string port;    // of this host, with the protocol: "5432/tcp"
    };
    std::string name;
    std::string user;              // "" root
    std::string restart_policy;    // no always unless-stopped on-failure
    std::int64_t memory_limit = 0; // bytes, 0: none
    bool healthcheck = false;
    bool privileged = false;
    bool holds_docker_socket = false;
    bool holds_host_root = false;          // / of the host is mounted
    bool sees_host_processes = false;      // PidMode host
    std::vector<std::string> capabilities; // added ones: "SYS_ADMIN", also with "CAP_" before it
    std::string command;                   // its words between blanks
    std::vector<Published> published;
    bool job = false; // it has ended well and was meant to
};
// Nothing when it is not what the Engine answers.
std::optional<ContainerSetup> container_setup_of(std::string_view json);

CheckResult evaluate_containers(const std::vector<ContainerSetup>& containers,
                                const ContainersSettings& settings);
CheckType containers_check_type();

} // namespace lectio
