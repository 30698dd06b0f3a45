#include "checks/growth_track.h"

#include "checks/moment.h"
#include "util/text.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_day = 24h;
constexpr Duration k_window = 7 * 24h + 1h;
// Of a run an hour every sixth; a run that begins a little early counts as well.
constexpr Duration k_between = 6h - 5min;
constexpr Duration k_about_a_day = 23h;
constexpr Duration k_enough = 3 * 24h - 1h; // three days of such runs
constexpr std::size_t k_most_samples = 32;
constexpr std::size_t k_fewest_pairs = 3;
constexpr double k_worth_saying = 2; // days of growth, that a clean-up has freed

template<class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

double bytes_of(Bytes size) {
    return static_cast<double>(size.count);
}

} // namespace

// "MOMENT AGE:BYTES AGE:BYTES …": seconds before the last one, the oldest first.
GrowthTrack GrowthTrack::from_text(std::string_view text) {
    GrowthTrack track;
    const std::vector<std::string_view> words = split(text, ' ');
    const std::optional<Now> last = words.empty() ? std::nullopt : moment_from_text(words.front());
    for (std::size_t i = 1; last && i < words.size(); ++i) {
        const std::size_t colon = words[i].find(':');
        const auto age = number_in<std::int64_t>(words[i].substr(0, colon));
        const auto size =
            colon == words[i].npos ? std::nullopt : number_in<std::uint64_t>(words[i].substr(colon + 1));
        const bool in_order =
            age && *age >= 0 && *age <= k_window / 1s &&
            (track.m_samples.empty() || std::chrono::seconds(*age) < track.m_samples.back().age);
        if (!size || !in_order || track.m_samples.size() == k_most_samples) {
            return {};
        }
        track.m_samples.push_back({std::chrono::seconds(*age), {*size}});
    }
    if (track.m_samples.empty() || track.m_samples.back().age != Duration::zero()) {
        return {};
    }
    track.m_last = *last;
    return track;
}

std::string GrowthTrack::to_text() const {
    std::string text = m_samples.empty() ? "" : moment_to_text(m_last);
    for (const Sample& sample : m_samples) {
        text += fmt::format(" {}:{}", sample.age.count() / 1000, sample.size.count);
    }
    return text;
}

// Nothing: it is not known how long ago that was. The clock was set back over a restart of the host.
std::optional<Duration> GrowthTrack::since_last(const Now& now) const {
    const Duration since = elapsed(m_last, now);
    const bool unknown =
        since == Duration::zero() && (m_last.boot_id != now.boot_id || m_last.boot != now.boot);
    return unknown ? std::nullopt : std::optional(since);
}

bool GrowthTrack::is_due(const Now& now) const {
    const std::optional<Duration> since = since_last(now);
    return m_samples.empty() || !since || *since >= k_between;
}

void GrowthTrack::add(const Now& now, Bytes size) {
    if (!is_due(now)) {
        return;
    }
    // Whole seconds, as they are kept.
    const std::optional<Duration> since = m_samples.empty() ? std::nullopt : since_last(now);
    const Duration later = std::chrono::floor<std::chrono::seconds>(since.value_or(Duration::zero()));
    if (!since) {
        m_samples.clear();
    }
    for (Sample& sample : m_samples) {
        sample.age += later;
    }
    std::erase_if(m_samples, [](const Sample& sample) { return sample.age > k_window; });
    if (m_samples.size() == k_most_samples) {
        m_samples.erase(m_samples.begin());
    }
    m_samples.push_back({Duration::zero(), size});
    m_last = now;
}

std::optional<Bytes> GrowthTrack::last() const {
    return m_samples.empty() ? std::nullopt : std::optional(m_samples.back().size);
}

Duration GrowthTrack::watched() const {
    return m_samples.empty() ? Duration::zero() : m_samples.front().age;
}

// The median of how much more there was a day later. What happens at one hour of each day (a backup that is made, an
// old one that goes) is once in each pair; what happened once in the week (a clean-up, an upload) is in a seventh of
// them, and does not count.
std::optional<GrowthTrack::Pace> GrowthTrack::pace() const {
    std::vector<double> paces;
    double freed = 0;
    for (std::size_t i = 0; i < m_samples.size(); ++i) {
        const Sample& from = m_samples[i];
        const auto to = std::find_if(m_samples.begin() + static_cast<std::ptrdiff_t>(i), m_samples.end(),
                                     [&](const Sample& it) { return from.age - it.age >= k_about_a_day; });
        if (to != m_samples.end()) {
            const double days = std::chrono::duration<double>(from.age - to->age) / k_day;
            paces.push_back((bytes_of(to->size) - bytes_of(from.size)) / days);
        }
        if (i > 0) {
            freed = std::max(freed, bytes_of(m_samples[i - 1].size) - bytes_of(from.size));
        }
    }
    if (watched() < k_enough || paces.size() < k_fewest_pairs) {
        return std::nullopt;
    }
    const auto middle = paces.begin() + static_cast<std::ptrdiff_t>(paces.size() / 2);
    std::nth_element(paces.begin(), middle, paces.end());
    Pace pace{*middle, {}};
    // Of an even number the mean of the two in the middle: of two kinds of days neither is left out.
    if (paces.size() % 2 == 0) {
        pace.a_day = (pace.a_day + *std::max_element(paces.begin(), middle)) / 2;
    }
    if (pace.a_day > 0 && freed > k_worth_saying * pace.a_day) {
        pace.freed = Bytes{static_cast<std::uint64_t>(freed)};
    }
    return pace;
}

} // namespace lectio
