#include "platform/threads.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

namespace lectio {
namespace {

// Not the process's limit, which may be 64 kB under a service manager or 8 MB times hundreds of checks: resolver
// modules, regular expressions and client libraries have been seen to want some 100 kB.
constexpr std::size_t k_stack_size = std::size_t{1} << 20U;

// A dry run with the example's configuration crashes with 64 kB and works with 96.
constexpr std::size_t k_least_main_stack = std::size_t{256} << 10U;

// Threads here wait far more than they allocate: a heap of its own for each would cost pages and gain nothing.
void share_one_heap() {
    [[maybe_unused]] static const int once = ::mallopt(M_ARENA_MAX, 1);
}

// With a stack of our own size.
class Attributes {
  public:
    explicit Attributes(int detach_state) {
        ::pthread_attr_init(&m_attributes);
        ::pthread_attr_setdetachstate(&m_attributes, detach_state);
        ::pthread_attr_setstacksize(&m_attributes, k_stack_size);
    }
    ~Attributes() { ::pthread_attr_destroy(&m_attributes); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    [[nodiscard]] const pthread_attr_t* get() const { return &m_attributes; }

  private:
    pthread_attr_t m_attributes{};
};

using Work = std::function<void()>;

void* run_and_forget(void* work) {
    (*std::unique_ptr<Work>(static_cast<Work*>(work)))();
    return nullptr;
}

} // namespace

Result<void> start_abandonable(Work work) {
    share_one_heap();
    const Attributes attributes(PTHREAD_CREATE_DETACHED);
    auto owned = std::make_unique<Work>(std::move(work));
    pthread_t ignored{};
    if (const int error = ::pthread_create(&ignored, attributes.get(), &run_and_forget, owned.get());
        error != 0) {
        return errno_error("start a thread", error);
    }
    static_cast<void>(owned.release()); // the thread's own now
    return {};
}

struct SecondThread::Job {
    void run() {
        try {
            work();
        } catch (...) {
            error = std::current_exception();
        }
    }
    static void* run(void* job) {
        static_cast<Job*>(job)->run();
        return nullptr;
    }

    Work work;
    std::exception_ptr error{};
    pthread_t thread{};
    bool started = false;
    bool runs = false; // elsewhere, and nobody has waited for it yet
};

SecondThread::SecondThread(Work work) : m_job(std::make_unique<Job>(Job{std::move(work)})) {
    share_one_heap();
    const Attributes attributes(PTHREAD_CREATE_JOINABLE);
    m_job->runs = ::pthread_create(&m_job->thread, attributes.get(), &Job::run, m_job.get()) == 0;
    m_job->started = m_job->runs;
}

SecondThread::~SecondThread() {
    if (m_job->runs) {
        ::pthread_join(m_job->thread, nullptr);
    }
}

void SecondThread::join() {
    if (m_job->runs) {
        ::pthread_join(m_job->thread, nullptr);
        m_job->runs = false;
    } else if (!m_job->started) {
        m_job->started = true;
        m_job->run();
    }
    if (m_job->error) {
        std::rethrow_exception(std::exchange(m_job->error, nullptr));
    }
}

Result<void> ensure_stack() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_STACK, &limit) != 0 ||
        limit.rlim_cur >= k_stack_size) { // unlimited is the largest
        return {};
    }
    // Root may go beyond the hard limit; another user gets what there is.
    const rlimit wanted{k_stack_size, std::max<rlim_t>(limit.rlim_max, k_stack_size)};
    if (::setrlimit(RLIMIT_STACK, &wanted) == 0) {
        return {};
    }
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_max < k_least_main_stack) {
        return Error{ErrorKind::internal,
                     "the stack limit is below 256 kB: raise it (ulimit -s, LimitSTACK=)"};
    }
    return {};
}

} // namespace lectio
