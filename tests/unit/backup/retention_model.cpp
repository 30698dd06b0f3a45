#include "retention_model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace lectio::backup {
namespace {

using namespace std::chrono;

// The calendar periods that it lies in, each as a number that grows: hour, day, week (by its Monday), month, year.
using Periods = std::array<std::int64_t, 5>;

Periods periods_of(WallTime time) {
    const sys_days day = floor<days>(time);
    const year_month_day date = day;
    const sys_days monday = day - (weekday(day) - Monday);
    const std::int64_t year = static_cast<int>(date.year());
    return {floor<hours>(time).time_since_epoch().count(), day.time_since_epoch().count(),
            monday.time_since_epoch().count(), year * 100 + static_cast<unsigned>(date.month()), year};
}

bool is_newer(const ModelBackup& a, const ModelBackup& b) {
    return a.time > b.time || (a.time == b.time && a.id > b.id);
}

const ModelBackup* newest_away(const std::vector<ModelBackup>& all) {
    const ModelBackup* newest = nullptr;
    for (const ModelBackup& one : all) {
        if (one.counts && one.away && (newest == nullptr || is_newer(one, *newest))) {
            newest = &one;
        }
    }
    return newest;
}

} // namespace

// A backup fills a place when none of its period is newer, and fewer periods that have one are newer than there are
// places.
std::set<std::string> model_kept(const std::vector<ModelBackup>& all, const KeepRule& keep, WallTime now) {
    std::vector<Periods> periods;
    for (const ModelBackup& one : all) {
        periods.push_back(periods_of(one.time));
    }
    const std::array places{keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly};
    const ModelBackup* away = newest_away(all);
    std::set<std::string> stay;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const ModelBackup& one = all[i];
        const auto age = now - one.time;
        bool stays = one.pinned || &one == away || age < 24h || (!one.counts && age < 7 * 24h);
        if (one.counts) {
            const auto newer = std::count_if(all.begin(), all.end(), [&](const ModelBackup& other) {
                return other.counts && is_newer(other, one);
            });
            stays = stays || newer < std::max(3, keep.last);
        }
        for (std::size_t unit = 0; one.counts && !stays && unit < places.size(); ++unit) {
            std::set<std::int64_t> newer;
            bool newest_of_its = true;
            for (std::size_t j = 0; j < all.size(); ++j) {
                const std::int64_t its = periods[j][unit];
                if (all[j].counts && its > periods[i][unit]) {
                    newer.insert(its);
                }
                newest_of_its =
                    newest_of_its && !(all[j].counts && its == periods[i][unit] && is_newer(all[j], one));
            }
            stays = newest_of_its && static_cast<int>(newer.size()) < places[unit];
        }
        if (stays) {
            stay.insert(one.id);
        }
    }
    return stay;
}

bool model_freezes(const std::vector<ModelBackup>& all, const ModelRule& rule, WallTime now) {
    const ModelBackup* newest = nullptr;
    bool is_to_come = false;
    for (const ModelBackup& one : all) {
        is_to_come = is_to_come || one.time > now;
        newest = one.counts && (newest == nullptr || is_newer(one, *newest)) ? &one : newest;
    }
    const auto is_late = [&](const ModelBackup* one) {
        return one == nullptr || now - one->time > 2 * rule.every;
    };
    const KeepRule& keep = rule.keep;
    const bool is_empty =
        std::max({keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly}) == 0;
    return is_late(newest) || is_to_come || is_empty || (rule.offsite && is_late(newest_away(all)));
}

std::vector<std::string> model_gone(const std::vector<ModelBackup>& all, const ModelRule& rule,
                                    WallTime now) {
    if (model_freezes(all, rule, now)) {
        return {};
    }
    const std::set<std::string> stay = model_kept(all, rule.keep, now);
    std::vector<ModelBackup> gone = all;
    std::erase_if(gone, [&](const ModelBackup& one) { return stay.contains(one.id); });
    std::sort(gone.begin(), gone.end(),
              [](const ModelBackup& a, const ModelBackup& b) { return is_newer(b, a); });
    std::vector<std::string> ids;
    for (const ModelBackup& one : gone) {
        if (ids.size() < std::max<std::size_t>(2, all.size() / 5)) {
            ids.push_back(one.id);
        }
    }
    return ids;
}

} // namespace lectio::backup
