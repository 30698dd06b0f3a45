// Outbox: what is to be told, on disk before the first attempt to tell it (DESIGN rule 3).
//
//   outbox/to-CHANNEL/0001769076000000-00004711-0.new  a message that waits; names sort in the order of telling
//   outbox/to-CHANNEL/0001769076000000-00004711-0.later
//                                                      the same, but it may wait (Message::may_wait)
//   outbox/to-CHANNEL/0001769076000000-00004711-0.muted
//                                                      the same, told under a mute (Message::muted)
//   outbox/to-CHANNEL/0001769076000000-00004711-0.begun
//                                                      its sending has begun and the answer is not known: it
//                                                      may have arrived already
//   outbox/memory-CHANNEL/                             what this channel remembers: ledger.h
//   outbox/rejected/CHANNEL-NAME.json                  refused for good by the server, kept to be looked at
//   outbox/damaged/CHANNEL-NAME                        unreadable, set aside: it never holds up the others
//
// Any number of processes may put at the same time; taking out is for the holder of the channel's lock.
#pragma once

#include "alerts/message.h"
#include "platform/files.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio {

struct OutboxLimits {
    std::size_t messages = 10000; // a channel
    Bytes size = 50_MB;           // a channel
};

// A message for one channel, before it is in the outbox.
struct Outgoing {
    std::string channel;
    Message message;
    bool operator==(const Outgoing&) const = default;
};

struct Letter {
    enum class State { fresh, later, muted, begun };
    std::string name; // without the ending; unique within the channel
    State state = State::fresh;
    Message message;
};

// It was not sent at once because of what it is, not because nothing got through.
constexpr bool is_kept_back(Letter::State state) {
    return state == Letter::State::later || state == Letter::State::muted;
}

// Of a file set aside: "errors-0001769076000000-00004711-0.json" → "errors"; a channel's name may have dashes of its
// own.
std::string_view channel_of_aside(std::string_view file);

class Outbox {
  public:
    // `folder` is paths.state/outbox; made with the first message.
    Outbox(Files& files, Path folder, OutboxLimits limits);

    // On disk and fsynced when this returns without error. Over the limits the oldest give way: first information and
    // the openings whose ends wait as well, with those ends; then what is not critical; then what is.
    struct Put {
        int dropped = 0;
        int critical = 0; // of `dropped`, of what is not over
    };
    Result<Put> put(const std::string& channel, const Message& message);
    // What waits in a channel, kept up while it is filled by us.
    struct Room {
        std::vector<std::string> names;
        std::uint64_t size = 0;
    };
    [[nodiscard]] Room room_of(const std::string& channel);
    // One after the other, as put() does; the folder was read once for all of them.
    struct PutAll {
        std::size_t stored = 0; // the first so many
        Put put;
        std::optional<Error> why; // the next was not
    };
    PutAll put_all(const std::string& channel, const std::vector<Message>& messages, Room& room);

    // In the order of telling, at most `most` of them; damaged ones are set aside on the way. `delivered`:
    // names of letters that wait for nothing but being removed.
    using Names = std::set<std::string>;
    struct Waiting {
        std::vector<Letter> letters;
        std::vector<Letter> delivered; // of those, the ones that lie there; their messages are not read
        std::size_t total = 0;         // that wait, with those over `most`
    };
    // What is as if it were not there: nothing; what may wait; that, and what was told under a mute.
    enum class Hold { nothing, later, later_and_muted };
    Waiting waiting(const std::string& channel, std::size_t most, const Names& delivered = {},
                    Hold hold = Hold::nothing);
    [[nodiscard]] std::size_t count_waiting(const std::string& channel, const Names& delivered = {},
                                            Hold hold = Hold::nothing);
    // When the one that waits longest was put; what is kept back is not late.
    [[nodiscard]] std::optional<WallTime> waiting_since(const std::string& channel,
                                                        const Names& delivered = {});
    [[nodiscard]] std::size_t count_rejected(const std::string& channel);
    // Set aside by whoever read the outbox, and not looked at since.
    [[nodiscard]] std::size_t count_damaged(const std::string& channel);
    // Channels that have messages waiting, whether they are still configured or not.
    std::vector<std::string> channels();

    // Only for the holder of the channel's lock. begin() is durable before it returns: a crash after it
    // leaves the message marked.
    Result<void> begin(const std::string& channel, std::vector<Letter>& letters);
    // Surely not accepted; `before`: what all of them were.
    Result<void> unbegin(const std::string& channel, std::vector<Letter>& letters,
                         Letter::State before = Letter::State::fresh);
    Result<void> remove(const std::string& channel, const Letter& letter);
    Result<void> reject(const std::string& channel, const Letter& letter, const std::string& why);
    // Leftovers of writers that died.
    void sweep(const std::string& channel, WallTime now);

    [[nodiscard]] const Path& folder() const { return m_folder; }

  private:
    [[nodiscard]] Path folder_of(const std::string& channel) const;
    [[nodiscard]] Path place(const std::string& channel, const Letter& letter) const;
    Result<void> make_folders_for(const Path& folder);
    Result<void> put_into(const Path& folder, const Message& message, Room& room, Put& put);
    Result<void> make_room(const Path& folder, Room& room, Put& put);
    Result<void> rename_all(const std::string& channel, std::vector<Letter>& letters, Letter::State state);
    bool set_aside(const std::string& channel, const std::string& file);

    Files& m_files;
    Path m_folder;
    OutboxLimits m_limits;
};

} // namespace lectio
