// Launch: starts a program as our own caller would have started it: its environment, folder and standard input are ours.
// For what cron or a unit runs through us; what a check runs is Processes, which trusts nothing.
#pragma once

#include "util/result.h"

#include <string>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

namespace lectio {

struct Launch {
    std::vector<std::string> command;             // [0] a path, or looked up in our PATH; not empty
    int out = STDOUT_FILENO, err = STDERR_FILENO; // become its standard output and errors
    // our_place: what systemd has given to us is its own: the sockets (LISTEN_PID= names it), but not
    // the watchdog, which we answer.
    enum class Environment { ours, our_place } environment = Environment::ours;
};

// Its process id; who called us reaps it. It gets SIGTERM when we are killed (PR_SET_PDEATHSIG: when the thread that
// called this ends), and signals as a fresh program has them.
// Error: it could not be started: not_found, permission, or what else the kernel says.
Result<pid_t> launch(const Launch& what);

} // namespace lectio
