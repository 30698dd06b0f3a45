// poll: delivers what waits, then listens to the operators until the minute is nearly over. The cron line of this tool.
#include "alerts/channels.h"
#include "bot/listener.h"
#include "commands.h"
#include "from_chat.h"
#include "outcome_words.h"
#include "platform/privileges.h"
#include "platform/processes.h"
#include "report/log.h"
#include "session.h"
#include "util/number.h"
#include "words/error_words.h"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

// From start to end, so that the next minute's finds the lock free.
constexpr Duration k_listening = 50s;
// At most so much of it goes to what waits before anybody is listened to.
constexpr Duration k_delivering = 10s;
// Longer than that it goes on for an answer that is under way (ListenerSettings::finishing), for telling, and for a disk
// that hangs: it keeps no lock for ever.
constexpr Duration k_grace = 40s;

constexpr Phrase k_would_poll{
    "would deliver what waits ({}) and listen for {} to the operators of these channels: {}",
    "были бы доставлены ожидающие ({}), затем {} приём команд из каналов: {}"};
constexpr Phrase k_obeyed{"commands carried out: {}; not understood: {}; left without an answer: {}",
                          "выполнено команд: {}; непонятных: {}; оставлено без ответа: {}"};
constexpr Phrase k_unreachable{"Telegram could not be reached, commands did not arrive",
                               "Telegram недоступен, команды не доходят"};
constexpr Phrase k_deaf{"commands in Telegram do not work (channel {})",
                        "команды в Telegram не работают (канал {})"};
constexpr Phrase k_hears{"commands in Telegram work again (channel {})",
                         "команды в Telegram снова работают (канал {})"};

// Only a chat with a number can be listened to: @name is a public channel, in which everybody is anonymous.
std::vector<ListenedChat> listened_chats(Session& session) {
    std::vector<ListenedChat> chats;
    for (const ChannelSettings& channel : session.config().channels) {
        const auto* telegram = channel.as<TelegramChannel>();
        if (telegram == nullptr || telegram->operators.empty() || !channel.unset.empty()) {
            continue;
        }
        const std::string moved = session.delivery().moved_chat_of(channel.name);
        const std::string& chat_now = moved.empty() ? telegram->chat.text : moved;
        if (const auto chat = number_from<std::int64_t>(chat_now)) {
            chats.push_back({telegram_settings(channel.name, *telegram), *chat, telegram->operators});
        }
    }
    return chats;
}

class Poll final : public Command {
  public:
    Duration longest(const Session&) const override { return k_listening + k_grace; }

    int execute(Session& session) override {
        if (const Result<void> bound = forbid_new_privileges(); !bound) {
            return session.leave(ExitCode::internal, error_words(bound.error().message));
        }
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        if (session.common().dry_run) {
            return session.say_outcome(say(k_would_poll, session.delivery().count_waiting(),
                                           spoken(k_listening / 1s), names_of(listened_chats(session))),
                                       k_good, DeliveryReport{});
        }
        const Result<Lock> lock = session.world().files.lock(session.config().paths.run / "notify-poll.lock",
                                                             "lectio-notify poll", session.now());
        if (!lock && lock.error().kind == ErrorKind::busy) {
            return session.leave(ExitCode::locked, error_words(lock.error().message));
        }
        return deliver_and_listen(session);
    }

  private:
    static int deliver_and_listen(Session& session) {
        const SteadyTime end = session.deadline(k_listening);
        DeliveryReport told = session.delivery().flush(session.deadline(k_delivering), Patience::obey);
        session.log(told);
        ListenReport heard;
        // Now: that a group has moved is known by what could not be delivered there.
        if (std::vector<ListenedChat> chats = listened_chats(session); !chats.empty()) {
            heard = listen(session, std::move(chats), end);
            tell_of_deafness(session, heard);
            told = session.delivery().flush(session.deadline(k_delivering), Patience::obey);
            session.log(told);
        }
        const int status = told.rejected > 0                       ? k_bad
                           : told.waiting > 0 || heard.unreachable ? k_waiting
                                                                   : k_good;
        const Text words = join("\n", {delivery_counts(told), why_not_yet(told),
                                       say(k_obeyed, heard.obeyed, heard.unknown, heard.ignored),
                                       heard.unreachable ? say(k_unreachable) : Text()});
        return session.say_outcome(
            words, status,
            {{"commands", {{"obeyed", heard.obeyed}, {"unknown", heard.unknown}, {"ignored", heard.ignored}}},
             {"alerts", {{"waiting", told.waiting}, {"rejected", told.rejected}}}});
    }

    static ListenReport listen(Session& session, std::vector<ListenedChat> chats, SteadyTime end) {
        const Config& config = session.config();
        ListenerSettings settings;
        settings.chats = std::move(chats);
        settings.memory = {config.paths.state / "notify", config.paths.run / "notify-poll-memory",
                           "/dev/shm"};
        settings.voice = {config.lang, config.timezone};
        settings.host = session.host();
        settings.rest = (config.paths.logs / "notify.log").string();
        settings.answered = [&session](const std::string& channel, int messages) {
            session.delivery().count_answer(channel, messages);
        };
        FromChat operators(session);
        CommandListener listener(session.world(), std::move(settings), operators);
        ListenReport report = listener.listen(end);
        end_running_programs(); // the next poll asks again for what they would have answered
        log(session, report);
        return report;
    }

    // Through the channels that still send: by the bot that does not hear, as a rule.
    static void tell_of_deafness(Session& session, const ListenReport& heard) {
        const Lang lang = session.config().lang;
        for (const ListenReport::Deafness& each : heard.deafness) {
            const Text title = say(each.over ? k_hears : k_deaf, each.channel);
            const Text text = join("\n", {each.problem, each.hint});
            const Level level = each.over ? Level::resolved : Level::warning;
            session.log(session.delivery().tell(
                compose(Words{level, title.in(lang), text.in(lang), "", session.host(), session.now(),
                              Words::Pace::by_the_clock},
                        lang),
                session.deadline(k_delivering)));
        }
    }

    static void log(Session& session, const ListenReport& report) {
        Log log = session.open_log("notify.log");
        for (const ListenReport::Line& line : report.log) {
            log.add(line.time, LogLevel::info, line.text);
        }
        if (const Result<void> written = log.flush(); !written) {
            session.say_aside(error_words(written.error().message));
        }
    }

    static std::string names_of(const std::vector<ListenedChat>& chats) {
        std::string names;
        for (const ListenedChat& chat : chats) {
            names += (names.empty() ? "" : ", ") + chat.channel.name;
        }
        return names.empty() ? "-" : names;
    }
};

} // namespace

std::unique_ptr<Command> make_poll() {
    return std::make_unique<Poll>();
}

} // namespace lectio::notify
