// The last runs of a check: what "3 of 5" and "6 of 20" count.
#pragma once

#include "incidents/judge.h"

namespace lectio {

// One more run of known outcome (ok, warning or critical).
void add_run(RunHistory& history, Status status);
// The newest run was bad and ended good, because the ladder mended it.
void note_mended(RunHistory& history);

// An incident has ended: the failures until now were its own, no window counts them again. Flapping does: it is about
// incidents that come and go.
void begin_window(RunHistory& history);

enum class AtLeast { warning, critical };
// Runs at least so bad among the last `of` of the window.
int bad_runs(const RunHistory& history, AtLeast level, int of);
// Changes of level among the last `of` runs. A run mended by the ladder holds one itself: a service that dies
// each minute and is restarted each minute is not steadily bad but unsteady.
int changes(const RunHistory& history, int of);

} // namespace lectio
