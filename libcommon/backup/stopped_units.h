// StoppedUnits: who uses what a restore replaces stands still meanwhile. Written down before the first one is stopped, so
// that whoever takes the lock of lectio-backup next starts what a restore that was killed has left.
#pragma once

#include "platform/files.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string>
#include <utility>
#include <vector>

namespace lectio::backup {

class StoppedUnits {
  public:
    // `folder`: of the backups.
    StoppedUnits(Path folder, World& world) : m_folder(std::move(folder)), m_world(world) {}
    StoppedUnits(const StoppedUnits&) = delete;
    StoppedUnits& operator=(const StoppedUnits&) = delete;
    ~StoppedUnits() { [[maybe_unused]] const std::vector<Text> told = start(); }

    // In this order, those that run. On an Error those that were stopped run again: not_found: no such unit, or no systemd.
    Result<void> stop(const std::vector<std::string>& units);
    // Those that were stopped, the other way round. What did not start is returned, in words.
    std::vector<Text> start();
    // The same of those that a restore that died has left stopped; empty: it has left none.
    struct Left {
        std::vector<std::string> units;
        std::vector<Text> problems;
    };
    Left start_left();

  private:
    [[nodiscard]] Path record() const { return m_folder / ".lectio-stopped-units.json"; }
    Result<void> stop_each(const std::vector<std::string>& units);

    Path m_folder;
    World& m_world;
    std::vector<std::string> m_stopped;
};

} // namespace lectio::backup
