// Ledger: what one channel remembers from run to run: what was told, where the answers go, how long to wait.
//
// It is a help, never a condition: without it messages still go out. Written by the holder of the channel's
// lock, read by everybody. While the outbox cannot be written it is the only place that knows what of it was
// sent; it is then kept where StateKeeper keeps its state (store/kept_state.h).
#pragma once

#include "alerts/budget.h"
#include "alerts/message.h"
#include "store/state_file.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct Ledger {
    struct Opening { // the message that told of an incident first
        std::int64_t message_id = 0;
        WallTime time;
    };
    struct Told { // the last that was told of an incident
        Event event = Event::opened;
        WallTime time;
        RunId run;
        std::string check; // "tool/check"
        Level level = Level::critical;
        WallTime since;
        std::string summary;
        std::string hint{};
    };
    // No wait is longer, whoever asks for it: a server that asks for a year is broken, and so is such a file.
    static constexpr Duration k_longest_wait{3'600'000};
    // Attempts that failed in a row, and when the next may be.
    struct Trouble {
        int failures = 0;
        Now last_attempt;
        Duration wait{};
        bool asked_by_server = false;
        Now since;
        bool refused = false; // every message: wrong token, blocked, no such chat
        Text problem, hint;
        std::string fingerprint; // of the channel's settings that failed; of others nothing is known
        // By the clock that nobody sets, within one boot; negative: the wall clock was set back across a reboot.
        [[nodiscard]] Duration lasts(const Now& now) const;
    };

    // What was accepted and yet did not reach everybody it was for (Outcome::problem of what is accepted).
    struct Shortfall {
        Text problem, hint;      // empty: the last message reached everybody
        std::string fingerprint; // as in Trouble
    };

    // A message of which only the beginning has arrived: what follows is to be sent alone.
    struct Torn {
        std::vector<std::string> letters; // that were put together to it; empty: there is none
        std::string digest;               // as in FirstPart
        std::optional<std::int64_t> message_id;
    };

    std::map<std::string, Opening> openings; // by incident id
    std::map<std::string, Told> told;        // by incident id
    std::map<std::string, WallTime> keys;    // of texts
    std::uint64_t revision = 0;              // counts savings: of two ledgers the newer one
    std::vector<std::string> delivered;      // names of letters that may still lie in the outbox
    std::vector<std::string> begun;          // as Letter::State::begun, where the outbox could not note it
    std::string moved_from, moved_to;        // the chat that became another
    std::string address;                     // the peer at the last success
    std::vector<WallTime> sent;              // the last successes, the oldest first: for the budget
    WallTime told_anew;                      // what is open: Channel::told_anew_after
    Trouble trouble;
    Shortfall shortfall;
    Torn torn;

    // Entries that can mean nothing any more go. `lying`: letters that are in the outbox though delivered.
    void forget_old(WallTime now, Duration key_window, const std::set<std::string>& lying = {});
    // Messages that arrived so lately, whoever sent them.
    [[nodiscard]] std::size_t sent_within(Duration span, WallTime now) const;
    // How long until `budget` has room for one more; none: now. What lies in the future was written before the clock
    // was set back and does not count.
    [[nodiscard]] std::optional<Duration> must_wait(WallTime now, const Budget& budget) const;
    // When the next attempt may be; none: now. A clock that jumped or a reboot never makes it wait longer.
    [[nodiscard]] std::optional<Duration> must_wait(const Now& now) const;
};

std::string to_json(const Ledger& ledger);
// What cannot be read of it is left out.
Ledger ledger_from_json(std::string_view text);

} // namespace lectio
