#include "platform/dial.h"

#include "platform/resolver.h"
#include "util/result.h"

#include <cerrno>
#include <memory>
#include <system_error>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace lectio {
namespace {

using Failure = Dialled::Failure;

SteadyTime steady_now() {
    return std::chrono::steady_clock::now();
}

struct HostPort {
    std::string host, port;
};
HostPort split_address(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return {host, colon == std::string::npos ? "" : address.substr(colon + 1)};
}

// One numeric address; 0 or the errno.
int connect_one(UniqueFd& fd, const std::string& address, const std::string& port, SteadyTime deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (::getaddrinfo(address.c_str(), port.c_str(), &hints, &list) != 0) {
        return EINVAL;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
    fd = UniqueFd(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) {
        return errno;
    }
    if (::connect(fd.get(), list->ai_addr, list->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    if (!wait_until_ready(fd.get(), POLLOUT, deadline)) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

} // namespace

Failure failure_to_connect(int error_number) {
    switch (error_number) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
        return Failure::unreachable;
    case ETIMEDOUT:
        return Failure::timeout;
    default:
        return is_own_fault(error_number) ? Failure::own_fault : Failure::refused;
    }
}

bool is_own_fault(int error_number) {
    switch (error_number) {
    case EACCES: // also what a packet filter of this host says
    case EPERM:
    case EADDRNOTAVAIL: // all local ports are taken
    case EAFNOSUPPORT:
    case EINVAL:
        return true;
    default:
        return kind_of_errno(error_number) == ErrorKind::internal; // no descriptors, no memory
    }
}

bool wait_until_ready(int fd, short events, SteadyTime deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<Duration>(deadline - steady_now()).count();
        pollfd waiting{fd, events, 0};
        const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left)) : 0;
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

Dialled dial(const std::string& address, SteadyTime deadline) {
    const HostPort target = split_address(address);
    const NameLookup lookup = lookup_in_time(system_lookup, target.host, deadline);
    if (lookup.addresses.empty()) {
        return {lookup.own_fault ? Failure::own_fault : Failure::name, {}, lookup.error};
    }
    Dialled dialled;
    auto left = static_cast<long>(lookup.addresses.size());
    for (const std::string& numeric : lookup.addresses) {
        UniqueFd fd;
        const SteadyTime until = steady_now() + (deadline - steady_now()) / left--;
        const int error = connect_one(fd, numeric, target.port, until);
        if (error == 0) {
            return {Failure::none, std::move(fd), ""};
        }
        const Failure failure = failure_to_connect(error);
        if (failure != Failure::own_fault || dialled.failure == Failure::none) {
            dialled.failure = failure;
            dialled.detail = std::generic_category().message(error);
        }
    }
    return dialled;
}

} // namespace lectio
