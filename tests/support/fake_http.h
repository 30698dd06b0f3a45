// FakeHttp: answers by the URL, at a made-up time, and remembers what it was asked.
#pragma once

#include "platform/http.h"
#include "support/fake_clock.h"

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lectio {

class FakeHttp final : public Http {
  public:
    using Handler = std::function<HttpAnswer(const HttpRequest&)>;

    explicit FakeHttp(FakeClock& clock) : m_clock(clock) {}

    // From now on `url` is answered like this, `after` that much of the clock's time. A URL nobody spoke of
    // is refused.
    void on(const std::string& url, HttpAnswer answer, Duration after = {});
    void on(const std::string& url, Handler handler, Duration after = {});
    void on_any(Handler handler); // URLs without an answer of their own
    void never(const std::string& url);

    [[nodiscard]] const std::vector<HttpRequest>& requests() const { return m_requests; } // in order
    [[nodiscard]] std::size_t waiting() const { return m_waiting.size(); } // neither answered nor cancelled

    std::unique_ptr<Transfer> start(HttpRequest request, Done done) override;
    // Hands out one answer that is due. With none due it gives threads a real moment to call wake(), and
    // moves the clock on when none did: to the next answer, at most by `wait`.
    void poll(Duration wait) override;
    void wake() override;
    void post(std::function<void()> what) override;

  private:
    struct Rule {
        Handler answer;
        Duration after{};
        bool never = false;
    };
    struct Waiting {
        SteadyTime due;
        HttpRequest request;
        Handler answer;
        Done done;
    };
    class Handle;

    [[nodiscard]] Rule rule_for(const std::string& url) const;
    bool hand_out_one();
    bool woken_soon();
    bool run_posted();

    FakeClock& m_clock;
    std::map<std::string, Rule> m_rules;
    Rule m_other;
    std::vector<HttpRequest> m_requests;
    std::list<Waiting> m_waiting;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_woken = false;
    std::vector<std::function<void()>> m_posted;
};

// A complete answer with this status and body.
HttpAnswer page(int status, std::string body = "", Headers headers = {});
// No answer: what went wrong, and in which phase.
HttpAnswer failed(HttpAnswer::Failure failure, HttpAnswer::Phase phase = HttpAnswer::Phase::connect,
                  std::string detail = "");

} // namespace lectio
