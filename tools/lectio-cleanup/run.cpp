#include "run.h"

#include "cleanup/deed.h"
#include "cleanup/journal.h"
#include "cleanup/logs.h"
#include "cleanup/memory_report.h"
#include "cleanup/processes.h"
#include "cleanup/releases.h"
#include "cleanup/temp.h"
#include "cleanup/units.h"
#include "operator/tell_under_key.h"
#include "pipeline/finished_run.h"
#include "platform/priority.h"
#include "platform/privileges.h"
#include "platform/stop.h"
#include "session.h"
#include "status/write_page.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include <nlohmann/json.hpp>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest = 30min; // well before the next hour's
constexpr Duration k_grace = 1min;
constexpr Duration k_to_tell = 10s;
constexpr int k_nice = 10;
constexpr std::size_t k_most_shown = 20; // of one rule; the log and --format json have all

constexpr Noun k_things{"thing", "things", "объект", "объекта", "объектов"};
constexpr Phrase k_done{"{}: {} cleaned up, {} freed", "{}: убрано: {}, освобождено {}"};
constexpr Phrase k_would{"{}: {} would be cleaned up, {} freed", "{}: было бы убрано: {}, освобождено {}"};
constexpr Phrase k_done_only{"{}: {} cleaned up", "{}: убрано: {}"};
constexpr Phrase k_would_only{"{}: {} would be cleaned up", "{}: было бы убрано: {}"};
constexpr Phrase k_nothing{"{}: nothing to do", "{}: делать нечего"};
constexpr Phrase k_target{"  {}, {}", "  {}, {}"};
constexpr Phrase k_target_how{"  {}, {}: {}", "  {}, {}: {}"};
constexpr Phrase k_target_done{"  {}: {}", "  {}: {}"};
constexpr Phrase k_left{"  {} stays: {}", "  {} остаётся: {}"};
constexpr Phrase k_failed{"  {}: {}", "  {}: {}"};
constexpr Phrase k_and_more{"  and {} more", "  и ещё {}"};
constexpr Phrase k_only_shown{"nothing was changed; to do it: lectio-cleanup --apply",
                              "ничего не изменено; чтобы выполнить: lectio-cleanup --apply"};
constexpr Phrase k_stopped{"stopped before the end: the next run goes on",
                           "остановлено до конца: продолжит следующий запуск"};
constexpr Phrase k_log_failed{"the log cannot be written: {}", "журнал не пишется: {}"};
constexpr Phrase k_title{"clean-up", "очистка"};
constexpr Phrase k_title_memory{"memory", "память"};
constexpr Phrase k_memory_again{"there is enough memory again", "памяти снова достаточно"};
constexpr Phrase k_works_again{"everything could be cleaned up", "всё удалось убрать"};

class Run {
  public:
    explicit Run(Session& session)
        : m_session(session), m_effect(session.effect()), m_until(session.deadline(k_longest)),
          m_sweep{session.world(), session.config(),
                  m_effect == Session::Effect::real ? Sweep::Effect::real : Sweep::Effect::none,
                  [this] { return may_go_on(); }} {}

    int go() {
        clean();
        for (const std::string& rule : m_rules) {
            report(rule);
        }
        if (m_short_of_memory) {
            add(*m_short_of_memory, 1);
        }
        if (m_stopped) {
            add(say(k_stopped), 1);
        }
        if (m_effect == Session::Effect::real) {
            tell();
            log();
            remember_finished_run(m_session, "cleanup");
            status::write_page(m_session, status::RunWas::news);
        } else if (m_session.for_a_person() && !m_session.common().dry_run) {
            add(say(k_only_shown), 0);
        }
        return m_session.say_outcome(m_words, m_status, {{"actions", actions()}});
    }

  private:
    void clean() {
        const CleanupSettings& settings = m_session.settings();
        end_hung_processes(settings);
        look_after_units(settings);
        clean_files(settings);
        if (settings.journal_max) {
            m_rules.emplace_back("journal");
            vacuum_journal(*settings.journal_max, m_sweep);
        }
        if (settings.releases) {
            m_rules.emplace_back("releases");
            tidy_releases(own_folder() + "/lectio-deploy", m_sweep);
        }
        if (settings.memory_report) { // last: what was ended has given its memory back
            m_short_of_memory = memory_report(*settings.memory_report, m_session.world());
        }
    }

    void look_after_units(const CleanupSettings& settings) {
        SystemProcessTable table(m_session.world().host);
        if (settings.zombies) {
            m_rules.emplace_back("zombies");
            look_for_zombies(*settings.zombies, table, m_sweep);
        }
        if (settings.workers) {
            m_rules.push_back("workers " + settings.workers->match);
            look_for_workers(*settings.workers, table, m_sweep);
        }
    }

    void end_hung_processes(const CleanupSettings& settings) {
        SystemProcessTable table(m_session.world().host);
        for (const KillRule& rule : settings.kill) {
            m_rules.push_back("kill " + rule.match);
            end_processes(rule, table, m_sweep);
        }
    }

    void clean_files(const CleanupSettings& settings) {
        const Untouchable untouchable(m_session.config());
        for (const TempRule& rule : settings.temp) {
            with_open_files("temp " + rule.files, rule.files,
                            [&](const OpenFiles& open) { clean_temp(rule, open, untouchable, m_sweep); });
        }
        for (const LogRule& rule : settings.logs) {
            with_open_files("logs " + rule.files, rule.files,
                            [&](const OpenFiles& open) { clean_logs(rule, open, untouchable, m_sweep); });
        }
    }

    // Looked at for each rule: what has been opened meanwhile is wanted.
    void with_open_files(const std::string& rule, const std::string& files,
                         const std::function<void(const OpenFiles&)>& clean) {
        m_rules.push_back(rule);
        const Result<OpenFiles> open = OpenFiles::look();
        if (open) {
            clean(*open);
        } else {
            m_sweep.deeds.push_back({rule, files, {}, Deed::End::failed, error_words(open.error().message)});
        }
    }

    bool may_go_on() {
        const bool may = !stop_requested() && m_session.world().clock.steady() < m_until;
        m_stopped = m_stopped || !may;
        return may;
    }

    // ── what is said ──

    void add(const Text& line, int status) {
        m_words = m_words.empty() ? line : join("\n", {m_words, line});
        m_status = std::max(m_status, status);
    }

    void report(const std::string& rule) {
        using End = Deed::End;
        const bool verbose = m_session.common().verbosity == Verbosity::verbose;
        std::int64_t count = 0;
        std::optional<Bytes> freed;
        std::vector<Text> lines;
        for (const Deed& deed : m_sweep.deeds) {
            if (deed.rule != rule) {
                continue;
            }
            const bool is_done = deed.end == End::done || deed.end == End::shown;
            count += is_done ? 1 : 0;
            if (is_done && deed.freed) {
                freed = Bytes{(freed ? freed->count : 0) + deed.freed->count};
            }
            if (deed.end == End::failed) {
                lines.push_back(say(k_failed, deed.target, deed.words));
                m_status = std::max(m_status, 1);
            } else if (deed.end == End::left) {
                lines.push_back(say(k_left, deed.target, deed.words));
            } else if (verbose || deed.end == End::shown) {
                lines.push_back(!deed.freed ? say(k_target_done, deed.target, deed.words)
                                : deed.words.empty()
                                    ? say(k_target, deed.target, format_size(*deed.freed))
                                    : say(k_target_how, deed.target, format_size(*deed.freed), deed.words));
            }
        }
        const bool real = m_effect == Session::Effect::real;
        const std::string name = clean_line(rule);
        add(count == 0 ? say(k_nothing, name)
            : freed    ? say(real ? k_done : k_would, name, counted(count, k_things), format_size(*freed))
                       : say(real ? k_done_only : k_would_only, name, counted(count, k_things)),
            0);
        const std::size_t shown = verbose ? lines.size() : std::min(lines.size(), k_most_shown);
        for (std::size_t i = 0; i < shown; ++i) {
            add(lines[i], 0);
        }
        if (shown < lines.size()) {
            add(say(k_and_more, lines.size() - shown), 0);
        }
    }

    [[nodiscard]] nlohmann::json actions() const { // CONTRACT 26
        nlohmann::json all = nlohmann::json::array();
        for (const Deed& deed : m_sweep.deeds) {
            all.push_back({{"rule", deed.rule},
                           {"target", deed.target},
                           {"freed_bytes", deed.freed.value_or(Bytes{}).count},
                           {"done", deed.end == Deed::End::done},
                           {"detail", deed.words.in(m_session.lang())}});
        }
        return all;
    }

    // That it could not be done is worth a message, and then its end.
    void tell() {
        Text text;
        for (const Deed& deed : m_sweep.deeds) {
            if (deed.end == Deed::End::failed) {
                const Text line = say(k_failed, deed.target, deed.words);
                text = text.empty() ? line : join("\n", {text, line});
            }
        }
        const bool good = text.empty();
        tell_under_key(m_session, "cleanup", good ? Level::resolved : Level::warning, say(k_title),
                       good ? say(k_works_again) : text, k_to_tell);
        if (m_session.settings().memory_report) {
            tell_under_key(m_session, "cleanup-memory", m_short_of_memory ? Level::warning : Level::resolved,
                           say(k_title_memory), m_short_of_memory.value_or(say(k_memory_again)), k_to_tell);
        }
    }

    void log() {
        Log log = m_session.open_log("cleanup.log");
        for (const Deed& deed : m_sweep.deeds) {
            const bool done = deed.end == Deed::End::done;
            log.add(m_session.now(),
                    done                            ? LogLevel::success
                    : deed.end == Deed::End::failed ? LogLevel::error
                                                    : LogLevel::info,
                    clean_line(line_of(deed).in(m_session.lang())));
        }
        if (m_short_of_memory) {
            log.add(m_session.now(), LogLevel::warn, clean_line(m_short_of_memory->in(m_session.lang())));
        }
        if (const Result<void> written = m_session.write(log); !written) {
            m_session.say_aside(say(k_log_failed, error_words(written.error().message)));
        }
    }

    Session& m_session;
    Session::Effect m_effect;
    SteadyTime m_until;
    Sweep m_sweep;
    std::vector<std::string> m_rules; // in the order of the run
    Text m_words;
    std::optional<Text> m_short_of_memory;
    int m_status = 0;
    bool m_stopped = false;
};

int run_in(Session& session) {
    if (const std::optional<int> left = session.open()) {
        return *left;
    }
    if (session.effect() == Session::Effect::real) {
        if (const std::optional<int> left = session.lock()) {
            return *left;
        }
        give_way(k_nice);
    }
    return Run(session).go();
}

} // namespace

int run(const Options& options, World world) {
    Session session(options, world);
    end_process_after(k_longest + k_grace);
    const int status = run_in(session);
    return options.by_old_name && status > 1 ? 1 : options.by_old_name ? 0 : status;
}

} // namespace lectio::cleanup
