// How a job of cron's ended that ran under `lectio-heartbeat run`: in words, as a ping, and for the shell. Pure.
#pragma once

#include "heartbeat/ping.h"
#include "platform/attended.h"
#include "util/result.h"
#include "words/phrase.h"

#include <optional>
#include <string>

namespace lectio::heartbeat {

struct JobEnd {
    int status =
        0; // for the shell: the job's own; 128 + the signal that ended it; 124 after its time, as timeout(1);
           // 127 where there is no such program, 126 where it cannot be started, as sh(1)
    Text words;       // "ended well after 3 s", "failed: exit status 3 after 12 s"
    std::string tail; // what it said last, if it failed; may be shown
    [[nodiscard]] bool is_good() const { return status == 0; }
};

// An Error: it could not be started. `limit`: of its run.
JobEnd judge(const Result<AttendedAnswer>& answer, std::optional<Duration> limit);

// `rid`: that of its start.
Ping ping_of(const JobEnd& end, const std::string& rid, Lang lang);

} // namespace lectio::heartbeat
