// setup: from a token to a test message. Asks for what it is not given, and writes the channel down.
#include "alerts/channels.h"
#include "bot/find_chat.h"
#include "commands.h"
#include "config/edit.h"
#include "config/parse.h"
#include "platform/environment.h"
#include "platform/hidden_input.h"
#include "platform/stop.h"
#include "session.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_wait_for_code = 5min;
constexpr Duration k_wait_for_poll = 75s; // a poll of cron's listens for 50 s
constexpr Duration k_call = 15s;
constexpr Duration k_typing = 10min;
constexpr Bytes k_largest_secret = 4_kB;
constexpr mode_t k_config_mode = 0644;
constexpr mode_t k_folder_mode = 0755;

constexpr Phrase k_ask_token{"token of the bot, from @BotFather (it is not shown): ",
                             "токен бота от @BotFather (не показывается): "};
constexpr Phrase k_no_token{
    "no token: give it with --token-file FILE (- reads standard input), or run this in a terminal",
    "нет токена: укажите --token-file ФАЙЛ (- читает стандартный ввод) или запустите в терминале"};
constexpr Phrase k_empty_file{"{} is empty: it should hold the bot's token",
                              "файл {} пуст: в нём должен быть токен бота"};
constexpr Phrase k_empty_input{"no token came on standard input", "на стандартный ввод токен не поступил"};
constexpr Phrase k_gone{
    "{0} is not there any more; its last good copy is in use ({1}). Put it back first: cp {1} {0}",
    "файла {0} больше нет, используется его последняя верная копия ({1}). Сначала верните его: cp {1} {0}"};
constexpr Phrase k_meet_failed{"nothing is written: {}", "ничего не записано: {}"};
constexpr Phrase k_met{"the bot is @{}", "это бот @{}"};
constexpr Phrase k_waiting_for_poll{
    "lectio-notify poll is listening; waiting until it leaves (up to a minute)",
    "работает lectio-notify poll; ждём, пока он закончит (до минуты)"};
constexpr Phrase k_still_polled{"lectio-notify poll did not leave: {}", "lectio-notify poll не закончил: {}"};
constexpr Phrase k_send_code{
    "now send {0} to @{1} (https://t.me/{1}); in a group add the bot first, then write there: /start {0}\n"
    "waiting for {2}; Ctrl-C ends it",
    "теперь отправьте {0} боту @{1} (https://t.me/{1}); в группу сначала добавьте бота, затем напишите там: "
    "/start {0}\n"
    "ждём {2}; Ctrl-C — прервать"};
constexpr Phrase k_nobody_wrote{"nobody has sent the code", "никто не прислал код"};
constexpr Phrase k_heard_nothing{"the bot could not be heard: {}", "бота не удалось услышать: {}"};
constexpr Phrase k_found_private{"found: the private chat with {}", "найден: личный чат с {}"};
constexpr Phrase k_found_group{"found: the group {}, written by {}", "найдена: группа {}, написал(а) {}"};
constexpr Phrase k_bad_chat{"--chat: not an id (a number, of a group with a minus): {}",
                            "--chat: это не id (число, у группы с минусом): {}"};
constexpr Phrase k_bad_name{"--channel: a name is made of a-z, 0-9, - and _: {}",
                            "--channel: имя состоит из a-z, 0-9, - и _: {}"};
constexpr Phrase k_of_another{"{} belongs to another user; add this yourself:\n{}",
                              "{} принадлежит другому пользователю; добавьте сами:\n{}"};
constexpr Phrase k_by_hand{"{} could not be changed safely; add this yourself:\n{}",
                           "{} не удалось изменить безопасно; добавьте сами:\n{}"};
constexpr Phrase k_channel_there{
    "channel {} is in {} already, with values of its own; this should stand in it:\n{}",
    "канал {} уже есть в {}, со своими значениями; в нём должно стоять:\n{}"};
constexpr Phrase k_stays{"channel {} stays as it stands in {}; what would be written today:\n{}",
                         "канал {} остаётся таким, как он записан в {}; сейчас было бы записано так:\n{}"};
constexpr Phrase k_broken{"{} has mistakes; lectio-health --check-config names them",
                          "в {} есть ошибки; их назовёт lectio-health --check-config"};
constexpr Phrase k_would_write{"would write into {}:\n{}and the token into {}",
                               "было бы записано в {}:\n{}а токен — в {}"};
constexpr Phrase k_written{"written: {}", "записано: {}"};
constexpr Phrase k_test_title{"this server is connected", "сервер подключён"};
constexpr Phrase k_test_text{"Alerts of this server come here from now on.",
                             "Тревоги этого сервера теперь приходят сюда."};
constexpr Phrase k_arrived{"the test message has arrived: channel {} works",
                           "проверочное сообщение дошло: канал {} работает"};
constexpr Phrase k_not_arrived{"the test message did not arrive: {}", "проверочное сообщение не дошло: {}"};

// Where the channel is written down.
struct Place {
    Path config, env;
    std::string token_variable, chat_variable;
};

class Setup final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {{"--channel", "NAME", "Its name in the configuration (default: errors)", &m_channel},
                {"--token-file", "FILE", "Holds the bot's token; - is standard input", &m_token_file},
                {"--chat", "ID", "Of the chat, if it is known; else it is found by a code", &m_chat},
                {"--api", "URL", "Of a Bot API server of your own", &m_api}};
    }

    Text complaint() override {
        if (!is_name(m_channel)) {
            return say(k_bad_name, m_channel);
        }
        return m_chat.empty() || number_from<std::int64_t>(m_chat) ? Text() : say(k_bad_chat, m_chat);
    }

    Duration longest(const Session&) const override {
        return k_typing + k_wait_for_poll + k_wait_for_code + k_call * 4;
    }

    int execute(Session& session) override {
        if (const Path& copy = session.loaded().copy_of_gone; !copy.empty()) {
            return refuse(session, say(k_gone, session.loaded().file, copy.string()));
        }
        if (const Result<Secret> token = read_token(session)) {
            m_token = *token;
        } else {
            return session.say_outcome(error_words(token.error().message), k_bad, DeliveryReport{});
        }
        const TelegramSettings bot = settings();
        const Meeting meeting = meet(session.world(), bot, session.deadline(k_call));
        if (meeting.bot.empty()) {
            return refuse(session, join("; ", {say(k_meet_failed, meeting.problem), meeting.hint}));
        }
        session.say_aside(say(k_met, meeting.bot));
        if (m_chat.empty()) {
            if (const std::optional<Text> why_not = find_chat(session, bot, meeting.bot)) {
                return refuse(session, *why_not);
            }
        }
        return write_down(session);
    }

  private:
    static int refuse(Session& session, const Text& why) {
        return session.say_outcome(why, k_bad, DeliveryReport{});
    }

    [[nodiscard]] TelegramSettings settings() const {
        TelegramSettings bot;
        bot.name = m_channel;
        bot.token = m_token;
        bot.chat = m_chat;
        bot.thread = m_thread;
        bot.api = m_api;
        return bot;
    }

    // ── what is asked ──

    Result<Secret> read_token(Session& session) const {
        const Lang lang = session.config().lang;
        std::string text;
        if (m_token_file.empty()) {
            const Result<std::string> typed = read_hidden(say(k_ask_token).in(lang));
            if (!typed) {
                return Error{ErrorKind::invalid, say(k_no_token).in(lang)};
            }
            text = *typed;
        } else {
            Result<std::string> content =
                m_token_file == "-" ? read_line_of_input() : read_token_file(session.world().files);
            LECTIO_TRY(content);
            text = *std::move(content);
        }
        const std::string_view token = trim(text);
        return token.empty() ? Result<Secret>(Error{ErrorKind::invalid, why_no_token().in(lang)})
                             : Result<Secret>(Secret(std::string(token)));
    }

    // A FIFO, too: --token-file <(pass show bot). A person waits for it and can end it.
    [[nodiscard]] Result<std::string> read_token_file(Files& files) const {
        const Result<FileInfo> info = files.info(m_token_file, Files::Follow::yes);
        const bool is_stream = info && info->type == FileInfo::Type::other;
        return is_stream ? read_line_of_stream(m_token_file) : files.read(m_token_file, k_largest_secret);
    }

    [[nodiscard]] Text why_no_token() const {
        return m_token_file.empty()  ? say(k_no_token)
               : m_token_file == "-" ? say(k_empty_input)
                                     : say(k_empty_file, m_token_file);
    }

    std::optional<Text> find_chat(Session& session, const TelegramSettings& bot, const std::string& name) {
        const Result<Lock> lock = wait_for_lock(session);
        if (!lock) {
            return say(k_still_polled, error_words(lock.error().message));
        }
        const std::string code = new_code();
        session.say_aside(say(k_send_code, code, name, span_of(k_wait_for_code / 1s)));
        const FoundChat found = wait_for(session.world(), bot, code, session.deadline(k_wait_for_code));
        if (!found.ask) {
            return found.problem.empty() ? say(k_nobody_wrote)
                                         : join("; ", {say(k_heard_nothing, found.problem), found.hint});
        }
        m_chat = std::to_string(found.ask->chat);
        m_thread = found.ask->thread;
        m_operator = found.ask->who;
        session.say_aside(found.ask->place.empty() ? say(k_found_private, found.ask->name)
                                                   : say(k_found_group, found.ask->place, found.ask->name));
        return std::nullopt;
    }

    static Result<Lock> wait_for_lock(Session& session) {
        Files& files = session.world().files;
        const Path folder = session.config().paths.run;
        LECTIO_TRY(files.make_folders(folder, k_folder_mode));
        const SteadyTime end = session.deadline(k_wait_for_poll);
        for (bool said = false;; said = true) {
            Result<Lock> lock = files.lock(folder / "notify-poll.lock", "lectio-notify setup", session.now());
            const bool again = !lock && lock.error().kind == ErrorKind::busy && !stop_requested() &&
                               session.world().clock.steady() < end;
            if (!again) {
                return lock;
            }
            if (!said) {
                session.say_aside(say(k_waiting_for_poll));
            }
            sleep_unless_stopped(session.world().clock, session.deadline(500ms));
        }
    }

    // ── writing it down ──

    int write_down(Session& session) {
        const Place place = place_for(session);
        const std::string table = table_for(place);
        if (session.common().dry_run) {
            return session.say_outcome(say(k_would_write, place.config.string(), table, place.env.string()),
                                       k_good, DeliveryReport{});
        }
        // Before anything is written: a chat that takes nothing is none to keep.
        const Outcome outcome = send_test(session);
        if (outcome.kind != Outcome::Kind::accepted) {
            const Text why = say(k_not_arrived, join("; ", {outcome.problem, outcome.hint}));
            return refuse(session, say(k_meet_failed, why));
        }
        if (has_own_values(session, place)) { // what would be written would change nothing
            return refuse(session, say(k_channel_there, m_channel, session.loaded().file, table));
        }
        if (const Result<void> written = write_secrets(session, place); !written) {
            return refuse(session, say(k_by_hand, place.env.string(), error_words(written.error().message)));
        }
        if (const std::optional<Text> problem = write_channel(session, place, table)) {
            return refuse(session, *problem);
        }
        return look_again(session);
    }

    [[nodiscard]] Place place_for(const Session& session) const {
        Place place;
        const Config& config = session.config();
        const bool from_file = config.source == Config::Source::file;
        place.config = from_file ? Path(session.loaded().file) : Path("/etc/lectio-monitor/config.toml");
        place.env = from_file || config.source == Config::Source::config_env
                        ? config.paths.env_file
                        : Path("/etc/lectio-monitor/config.env");
        std::string stem;
        for (const char c : m_channel) {
            stem += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        place.token_variable = stem + "_BOT_TOKEN";
        place.chat_variable = stem + "_CHAT_ID";
        return place;
    }

    [[nodiscard]] std::string table_for(const Place& place) const {
        std::string table =
            fmt::format("[channel.{}]\ntype  = \"telegram\"\ntoken = \"${{{}}}\"\nchat  = \"${{{}}}\"\n",
                        m_channel, place.token_variable, place.chat_variable);
        if (m_thread) {
            table += fmt::format("thread = {}\n", *m_thread);
        }
        if (m_api != TelegramSettings().api) {
            table += fmt::format("api   = \"{}\"\n", m_api);
        }
        if (m_operator) {
            table += fmt::format("operators = [{}]\n", *m_operator);
        }
        return table;
    }

    // The channel stands there with a token or chat that is neither meant nor read from our variables.
    [[nodiscard]] bool has_own_values(Session& session, const Place& place) const {
        const auto& channels = session.config().channels;
        const auto known = std::find_if(channels.begin(), channels.end(),
                                        [&](const ChannelSettings& each) { return each.name == m_channel; });
        if (known == channels.end()) {
            return false;
        }
        const auto* telegram = known->as<TelegramChannel>();
        const Result<std::string> text = session.world().files.read(place.config, k_config_size);
        Problems problems;
        const std::optional<Node> all = text ? parse_toml(*text, problems) : std::nullopt;
        const Node* of_channels = all ? all->find("channel") : nullptr;
        const Node* written = of_channels != nullptr ? of_channels->find(m_channel) : nullptr;
        if (telegram == nullptr || written == nullptr) {
            return telegram == nullptr; // of another type; or of config.env, which is read by these names
        }
        const auto is_read_from = [&](const char* key, const std::string& variable) {
            const Node* value = written->find(key);
            const auto* words = value != nullptr ? value->get<std::string>() : nullptr;
            return words != nullptr && *words == fmt::format("${{{}}}", variable);
        };
        const bool token = telegram->token == m_token || is_read_from("token", place.token_variable);
        const bool chat = telegram->chat.text == m_chat || is_read_from("chat", place.chat_variable);
        return !token || !chat;
    }

    Result<void> write_secrets(Session& session, const Place& place) const {
        Result<void> written =
            set_variables(session.world().files, place.env,
                          {{place.token_variable, m_token.reveal()}, {place.chat_variable, m_chat}});
        if (!written && written.error().kind == ErrorKind::invalid) {
            return Error{ErrorKind::invalid,
                         fmt::format("{}=… {}={}", place.token_variable, place.chat_variable, m_chat)};
        }
        return written;
    }

    // What stands in the way; nothing: it is written.
    std::optional<Text> write_channel(Session& session, const Place& place, const std::string& table) const {
        if (session.config().source == Config::Source::config_env && m_channel == "errors") {
            return std::nullopt; // its two variables are all there is
        }
        const auto& channels = session.config().channels;
        const bool is_there = std::any_of(channels.begin(), channels.end(), [&](const ChannelSettings& each) {
            return each.name == m_channel;
        });
        if (is_there) { // the test tells whether its values are the new ones
            session.say_aside(say(k_stays, m_channel, place.config.string(), table));
            return std::nullopt;
        }
        Files& files = session.world().files;
        std::string before;
        if (Result<std::string> text = files.read(place.config, k_config_size); text) {
            before = *std::move(text);
        } else if (text.error().kind != ErrorKind::not_found) {
            return say(k_by_hand, place.config.string(), table);
        } else {
            before = fmt::format("[paths]\nenv_file = \"{}\"\n", place.env.string());
        }
        const std::string after = with_table(before, table);
        Problems problems;
        if (!parse_toml(after, problems)) {
            return say(k_by_hand, place.config.string(), table);
        }
        const Result<void> written = replace_file(files, place.config, after, k_config_mode);
        if (!written) {
            return written.error().kind == ErrorKind::permission
                       ? say(k_of_another, place.config.string(), table)
                       : say(k_by_hand, place.config.string(), table);
        }
        session.say_aside(say(k_written, place.config.string()));
        return std::nullopt;
    }

    [[nodiscard]] Outcome send_test(Session& session) const {
        const Config& config = session.config();
        const Message message =
            compose(Words{Level::info, say(k_test_title).in(config.lang), say(k_test_text).in(config.lang),
                          "", session.host(), session.now()},
                    config.lang);
        const Telegram channel(settings_to_write(config), Voice{config.lang, config.timezone}, "");
        return session.delivery().try_out(channel, message, session.deadline(k_call));
    }

    // With what a channel of this name has besides: a proxy, say.
    [[nodiscard]] TelegramSettings settings_to_write(const Config& config) const {
        for (const ChannelSettings& channel : config.channels) {
            const auto* telegram = channel.as<TelegramChannel>();
            if (channel.name == m_channel && telegram != nullptr) {
                TelegramSettings bot = telegram_settings(channel.name, *telegram);
                bot.token = m_token;
                bot.chat = m_chat;
                return bot;
            }
        }
        return settings();
    }

    // What was written, as every tool reads it.
    int look_again(Session& session) {
        if (const std::optional<int> leave = session.open()) {
            return *leave;
        }
        for (const ChannelSettings& channel : session.config().channels) {
            const auto* telegram = channel.as<TelegramChannel>();
            if (channel.name != m_channel || telegram == nullptr) {
                continue;
            }
            const bool as_meant = telegram->token == m_token && telegram->chat.text == m_chat;
            return as_meant ? session.say_outcome(say(k_arrived, channel.name), k_good, DeliveryReport{})
                            : refuse(session, say(k_channel_there, m_channel, session.loaded().file,
                                                  table_for(place_for(session))));
        }
        return refuse(session, say(k_broken, session.loaded().file));
    }

    std::string m_channel = "errors";
    std::string m_token_file, m_chat;
    std::string m_api = TelegramSettings().api;
    Secret m_token;
    std::optional<std::int64_t> m_thread, m_operator;
};

} // namespace

std::unique_ptr<Command> make_setup() {
    return std::make_unique<Setup>();
}

} // namespace lectio::notify
