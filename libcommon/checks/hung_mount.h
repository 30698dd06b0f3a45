// What checks of files say of a mount that does not answer, and how they remember the child that waits there
// (platform/stranded.h).
#pragma once

#include "checks/check.h"
#include "platform/stranded.h"

#include <map>
#include <string>

namespace lectio {

constexpr Duration k_mount_timeout{3'000};

// The child that an earlier run left behind; empty: none.
std::string left_behind(const std::map<std::string, std::string>& memory);
// For the next run; with an empty `child` none is remembered any more.
void keep_left_behind(CheckResult& result, const std::string& child);

// `mount`: its mount_name(). `outcome`: hangs or still_hangs.
CheckResult hung_mount(const std::string& mount, Stranded::Outcome outcome);

} // namespace lectio
