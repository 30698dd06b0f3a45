// What a run has to say: the difference between what is true and what the operator has been told.
#include "incidents/hours.h"
#include "incidents/judge.h"
#include "incidents/rules.h"
#include "util/by_name.h"

#include <algorithm>
#include <utility>

namespace lectio {
namespace {

constexpr Duration k_longest_pause = std::chrono::hours(24);
constexpr Duration k_hour = std::chrono::hours(1);
constexpr std::size_t k_most_deeds = 10; // of one incident: more are in the log
constexpr Phrase k_during{"it began while {} was being released", "началось во время выкладки {}"};

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

// Nobody has taken it on since it was told.
bool wants_escalation(const IncidentState& incident, const ByName<CheckPolicy>& checks, const Now& now) {
    const CheckPolicy* check = incident.type == k_self ? nullptr : checks.find(incident.check);
    if (check == nullptr || incident.told != incident.level || incident.acknowledged ||
        incident.told_escalated) {
        return false;
    }
    const std::optional<Duration>& after =
        incident.level == Status::critical ? check->escalate_critical : check->escalate_warning;
    return after && elapsed(incident.level_told_at, now) >= *after;
}

void count_as_told(IncidentState& incident, Event event, const Now& now) {
    const bool repeats = event == Event::reminder && !has_settled(incident);
    if (incident.told != incident.level) {
        incident.level_told_at = now;
    }
    incident.alarmed = incident.alarmed || incident.level == Status::critical;
    incident.waited = false;
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
    incident.key = state.key;
    incident.status = state.level;
    incident.severity = state.severity;
    incident.since = state.since;
    incident.message = state.message;
    incident.hint = state.hint;
    incident.evidence = state.evidence;
    incident.note = state.note;
    incident.acknowledged = state.acknowledged;
    incident.blind = state.blind;
    return incident;
}

NewsItem item_of(const IncidentState& state, Event event, const Now& now, const Policy& policy) {
    NewsItem item;
    item.event = event;
    item.incident = incident_of(state, policy);
    item.waited = state.waited;
    item.lasted = elapsed(state.since, state.ended.value_or(now));
    if (is_over(event)) {
        item.deeds = state.deeds;
    }
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

// One attempt to say all that is to be said. What waits for the end of the quiet hours stays in the state untold.
class Telling {
  public:
    Telling(JudgeState& state, const Suppression& suppression, const Now& now, const Policy& policy,
            News& news)
        : m_state(state), m_suppression(suppression), m_now(now), m_policy(policy), m_checks(policy.checks),
          m_quiet_hours(is_within(now.wall, policy.quiet, policy.zone)), m_news(news) {}

    void tell_incidents() {
        for (IncidentState& incident : m_state.incidents) {
            const bool hidden = hides(incident);
            if (incident.ended) {
                tell_ended(incident, hidden);
            } else {
                tell_open(incident, hidden);
            }
        }
        std::erase_if(m_state.incidents, [&](const IncidentState& incident) {
            return incident.ended.has_value() && !is_kept_back(incident, hides(incident));
        });
    }

    void tell_notes() {
        for (PassingNote& note : m_state.notes) {
            const bool waits = m_quiet_hours && note.status != Status::critical;
            if (note.told || waits || is_hidden(m_suppression, note.name, k_self)) {
                continue;
            }
            m_news.items.push_back(item_of_note(note));
            note.told = true;
        }
    }

  private:
    [[nodiscard]] bool hides(const IncidentState& incident) const {
        return is_hidden(m_suppression, incident.check, incident.type);
    }

    // Who was woken by an alarm is told what becomes of it; nobody is woken by less.
    [[nodiscard]] bool waits(const IncidentState& incident) const {
        return m_quiet_hours && incident.level != Status::critical && !incident.alarmed;
    }

    // What came and went under a quiet is told at no time; what was kept back already when the quiet began is not.
    void hide(IncidentState& incident) const {
        incident.hidden = incident.hidden || (!incident.told && !incident.waited);
        if (!incident.told && !m_suppression.release.empty()) {
            incident.during = m_suppression.release;
        }
    }

    // Its end is kept back: until the morning, and what nobody knows of until the quiet is over, too.
    [[nodiscard]] bool is_kept_back(const IncidentState& incident, bool hidden) const {
        return incident.told ? waits(incident) : !incident.hidden && (waits(incident) || hidden);
    }

    void tell_ended(IncidentState& incident, bool hidden) {
        if (hidden) {
            hide(incident);
        }
        if (is_kept_back(incident, hidden)) {
            incident.waited = true;
        } else if (incident.told) { // the end of what was told is always told
            say_of(incident, incident.unwatched ? Event::unwatched : Event::resolved);
        } else if (!incident.hidden) {
            say_of(incident, Event::mended);
        }
    }

    void tell_open(IncidentState& incident, bool hidden) {
        if (hidden) {
            hide(incident);
            return;
        }
        if (incident.symptom) {
            return; // stands under its root; what of it is still true when the root is good is told then
        }
        const std::optional<Event> event = untold(incident, m_policy, m_now);
        const bool escalates = wants_escalation(incident, m_checks, m_now);
        const bool calls = incident.gave_up && !incident.told_gave_up;
        if (waits(incident)) {
            incident.waited = incident.waited || event || escalates || calls;
            return;
        }
        if (event) {
            say_of(incident, *event);
            if (!incident.told && !incident.during.empty()) {
                m_news.items.back().remarks.push_back(say(k_during, incident.during));
            }
            count_as_told(incident, *event, m_now);
        }
        if (calls) {
            say_of(incident, Event::needs_person);
            m_news.items.back().look_with = incident.look_with;
            m_news.items.back().reason = incident.reason;
            incident.told_gave_up = true;
        }
        if (escalates) {
            say_of(incident, Event::escalated);
            incident.told_escalated = true;
        }
    }

    void say_of(const IncidentState& incident, Event event) {
        m_news.items.push_back(item_of(incident, event, m_now, m_policy));
    }

    [[nodiscard]] NewsItem item_of_note(const PassingNote& note) const {
        NewsItem item;
        item.event = Event::note;
        item.incident.id = note.id;
        item.incident.tool = m_policy.tool;
        item.incident.check = note.name;
        item.incident.type = k_self;
        item.incident.status = note.status;
        item.incident.severity = note.status == Status::critical ? Severity::critical : Severity::warning;
        item.incident.since = note.noticed;
        item.incident.message = note.message;
        item.incident.hint = note.hint;
        return item;
    }

    JudgeState& m_state;
    const Suppression& m_suppression;
    const Now& m_now;
    const Policy& m_policy;
    ByName<CheckPolicy> m_checks;
    bool m_quiet_hours;
    News& m_news;
};

// How the day was, and what of it is still open.
NewsItem summary_of(const JudgeState& state, const DayFigures& day, const Now& now, const Policy& policy) {
    NewsItem item;
    item.event = Event::summary;
    item.day = day;
    item.incident.tool = policy.tool;
    item.incident.check = "summary";
    item.incident.type = k_self;
    item.incident.severity = Severity::info;
    item.incident.status = Status::warning;
    item.incident.since = state.summed_up.value_or(now);
    for (const IncidentState& incident : state.incidents) {
        if (!incident.ended && !incident.symptom) {
            item.symptoms.push_back(incident_of(incident, policy));
        }
    }
    return item;
}

// ── room among the messages of an hour ──────────────────────────────────────────────────────────────────

void forget_old_messages(JudgeState& state, const Now& now) {
    std::erase_if(state.messages, [&](const Now& message) { return elapsed(message, now) >= k_hour; });
}

bool has_room(const JudgeState& state, std::size_t of_all_tools, const Policy& policy) {
    const std::size_t messages = std::max(state.messages.size(), of_all_tools);
    return policy.per_hour <= 0 || messages < static_cast<std::size_t>(policy.per_hour);
}

// It is new, and somebody must do something now: it takes with it all that waits.
bool cannot_wait(const NewsItem& item) {
    if (item.incident.status != Status::critical) {
        return false;
    }
    switch (item.event) {
    case Event::opened:
    case Event::risen:
    case Event::needs_person:
    case Event::escalated:
    case Event::flapping:
    case Event::note:
        return true;
    default:
        return false;
    }
}

// What all of `news` is about has not been told, and will be with what comes next.
void let_wait(JudgeState& state, const News& news) {
    for (IncidentState& incident : state.incidents) {
        const bool untold = std::any_of(news.items.begin(), news.items.end(), [&](const NewsItem& item) {
            return item.incident.id == incident.id;
        });
        incident.waited = incident.waited || untold;
    }
}

// ── what the ladder says of it ──────────────────────────────────────────────────────────────────────────

// A deed stands with what it has mended; one that mended nothing with the first thing that was to be mended.
void add_deeds(News& news, const std::vector<Deed>& deeds) {
    for (const Deed& deed : deeds) {
        bool placed = false;
        for (NewsItem& item : news.items) {
            const bool is_there = std::find(item.deeds.begin(), item.deeds.end(), deed) != item.deeds.end();
            placed = placed || (is_there && is_over(item.event)); // the incident has remembered it
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

// By what it has remembered: an incident of the same check may have ended in another night.
bool was_mended_by(const NewsItem& item, const Deed& deed) {
    const bool of_its_check =
        std::find(deed.fixed.begin(), deed.fixed.end(), item.incident.check) != deed.fixed.end();
    return of_its_check && std::find(item.deeds.begin(), item.deeds.end(), deed) != item.deeds.end();
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
                   std::none_of(lead.deeds.begin(), lead.deeds.end(), [&](const Deed& deed) {
                       return was_mended_by(lead, deed) && was_mended_by(item, deed);
                   });
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
    const bool of_the_suite = item.event == Event::note || item.event == Event::summary;
    place.group = of_the_suite ? 2 : is_over(item.event) ? 1 : 0;
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

void remember_deeds(JudgeState& state, const std::vector<Deed>& deeds) {
    // Of the same check another incident may wait to be told, which ended long before.
    const auto is_of_this_run = [&](const IncidentState& incident) {
        return !incident.ended || (state.last_run && incident.ended->boot_id == state.last_run->boot_id &&
                                   incident.ended->boot >= state.last_run->boot);
    };
    for (IncidentState& incident : state.incidents) {
        for (const Deed& deed : deeds) {
            const bool mended_it =
                std::find(deed.fixed.begin(), deed.fixed.end(), incident.check) != deed.fixed.end();
            const bool known =
                std::find(incident.deeds.begin(), incident.deeds.end(), deed) != incident.deeds.end();
            if (mended_it && !known && is_of_this_run(incident) && incident.deeds.size() < k_most_deeds) {
                incident.deeds.push_back(deed);
            }
        }
    }
}

bool wants_summary(const JudgeState& state, const Suppression& suppression, const Now& now,
                   const Policy& policy) {
    return state.summed_up && !suppression.active() && now.boot >= policy.boot_grace &&
           has_struck(policy.digest, state.summed_up->wall, now.wall, policy.zone);
}

ToTell tell(JudgeState state, const Suppression& suppression, const Healing& healing, const Now& now,
            const Policy& policy, const DayFigures& day, std::size_t messages) {
    ToTell result;
    result.news.tool = policy.tool;
    result.news.host = policy.host;
    result.news.time = now;
    remember_gave_up(state, healing.gave_up);
    remember_deeds(state, healing.deeds);
    state.summed_up = state.summed_up.value_or(now);
    forget_old_messages(state, now);
    JudgeState told = state;
    if (now.boot >= policy.boot_grace) {
        Telling telling(told, suppression, now, policy, result.news);
        telling.tell_incidents();
        telling.tell_notes();
    }
    if (wants_summary(state, suppression, now, policy)) {
        result.news.items.push_back(summary_of(told, day, now, policy));
        told.summed_up = now;
    }
    const std::vector<NewsItem>& items = result.news.items;
    if (!has_room(state, messages, policy) && std::none_of(items.begin(), items.end(), cannot_wait)) {
        let_wait(state, result.news);
        result.news.items.clear();
        told = std::move(state);
    }
    if (!result.news.items.empty()) {
        told.messages.push_back(now);
    }
    put_in_order(result.news.items, policy);
    add_deeds(result.news, healing.deeds);
    join_mended(result.news);
    add_remarks(result.news, healing.not_acted);
    result.news.run = {told.epoch, told.run};
    result.state = std::move(told);
    return result;
}

} // namespace lectio
