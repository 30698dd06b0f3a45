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

} // namespace lectio
