// Channel: one way to reach the operator. One file a channel; it knows how to say a message and what an
// answer means, and nothing of waiting, retrying, locking or remembering: delivery.h does those for every
// channel.
#pragma once

#include "alerts/budget.h"
#include "alerts/message.h"
#include "platform/http.h"
#include "util/task.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct World;

// One message on its way, with what has become of it since it was written.
// The beginning of a message that is sent in parts, when it has arrived and what follows it has not.
struct FirstPart {
    std::string digest; // of its text
    std::optional<std::int64_t> message_id;
};

struct Draft {
    Message message;
    Text late;                           // "delivered 12 minutes late, this was at 10:00"; may be empty
    bool maybe_again = false;            // an earlier sending may have arrived (CONTRACT 44)
    Text unstored;                       // it could not be stored, and why; may be empty
    Text told_elsewhere;                 // which channels have told it meanwhile; may be empty
    std::optional<std::int64_t> answers; // the id, in this channel, of the message that opened it
    std::string chat;                    // where to instead of the configured chat: it has moved
    std::string address;                 // connect to this instead of resolving the name; empty: resolve
    std::optional<FirstPart> first_part; // that an earlier sending has brought there
    // The level at which this channel was last told of each incident that is open, by identity().
    std::map<std::string, Level> told_before;
    // Nothing new, only told anew (Channel::told_anew_after): what this channel knows as open. `message` is empty.
    std::vector<Subject> still_open;
};

struct Outcome {
    enum class Kind {
        accepted,
        later,           // surely not accepted; try again
        unknown,         // perhaps accepted: the answer was lost; try again with a mark
        message_refused, // this message for good, others may pass
        refused, // for good, but not why: what becomes of the next message shows whether it was this one
        channel_refused, // every message for good: wrong token, blocked, no such chat
        moved,           // the chat has another id now: `chat`
    };
    Kind kind = Kind::later;
    std::optional<std::int64_t> message_id; // accepted: for answers
    int messages = 1;                       // accepted: so many of them it became, for the budget
    std::optional<Duration> wait;           // later: the server's own retry_after
    std::string chat;                       // moved
    std::string address;                    // accepted: the peer, for the day the resolver fails
    bool resolver_failed = false;           // later: trying again with a remembered address makes sense
    std::optional<FirstPart> first_part;    // not accepted, but this of it was
    // What is wrong, in words, without secrets. Of what is accepted: whom it did not reach although others took it.
    Text problem;
    Text hint; // what to do about it; may be empty
};

class Channel {
  public:
    virtual ~Channel() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    // The configured chat: what was remembered of another one is of no use. Empty: it has none.
    [[nodiscard]] virtual std::string chat() const { return {}; }
    // Of all settings that a refusal may come from (token, chat, address …): another one means that somebody
    // has changed them. Gives no secret away.
    [[nodiscard]] virtual std::string fingerprint() const = 0;
    // `draft` outlives the Task. Each request is given its share of `timeout`; who waits may end it any time.
    virtual Task<Outcome> send(World& world, const Draft& draft, Duration timeout) const = 0;

    // Old news may be merged into fewer messages; false: each is sent as it is.
    [[nodiscard]] virtual bool puts_together() const { return true; }
    // It forgets: what is open is told anew this long after it was told last. None: it remembers.
    [[nodiscard]] virtual std::optional<Duration> told_anew_after() const { return std::nullopt; }
    // What it may be sent without being slowed down.
    [[nodiscard]] virtual Budget budget() const { return {}; }
};

} // namespace lectio
