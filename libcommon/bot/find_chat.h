// Finding the chat that a person has in mind: who sends a code to the bot shows that they see the terminal on which
// it stands, and where they are. Nobody else who happens to write to the bot can put themselves in their place.
#pragma once

#include "alerts/telegram.h"
#include "bot/updates.h"
#include "platform/world.h"

#include <string>

namespace lectio {

// What the Bot API says of the token: the bot's username, or what is wrong in words.
struct Meeting {
    std::string bot; // empty: see problem
    Text problem, hint;
};
Meeting meet(World& world, const TelegramSettings& bot, SteadyTime end);

// Six digits, not to be guessed.
std::string new_code();

struct FoundChat {
    std::optional<Ask> ask; // by whom and where the code was written; none: see problem
    Text problem, hint;     // why nothing was heard; empty: nobody wrote it in time
};
// Waits for a message that holds the code: "482913", or "/start 482913" in a group, where a bot hears commands only.
// Only for the holder of run/notify-poll.lock: of two readers of a bot neither hears everything.
FoundChat wait_for(World& world, const TelegramSettings& bot, const std::string& code, SteadyTime end);

} // namespace lectio
