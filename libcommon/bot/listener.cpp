#include "bot/listener.h"

#include "bot/call.h"
#include "incidents/ids.h"
#include "platform/in_thread.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "util/task.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr int k_schema = 1;
// The longest that Telegram holds a question.
constexpr Duration k_longest_hold = 50s;
// On top of the hold, for the way there and back.
constexpr Duration k_way = 5s;
// After a failure: doubling up to the longest.
constexpr Duration k_first_pause = 1s;
constexpr Duration k_longest_pause = 16s;
// Between two polls of every minute a button is as old as this at most; of an older one nobody knows.
constexpr Duration k_listened_just_now = 150s;
constexpr Duration k_nap = 200ms;
constexpr Duration k_introduced_for = 24h;
// "If there are no new updates for at least a week, then identifier of the next update will be chosen randomly instead of
// sequentially." (https://core.telegram.org/bots/api#update)
constexpr Duration k_numbers_hold = 24h * 6;
// Of one question. A message quotes another one, and each may take 25 kB of JSON: far below k_most_bytes together.
constexpr int k_most_updates = 20;
constexpr Bytes k_most_bytes = 8_MB;
// Strangers may write as much as they like; the log is ours.
constexpr int k_most_ignored_lines = 20;
constexpr std::size_t k_longest_quote = 60;
// What answerCallbackQuery takes (https://core.telegram.org/bots/api#answercallbackquery).
constexpr std::size_t k_longest_notice = 200;
// At once, of all chats.
constexpr std::size_t k_most_under_way = 4;
// What only looks is done again by the next poll, but does not end every poll for ever.
constexpr int k_most_tries = 2;

constexpr Phrase k_old_title{"not carried out: too old", "не выполнено: слишком давно"};
constexpr Phrase k_old_text{"This command waited for {}; send it again if it is still wanted.",
                            "Команда ждала {}; повторите её, если она ещё нужна."};
constexpr Phrase k_old_press{"This button may have waited for long: press it again.",
                             "Нажатие могло долго ждать: нажмите ещё раз."};
constexpr Phrase k_interrupted_title{"{} was interrupted", "{}: выполнение прервано"};
constexpr Phrase k_interrupted_text{"The program ended while it carried this out, and it is not known "
                                    "whether it took effect. /status shows how "
                                    "things stand; repeat it if needed. It is not repeated by itself.",
                                    "Программа завершилась во время выполнения; неизвестно, подействовала ли "
                                    "команда. Как обстоят дела, покажет "
                                    "/status; при необходимости повторите. Сама она повторена не будет."};
constexpr Phrase k_busy_title{"/{}: not now", "/{}: не сейчас"};
constexpr Phrase k_under_way{"This is being done already, the answer comes here.",
                             "Это уже выполняется, ответ придёт сюда."};
constexpr Phrase k_too_many{"Too much is being looked at just now; repeat it in a minute.",
                            "Сейчас уже выполняется слишком многое; повторите через минуту."};
constexpr Phrase k_no_thread_title{"not done", "не выполнено"};
constexpr Phrase k_unknown_title{"there is no such command", "нет такой команды"};
constexpr Phrase k_unknown_text{"/help lists what can be asked for.", "Список команд: /help"};
constexpr Phrase k_bad_argument_title{"/{}: this argument is not understood", "/{}: параметр непонятен"};
constexpr Phrase k_commands{"Commands:", "Команды:"};
constexpr Phrase k_conflict{
    "another program reads what is written to this bot, so commands do not arrive here",
    "сообщения этого бота читает другая программа, поэтому команды сюда не доходят"};
constexpr Phrase k_conflict_hint{
    "end the other program, or take a bot of its own for this server (two servers cannot share one)",
    "завершите ту программу или заведите для этого сервера отдельного бота (одного на два сервера не "
    "хватит)"};
constexpr Phrase k_unreadable{"what Telegram sends of this bot's messages cannot be read: {}",
                              "то, что Telegram присылает из сообщений боту, не читается: {}"};
constexpr Phrase k_unreadable_hint{"look at the proxy and at `api` of the channel",
                                   "проверьте прокси и адрес api у канала"};
constexpr Phrase k_webhook{"a webhook takes what is written to this bot, so commands do not arrive here",
                           "сообщения этого бота забирает вебхук, поэтому команды сюда не доходят"};
constexpr Phrase k_webhook_hint{"remove it (method deleteWebhook of the Bot API), or take another bot",
                                "уберите его (метод deleteWebhook в Bot API) или возьмите другого бота"};

std::string hash_of(const TelegramSettings& bot) {
    return fmt::format("{:016x}", stable_hash(fmt::format("{}\n{}", bot.token.reveal(), bot.api)));
}

Json command_list(Lang lang) {
    Json list = Json::array();
    for (const CommandHelp& each : command_help()) {
        list.push_back({{"command", to_string(each.word)}, {"description", each.does.in(lang)}});
    }
    return list;
}

Text help_text() {
    Text text;
    for (const CommandHelp& each : command_help()) {
        const std::string_view blank = each.argument.empty() ? "" : " ";
        for (const auto& [lang, out] : {std::pair{Lang::en, &text.en}, std::pair{Lang::ru, &text.ru}}) {
            *out += fmt::format("{}/{}{}{} — {}", out->empty() ? "" : "\n", to_string(each.word), blank,
                                each.argument, each.does.in(lang));
        }
    }
    return text;
}

std::string words_of(const OperatorCommand& command) {
    return command.argument.empty() ? fmt::format("/{}", to_string(command.word))
                                    : fmt::format("/{} {}", to_string(command.word), command.argument);
}

// What is not understood is not repeated: it may be anything.
std::string words_of(const ReadCommand& read) {
    if (const auto* bad = std::get_if<BadArgument>(&read)) {
        return fmt::format("/{}", to_string(bad->word));
    }
    const auto* command = std::get_if<OperatorCommand>(&read);
    return command == nullptr ? "/…" : words_of(*command);
}

BotMemory::Begun begun_by(const Ask& ask, const ReadCommand& read) {
    const auto* command = std::get_if<OperatorCommand>(&read);
    return {ask.chat,
            ask.message,
            words_of(read),
            command == nullptr ? std::string() : button(command->word, command->argument),
            ask.name.empty() ? std::to_string(ask.who) : ask.name,
            1};
}

bool only_looks(const OperatorCommand& command) {
    using Word = OperatorCommand::Word;
    switch (command.word) {
    case Word::status:
    case Word::check:
    case Word::mutestatus:
    case Word::details:
    case Word::help:
        return true;
    case Word::mute:
    case Word::unmute:
    case Word::ack:
        break;
    }
    return false;
}

// Not by the number alone: after a quiet week it begins again.
bool is_older(const BotMemory& memory, const BotMemory& other) {
    return std::pair(memory.updated, memory.next) < std::pair(other.updated, other.next);
}

Task<Operators::Reply> in_background(Http& http, std::function<Operators::Reply()> work) {
    InThread<Operators::Reply> thread = in_thread<Operators::Reply>(http, std::move(work));
    Result<Operators::Reply> done = co_await thread;
    co_return done
        ? std::move(*done)
        : Operators::Reply{Level::warning, say(k_no_thread_title), error_words(done.error().message), {}};
}

} // namespace

struct CommandListener::Bot {
    std::string hash;
    std::vector<ListenedChat> chats; // not empty
    BotMemory memory;
    bool listened_just_now = false; // when this poll began
    std::unique_ptr<Http::Transfer> asking;
    std::optional<HttpAnswer> answer;
    SteadyTime next_try{};
    Duration pause = k_first_pause;
    bool reached = false;

    [[nodiscard]] const TelegramSettings& settings() const { return chats.front().channel; }
    // Any of the chat's topics: the answer says to what it answers.
    [[nodiscard]] const ListenedChat* chat_of(std::int64_t id) const {
        const auto found = std::find_if(chats.begin(), chats.end(),
                                        [&](const ListenedChat& each) { return each.chat == id; });
        return found == chats.end() ? nullptr : &*found;
    }
    // As it is remembered, whatever became of its answer meanwhile.
    [[nodiscard]] BotMemory::Begun* find(const BotMemory::Begun& begun) {
        const auto found =
            std::find_if(memory.begun.begin(), memory.begun.end(), [&](const BotMemory::Begun& each) {
                return each.chat == begun.chat && each.message == begun.message &&
                       each.command == begun.command && each.words == begun.words;
            });
        return found == memory.begun.end() ? nullptr : &*found;
    }
};

struct CommandListener::UnderWay {
    Bot& bot;
    const ListenedChat& chat;
    BotMemory::Begun begun;
    Task<Operators::Reply> task;
};

// An answer that Telegram has not taken yet.
struct CommandListener::Unsaid {
    Bot* bot;
    const ListenedChat* chat;
    BotMemory::Begun begun;
    Operators::Reply reply;
    bool maybe_said = false;
    SteadyTime next_try{};
    Duration pause = k_first_pause;
};

CommandListener::CommandListener(World& world, ListenerSettings settings, Operators& operators)
    : m_world(world), m_settings(std::move(settings)), m_operators(operators),
      m_memory(world.files, m_settings.memory, k_schema, effective_user()) {
    for (const ListenedChat& chat : m_settings.chats) {
        const std::string hash = hash_of(chat.channel);
        const auto same =
            std::find_if(m_bots.begin(), m_bots.end(), [&](const Bot& bot) { return bot.hash == hash; });
        Bot& bot = same == m_bots.end() ? m_bots.emplace_back() : *same;
        bot.hash = hash;
        bot.chats.push_back(chat);
    }
}

CommandListener::~CommandListener() = default;

ListenReport CommandListener::listen(SteadyTime end) {
    recall();
    for (Bot& bot : m_bots) {
        take_up_what_was_begun(bot, end);
        introduce(bot, end);
    }
    const auto until = [&] { return has_to_finish() ? end + m_settings.finishing : end; };
    while (!over(until())) {
        for (Bot& bot : m_bots) {
            if (!bot.asking && m_world.clock.steady() >= bot.next_try) {
                ask(bot, until());
            }
        }
        m_world.http.poll(std::clamp(std::chrono::duration_cast<Duration>(until() - m_world.clock.steady()),
                                     Duration(1), Duration(k_nap)));
        answer_what_is_done(end);
        say_again(end);
        for (Bot& bot : m_bots) {
            if (bot.answer) {
                bot.asking.reset();
                const HttpAnswer answer = *std::exchange(bot.answer, std::nullopt);
                take(bot, answer, end);
            }
        }
    }
    m_under_way.clear(); // of what is not done, or not said, a note lies on disk
    m_unsaid.clear();
    m_report.unreachable =
        std::none_of(m_bots.begin(), m_bots.end(), [](const Bot& bot) { return bot.reached; });
    remember();
    return std::exchange(m_report, {});
}

// ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

void CommandListener::ask(Bot& bot, SteadyTime end) {
    const Duration left = std::chrono::duration_cast<Duration>(end - m_world.clock.steady());
    const auto hold =
        std::chrono::floor<std::chrono::seconds>(std::clamp<Duration>(left, 0s, k_longest_hold));
    const Json body{{"offset", bot.memory.next},
                    {"limit", k_most_updates},
                    {"timeout", hold.count()},
                    {"allowed_updates", {"message", "callback_query"}}};
    HttpRequest request = telegram::request(bot.settings(), "getUpdates", body.dump(), hold + k_way);
    request.max_body = k_most_bytes;
    bot.asking =
        m_world.http.start(std::move(request), [&bot](HttpAnswer answer) { bot.answer = std::move(answer); });
}

void CommandListener::take(Bot& bot, const HttpAnswer& answer, SteadyTime end) {
    if (!is_good(answer)) {
        return take_failure(bot, answer);
    }
    const Result<std::vector<Update>> updates = read_updates(answer.body);
    if (!updates) {
        pause(bot, std::nullopt);
        return note_deaf(bot, say(k_unreadable, updates.error().message), say(k_unreadable_hint));
    }
    bot.reached = true;
    note_hearing(bot);
    bool repeats = !updates->empty();
    for (const Update& update : *updates) {
        if (update.id < bot.memory.next) {
            continue; // a server that repeats itself is not obeyed twice
        }
        repeats = false;
        bot.memory.updated = m_world.clock.now().wall;
        bot.memory.next = update.id + 1;
        if (update.ask) {
            handle(bot, *update.ask, end);
        }
    }
    if (repeats) {
        pause(bot, std::nullopt); // it does not hold the question, and would be asked a dozen times a second
    } else {
        bot.pause = k_first_pause;
    }
    bot.listened_just_now = true;
    bot.memory.heard = m_world.clock.now().wall;
    if (!updates->empty()) {
        remember();
    }
}

void CommandListener::take_failure(Bot& bot, const HttpAnswer& answer) {
    pause(bot, telegram::judge(answer).wait);
    if (is_conflict(answer)) {
        const bool webhook = contains_ignoring_case(answer.body, "webhook");
        note_deaf(bot, say(webhook ? k_webhook : k_conflict),
                  say(webhook ? k_webhook_hint : k_conflict_hint));
    }
    // What else keeps a bot from hearing keeps its channel from sending, and is told as that.
}

void CommandListener::pause(Bot& bot, std::optional<Duration> asked) {
    bot.next_try = m_world.clock.steady() + asked.value_or(bot.pause);
    bot.pause = std::min<Duration>(bot.pause * 2, k_longest_pause);
}

void CommandListener::note_deaf(Bot& bot, Text problem, Text hint) {
    const WallTime now = m_world.clock.now().wall;
    BotMemory& memory = bot.memory;
    bot.reached = true;
    if (!memory.deaf_since || *memory.deaf_since > now) {
        memory.deaf_since = now;
    }
    if (!memory.deaf_told && now - *memory.deaf_since >= m_settings.deaf_for_good) {
        memory.deaf_told = true;
        m_report.deafness.push_back({bot.settings().name, false, std::move(problem), std::move(hint)});
    }
}

void CommandListener::note_hearing(Bot& bot) {
    bot.memory.deaf_since.reset();
    if (std::exchange(bot.memory.deaf_told, false)) {
        m_report.deafness.push_back({bot.settings().name, true, {}, {}});
    }
}

// ── obeying ──────────────────────────────────────────────────────────────────────────────────────────────────

void CommandListener::handle(Bot& bot, const Ask& ask, SteadyTime end) {
    const ListenedChat* chat = chat_for(bot, ask);
    if (chat == nullptr) {
        return ignore(bot, ask);
    }
    const ReadCommand read =
        ask.press.empty() ? read_command(ask.text, bot.memory.name) : read_button(ask.button);
    if (std::holds_alternative<NotForUs>(read)) {
        return;
    }
    // Taken before anything is done or said: a poll that dies from here on leaves word of what it had begun.
    const BotMemory::Begun begun = begun_by(ask, read);
    bot.memory.begun.push_back(begun);
    remember();
    // Each forgets it when it is answered.
    if (std::holds_alternative<UnknownCommand>(read)) {
        ++m_report.unknown;
        note(fmt::format("unknown command of {} ({}) in channel {}", ask.who, ask.name, chat->channel.name));
        answer(bot, *chat, begun, {Level::info, say(k_unknown_title), say(k_unknown_text), {}}, end);
    } else if (const auto* bad = std::get_if<BadArgument>(&read)) {
        ++m_report.unknown;
        answer(bot, *chat, begun,
               {Level::info, say(k_bad_argument_title, to_string(bad->word)), help_text(), {}}, end);
    } else if (is_stale(bot, ask)) {
        turn_down(bot, *chat, ask, begun, end);
    } else if (const std::optional<Text> why_not = too_many(begun)) {
        put_off(bot, *chat, ask, begun, std::get<OperatorCommand>(read), *why_not, end);
    } else {
        obey(bot, *chat, ask, std::get<OperatorCommand>(read), begun, end);
    }
}

// Two channels in topics of one chat: who is an operator of either is one in the chat. The topic decides where both are.
const ListenedChat* CommandListener::chat_for(const Bot& bot, const Ask& ask) const {
    const ListenedChat* found = nullptr;
    for (const ListenedChat& chat : bot.chats) {
        const bool is_operator =
            std::find(chat.operators.begin(), chat.operators.end(), ask.who) != chat.operators.end();
        const bool fits = chat.chat == ask.chat && is_operator;
        if (fits && (found == nullptr || chat.channel.thread == ask.thread)) {
            found = &chat;
        }
    }
    return found;
}

void CommandListener::turn_down(Bot& bot, const ListenedChat& chat, const Ask& ask,
                                const BotMemory::Begun& begun, SteadyTime end) {
    note(fmt::format("{} of {} ({}): too old, not carried out", begun.words, ask.who, ask.name));
    if (!ask.press.empty()) {
        close_press(chat, ask, say(k_old_press), end);
        return forget(bot, begun);
    }
    const auto waited =
        std::chrono::duration_cast<std::chrono::seconds>(m_world.clock.now().wall - ask.time).count();
    answer(bot, chat, begun, {Level::info, say(k_old_title), say(k_old_text, span_of(waited)), {}}, end);
}

void CommandListener::put_off(Bot& bot, const ListenedChat& chat, const Ask& ask,
                              const BotMemory::Begun& begun, const OperatorCommand& command, const Text& why,
                              SteadyTime end) {
    if (!ask.press.empty()) {
        close_press(chat, ask, why, end);
        return forget(bot, begun);
    }
    answer(bot, chat, begun, {Level::info, say(k_busy_title, to_string(command.word)), why, {}}, end);
}

void CommandListener::obey(Bot& bot, const ListenedChat& chat, const Ask& ask, const OperatorCommand& command,
                           const BotMemory::Begun& begun, SteadyTime end) {
    note(fmt::format("{} of {} ({}) in channel {}", begun.words, ask.who, ask.name, chat.channel.name));
    ++m_report.obeyed;
    carry_out(bot, chat, begun, command, ask, end);
}

void CommandListener::carry_out(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
                                const OperatorCommand& command, const Ask& ask, SteadyTime end) {
    std::variant<Operators::Reply, Operators::Slow> outcome =
        Operators::Reply{Level::info, say(k_commands), help_text(), {}};
    if (command.word != OperatorCommand::Word::help) {
        outcome = m_operators.carry_out(command, begun.by);
    }
    auto* slow = std::get_if<Operators::Slow>(&outcome);
    const Operators::Reply& first = slow != nullptr ? slow->meanwhile : std::get<Operators::Reply>(outcome);
    if (!ask.press.empty()) {
        close_press(chat, ask, first.notice, end);
    }
    if (slow == nullptr) {
        return answer(bot, chat, begun, first, end);
    }
    const bool is_repeated = begun.tries > 1; // they were asked for patience already
    if (!first.title.empty() && !is_repeated) {
        reply(chat, begun.message, first, false, end); // a comfort: what counts comes later
    }
    begin(bot, chat, begun, std::move(slow->work));
}

void CommandListener::begin(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
                            std::function<Operators::Reply()> work) {
    m_under_way.push_back(
        std::make_unique<UnderWay>(UnderWay{bot, chat, begun, in_background(m_world.http, std::move(work))}));
    m_under_way.back()->task.start({});
}

void CommandListener::answer_what_is_done(SteadyTime end) {
    std::vector<std::unique_ptr<UnderWay>> done;
    for (std::unique_ptr<UnderWay>& each : m_under_way) {
        if (each->task.done()) {
            done.push_back(std::move(each));
        }
    }
    std::erase(m_under_way, nullptr);
    for (const std::unique_ptr<UnderWay>& each : done) {
        if (stop_requested()) {
            return; // it was cut off, or cannot be told any more: the next poll does it again
        }
        answer(each->bot, each->chat, each->begun, each->task.value(), end);
    }
}

void CommandListener::forget(Bot& bot, const BotMemory::Begun& begun) {
    if (const BotMemory::Begun* found = bot.find(begun)) {
        bot.memory.begun.erase(bot.memory.begun.begin() + (found - bot.memory.begun.data()));
    }
    remember();
}

// ── answering until it is taken ──────────────────────────────────────────────────────────────────────────────

void CommandListener::answer(Bot& bot, const ListenedChat& chat, const BotMemory::Begun& begun,
                             const Operators::Reply& reply, SteadyTime end) {
    Unsaid unsaid{&bot, &chat, begun, reply, begun.maybe_said};
    const bool has_to_queue = std::any_of(m_unsaid.begin(), m_unsaid.end(), [&](const Unsaid& each) {
        return each.chat->chat ==
               chat.chat; // who asked first is answered first, and a server that is too fast waits
    });
    if (has_to_queue) {
        keep_for_next_poll(unsaid, Outcome{});
        m_unsaid.push_back(std::move(unsaid));
    } else if (!has_said(unsaid, end)) {
        m_unsaid.push_back(std::move(unsaid));
    }
}

// Of each chat the one that waits longest, when its time has come.
void CommandListener::say_again(SteadyTime end) {
    std::vector<std::int64_t> tried;
    for (std::size_t i = 0; i < m_unsaid.size() && !stop_requested();) {
        const std::int64_t chat = m_unsaid[i].chat->chat;
        const bool is_first = std::find(tried.begin(), tried.end(), chat) == tried.end();
        tried.push_back(chat);
        const bool may_try = is_first && m_world.clock.steady() >= m_unsaid[i].next_try;
        if (may_try && has_said(m_unsaid[i], end)) {
            m_unsaid.erase(m_unsaid.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

// true: it is done with, taken or refused for good.
bool CommandListener::has_said(Unsaid& unsaid, SteadyTime end) {
    const Outcome outcome = reply(*unsaid.chat, unsaid.begun.message, unsaid.reply, unsaid.maybe_said, end);
    if (outcome.kind != Outcome::Kind::later && outcome.kind != Outcome::Kind::unknown) {
        forget(*unsaid.bot, unsaid.begun);
        return true;
    }
    unsaid.next_try = m_world.clock.steady() + outcome.wait.value_or(unsaid.pause);
    unsaid.pause = std::min<Duration>(unsaid.pause * 2, k_longest_pause);
    keep_for_next_poll(unsaid, outcome);
    return false;
}

// What only looks the next poll does again, so that the answer is as new as it is late; of the rest it knows the answer.
void CommandListener::keep_for_next_poll(Unsaid& unsaid, const Outcome& outcome) {
    unsaid.maybe_said = unsaid.maybe_said || outcome.kind == Outcome::Kind::unknown;
    if (BotMemory::Begun* begun = unsaid.bot->find(unsaid.begun)) {
        const Lang lang = m_settings.voice.lang;
        begun->title = unsaid.reply.title.in(lang);
        begun->text = unsaid.reply.text.in(lang);
        begun->maybe_said = unsaid.maybe_said;
        remember();
    }
}

// Nothing that is impatient on a phone starts a dozen checks of the host.
std::optional<Text> CommandListener::too_many(const BotMemory::Begun& begun) const {
    const bool same = std::any_of(m_under_way.begin(), m_under_way.end(), [&](const auto& each) {
        return each->begun.command == begun.command && each->begun.chat == begun.chat;
    });
    if (same) {
        return say(k_under_way);
    }
    return m_under_way.size() >= k_most_under_way ? std::optional(say(k_too_many)) : std::nullopt;
}

// A press bears no time. It is new when somebody listened just before it.
bool CommandListener::is_stale(const Bot& bot, const Ask& ask) const {
    return ask.press.empty() ? m_world.clock.now().wall - ask.time > m_settings.stale
                             : !bot.listened_just_now;
}

void CommandListener::take_up_what_was_begun(Bot& bot, SteadyTime end) {
    // What is not yet taken up stays noted: this poll may end at any of them, too.
    const std::vector<BotMemory::Begun> earlier = bot.memory.begun;
    for (const BotMemory::Begun& begun : earlier) {
        const ListenedChat* chat = bot.chat_of(begun.chat);
        if (chat == nullptr) {
            forget(bot, begun);
            continue;
        }
        const bool is_known = !begun.title.empty(); // then no poll has died of it
        const ReadCommand read = read_button(begun.command);
        const auto* command = std::get_if<OperatorCommand>(&read);
        if (command != nullptr && only_looks(*command) && (is_known || begun.tries < k_most_tries)) {
            BotMemory::Begun again = begun;
            again.title = again.text = "";
            again.tries = is_known ? k_most_tries : begun.tries + 1;
            if (BotMemory::Begun* noted = bot.find(begun)) {
                *noted = again;
            }
            remember();
            note(fmt::format("{} of {}: begun by an earlier poll, done again", begun.words, begun.by));
            Ask place;
            place.chat = begun.chat;
            carry_out(bot, *chat, again, *command, place, end);
        } else if (is_known) {
            answer(bot, *chat, begun, {Level::info, verbatim(begun.title), verbatim(begun.text), {}}, end);
        } else {
            answer(bot, *chat, begun,
                   {Level::warning, say(k_interrupted_title, begun.words), say(k_interrupted_text), {}}, end);
        }
    }
}

void CommandListener::ignore(const Bot& bot, const Ask& ask) {
    if (++m_report.ignored > k_most_ignored_lines) {
        return;
    }
    const std::string quote =
        shorten(clean_line(redact(ask.press.empty() ? ask.text : ask.button)), k_longest_quote);
    note(fmt::format("ignored: {} ({}) in chat {} of channel {}'s bot: {}", ask.who, ask.name, ask.chat,
                     bot.settings().name, quote));
}

// ── speaking ─────────────────────────────────────────────────────────────────────────────────────────────────

Outcome CommandListener::reply(const ListenedChat& chat, std::int64_t to, const Operators::Reply& reply,
                               bool maybe_again, SteadyTime end) {
    const Lang lang = m_settings.voice.lang;
    Draft draft;
    draft.message = compose(Words{reply.level, reply.title.in(lang), reply.text.in(lang), "", m_settings.host,
                                  m_world.clock.now().wall},
                            lang);
    draft.answers = to;
    draft.chat = std::to_string(chat.chat);
    draft.maybe_again = maybe_again;
    const Telegram channel(chat.channel, m_settings.voice, m_settings.rest);
    Task<Outcome> sending = channel.send(m_world, draft, time_for_a_call(end));
    sending.start({});
    const SteadyTime until = m_world.clock.steady() + time_for_a_call(end);
    while (!sending.done() && !over(until)) {
        m_world.http.poll(k_nap);
    }
    Outcome outcome;
    outcome.kind = Outcome::Kind::unknown; // cut off: it may have arrived
    if (sending.done()) {
        outcome = sending.value();
    }
    if (outcome.kind != Outcome::Kind::accepted) {
        note(fmt::format("the answer in channel {} did not arrive: {}", chat.channel.name,
                         outcome.problem.in(lang)));
    } else if (m_settings.answered) {
        m_settings.answered(chat.channel.name, outcome.messages);
    }
    return outcome;
}

// Ends the waiting sign on the button; it is only a comfort.
void CommandListener::close_press(const ListenedChat& chat, const Ask& ask, const Text& notice,
                                  SteadyTime end) {
    const std::string words = shorten(clean_line(notice.in(m_settings.voice.lang)), k_longest_notice);
    call(m_world, chat.channel, "answerCallbackQuery",
         Json{{"callback_query_id", ask.press}, {"text", words}}.dump(), time_for_a_call(end));
}

// What a bot is called, and that the phones in its chats offer its commands. Once a day: its owner may rename it.
void CommandListener::introduce(Bot& bot, SteadyTime end) {
    const Json commands = command_list(m_settings.voice.lang);
    std::string all = commands.dump();
    for (const ListenedChat& chat : bot.chats) {
        all += fmt::format("\n{}", chat.chat);
    }
    const std::string hash = fmt::format("{:016x}", stable_hash(all));
    const WallTime now = m_world.clock.now().wall;
    const Duration ago = now - bot.memory.introduced_at;
    if (hash == bot.memory.introduced && ago >= Duration::zero() && ago < k_introduced_for) {
        return;
    }
    const HttpAnswer self = call(m_world, bot.settings(), "getMe", "{}", time_for_a_call(end));
    if (!is_good(self)) {
        return; // who cannot say its name hears nothing either
    }
    bot.memory.name = read_bot_name(self.body);
    for (const ListenedChat& chat : bot.chats) {
        const Json body{{"commands", commands}, {"scope", {{"type", "chat"}, {"chat_id", chat.chat}}}};
        call(m_world, bot.settings(), "setMyCommands", body.dump(),
             time_for_a_call(end)); // a comfort: without it commands work, too
    }
    bot.memory.introduced = hash;
    bot.memory.introduced_at = now;
}

// ── remembering ──────────────────────────────────────────────────────────────────────────────────────────────

void CommandListener::recall() {
    const WallTime now = m_world.clock.now().wall;
    BotMemories newest;
    for (const KeptState::Found& found : m_memory.load(now, StateFile::Access::owner)) {
        BotMemories memories = bot_memories_from_json(found.state.text);
        for (auto& [hash, memory] : memories) {
            if (const auto known = newest.find(hash);
                known == newest.end() || is_older(known->second, memory)) {
                newest[hash] = std::move(memory);
            }
        }
    }
    for (Bot& bot : m_bots) {
        if (const auto found = newest.find(bot.hash); found != newest.end()) {
            bot.memory = std::move(found->second);
            newest.erase(found);
        }
        if (now - bot.memory.updated > k_numbers_hold) {
            bot.memory.next = 0; // the next update may have any number
        }
        const Duration ago = now - bot.memory.heard;
        bot.listened_just_now = ago >= Duration::zero() && ago <= k_listened_just_now;
    }
    m_forgotten = std::move(newest);
}

void CommandListener::remember() {
    BotMemories memories = m_forgotten;
    for (const Bot& bot : m_bots) {
        memories[bot.hash] = bot.memory;
    }
    const KeptState::SaveResult saved = m_memory.save(to_json(memories));
    if (saved.where == KeptState::Saved::nowhere) {
        note(fmt::format("which updates were taken cannot be remembered: {}",
                         saved.problem ? saved.problem->message : ""));
    }
}

void CommandListener::note(std::string line) {
    m_report.log.push_back({m_world.clock.now().wall, clean_line(redact(line))});
}

// A poll that is about to end still says what it did.
Duration CommandListener::time_for_a_call(SteadyTime end) const {
    const Duration left = std::chrono::duration_cast<Duration>(end - m_world.clock.steady());
    return std::clamp<Duration>(left, k_way, k_call);
}

bool CommandListener::over(SteadyTime end) const {
    return stop_requested() || m_world.clock.steady() >= end;
}

} // namespace lectio
