#include "scripted_peer.h"

#include "util/unique_fd.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lectio::fuzz {
namespace {

std::vector<std::string_view> g_said;
std::vector<UniqueFd> g_peers; // one for each connection so far

// A peer that sends more than a socket holds is cut there: nobody would read on while it writes.
void say(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::write(fd, text.data(), text.size());
        if (sent <= 0) {
            break;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(fd, SHUT_WR);
}

// `fd` becomes one end of a pair; of the same type, because packets are received otherwise than streams.
int join(int fd) {
    if (g_peers.size() >= g_said.size()) {
        errno = ECONNREFUSED;
        return -1;
    }
    int type = 0;
    socklen_t size = sizeof type;
    std::array<int, 2> pair{};
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        ::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return -1;
    }
    const UniqueFd ours(pair[0]);
    UniqueFd peer(pair[1]);
    const int flags = ::fcntl(fd, F_GETFL);
    ::dup2(ours.get(), fd);
    ::fcntl(fd, F_SETFL, flags);
    ::fcntl(peer.get(), F_SETFL, O_NONBLOCK);
    say(peer.get(), g_said[g_peers.size()]);
    g_peers.push_back(std::move(peer));
    return 0;
}

} // namespace

void script(const std::vector<std::string_view>& said) {
    g_peers.clear();
    g_said = said;
}

std::vector<std::string> heard() {
    std::vector<std::string> all;
    for (const UniqueFd& peer : g_peers) {
        std::string& text = all.emplace_back();
        std::array<char, 4096> part{};
        for (ssize_t size = 0; (size = ::read(peer.get(), part.data(), part.size())) > 0;) {
            text.append(part.data(), static_cast<std::size_t>(size));
        }
    }
    return all;
}

} // namespace lectio::fuzz

// For the libraries, too: an executable's functions come before those of shared libraries.
extern "C" int connect(int fd, const sockaddr*, socklen_t) {
    return lectio::fuzz::join(fd);
}
