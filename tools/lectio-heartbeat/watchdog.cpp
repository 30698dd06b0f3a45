#include "watchdog.h"

#include "config/load.h"
#include "heartbeat/job.h"
#include "heartbeat/watchdog.h"
#include "platform/environment.h"
#include "platform/http_failure.h"
#include "platform/http_url.h"
#include "platform/launch.h"
#include "platform/service_manager.h"
#include "platform/signal_set.h"
#include "platform/threads.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <sys/wait.h>

namespace lectio::heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_tick = 1s; // an end whose signal was missed is seen after this
constexpr Duration k_forever = 24h;
constexpr int k_part_of_its = 3; // systemd hears of us thrice in the time that it waits

// What somebody may want to tell the server: to end, to read its settings or open its logs anew, to have more workers. And
// what the kernel tells of it.
constexpr std::array k_awaited{SIGTERM, SIGINT,   SIGQUIT, SIGHUP,  SIGUSR1,
                               SIGUSR2, SIGWINCH, SIGTTIN, SIGTTOU, SIGCHLD};

constexpr Phrase k_starting{"starting, not answered yet", "запускается, ещё не ответил"};
constexpr Phrase k_answers{"answers ({})", "отвечает ({})"};
constexpr Phrase k_silent{"no answer, {} in a row: {}", "не отвечает, {} подряд: {}"};
constexpr Noun k_probes{"probe", "probes", "проверка", "проверки", "проверок"};
constexpr Phrase k_blind{"cannot ask: {}", "спросить не удалось: {}"};
constexpr Phrase k_ending{"ending", "завершается"};
constexpr Phrase k_hangs{"{} hangs: {}; systemd is told to restart it",
                         "{} завис: {}; systemd получает команду перезапустить"};
constexpr Phrase k_hangs_unwatched{"{} hangs: {}; nobody restarts it: its unit has no WatchdogSec=",
                                   "{} завис: {}; перезапускать некому: в юните нет WatchdogSec="};
constexpr Phrase k_answers_again{"{} answers again", "{} снова отвечает"};
constexpr Phrase k_nobody{
    "systemd does not listen: Type=notify, WatchdogSec= and NotifyAccess=all are to stand in the unit; "
    "the command runs unwatched",
    "systemd не слушает: в юните нужны Type=notify, WatchdogSec= и NotifyAccess=all; "
    "команда работает без присмотра"};
constexpr Phrase k_untold{"systemd was not told: {}", "systemd не узнал: {}"};
constexpr Phrase k_would_run{"would watch {} and run: {}", "было бы под присмотром {}, выполнено: {}"};
constexpr Phrase k_gateway{"{}: the proxy answers {}", "{}: прокси отвечает {}"};

bool asks_to_end(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

// The command, from its start to its end. It is never reaped: its number stays its own as long as we live.
class Server {
  public:
    explicit Server(pid_t pid) : m_pid(pid) {}

    void hand_on(int signal) const { ::kill(m_pid, signal); }

    // The end of it, without waiting for one.
    [[nodiscard]] std::optional<siginfo_t> end() const {
        siginfo_t info{};
        const bool known = ::waitid(P_PID, static_cast<id_t>(m_pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
        return known && info.si_pid == m_pid ? std::optional(info) : std::nullopt;
    }

  private:
    pid_t m_pid;
};

// As it ended, we end.
[[noreturn]] void end_alike(const siginfo_t& end) {
    if (end.si_code == CLD_EXITED) {
        ::_exit(end.si_status);
    }
    ::signal(end.si_status, SIG_DFL);
    const sigset_t set = signal_set({end.si_status});
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::kill(::getpid(), end.si_status);
    ::_exit(128 + end.si_status);
}

class Watch {
  public:
    Watch(const Options& options, World& world, Lang lang, Server server)
        : m_options(options), m_world(world), m_lang(lang), m_server(server),
          m_watchdog(options.rules, world.clock.steady()), m_shown(parse_http_url(options.probe)->shown()) {}

    [[noreturn]] void until_its_end() {
        const bool has_thread = start_abandonable([this] { hand_signals_on(); }).ok();
        if (!m_systemd.listens() || !m_systemd.watchdog()) {
            say_aside(say(k_nobody));
        }
        show(say(k_starting));
        for (;;) {
            while (!has_thread &&
                   hand_on_one(Duration::zero())) { // a host out of threads needs its watchdog most
            }
            const auto end = m_server.end(); // looked at first: who asked for it is known by then
            if (m_is_ending) {
                note_that_it_ends();
            }
            if (end) {
                end_alike(*end);
            }
            ask_when_it_is_time();
            feed_when_it_is_time();
            m_world.http.poll(std::clamp(std::chrono::ceil<Duration>(next() - now()), Duration{1}, k_tick));
            take_answer();
        }
    }

  private:
    [[nodiscard]] SteadyTime now() const { return m_world.clock.steady(); }

    // In a thread of its own; nothing runs in a handler.
    [[noreturn]] void hand_signals_on() {
        for (;;) {
            if (hand_on_one(k_forever)) {
                m_world.http.wake();
            }
        }
    }

    // False: none came in that time.
    bool hand_on_one(Duration wait) {
        const sigset_t set = signal_set(k_awaited);
        const std::chrono::seconds whole = std::chrono::floor<std::chrono::seconds>(wait);
        const timespec limit{.tv_sec = whole.count(),
                             .tv_nsec = std::chrono::nanoseconds(wait - whole).count()};
        const int signal = ::sigtimedwait(&set, nullptr, &limit);
        if (signal > 0 && signal != SIGCHLD) {
            m_is_ending = m_is_ending || asks_to_end(signal);
            m_server.hand_on(signal);
        }
        return signal > 0;
    }

    // ── the server is asked ──

    void ask_when_it_is_time() {
        if (m_is_ending || m_transfer || now() < m_next_probe) {
            return;
        }
        m_next_probe = now() + m_options.rules.every;
        HttpRequest request;
        request.url = m_options.probe;
        // Its next worker is as good as its last one, and none of them is kept from others.
        request.headers = {{"Connection", "close"}, {"User-Agent", "lectio-heartbeat"}};
        request.follow = false;
        request.verify = false; // an old certificate is no hang
        request.timeout = request.connect_timeout = request.tls_timeout = m_options.rules.timeout;
        m_transfer = m_world.http.start(std::move(request),
                                        [this](HttpAnswer answer) { m_answer = std::move(answer); });
    }

    void take_answer() {
        if (!m_answer) {
            return;
        }
        m_transfer.reset();
        const HttpAnswer answer = *std::exchange(m_answer, std::nullopt);
        if (m_is_ending) {
            return;
        }
        const bool was_alive = m_watchdog.is_alive(now());
        const bool had_answered = m_watchdog.has_answered();
        const Heard what = heard(answer);
        m_watchdog.take(what);
        const Text words = words_of(answer, what);
        show(words);
        if (!had_answered && m_watchdog.has_answered()) {
            tell("READY=1");
        }
        note_change(was_alive, words);
    }

    [[nodiscard]] Text words_of(const HttpAnswer& answer, Heard what) const {
        if (what == Heard::answer) {
            return say(k_answers, format_duration(std::chrono::round<Duration>(answer.total)));
        }
        const Text why = answer.failure == HttpAnswer::Failure::none ? say(k_gateway, m_shown, answer.status)
                                                                     : http_failure_words(answer, m_shown);
        return what == Heard::unknown ? say(k_blind, why)
                                      : say(k_silent, counted(m_watchdog.failed(), k_probes), why);
    }

    void note_change(bool was_alive, const Text& words) {
        const bool is_alive = m_watchdog.is_alive(now());
        if (was_alive && !is_alive) {
            const bool restarts = m_systemd.listens() && m_systemd.watchdog().has_value();
            say_aside(say(restarts ? k_hangs : k_hangs_unwatched, m_options.command.front(), words));
            if (restarts) {
                tell("WATCHDOG=trigger"); // at once; before systemd 243 WatchdogSec= later
            }
        } else if (!was_alive && is_alive) {
            say_aside(say(k_answers_again, m_options.command.front()));
        }
    }

    // ── systemd is told ──

    void feed_when_it_is_time() {
        const std::optional<Duration> patience = m_systemd.watchdog();
        if (!patience || now() < m_next_feed) {
            return;
        }
        m_next_feed = now() + *patience / k_part_of_its;
        if (m_watchdog.is_alive(now())) {
            tell("WATCHDOG=1");
        }
    }

    void note_that_it_ends() {
        if (std::exchange(m_has_said_that_it_ends, true)) {
            return;
        }
        m_transfer.reset();
        tell("STOPPING=1");
        show(say(k_ending));
    }

    void show(const Text& words) { tell("STATUS=" + clean_line(words.in(m_lang))); }

    // What could not be told is told at the next time; the journal hears of it once.
    void tell(std::string_view what) {
        const Result<void> told = m_systemd.tell(what);
        if (!told && !std::exchange(m_has_complained, true)) {
            say_aside(say(k_untold, error_words(told.error().message)));
        }
    }

    void say_aside(const Text& words) const {
        std::cerr << "lectio-heartbeat: " << clean_line(words.in(m_lang)) << '\n' << std::flush;
    }

    [[nodiscard]] SteadyTime next() const {
        const SteadyTime probe = m_transfer || m_is_ending ? SteadyTime::max() : m_next_probe;
        const SteadyTime feed = m_systemd.watchdog() ? m_next_feed : SteadyTime::max();
        return std::min({probe, feed, now() + k_tick});
    }

    const Options& m_options;
    World& m_world;
    Lang m_lang;
    Server m_server;
    ServiceManager m_systemd = ServiceManager::of_this_unit();
    Watchdog m_watchdog;
    std::string m_shown;
    std::atomic<bool> m_is_ending{false}; // set by the thread that hands signals on
    bool m_has_said_that_it_ends = false, m_has_complained = false;
    SteadyTime m_next_probe{}, m_next_feed{};
    std::optional<HttpAnswer> m_answer;
    std::unique_ptr<Http::Transfer> m_transfer;
};

} // namespace

int run_watchdog(const Options& options, World world) {
    ConfigRequest request;
    request.file = options.common.config;
    request.environment = environment_variable;
    const Lang lang = configured_language(world.files, request); // it needs nothing else of a configuration
    const std::string command = clean_line(fmt::format("{}", fmt::join(options.command, " ")));
    if (options.common.dry_run) {
        std::cout << say(k_would_run, parse_http_url(options.probe)->shown(), command).in(lang) << std::endl;
        return 0;
    }
    // Before the command is there: what comes for it meanwhile waits until it can be handed on.
    const sigset_t set = signal_set(k_awaited);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD,
             SIG_DFL); // a parent may have handed on that it ignores it: the kernel would reap it for us
    const Result<pid_t> server =
        launch({.command = options.command, .environment = Launch::Environment::our_place});
    if (!server) {
        const JobEnd end = judge(server.error(), {});
        std::cerr << "lectio-heartbeat: " << options.command.front() << ": " << end.words.in(lang) << '\n';
        return end.status;
    }
    static Watch watch(options, world, lang, Server(*server)); // its thread goes on when it ends
    watch.until_its_end();
}

} // namespace lectio::heartbeat
