// [cleanup]: what is removed, shortened and ended because it is old, and what of this is told.
#pragma once

#include "config/schema.h"
#include "config/values.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct KillRule { // one of [cleanup] kill; what is named here must all be so
    std::string match;
    Duration older{};
    std::string user;               // empty: the one who cleans up
    std::vector<std::string> units; // of these services of systemd, too
    std::optional<Bytes> rss;       // above
    struct LowMemory {
        Bytes available;
        Duration older{};
    };
    std::optional<LowMemory> low_memory;
    Duration wait{10'000}; // between TERM and KILL
};

struct LogRule { // one of [cleanup] logs; of `older` and `size` what is named must both be so
    std::string files;
    std::optional<Duration> older;
    std::optional<Bytes> size;
    enum class Action { truncate, compress, remove } action = Action::truncate;
};

struct TempRule { // one of [cleanup] temp
    std::string files;
    Duration older{};
    std::optional<Bytes> size;
};

struct ZombieRule {
    int warn = 20;
    std::vector<std::string> restart; // units
};

struct WorkerRule {
    std::string match;
    int max = 0;
    std::string restart; // a unit
};

struct CleanupSettings {
    enum class Apply { cron, always, never } apply = Apply::cron;
    std::vector<KillRule> kill;
    std::vector<LogRule> logs;
    std::vector<TempRule> temp;
    std::optional<Bytes> journal_max;
    bool releases = false;
    std::optional<Bytes> memory_report;
    int keep_lines = 1000;
    std::optional<ZombieRule> zombies;
    std::optional<WorkerRule> workers;
    // Whether anything is asked for.
    [[nodiscard]] bool asks_for_something() const;
};

const Schema<CleanupSettings>& cleanup_schema();

} // namespace lectio
