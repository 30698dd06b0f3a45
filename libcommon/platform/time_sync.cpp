// SystemHost::time_sync: the one question that the kernel answers outside /proc.
#include "platform/host.h"

#include <cerrno>

#include <sys/timex.h>

namespace lectio {
namespace {

constexpr std::chrono::microseconds k_unsynchronised{16'000'000};

} // namespace

Result<TimeSync> SystemHost::time_sync() {
    timex kernel{}; // modes 0: only looks
    const int state = ::adjtimex(&kernel);
    if (state < 0) {
        return errno_error("ask the kernel about its clock", errno);
    }
    const bool nanoseconds = (kernel.status & STA_NANO) != 0;
    TimeSync sync;
    sync.offset = std::chrono::microseconds(nanoseconds ? kernel.offset / 1000 : kernel.offset);
    sync.most_wrong = std::chrono::microseconds(kernel.maxerror);
    sync.synchronised = sync.most_wrong < k_unsynchronised;
    sync.leap = state == TIME_INS   ? TimeSync::Leap::insert
                : state == TIME_DEL ? TimeSync::Leap::remove
                                    : TimeSync::Leap::none;
    return sync;
}

} // namespace lectio
