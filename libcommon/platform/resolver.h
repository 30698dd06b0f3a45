// Resolver: names to addresses in threads that can be left behind (CONTRACT 34).
//
// The C library's resolver cannot be interrupted and waits for many seconds when a server is silent. It is
// asked all the same, because /etc/hosts, nsswitch and search domains must mean here what they mean to every
// other program; the caller stops waiting when it likes.
#pragma once

#include "platform/clock.h"
#include "platform/wake.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lectio {

struct NameLookup {
    std::vector<std::string> addresses; // numeric, IPv4 and IPv6, in the order to try
    std::string error;                  // why there are none, in the C library's words
    bool own_fault = false;             // because we could not ask: no descriptors or memory left
};

// Longer no name is waited for.
constexpr Duration k_longest_lookup{2000};

// getaddrinfo, both families; /etc/hosts counts. Blocks. Addresses that this host has no route to are left
// out, unless there are no others: an IPv6 address on a host without IPv6 must not colour the error.
NameLookup system_lookup(const std::string& name);

// One lookup a name: what was found is kept, what failed is looked up anew when it is asked for again.
class Resolver {
  public:
    using Ask = std::function<NameLookup(const std::string& name)>;
    // `wake` is woken when an answer has come.
    Resolver(Ask ask, std::shared_ptr<const Wake> wake);

    // Makes sure that there is an answer to come: kept, under way, or begun now.
    void ask(const std::string& name);
    // nullptr while it has not come. Valid until the next ask().
    const NameLookup* answer(const std::string& name);

  private:
    struct Question; // shared with its thread

    Ask m_ask;
    std::shared_ptr<const Wake> m_wake;
    std::map<std::string, std::shared_ptr<Question>> m_questions;
};

// For a thread that waits: `ask` (system_lookup) in another one, which is left behind at the deadline or after
// k_longest_lookup. A numeric address is not asked for.
NameLookup lookup_in_time(const Resolver::Ask& ask, const std::string& name, SteadyTime deadline);

} // namespace lectio
