#include "release/canary.h"

#include "platform/clock.h"
#include "platform/http.h"
#include "platform/stop.h"
#include "platform/threads.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_between_tries = 100ms;
constexpr Duration k_longest_answer = 20s;
constexpr Duration k_to_end = 10s;
constexpr std::size_t k_longest_line = 200;

constexpr Phrase k_answered{"it answers HTTP {} to {}", "отвечает HTTP {} на {}"};
constexpr Phrase k_silent{"no answer to {} within {}", "нет ответа на {} за {}"};
constexpr Phrase k_ended{"it has ended by itself: {}", "завершился сам: {}"};
constexpr Phrase k_said_nothing{"without a word", "ничего не сказав"};
constexpr Phrase k_stopped{"stopped by a signal", "остановлено сигналом"};

// A server that did not start has said why before it said that it goes: "ModuleNotFoundError: …", then "Shutting down".
std::string telling_line(const ProcessAnswer& answer) {
    std::string_view last, error;
    for (const std::string_view line : split_lines(answer.err.empty() ? answer.out : answer.err)) {
        const std::string_view text = trim(line);
        last = text.empty() ? last : text;
        error = text.find("Error") != std::string_view::npos ? text : error;
    }
    return shorten(redact(clean_line(error.empty() ? last : error)), k_longest_line);
}

// The program in a thread of its own; ended with this.
class Running {
  public:
    Running(World& world, ProcessRequest request) {
        request.enough = [state = m_state] { return state->enough.load(); };
        // World's parts outlive every thread: the process leaves by _exit.
        const Result<void> started =
            start_abandonable([state = m_state, &processes = world.processes, request = std::move(request)] {
                state->answer.set_value(processes.run(request));
            });
        if (!started) {
            m_state->answer.set_value(started.error());
        }
    }
    ~Running() {
        m_state->enough = true;
        m_end.wait_for(k_to_end);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    // How it ended; nothing: it runs.
    std::optional<Text> end() {
        if (m_end.wait_for(0s) != std::future_status::ready) {
            return std::nullopt;
        }
        const Result<ProcessAnswer>& answer = m_end.get();
        if (!answer) {
            return error_words(answer.error().message);
        }
        const std::string line = telling_line(*answer);
        return line.empty() ? say(k_said_nothing) : verbatim(line);
    }

  private:
    struct State {
        std::atomic<bool> enough{false};
        std::promise<Result<ProcessAnswer>> answer;
    };
    std::shared_ptr<State> m_state = std::make_shared<State>();
    std::shared_future<Result<ProcessAnswer>> m_end = m_state->answer.get_future().share();
};

HttpAnswer ask(World& world, const CanaryRequest& canary, SteadyTime until) {
    HttpRequest request;
    request.url = fmt::format("unix:{}:{}", canary.socket.string(), canary.path);
    request.follow = false;
    request.timeout =
        std::clamp(std::chrono::floor<Duration>(until - world.clock.steady()), Duration(1), k_longest_answer);
    // As the web server in front of it would ask.
    request.headers = {{"Host", canary.host.empty() ? "localhost" : canary.host},
                       {"X-Forwarded-Proto", "https"}};
    std::optional<HttpAnswer> answer;
    const auto transfer =
        world.http.start(std::move(request), [&](HttpAnswer got) { answer.emplace(std::move(got)); });
    while (!answer && world.clock.steady() < until && !stop_requested()) {
        world.http.poll(k_between_tries);
    }
    return answer.value_or(HttpAnswer{});
}

bool is_good(int status) {
    constexpr int k_unauthorized = 401, k_forbidden = 403;
    return status < 400 || status == k_unauthorized || status == k_forbidden;
}

} // namespace

std::optional<Text> failure_of_canary(World& world, const CanaryRequest& request) {
    const SteadyTime until = world.clock.steady() + request.within;
    Running running(world, request.program);
    while (world.clock.steady() < until && !stop_requested()) {
        const HttpAnswer answer = ask(world, request, until);
        if (answer.failure == HttpAnswer::Failure::none && answer.status != 0) {
            if (is_good(answer.status)) {
                return std::nullopt;
            }
            return say(k_answered, answer.status, request.path);
        }
        if (const std::optional<Text> end = running.end()) {
            return say(k_ended, *end);
        }
        world.clock.sleep_for(k_between_tries);
    }
    return stop_requested() ? say(k_stopped) : say(k_silent, request.path, format_duration(request.within));
}

} // namespace lectio::release
