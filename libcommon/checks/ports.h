// ports: nothing listens that is not meant to.
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

struct PortsSettings {
    std::vector<std::string> allow; // "443", "127.0.0.0/8"
};

// `memory` tells which were there in the run before: the others are called new.
CheckResult evaluate_ports(const std::vector<Listener>& listeners, const PortsSettings& settings,
                           const std::map<std::string, std::string>& memory);
CheckType ports_check_type();

} // namespace lectio
