// reboot: this host waits for a reboot, because a kernel or a library was replaced under what runs.
#pragma once

#include "checks/check_type.h"
#include "platform/files.h"

#include <string>
#include <vector>

namespace lectio {

struct RebootSettings {};

struct RebootSample {
    bool asked_for = false;             // /run/reboot-required is there
    std::vector<std::string> packages;  // that asked for it (/run/reboot-required.pkgs)
    std::string running;                // the kernel's release: "6.1.0-18-amd64"
    std::vector<std::string> installed; // releases with an image in /boot; empty in a container
};

// Files are read below `root`, "/" but in tests.
Result<RebootSample> look_for_reboot(Files& files, const Path& root = "/");
CheckResult evaluate_reboot(const RebootSample& sample);
CheckType reboot_check_type();

} // namespace lectio
