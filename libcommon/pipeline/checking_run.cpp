#include "pipeline/checking_run.h"

#include "alerts/channels.h"
#include "cli/check_config.h"
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
#include "report/prometheus.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

// What the run ended with when it had no report to print.
struct NoReport {
    ExitCode exit;
    std::string reason;
};

constexpr Duration k_grace_at_the_end{5'000};
// Of reading the configuration and of looking for what to watch: both touch files of others, that may hang.
constexpr Duration k_before_the_job{30'000};

constexpr Phrase k_no_such_check{"no check is named \"{}\" (there are {})",
                                 "нет проверки с именем «{}» (есть {})"};
constexpr Phrase k_would_send{"would send:", "было бы отправлено:"};
constexpr Phrase k_would_send_nowhere{"would send, but no channel can be used:",
                                      "было бы отправлено, но ни один канал не работает:"};

class CheckingRun {
  public:
    CheckingRun(const CheckingTool& tool, const CommonOptions& options, World world)
        : m_tool(tool), m_name(fmt::format("lectio-{}", tool.short_name)), m_common(options), m_world(world),
          m_time(world.clock.now().wall) {}

    int run() {
        end_process_after(k_before_the_job);
        m_loaded =
            load_config(m_world, request(), m_common.check_config ? LastGood::never : LastGood::fall_back);
        if (m_common.check_config) {
            discover_checks(m_world, request(), m_loaded);
            return check_config(m_loaded, m_common, {m_name, host(), m_time});
        }
        if (m_loaded.use == LoadedConfig::Use::nothing) {
            return leave({m_loaded.needs_rights ? ExitCode::rights : ExitCode::configuration, why_nothing()});
        }
        std::optional<RunLock> lock;
        if (m_loaded.names_no_checks && !m_common.dry_run) {
            Result<RunLock> taken =
                lock_run(m_world, m_loaded.config.paths.run, m_name, std::string(m_tool.short_name));
            if (!taken) {
                return leave(no_run(taken.error()));
            }
            lock = std::move(*taken);
        }
        discover_checks(m_world, request(), m_loaded);
        if (!m_common.dry_run) {
            keep();
        }
        Job job = m_tool.make_job(m_loaded, m_world);
        if (m_common.verbosity == Verbosity::verbose) {
            const std::vector<Text>& why = m_loaded.config.explained;
            job.notes.insert(job.notes.end(), why.begin(), why.end());
        }
        if (const std::optional<NoReport> unknown = unknown_names(job)) {
            return leave(*unknown);
        }
        if (const std::optional<Error> denied = denied_state(job)) {
            return leave(no_run(*denied));
        }
        end_process_after(job.deadline + k_grace_at_the_end);
        RunOutcome outcome =
            run_pipeline(job, wishes(), m_world, make_channels(m_loaded.config), std::move(lock));
        if (outcome.no_run) {
            return leave(no_run(*outcome.no_run));
        }
        publish(outcome);
        return report(job, outcome);
    }

  private:
    [[nodiscard]] ConfigRequest request() const {
        ConfigRequest request;
        request.file = m_common.config;
        request.environment = environment_variable;
        request.kinds = known_kinds();
        request.discovery = m_tool.discovery;
        return request;
    }

    // Not being able to is no reason not to check; the next run tries again.
    void keep() {
        if (m_loaded.ok()) {
            [[maybe_unused]] const Result<void> kept = keep_last_good(m_world.files, m_loaded);
        }
        [[maybe_unused]] const Result<void> kept = keep_discovered(m_world.files, m_loaded);
    }

    [[nodiscard]] std::string why_nothing() const {
        const Text lines = problem_lines(m_loaded);
        const std::string_view words = trim(lines.in(m_loaded.config.lang));
        return m_loaded.needs_rights ? say(k_needs_rights, words).in(m_loaded.config.lang)
                                     : std::string(words);
    }

    // --only with a name that no check has is a slip of the hand, never "all good".
    [[nodiscard]] std::optional<NoReport> unknown_names(const Job& job) const {
        std::vector<std::string> names;
        for (const JobCheck& check : job.checks) {
            names.push_back(check.policy.name);
        }
        for (const ShelvedCheck& check : job.shelved) {
            names.push_back(check.name);
        }
        for (const std::string& name : m_common.only) {
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                const Text words =
                    join("; ", {say(k_no_such_check, name, fmt::format("{}", fmt::join(names, ", "))),
                                did_you_mean(name, names)});
                return NoReport{ExitCode::usage, words.in(m_loaded.config.lang)};
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] Wishes wishes() const {
        const bool companions = m_tool.with_companions && !m_common.only.empty();
        return {m_common.dry_run,
                !m_common.no_recovery,
                !m_common.no_notify,
                companions ? m_tool.with_companions(m_loaded.config, m_common.only) : m_common.only,
                m_tool.asks_all,
                m_tool.tells_of_itself};
    }

    // What was told and what is confirmed stands there: judged without it, --dry-run would say what is not so. Every
    // other run fails at its lock first.
    [[nodiscard]] std::optional<Error> denied_state(const Job& job) const {
        if (!m_common.dry_run) {
            return std::nullopt;
        }
        const Result<std::vector<std::string>> names = m_world.files.list(job.paths.state / job.short_name);
        return !names && names.error().kind == ErrorKind::permission ? std::optional(names.error())
                                                                     : std::nullopt;
    }

    [[nodiscard]] NoReport no_run(const Error& error) const {
        const ExitCode code = exit_code(error);
        const Text words = error_words(error.message);
        return {code,
                (code == ExitCode::rights ? say(k_needs_rights, words) : words).in(m_loaded.config.lang)};
    }

    // No report: one line on standard error, and with --format json one object on standard output (CONTRACT
    // 23).
    int leave(const NoReport& why) {
        complain(fmt::format("{}: {}\n", m_name, trim(clean(why.reason))));
        if (m_common.format == Format::json && why.exit != ExitCode::usage) {
            return printed(render_json_reason(m_name, host(), m_time, static_cast<int>(why.exit), why.reason),
                           exit_status(why.exit, Status::unknown));
        }
        if (m_common.format == Format::nagios) {
            return leave_nagios(why.exit, why.reason);
        }
        return exit_status(why.exit, Status::unknown);
    }

    [[nodiscard]] std::string host() const {
        return m_loaded.config.host.empty() ? m_world.host.hostname() : m_loaded.config.host;
    }

    void publish(RunOutcome& outcome) {
        if (!m_tool.publishes || m_common.dry_run || outcome.signal != 0) {
            return;
        }
        const Result<void> published = m_tool.publishes(m_world, m_loaded.config, host(), outcome.changed);
        if (!published) {
            outcome.report.notes.push_back(say(k_page_not_written, error_words(published.error().message)));
        }
    }

    int report(const Job& job, const RunOutcome& outcome) {
        if (outcome.signal != 0) {
            return 128 + outcome.signal;
        }
        const Status site =
            m_common.format == Format::nagios ? nagios_status(outcome.report) : outcome.report.status;
        const ExitCode exit = outcome.exit == ExitCode::ok ? exit_code(site) : outcome.exit;
        const int status = exit_status(exit, site);
        const bool good = exit == ExitCode::ok;
        if (good && m_common.verbosity == Verbosity::quiet) {
            return status;
        }
        return printed(rendered(job, outcome), status);
    }

    [[nodiscard]] std::string rendered(const Job& job, const RunOutcome& outcome) const {
        switch (m_common.format) {
        case Format::json:
            return render_json(outcome.report, job.lang);
        case Format::nagios:
            return render_nagios(outcome.report, job.lang);
        case Format::prometheus:
            return render_prometheus(outcome.report);
        case Format::text:
        case Format::html: // of the whole only: lectio-status
            break;
        }
        const auto detail = m_common.verbosity == Verbosity::verbose ? Detail::verbose : Detail::normal;
        const auto paint = wanted_colour() == Colour::yes ? Paint::yes : Paint::no;
        std::string text = m_tool.renders ? m_tool.renders(outcome.report, job.lang)
                                          : render_text(outcome.report, job.lang, job.zone, detail, paint);
        const std::vector<ChannelSettings>& channels = m_loaded.config.channels;
        const bool some_work = std::any_of(channels.begin(), channels.end(),
                                           [](const ChannelSettings& each) { return each.unset.empty(); });
        for (const std::string& message :
             m_tool.says_what_would_be_sent ? outcome.would_send : std::vector<std::string>{}) {
            text += fmt::format("{}\n{}\n", (some_work ? k_would_send : k_would_send_nowhere).in(job.lang),
                                message);
        }
        return m_tool.appendix ? text + m_tool.appendix(job.lang) : text;
    }

    [[nodiscard]] int printed(const std::string& text, int status) const {
        return print_or_say_why(m_name, m_loaded.config.lang, m_common.format, text, status);
    }

    [[nodiscard]] int exit_status(ExitCode code, Status site) const {
        if (m_tool.by_old_name && m_common.format != Format::nagios) {
            const bool broken =
                site == Status::critical || static_cast<int>(code) > static_cast<int>(ExitCode::unknown);
            return broken ? 1 : 0;
        }
        return process_exit(code, site, m_common.format);
    }

    const CheckingTool& m_tool;
    const std::string m_name;
    const CommonOptions& m_common;
    World m_world;
    WallTime m_time;
    LoadedConfig m_loaded;
};

} // namespace

int run_checking_tool(const CheckingTool& tool, const CommonOptions& options, World world) {
    return CheckingRun(tool, options, world).run();
}

} // namespace lectio
