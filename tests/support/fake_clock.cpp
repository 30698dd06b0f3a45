#include "support/fake_clock.h"

namespace lectio {

FakeClock::FakeClock() : m_steady(std::chrono::hours(1)) {
    m_now.wall = parse_utc("2026-01-22T10:00:00Z").value();
    m_now.boot = std::chrono::hours(1);
    m_now.boot_id = "boot-1";
}

Now FakeClock::now() {
    const std::lock_guard lock(m_mutex);
    return m_now;
}

SteadyTime FakeClock::steady() {
    const std::lock_guard lock(m_mutex);
    return m_steady;
}

void FakeClock::sleep_for(Duration duration) {
    advance(duration);
    const std::lock_guard lock(m_mutex);
    m_slept += duration;
}

void FakeClock::advance(Duration duration) {
    const std::lock_guard lock(m_mutex);
    m_now.wall += duration;
    m_now.boot += duration;
    m_steady += duration;
}

void FakeClock::jump_wall(Duration duration) {
    const std::lock_guard lock(m_mutex);
    m_now.wall += duration;
}

void FakeClock::reboot(Duration down) {
    const std::lock_guard lock(m_mutex);
    m_now.wall += down;
    m_now.boot = Duration::zero();
    m_now.boot_id = "boot-" + std::to_string(++m_boots);
}

Duration FakeClock::slept() const {
    const std::lock_guard lock(m_mutex);
    return m_slept;
}

} // namespace lectio
