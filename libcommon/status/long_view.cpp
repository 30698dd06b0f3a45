#include "status/long_view.h"

#include "incidents/rules.h"
#include "report/words.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int k_cache_version = 1;
constexpr Duration k_settled_after = 1h; // a run that began before midnight is recorded when it ends
constexpr std::size_t k_most_incidents = 60;
constexpr std::string_view k_time = "time"; // the figure of the checks that ask over a network

std::vector<std::string> dates_before(WallTime now, const std::string& zone, int days) {
    const Result<WallTime> today = parse_utc(format_local(now, zone).substr(0, 10) + "T00:00:00Z");
    std::vector<std::string> dates;
    for (int i = days - 1; i >= 0 && today; --i) {
        dates.push_back(format_utc(*today - i * 24h).substr(0, 10));
    }
    return dates;
}

double quantile(std::vector<double>& values, double share) {
    const auto rank = static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
    const auto at = values.begin() + std::max<std::ptrdiff_t>(rank, 0);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

std::optional<std::size_t> time_among(const LookForm& form, std::size_t figures) {
    const std::vector<RecordedMetric> metrics =
        put_together(form, {{}, {}, std::vector<double>(figures)}).metrics;
    const auto found = std::find_if(metrics.begin(), metrics.end(), [](const RecordedMetric& metric) {
        return metric.name == k_time && metric.unit == "s";
    });
    return found == metrics.end() ? std::nullopt
                                  : std::optional(static_cast<std::size_t>(found - metrics.begin()));
}

json json_of(const DayCount& day) {
    return json::array({day.looks, day.broken, day.warned, day.unseen});
}

std::optional<DayCount> day_count(const json& row) {
    constexpr std::size_t k_columns = 4;
    if (!row.is_array() || row.size() != k_columns ||
        !std::all_of(row.begin(), row.end(), [](const json& each) { return each.is_number_unsigned(); })) {
        return std::nullopt;
    }
    const DayCount day{row[0], row[1], row[2], row[3]};
    const bool adds_up = day.broken <= day.looks && day.warned <= day.looks - day.broken;
    return adds_up ? std::optional(day) : std::nullopt;
}

std::optional<std::vector<DayCount>> day_counts(const json& rows, std::size_t count) {
    if (!rows.is_array() || rows.size() != count) {
        return std::nullopt;
    }
    std::vector<DayCount> days;
    for (const json& row : rows) {
        const std::optional<DayCount> day = day_count(row);
        if (!day) {
            return std::nullopt;
        }
        days.push_back(*day);
    }
    return days;
}

} // namespace

// ── days ────────────────────────────────────────────────────────────────────────────────────────────────────

std::optional<double> DayCount::availability() const {
    return looks == 0 ? std::nullopt : std::optional(1.0 - static_cast<double>(broken) / looks);
}

void DayCount::add(Status status) {
    looks += status == Status::ok || status == Status::warning || status == Status::critical ? 1 : 0;
    broken += status == Status::critical ? 1 : 0;
    warned += status == Status::warning ? 1 : 0;
    unseen += status == Status::unknown ? 1 : 0;
}

void DayCount::add(const DayCount& more) {
    looks += more.looks;
    broken += more.broken;
    warned += more.warned;
    unseen += more.unseen;
}

LongViewReader::LongViewReader(WallTime now, const std::string& zone, int days, std::string_view cache)
    : m_now(now), m_wanted_from(now - DayTimes::k_hours * 1h), m_zone(zone),
      m_dates(dates_before(now, zone, days)) {
    for (const std::string& date : m_dates) {
        m_begins.push_back(parse_moment(date, now, zone).value_or(now));
    }
    m_whole.resize(m_dates.size());
    if (!read_cache(cache)) {
        m_settled = 0;
    }
    if (m_settled < m_begins.size()) {
        m_wanted_from = std::min(m_wanted_from, m_begins[m_settled]);
    }
}

// Of what was kept, the days that are still shown, as far as they follow each other from the oldest on.
bool LongViewReader::read_cache(std::string_view text) {
    const json kept = json::parse(text, nullptr, false);
    if (!kept.is_object() || kept.value("version", json()) != k_cache_version ||
        kept.value("zone", json()) != m_zone) {
        return false;
    }
    const json dates = kept.value("dates", json());
    const auto first = std::find(dates.begin(), dates.end(), m_dates.empty() ? "" : m_dates.front());
    if (!dates.is_array() || first == dates.end()) {
        return false;
    }
    const auto skipped = static_cast<std::size_t>(first - dates.begin());
    const std::size_t count = dates.size() - skipped;
    if (count >= m_dates.size() || !std::equal(first, dates.end(), m_dates.begin())) {
        return false;
    }
    const auto take_over = [&](const json& rows, Days& days) {
        const std::optional<Days> all = day_counts(rows, dates.size());
        if (all) {
            days.resize(m_dates.size());
            std::copy(all->begin() + static_cast<std::ptrdiff_t>(skipped), all->end(), days.begin());
        }
        return all.has_value();
    };
    Days whole;
    std::map<std::string, Days> checks;
    const json rows = kept.value("checks", json());
    if (!rows.is_object() || !take_over(kept.value("whole", json()), whole)) {
        return false;
    }
    for (const auto& [name, row] : rows.items()) {
        if (!take_over(row, checks[name])) {
            return false;
        }
    }
    m_whole = std::move(whole);
    m_checks = std::move(checks);
    m_settled = count;
    return true;
}

std::string LongViewReader::cache() const {
    const auto is_settled = [&](std::size_t day) {
        return day + 1 < m_begins.size() && m_now - m_begins[day + 1] >= k_settled_after;
    };
    std::size_t count = 0;
    while (is_settled(count)) {
        ++count;
    }
    const auto rows = [&](const Days& days) {
        json all = json::array();
        for (std::size_t day = 0; day < count; ++day) {
            all.push_back(json_of(days[day]));
        }
        return all;
    };
    json checks = json::object();
    for (const auto& [name, days] : m_checks) {
        const auto end = days.begin() + static_cast<std::ptrdiff_t>(count);
        if (std::any_of(days.begin(), end, [](const DayCount& day) { return day != DayCount{}; })) {
            checks[name] = rows(days); // what is in no configuration any more leaves with its last day
        }
    }
    const json kept{{"version", k_cache_version},
                    {"zone", m_zone},
                    {"dates", std::vector<std::string>(m_dates.begin(),
                                                       m_dates.begin() + static_cast<std::ptrdiff_t>(count))},
                    {"whole", rows(m_whole)},
                    {"checks", std::move(checks)}};
    return kept.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::size_t> LongViewReader::day_of(WallTime time) const {
    const auto after = std::upper_bound(m_begins.begin(), m_begins.end(), time);
    return after == m_begins.begin() || time > m_now
               ? std::nullopt
               : std::optional(static_cast<std::size_t>(after - m_begins.begin()) - 1);
}

LongViewReader::Looks& LongViewReader::looks_of(const PastRun& run, const LookForm& form) {
    const auto [at, is_new] = m_by_form.try_emplace(&form);
    if (is_new) {
        const std::string name = fmt::format("{}/{}", run.tool, form.check);
        Days& days = m_checks[name];
        days.resize(m_dates.size());
        at->second.days = &days;
        at->second.time = time_among(form, form.figures());
        if (at->second.time) {
            at->second.times = &m_times[name].seconds;
        }
        at->second.broken = &m_times[name].broken;
    }
    return at->second;
}

void LongViewReader::take(const PastRun& run) {
    const std::optional<std::size_t> day = day_of(run.started.wall);
    const Duration ago = m_now - run.started.wall;
    const bool is_of_last_day = ago >= Duration::zero() && ago < DayTimes::k_hours * 1h;
    Status all = Status::skipped;
    for (const PastLook& look : run.looks) {
        if (look.form->type == k_self) {
            continue;
        }
        const auto status = static_cast<Status>(std::clamp(look.form->shown, 0, 4));
        all = worst(all, status);
        const Looks& looks = looks_of(run, *look.form);
        if (day && *day >= m_settled) {
            looks.days->at(*day).add(status);
        }
        if (is_of_last_day) {
            const std::size_t hour = DayTimes::k_hours - 1 - static_cast<std::size_t>(ago / 1h);
            looks.broken->at(hour) = looks.broken->at(hour) || status == Status::critical;
            // Of what was broken the time says how long it took to fail.
            if (looks.time && status != Status::critical && *looks.time < look.figures.values.size()) {
                looks.times->at(hour).push_back(look.figures.values[*looks.time]);
            }
        }
    }
    if (run.tool == "health" && !run.partial && day && *day >= m_settled) {
        m_whole.at(*day).add(all);
    }
}

LongView LongViewReader::view() const {
    LongView view{m_dates, m_whole, m_checks, {}, {}};
    for (const auto& [name, times] : m_times) {
        DayTimes day;
        std::vector<double> whole;
        for (std::size_t i = 0; i < DayTimes::k_hours; ++i) {
            std::vector<double> values = times.seconds.at(i);
            day.hours.at(i).broken = times.broken.at(i);
            if (!values.empty()) {
                whole.insert(whole.end(), values.begin(), values.end());
                day.hours.at(i).median = quantile(values, 0.5);
                day.hours.at(i).p95 = quantile(values, 0.95);
            }
        }
        if (!whole.empty()) {
            day.median = quantile(whole, 0.5);
            day.p95 = quantile(whole, 0.95);
            view.times.emplace(name, day);
        }
    }
    return view;
}

// ── incidents ───────────────────────────────────────────────────────────────────────────────────────────────

namespace {

class Incidents {
  public:
    Incidents(PastRuns& runs, const Period& period) : m_runs(runs), m_period(period) {}

    Result<std::vector<PastIncident>> all() {
        for (const std::string_view tool : {"health", "smoke", "deepcheck"}) {
            LECTIO_TRY(of_tool(std::string(tool)));
        }
        LECTIO_TRY(add_deeds());
        std::vector<PastIncident> newest;
        for (auto& [id, incident] : m_incidents) {
            newest.push_back(std::move(incident));
        }
        std::stable_sort(newest.begin(), newest.end(),
                         [](const PastIncident& a, const PastIncident& b) { return a.begin > b.begin; });
        newest.resize(std::min(newest.size(), k_most_incidents));
        LECTIO_TRY(word_what_was_mended_at_once(newest));
        return newest;
    }

  private:
    Result<void> of_tool(const std::string& tool) {
        const Result<std::vector<AtTime<RecordedEvent>>> events =
            m_runs.events({m_period.from, m_period.until, tool});
        LECTIO_TRY(events);
        for (const AtTime<RecordedEvent>& each : *events) {
            take(tool, each);
        }
        return {};
    }

    void take(const std::string& tool, const AtTime<RecordedEvent>& each) {
        const RecordedEvent& event = each.what;
        const bool is_change = event.kind == RecordedEvent::Kind::change;
        const std::string key = tool + "/" + event.incident;
        const auto level = static_cast<Status>(std::clamp(event.status, 0, 4));
        if (is_change && event.event == "opened") {
            m_incidents[key] = {
                event.incident, tool + "/" + event.check, level, each.time, {}, event.message, {}, false};
            return;
        }
        const auto known = m_incidents.find(key);
        if (known == m_incidents.end()) { // it began before what is shown
            return;
        }
        PastIncident& incident = known->second;
        if (is_change && (event.event == "resolved" || event.event == "unwatched")) {
            incident.end = each.time;
        } else if (is_change && event.event == "risen") {
            incident.level = worst(incident.level, level);
        } else if (!is_change && event.event == "needs-person") {
            incident.needs_person = true;
        }
    }

    Result<void> add_deeds() {
        const Result<std::vector<AtTime<RecordedDeed>>> deeds = m_runs.deeds(m_period);
        LECTIO_TRY(deeds);
        for (auto& [key, incident] : m_incidents) {
            for (const AtTime<RecordedDeed>& each : *deeds) {
                if (was_for(each, incident)) {
                    const RecordedDeed& deed = each.what;
                    incident.done.push_back(deed_words(
                        {deed.rung, deed.action, deed.target, deed.ok, deed.detail, {}, deed.took}));
                }
            }
        }
        return {};
    }

    // What failed says not for whom it was done.
    static bool was_for(const AtTime<RecordedDeed>& deed, const PastIncident& incident) {
        const std::vector<std::string>& fixed = deed.what.fixed;
        const std::string name = incident.check.substr(incident.check.find('/') + 1);
        const bool in_time =
            deed.time >= incident.begin && deed.time <= incident.end.value_or(WallTime::max());
        return in_time && incident.check.starts_with("health/") &&
               (deed.what.ok ? std::find(fixed.begin(), fixed.end(), name) != fixed.end() : fixed.empty());
    }

    // Its opening is recorded with what was found in the end: that it works.
    Result<void> word_what_was_mended_at_once(std::vector<PastIncident>& incidents) {
        for (PastIncident& incident : incidents) {
            if (incident.end != incident.begin) {
                continue;
            }
            const std::size_t slash = incident.check.find('/');
            const Period moment{incident.begin, incident.begin + 1ms, incident.check.substr(0, slash)};
            LECTIO_TRY(m_runs.each(moment, [&](const PastRun& run) {
                for (const PastLook& look : run.looks) {
                    if (look.form->check == incident.check.substr(slash + 1) && look.form->type != k_self) {
                        incident.message = look.whole().message;
                        incident.level = static_cast<Status>(std::clamp(look.form->shown, 0, 4));
                    }
                }
            }));
        }
        return {};
    }

    PastRuns& m_runs;
    Period m_period;
    std::map<std::string, PastIncident> m_incidents;
};

} // namespace

Result<std::vector<PastIncident>> past_incidents(PastRuns& runs, WallTime since, WallTime now) {
    return Incidents(runs, {since, now + 1ms, {}}).all();
}

} // namespace lectio::status
