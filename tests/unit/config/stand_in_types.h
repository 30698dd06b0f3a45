// Check types and actions as the configuration sees them, without the checks: its tests hold whatever those
// become.
#pragma once

#include "config/config.h"

namespace lectio::test {

struct HttpLike {
    std::string url;
    StatusSet status;
    bool follow = true;
    bool verify = true;
    std::string contains;
    std::map<std::string, JsonText> json;
    Duration max_time{5000};
    Duration timeout{10000};
    std::string resolve;
};
struct DiskLike {
    Path path;
    Thresholds free, inodes;
};
struct TreeLike {
    Path path;
    std::string owner;
    FileMode dirs{0755}, files{0644};
};

const Kinds& stand_in_kinds();

} // namespace lectio::test
