// A command that only reads or writes a few files of ours.
#pragma once

#include "command.h"

#include <chrono>

namespace lectio::notify {

class BriefCommand : public Command {
  public:
    [[nodiscard]] Duration longest(const Session&) const override { return std::chrono::seconds(10); }
};

} // namespace lectio::notify
