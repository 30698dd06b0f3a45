// Programs that make what lies in a backup and take it apart: tar, pg_dump.
#pragma once

#include "platform/clock.h"
#include "platform/processes.h"
#include "platform/world.h"
#include "util/result.h"

#include <string>
#include <vector>

namespace lectio::backup {

struct Said {
    int status = 0;
    std::vector<std::string> lines; // on standard error
    std::string out;
};

// Runs it to its end, with our rights. Its exit status is an answer up to `worst`; above that it is an Error with what it
// said first: no_space, else io. Other Errors: timeout: ended before it was done (by `until`, by a signal), could not be
// started.
Result<Said> run_program(ProcessRequest request, int worst, World& world, SteadyTime until);

// gnu.org/software/tar/manual; exit status 1: some files differ.
Result<Said> run_tar(std::vector<std::string> arguments, World& world, SteadyTime until);

} // namespace lectio::backup
