// Threads that may be left behind: for calls that cannot be interrupted (getaddrinfo, statvfs, a client
// library).
#pragma once

#include "util/result.h"

#include <functional>
#include <memory>

namespace lectio {

// Runs `work` in a detached thread. It may still be running when the caller has given it up, so it owns what
// it touches (shared_ptr). The process leaves by _exit (CONTRACT 34): such a thread never sees statics
// destroyed.
// Its stack is 1 MB whatever the limit of the process says.
Result<void> start_abandonable(std::function<void()> work);

// A second thread for a while, with such a stack: `work` begins with it, and the end of its scope waits for the end of that.
// Where no thread can be started, join() does the work itself.
class SecondThread {
  public:
    explicit SecondThread(std::function<void()> work);
    SecondThread(const SecondThread&) = delete;
    SecondThread& operator=(const SecondThread&) = delete;
    ~SecondThread();
    // The work has ended; throws what it threw.
    void join();

  private:
    struct Job;
    std::unique_ptr<Job> m_job;
};

// Raises the soft limit of the main thread's own stack to 1 MB where it is lower (`ulimit -s 64`, LimitSTACK=): a
// stack that is too small ends a process without a word. The kernel takes it into account at once. An error where
// less than 256 kB is all that the hard limit allows.
Result<void> ensure_stack();

} // namespace lectio
