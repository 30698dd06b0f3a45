// CommandListener: reads what operators write to the bots, has it carried out, and answers.
//
// A poll asks Telegram to hold the question until somebody writes, so that the answer comes within a second without
// a daemon: cron starts one each minute, and it leaves before the next.
//
// Nothing is obeyed twice: what is taken is remembered on disk before it is carried out, and a poll that dies in
// between leaves a note. Of a command that changes something the next one tells; what only looks it does again, so that
// the answer is late and not lost. An answer that Telegram does not take now is given again, by the next poll if need be.
// What takes long goes on in a thread while others are obeyed. Only operators in a configured chat are obeyed. Everything
// else is counted and logged, and answered by nothing.
#pragma once

#include "alerts/telegram.h"
#include "bot/bot_memory.h"
#include "bot/command.h"
#include "bot/updates.h"
#include "platform/world.h"
#include "store/kept_state.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lectio {

// Who carries a command out. Told who asks, in words for the log: "@anna".
class Operators {
  public:
    virtual ~Operators() = default;
    struct Reply {
        Level level = Level::info;
        Text title, text;
        Text notice; // in a bubble on the phone of who pressed a button; may be empty
    };
    // What takes long and changes nothing. `work` runs in a thread that may be left behind: it owns what it touches, all
    // but the interfaces of the World.
    struct Slow {
        Reply meanwhile; // said at once; without a title only its notice is
        std::function<Reply()> work;
    };
    virtual std::variant<Reply, Slow> carry_out(const OperatorCommand& command, const std::string& who) = 0;
};

// A chat, or a topic of one, in which operators are obeyed: in a chat those of all its topics.
struct ListenedChat {
    TelegramSettings channel;
    std::int64_t chat = 0;
    std::vector<std::int64_t> operators; // ids of users
};

struct ListenerSettings {
    std::vector<ListenedChat> chats; // those with one token are one bot
    KeptState::Places memory;
    Voice voice;
    std::string host;
    // An answer was accepted in the chat of this channel, in so many messages.
    std::function<void(const std::string& channel, int messages)> answered{};
    std::string rest; // where to read what is too long for a message
    // What was written longer ago is not carried out: who asked may have forgotten it, and things have changed.
    Duration stale{300'000};
    // So much longer than to its end listen() goes on for an answer that is under way. What is not done then is for the
    // next poll.
    Duration finishing{8'000};
    // What keeps a bot from hearing is told when it lasts so long: a second poller may be a person who tries something.
    Duration deaf_for_good{600'000};
};

struct ListenReport {
    int obeyed = 0;
    int unknown = 0; // commands of operators that are none
    int ignored = 0; // texts and presses of people or chats that are not obeyed
    struct Line {
        WallTime time;
        std::string text;
    };
    std::vector<Line> log; // for notify.log
    // A bot that cannot be listened to although it can send, because another program reads its updates. To be told:
    // once, when it has lasted, and once when it is over.
    struct Deafness {
        std::string channel;
        bool over = false;
        Text problem, hint; // while it lasts
    };
    std::vector<Deafness> deafness;
    bool unreachable = false; // of no bot an answer came
};

class CommandListener {
  public:
    CommandListener(World& world, ListenerSettings settings, Operators& operators);
    ~CommandListener();

    // Until `end` (clock.steady()) or a wish to stop. Only for the holder of run/notify-poll.lock.
    ListenReport listen(SteadyTime end);

  private:
    struct Bot;
    struct UnderWay;
    struct Unsaid;
    void recall();
    void remember();
    void introduce(Bot& bot, SteadyTime end);
    void take_up_what_was_begun(Bot& bot, SteadyTime end);
    void ask(Bot& bot, SteadyTime end);
    void take(Bot& bot, const HttpAnswer& answer, SteadyTime end);
    void take_failure(Bot& bot, const HttpAnswer& answer);
    void pause(Bot& bot, std::optional<Duration> asked);
    void note_deaf(Bot& bot, Text problem, Text hint);
    void note_hearing(Bot& bot);
    void handle(Bot& bot, const Ask& ask, SteadyTime end);
    void turn_down(Bot& bot, const ListenedChat& chat, const Ask& ask, const BotMemory::Begun& begun,
                   SteadyTime end);
    void put_off(Bot& bot, const ListenedChat& chat, const Ask& ask, const BotMemory::Begun& begun,
                 const OperatorCommand& command, const Text& why, SteadyTime end);
    void obey(Bot& bot, const ListenedChat& chat, const Ask& ask, const OperatorCommand& command,
              const BotMemory::Begun& begun, SteadyTime end);
    void carry_out(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
                   const OperatorCommand& command, const Ask& ask, SteadyTime end);
    void begin(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
               std::function<Operators::Reply()> work);
    void answer_what_is_done(SteadyTime end);
    void answer(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
                const Operators::Reply& reply, SteadyTime end);
    void say_again(SteadyTime end);
    bool has_said(Unsaid& unsaid, SteadyTime end);
    void keep_for_next_poll(Unsaid& unsaid, const Outcome& outcome);
    [[nodiscard]] const ListenedChat* chat_for(const Bot& bot, const Ask& ask) const;
    [[nodiscard]] bool has_to_finish() const { return !m_under_way.empty() || !m_unsaid.empty(); }
    void forget(Bot& bot, const BotMemory::Begun& begun);
    [[nodiscard]] std::optional<Text> too_many(const BotMemory::Begun& begun) const;
    Outcome reply(const ListenedChat& chat, std::int64_t to, const Operators::Reply& reply, bool maybe_again,
                  SteadyTime end);
    void close_press(const ListenedChat& chat, const Ask& ask, const Text& notice, SteadyTime end);
    void ignore(const Bot& bot, const Ask& ask);
    void note(std::string line);
    [[nodiscard]] bool is_stale(const Bot& bot, const Ask& ask) const;
    [[nodiscard]] bool over(SteadyTime end) const;
    [[nodiscard]] Duration time_for_a_call(SteadyTime end) const;

    World& m_world;
    ListenerSettings m_settings;
    Operators& m_operators;
    KeptState m_memory;
    std::vector<Bot> m_bots;
    std::vector<std::unique_ptr<UnderWay>> m_under_way;
    std::vector<Unsaid> m_unsaid; // the first of a chat first
    BotMemories m_forgotten;      // of bots that are not configured now
    ListenReport m_report;
};

} // namespace lectio
