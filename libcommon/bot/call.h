// A call of the Bot API that is waited for.
#pragma once

#include "alerts/telegram.h"
#include "platform/world.h"

#include <string>
#include <string_view>

namespace lectio {

// Long enough for a method that the server answers at once.
constexpr Duration k_call{10'000};

// `parameters`: a JSON object. Waits for the answer, at most `timeout`; a wish to stop ends the waiting, too. Without an
// answer the failure is HttpAnswer::Failure::timeout.
HttpAnswer call(World& world, const TelegramSettings& bot, std::string_view method, std::string parameters,
                Duration timeout = k_call);

// The method was carried out (HTTP 200): what came is what was asked for.
bool is_good(const HttpAnswer& answer);
// Another program reads what is written to this bot, or a webhook takes it (HTTP 409).
bool is_conflict(const HttpAnswer& answer);

} // namespace lectio
