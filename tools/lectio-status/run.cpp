#include "run.h"

#include "alerts/channels.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "cli/tool_session.h"
#include "platform/stop.h"
#include "report/words.h"
#include "status/look_around.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_tool = "lectio-status";
constexpr Duration k_patience = 30s; // a history of 200 MB is read in a second
constexpr Duration k_grace = 5s;     // for a disk that hangs

constexpr Phrase k_secrets_denied{"{} may not be read by this user: nothing is known of the channels",
                                  "{} этому пользователю читать нельзя: о каналах ничего не известно"};
constexpr Phrase k_no_state{"the state cannot be read: {}", "состояние не читается: {}"};

class Run {
  public:
    explicit Run(ToolSession& session) : m_session(session) {}

    int execute() {
        if (const std::optional<int> left = is_state_denied()) {
            return *left;
        }
        const Config& config = m_session.config();
        Delivery delivery(m_session.world(), delivery_settings(config), make_channels(config));
        const Overview overview =
            look_around(m_session.world(), config, delivery, {m_session.host(), secrets_denied()},
                        m_session.deadline(k_patience));
        const int status = status_of(overview);
        return m_session.common().format == Format::json
                   ? m_session.say_outcome(status_words(overview.status()), status,
                                           json_of(overview, m_session.lang()))
                   : show(overview, status);
    }

  private:
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
        const Paint paint = wanted_colour() == Colour::yes ? Paint::yes : Paint::no;
        return print_or_say_why(k_tool, m_session.lang(), format,
                                render_text(overview, m_session.lang(), paint), status);
    }

    ToolSession& m_session;
};

} // namespace

int run(const Options& options, World world) {
    ToolSession session(std::string(k_tool), options.common, world);
    end_process_after(k_patience + k_grace);
    const std::optional<int> left = session.load(LastGood::fall_back);
    const int status = left ? *left : Run(session).execute();
    return stop_requested() ? 128 + stop_signal() : status;
}

} // namespace lectio::status
