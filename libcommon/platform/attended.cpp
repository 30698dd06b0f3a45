#include "platform/attended.h"

#include "platform/descendants.h"
#include "platform/launch.h"
#include "platform/pipes.h"
#include "platform/stop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lectio {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Duration k_tick{100}; // how often a wish to stop and the limit are looked at
// A pipe that says it can be written to takes as much without waiting (pipe(7): PIPE_BUF).
constexpr std::size_t k_piece = 4096;
// What has ended has written all. Whoever does not read it now (a terminal that was halted) holds us up no longer.
constexpr Duration k_to_pass_the_rest_on{5'000};

// One of its two outputs on the way to ours.
class Relay {
  public:
    Relay(UniqueFd from, int to) : m_from(std::move(from)), m_to(to) { make_nonblocking(m_from); }

    // What is to be waited for: room while something is held, else something to read.
    [[nodiscard]] pollfd wish() const {
        return m_held.empty() ? pollfd{m_from.get(), POLLIN, 0} : pollfd{m_to, POLLOUT, 0};
    }
    [[nodiscard]] bool is_open() const { return m_from.valid() || !m_held.empty(); }

    // Something has come, or there is room. True: it got on.
    bool go_on(std::string& tail, std::size_t kept) { return m_held.empty() ? take(tail, kept) : pass_on(); }

  private:
    bool take(std::string& tail, std::size_t kept) {
        if (!m_from.valid()) {
            return false;
        }
        std::array<char, k_piece> piece{};
        const ssize_t got = ::read(m_from.get(), piece.data(), piece.size());
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        if (got <= 0) {
            m_from.reset();
            return false;
        }
        const std::string_view text(piece.data(), static_cast<std::size_t>(got));
        tail += text;
        if (tail.size() > 2 * kept + k_piece) { // not for each piece anew
            tail.erase(0, tail.size() - kept);
        }
        if (!m_is_deaf) {
            m_held = text;
        }
        return true;
    }

    // Who reads us no more keeps no job from ending well: it goes on, unheard.
    bool pass_on() {
        const ssize_t written = ::write(m_to, m_held.data(), m_held.size());
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        if (written < 0) {
            m_is_deaf = true;
            m_held.clear();
            return true;
        }
        m_held.erase(0, static_cast<std::size_t>(written));
        return true;
    }

    UniqueFd m_from;
    int m_to;
    std::string m_held;
    bool m_is_deaf = false;
};

class Attendance {
  public:
    Attendance(const AttendedRequest& request, pid_t child, UniqueFd out, UniqueFd err)
        : m_request(request), m_child(child), m_ended(open_pidfd(child)), m_out(std::move(out), request.out),
          m_err(std::move(err), request.err) {}

    AttendedAnswer until_its_end() {
        while (!has_ended()) {
            ask_to_end_when_it_must();
            serve(k_tick);
        }
        pass_the_rest_on();
        reap();
        AttendedAnswer answer = std::move(m_answer);
        if (answer.tail.size() > m_request.tail.count) {
            answer.tail.erase(0, answer.tail.size() - m_request.tail.count);
        }
        answer.took = std::chrono::duration_cast<Duration>(Steady::now() - m_begun);
        return answer;
    }

  private:
    // It is reaped at the very end: until then its number cannot be given to another.
    [[nodiscard]] bool has_ended() const {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(m_child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
               info.si_pid == m_child;
    }

    void ask_to_end_when_it_must() {
        const Steady::time_point now = Steady::now();
        if (m_asked) {
            if (now >= *m_asked + m_request.grace) {
                end_descendants(m_child);
                ::kill(m_child, SIGKILL);
            }
            return;
        }
        if (stop_requested()) {
            m_answer.stopped = stop_signal();
            ask(m_answer.stopped);
        } else if (m_request.limit && now >= m_begun + *m_request.limit) {
            m_answer.overran = true;
            ask(SIGTERM);
        }
    }

    void ask(int signal) {
        m_asked = Steady::now();
        ::kill(m_child, signal);
        ::kill(m_child, SIGCONT); // one that was halted would not hear it
    }

    // Waits at most this long for something to happen, and does what can be done without waiting. True: it got on.
    bool serve(Duration wait) {
        // poll() leaves out negative descriptors: those that are closed.
        std::array<pollfd, 3> watched{m_out.wish(), m_err.wish(), pollfd{m_ended.get(), POLLIN, 0}};
        if (::poll(watched.data(), watched.size(), static_cast<int>(wait.count())) <= 0) {
            return false;
        }
        bool got_on = false;
        if (watched[0].revents != 0) {
            got_on = m_out.go_on(m_answer.tail, m_request.tail.count);
        }
        if (watched[1].revents != 0) {
            got_on = m_err.go_on(m_answer.tail, m_request.tail.count) || got_on;
        }
        return got_on;
    }

    // What lies in the pipes. They may stay open: what it left in the background has them, too.
    void pass_the_rest_on() {
        m_ended.reset(); // readable from now on
        const Steady::time_point until = Steady::now() + k_to_pass_the_rest_on;
        while (Steady::now() < until && (m_out.is_open() || m_err.is_open())) {
            const bool holds = m_out.wish().events == POLLOUT || m_err.wish().events == POLLOUT;
            if (!serve(holds ? k_tick : Duration::zero()) && !holds) {
                return; // nothing lies there any more
            }
        }
    }

    void reap() {
        int status = 0;
        while (::waitpid(m_child, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFEXITED(status)) {
            m_answer.exit_status = WEXITSTATUS(status);
        } else {
            m_answer.signal = WTERMSIG(status);
        }
    }

    const AttendedRequest& m_request;
    pid_t m_child;
    UniqueFd m_ended; // not valid on kernels before 5.3: then the tick finds the end
    Relay m_out, m_err;
    AttendedAnswer m_answer;
    Steady::time_point m_begun = Steady::now();
    std::optional<Steady::time_point> m_asked; // to end
};

} // namespace

Result<AttendedAnswer> attend(const AttendedRequest& request) {
    Result<Pipe> out = make_pipe();
    LECTIO_TRY(out);
    Result<Pipe> err = make_pipe();
    LECTIO_TRY(err);
    const Result<pid_t> child = launch({request.command, out->write.get(), err->write.get()});
    LECTIO_TRY(child);
    out->write.reset();
    err->write.reset();
    return Attendance(request, *child, std::move(out->read), std::move(err->read)).until_its_end();
}

} // namespace lectio
