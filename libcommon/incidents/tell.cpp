// What a run has to say: the difference between what is true and what the operator has been told.
#include "incidents/judge.h"
#include "incidents/rules.h"
#include "util/by_name.h"

#include <algorithm>
#include <utility>

namespace lectio {
namespace {

constexpr Duration k_longest_pause = std::chrono::hours(24);
constexpr std::string_view k_self = "self";

// ── reminders ───────────────────────────────────────────────────────────────────────────────────────────

// 1h, then 2h, 4h … up to 24h.
Duration pause_before_reminder(int sent, Duration first) {
    Duration pause = first;
    for (int i = 0; i < sent && pause < k_longest_pause; ++i) {
        pause *= 2;
    }
    return std::max(first, std::min(pause, k_longest_pause));
}

bool wants_reminder(const IncidentState& incident, Duration first, const Now& now) {
    return first > Duration::zero() && incident.level == Status::critical && !incident.acknowledged &&
           elapsed(incident.told_at, now) >= pause_before_reminder(incident.reminders, first);
}

// ── from incidents to events ────────────────────────────────────────────────────────────────────────────

// It flapped, which was told, and stays what it is now: that it is still broken was promised to be told.
bool has_settled(const IncidentState& incident) {
    return incident.told_flapping && !incident.flapping;
}

// What is true of an open incident beyond what was told.
std::optional<Event> untold(const IncidentState& incident, const Policy& policy, const Now& now) {
    if (incident.flapping && !incident.told_flapping) {
        return Event::flapping;
    }
    if (!incident.told) {
        return incident.type == k_self ? Event::note : Event::opened;
    }
    if (*incident.told == Status::warning && incident.level == Status::critical) {
        return Event::risen;
    }
    if (*incident.told == Status::critical && incident.level == Status::warning) {
        return Event::eased;
    }
    if ((has_settled(incident) && !incident.acknowledged) || wants_reminder(incident, policy.remind, now)) {
        return Event::reminder;
    }
    return std::nullopt;
}

void count_as_told(IncidentState& incident, Event event, const Now& now) {
    const bool repeats = event == Event::reminder && !has_settled(incident);
    incident.told = incident.level;
    incident.told_flapping = incident.flapping;
    if (repeats) {
        ++incident.reminders;
    } else {
        incident.reminders = 0;
    }
    incident.told_at = now;
}

Incident incident_of(const IncidentState& state, const Policy& policy) {
    Incident incident;
    incident.id = state.id;
    incident.tool = policy.tool;
    incident.check = state.check;
    incident.type = state.type;
    incident.status = state.level;
    incident.severity = state.severity;
    incident.since = state.since;
    incident.message = state.message;
    incident.hint = state.hint;
    incident.evidence = state.evidence;
    incident.note = state.note;
    incident.acknowledged = state.acknowledged;
    return incident;
}

NewsItem item_of(const IncidentState& state, Event event, const Now& now, const Policy& policy) {
    NewsItem item;
    item.event = event;
    item.incident = incident_of(state, policy);
    item.lasted = elapsed(state.since, state.ended.value_or(now));
    for (const Symptom& symptom : state.symptoms) {
        Incident below;
        below.tool = policy.tool;
        below.check = symptom.check;
        below.type = symptom.type;
        below.status = symptom.status;
        below.since = state.since;
        below.message = symptom.message;
        item.symptoms.push_back(std::move(below));
    }
    return item;
}

// Trouble with the markers is about quiet itself, so quiet cannot hide it.
bool is_hidden(const Suppression& suppression, std::string_view check, std::string_view type) {
    const bool about_quiet = type == k_self && check == "markers";
    return !about_quiet && suppression.hides(check);
}

void tell_ended(const IncidentState& incident, bool hidden, const Now& now, const Policy& policy,
                News& news) {
    if (incident.told) { // the end of what was told is always told
        const Event end = incident.unwatched ? Event::unwatched : Event::resolved;
        news.items.push_back(item_of(incident, end, now, policy));
    } else if (!incident.hidden && !hidden) {
        news.items.push_back(item_of(incident, Event::mended, now, policy));
    }
}

void tell_open(IncidentState& incident, bool hidden, const Now& now, const Policy& policy, News& news) {
    if (hidden) {
        incident.hidden = incident.hidden || !incident.told;
        return;
    }
    if (incident.symptom) {
        return; // stands under its root; what of it is still true when the root is good is told then
    }
    if (const std::optional<Event> event = untold(incident, policy, now)) {
        news.items.push_back(item_of(incident, *event, now, policy));
        count_as_told(incident, *event, now);
    }
    if (incident.gave_up && !incident.told_gave_up) {
        news.items.push_back(item_of(incident, Event::needs_person, now, policy));
        news.items.back().look_with = incident.look_with;
        news.items.back().reason = incident.reason;
        incident.told_gave_up = true;
    }
}

void tell_incidents(JudgeState& state, const Suppression& suppression, const Now& now, const Policy& policy,
                    News& news) {
    for (IncidentState& incident : state.incidents) {
        const bool hidden = is_hidden(suppression, incident.check, incident.type);
        if (incident.ended) {
            tell_ended(incident, hidden, now, policy, news);
        } else {
            tell_open(incident, hidden, now, policy, news);
        }
    }
    std::erase_if(state.incidents, [](const IncidentState& incident) { return incident.ended.has_value(); });
}

void tell_notes(JudgeState& state, const Suppression& suppression, const Policy& policy, News& news) {
    for (PassingNote& note : state.notes) {
        if (note.told || is_hidden(suppression, note.name, k_self)) {
            continue;
        }
        NewsItem item;
        item.event = Event::note;
        item.incident.id = note.id;
        item.incident.tool = policy.tool;
        item.incident.check = note.name;
        item.incident.type = k_self;
        item.incident.status = note.status;
        item.incident.severity = note.status == Status::critical ? Severity::critical : Severity::warning;
        item.incident.since = note.noticed;
        item.incident.message = note.message;
        item.incident.hint = note.hint;
        news.items.push_back(std::move(item));
        note.told = true;
    }
}

// ── what the ladder says of it ──────────────────────────────────────────────────────────────────────────

// A deed stands with what it has mended; one that mended nothing with the first thing that was to be mended.
void add_deeds(News& news, const std::vector<Deed>& deeds) {
    for (const Deed& deed : deeds) {
        bool placed = false;
        for (NewsItem& item : news.items) {
            const bool fixed_it =
                std::find(deed.fixed.begin(), deed.fixed.end(), item.incident.check) != deed.fixed.end();
            if (fixed_it && is_over(item.event)) {
                item.deeds.push_back(deed);
                placed = true;
            }
        }
        if (placed) {
            continue;
        }
        const auto first = std::find_if(news.items.begin(), news.items.end(), [](const NewsItem& item) {
            return item.event != Event::note && item.incident.status == Status::critical;
        });
        if (first != news.items.end()) {
            first->deeds.push_back(deed);
        }
    }
}

bool mended_both(const Deed& deed, const NewsItem& a, const NewsItem& b) {
    const auto mended = [&](const NewsItem& item) {
        return std::find(deed.fixed.begin(), deed.fixed.end(), item.incident.check) != deed.fixed.end();
    };
    return mended(a) && mended(b);
}

void put_under(NewsItem& lead, NewsItem follower) {
    std::vector<Incident> below = std::move(follower.symptoms);
    below.insert(below.begin(), std::move(follower.incident));
    for (Incident& symptom : below) {
        const bool there = std::any_of(lead.symptoms.begin(), lead.symptoms.end(),
                                       [&](const Incident& it) { return it.check == symptom.check; });
        if (!there) {
            lead.symptoms.push_back(std::move(symptom));
        }
    }
}

// Broken and mended in one run by one deed: one fault, however many checks have seen it. The one that leads
// tells it. Only after the fact: that a rung could mend both would not make one of them the cause of the other,
// and a symptom starts no rungs. The end of what was told on its own still answers its opening.
void join_mended(News& news) {
    for (std::size_t i = 0; i < news.items.size(); ++i) {
        const auto stands_alone = [&](const NewsItem& item) {
            const NewsItem& lead = news.items[i];
            return item.event != Event::mended || lead.event != Event::mended ||
                   std::none_of(lead.deeds.begin(), lead.deeds.end(),
                                [&](const Deed& deed) { return mended_both(deed, lead, item); });
        };
        const auto after = news.items.begin() + static_cast<std::ptrdiff_t>(i) + 1;
        const auto followers = std::stable_partition(after, news.items.end(), stands_alone);
        for (auto follower = followers; follower != news.items.end(); ++follower) {
            put_under(news.items[i], std::move(*follower));
        }
        news.items.erase(followers, news.items.end());
    }
}

// Once a check: its opening and a call for a person may stand in one message.
void add_remarks(News& news, const std::vector<Remark>& remarks) {
    for (const Remark& remark : remarks) {
        const auto item = std::find_if(news.items.begin(), news.items.end(), [&](const NewsItem& it) {
            return remark.check == it.incident.check && !is_over(it.event);
        });
        if (item != news.items.end()) {
            item->remarks.push_back(remark.words);
        }
    }
}

// ── order ───────────────────────────────────────────────────────────────────────────────────────────────

struct Place { // compared from left to right, the smallest leads
    int group = 0, badness = 0, layer = 0;
    std::size_t row = 0;
    auto operator<=>(const Place&) const = default;
};

Place place_of(const NewsItem& item, const Policy& policy, const ByName<CheckPolicy>& checks) {
    Place place;
    place.group = item.event == Event::note ? 2 : is_over(item.event) ? 1 : 0;
    place.badness = item.incident.status == Status::critical ? 0 : 1;
    place.layer = static_cast<int>(Layer::other);
    place.row = policy.checks.size();
    if (const CheckPolicy* check = checks.find(item.incident.check)) {
        place.layer = static_cast<int>(check->layer);
        place.row = static_cast<std::size_t>(check - policy.checks.data());
    }
    return place;
}

void put_in_order(std::vector<NewsItem>& items, const Policy& policy) {
    const ByName<CheckPolicy> checks(policy.checks);
    std::vector<std::pair<Place, std::size_t>> order;
    for (std::size_t i = 0; i < items.size(); ++i) {
        order.emplace_back(place_of(items[i], policy, checks), i);
    }
    std::sort(order.begin(), order.end());
    std::vector<NewsItem> ordered;
    ordered.reserve(items.size());
    for (const auto& [place, index] : order) {
        ordered.push_back(std::move(items[index]));
    }
    items = std::move(ordered);
}

} // namespace

void remember_gave_up(JudgeState& state, const std::vector<GaveUp>& all) {
    for (const GaveUp& gave_up : all) {
        for (IncidentState& incident : state.incidents) {
            if (incident.subject == gave_up.check && !incident.ended) {
                incident.gave_up = true;
                incident.look_with = gave_up.look_with;
                incident.reason = gave_up.reason;
            }
        }
    }
}

ToTell tell(JudgeState state, const Suppression& suppression, const Healing& healing, const Now& now,
            const Policy& policy) {
    ToTell result;
    result.news.tool = policy.tool;
    result.news.host = policy.host;
    result.news.time = now;
    remember_gave_up(state, healing.gave_up);
    if (now.boot >= policy.boot_grace) {
        tell_incidents(state, suppression, now, policy, result.news);
        tell_notes(state, suppression, policy, result.news);
    }
    put_in_order(result.news.items, policy);
    add_deeds(result.news, healing.deeds);
    join_mended(result.news);
    add_remarks(result.news, healing.not_acted);
    result.news.run = {state.epoch, state.run};
    result.state = std::move(state);
    return result;
}

} // namespace lectio
