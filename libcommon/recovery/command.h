// A program run for the ladder, and its outcome in one line of words.
#pragma once

#include "platform/processes.h"
#include "platform/world.h"
#include "words/phrase.h"

namespace lectio {

struct CommandOutcome {
    bool ok = false; // exit status 0
    Text words; // "exit status 1: nginx: [emerg] unknown directive …": the first telling line of its output
};
CommandOutcome run_command(World& world, const ProcessRequest& request);
// The same of an answer that is there.
CommandOutcome outcome_of(const Result<ProcessAnswer>& answer, const ProcessRequest& request);

} // namespace lectio
