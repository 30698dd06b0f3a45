// AskedBeside: a check of which a second look may go on beside one that is silent (docs/decisions/0057).
#pragma once

#include "checks/check.h"

namespace lectio {

class AskedBeside : public AsyncCheck {
  public:
    // The time limit of a look that is one question and changes nothing. None: as it is configured it is not that.
    [[nodiscard]] virtual std::optional<Duration> limit_of_silence() const = 0;
};

} // namespace lectio
