// dns: a nameserver, or those of this host, know a name and give the right answer.
#pragma once

#include "checks/check_type.h"
#include "platform/dns_probe.h"

#include <string>
#include <vector>

namespace lectio {

struct DnsSettings {
    std::string name;
    std::string record = "A";
    std::string server;
    std::vector<std::string> expect;
    Duration timeout{2'000};
};

// Pure.
CheckResult evaluate_dns(const DnsSample& sample, const DnsSettings& settings);
CheckType dns_check_type();

} // namespace lectio
