// Stop: SIGTERM, SIGINT and SIGHUP end a run within a second with everything whole (CONTRACT 23), and a run
// that hangs past its deadline ends itself (DESIGN rule 2).
//
// One thread waits for the signals; nothing runs in a signal handler. Whatever waits (transfers, children,
// D-Bus jobs, settling) looks at stop_requested() at least every 100 ms or is woken by `wake`. What does not
// (a call that hangs) is cut off by that thread before the second is over, programs that run included.
#pragma once

#include "platform/clock.h"

#include <functional>

namespace lectio {

// True from the first such signal on.
bool stop_requested();
// The signal, 0 when there was none: the exit status is then 128 + this.
int stop_signal();

// Call once, early in main, before any other thread exists (they inherit the blocked signals; children
// must unblock them). `wake` is called from the waiting thread. What a parent may have handed on of SIGCHLD is
// taken back, too.
// ignored: a terminal or an ssh that goes away ends nothing; what has begun goes on.
enum class Hangup { stops, ignored };
void catch_stop_signals(std::function<void()> wake, Hangup hangup = Hangup::stops);

// From now on a wish to stop does not cut off what takes its time, for who attends a command: it is handed on to that, and
// ends it as its grace allows (attended.h).
void take_time_to_stop();

// From now on the process ends itself with exit status 70 when it still runs `limit` from now: a thread that
// hangs in the kernel cannot be ended otherwise, and its locks would be kept. The message goes to standard
// error.
void end_process_after(Duration limit);

// Sleeps until `end` (clock.steady()), or until the run is asked to stop.
void sleep_unless_stopped(Clock& clock, SteadyTime end);

// Lets a test ask a run to stop; 0 takes it back.
void request_stop_for_test(int signal);

} // namespace lectio
