// [heartbeat]: who outside this server is told that all is well.
#pragma once

#include "config/schema.h"
#include "config/values.h"
#include "util/secret.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct JobSettings {                  // one [heartbeat.job.NAME]
    Secret url;                       // pinged at its start and its end; empty: nobody waits for it
    std::optional<Duration> max;      // longer it does not run
    std::vector<std::string> unset{}; // variables it needs that are set nowhere
};

struct HeartbeatSettings {
    Secret url;        // empty: nobody waits for a ping
    std::string probe; // the site; empty: it is not asked
    // What is told outside while the site is down (CONTRACT 32).
    enum class OnSiteDown { silent, ping, fail } on_site_down = OnSiteDown::silent;
    std::map<std::string, Duration> tools{{"health", Duration(180'000)}};
    Duration timeout{10'000};       // of each attempt at a ping
    std::vector<std::string> unset; // variables it needs that are set nowhere
    std::map<std::string, JobSettings> jobs{};
};

const Schema<HeartbeatSettings>& heartbeat_schema(); // without job
const Schema<JobSettings>& job_schema();

} // namespace lectio
