// ProcessTable: processes that may be ended, held by descriptors (pidfd_open(2)): what is signalled is what was looked at,
// whoever has got its number since. Tests make up their own.
#pragma once

#include "platform/host.h"
#include "util/result.h"
#include "util/units.h"

#include <memory>
#include <vector>

namespace lectio {

class HeldProcess {
  public:
    virtual ~HeldProcess() = default;
    // not_found: it has ended. Never another.
    virtual Result<void> send(int signal) = 0;
    // Waits for its end; early and false, too, when this process is to end.
    virtual bool ended_within(Duration limit) = 0;
};

class ProcessTable {
  public:
    virtual ~ProcessTable() = default;
    // As in Host.
    virtual Result<std::vector<ProcessInfo>> processes() = 0;
    virtual Result<ProcessPlace> place(int pid) = 0;
    virtual int self_pid() = 0;
    // The process that was seen. not_found: it has ended, its number may be another's; invalid: the kernel is older than
    // Linux 5.3, and nothing can be held.
    virtual Result<std::unique_ptr<HeldProcess>> hold(const ProcessInfo& seen) = 0;
};

class SystemProcessTable final : public ProcessTable {
  public:
    explicit SystemProcessTable(Host& host) : m_host(host) {}
    Result<std::vector<ProcessInfo>> processes() override { return m_host.processes(); }
    Result<ProcessPlace> place(int pid) override { return m_host.place(pid); }
    int self_pid() override { return m_host.self_pid(); }
    Result<std::unique_ptr<HeldProcess>> hold(const ProcessInfo& seen) override;

  private:
    Host& m_host;
};

} // namespace lectio
