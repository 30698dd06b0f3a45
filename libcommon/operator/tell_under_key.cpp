#include "operator/tell_under_key.h"

#include "alerts/channels.h"
#include "operator/under_key.h"

#include <utility>

namespace lectio {
namespace {

constexpr Phrase k_not_told{"the operator could not be told: {}", "сообщить оператору не удалось: {}"};

} // namespace

void tell_under_key(ToolSession& session, const std::string& key, Level level, const Text& title,
                    const Text& text, Duration limit) {
    const Config& config = session.config();
    if (session.common().no_notify || config.channels.empty()) {
        return;
    }
    Words words;
    words.level = level;
    words.title = title.in(session.lang());
    words.text = text.in(session.lang());
    words.key = key;
    words.host = session.host();
    words.time = session.now();
    words.pace = Words::Pace::by_the_clock;
    Delivery delivery(session.world(), delivery_settings(config), make_channels(config));
    Keyed keyed = under_key(session.world(), config, delivery, std::move(words), Effect::real);
    if (!keyed.message) {
        return;
    }
    const DeliveryReport report =
        delivery.tell(*keyed.message, session.deadline(limit), [&] { keyed.lock.release(); });
    for (const ChannelProblem& problem : report.problems) {
        session.say_aside(say(k_not_told, join(": ", {verbatim(problem.channel), problem.message})));
    }
}

} // namespace lectio
