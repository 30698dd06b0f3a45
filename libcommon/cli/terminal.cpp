#include "cli/terminal.h"

#include <cerrno>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lectio {
namespace {

// Returns also where writing will fail: write() says why.
void wait_until_writable(int fd) {
    pollfd waited{fd, POLLOUT, 0};
    [[maybe_unused]] const int ready = ::poll(&waited, 1, -1);
}

bool is_dumb() {
    const char* term = std::getenv("TERM");
    return term == nullptr || std::string_view(term) == "dumb";
}

} // namespace

Result<void> write_whole(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            wait_until_writable(fd);
        } else if (errno != EINTR) {
            return errno_error("write the report", errno);
        }
    }
    return {};
}

Colour wanted_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    const bool refused = no_color != nullptr && *no_color != '\0';
    return !refused && !is_dumb() && ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
}

std::optional<TerminalSize> terminal_size() {
    winsize size{};
    if (is_dumb() || ::isatty(STDOUT_FILENO) != 1) {
        return std::nullopt;
    }
    const bool is_known =
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    return is_known ? TerminalSize{size.ws_row, size.ws_col} : TerminalSize{};
}

Result<void> print(std::string_view text) {
    return write_whole(STDOUT_FILENO, text);
}

void complain(std::string_view text) {
    [[maybe_unused]] const Result<void> ignored = write_whole(STDERR_FILENO, text);
}

void ensure_standard_streams() {
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            // The lowest free number is this one; it must stay open, for us and for children. Standard input
            // opens read-only, the others write-only: a report into a closed stdout is then lost silently, so
            // print() must fail instead. /dev/full does just that.
            [[maybe_unused]] const int opened = fd == 0
                                                    ? ::open("/dev/null", O_RDONLY)
                                                    : ::open(fd == 1 ? "/dev/full" : "/dev/null", O_WRONLY);
        }
    }
}

} // namespace lectio
