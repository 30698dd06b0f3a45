// How things stand with telling.
#include "operator/desk.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_empty_outbox{"nothing waits to be sent", "отправки ничего не ждёт"};
constexpr Phrase k_outbox{"{} waiting to be sent", "ждут отправки: {}"};
constexpr Phrase k_outbox_since{"{} waiting to be sent, the oldest for {}",
                                "ждут отправки: {}, старейшее — {}"};
constexpr Phrase k_last_try{"the last attempt: {}", "последняя попытка: {}"};
constexpr Phrase k_kept{
    "{} of them kept until the mute or the quiet hours are over, or the hour has room",
    "из них отложено: {} — придут, когда кончатся тишина или тихие часы либо освободится лимит часа"};
constexpr Phrase k_held_back{"kept back until {}, because {}: {} incidents, {} messages",
                             "отложено до {} ({}): инцидентов {}, сообщений {}"};
constexpr Phrase k_quiet_hours{"these are the quiet hours", "тихие часы"};
constexpr Phrase k_hour_is_full{"the hour has had its {} messages", "за час уже {} сообщений, это предел"};
constexpr Phrase k_attempts{"{} attempts have failed since {}", "неудачных попыток: {}, с {}"};
constexpr Phrase k_attempts_because{"{} attempts have failed since {}: {}",
                                    "неудачных попыток: {}, с {}: {}"};
constexpr Phrase k_rejected{"{} refused for good: lectio-notify rejected",
                            "отвергнуто окончательно: {} (lectio-notify rejected)"};
constexpr Phrase k_good{"channel {}: good", "канал {}: в порядке"};
constexpr Phrase k_bad{"channel {}: {}", "канал {}: {}"};
constexpr Phrase k_no_channel{"no channel is configured: nobody is told of failures",
                              "каналов нет: о сбоях никто не узнает"};
constexpr Phrase k_not_usable{"cannot be used: {}", "нельзя использовать: {}"};

} // namespace

std::optional<WallTime> Standing::mute_until() const {
    for (const QuietSpan& span : quiet) {
        if (span.quiet == Quiet::mute && span.until) {
            return span.until;
        }
    }
    return std::nullopt;
}

Standing Desk::standing(Delivery& delivery) const {
    Standing standing;
    const Delivery::Backlog backlog = delivery.backlog();
    standing.waiting = backlog.waiting;
    standing.rejected = backlog.rejected;
    standing.kept = backlog.kept;
    if (backlog.since) {
        standing.oldest = std::max(Duration::zero(), m_world.clock.now().wall - *backlog.since);
    }
    for (const ChannelSettings& channel : m_config.channels) {
        ChannelStanding row{channel.name, true, {}};
        if (!channel.unset.empty()) {
            row = {channel.name, false,
                   say(k_not_usable, unset_words(channel.unset, m_config.wrong_variables))};
        }
        standing.channels.push_back(std::move(row));
    }
    for (const ChannelProblem& problem : delivery.problems()) {
        const auto row = std::find_if(standing.channels.begin(), standing.channels.end(),
                                      [&](const ChannelStanding& it) { return it.name == problem.channel; });
        const Text detail = join("; ", {problem.message, problem.hint});
        if (row == standing.channels.end()) {
            standing.channels.push_back({problem.channel, false, detail});
        } else {
            row->ok = false;
            row->detail = join("; ", {row->detail, detail});
        }
    }
    for (const Delivery::Struggle& struggle : delivery.struggles()) {
        const auto row = std::find_if(standing.channels.begin(), standing.channels.end(),
                                      [&](const ChannelStanding& it) { return it.name == struggle.channel; });
        if (row != standing.channels.end()) {
            const std::string since = minute(struggle.since);
            const Text attempts = row->ok
                                      ? say(k_attempts_because, struggle.failures, since, struggle.problem)
                                      : say(k_attempts, struggle.failures, since);
            row->ok = false;
            row->detail = join("; ", {row->detail, attempts});
        }
    }
    standing.pause = delivery.pause();
    standing.pause_until = delivery.pause_until();
    standing.quiet = suppression().spans;
    standing.mute_reason = mute_reason();
    standing.incidents = incidents();
    standing.untold = static_cast<int>(std::count_if(
        standing.incidents.begin(), standing.incidents.end(), [&](const OpenIncident& incident) {
            return standing.pause != Pause::none && !incident.told && incident.level != Status::critical;
        }));
    standing.unreadable = unreadable();
    standing.why_waiting = delivery.why_waiting();
    return standing;
}

Text Desk::words(const Standing& standing) const {
    Text lines = words(standing.incidents, standing.unreadable);
    const auto add = [&](const Text& line) { lines = join("\n", {lines, line}); };
    add(quiet_now());
    if (standing.oldest) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(*standing.oldest).count();
        add(say(k_outbox_since, standing.waiting, spoken(seconds)));
    } else {
        add(standing.waiting > 0 ? say(k_outbox, standing.waiting) : say(k_empty_outbox));
    }
    if (!standing.why_waiting.empty()) {
        add(say(k_last_try, standing.why_waiting));
    }
    if (standing.pause_until && standing.kept + standing.untold > 0) {
        const Text why = standing.pause == Pause::quiet_hours ? say(k_quiet_hours)
                                                              : say(k_hour_is_full, m_config.alerts.per_hour);
        add(say(k_held_back, minute(*standing.pause_until), why, standing.untold, standing.kept));
    } else if (standing.kept > 0) {
        add(say(k_kept, standing.kept));
    }
    if (standing.rejected > 0) {
        add(say(k_rejected, standing.rejected));
    }
    for (const ChannelStanding& channel : standing.channels) {
        add(channel.ok ? say(k_good, channel.name) : say(k_bad, channel.name, channel.detail));
    }
    if (standing.channels.empty()) {
        add(say(k_no_channel));
    }
    return lines;
}

} // namespace lectio
