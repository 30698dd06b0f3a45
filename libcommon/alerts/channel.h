// Channel: one way to reach the operator. One file a channel; it knows how to say a message and what an
// answer means, and nothing of waiting, retrying, locking or remembering: delivery.h does those for every
// channel.
#pragma once

#include "alerts/message.h"
#include "platform/http.h"
#include "util/task.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lectio {

// One message on its way, with what has become of it since it was written.
struct Draft {
    Message message;
    Text late;                           // "delivered 12 minutes late, this was at 10:00"; may be empty
    bool maybe_again = false;            // an earlier sending may have arrived (CONTRACT 44)
    Text unstored;                       // it could not be stored, and why; may be empty
    std::optional<std::int64_t> answers; // the id, in this channel, of the message that opened it
    std::string chat;                    // where to instead of the configured chat: it has moved
    std::string address;                 // connect to this instead of resolving the name; empty: resolve
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
    std::optional<Duration> wait;           // later: the server's own retry_after
    std::string chat;                       // moved
    std::string address;                    // accepted: the peer, for the day the resolver fails
    bool resolver_failed = false;           // later: trying again with a remembered address makes sense
    Text problem;                           // what is wrong, in words, without secrets
    Text hint;                              // what to do about it; may be empty
};

class Channel {
  public:
    virtual ~Channel() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    // The configured chat: what was remembered of another one is of no use.
    [[nodiscard]] virtual const std::string& chat() const = 0;
    // Of all settings that a refusal may come from (token, chat, address …): another one means that somebody
    // has changed them. Gives no secret away.
    [[nodiscard]] virtual std::string fingerprint() const = 0;
    // `draft` outlives the Task. Each request is given its share of `timeout`; who waits may end it any time.
    virtual Task<Outcome> send(Http& http, const Draft& draft, Duration timeout) const = 0;
};

} // namespace lectio
