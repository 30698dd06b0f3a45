// ServiceManager: what a service tells the systemd that started it: sd_notify(3), whose protocol its manual page describes
// for programs that do not link to libsystemd.
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"
#include "util/units.h"

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

class ServiceManager {
  public:
    // By our environment: NOTIFY_SOCKET=, WATCHDOG_USEC=, WATCHDOG_PID=.
    static ServiceManager of_this_unit();

    // Somebody listens: Type=notify, or WatchdogSec= with NotifyAccess=.
    [[nodiscard]] bool listens() const { return !m_address.empty(); }
    // WatchdogSec= of the unit: the silence after which it is restarted. None: it was not asked for, or of another process.
    [[nodiscard]] std::optional<Duration> watchdog() const { return m_watchdog; }

    // One assignment a line: "READY=1\nSTATUS=..." Does not wait. Nothing where nobody listens.
    Result<void> tell(std::string_view assignments) const;

  private:
    std::string m_address; // a path, or '@' and a name that is no file's
    UniqueFd m_socket;
    std::optional<Duration> m_watchdog;
};

} // namespace lectio
