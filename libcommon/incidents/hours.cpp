#include "incidents/hours.h"

namespace lectio {
namespace {

constexpr std::size_t k_clock_length = 5;                  // 23:00
constexpr std::size_t k_hours_length = 11;                 // 23:00-08:00
constexpr std::size_t k_date_length = 10;                  // 2026-01-22
constexpr std::size_t k_minute_length = k_date_length + 6; // 2026-01-22 09:00

} // namespace

// Times of day of one form are in order as texts are, so nothing needs to be known here of zones and their changes.
bool is_within(WallTime time, const std::string& hours, const std::string& zone) {
    if (hours.size() != k_hours_length) {
        return false;
    }
    const std::string clock = format_local_clock(time, zone);
    const std::string begin = hours.substr(0, k_clock_length);
    const std::string end = hours.substr(k_clock_length + 1);
    return begin < end ? begin <= clock && clock < end : begin <= clock || clock < end;
}

bool has_struck(const std::string& clock, WallTime since, WallTime now, const std::string& zone) {
    if (clock.size() != k_clock_length) {
        return false;
    }
    const std::string minute = format_local(now, zone).substr(0, k_minute_length);
    const std::string moment = minute.substr(0, k_date_length) + ' ' + clock;
    return moment <= minute && format_local(since, zone).substr(0, k_minute_length) < moment;
}

} // namespace lectio
