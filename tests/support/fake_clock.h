// FakeClock: time that passes only when a test says so, or when the tested code sleeps.
#pragma once

#include "platform/clock.h"

#include <mutex>

namespace lectio {

class FakeClock final : public Clock {
  public:
    // 2026-01-22 10:00:00 UTC, an hour after boot.
    FakeClock();

    Now now() override;
    SteadyTime steady() override;
    void sleep_for(Duration duration) override; // returns at once, the time has passed

    void advance(Duration duration);      // all clocks
    void jump_wall(Duration duration);    // somebody sets the wall clock; may be negative
    void reboot(Duration down);           // a new boot id, boot time starts again
    [[nodiscard]] Duration slept() const; // in all, by sleep_for()

  private:
    mutable std::mutex m_mutex;
    Now m_now;
    SteadyTime m_steady;
    Duration m_slept{};
    int m_boots = 1;
};

} // namespace lectio
