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

// "SIGTERM"; the number where it has no name.
std::string signal_name(int number);

// It is being stopped to be started again: somebody restarts it.
bool is_being_restarted(const UnitState& unit);

// systemd is starting, reloading or restarting it, or will start it again by itself.
bool is_on_its_way(const UnitState& unit);

} // namespace lectio
