// What only a restart of a unit of systemd puts right: zombies that their parent does not collect, and workers that have
// become too many. Nobody's parent is ever ended.
#pragma once

#include "cleanup/deed.h"
#include "config/cleanup.h"
#include "platform/process_table.h"

namespace lectio::cleanup {

// Parents with at least `warn` zombies are named; the unit of one that the rule names is restarted.
void look_for_zombies(const ZombieRule& rule, ProcessTable& table, Sweep& sweep);
// More than `max` that match: their unit is restarted.
void look_for_workers(const WorkerRule& rule, ProcessTable& table, Sweep& sweep);

} // namespace lectio::cleanup
