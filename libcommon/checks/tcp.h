// The check type "tcp": a port accepts connections, and answers what it should when something is expected.
#pragma once

#include "checks/check_type.h"
#include "platform/tcp_probe.h"

#include <string>

namespace lectio {

struct TcpSettings {
    std::string address;
    Duration timeout{5000};
    Secret send;
    std::string expect;
};

// Pure. The first of: no connection, a connection that broke or fell silent, an answer without what is expected.
CheckResult evaluate_tcp(const TcpSample& sample, const TcpSettings& settings);
CheckType tcp_check_type();

} // namespace lectio
