// Updates: what people wrote to a bot or pressed under its messages (https://core.telegram.org/bots/api#getupdates).
// What a server or a stranger sends is read here and nowhere else.
#pragma once

#include "platform/clock.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// A text that somebody wrote, or a button that somebody pressed.
struct Ask {
    std::int64_t chat = 0;
    std::int64_t who = 0;               // id of a user
    std::string name;                   // how the user is called, cleaned; may be empty
    std::int64_t message = 0;           // that was written, or under which the button is
    std::string text;                   // as written; empty for a button
    std::string button;                 // what the button carries; empty for a text
    std::string press;                  // id of the press, to be answered; empty for a text
    std::optional<std::int64_t> thread; // topic of a forum group
    std::string place;                  // the title of a group, cleaned; empty: a private chat
    WallTime time;                      // when it was written; of a press nobody knows
};

struct Update {
    std::int64_t id = 0;
    std::optional<Ask> ask; // none: something that is not for us (a photo, a member that left …)
};

// The body of an answer with ok = true. Error: it is not what the Bot API says.
Result<std::vector<Update>> read_updates(std::string_view body);
// The username of getMe; empty: not what the Bot API says.
std::string read_bot_name(std::string_view body);

} // namespace lectio
