// What is told outside: that all is well only if it is (CONTRACT 32). Pure.
#pragma once

#include "config/heartbeat.h"
#include "heartbeat/ping.h"
#include "words/phrase.h"

#include <optional>
#include <vector>

namespace lectio::heartbeat {

// What was seen of the site and of the suite that watches it.
struct Facts {
    Text site;               // why it is down; empty: it answers, or nobody asked
    bool told = false;       // an incident is open that has reached the operator
    std::vector<Text> suite; // what is wrong with the suite itself: nothing it says can be relied on
};

struct Verdict {
    enum class Outside { told_well, told_failed, told_nothing } outside = Outside::told_well;
    Text words;     // how things stand, a line each
    int status = 0; // exit status: 1 the site is down, 2 the suite is broken
    [[nodiscard]] std::optional<Ping> ping(Lang lang) const; // none: the silence says it
};
Verdict judge(const Facts& facts, HeartbeatSettings::OnSiteDown on_site_down);

} // namespace lectio::heartbeat
