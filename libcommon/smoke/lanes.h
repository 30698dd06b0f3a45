// Lanes: at most so many requests at once; who comes when all are taken waits its turn.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <utility>

namespace lectio {

class Lanes {
  public:
    explicit Lanes(std::size_t count) : m_free(count) {}

    // Held: one lane is taken. Given back when it goes.
    class Lane {
      public:
        explicit Lane(Lanes& lanes) : m_lanes(&lanes) {}
        Lane(Lane&& other) noexcept : m_lanes(std::exchange(other.m_lanes, nullptr)) {}
        Lane& operator=(Lane&&) = delete;
        ~Lane() {
            if (m_lanes != nullptr) {
                m_lanes->give_back();
            }
        }

      private:
        Lanes* m_lanes;
    };

    // const Lane lane = co_await lanes.take();
    class [[nodiscard]] Turn {
      public:
        explicit Turn(Lanes& lanes) : m_lanes(lanes) {}
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() { std::erase(m_lanes.m_waiting, this); }
        bool await_ready() {
            if (m_lanes.m_free == 0) {
                return false;
            }
            --m_lanes.m_free;
            return true;
        }
        void await_suspend(std::coroutine_handle<> waiting) {
            m_handle = waiting;
            m_lanes.m_waiting.push_back(this);
        }
        Lane await_resume() { return Lane(m_lanes); }

      private:
        friend class Lanes;
        Lanes& m_lanes;
        std::coroutine_handle<> m_handle;
    };
    Turn take() { return Turn(*this); }
    // From now on nobody who waits goes on.
    void close() { m_waiting.clear(); }

  private:
    void give_back() {
        if (m_waiting.empty()) {
            ++m_free;
            return;
        }
        Turn* next = m_waiting.front(); // the lane goes straight to it
        m_waiting.pop_front();
        next->m_handle.resume();
    }

    std::size_t m_free;
    std::deque<Turn*> m_waiting;
};

} // namespace lectio
