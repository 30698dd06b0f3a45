#include "support/fake_services.h"

namespace lectio {

UnitState running_unit(const std::string& name) {
    UnitState unit;
    unit.id = name;
    unit.load_state = "loaded";
    unit.active_state = "active";
    unit.sub_state = "running";
    unit.result = "success";
    unit.unit_file_state = "enabled";
    unit.main_pid = 4711;
    return unit;
}

UnitState failed_unit(const std::string& name, const std::string& result, std::int32_t exit_code,
                      std::int32_t exit_status) {
    UnitState unit = running_unit(name);
    unit.active_state = "failed";
    unit.sub_state = "failed";
    unit.result = result;
    unit.exit_code = exit_code;
    unit.exit_status = exit_status;
    unit.main_pid = 0;
    return unit;
}

Result<UnitState> FakeServices::unit(const std::string& name, Duration) {
    const std::lock_guard lock(m_mutex);
    if (broken) {
        return *broken;
    }
    const auto found = units.find(name);
    if (found != units.end()) {
        return found->second;
    }
    UnitState unknown;
    unknown.id = name;
    unknown.load_state = "not-found";
    unknown.active_state = "inactive";
    unknown.sub_state = "dead";
    return unknown;
}

std::vector<UnitState> FakeServices::units_in(const std::string& active_state) const {
    std::vector<UnitState> found;
    for (const auto& [name, unit] : units) {
        if (unit.active_state == active_state) {
            found.push_back(unit);
        }
    }
    return found;
}

Result<std::vector<UnitState>> FakeServices::failed_units(Duration) {
    const std::lock_guard lock(m_mutex);
    return broken ? Result<std::vector<UnitState>>(*broken) : units_in("failed");
}

Result<std::vector<UnitState>> FakeServices::active_services(Duration) {
    const std::lock_guard lock(m_mutex);
    return broken ? Result<std::vector<UnitState>>(*broken) : units_in("active");
}

Result<JobResult> FakeServices::act(const std::string& name, Verb verb, Duration timeout) {
    const std::lock_guard lock(m_mutex);
    if (broken) {
        return *broken;
    }
    jobs.push_back({name, verb});
    limits.push_back(timeout);
    UnitState& unit = units[name];
    if (on_job) {
        return on_job(unit, verb);
    }
    if (verb == Verb::stop) {
        unit.active_state = "inactive";
        unit.sub_state = "dead";
    } else if (verb != Verb::reload) {
        const UnitState before = unit;
        unit = running_unit(name);
        unit.can_reload = before.can_reload;
    }
    return JobResult{"done", Duration(1)};
}

} // namespace lectio
