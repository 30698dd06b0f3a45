#include "outcome_words.h"

namespace lectio::notify {
namespace {

constexpr Phrase k_counts{"sent {}, waiting {}, rejected {}", "отправлено {}, ждут {}, отвергнуто {}"};
constexpr Phrase k_kept{
    "kept until the mute or the quiet hours are over, or the hour has room: {}",
    "отложено, пока не кончатся тишина или тихие часы либо не освободится лимит часа: {}"};
constexpr Phrase k_of_channel{"{}: {}", "{}: {}"};

constexpr Phrase k_until_morning{"it waits for the end of the quiet hours ({}); --now sends it at once",
                                 "ждёт конца тихих часов ({}); сразу отправит --now"};
constexpr Phrase k_until_room{
    "it waits for room: in the last hour there were {} messages already; --now sends it at once",
    "ждёт очереди: за последний час сообщений уже {}; сразу отправит --now"};

constexpr Phrase k_until_unmuted{"{}; it waits until that is over, --now sends it at once",
                                 "{}; подождёт, пока это не кончится, сразу отправит --now"};

} // namespace

Text why_muted(const Suppression& suppression, const Config& config) {
    Text quiet;
    for (const QuietSpan& span : suppression.spans) {
        if (span.quiet == Quiet::mute || span.quiet == Quiet::maintenance) {
            quiet = join("; ", {quiet, quiet_words(span, config.timezone)});
        }
    }
    return say(k_until_unmuted, quiet);
}

Text why_kept(Pause pause, const Config& config) {
    switch (pause) {
    case Pause::quiet_hours:
        return say(k_until_morning, config.alerts.quiet);
    case Pause::hour_is_full:
        return say(k_until_room, config.alerts.per_hour);
    case Pause::none:
        break;
    }
    return {};
}

Text delivery_counts(const DeliveryReport& report) {
    return say(k_counts, report.sent, report.waiting, report.rejected);
}

Text why_not_yet(const DeliveryReport& report) {
    if (report.problems.empty() && report.why_waiting.empty() && report.kept > 0) {
        return say(k_kept, report.kept);
    }
    if (report.problems.empty()) {
        return report.why_waiting; // names its channel
    }
    const ChannelProblem& first = report.problems.front();
    return say(k_of_channel, first.channel, first.message);
}

} // namespace lectio::notify
