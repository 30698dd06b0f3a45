// send: any script's way to tell the operator.
#include "commands.h"
#include "operator/under_key.h"
#include "outcome_words.h"
#include "session.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_budget = 2s; // CONTRACT 21
// On top of it, for a disk that hangs.
constexpr Duration k_grace = 5s;
// More than this is no message; reading all of an endless pipe would be worse.
constexpr std::size_t k_longest_text = std::size_t{64} << 10U;

const std::string k_not_given(1, '\0'); // no argument can hold it

constexpr Phrase k_nothing_to_send{"there is nothing to send: give a text, or put it on standard input",
                                   "отправлять нечего: укажите текст или подайте его на стандартный ввод"};
constexpr Phrase k_sent{"delivered", "доставлено"};
constexpr Phrase k_unstored{"it could not be stored ({}), so it was sent at once; delivered through: {}",
                            "сохранить не удалось ({}), отправлено сразу; доставлено через: {}"};
constexpr Phrase k_missed{"channel {} was not told and will not be: {}",
                          "канал {} не получил и не получит: {}"};
constexpr Phrase k_kept{"stored; {}", "сохранено; {}"};
constexpr Phrase k_stored{"stored, will be delivered as soon as possible",
                          "сохранено, будет доставлено при первой возможности"};
constexpr Phrase k_held_up{"stored; channel {} {}; it will be delivered when that is mended",
                           "сохранено; канал {} {}; будет доставлено, когда это исправят"};
constexpr Phrase k_put_aside{"refused for good; it is kept, with the reason, in {}",
                             "отвергнуто окончательно; сохранено вместе с причиной в {}"};
constexpr Phrase k_known{"told already: the same key within its window",
                         "об этом уже сказано: тот же ключ в пределах окна"};
constexpr Phrase k_lost{"neither stored nor delivered: {}", "не сохранено и не доставлено: {}"};
constexpr Phrase k_no_usable_channel{"no channel can be used; lectio-notify test says why",
                                     "ни один канал не работает; почему, скажет lectio-notify test"};

std::string read_standard_input() {
    std::string text(k_longest_text, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    return text;
}

// Who was told of what could not be stored, and who was not and never will be: nothing of it is left to try again.
Text who_was_told(const DeliveryReport& report) {
    Text lines =
        say(k_unstored, report.storage_problem, fmt::format("{}", fmt::join(report.reached_unstored, ", ")));
    for (const std::string& channel : report.missed_unstored) {
        const auto problem = std::find_if(report.problems.begin(), report.problems.end(),
                                          [&](const ChannelProblem& it) { return it.channel == channel; });
        lines = join("\n", {lines, say(k_missed, channel,
                                       problem == report.problems.end() ? Text{} : problem->message)});
    }
    return lines;
}

// The channels that refuse what was stored for them now, one a line, and what to do about it.
Text what_is_held_up(const DeliveryReport& report) {
    Text lines;
    for (const ChannelProblem& problem : report.problems) {
        const auto& stored_for = report.queued_for;
        if (problem.needs_person &&
            std::find(stored_for.begin(), stored_for.end(), problem.channel) != stored_for.end()) {
            lines = join("\n", {lines, say(k_held_up, problem.channel, problem.message), problem.hint});
        }
    }
    return lines;
}

// `kept`: why it may wait, if it does.
Text what_became_of_it(const DeliveryReport& report, const Text& kept, const Config& config) {
    Text held_up = what_is_held_up(report);
    if (!kept.empty() && report.queued > 0 && report.kept > 0) {
        return join("\n", {say(k_kept, kept), held_up});
    }
    if (!report.stored) {
        return join("\n", {who_was_told(report), held_up});
    }
    if (report.sent > 0) {
        return join("\n", {say(k_sent), held_up});
    }
    if (report.rejected > 0) {
        return say(k_put_aside, (config.paths.state / "outbox" / "rejected").string());
    }
    if (!held_up.empty()) {
        return held_up;
    }
    return report.queued == 0 ? say(k_known) : join(": ", {say(k_stored), why_not_yet(report)});
}

class Send final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {
            {"--level",
             "LEVEL",
             "critical, warning, info (default) or resolved",
             &m_level,
             {"critical", "warning", "info", "resolved"}},
            {"--key", "KEY", "Told once in alerts.key_window, the rest is counted; --level resolved ends it",
             &m_key},
            {"--now", "", "Not kept back by a mute, nor (a warning, information) by the quiet hours", &m_now},
            {"--title", "TITLE", "Default: the first line of the text", &m_title},
            {"text", "TEXT",
             "What to tell; - or nothing: standard input (with --level resolved --key not needed)", &m_text},
        };
    }

    Text complaint() override {
        m_key = clean_line(m_key);
        const bool ends_a_key = m_level == "resolved" && !m_key.empty();
        if (m_text == "-" || (m_text == k_not_given && !ends_a_key)) {
            m_text = read_standard_input();
        } else if (m_text == k_not_given) {
            m_text.clear();
        }
        const bool empty = trim(m_text).empty() && trim(m_title).empty();
        return empty && !ends_a_key ? say(k_nothing_to_send) : Text{};
    }

    Duration longest(const Session&) const override { return k_budget + k_grace; }

    int execute(Session& session) override {
        return m_key.empty() ? tell_words(session) : tell_under_key(session);
    }

  private:
    // A mute hides whatever its level is, as of an incident. But nobody knows whether words are still true when it is
    // over, so they are told then.
    int tell_words(Session& session) {
        Message message = compose(words(session), session.lang());
        message.muted = !m_now && session.delivery().is_muted();
        return tell(session, message);
    }

    int tell_under_key(Session& session) {
        const Effect effect = session.common().dry_run ? Effect::none : Effect::real;
        Keyed keyed =
            under_key(session.world(), session.config(), session.delivery(), words(session), effect);
        if (keyed.unleft) {
            session.say_aside(error_words(keyed.unleft->message));
        }
        return keyed.message ? tell(session, *keyed.message, std::move(keyed.lock))
                             : session.say_outcome(keyed.instead, k_good, DeliveryReport{});
    }

    [[nodiscard]] Words words(Session& session) const {
        const Words::Pace pace = m_now ? Words::Pace::at_once : Words::Pace::by_the_clock;
        return {parse_level(m_level).value_or(Level::info),
                m_title,
                m_text,
                m_key,
                session.host(),
                session.now(),
                pace};
    }

    // Stores first; that alone is enough to have said it (CONTRACT 21).
    // `lock` is held until then: who comes after it finds this stored, and does not wait for a server that hangs.
    int tell(Session& session, const Message& message, Lock lock = {}) {
        if (session.common().dry_run) {
            return session.say_outcome(say(k_would_send, plain_text(message)), k_good, DeliveryReport{});
        }
        if (!session.delivery().has_channels()) {
            return lost(session, say(session.config().channels.empty() ? k_no_channel : k_no_usable_channel),
                        {});
        }
        const Text kept = why_kept_back(session, message);
        const DeliveryReport report =
            session.delivery().tell(message, session.deadline(k_budget), [&] { lock.release(); });
        session.log(report);
        const bool durable_or_delivered = report.stored || report.sent_unstored > 0;
        if (!durable_or_delivered) {
            return lost(session, report.storage_problem, report);
        }
        return session.say_outcome(what_became_of_it(report, kept, session.config()), k_good, report);
    }

    static Text why_kept_back(Session& session, const Message& message) {
        if (message.muted) {
            return why_muted(session.desk().suppression(), session.config());
        }
        return why_kept(message.may_wait ? session.delivery().pause() : Pause::none, session.config());
    }

    static int lost(Session& session, const Text& reason, const DeliveryReport& report) {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        return session.say_outcome(say(k_lost, reason), k_bad, report);
    }

    std::string m_level = "info";
    std::string m_key, m_title;
    bool m_now = false;
    std::string m_text = k_not_given;
};

} // namespace

std::unique_ptr<Command> make_send() {
    return std::make_unique<Send>();
}

} // namespace lectio::notify
