// The journal, read through libsystemd (sd-journal(3)). No journalctl is started.
#pragma once

#include "platform/clock.h"
#include "util/result.h"
#include "util/units.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lectio {

struct JournalRequest {
    std::string unit;       // its own output: _SYSTEMD_UNIT=
    std::string invocation; // of this run of it only (INVOCATION_ID); empty: of every one
    std::size_t lines = 8;  // the last so many
    Bytes line{500};        // longer ones are cut
};

// The oldest first, as they were written: not cleaned, not redacted. Empty where nothing was read within `limit`: a
// journal on a slow disk is left behind by a thread.
std::vector<std::string> last_journal_lines(const JournalRequest& request, Duration limit);

// Somebody has asked systemd to stop or restart this run of the unit (systemd has said so in the journal).
bool was_asked_to_stop(const std::string& unit, const std::string& invocation, Duration limit);

// ── reading on ──────────────────────────────────────────────────────────────────────────────────────────────────────

struct JournalQuestion {
    std::vector<std::string> units; // what these wrote, and what systemd said of them; empty: all
    int priority = 7;               // this or more urgent (syslog(3))
    std::string cursor;             // behind this entry; empty: from `since` on
    std::int64_t since = 0;         // microseconds since 1970; 0: nothing yet, only where it ends now
    Bytes line{2000};               // longer messages are cut
};
struct JournalEntry {
    std::string unit, message;
};
struct JournalReading {
    std::string cursor;   // of the last entry that was read; empty: none ever was
    bool is_whole = true; // false: there is more, for the next run
};
// What was written since then, the oldest first. `take` says whether to go on. not_found: there is no journal here, or
// none that we may read.
Result<JournalReading> read_new_entries(const JournalQuestion& question,
                                        const std::function<bool(const JournalEntry&)>& take);

} // namespace lectio
