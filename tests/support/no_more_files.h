// NoMoreFiles: while it lives, this process can open nothing: every socket and file is EMFILE.
#pragma once

#include <sys/resource.h>

namespace lectio {

class NoMoreFiles {
  public:
    NoMoreFiles() {
        ::getrlimit(RLIMIT_NOFILE, &m_before);
        const rlimit none{3,
                          m_before.rlim_max}; // what is open stays open; poll(2) wants as many as it is given
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &m_before); }
    NoMoreFiles(const NoMoreFiles&) = delete;
    NoMoreFiles& operator=(const NoMoreFiles&) = delete;

  private:
    rlimit m_before{};
};

// What `ask` answers while nothing can be opened. UBSan's look at an object of a type that it has not met yet wants
// descriptors itself: so it is asked once before, and what comes is judged afterwards.
auto without_more_files(const auto& ask) {
    [[maybe_unused]] const auto met = ask();
    const NoMoreFiles none;
    return ask();
}

} // namespace lectio
