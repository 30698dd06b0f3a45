#include "bot/call.h"

#include "platform/stop.h"

#include <optional>
#include <utility>

namespace lectio {
namespace {

constexpr Duration k_nap{200}; // between two looks whether a stop is wanted

bool is_answer(const HttpAnswer& answer, int status) {
    return answer.failure == HttpAnswer::Failure::none && answer.status == status;
}

} // namespace

HttpAnswer call(World& world, const TelegramSettings& bot, std::string_view method, std::string parameters,
                Duration timeout) {
    std::optional<HttpAnswer> answer;
    const auto transfer = world.http.start(telegram::request(bot, method, std::move(parameters), timeout),
                                           [&](HttpAnswer it) { answer = std::move(it); });
    const SteadyTime until = world.clock.steady() + timeout;
    while (!answer && !stop_requested() && world.clock.steady() < until) {
        world.http.poll(k_nap);
    }
    HttpAnswer none;
    none.failure = HttpAnswer::Failure::timeout;
    return answer ? *std::move(answer) : none;
}

bool is_good(const HttpAnswer& answer) {
    return is_answer(answer, 200);
}

bool is_conflict(const HttpAnswer& answer) {
    return is_answer(answer, 409);
}

} // namespace lectio
