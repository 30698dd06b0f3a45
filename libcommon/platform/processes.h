// Processes: programs started from argument vectors, never through a shell, and always ended.
#pragma once

#include "util/result.h"
#include "util/units.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lectio {

struct ProcessRequest {
    std::vector<std::string> command; // [0] absolute, or looked up in the fixed PATH below; not empty
    std::string user; // "" = as we are; else its uid, gid and groups; an error when we may not
    std::string folder = "/";
    std::vector<std::pair<std::string, std::string>>
        environment;   // added to the clean one (PATH, LANG=C.UTF-8, HOME)
    std::string input; // written to standard input, then closed
    // Descriptors of the caller's that it gets as its standard input and output, instead of pipes to us: for what is too
    // large to pass through our memory. -1: none. The caller closes them; they are none of 0, 1 and 2.
    int input_from = -1, output_to = -1;
    Duration timeout{10000};  // then it and its descendants get SIGKILL, daemons excepted
    Bytes max_output = 64_kB; // each of stdout and stderr; more is dropped and said
    // Asked ten times a second; true: it is ended as at the timeout. For a program that runs as long as it is needed.
    std::function<bool()> enough{};
};

struct ProcessAnswer {
    bool timed_out = false;         // or there was enough of it
    std::optional<int> exit_status; // absent when ended by a signal
    int signal = 0;                 // 0 when it exited
    std::string out, err;           // as they came; clean() them before showing
    bool cut = false;               // more output than max_output
    Duration took{};
};

class Processes {
  public:
    virtual ~Processes() = default;
    // Error only when the program could not be started; everything after that is in the answer.
    virtual Result<ProcessAnswer> run(const ProcessRequest& request) = 0;
};

class SystemProcesses final : public Processes {
  public:
    Result<ProcessAnswer> run(const ProcessRequest& request) override;
};

// Ends (SIGKILL) all programs that run() still attends in other threads, with their descendants. For the last step of a
// process that leaves those threads behind: what a program has started would otherwise outlive us, because
// only the program itself dies with its parent.
void end_running_programs();

} // namespace lectio
