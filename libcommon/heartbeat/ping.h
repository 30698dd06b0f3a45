// Ping: one signal to who waits outside this server, by the protocol of healthchecks.io
// (https://healthchecks.io/docs/http_api/), which others speak, too.
#pragma once

#include "platform/clock.h"
#include "platform/http.h"
#include "platform/world.h"
#include "util/secret.h"
#include "util/units.h"
#include "words/phrase.h"

#include <string>
#include <string_view>

namespace lectio::heartbeat {

struct Ping {
    enum class Signal { success, start, fail, exit_status } signal = Signal::success;
    int exit_status = 0;   // 0 to 255; 0 is a success
    std::string rid = {};  // a UUID, the same of a start and its end; empty: they are not paired
    std::string body = {}; // of what is too long the end is kept: errors stand there
};

// The suffix goes behind the path, the rid into the query, whatever else stands there.
std::string address_of(std::string_view url, const Ping& ping);

// What is known of a server from one ping to the next.
struct PingMemory {
    Bytes body_limit{10'000}; // Ping-Body-Limit of its last answer
    std::string address;      // its own at the last success, asked when no name is resolved any more
    bool operator==(const PingMemory&) const = default;
};

struct PingOutcome {
    bool arrived = false;
    int attempts = 0;
    Text problem, hint; // of one that did not arrive
};

class Pinger {
  public:
    // `timeout`: of each attempt, 3 at most.
    Pinger(World& world, Secret url, Duration timeout, PingMemory& memory)
        : m_world(world), m_url(std::move(url)), m_timeout(timeout), m_memory(memory) {}

    // Tries until it has arrived, is refused for good, or `until`.
    PingOutcome send(const Ping& ping, SteadyTime until);

  private:
    [[nodiscard]] HttpRequest request(const Ping& ping, Duration timeout) const;
    void learn(const HttpAnswer& answer);

    World& m_world;
    Secret m_url;
    Duration m_timeout;
    PingMemory& m_memory;
};

} // namespace lectio::heartbeat
