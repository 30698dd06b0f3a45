// Programs that make what lies in a backup and take it apart: tar, pg_dump.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
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

// A program whose standard input and output are files: nothing passes through our memory.
struct Stream {
    std::vector<std::string> command;
    std::string user{};               // who runs it; "": as we are
    Duration limit = Duration::max(); // ended after this long, and at `until`
    Path from{};                      // its standard input; empty: nothing
    Path into{};                      // its standard output, a new file of ours alone; empty: nobody keeps it
    Bytes
        min_free{}; // it is ended when less of the disk of `into` would be free with `into` there twice; 0: never
};
struct StreamEnd {
    int status = 0;
    std::vector<std::string> lines;         // the last ones on standard error
    [[nodiscard]] std::string said() const; // in one
};
// What is in `into` is on the disk then. Errors: timeout; no_space; io: a signal has ended it; could not be started.
Result<StreamEnd> run_stream(const Stream& stream, World& world, SteadyTime until);

// A file that a program fills by itself; it is ended when less of its disk would be free. 0: never.
struct Filled {
    Path file{};
    Bytes min_free{};
};
// gnu.org/software/tar/manual; exit status 1: some files differ. no_space: `into` left too little of its disk.
Result<Said> run_tar(std::vector<std::string> arguments, World& world, SteadyTime until,
                     const Filled& into = {});

} // namespace lectio::backup
