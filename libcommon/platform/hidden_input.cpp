#include "platform/hidden_input.h"

#include "platform/stop.h"
#include "util/unique_fd.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_longest_line = 4096;
constexpr int k_look_for_a_stop_ms = 100;

// The terminal's echo, off for as long as this lives.
class NoEcho {
  public:
    explicit NoEcho(int terminal) : m_terminal(terminal) {
        m_changed = ::tcgetattr(terminal, &m_before) == 0;
        if (m_changed) {
            termios silent = m_before;
            silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            silent.c_lflag |= ECHONL;
            m_changed = ::tcsetattr(terminal, TCSAFLUSH, &silent) == 0;
        }
    }
    ~NoEcho() {
        if (m_changed) {
            ::tcsetattr(m_terminal, TCSAFLUSH, &m_before);
        }
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;
    [[nodiscard]] bool works() const { return m_changed; }

  private:
    int m_terminal;
    termios m_before{};
    bool m_changed = false;
};

Result<std::string> read_line(int fd) {
    std::string line;
    while (line.size() < k_longest_line) {
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, k_look_for_a_stop_ms);
        if (stop_requested()) {
            return Error{ErrorKind::timeout, "interrupted"};
        }
        if (ready <= 0) {
            continue;
        }
        char letter = 0;
        const ssize_t got = ::read(fd, &letter, 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (got < 0) {
            return errno_error("read the input", errno);
        }
        if (got == 0 || letter == '\n') {
            break;
        }
        line += letter;
    }
    return line;
}

} // namespace

Result<std::string> read_hidden(std::string_view prompt) {
    const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (!terminal.valid() || ::isatty(STDIN_FILENO) == 0) {
        return Error{ErrorKind::not_found, "there is no terminal"};
    }
    const NoEcho silent(terminal.get());
    if (!silent.works()) {
        return Error{ErrorKind::not_found, "the terminal shows what is typed"};
    }
    if (::write(terminal.get(), prompt.data(), prompt.size()) < 0) {
        return errno_error("write to the terminal", errno);
    }
    return read_line(terminal.get());
}

Result<std::string> read_line_of_stream(const std::string& path) {
    const UniqueFd stream(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return stream.valid() ? read_line(stream.get()) : errno_error("open " + path, errno);
}

Result<std::string> read_line_of_input() {
    return read_line(STDIN_FILENO);
}

} // namespace lectio
