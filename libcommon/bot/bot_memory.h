// What is remembered of the bots between two polls, in state/notify: which updates were taken, so that none is obeyed
// twice, and what was under way when a poll died.
#pragma once

#include "platform/clock.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct BotMemory {
    // A command that was begun and whose answer is not known to have been sent.
    struct Begun {
        std::int64_t chat = 0, message = 0;
        std::string words;   // the command as the operator knows it: "/mute 30m"
        std::string command; // the same for read_button()
        std::string by;      // who has asked
        int tries = 1;
        // Carried out: only this is still to be said. Empty: it is not known whether it was.
        std::string title{}, text{};
        bool maybe_said = false; // the answer to an attempt to say it was lost
        bool operator==(const Begun&) const = default;
    };
    std::int64_t next = 0; // the first update that was not taken yet
    std::vector<Begun> begun;
    WallTime heard;                     // when the bot was listened to last
    WallTime updated;                   // when something came last: `next` is of no use a week later
    std::string name;                   // its username
    std::string introduced;             // a hash of the commands and chats that Telegram was told of
    WallTime introduced_at;             // and when
    std::optional<WallTime> deaf_since; // it cannot be listened to, for a reason that lasts
    bool deaf_told = false;             // and the operator knows of it
    bool operator==(const BotMemory&) const = default;
};

// By a hash of the bot's token.
using BotMemories = std::map<std::string, BotMemory>;

std::string to_json(const BotMemories& memories);
// What cannot be read of it is left out.
BotMemories bot_memories_from_json(std::string_view text);

} // namespace lectio
