// Task<T>: a coroutine that runs until it waits for the network, and goes on where it stopped.
//
// Checks over HTTP are coroutines, so that a thousand of them cost one thread and read from top to bottom.
// There is no scheduler: a Task starts when it is awaited or start()ed, and whoever completes what it waits
// for resumes it, on the thread of the run's loop. Destroying a Task that waits cancels what it waits for.
//
// Two rules, because of g++ 12: arguments of a coroutine are values or references that outlive the run (never
// temporaries bound to references), and a temporary with a destructor gets a name before `co_await f(it)`.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace lectio {

template<class T>
class [[nodiscard]] Task {
  public:
    struct promise_type {
        std::optional<T> value;
        std::exception_ptr error; // thrown again where the value is taken
        std::coroutine_handle<> continuation;
        std::function<void()> on_done;

        Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
                promise_type& promise = done.promise();
                if (promise.on_done) {
                    promise.on_done(); // may not destroy the Task; it only notes that it is done
                }
                return promise.continuation ? promise.continuation : std::noop_coroutine();
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(T result) { value.emplace(std::move(result)); }
        void unhandled_exception() { error = std::current_exception(); }
        T& take() {
            if (error) {
                std::rethrow_exception(error);
            }
            return *value;
        }
    };

    Task(Task&& other) noexcept : m_handle(std::exchange(other.m_handle, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            m_handle = std::exchange(other.m_handle, nullptr);
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { destroy(); }

    // From outside a coroutine: runs up to the first wait. `on_done` is called once, when done().
    void start(std::function<void()> on_done) {
        m_handle.promise().on_done = std::move(on_done);
        m_handle.resume();
    }
    [[nodiscard]] bool done() const { return m_handle && m_handle.done(); }
    // Only when done(). Throws what the coroutine threw.
    [[nodiscard]] T& value() { return m_handle.promise().take(); }

    // From inside a coroutine: co_await std::move(task).
    auto operator co_await() && noexcept {
        struct Awaiter {
            std::coroutine_handle<promise_type> handle;
            bool await_ready() { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
                handle.promise().continuation = waiting;
                return handle;
            }
            T await_resume() { return std::move(handle.promise().take()); }
        };
        return Awaiter{m_handle};
    }

  private:
    explicit Task(std::coroutine_handle<promise_type> handle) : m_handle(handle) {}
    void destroy() {
        if (m_handle) {
            m_handle.destroy();
            m_handle = nullptr;
        }
    }

    std::coroutine_handle<promise_type> m_handle;
};

} // namespace lectio
