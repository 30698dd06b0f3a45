#include "config/heartbeat.h"

#include "config/complaints.h"

#include <chrono>

namespace lectio {
namespace {

using namespace std::chrono_literals;

const Schema<NotYet>& job_schema() {
    static const Schema<NotYet> schema{
        later<Secret>("url", "pinged at its start and end").check(secretly<web_url_complaint>).needed(),
        later<Duration>("max", "longest run"),
    };
    return schema;
}

} // namespace

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
        later<std::map<std::string, NotYet>>("job", job_schema(),
                                             "jobs of one's own: lectio-heartbeat run NAME"),
    };
    return schema;
}

} // namespace lectio
