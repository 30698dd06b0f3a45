#include "platform/launch.h"

#include "platform/child_process.h"
#include "platform/pipes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/wait.h>

namespace lectio {
namespace {

constexpr std::string_view k_listen_pid = "LISTEN_PID="; // sd_listen_fds(3)
constexpr std::size_t k_longest_pid = 20;

// Argument vector or environment, as execve(2) wants it.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_for(Launch::Environment kind) {
    const std::string our_sockets = fmt::format("{}{}", k_listen_pid, ::getpid());
    std::vector<std::string> variables;
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view variable = *each;
        const bool is_watchdog =
            variable.starts_with("WATCHDOG_PID=") || variable.starts_with("WATCHDOG_USEC=");
        if (kind == Launch::Environment::ours || (!is_watchdog && variable != our_sockets)) {
            variables.emplace_back(variable);
        } else if (variable == our_sockets) {
            // Room for a number that only the child knows, who may not allocate any.
            variables.emplace_back(k_listen_pid).append(k_longest_pid, '\0');
        }
    }
    return variables;
}

struct Child {
    std::vector<char*> argv, environment;
    char* pid = nullptr; // where its own number goes; null: nowhere
    int out, err, status;
    pid_t parent;
};

// Only async-signal-safe calls: other threads of ours may hold any lock. (glibc's execvpe() allocates on the stack.)
[[noreturn]] void become(const Child& child) {
    reset_signals();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (child.pid != nullptr) {
        std::to_chars(child.pid, child.pid + k_longest_pid, ::getpid());
    }
    if (::getppid() == child.parent && ::dup2(child.out, STDOUT_FILENO) >= 0 &&
        ::dup2(child.err, STDERR_FILENO) >= 0) {
        ::execvpe(child.argv[0], child.argv.data(), child.environment.data());
    }
    const int reason = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(child.status, &reason, sizeof reason);
    ::_exit(127);
}

// 0: the program runs. Waits until it does, or cannot.
int why_not_started(const UniqueFd& status) {
    int reason = 0;
    ssize_t got = -1;
    do {
        got = ::read(status.get(), &reason, sizeof reason);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof reason) ? reason : 0;
}

} // namespace

Result<pid_t> launch(const Launch& what) {
    Result<Pipe> status = make_pipe();
    LECTIO_TRY(status);
    std::vector<std::string> words = what.command;
    std::vector<std::string> variables = environment_for(what.environment);
    Child child{pointers_to(words), pointers_to(variables), nullptr,   what.out,
                what.err,           status->write.get(),    ::getpid()};
    for (std::string& variable : variables) {
        if (variable.starts_with(k_listen_pid) && variable.back() == '\0') {
            child.pid = variable.data() + k_listen_pid.size();
        }
    }
    const pid_t pid = ::fork();
    if (pid < 0) {
        return errno_error(fmt::format("start {}", words.front()), errno);
    }
    if (pid == 0) {
        become(child);
    }
    status->write.reset();
    if (const int reason = why_not_started(status->read); reason != 0) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return errno_error(fmt::format("start {}", words.front()), reason);
    }
    return pid;
}

} // namespace lectio
