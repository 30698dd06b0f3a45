// Untouchable: what no rule of [cleanup] removes, whatever it matches: the suite's own state and backups, releases and what is
// served (DESIGN rule 7).
#pragma once

#include "config/config.h"

#include <vector>

namespace lectio::cleanup {

class Untouchable {
  public:
    explicit Untouchable(const Config& config);
    // Where it lies, as it is written and as links lead there (/var/backups -> /mnt/backups has two names). `named`: the
    // folder that the rule names before its first wildcard; in the code of a site only what lies in a folder that is named
    // itself may be old.
    [[nodiscard]] bool holds(const Path& path, const Path& named) const;

  private:
    [[nodiscard]] bool holds_as_written(const Path& path, const Path& named) const;

    std::vector<Path> m_whole;  // with all that is in them, and all that they are in
    std::vector<Path> m_itself; // and all that it is in; what lies in it may be old
    std::vector<Path> m_code;   // the same; what lies in it may be where a folder in it is named
};

} // namespace lectio::cleanup
