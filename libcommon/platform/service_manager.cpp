#include "platform/service_manager.h"

#include "platform/environment.h"
#include "util/number.h"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::string_view k_what = "tell systemd";

std::optional<Duration> watchdog_of_ours() {
    const auto whose = environment_variable("WATCHDOG_PID");
    if (whose && number_from<pid_t>(*whose) != ::getpid()) {
        return std::nullopt;
    }
    const auto given = environment_variable("WATCHDOG_USEC");
    const auto microseconds = given ? number_from<std::int64_t>(*given) : std::nullopt;
    if (!microseconds || *microseconds <= 0) {
        return std::nullopt;
    }
    return std::chrono::floor<Duration>(std::chrono::microseconds(*microseconds));
}

} // namespace

ServiceManager ServiceManager::of_this_unit() {
    ServiceManager manager;
    const std::string address = environment_variable("NOTIFY_SOCKET").value_or("");
    const bool is_one = address.starts_with('/') || address.starts_with('@');
    if (is_one && address.size() > 1 && address.size() < sizeof(sockaddr_un::sun_path)) {
        manager.m_address = address;
        manager.m_socket = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }
    manager.m_watchdog = watchdog_of_ours();
    return manager;
}

Result<void> ServiceManager::tell(std::string_view assignments) const {
    if (!listens()) {
        return {};
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, m_address.data(), m_address.size());
    if (m_address.front() == '@') {
        to.sun_path[0] = '\0'; // unix(7): the abstract namespace
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + m_address.size());
    const ssize_t sent = ::sendto(m_socket.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&to), length);
    if (sent < 0) {
        return errno_error(k_what, errno);
    }
    return {};
}

} // namespace lectio
