#include "backup/retention.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t k_newest = 3; // proven ones that stay whatever the rule says
constexpr Duration k_young = 24h;
constexpr Duration k_evidence = 24h * 7; // what was not proven
constexpr int k_share = 5;               // of all, at most this part goes at once
constexpr std::size_t k_few = 2;         // and so many at least

constexpr Phrase k_none_proven{"no backup of it is proven: none is removed",
                               "нет ни одной проверенной копии: ничего не удаляем"};
constexpr Phrase k_too_old{
    "the newest proven backup is of {}, more than two intervals old: none is removed",
    "последняя проверенная копия — от {}, прошло больше двух интервалов: ничего не удаляем"};
constexpr Phrase k_clock{"a backup is of {}, and that is not over yet: the clock is wrong, none is removed",
                         "есть копия от {}, а это ещё не наступило: часы врут, ничего не удаляем"};
constexpr Phrase k_none_away{"no backup of it was copied away from this server: none is removed",
                             "ни одной копии нет вне сервера: ничего не удаляем"};
constexpr Phrase k_away_too_old{
    "the newest backup elsewhere is of {}, more than two intervals old: none is removed",
    "последняя копия вне сервера — от {}, прошло больше двух интервалов: ничего не удаляем"};
constexpr Phrase k_empty_rule{"`keep` is nothing but zeros: none is removed",
                              "в `keep` одни нули: ничего не удаляем"};

std::vector<const Backup*> proven_newest_first(const std::vector<Backup>& backups) {
    std::vector<const Backup*> proven;
    for (const Backup& backup : backups) {
        if (backup.counts()) {
            proven.push_back(&backup);
        }
    }
    std::sort(proven.begin(), proven.end(), [](const Backup* a, const Backup* b) {
        return a->time != b->time ? a->time > b->time : a->id > b->id;
    });
    return proven;
}

using Period = std::function<std::int64_t(WallTime)>;

std::int64_t day_of(WallTime time) {
    return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

std::chrono::year_month_day date_of(WallTime time) {
    return std::chrono::floor<std::chrono::days>(time);
}

// Periods without a backup take no place: what stopped being made does not age out.
void keep_by_period(const std::vector<const Backup*>& newest_first, int places, const Period& period,
                    std::set<std::string>& kept) {
    std::optional<std::int64_t> last;
    for (const Backup* backup : newest_first) {
        const std::int64_t its = period(backup->time);
        if (last == its) {
            continue;
        }
        if (places-- <= 0) {
            return;
        }
        last = its;
        kept.insert(backup->id);
    }
}

const Backup* newest_away(const std::vector<Backup>& backups) {
    const Backup* newest = nullptr;
    for (const Backup& backup : backups) {
        const bool newer = newest == nullptr || newest->time < backup.time;
        newest = backup.counts() && backup.away && newer ? &backup : newest;
    }
    return newest;
}

Text oddity(const std::vector<Backup>& backups, const Rule& rule, WallTime now) {
    const std::vector<const Backup*> proven = proven_newest_first(backups);
    if (proven.empty()) {
        return say(k_none_proven);
    }
    for (const Backup& backup : backups) {
        if (backup.time > now) {
            return say(k_clock, format_utc(backup.time));
        }
    }
    if (is_late(now - proven.front()->time, rule.every)) {
        return say(k_too_old, format_utc(proven.front()->time));
    }
    const KeepRule& keep = rule.keep;
    const bool empty = keep.last + keep.hourly + keep.daily + keep.weekly + keep.monthly + keep.yearly == 0;
    return empty ? say(k_empty_rule) : Text{};
}

Text want_of_a_copy_elsewhere(const std::vector<Backup>& backups, const Rule& rule, WallTime now) {
    if (!rule.offsite) {
        return {};
    }
    const Backup* away = newest_away(backups);
    if (away == nullptr) {
        return say(k_none_away);
    }
    return is_late(now - away->time, rule.every) ? say(k_away_too_old, format_utc(away->time)) : Text{};
}

} // namespace

std::set<std::string> kept(const std::vector<Backup>& backups, const KeepRule& keep, WallTime now) {
    const std::vector<const Backup*> proven = proven_newest_first(backups);
    std::set<std::string> stay;
    const std::size_t last = std::max(k_newest, static_cast<std::size_t>(keep.last));
    for (std::size_t i = 0; i < proven.size() && i < last; ++i) {
        stay.insert(proven[i]->id);
    }
    keep_by_period(
        proven, keep.hourly,
        [](WallTime time) -> std::int64_t {
            return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
        },
        stay);
    keep_by_period(proven, keep.daily, day_of, stay);
    // 1970-01-01 was a Thursday.
    keep_by_period(
        proven, keep.weekly, [](WallTime time) { return (day_of(time) + 3) / 7; }, stay);
    keep_by_period(
        proven, keep.monthly,
        [](WallTime time) {
            return std::int64_t{static_cast<int>(date_of(time).year())} * 12 +
                   static_cast<unsigned>(date_of(time).month());
        },
        stay);
    keep_by_period(
        proven, keep.yearly,
        [](WallTime time) { return std::int64_t{static_cast<int>(date_of(time).year())}; }, stay);
    if (const Backup* away = newest_away(backups)) {
        stay.insert(away->id);
    }
    for (const Backup& backup : backups) {
        const Duration age = now - backup.time;
        if (backup.pinned || age < k_young || (!backup.counts() && age < k_evidence)) {
            stay.insert(backup.id);
        }
    }
    return stay;
}

Sweep superfluous(const std::vector<Backup>& backups, const Rule& rule, WallTime now) {
    Sweep sweep;
    sweep.frozen = oddity(backups, rule, now);
    if (sweep.frozen.empty()) {
        sweep.frozen = want_of_a_copy_elsewhere(backups, rule, now);
        sweep.awaits_remote = !sweep.frozen.empty();
    }
    if (!sweep.frozen.empty()) {
        return sweep;
    }
    const std::set<std::string> stay = kept(backups, rule.keep, now);
    std::vector<const Backup*> gone;
    for (const Backup& backup : backups) {
        if (!stay.contains(backup.id)) {
            gone.push_back(&backup);
        }
    }
    std::sort(gone.begin(), gone.end(), [](const Backup* a, const Backup* b) {
        return a->time != b->time ? a->time < b->time : a->id < b->id;
    });
    const std::size_t most = std::max(k_few, backups.size() / k_share);
    sweep.later = gone.size() - std::min(gone.size(), most);
    gone.resize(std::min(gone.size(), most));
    for (const Backup* backup : gone) {
        sweep.ids.push_back(backup->id);
    }
    return sweep;
}

} // namespace lectio::backup
