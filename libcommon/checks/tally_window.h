// TallyWindow: counts by name over the last while, kept in a check's memory from run to run, by the time of counting.
#pragma once

#include "platform/clock.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

using Tallies = std::map<std::string, std::uint64_t>; // names without blanks, commas, "=" and "@"

class TallyWindow {
  public:
    // What was kept by text(); garbage in it is as nothing.
    static TallyWindow from(std::string_view text);

    // Forgets what is `length` old or older and adds `fresh`, what is 0 left out. The memory stays small however long the
    // window: what is counted within a `steps`-th of it is kept as one.
    void add(const Tallies& fresh, const Now& now, Duration length, int steps);

    [[nodiscard]] Tallies total() const;
    [[nodiscard]] std::string text() const;

  private:
    struct Step {
        Tallies counts;
        Now at;
    };
    std::vector<Step> m_steps;
};

} // namespace lectio
