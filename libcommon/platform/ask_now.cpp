#include "platform/ask_now.h"

#include "platform/stop.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace lectio {

HttpAnswer ask_now(Http& http, Clock& clock, HttpRequest request, SteadyTime until) {
    constexpr Duration k_nap{200}; // between two looks whether a stop is wanted
    std::optional<HttpAnswer> answer;
    const auto transfer = http.start(std::move(request), [&](HttpAnswer it) { answer = std::move(it); });
    while (!answer && !stop_requested() && clock.steady() < until) {
        http.poll(std::min(k_nap, std::chrono::ceil<Duration>(until - clock.steady())));
    }
    HttpAnswer none;
    none.failure = HttpAnswer::Failure::timeout;
    return answer ? *std::move(answer) : none;
}

} // namespace lectio
