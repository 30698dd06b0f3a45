#include "platform/tcp_probe.h"

#include "platform/dial.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

namespace lectio {
namespace {

using Failure = TcpSample::Failure;
using Phase = TcpSample::Phase;

class Exchange {
  public:
    Exchange(int fd, SteadyTime deadline, TcpSample& sample)
        : m_fd(fd), m_deadline(deadline), m_sample(sample) {}

    // False: it failed, and why is noted.
    bool send_all(std::string_view bytes) {
        m_sample.phase = Phase::sending;
        while (!bytes.empty()) {
            const auto sent =
                step(POLLOUT, [&] { return ::send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
            if (!sent) {
                return false;
            }
            bytes.remove_prefix(*sent);
        }
        return true;
    }

    // Until `expected` has come, the peer has closed, the limit is reached or it failed.
    void read_until(std::string_view expected) {
        m_sample.phase = Phase::reading;
        std::array<char, 4096> buffer{};
        std::string& answer = m_sample.answer;
        std::size_t looked_at = 0; // no match begins before
        while (answer.find(expected, looked_at) == std::string::npos &&
               answer.size() < k_most_tcp_answer.count) {
            looked_at = answer.size() - std::min(answer.size(), expected.size());
            const std::size_t room = std::min(buffer.size(), k_most_tcp_answer.count - answer.size());
            const auto came = step(POLLIN, [&] { return ::recv(m_fd, buffer.data(), room, 0); });
            if (!came || *came == 0) {
                return;
            }
            answer.append(buffer.data(), *came);
        }
    }

  private:
    // One system call that moved bytes, once the peer is ready for it; nothing: it failed, and why is noted.
    template<class Call>
    std::optional<std::size_t> step(short events, Call call) {
        for (;;) {
            if (!wait_until_ready(m_fd, events, m_deadline)) {
                m_sample.failure = Failure::timeout;
                return std::nullopt;
            }
            const ssize_t moved = call();
            if (moved >= 0) {
                return static_cast<std::size_t>(moved);
            }
            if (errno != EAGAIN && errno != EINTR) {
                m_sample.failure = is_own_fault(errno) ? Failure::own_fault : Failure::broken;
                m_sample.detail = std::generic_category().message(errno);
                return std::nullopt;
            }
        }
    }

    int m_fd;
    SteadyTime m_deadline;
    TcpSample& m_sample;
};

} // namespace

TcpSample tcp_probe(const TcpQuestion& question) {
    const SteadyTime begun = std::chrono::steady_clock::now();
    const SteadyTime deadline = begun + question.timeout;
    const Dialled dialled = dial(question.address, deadline);
    TcpSample sample;
    sample.failure = failure_as<Failure>(dialled.failure);
    sample.detail = dialled.detail;
    sample.took = std::chrono::floor<Duration>(std::chrono::steady_clock::now() - begun);
    if (!dialled.fd.valid()) {
        return sample;
    }
    Exchange exchange(dialled.fd.get(), deadline, sample);
    if (!question.send.empty() && !exchange.send_all(question.send.reveal())) {
        return sample;
    }
    if (!question.expect.empty()) {
        exchange.read_until(question.expect);
    }
    return sample;
}

} // namespace lectio
