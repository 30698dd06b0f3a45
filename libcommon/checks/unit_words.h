// What systemd tells of a unit's end, in words.
#pragma once

#include "platform/services.h"
#include "words/phrase.h"

#include <string>

namespace lectio {

// How the last run of the unit ended, from Result, ExecMainCode and ExecMainStatus: "exit status 3", "killed
// by the kernel for lack of memory". Empty when it ended well. Source: systemd.service(5),
// org.freedesktop.systemd1(5).
Text how_it_ended(const UnitState& unit);

// The same from what systemd hands on to ExecStopPost= and OnFailure= (systemd.exec(5), SERVICE_RESULT, EXIT_CODE,
// EXIT_STATUS): "signal", "killed", "KILL".
struct UnitEnd {
    std::string result, code, status;
};
Text how_it_ended(const UnitEnd& end);
// What of a unit's state says how it ended, put in.
void take_end(UnitState& unit, const UnitEnd& end);

// systemd starts a service that ended so again, unless it has done so too often (systemd.service(5), Restart=).
bool will_be_restarted(const UnitState& unit);
// Which setting of the unit keeps systemd from it: "because its Restart= is no". Empty where how_it_ended() says it, or
// nobody knows.
Text why_not_restarted(const UnitState& unit);

// "SIGTERM"; the number where it has no name.
std::string signal_name(int number);

// It is being stopped to be started again: somebody restarts it.
bool is_being_restarted(const UnitState& unit);

// systemd is starting, reloading or restarting it, or will start it again by itself.
bool is_on_its_way(const UnitState& unit);

} // namespace lectio
