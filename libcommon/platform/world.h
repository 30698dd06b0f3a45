// World: the outside, as a tool's run sees it. main builds the real one; tests build theirs.
#pragma once

namespace lectio {

class Clock;
class Files;
class Host;
class Http;
class Processes;
class RedisConnector;
class Services;

struct World {
    Clock& clock;
    Files& files;
    Host& host;
    Http& http;
    Processes& processes;
    Services& services;
    RedisConnector& redis;
};

} // namespace lectio
