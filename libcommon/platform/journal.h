// The journal, read through libsystemd (sd-journal(3)). No journalctl is started.
#pragma once

#include "platform/clock.h"
#include "util/units.h"

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

} // namespace lectio
