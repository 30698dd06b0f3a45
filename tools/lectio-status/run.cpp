#include "run.h"

#include "alerts/channels.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "cli/tool_session.h"
#include "platform/stop.h"
#include "report/words.h"
#include "status/look_around.h"
#include "status/page.h"
#include "status/screen.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_tool = "lectio-status";
constexpr Duration k_patience = 30s;            // a history of 200 MB is read in a second
constexpr Duration k_longest = k_patience + 5s; // of one look: a disk may hang
constexpr Duration k_unlimited = 24h * 366;     // a person may stop the terminal, or this process, for long
constexpr Duration k_refresh = 5s;
constexpr Duration k_slice = 200ms; // how soon a resized terminal is drawn anew

constexpr Phrase k_secrets_denied{"{} may not be read by this user: nothing is known of the channels",
                                  "{} этому пользователю читать нельзя: о каналах ничего не известно"};
constexpr Phrase k_no_state{"the state cannot be read: {}", "состояние не читается: {}"};

class Run {
  public:
    explicit Run(ToolSession& session) : m_session(session) {}

    int once() {
        if (const std::optional<int> left = is_state_denied()) {
            return *left;
        }
        if (m_session.common().format == Format::html) {
            return page();
        }
        const Overview overview = look();
        const int status = status_of(overview);
        return m_session.common().format == Format::json
                   ? m_session.say_outcome(status_words(overview.status()), status,
                                           json_of(overview, m_session.lang()))
                   : show(overview, status);
    }

    int page() {
        const Config& config = m_session.config();
        FarBack far_back{
            LongViewReader(m_session.world().clock.now().wall, config.timezone, config.status.days, {})};
        const Overview overview = look(&far_back);
        return print_or_say_why(k_tool, m_session.lang(), Format::html,
                                render_html(overview, far_back.view(), m_session.lang()),
                                status_of(overview));
    }

    // Until a signal ends it, or nobody reads any more. On a terminal in one place, elsewhere one screen after another.
    int watch() {
        while (!stop_requested()) {
            end_process_after(k_longest);
            if (const std::optional<int> left = is_state_denied()) {
                return *left;
            }
            const std::string text = text_of(look());
            end_process_after(k_unlimited);
            const SteadyTime next = m_session.deadline(k_refresh);
            do {
                const std::optional<TerminalSize> size = terminal_size();
                const std::string screen = size ? frame(text, *size, m_session.lang()) : text + "\n";
                if (const int failed = print_or_say_why(k_tool, m_session.lang(), Format::text, screen, 0)) {
                    return failed;
                }
                wait_until(next, size);
            } while (!stop_requested() && m_session.world().clock.steady() < next); // it was resized
        }
        return 0;
    }

  private:
    [[nodiscard]] Overview look(FarBack* far_back = nullptr) {
        const Config& config = m_session.config();
        Delivery delivery(m_session.world(), delivery_settings(config), make_channels(config));
        return look_around(m_session.world(), config, delivery,
                           {m_session.host(), secrets_denied(), far_back}, m_session.deadline(k_patience));
    }

    // Or until the terminal is of another size.
    void wait_until(SteadyTime next, const std::optional<TerminalSize>& size) {
        Clock& clock = m_session.world().clock;
        while (!stop_requested() && clock.steady() < next && terminal_size() == size) {
            sleep_unless_stopped(clock, std::min(next, clock.steady() + k_slice));
        }
    }

    // A folder that is not there is no trouble: nothing has run yet.
    std::optional<int> is_state_denied() {
        const Path& state = m_session.config().paths.state;
        const Result<std::vector<std::string>> names = m_session.world().files.list(state);
        const bool is_missing =
            !names && names.error().kind == ErrorKind::not_found && !m_session.world().files.info(state);
        if (names || is_missing) {
            return std::nullopt;
        }
        const Text why = say(k_no_state, error_words(names.error().message));
        return names.error().kind == ErrorKind::permission ? m_session.needs_rights(why)
                                                           : m_session.leave(ExitCode::unknown, why);
    }

    [[nodiscard]] Text secrets_denied() const {
        const Config& config = m_session.config();
        const bool any_unset = std::any_of(config.channels.begin(), config.channels.end(),
                                           [](const ChannelSettings& each) { return !each.unset.empty(); });
        return any_unset && m_session.loaded().needs_rights
                   ? say(k_secrets_denied, config.paths.env_file.string())
                   : Text{};
    }

    // A wrong configuration is told by the exit status, whatever the last good one shows (CONTRACT 5).
    [[nodiscard]] int status_of(const Overview& overview) const {
        return static_cast<int>(m_session.loaded().ok() ? exit_code(overview.status())
                                                        : ExitCode::configuration);
    }

    [[nodiscard]] int show(const Overview& overview, int status) const {
        const Format format = m_session.common().format;
        if (format == Format::prometheus) {
            return print_or_say_why(k_tool, m_session.lang(), format, render_prometheus(overview), status);
        }
        if (status == 0 && m_session.common().verbosity == Verbosity::quiet) {
            return status;
        }
        return print_or_say_why(k_tool, m_session.lang(), format, text_of(overview), status);
    }

    [[nodiscard]] std::string text_of(const Overview& overview) const {
        return render_text(overview, m_session.lang(),
                           wanted_colour() == Colour::yes ? Paint::yes : Paint::no);
    }

    ToolSession& m_session;
};

} // namespace

int run(const Options& options, World world) {
    ToolSession session(std::string(k_tool), options.common, world);
    end_process_after(k_longest);
    const std::optional<int> left = session.load(LastGood::fall_back);
    const int status = left ? *left : options.watch ? Run(session).watch() : Run(session).once();
    return stop_requested() ? 128 + stop_signal() : status;
}

} // namespace lectio::status
