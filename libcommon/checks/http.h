// The check type "http": a page answers as it should, and soon enough.
#pragma once

#include "checks/check_type.h"
#include "config/values.h"
#include "platform/http.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

struct HttpSettings {
    std::string url;
    StatusSet status;
    bool follow = true;
    std::vector<std::string> contains, not_contains, matches;
    std::map<std::string, JsonText> json; // JSON pointer → value
    std::map<std::string, std::string> expect_headers;
    Duration max_time{0}; // slower: warning; 0: no such limit
    Duration timeout{10000};
    std::string method = "GET";
    std::map<std::string, Secret> headers;
    Secret body;
    std::string ca, client_cert, client_key;
    Bytes max_body = 1_MB;
    bool verify = true;
    std::string http_version;
    std::string resolve;
};

HttpRequest http_request(const HttpSettings& settings);
// Pure. The first thing that is wrong is told; "slow" only where nothing else is.
CheckResult evaluate_http(const HttpAnswer& answer, const HttpSettings& settings);
CheckType http_check_type();

} // namespace lectio
