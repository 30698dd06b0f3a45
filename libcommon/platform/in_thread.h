// in_thread: what may block, for a coroutine on the run's loop: the other checks go on meanwhile.
#pragma once

#include "platform/http.h"
#include "platform/threads.h"

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace lectio {

// co_await in_thread<T>(http, work): what `work` returned, or threw. Whoever waits may be destroyed before: the thread
// is then left behind, so `work` owns what it touches, all but the interfaces of the World. An error: no thread could
// be started.
template<class T>
class [[nodiscard]] InThread {
  public:
    InThread(Http& http, std::function<T()> work) : m_http(http), m_work(std::move(work)) {}
    InThread(const InThread&) = delete;
    InThread& operator=(const InThread&) = delete;
    ~InThread() { m_shared->waiting = nullptr; }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        m_shared->waiting = waiting;
        m_started = start_abandonable([shared = m_shared, &http = m_http, work = std::move(m_work)] {
            try {
                shared->value.emplace(work());
            } catch (...) {
                shared->error = std::current_exception();
            }
            http.post([shared] {
                if (shared->waiting) {
                    shared->waiting.resume();
                }
            });
        });
        return m_started.ok();
    }
    Result<T> await_resume() {
        if (!m_started) {
            return m_started.error();
        }
        if (m_shared->error) {
            std::rethrow_exception(m_shared->error);
        }
        return std::move(*m_shared->value);
    }

  private:
    // `waiting` is the loop's alone; the others are the thread's until post(), and the loop's from then on.
    struct Shared {
        std::coroutine_handle<> waiting;
        std::optional<T> value;
        std::exception_ptr error;
    };
    Http& m_http;
    std::function<T()> m_work;
    std::shared_ptr<Shared> m_shared = std::make_shared<Shared>();
    Result<void> m_started;
};

template<class T>
InThread<T> in_thread(Http& http, std::function<T()> work) {
    return {http, std::move(work)};
}

} // namespace lectio
