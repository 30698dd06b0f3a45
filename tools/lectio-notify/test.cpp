// test: does a message really arrive? If not, why?
#include "cli/exit_code.h"
#include "cli/guess.h"
#include "commands.h"
#include "config/values.h"
#include "outcome_words.h"
#include "session.h"

#include <chrono>

#include <fmt/ranges.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_budget = 15s; // a channel
constexpr Duration k_grace = 5s;   // for a disk that hangs

constexpr Phrase k_how_in_file{
    "put into {} (see README, \"Telegram's @BotFather\"):\n  [channel.errors]\n  type = \"telegram\"\n"
    "  token = \"${{ERRORS_BOT_TOKEN}}\"\n  chat = \"${{ERRORS_CHAT_ID}}\"\nand both values into {}",
    "впишите в {} (о @BotFather — в README.ru):\n  [channel.errors]\n  type = \"telegram\"\n"
    "  token = \"${{ERRORS_BOT_TOKEN}}\"\n  chat = \"${{ERRORS_CHAT_ID}}\"\nа оба значения — в {}"};
constexpr Phrase k_how_in_env{
    "put ERRORS_BOT_TOKEN and ERRORS_CHAT_ID into {} (see README, \"Telegram's @BotFather\")",
    "впишите ERRORS_BOT_TOKEN и ERRORS_CHAT_ID в {} (о @BotFather — в README.ru)"};
constexpr Phrase k_how_without{
    "sudo lectio-health init writes /etc/lectio-monitor/config.toml with one, and says where its secrets go",
    "sudo lectio-health init запишет /etc/lectio-monitor/config.toml с каналом и скажет, куда вписать "
    "секреты"};
constexpr Phrase k_no_such_channel{"there is no channel \"{}\" (there are {})", "нет канала «{}» (есть {})"};
constexpr Phrase k_title{"test: this channel works", "проверка: этот канал работает"};
constexpr Phrase k_text{"Sent by `lectio-notify test`. Nothing is broken.",
                        "Отправлено командой lectio-notify test. Ничего не сломано."};
constexpr Phrase k_arrived{"{}: the message has arrived", "{}: сообщение дошло"};
constexpr Phrase k_arrived_partly{"{}: the message has arrived, but not everywhere: {}",
                                  "{}: сообщение дошло, но не до всех: {}"};
constexpr Phrase k_not_arrived{"{}: {}", "{}: {}"};
constexpr Phrase k_not_set{"{}: cannot be used: {} (looked in {} and in the environment)",
                           "{}: нельзя использовать: {} (смотрели в {} и в окружении)"};

Text how_to_configure(const Session& session) {
    switch (session.config().source) {
    case Config::Source::file:
        return say(k_how_in_file, session.loaded().file, session.config().paths.env_file.string());
    case Config::Source::config_env:
        return say(k_how_in_env, session.loaded().file);
    case Config::Source::discovery:
        break;
    }
    return say(k_how_without);
}

class Test final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {{"channel", "CHANNEL", "Only this one", &m_channel}};
    }

    // Each channel, and what waited for it.
    Duration longest(const Session& session) const override {
        return k_budget * (session.config().channels.size() + 1) + k_grace;
    }

    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_secrets()) {
            return session.needs_rights(*denied);
        }
        if (!tell_of_unset(session)) {
            return nothing_to_test(session);
        }
        bool any_works = false;
        for (const std::unique_ptr<Channel>& channel : session.delivery().channels()) {
            if (is_wanted(channel->name())) {
                any_works = try_out(session, *channel) || any_works;
            }
        }
        const DeliveryReport report = any_works ? deliver_what_waited(session) : DeliveryReport{};
        return session.say_outcome(m_lines, m_good ? k_good : k_bad, report);
    }

  private:
    [[nodiscard]] bool is_wanted(const std::string& channel) const {
        return m_channel.empty() || m_channel == channel;
    }

    void add_line(Text line) { m_lines = join("\n", {std::move(m_lines), std::move(line)}); }

    // False: none of the configured channels is wanted.
    bool tell_of_unset(const Session& session) {
        bool found = false;
        for (const ChannelSettings& channel : session.config().channels) {
            found = found || is_wanted(channel.name);
            if (is_wanted(channel.name) && !channel.unset.empty()) {
                m_good = false;
                add_line(say(k_not_set, channel.name,
                             unset_words(channel.unset, session.config().wrong_variables),
                             session.config().paths.env_file.string()));
            }
        }
        return found;
    }

    // No channel at all, or none of that name.
    [[nodiscard]] int nothing_to_test(const Session& session) const {
        std::vector<std::string> names;
        for (const ChannelSettings& channel : session.config().channels) {
            names.push_back(channel.name);
        }
        session.say_aside(names.empty() ? join(": ", {say(k_no_channel), how_to_configure(session)})
                                        : join("; ", {say(k_no_such_channel, m_channel,
                                                          fmt::format("{}", fmt::join(names, ", "))),
                                                      did_you_mean(m_channel, names)}));
        return m_channel.empty() ? k_bad : static_cast<int>(ExitCode::usage);
    }

    // True: something arrived.
    bool try_out(Session& session, const Channel& channel) {
        const Lang lang = session.config().lang;
        const Message message = compose(Words{Level::info, say(k_title).in(lang), say(k_text).in(lang), "",
                                              session.host(), session.now()},
                                        lang);
        if (session.common().dry_run) {
            add_line(say(k_would_send, plain_text(message)));
            return true;
        }
        const Outcome outcome = session.delivery().try_out(channel, message, session.deadline(k_budget));
        const bool arrived = outcome.kind == Outcome::Kind::accepted;
        const Text trouble = join("; ", {outcome.problem, outcome.hint});
        m_good = m_good && arrived && trouble.empty();
        add_line(!arrived          ? say(k_not_arrived, channel.name(), trouble)
                 : trouble.empty() ? say(k_arrived, channel.name())
                                   : say(k_arrived_partly, channel.name(), trouble));
        return arrived;
    }

    // Somebody has just mended a channel: what it had refused need not wait for the next run.
    DeliveryReport deliver_what_waited(Session& session) {
        if (session.common().dry_run || session.delivery().count_waiting() == 0) {
            return {};
        }
        DeliveryReport report = session.delivery().flush(session.deadline(k_budget), Patience::ask_now);
        session.log(report);
        add_line(delivery_counts(report));
        return report;
    }

    std::string m_channel; // empty: every one
    Text m_lines;
    bool m_good = true;
};

} // namespace

std::unique_ptr<Command> make_test() {
    return std::make_unique<Test>();
}

} // namespace lectio::notify
