// FaultyCalls: the changing calls of this test's process fail or kill it, each in its turn. For code that works by
// descriptors and so cannot be given FaultyFiles. Linked in by --wrap (CMakeLists.txt), never part of the product.
#pragma once

#include <cstddef>

namespace lectio {

class FaultyCalls {
  public:
    // While this lives, call number `call` (from 1) of those that change something fails with this errno.
    static FaultyCalls fail(std::size_t call, int error_number);
    // The process is killed before that call is done.
    static FaultyCalls kill(std::size_t call);
    // The file system knows no renameat2() with flags other than NOREPLACE.
    static FaultyCalls no_exchange(std::size_t kill_at = 0);

    ~FaultyCalls();
    FaultyCalls(const FaultyCalls&) = delete;
    FaultyCalls& operator=(const FaultyCalls&) = delete;
    // True once the call has come.
    [[nodiscard]] bool reached() const;

  private:
    FaultyCalls() = default;
};

} // namespace lectio
