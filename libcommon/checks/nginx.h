// nginx: how it is set up, as `nginx -T` prints it: what is not limited, not denied, not said.
#pragma once

#include "checks/check_type.h"
#include "checks/headers.h"
#include "platform/processes.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct NginxSettings {
    std::vector<std::string> command{"nginx", "-T"};
    std::vector<std::string> limit_req;
    std::optional<Bytes> max_body;
    bool server_tokens = false;
    std::vector<HeadersSettings::Header> headers;
    std::vector<std::string> listed; // locations that may list their files
    Duration timeout{10'000};
};

// Pure: of what the command printed.
CheckResult evaluate_nginx(const Result<ProcessAnswer>& printed, const NginxSettings& settings);
CheckType nginx_check_type();

} // namespace lectio
