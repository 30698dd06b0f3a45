#include "incidents/history.h"

#include <algorithm>
#include <bit>

namespace lectio {
namespace {

constexpr int k_kept = 64;

bool bit(std::uint64_t bits, int index) {
    return (bits >> index & 1U) != 0;
}

// 0 ok, 1 warning, 2 critical; index 0 is the newest run.
int level_at_start(const RunHistory& history, int index) {
    return bit(history.critical, index) ? 2 : bit(history.bad, index) ? 1 : 0;
}

int level_at_end(const RunHistory& history, int index) {
    return bit(history.mended, index) ? 0 : level_at_start(history, index);
}

} // namespace

void add_run(RunHistory& history, Status status) {
    const bool critical = status == Status::critical;
    const bool bad = critical || status == Status::warning;
    history.bad = history.bad << 1U | static_cast<std::uint64_t>(bad);
    history.critical = history.critical << 1U | static_cast<std::uint64_t>(critical);
    history.mended <<= 1U;
    history.runs = std::min(history.runs + 1, k_kept);
    history.fresh = std::min(history.fresh + 1, k_kept);
}

void note_mended(RunHistory& history) {
    history.mended |= history.bad & 1U;
}

void begin_window(RunHistory& history) {
    history.fresh = 0;
}

int bad_runs(const RunHistory& history, AtLeast level, int of) {
    const int count = std::clamp(of, 0, std::clamp(history.fresh, 0, history.runs));
    const std::uint64_t bits = level == AtLeast::critical ? history.critical : history.bad;
    const std::uint64_t mask = count >= k_kept ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    return std::popcount(bits & mask);
}

int changes(const RunHistory& history, int of) {
    const int count = std::clamp(of, 0, history.runs);
    int found = 0;
    for (int i = 0; i < count; ++i) {
        found += level_at_start(history, i) != level_at_end(history, i) ? 1 : 0;
        if (i + 1 < count) {
            found += level_at_end(history, i + 1) != level_at_start(history, i) ? 1 : 0;
        }
    }
    return found;
}

} // namespace lectio
