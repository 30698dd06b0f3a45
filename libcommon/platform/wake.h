// Wake: makes a loop that waits in epoll or poll return, from any thread (eventfd).
#pragma once

#include "util/unique_fd.h"

namespace lectio {

class Wake {
  public:
    Wake(); // throws std::system_error where the process has no descriptor left
    void wake() const;
    void drain() const; // after it was readable
    [[nodiscard]] int fd() const { return m_fd.get(); }

  private:
    UniqueFd m_fd;
};

} // namespace lectio
