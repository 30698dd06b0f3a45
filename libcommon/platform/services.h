// Services: systemd over D-Bus (sd-bus, the system bus). No systemctl is started.
#pragma once

#include "platform/clock.h"
#include "util/result.h"
#include "util/units.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// RestartPreventExitStatus= and its kind.
struct ExitStatusSet {
    std::vector<std::int32_t> statuses, signals;
};

struct UnitState {
    std::string id;           // canonical name
    std::string load_state;   // loaded not-found masked error …
    std::string active_state; // active reloading inactive failed activating deactivating
    std::string sub_state;    // running exited dead auto-restart failed …
    std::string result; // success exit-code signal core-dump watchdog oom-kill timeout start-limit-hit …
    std::string unit_file_state; // enabled disabled static …
    // Type of the job for it while it is deactivating: restart, stop …; empty: none, or it is not deactivating.
    std::string job;
    std::string type; // of a service: simple exec forking oneshot notify …; else empty
    std::uint32_t main_pid = 0;
    std::int32_t exit_code = 0;   // ExecMainCode: 0, CLD_EXITED, CLD_KILLED, CLD_DUMPED
    std::int32_t exit_status = 0; // ExecMainStatus: exit status or signal
    std::uint32_t restarts = 0;   // NRestarts
    std::optional<WallTime> state_changed;
    bool can_reload = false;
    Duration start_timeout{90000}; // TimeoutStartUSec; infinity is 0
    Duration stop_timeout{90000};  // TimeoutStopUSec; infinity is 0
    Duration watchdog{};           // WatchdogUSec; 0: none
    std::string notify_access;     // none main exec all
    // Argument vectors of ExecStart= and ExecStartPre=, the program first.
    std::vector<std::vector<std::string>> exec_start, exec_start_pre;
    std::vector<std::string> after; // units that are started before it, Before= of theirs included
    std::uint32_t start_limit_burst = 0;
    Duration start_limit_interval{};
    std::string restart;      // of a service, Restart=: no always on-failure on-abnormal …
    Duration restart_delay{}; // RestartSec=
    // Of a service: ends after which it is not started again, or always is, whatever Restart= says.
    ExitStatusSet restart_prevented, restart_forced;
    std::vector<std::string> triggered_by; // units that start it: timers, sockets, paths
    std::uint32_t last_main_pid = 0;       // ExecMainPID: of the process that was its main one last
};

struct JobResult {
    std::string
        result; // done canceled timeout failed dependency skipped, or "no answer" when we stopped waiting
    Duration took{};
};

class Services {
  public:
    virtual ~Services() = default;
    // Errors of every call: not_found where this host does not run systemd (a container), io where the bus cannot
    // be reached, timeout, permission. An unknown unit is no error: its load_state is not-found.
    virtual Result<UnitState> unit(const std::string& name, Duration timeout) = 0;
    virtual Result<std::vector<UnitState>> failed_units(Duration timeout) = 0;
    // Active .service units, names only filled as far as ListUnits tells.
    virtual Result<std::vector<UnitState>> active_services(Duration timeout) = 0;

    // The host is being shut down or rebooted: what stops now is stopped on purpose.
    virtual Result<bool> host_is_stopping(Duration timeout) = 0;

    enum class Verb { start, restart, reload, stop };
    // ResetFailed first for start and restart (FACTS: StartLimitBurst counts restarts by hand too), then the
    // job with mode "replace", waited for until its JobRemoved or `timeout`.
    virtual Result<JobResult> act(const std::string& name, Verb verb, Duration timeout) = 0;
};

// One connection, opened by the first call: the system bus, or systemd's private socket where root finds no bus.
// May be used by several threads; they take turns.
class SystemServices final : public Services {
  public:
    SystemServices();
    ~SystemServices() override;
    SystemServices(const SystemServices&) = delete;
    SystemServices& operator=(const SystemServices&) = delete;

    Result<UnitState> unit(const std::string& name, Duration timeout) override;
    Result<std::vector<UnitState>> failed_units(Duration timeout) override;
    Result<std::vector<UnitState>> active_services(Duration timeout) override;
    Result<bool> host_is_stopping(Duration timeout) override;
    Result<JobResult> act(const std::string& name, Verb verb, Duration timeout) override;

  private:
    class Bus;
    std::unique_ptr<Bus> m_bus;
};

} // namespace lectio
