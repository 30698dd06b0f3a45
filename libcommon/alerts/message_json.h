// A message as a file of the outbox: JSON, {"schema":1,…}, every field that compose() filled.
#pragma once

#include "alerts/message.h"
#include "util/result.h"

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

std::string to_json(const Message& message);
// Anything but what to_json() wrote is ErrorKind::invalid: a torn file, a stranger's file, a newer schema.
Result<Message> message_from_json(std::string_view text);

// For those outside (docs/webhook.md): as in the outbox, but for `since`, which is in UTC with Z.
nlohmann::json json_of(const Subject& subject);

std::string_view to_string(Event event); // "opened" …; stands in files: never changed, only added to
std::optional<Event> parse_event(std::string_view word);

} // namespace lectio
