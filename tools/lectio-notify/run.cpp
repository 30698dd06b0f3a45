#include "run.h"

#include "alerts/channels.h"
#include "cli/check_config.h"
#include "cli/exit_code.h"
#include "cli/guess.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "config/load.h"
#include "platform/clock.h"
#include "platform/environment.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/stop.h"
#include "report/log.h"
#include "report/report.h"
#include "util/text.h"
#include "version.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_tool = "lectio-notify";
constexpr Duration k_send_budget = 2s;   // CONTRACT 21
constexpr Duration k_flush_budget = 50s; // so that a cron line of every minute never meets itself
constexpr Duration k_test_budget = 15s;
// On top of all of these, for a disk that hangs: who is stuck would hold the locks of the channels for ever.
constexpr Duration k_grace_at_the_end = 5s;
// Between two attempts of flush: doubling up to the longest.
constexpr Duration k_first_pause = 1s;
constexpr Duration k_longest_pause = 8s;

constexpr mode_t k_logs_mode = 0750; // as the pipeline makes it

constexpr int k_good = 0;
constexpr int k_waiting = 1;
constexpr int k_bad = 2;

constexpr Phrase k_sent{"delivered", "доставлено"};
constexpr Phrase k_stored{"stored, will be delivered as soon as possible",
                          "сохранено, будет доставлено при первой возможности"};
constexpr Phrase k_still_waiting{"not delivered yet ({}); trying for {} in all",
                                 "пока не доставлено ({}); попытки продлятся до {}"};
constexpr Phrase k_held_up{"stored; channel {} {}; it will be delivered when that is mended",
                           "сохранено; канал {} {}; будет доставлено, когда это исправят"};
constexpr Phrase k_put_aside{"refused for good; it is kept, with the reason, in {}",
                             "отвергнуто окончательно; сохранено вместе с причиной в {}"};
constexpr Phrase k_known{"told already: the same key within its window",
                         "об этом уже сказано: тот же ключ в пределах окна"};
constexpr Phrase k_lost{"neither stored nor delivered: {}", "не сохранено и не доставлено: {}"};
constexpr Phrase k_no_channel{"no channel is configured", "не настроен ни один канал"};
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
constexpr Phrase k_no_usable_channel{"no channel can be used; lectio-notify test says why",
                                     "ни один канал не работает; почему, скажет lectio-notify test"};
constexpr Phrase k_no_such_channel{"there is no channel \"{}\" (there are {})", "нет канала «{}» (есть {})"};
constexpr Phrase k_flushed{"sent {}, waiting {}, rejected {}", "отправлено {}, ждут {}, отвергнуто {}"};
constexpr Phrase k_would_send{"would send:\n{}", "было бы отправлено:\n{}"};
constexpr Phrase k_would_flush{"would try to send what waits: {}", "была бы попытка отправить ожидающие: {}"};
constexpr Phrase k_test_title{"test: this channel works", "проверка: этот канал работает"};
constexpr Phrase k_test_text{"Sent by `lectio-notify test`. Nothing is broken.",
                             "Отправлено командой lectio-notify test. Ничего не сломано."};
constexpr Phrase k_arrived{"{}: the message has arrived", "{}: сообщение дошло"};
constexpr Phrase k_not_arrived{"{}: {}", "{}: {}"};
constexpr Phrase k_unreadable{"{} may not be read", "нет прав на чтение {}"};
constexpr Phrase k_not_set{"{}: cannot be used: {} (looked in {} and in the environment)",
                           "{}: нельзя использовать: {} (смотрели в {} и в окружении)"};

class NotifyRun {
  public:
    NotifyRun(const Options& options, World world) : m_options(options), m_world(world) {}

    int run() {
        ConfigRequest request;
        request.file = m_options.common.config;
        request.environment = environment_variable;
        request.kinds = known_kinds();
        const bool check = m_options.common.check_config;
        m_loaded = load_config(m_world, request, check ? LastGood::never : LastGood::fall_back);
        if (check) {
            return check_config(m_loaded, m_options.common,
                                {std::string(k_tool), host(), m_world.clock.now().wall});
        }
        const bool nothing = m_loaded.use == LoadedConfig::Use::nothing;
        if (nothing && m_loaded.needs_rights) {
            return needs_rights(problem_words());
        }
        if (nothing) {
            return leave(ExitCode::configuration, problem_words());
        }
        if (!m_loaded.ok()) {
            complain(problem_lines(m_loaded).in(config().lang));
        }
        std::vector<std::unique_ptr<Channel>> channels = make_channels(config());
        end_process_after(k_flush_budget + k_test_budget * channels.size() + k_grace_at_the_end);
        m_delivery = std::make_unique<Delivery>(m_world, delivery_settings(config()), std::move(channels));
        return std::visit([this](const auto& command) { return execute(command); }, m_options.command);
    }

  private:
    [[nodiscard]] std::string problem_words() const {
        const Text lines = problem_lines(m_loaded);
        return std::string(trim(lines.in(config().lang)));
    }

    // Stores first; that alone is enough to have said it (CONTRACT 21).
    int execute(const SendCommand& send) {
        const Message message =
            compose(Words{send.level, send.title, send.text, send.key, host(), m_world.clock.now().wall},
                    config().lang);
        if (m_options.common.dry_run) {
            return say_outcome(say(k_would_send, plain_text(message)), k_good, {});
        }
        if (!m_delivery->has_channels()) {
            return lost(say(config().channels.empty() ? k_no_channel : k_no_usable_channel), {});
        }
        const DeliveryReport report = m_delivery->tell(message, deadline(k_send_budget));
        log(report);
        const bool durable_or_delivered = report.stored || report.sent_unstored > 0;
        if (!durable_or_delivered) {
            return lost(report.storage_problem, report);
        }
        return say_outcome(what_became_of_it(report), k_good, report);
    }

    int lost(const Text& reason, const DeliveryReport& report) {
        if (const std::optional<std::string> denied = denied_to_us()) {
            return needs_rights(*denied);
        }
        return say_outcome(say(k_lost, reason), k_bad, report);
    }

    Text what_became_of_it(const DeliveryReport& report) const {
        Text held_up = what_is_held_up(report);
        if (report.sent > 0) {
            return join("\n", {say(k_sent), held_up});
        }
        if (report.rejected > 0) {
            return say(k_put_aside, (config().paths.state / "outbox" / "rejected").string());
        }
        if (!held_up.empty()) {
            return held_up;
        }
        return report.queued == 0 ? say(k_known) : join(": ", {say(k_stored), why_not_yet(report)});
    }

    // The channels that refuse what was stored for them now, one a line, and what to do about it.
    static Text what_is_held_up(const DeliveryReport& report) {
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

    int execute(const FlushCommand&) {
        if (const std::optional<std::string> denied = denied_to_us()) {
            return needs_rights(*denied);
        }
        if (m_options.common.dry_run) {
            return say_outcome(say(k_would_flush, m_delivery->count_waiting()), k_good, {});
        }
        const DeliveryReport report = flush_patiently();
        log(report);
        const int status = report.rejected > 0 ? k_bad : report.waiting > 0 ? k_waiting : k_good;
        const Text counts = say(k_flushed, report.sent, report.waiting, report.rejected);
        return say_outcome(join("\n", {counts, why_not_yet(report)}), status, report);
    }

    // Tries again and again, with what a server asks for between, until nothing waits or the time is over.
    DeliveryReport flush_patiently() {
        const SteadyTime end = deadline(k_flush_budget);
        DeliveryReport sum;
        for (Duration pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
            DeliveryReport now = m_delivery->flush(end, Patience::ask_now);
            now.sent += sum.sent;
            now.rejected += sum.rejected;
            now.log.insert(now.log.begin(), sum.log.begin(), sum.log.end());
            sum = std::move(now);
            say_once_that_it_takes_long(sum);
            const bool useless = sum.waiting == sum.stuck || m_world.clock.steady() + pause >= end;
            if (useless || stop_requested()) {
                return sum;
            }
            sleep_unless_stopped(m_world.clock, deadline(pause));
        }
    }

    // Fifty seconds of silence look like a hang.
    void say_once_that_it_takes_long(const DeliveryReport& report) {
        const bool wanted = m_options.common.format == Format::text &&
                            m_options.common.verbosity != Verbosity::quiet && !m_said_it_takes_long;
        if (wanted && report.waiting > report.stuck && !report.why_waiting.empty()) {
            m_said_it_takes_long = true;
            const Text words = say(k_still_waiting, report.why_waiting, spoken(k_flush_budget / 1s));
            complain(fmt::format("{}: {}\n", k_tool, clean_line(words.in(config().lang))));
        }
    }

    int execute(const TestCommand& test) {
        if (const std::optional<std::string> denied = denied_secrets()) {
            return needs_rights(*denied);
        }
        std::vector<Text> lines;
        bool good = true;
        bool any_works = false;
        bool found = false;
        for (const TelegramChannel& channel : config().channels) {
            const bool wanted = test.channel.empty() || test.channel == channel.name;
            found = found || wanted;
            if (wanted && !channel.unset.empty()) {
                good = false;
                lines.push_back(say(k_not_set, channel.name,
                                    unset_words(channel.unset, config().wrong_variables),
                                    config().paths.env_file.string()));
            }
        }
        if (!found) {
            return nothing_to_test(test.channel);
        }
        for (const std::unique_ptr<Channel>& channel : m_delivery->channels()) {
            if (test.channel.empty() || test.channel == channel->name()) {
                const bool works = try_out(*channel, lines);
                good = good && works;
                any_works = any_works || works;
            }
        }
        const DeliveryReport report = any_works ? deliver_what_waited(lines) : DeliveryReport{};
        Text all;
        for (const Text& line : lines) {
            all = join("\n", {all, line});
        }
        return say_outcome(all, good ? k_good : k_bad, report);
    }

    // No channel at all, or none of that name.
    [[nodiscard]] int nothing_to_test(const std::string& wanted) const {
        std::vector<std::string> names;
        for (const TelegramChannel& channel : config().channels) {
            names.push_back(channel.name);
        }
        const Text reason =
            names.empty()
                ? join(": ", {say(k_no_channel), how_to_configure()})
                : join("; ", {say(k_no_such_channel, wanted, fmt::format("{}", fmt::join(names, ", "))),
                              did_you_mean(wanted, names)});
        complain(fmt::format("{}: {}\n", k_tool, clean(reason.in(config().lang))));
        return wanted.empty() ? k_bad : static_cast<int>(ExitCode::usage);
    }

    [[nodiscard]] Text how_to_configure() const {
        switch (config().source) {
        case Config::Source::file:
            return say(k_how_in_file, m_loaded.file, config().paths.env_file.string());
        case Config::Source::config_env:
            return say(k_how_in_env, m_loaded.file);
        case Config::Source::discovery:
            break;
        }
        return say(k_how_without);
    }

    // Somebody has just mended a channel: what it had refused need not wait for the next run.
    DeliveryReport deliver_what_waited(std::vector<Text>& lines) {
        if (m_options.common.dry_run || m_delivery->count_waiting() == 0) {
            return {};
        }
        DeliveryReport report = m_delivery->flush(deadline(k_test_budget), Patience::ask_now);
        log(report);
        lines.push_back(say(k_flushed, report.sent, report.waiting, report.rejected));
        return report;
    }

    bool try_out(const Channel& channel, std::vector<Text>& lines) {
        const Lang lang = config().lang;
        const Message message =
            compose(Words{Level::info, say(k_test_title).in(lang), say(k_test_text).in(lang), "", host(),
                          m_world.clock.now().wall},
                    lang);
        if (m_options.common.dry_run) {
            lines.push_back(say(k_would_send, plain_text(message)));
            return true;
        }
        const Outcome outcome = m_delivery->try_out(channel, message, deadline(k_test_budget));
        const bool arrived = outcome.kind == Outcome::Kind::accepted;
        lines.push_back(
            arrived ? say(k_arrived, channel.name())
                    : say(k_not_arrived, channel.name(), join("; ", {outcome.problem, outcome.hint})));
        return arrived;
    }

    static Text why_not_yet(const DeliveryReport& report) {
        if (report.problems.empty()) {
            return report.why_waiting; // names its channel
        }
        const ChannelProblem& first = report.problems.front();
        return say(k_not_arrived, first.channel, first.message);
    }

    // ── rights ──

    // What must be read for this and is not ours to read, in words. An outbox that we may not look into would
    // seem empty, and a channel without its token would seem not to be set.
    std::optional<std::string> denied_to_us() {
        const std::optional<std::string> secrets = denied_secrets();
        return secrets ? secrets : denied(m_world.files.list(config().paths.state / "outbox"));
    }

    std::optional<std::string> denied_secrets() {
        const bool any_unset = std::any_of(config().channels.begin(), config().channels.end(),
                                           [](const TelegramChannel& each) { return !each.unset.empty(); });
        return any_unset && m_loaded.needs_rights
                   ? std::optional(say(k_unreadable, config().paths.env_file.string()).in(config().lang))
                   : std::nullopt;
    }

    template<class T>
    std::optional<std::string> denied(const Result<T>& attempt) {
        const bool is_denied = !attempt && attempt.error().kind == ErrorKind::permission;
        return is_denied ? std::optional(error_words(attempt.error().message).in(config().lang))
                         : std::nullopt;
    }

    int needs_rights(const std::string& what) {
        return leave(ExitCode::rights, say(k_needs_rights, trim(what)).in(config().lang));
    }

    // Nothing could be done: why on standard error, and with --format json one object on standard output
    // (CONTRACT 23).
    int leave(ExitCode exit, const std::string& reason) {
        const auto status = static_cast<int>(exit);
        complain(fmt::format("{}: {}\n", k_tool, trim(clean(reason))));
        if (m_options.common.format == Format::json) {
            return printed(
                render_json_reason(std::string(k_tool), host(), m_world.clock.now().wall, status, reason),
                status);
        }
        return status;
    }

    // alerts.log; a log that cannot be written stops nothing.
    void log(const DeliveryReport& report) {
        const LogFormat format =
            config().log.format == LogSettings::Format::json ? LogFormat::json : LogFormat::text;
        Log log(m_world.files, config().paths.logs / "alerts.log", std::string(k_tool), format,
                LogLevel::info, config().timezone);
        for (const AlertLine& line : report.log) {
            log.add_alert(line.time, line.level, line.text);
        }
        Result<void> written = m_world.files.make_folders(config().paths.logs, k_logs_mode);
        if (written) {
            written = log.flush();
        }
        if (!written) {
            complain(fmt::format("{}: {}\n", k_tool, error_words(written.error().message).in(config().lang)));
        }
    }

    int say_outcome(const Text& words, int status, const DeliveryReport& report) {
        const std::string& text = words.in(config().lang);
        if (m_options.common.format == Format::json) {
            return printed(as_json(text, status, report), status);
        }
        const bool silent = status == k_good && m_options.common.verbosity == Verbosity::quiet;
        return silent ? status : printed(clean(text) + "\n", status);
    }

    std::string as_json(const std::string& text, int status, const DeliveryReport& report) {
        const nlohmann::json json{{"tool", k_tool},
                                  {"version", k_version},
                                  {"host", host()},
                                  {"time", format_utc(m_world.clock.now().wall)},
                                  {"exit_code", status},
                                  {"message", text},
                                  {"alerts",
                                   {{"queued", report.queued},
                                    {"sent", report.sent},
                                    {"waiting", m_delivery->count_waiting()},
                                    {"rejected", report.rejected}}}};
        return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }

    [[nodiscard]] int printed(const std::string& text, int status) const {
        return print_or_say_why(k_tool, config().lang, m_options.common.format, text, status);
    }

    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    [[nodiscard]] std::string host() const {
        return config().host.empty() ? m_world.host.hostname() : config().host;
    }
    [[nodiscard]] SteadyTime deadline(Duration budget) const { return m_world.clock.steady() + budget; }

    const Options& m_options;
    World m_world;
    LoadedConfig m_loaded;
    std::unique_ptr<Delivery> m_delivery;
    bool m_said_it_takes_long = false;
};

} // namespace

int run(const Options& options, World world) {
    return NotifyRun(options, world).run();
}

} // namespace lectio::notify
