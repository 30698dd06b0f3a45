// GrowthTrack: what one thing took in the last week, and at what pace it grows (docs/decisions/0026).
#pragma once

#include "platform/clock.h"
#include "util/units.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

class GrowthTrack {
  public:
    // Of a check's memory; what is no track is an empty one.
    static GrowthTrack from_text(std::string_view text);
    [[nodiscard]] std::string to_text() const; // at most 1 kB, whatever happens

    // A sample every six hours: between them nothing is kept.
    [[nodiscard]] bool is_due(const Now& now) const;
    void add(const Now& now, Bytes size);
    [[nodiscard]] std::optional<Bytes> last() const;

    // From the first sample of the week to the last.
    [[nodiscard]] Duration watched() const;
    struct Pace {
        double a_day = 0;           // bytes; what shrinks is below 0
        std::optional<Bytes> freed; // by the largest clean-up of the week, of which the pace knows nothing
    };
    // None before three days are known.
    [[nodiscard]] std::optional<Pace> pace() const;

  private:
    struct Sample {
        Duration age{}; // at the moment of the last one
        Bytes size;
    };
    [[nodiscard]] std::optional<Duration> since_last(const Now& now) const;

    Now m_last;                    // when the last one was taken
    std::vector<Sample> m_samples; // the oldest first
};

} // namespace lectio
