#include "config/heartbeat.h"

#include "config/complaints.h"

#include <chrono>

namespace lectio {

using namespace std::chrono_literals;

const Schema<HeartbeatSettings>& heartbeat_schema() {
    using OnSiteDown = HeartbeatSettings::OnSiteDown;
    static const Schema<HeartbeatSettings> schema{
        // What it says is judged by read_heartbeat(): out of a variable it is this host's.
        optional("url", &HeartbeatSettings::url, "a healthchecks.io-style ping URL; empty: nothing to do"),
        optional("probe", &HeartbeatSettings::probe, "the site: must answer before a ping is sent")
            .check(web_url_complaint),
        optional("on_site_down", &HeartbeatSettings::on_site_down,
                 "told outside while it does not: nothing, a ping once the operator was told, or a failure")
            .one_of({{"silent", OnSiteDown::silent}, {"ping", OnSiteDown::ping}, {"fail", OnSiteDown::fail}}),
        optional("tools", &HeartbeatSettings::tools, "last finished run older than this: told")
            .between(1min, 31 * 24h),
        optional("timeout", &HeartbeatSettings::timeout, "of each attempt at a ping").between(10ms, 1h),
    };
    return schema;
}

const Schema<JobSettings>& job_schema() {
    static const Schema<JobSettings> schema{
        // As `url` above: judged by the reader.
        required("url", &JobSettings::url, "pinged at its start and its end; empty: nobody waits for it"),
        optional("max", &JobSettings::max, "longer it does not run: it is ended, and that is told")
            .between(1s, 31 * 24h),
    };
    return schema;
}

} // namespace lectio
