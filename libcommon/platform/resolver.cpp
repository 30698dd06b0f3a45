#include "platform/resolver.h"

#include "platform/threads.h"
#include "util/network.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

namespace lectio {
namespace {

struct Candidate {
    std::string address;
    bool routable = true;
};

// Connecting a UDP socket sends nothing; it only asks the kernel for a route.
bool has_route(const addrinfo& target) {
    const UniqueFd fd(::socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return fd.valid() && ::connect(fd.get(), target.ai_addr, target.ai_addrlen) == 0;
}

std::string numeric(const addrinfo& target) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int failed = ::getnameinfo(target.ai_addr, target.ai_addrlen, text.data(), text.size(), nullptr, 0,
                                     NI_NUMERICHOST);
    return failed == 0 ? text.data() : std::string();
}

// What the C library says then depends on how far it came ("Name or service not known" as well), so it is tried
// whether anybody could have been asked at all.
bool is_own_fault(int code) {
    if (code == EAI_MEMORY) {
        return true;
    }
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return !fd.valid() && kind_of_errno(errno) == ErrorKind::internal;
}

void drop_unroutable(std::vector<Candidate>& candidates) {
    const auto routable = [](const Candidate& candidate) { return candidate.routable; };
    if (std::any_of(candidates.begin(), candidates.end(), routable)) {
        std::erase_if(candidates, [&](const Candidate& candidate) { return !routable(candidate); });
    }
}

} // namespace

NameLookup system_lookup(const std::string& name) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_IDN; // names like пример.рф
    addrinfo* list = nullptr;
    if (const int code = ::getaddrinfo(name.c_str(), "80", &hints, &list); code != 0) {
        return {{}, ::gai_strerror(code), is_own_fault(code)};
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
    std::vector<Candidate> candidates;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        if (std::string address = numeric(*entry); !address.empty()) {
            candidates.push_back({std::move(address), has_route(*entry)});
        }
    }
    drop_unroutable(candidates);
    NameLookup lookup;
    for (Candidate& candidate : candidates) {
        lookup.addresses.push_back(std::move(candidate.address));
    }
    if (lookup.addresses.empty()) {
        lookup.error = "no address";
    }
    return lookup;
}

struct Resolver::Question {
    std::mutex mutex;
    bool answered = false;
    NameLookup lookup; // not changed any more once answered

    bool has_failed() {
        const std::scoped_lock lock(mutex);
        return answered && lookup.addresses.empty();
    }
    void put(NameLookup found) {
        const std::scoped_lock lock(mutex);
        lookup = std::move(found);
        answered = true;
    }
};

Resolver::Resolver(Ask ask, std::shared_ptr<const Wake> wake)
    : m_ask(std::move(ask)), m_wake(std::move(wake)) {}

void Resolver::ask(const std::string& name) {
    std::shared_ptr<Question>& question = m_questions[name];
    if (question != nullptr && !question->has_failed()) {
        return;
    }
    question = std::make_shared<Question>();
    const auto started = start_abandonable([ask = m_ask, question, wake = m_wake, name] {
        question->put(ask(name));
        wake->wake();
    });
    if (!started.ok()) {
        question->put({{}, started.error().message, true});
    }
}

const NameLookup* Resolver::answer(const std::string& name) {
    const auto found = m_questions.find(name);
    if (found == m_questions.end()) {
        return nullptr;
    }
    const std::scoped_lock lock(found->second->mutex);
    return found->second->answered ? &found->second->lookup : nullptr;
}

NameLookup lookup_in_time(const Resolver::Ask& ask, const std::string& name, SteadyTime deadline) {
    if (is_ip_address(name)) {
        return {{name}, ""};
    }
    struct Answer { // shared with the thread
        std::mutex mutex;
        std::condition_variable come;
        std::optional<NameLookup> lookup;
    };
    const auto answer = std::make_shared<Answer>();
    const auto started = start_abandonable([ask, name, answer] {
        NameLookup lookup = ask(name);
        const std::scoped_lock lock(answer->mutex);
        answer->lookup = std::move(lookup);
        answer->come.notify_one();
    });
    if (!started.ok()) {
        return {{}, started.error().message, true};
    }
    const SteadyTime until = std::min(deadline, std::chrono::steady_clock::now() + k_longest_lookup);
    std::unique_lock lock(answer->mutex);
    const bool in_time = answer->come.wait_until(lock, until, [&] { return answer->lookup.has_value(); });
    return in_time ? *std::move(answer->lookup) : NameLookup{{}, "the DNS server is silent"};
}

} // namespace lectio
