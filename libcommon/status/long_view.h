// What the page shows beyond the screen: availability day by day, answer times of the last day, incidents of a month.
#pragma once

#include "checks/check.h"
#include "platform/clock.h"
#include "store/past_runs.h"
#include "words/phrase.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lectio::status {

// What the looks of a day found. Availability is the share of those that saw something and did not find it broken, also
// when it was mended in the same run: as in `lectio-health history`.
struct DayCount {
    std::uint32_t looks = 0, broken = 0, warned = 0; // that saw something; of these
    std::uint32_t unseen = 0;                        // could not look
    [[nodiscard]] std::optional<double> availability() const;
    void add(Status status);
    void add(const DayCount& more);
    bool operator==(const DayCount&) const = default;
};

// How long a check's target took to answer within an hour, in seconds.
struct HourTimes {
    std::optional<double> median, p95;
    bool broken = false;
};
struct DayTimes {
    static constexpr std::size_t k_hours = 24;
    std::array<HourTimes, k_hours> hours; // the oldest first; the last ends now
    double median = 0, p95 = 0;           // of the whole day
};

struct PastIncident {
    std::string id, check; // "health/site"
    Status level = Status::critical;
    WallTime begin;
    std::optional<WallTime> end; // none: it is open
    Text message;                // what was found when it began
    std::vector<Text> done;      // by the healer while it was open
    bool needs_person = false;
};

struct LongView {
    std::vector<std::string> dates; // in the configured zone, the oldest first; the last is today
    std::vector<DayCount> whole;    // of each date: the runs of lectio-health
    std::map<std::string, std::vector<DayCount>> checks; // by "tool/check"
    std::map<std::string, DayTimes> times;               // of checks that measure it
    std::vector<PastIncident> incidents;                 // the newest first
};

// Counts runs as they are read back. Days that are over never change: they are taken from a cache and read once.
class LongViewReader {
  public:
    // `cache`: what cache() of an earlier one returned; anything else than that is as good as nothing.
    LongViewReader(WallTime now, const std::string& zone, int days, std::string_view cache);

    // Runs from here on are wanted, in the order of the record.
    [[nodiscard]] WallTime wanted_from() const { return m_wanted_from; }
    void take(const PastRun& run);

    [[nodiscard]] LongView view() const;
    // The days that are over, for the next one; bounded, and the same for the same days.
    [[nodiscard]] std::string cache() const;

  private:
    using Days = std::vector<DayCount>;
    struct Looks { // of one form: all of them are one check's
        Days* days = nullptr;
        std::array<std::vector<double>, DayTimes::k_hours>* times = nullptr;
        std::array<bool, DayTimes::k_hours>* broken = nullptr;
        std::optional<std::size_t> time; // which figure is the answer time
    };
    struct Times {
        std::array<std::vector<double>, DayTimes::k_hours> seconds;
        std::array<bool, DayTimes::k_hours> broken{};
    };
    bool read_cache(std::string_view text);
    Looks& looks_of(const PastRun& run, const LookForm& form);
    [[nodiscard]] std::optional<std::size_t> day_of(WallTime time) const;

    WallTime m_now, m_wanted_from;
    std::string m_zone;
    std::vector<std::string> m_dates;
    std::vector<WallTime> m_begins; // of each date
    std::size_t m_settled = 0;      // so many of the oldest are known from the cache
    Days m_whole;
    std::map<std::string, Days> m_checks;
    std::map<std::string, Times> m_times;
    std::unordered_map<const LookForm*, Looks> m_by_form; // they live as long as the PastRuns
};

// Incidents that were open at some time since `since`, from the record of all tools.
Result<std::vector<PastIncident>> past_incidents(PastRuns& runs, WallTime since, WallTime now);

} // namespace lectio::status
