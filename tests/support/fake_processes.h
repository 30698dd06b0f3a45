// FakeProcesses: programs that are not started. Answers by the program's name; remembers what was asked.
//
//     FakeProcesses processes;
//     processes.answers["nginx"] = exited(0);
#pragma once

#include "platform/processes.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace lectio {

ProcessAnswer exited(int status, std::string out = {}, std::string err = {});

class FakeProcesses final : public Processes {
  public:
    std::map<std::string, Result<ProcessAnswer>> answers; // by command[0]; none: not_found
    Result<ProcessAnswer> run(const ProcessRequest& request) override;
    [[nodiscard]] std::vector<ProcessRequest> asked() const;

  private:
    mutable std::mutex m_mutex; // checks run in threads
    std::vector<ProcessRequest> m_asked;
};

} // namespace lectio
