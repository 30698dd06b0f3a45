// Logins and steps as checks of a run: each asks the walk that they share.
#pragma once

#include "checks/check.h"
#include "config/smoke.h"
#include "smoke/walk.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// The walks of one run: the first, and a second for what is asked again. What is asked again is asked from the start
// on, with all that it needs: what the first walk has made is cleaned up by then.
class Trip {
  public:
    explicit Trip(std::shared_ptr<const SmokeSettings> settings) : m_settings(std::move(settings)) {}

    Walk& first(World world);
    // For asking `name` again.
    Walk& second(World world, const std::string& name);
    // The last walk in which it was asked; nullptr: none.
    [[nodiscard]] const Walk* last_of(const std::string& name) const;
    // Of the last walk, where there was more than one: what has failed by then that `name` needs; "": nothing.
    [[nodiscard]] std::string cause_of(const std::string& name) const;
    [[nodiscard]] std::optional<CheckResult> last_result(const std::string& name) const;
    // After the looks: what a walk that was cut short has made is removed, as far as `until` (clock.steady()) allows.
    // True: there was something, and some of it may now have results that nobody has seen yet.
    bool clean_up(World world, SteadyTime until);

  private:
    std::shared_ptr<const SmokeSettings> m_settings;
    std::vector<std::shared_ptr<Walk>> m_walks;
};

std::shared_ptr<const Check> smoke_check(std::shared_ptr<Trip> trip, std::string name);

// These, what they need, and the clean-ups of what those make.
std::vector<std::string> with_companions(const SmokeSettings& smoke, const std::vector<std::string>& names);

} // namespace lectio
