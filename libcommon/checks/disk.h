// disk: free space and inodes of a file system, and whether it can be written.
#pragma once

#include "checks/check_type.h"
#include "platform/stranded.h"

#include <map>
#include <string>

namespace lectio {

struct DiskSettings {
    Path path{"/"};
    Thresholds free{Amount{Amount::Unit::percent, 10}, Amount{Amount::Unit::percent, 5}};
    Thresholds inodes{Amount{Amount::Unit::percent, 10}, Amount{Amount::Unit::percent, 3}};
    Thresholds clear; // of `free`
};

CheckResult evaluate_disk(const DiskSpace& space, const DiskSettings& settings,
                          const std::map<std::string, std::string>& memory);
// Adds to a failing result how much more is used than a day ago, and keeps what is used now for later.
void tell_growth(CheckResult& result, const DiskSpace& space, const Now& now,
                 const std::map<std::string, std::string>& memory);
// A mount that does not answer: `outcome` is hangs or still_hangs.
CheckResult evaluate_hung_disk(const Mount& mount, Stranded::Outcome outcome,
                               const std::map<std::string, std::string>& memory);
CheckType disk_check_type();

} // namespace lectio
