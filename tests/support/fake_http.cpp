#include "support/fake_http.h"

#include <algorithm>
#include <chrono>

namespace lectio {
namespace {

// Long enough for a thread of a made-up check to end on a busy machine, short enough to wait for often.
constexpr auto k_moment = std::chrono::milliseconds(20);

} // namespace

class FakeHttp::Handle final : public Http::Transfer {
  public:
    Handle(std::list<Waiting>& list, std::list<Waiting>::iterator at) : m_list(list), m_request(&*at) {}
    ~Handle() override {
        m_list.remove_if([this](const Waiting& waiting) { return &waiting == m_request; });
    }

  private:
    std::list<Waiting>& m_list;
    const Waiting* m_request;
};

void FakeHttp::on(const std::string& url, HttpAnswer answer, Duration after) {
    on(
        url, [answer = std::move(answer)](const HttpRequest&) { return answer; }, after);
}

void FakeHttp::on(const std::string& url, Handler handler, Duration after) {
    m_rules[url] = Rule{std::move(handler), after, false};
}

void FakeHttp::on_any(Handler handler) {
    m_other = Rule{std::move(handler), {}, false};
}

void FakeHttp::never(const std::string& url) {
    m_rules[url] = Rule{{}, {}, true};
}

FakeHttp::Rule FakeHttp::rule_for(const std::string& url) const {
    const auto own = m_rules.find(url);
    return own != m_rules.end() ? own->second : m_other;
}

std::unique_ptr<Http::Transfer> FakeHttp::start(HttpRequest request, Done done) {
    m_requests.push_back(request);
    Rule rule = rule_for(request.url);
    if (!rule.answer && !rule.never) {
        rule.answer = [](const HttpRequest&) { return failed(HttpAnswer::Failure::refused); };
    }
    const SteadyTime due = rule.never ? SteadyTime::max() : m_clock.steady() + rule.after;
    m_waiting.push_back({due, std::move(request), std::move(rule.answer), std::move(done)});
    return std::make_unique<Handle>(m_waiting, std::prev(m_waiting.end()));
}

void FakeHttp::poll(Duration wait) {
    if (run_posted() || hand_out_one() || woken_soon()) {
        return;
    }
    const auto next = std::min_element(m_waiting.begin(), m_waiting.end(),
                                       [](const Waiting& a, const Waiting& b) { return a.due < b.due; });
    const SteadyTime now = m_clock.steady();
    if (next != m_waiting.end() && next->due < now + wait) {
        m_clock.advance(std::chrono::ceil<Duration>(next->due - now));
        hand_out_one();
    } else {
        m_clock.advance(wait);
    }
}

bool FakeHttp::hand_out_one() {
    const SteadyTime now = m_clock.steady();
    const auto due = std::find_if(m_waiting.begin(), m_waiting.end(),
                                  [&](const Waiting& waiting) { return waiting.due <= now; });
    if (due == m_waiting.end()) {
        return false;
    }
    const Waiting answered = std::move(*due);
    m_waiting.erase(due); // before `done`: that may start or cancel others
    HttpAnswer answer = answered.answer(answered.request);
    if (answer.final_url.empty()) {
        answer.final_url = answered.request.url;
    }
    answered.done(std::move(answer));
    return true;
}

bool FakeHttp::woken_soon() {
    std::unique_lock lock(m_mutex);
    m_wake.wait_for(lock, k_moment, [this] { return m_woken; });
    const bool woken = std::exchange(m_woken, false);
    lock.unlock();
    run_posted();
    return woken;
}

bool FakeHttp::run_posted() {
    std::unique_lock lock(m_mutex);
    const std::vector<std::function<void()>> posted = std::exchange(m_posted, {});
    lock.unlock();
    for (const std::function<void()>& what : posted) {
        what();
    }
    return !posted.empty();
}

void FakeHttp::wake() {
    const std::scoped_lock lock(m_mutex);
    m_woken = true;
    m_wake.notify_all();
}

void FakeHttp::post(std::function<void()> what) {
    const std::scoped_lock lock(m_mutex);
    m_posted.push_back(std::move(what));
    m_woken = true;
    m_wake.notify_all();
}

HttpAnswer page(int status, std::string body, Headers headers) {
    HttpAnswer answer;
    answer.phase = HttpAnswer::Phase::done;
    answer.status = status;
    answer.body = std::move(body);
    answer.headers = std::move(headers);
    answer.total = std::chrono::milliseconds(3);
    return answer;
}

HttpAnswer failed(HttpAnswer::Failure failure, HttpAnswer::Phase phase, std::string detail) {
    HttpAnswer answer;
    answer.failure = failure;
    answer.phase = phase;
    answer.detail = std::move(detail);
    return answer;
}

} // namespace lectio
