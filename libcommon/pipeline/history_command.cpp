#include "pipeline/history_command.h"

#include "cli/guess.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "config/load.h"
#include "platform/environment.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/users.h"
#include "report/past.h"
#include "report/report.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

// Reading waits for nobody but for one who is just beginning the file; a history of 200 MB is read in a second.
constexpr Duration k_patience{30'000};

constexpr Phrase k_nothing_yet{"no history yet: each run of {} adds to it",
                               "истории пока нет: её пишет каждый запуск {}"};
constexpr Phrase k_no_such_check{"no check is named \"{}\" (there are {})",
                                 "нет проверки с именем «{}» (есть {})"};
constexpr Phrase k_no_checks{"no check is named \"{}\": there are none",
                             "нет проверки с именем «{}»: нет никаких"};
constexpr Phrase k_no_time{"\"{}\" is no time; like 2h, 7d, 2026-11-20 or \"2026-11-20 10:00\"",
                           "«{}» — не время; нужно вроде 2h, 7d, 2026-11-20 или \"2026-11-20 10:00\""};
constexpr Phrase k_unreadable{"the history cannot be read: {}", "историю не удалось прочитать: {}"};

class HistoryCommand {
  public:
    HistoryCommand(const HistoryOf& tool, const HistoryQuestion& question, const CommonOptions& options,
                   World world)
        : m_tool(tool), m_name(fmt::format("lectio-{}", tool.short_name)), m_common(options),
          m_question(question), m_world(world), m_now(world.clock.now().wall) {}

    int run() {
        ConfigRequest request;
        request.file = m_common.config;
        request.environment = environment_variable;
        request.kinds = known_kinds();
        m_loaded = load_config(m_world, request, LastGood::fall_back);
        if (m_loaded.use == LoadedConfig::Use::nothing) {
            const Text lines = problem_lines(m_loaded);
            return leave(m_loaded.needs_rights ? ExitCode::rights : ExitCode::configuration,
                         {std::string(trim(lines.en)), std::string(trim(lines.ru))});
        }
        const Result<WallTime> since = parse_moment(m_question.since, m_now, config().timezone);
        if (!since) {
            return leave(ExitCode::usage, say(k_no_time, clean_line(m_question.since)));
        }
        Result<PastRuns> runs =
            PastRuns::at(m_world.files, m_world.clock, place(), m_world.clock.steady() + k_patience);
        if (!runs) {
            return no_runs(runs.error(), *since);
        }
        if (const std::optional<Text> why = unknown_check(*runs)) {
            return leave(ExitCode::usage, *why);
        }
        const Result<Past> past =
            read_past(*runs, {std::string(m_tool.short_name), *since, m_now, m_question.check});
        return past ? show(*past) : no_runs(past.error(), *since);
    }

  private:
    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    [[nodiscard]] HistoryPlace place() const {
        return {config().paths.state, config().paths.run / "history.lock", effective_user()};
    }
    [[nodiscard]] std::string host() const {
        return config().host.empty() ? m_world.host.hostname() : config().host;
    }

    // A slip of the hand must not look like a check that was never broken.
    std::optional<Text> unknown_check(PastRuns& runs) {
        if (!m_question.check) {
            return std::nullopt;
        }
        std::vector<std::string> names = runs.names(std::string(m_tool.short_name)).value_or({});
        const std::vector<std::string> configured = m_tool.checks(config());
        names.insert(names.end(), configured.begin(), configured.end());
        if (std::find(names.begin(), names.end(), *m_question.check) != names.end()) {
            return std::nullopt;
        }
        if (names.empty()) {
            return say(k_no_checks, *m_question.check);
        }
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return join("; ", {say(k_no_such_check, *m_question.check, fmt::format("{}", fmt::join(names, ", "))),
                           did_you_mean(*m_question.check, names)});
    }

    int no_runs(const Error& error, WallTime since) {
        if (error.kind == ErrorKind::not_found) {
            return nothing_yet(since);
        }
        const ExitCode code = error.kind == ErrorKind::permission ? ExitCode::rights : ExitCode::internal;
        return leave(code, say(k_unreadable, error_words(error.message)));
    }

    int nothing_yet(WallTime since) {
        if (m_common.format == Format::json) {
            Past empty;
            empty.tool = m_name;
            empty.since = since;
            empty.now = m_now;
            return show(empty);
        }
        return printed(say(k_nothing_yet, m_name).in(config().lang) + '\n', ExitCode::ok);
    }

    int show(const Past& past) {
        PastView view{config().lang, config().timezone, host(), PastView::Stretches::of_broken};
        if (m_question.check || m_common.verbosity == Verbosity::verbose) {
            view.stretches = PastView::Stretches::all;
        }
        const bool json = m_common.format == Format::json;
        return printed(json ? render_past_json(past, view) : render_past_text(past, view), ExitCode::ok);
    }

    int leave(ExitCode code, const Text& why) {
        const std::string words =
            (code == ExitCode::rights ? say(k_needs_rights, why) : why).in(config().lang);
        complain(fmt::format("{}: {}\n", m_name, trim(clean(words))));
        if (m_common.format == Format::json && code != ExitCode::usage) {
            return printed(render_json_reason(m_name, host(), m_now, static_cast<int>(code), words), code);
        }
        return static_cast<int>(code);
    }

    [[nodiscard]] int printed(const std::string& text, ExitCode code) const {
        return print_or_say_why(m_name, config().lang, m_common.format, text, static_cast<int>(code));
    }

    const HistoryOf& m_tool;
    const std::string m_name;
    const CommonOptions& m_common;
    const HistoryQuestion& m_question;
    World m_world;
    WallTime m_now;
    LoadedConfig m_loaded;
};

} // namespace

int show_history(const HistoryOf& tool, const HistoryQuestion& question, const CommonOptions& options,
                 World world) {
    return HistoryCommand(tool, question, options, world).run();
}

} // namespace lectio
