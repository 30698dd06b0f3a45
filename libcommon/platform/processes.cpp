#include "platform/processes.h"

#include "platform/child_process.h"
#include "platform/descendants.h"
#include "platform/pipes.h"
#include "platform/signal_set.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lectio {
namespace {

using Steady = std::chrono::steady_clock;

constexpr const char* k_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// How often a request to stop is looked at (CONTRACT 23: the run ends within a second).
constexpr Duration k_tick{100};
// A killed process that does not go (it hangs in the kernel on a dead disk) is left to init after this.
constexpr Duration k_patience_after_kill{1000};

// ── before the fork: everything that may allocate, look up names or take a lock ──

struct Plan {
    std::string program;
    std::vector<std::string> arguments, environment;
    std::vector<char*> argv, envp;
    std::string folder;
    bool change_user = false;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        if (!name.starts_with('/')) {
            return Error{ErrorKind::invalid, fmt::format("unable to start {}: not an absolute path", name)};
        }
        return name; // whether it can be started is told by execve()
    }
    for (const std::string_view folder : split(k_path, ':')) {
        std::string candidate = fmt::format("{}/{}", folder, name);
        struct stat status {};
        if (::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
            ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
    }
    return Error{ErrorKind::not_found, fmt::format("unable to start {}: not found in {}", name, k_path)};
}

Result<void> plan_user(const std::string& name, Plan& plan, std::string& home) {
    if (name.empty()) {
        const Result<User> ourselves = find_user(::geteuid());
        home = ourselves ? ourselves->home : home; // a user without a name has no home, and needs none
        return {};
    }
    Result<User> user = find_user(name);
    LECTIO_TRY(user);
    home = user->home;
    if (user->uid == ::geteuid()) {
        return {};
    }
    if (::geteuid() != 0) {
        return Error{ErrorKind::permission,
                     fmt::format("unable to run a program as {}: only root may do that", name)};
    }
    plan.change_user = true;
    plan.uid = user->uid;
    plan.gid = user->gid;
    plan.groups = groups_of(*user);
    return {};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

Result<Plan> make_plan(const ProcessRequest& request) {
    if (request.command.empty() || request.command.front().empty()) {
        return Error{ErrorKind::invalid, "unable to start a program: the command is empty"};
    }
    Result<std::string> program = find_program(request.command.front());
    LECTIO_TRY(program);
    Plan plan;
    plan.program = std::move(*program);
    plan.arguments = request.command;
    plan.folder = request.folder;
    std::string home = "/";
    LECTIO_TRY(plan_user(request.user, plan, home));
    // Ours may hold secrets (the env file) and what would change the program's behaviour (LD_*, PYTHON*).
    plan.environment = {fmt::format("PATH={}", k_path), "LANG=C.UTF-8", fmt::format("HOME={}", home)};
    for (const auto& [name, value] : request.environment) {
        std::erase_if(plan.environment, [&](const std::string& entry) {
            return entry.starts_with(name) && entry.substr(name.size()).starts_with('=');
        });
        plan.environment.push_back(fmt::format("{}={}", name, value));
    }
    return plan;
}

// ── the child: only async-signal-safe calls, because other threads of ours held locks at the fork ──

enum class Stage : int { none, user, folder, descriptors, program };

struct Failure { // sent through the status pipe, which closes itself when the program starts
    Stage stage = Stage::none;
    int reason = 0;
};

struct ChildEnds {
    int in, out, err, status;
};

bool become_user(const Plan& plan) {
    return !plan.change_user ||
           (::setgroups(plan.groups.size(), plan.groups.data()) == 0 &&
            ::setresgid(plan.gid, plan.gid, plan.gid) == 0 && ::setresuid(plan.uid, plan.uid, plan.uid) == 0);
}

bool place_descriptors(const ChildEnds& ends) {
    if (::dup2(ends.in, STDIN_FILENO) < 0 || ::dup2(ends.out, STDOUT_FILENO) < 0 ||
        ::dup2(ends.err, STDERR_FILENO) < 0) {
        return false;
    }
    // Ours are all O_CLOEXEC; this is for those that a library opened without it or that we were given.
    return ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0 || errno == ENOSYS ||
           errno == EINVAL;
}

[[noreturn]] void give_up(int status_pipe, Stage stage) {
    const Failure failure{stage, errno};
    [[maybe_unused]] const ssize_t ignored = ::write(status_pipe, &failure, sizeof failure);
    ::_exit(127);
}

[[noreturn]] void be_child(const Plan& plan, const ChildEnds& ends, pid_t parent) {
    // A group of its own, to be ended whole, and no terminal: a plugin of another user would type into root's shell
    // through /dev/tty (TIOCSTI) when a run is started by hand.
    ::setsid();
    reset_signals();
    if (!become_user(plan)) {
        give_up(ends.status, Stage::user);
    }
    // After the change of user, which clears it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127); // the parent died before that
    }
    ::umask(022);
    if (::chdir(plan.folder.c_str()) != 0) {
        give_up(ends.status, Stage::folder);
    }
    if (!place_descriptors(ends)) {
        give_up(ends.status, Stage::descriptors);
    }
    ::execve(plan.program.c_str(), plan.argv.data(), plan.envp.data());
    give_up(ends.status, Stage::program);
}

// ── the parent ──

// Writing to a program that does not read would end us; ignoring SIGPIPE for the whole process is not for
// a library to decide.
class NoSigpipe {
  public:
    NoSigpipe() {
        sigset_t pending;
        ::sigpending(&pending);
        m_was_pending = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &m_pipe, &m_before);
    }
    ~NoSigpipe() {
        if (!m_was_pending) { // only what we caused is taken away
            const timespec at_once{};
            while (::sigtimedwait(&m_pipe, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

  private:
    sigset_t m_pipe = signal_set({SIGPIPE});
    sigset_t m_before{};
    bool m_was_pending = false;
};

// Groups of programs that are being attended, so that the process can end them when it leaves.
// A child that has only just been forked may not have a group yet.
void end_group(pid_t leader) {
    ::kill(-leader, SIGKILL);
    ::kill(leader, SIGKILL);
}

std::mutex g_groups_mutex;
std::set<pid_t> g_groups;

class ListedGroup {
  public:
    explicit ListedGroup(pid_t group) : m_group(group) {
        const std::scoped_lock lock(g_groups_mutex);
        g_groups.insert(m_group);
    }
    ~ListedGroup() { strike_off(); }
    ListedGroup(const ListedGroup&) = delete;
    ListedGroup& operator=(const ListedGroup&) = delete;
    // Before its leader is reaped: from then on the number may be somebody else's.
    void strike_off() {
        const std::scoped_lock lock(g_groups_mutex);
        g_groups.erase(m_group);
    }

  private:
    pid_t m_group;
};

class Child {
  public:
    Child(pid_t pid, std::string name, const ProcessRequest& request)
        : m_pid(pid), m_listed(pid), m_pidfd(open_pidfd(pid)), m_name(std::move(name)), m_request(request),
          m_input(request.input) {}

    Result<ProcessAnswer> attend(UniqueFd in, UniqueFd out, UniqueFd err, UniqueFd status);

  private:
    enum class End { exited, lost, timed_out, stopped };
    enum class Life { running, ended, lost };
    End serve_until_end();
    void serve_pipes(Duration wait);
    void feed();
    void collect(UniqueFd& from, std::string& to);
    void collect_status();
    [[nodiscard]] Life life() const;
    void end_programs(End end) const;
    void reap();
    [[nodiscard]] Error failure() const;

    pid_t m_pid;
    ListedGroup m_listed;
    UniqueFd m_pidfd; // not valid on kernels before 5.3: then the tick finds the end
    std::string m_name;
    const ProcessRequest& m_request;
    std::string_view m_input;
    UniqueFd m_in, m_out, m_err, m_status;
    Failure m_failure;
    ProcessAnswer m_answer;
    Steady::time_point m_begun = Steady::now();
};

Result<ProcessAnswer> Child::attend(UniqueFd in, UniqueFd out, UniqueFd err, UniqueFd status) {
    m_in = std::move(in), m_out = std::move(out), m_err = std::move(err), m_status = std::move(status);
    for (const UniqueFd* fd : {&m_in, &m_out, &m_err, &m_status}) {
        if (fd->valid()) { // files of the caller's are none of our pipes
            make_nonblocking(*fd);
        }
    }
    const End end = serve_until_end();
    if (end == End::lost) { // from here on its number may be somebody else's
        m_listed.strike_off();
        return Error{ErrorKind::internal,
                     fmt::format("unable to learn the exit status of {}: its end was taken from us", m_name)};
    }
    end_programs(end);
    if (end == End::exited) {
        serve_pipes(Duration::zero()); // what it wrote last
    }
    reap();
    m_answer.timed_out = end == End::timed_out;
    m_answer.took = std::chrono::duration_cast<Duration>(Steady::now() - m_begun);
    if (m_failure.stage != Stage::none) {
        return failure();
    }
    if (end == End::stopped) {
        return Error{ErrorKind::timeout, fmt::format("{} was ended: this run was asked to stop", m_name)};
    }
    return std::move(m_answer);
}

Child::End Child::serve_until_end() {
    const Steady::time_point deadline = m_begun + m_request.timeout;
    for (;;) {
        const Life now_is = life();
        if (now_is != Life::running) {
            return now_is == Life::ended ? End::exited : End::lost;
        }
        const Steady::time_point now = Steady::now();
        if (now >= deadline || (m_request.enough && m_request.enough())) {
            return End::timed_out;
        }
        if (stop_requested()) {
            return End::stopped;
        }
        const auto left = std::chrono::ceil<Duration>(deadline - now);
        serve_pipes(std::min(left, m_pidfd.valid() ? k_tick : k_tick / 10));
    }
}

// Waits at most this long for something to happen, and takes and gives what can be had without waiting.
void Child::serve_pipes(Duration wait) {
    // poll() leaves out negative descriptors: those that are closed.
    std::array<pollfd, 5> watched{{{m_in.get(), POLLOUT, 0},
                                   {m_out.get(), POLLIN, 0},
                                   {m_err.get(), POLLIN, 0},
                                   {m_status.get(), POLLIN, 0},
                                   {m_pidfd.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), static_cast<int>(wait.count())) <= 0) {
        return;
    }
    if (watched[0].revents != 0) {
        feed();
    }
    if (watched[1].revents != 0) {
        collect(m_out, m_answer.out);
    }
    if (watched[2].revents != 0) {
        collect(m_err, m_answer.err);
    }
    if (watched[3].revents != 0) {
        collect_status();
    }
}

void Child::feed() {
    const NoSigpipe guard;
    const ssize_t written = ::write(m_in.get(), m_input.data(), m_input.size());
    if (written >= 0) {
        m_input.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EINTR) {
        return;
    }
    if (written < 0 || m_input.empty()) {
        m_in.reset(); // all given, or the program does not want it
    }
}

// Everything that is there, so that the program never waits for us; kept up to the limit.
void Child::collect(UniqueFd& from, std::string& to) {
    std::array<char, 16384> buffer{};
    // A program that writes faster than we read must not keep us from the clock.
    for (int rounds = 0; rounds < 64; ++rounds) {
        const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
            return;
        }
        if (got <= 0) {
            from.reset();
            return;
        }
        const auto size = static_cast<std::size_t>(got);
        const std::size_t kept = std::min<std::size_t>(size, m_request.max_output.count - to.size());
        to.append(buffer.data(), kept);
        m_answer.cut = m_answer.cut || kept < size;
    }
}

void Child::collect_status() {
    Failure failure;
    const ssize_t got = ::read(m_status.get(), &failure, sizeof failure);
    if (got == static_cast<ssize_t>(sizeof failure)) {
        m_failure = failure;
    }
    m_status.reset();
}

// Without reaping it: until then its number, and that of its group, cannot be given to another.
Child::Life Child::life() const {
    constexpr int k_only_look = WEXITED | WNOHANG | WNOWAIT;
    siginfo_t info{};
    const bool by_handle = m_pidfd.valid();
    int outcome = by_handle ? ::waitid(P_PIDFD, static_cast<id_t>(m_pidfd.get()), &info, k_only_look) : -1;
    if (!by_handle || (outcome != 0 && errno == EINVAL)) { // Linux 5.3 has handles that it does not wait for
        outcome = ::waitid(P_PID, static_cast<id_t>(m_pid), &info, k_only_look);
    }
    if (outcome != 0) {
        return errno == ECHILD ? Life::lost : Life::running;
    }
    return info.si_pid == m_pid ? Life::ended : Life::running;
}

// Also after a normal exit: what a program leaves running in its group was not asked for. What it put into a
// session of its own was; that is ended only where the program itself must be.
void Child::end_programs(End end) const {
    if (end != End::exited) {
        end_descendants(m_pid);
    }
    end_group(m_pid);
}

void Child::reap() {
    const Steady::time_point deadline = Steady::now() + k_patience_after_kill;
    while (life() == Life::running && Steady::now() < deadline) {
        pollfd ended{m_pidfd.get(), POLLIN, 0};
        ::poll(&ended, 1, static_cast<int>((k_tick / 10).count()));
    }
    m_listed.strike_off();
    int status = 0;
    if (::waitpid(m_pid, &status, WNOHANG) != m_pid) {
        m_answer.signal = SIGKILL;
    } else if (WIFEXITED(status)) {
        m_answer.exit_status = WEXITSTATUS(status);
    } else {
        m_answer.signal = WTERMSIG(status);
    }
}

Error Child::failure() const {
    switch (m_failure.stage) {
    case Stage::user:
        return errno_error(fmt::format("start {} as {}", m_name, m_request.user), m_failure.reason);
    case Stage::folder:
        return errno_error(fmt::format("start {} in {}", m_name, m_request.folder), m_failure.reason);
    default:
        return errno_error(fmt::format("start {}", m_name), m_failure.reason);
    }
}

} // namespace

Result<ProcessAnswer> SystemProcesses::run(const ProcessRequest& request) {
    Result<Plan> plan = make_plan(request);
    LECTIO_TRY(plan);
    plan->argv = pointers_to(plan->arguments);
    plan->envp = pointers_to(plan->environment);
    std::array<Pipe, 4> pipes;
    for (Pipe& pipe : pipes) {
        Result<Pipe> made = make_pipe();
        LECTIO_TRY(made);
        pipe = std::move(*made);
    }
    auto& [in, out, err, status] = pipes;
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return errno_error(fmt::format("start {}", plan->program), errno);
    }
    if (pid == 0) {
        be_child(*plan,
                 {request.input_from < 0 ? in.read.get() : request.input_from,
                  request.output_to < 0 ? out.write.get() : request.output_to, err.write.get(),
                  status.write.get()},
                 parent);
    }
    in.read.reset();
    out.write.reset();
    err.write.reset();
    status.write.reset();
    if (request.input_from >= 0) {
        in.write.reset();
    }
    if (request.output_to >= 0) {
        out.read.reset();
    }
    return Child(pid, plan->program, request)
        .attend(std::move(in.write), std::move(out.read), std::move(err.read), std::move(status.read));
}

void end_running_programs() {
    const std::scoped_lock lock(g_groups_mutex);
    for (const pid_t group : g_groups) {
        end_descendants(group);
        end_group(group);
    }
}

} // namespace lectio
