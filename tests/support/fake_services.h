// FakeServices: a systemd of one test; what was asked of it is kept, what a job does is up to the test.
#pragma once

#include "platform/services.h"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace lectio {

// A loaded, running service, as UnitState tells it.
UnitState running_unit(const std::string& name);
// A unit that ended: active_state failed, with this result, ExecMainCode and ExecMainStatus.
UnitState failed_unit(const std::string& name, const std::string& result, std::int32_t exit_code,
                      std::int32_t exit_status);

class FakeServices final : public Services {
  public:
    struct Job {
        std::string unit;
        Verb verb;
        bool operator==(const Job&) const = default;
    };

    std::map<std::string, UnitState> units; // any other name: load_state not-found
    std::vector<Job> jobs;                  // in order
    std::vector<Duration> limits;           // how long each of them was to be waited for
    // What a job does to the unit, and how it ends. By default it ends with the unit running: "done".
    std::function<JobResult(UnitState&, Verb)> on_job;
    std::optional<Error> broken; // every call fails with this

    Result<UnitState> unit(const std::string& name, Duration timeout) override;
    Result<std::vector<UnitState>> failed_units(Duration timeout) override;
    Result<std::vector<UnitState>> active_services(Duration timeout) override;
    Result<bool> host_is_stopping(Duration) override { return false; }
    Result<JobResult> act(const std::string& name, Verb verb, Duration timeout) override;

  private:
    std::vector<UnitState> units_in(const std::string& active_state) const;
    std::mutex m_mutex;
};

} // namespace lectio
