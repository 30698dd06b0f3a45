#include "bot/call.h"

#include "platform/ask_now.h"

#include <utility>

namespace lectio {
namespace {

bool is_answer(const HttpAnswer& answer, int status) {
    return answer.failure == HttpAnswer::Failure::none && answer.status == status;
}

} // namespace

HttpAnswer call(World& world, const TelegramSettings& bot, std::string_view method, std::string parameters,
                Duration timeout) {
    return ask_now(world.http, world.clock, telegram::request(bot, method, std::move(parameters), timeout),
                   world.clock.steady() + timeout);
}

bool is_good(const HttpAnswer& answer) {
    return is_answer(answer, 200);
}

bool is_conflict(const HttpAnswer& answer) {
    return is_answer(answer, 409);
}

} // namespace lectio
