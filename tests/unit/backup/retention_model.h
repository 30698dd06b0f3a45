// The rule by which backups stay or go, said once more: from RELEASES_AND_BACKUPS section 7 and CONTRACT 31, as sets and
// labels of periods, without a line of backup/retention.h.
#pragma once

#include "config/backup.h"
#include "platform/clock.h"

#include <set>
#include <string>
#include <vector>

namespace lectio::backup {

struct ModelBackup {
    std::string id;
    WallTime time;
    bool counts = false; // is proven, and nobody has to look at it
    bool pinned = false, away = false;
};

struct ModelRule {
    KeepRule keep;
    Duration every{};
    bool offsite = false;
};

std::set<std::string> model_kept(const std::vector<ModelBackup>& all, const KeepRule& keep, WallTime now);
// Something is odd, so nothing goes.
bool model_freezes(const std::vector<ModelBackup>& all, const ModelRule& rule, WallTime now);
// What goes at once, the oldest first.
std::vector<std::string> model_gone(const std::vector<ModelBackup>& all, const ModelRule& rule, WallTime now);

} // namespace lectio::backup
