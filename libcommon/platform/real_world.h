// RealWorld: the real version of everything a tool reaches outside itself. Making it costs nothing; libcurl,
// D-Bus and the like are set up with their first use.
#pragma once

#include "platform/clock.h"
#include "platform/curl_http.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/processes.h"
#include "platform/redis.h"
#include "platform/services.h"
#include "platform/world.h"

namespace lectio {

struct RealWorld {
    SystemClock clock;
    SystemFiles files;
    SystemHost host;
    CurlHttp http;
    SystemProcesses processes;
    SystemServices services;
    HiredisConnector redis;

    World world() { return {clock, files, host, http, processes, services, redis}; }
};

} // namespace lectio
