// A message as a file of the outbox: JSON, {"schema":1,…}, every field that compose() filled.
#pragma once

#include "alerts/message.h"
#include "util/result.h"

#include <string>
#include <string_view>

namespace lectio {

std::string to_json(const Message& message);
// Anything but what to_json() wrote is ErrorKind::invalid: a torn file, a stranger's file, a newer schema.
Result<Message> message_from_json(std::string_view text);

std::string_view to_string(Event event); // "opened" …; stands in files: never changed, only added to
std::optional<Event> parse_event(std::string_view word);

} // namespace lectio
