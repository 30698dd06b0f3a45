// Delivery: from the news of a run to the operator's phone.
//
// What is to be told is stored first (outbox.h) and then tried. One process at a time empties a channel (lock
// run/notify-CHANNEL.lock, never waited for); any run of any tool goes on where another stopped. What waits
// too long or in too great a number is put together.
//
//     Delivery delivery(world, settings, std::move(channels));
//     std::vector<Outgoing> letters = delivery.letters(news);   // to be kept in the state of the run, then
//     DeliveryReport told = delivery.hand_over(letters, deadline);   // stored, each once; at worst sent unstored
//     told = delivery.flush(deadline);
//
// Why in these steps: docs/decisions/0014-told-exactly-once.md.
#pragma once

#include "alerts/channel.h"
#include "alerts/ledger.h"
#include "alerts/outbox.h"
#include "incidents/judge.h"
#include "incidents/markers.h"
#include "platform/world.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio {

// First match wins; what matches none goes to every channel (config.example.toml [[route]]). An empty list
// matches everything; tools and checks ("tool/check") are shell-like patterns.
struct AlertRoute {
    std::vector<Level> levels;
    std::vector<std::string> tools, checks;
    std::vector<std::string> to;
    std::vector<std::string> escalate_to{};   // whom an escalation goes to; empty: `to` once more
    std::optional<Duration> escalate_after{}; // it was told, if nobody has acknowledged it; none: never
};

// What a script tells under a key lectio-notify tells first and lectio-health goes on with: a route may name either.
bool matches(const AlertRoute& route, const Subject& subject, Level level);
// How long after it was told at that level an incident goes to others; the first route that matches decides.
std::optional<Duration> escalation_after(const std::vector<AlertRoute>& routes, const Subject& subject,
                                         Level level);

struct DeliverySettings {
    Path state;              // paths.state: the outbox is in it
    Path run;                // paths.run: the locks
    Path memory{"/dev/shm"}; // where what was sent is remembered when the disk of both folders refuses
    OutboxLimits limits;
    Duration merge_after{120'000};  // older than this is put together with what waits beside it
    Duration key_window{3'600'000}; // a text with the same key is told once in this time
    Duration failover{
        600'000}; // the other channels tell what is critical for one that fails longer; 0: never
    // Of what may wait (Message::may_wait), by the policy's words: "23:00-08:00" in the voice's zone; 0: no limit.
    std::string quiet{};
    int per_hour = 0;
    // Of somebody's words: they are kept back while one of these markers is in force.
    MarkerPaths markers{};
    bool always_muted = false; // ALERTS_MUTED=1
    Voice voice;
    std::vector<AlertRoute> routes;
};

// Why what may wait is not sent now.
enum class Pause { none, quiet_hours, hour_is_full };

// For the self check channel-NAME (CONTRACT 8): refusing every message is critical, waiting long a warning.
struct ChannelProblem {
    std::string channel;
    Status status = Status::warning;
    Text message;
    Text hint;
    // Trying again mends nothing: it refuses every message, or is not configured.
    bool needs_person = false;
    // The channel is well: what is in the outbox cannot be changed.
    bool of_storage = false;
};

// A line of alerts.log.
struct AlertLine {
    WallTime time;
    std::string level; // "critical" …; "rejected" for what the server refused
    std::string text;
};

struct DeliveryReport {
    int queued = 0;   // messages stored now (one a channel)
    int sent = 0;     // messages accepted now
    int waiting = 0;  // messages still in the outbox, of all channels
    Text why_waiting; // what the last attempt was answered, where something waits
    int stuck = 0;    // of `waiting`, those of channels that need a person first
    int kept = 0;     // of the others, what is kept back: it may wait, or was told under a mute
    int rejected = 0; // messages refused for good now, while others pass
    std::vector<std::string> queued_for; // the channels of `queued`
    std::vector<ChannelProblem> problems;
    std::vector<AlertLine> log;
    std::optional<Duration> next_try; // the shortest wait that a server or the back-off asks for
    bool stored = true;               // false: the outbox could not be written
    int sent_unstored = 0;            // of `sent`, what got through although it could not be stored
    Text storage_problem;             // why not
    // Of what could not be stored: whom it reached, and whom it did not.
    std::vector<std::string> reached_unstored, missed_unstored;
};

// Waits of our own after failures may be skipped (a person asks for it now, or has changed the channel's
// settings); what a server asked for never.
enum class Patience { obey, ask_now };

class Delivery {
  public:
    Delivery(World& world, DeliverySettings settings, std::vector<std::unique_ptr<Channel>> channels);
    ~Delivery();

    // What each channel is to be told: those that the routes name, and of the end of an incident each that was told
    // of it (a route, an escalation or another channel's failure may have brought it there). Nothing is stored.
    [[nodiscard]] std::vector<Outgoing> letters(const News& news);
    // Stores what its channel does not know yet (it may have been stored by a run that died); where the disk
    // refuses, sends at once and says so in the message. What is neither stored nor sent afterwards stays in
    // `letters`, to be handed over again.
    DeliveryReport hand_over(std::vector<Outgoing>& letters, SteadyTime deadline);
    // The last that was told, or waits to be, of each incident of this tool.
    [[nodiscard]] std::vector<LastWord> last_words(const std::string& tool);
    // Durable on success. An Error: nothing or only a part is stored.
    Result<DeliveryReport> store(const Message& message);
    // Tries what waits, until the outbox is empty, nothing may be tried yet, or the deadline. Throws nothing
    // away, never waits for another flusher. What a channel refuses because of itself (wrong token, no such
    // chat) goes on waiting until somebody mends it; only a message that is at fault itself is put aside.
    // Where the outbox cannot be changed any more it is sent even so, says so, and what was sent is remembered
    // elsewhere (docs/decisions/0003). A wish to stop ends it as the deadline does.
    DeliveryReport flush(SteadyTime deadline, Patience patience = Patience::obey);
    // hand_over() and flush().
    // `stored` is called in between: what follows is no more than sending it.
    using WhenStored = std::function<void()>;
    DeliveryReport tell(const News& news, SteadyTime deadline, const WhenStored& stored = {});
    DeliveryReport tell(const Message& message, SteadyTime deadline, const WhenStored& stored = {});

    // What is known to be wrong with the channels, without trying anything; at most one a channel.
    [[nodiscard]] std::vector<ChannelProblem> problems();
    [[nodiscard]] const std::vector<std::unique_ptr<Channel>>& channels() const { return m_channels; }
    [[nodiscard]] bool has_channels() const { return !m_channels.empty(); }
    [[nodiscard]] int count_waiting();
    // For the channel that has most of its hour left.
    [[nodiscard]] Pause pause();
    // When it is over, as far as is known now; none: there is no pause.
    [[nodiscard]] std::optional<WallTime> pause_until();
    // Attempts that have failed one after the other, with nothing accepted since.
    struct Struggle {
        std::string channel;
        int failures = 0;
        WallTime since;
        Text problem; // of the last
    };
    [[nodiscard]] std::vector<Struggle> struggles();
    // Somebody's words are kept back: a mute or maintenance is in force.
    [[nodiscard]] bool is_muted();
    // That arrived, from all tools, in the channel that had most. As problems() has seen it last: what another tool has
    // sent since is not among them.
    [[nodiscard]] std::size_t messages_of_the_hour();
    // What lies in the outbox, of all channels, configured or not.
    struct Backlog {
        int waiting = 0, rejected = 0;
        int kept = 0;                  // of `waiting`, what is kept back
        std::optional<WallTime> since; // when the one that waits longest was put
    };
    [[nodiscard]] Backlog backlog();
    // "errors: HTTP 502"; empty: nothing waits, or nothing has been tried yet.
    [[nodiscard]] Text why_waiting();
    // The channel's bot has answered an operator in so many messages: its chat's budget (Channel::budget) has less left.
    void count_answer(const std::string& channel, int messages);
    // One message to one channel, now, stored nowhere: `lectio-notify test`.
    Outcome try_out(const Channel& channel, const Message& message, SteadyTime deadline);
    // The chat that the configured one has become (a group that is a supergroup now); empty: it is where it was.
    [[nodiscard]] std::string moved_chat_of(const std::string& channel);

  private:
    class Flusher;
    class Attempt;
    struct Unstored;
    struct Stored {
        DeliveryReport report;
        std::vector<Outgoing> failed; // could not be stored
        std::optional<Error> why;
    };
    [[nodiscard]] Stored store_each(const std::vector<Outgoing>& letters);
    [[nodiscard]] std::vector<Outgoing> address(const Message& message);
    [[nodiscard]] bool wants(const Channel& channel, const Message& message);
    void leave_out_known(std::vector<Outgoing>& letters);
    [[nodiscard]] const Channel* find_channel(const std::string& name) const;
    [[nodiscard]] bool is_for(const Channel& channel, const Subject& subject, Level level) const;
    [[nodiscard]] bool leads_to(const std::vector<std::string>& to, const Channel& channel) const;
    // The channels that have more to send now.
    [[nodiscard]] std::set<std::string> stand_in_for_failing(SteadyTime deadline, DeliveryReport& report);
    DeliveryReport deliver(std::vector<Outgoing> letters, SteadyTime deadline, const WhenStored& stored);
    DeliveryReport send_unstored(std::vector<Outgoing>& letters, const Error& why, SteadyTime deadline);
    [[nodiscard]] std::vector<Unstored> next_wave(const std::vector<Outgoing>& letters,
                                                  std::set<std::string> done_with, const Error& why,
                                                  SteadyTime deadline);
    [[nodiscard]] bool must_queue(const Outgoing& letter);
    void wait_for(const std::vector<Unstored>& wave, SteadyTime deadline);
    void remember_unstored(const Channel& channel, const Message& message, const Outcome& outcome);
    [[nodiscard]] std::size_t count_waiting(const std::string& channel);
    [[nodiscard]] std::size_t count_kept(const std::string& channel, const Ledger& ledger);
    [[nodiscard]] Pause pause_of(const Ledger& ledger) const;
    [[nodiscard]] Outbox::Hold hold_of(const Ledger& ledger);
    void note_messages(const Ledger& ledger);
    [[nodiscard]] std::optional<ChannelProblem> problem_of(const Channel& channel, const Ledger& ledger);
    [[nodiscard]] std::optional<ChannelProblem> waits_long(const Channel& channel, const Ledger& ledger);
    [[nodiscard]] bool is_held_by_another(const Channel& channel);

    World& m_world;
    DeliverySettings m_settings;
    std::vector<std::unique_ptr<Channel>> m_channels;
    Outbox m_outbox;
    std::optional<std::size_t> m_messages_of_the_hour;
};

} // namespace lectio
