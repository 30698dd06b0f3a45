// What scripts tell under a key: `lectio-notify send --key` tells it at once and leaves a file in state/events; lectio-health
// takes it over in its next run. From then on it is an incident like any other: listed, acknowledged, reminded of. It is
// over when the script says so, or when nothing was heard of it for longer than a day.
//
// The same key is told once in alerts.key_window; what comes in between is counted, and told with the next message.
#pragma once

#include "incidents/judge.h"
#include "store/drop_folder.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// In this order they get worse. `info` opens no incident: nothing is broken.
enum class KeyLevel { over, info, warning, critical };

// One call.
struct KeyEvent {
    std::string key;
    std::string incident; // the id under which it is told
    KeyLevel level = KeyLevel::warning;
    WallTime time;
    bool told = false; // by the caller; if not it was counted, or lectio-health tells it at its time
    std::string title, text;
    std::string file = {}; // where it was read from
};

// A key of which it is not known that it is over.
struct KnownKey {
    std::string key, incident;
    KeyLevel level = KeyLevel::warning; // as said last
    KeyLevel was = KeyLevel::info;      // as said last before it was over
    WallTime since, last;               // the first call and the last
    std::optional<WallTime> told_at;    // by a caller, the last time; none: lectio-health is to tell it
    KeyLevel told = KeyLevel::info;     // of told_at
    int times = 0;                      // calls
    int untold = 0;                     // of them, since told_at
    std::string title, text;            // of the last before it was over
    bool operator==(const KnownKey&) const = default;
};
inline constexpr std::size_t k_most_keys = 500;

// Durable on success.
Result<void> leave(DropFolder folder, const KeyEvent& event);
// The oldest first.
std::vector<KeyEvent> left_key_events(const DropFolder& folder);

// The check under which lectio-health keeps it: "backup" → "key-backup"; what is no name gets one.
std::string check_of_key(std::string_view key);

// One call more. Pure.
void count(std::vector<KnownKey>& keys, const KeyEvent& event);
// For the state of lectio-health; of what is odd nothing is read.
std::string to_json(const std::vector<KnownKey>& keys);
std::vector<KnownKey> keys_from_json(std::string_view text);
// Of those that nobody has told of for longer than a day nobody knows anything.
void forget_silent(std::vector<KnownKey>& keys, WallTime now);

// ── when a script calls ─────────────────────────────────────────────────────────────────────────────────────────

struct KeyHistory {
    std::optional<KnownKey> known; // with what was left since lectio-health's last run
    // What lectio-health told of it meanwhile, and that an operator has seen it.
    std::optional<WallTime> reminded_at;
    bool acknowledged = false;
};
// With `words`, what the channels know to be told, where lectio-health has lost its state or does not run.
KeyHistory history_of(std::string_view key, const JudgeState& health, std::vector<KnownKey> keys,
                      const std::vector<KeyEvent>& left, const std::vector<LastWord>& words);

struct KeyNews {
    enum class Kind {
        nothing, // an end of what is not open
        counted, // told already
        opened,
        risen,
        repeated, // told before, but longer ago than the window
        ended,
        ended_untold, // nobody knows that it was broken
    };
    Kind kind = Kind::opened;
    std::string incident; // the one that is known, else empty
};
KeyNews news_of(const KeyEvent& event, const KeyHistory& history, Duration window);

// "4 more times within the hour"; of a time that is not positive "4 more times".
Text more_times(int times, Duration within);

// ── when lectio-health takes it over ────────────────────────────────────────────────────────────────────────────

// The rules of its check: it is as it was said, at once.
CheckPolicy policy_of_key(const KnownKey& key);
// What its check "sees".
CheckResult look_at(const KnownKey& key);
// Pure. Opens its incident under the id that the caller has told, or lets it end in silence where the caller has told
// the end. What nobody has told, because it was left to the morning, and is over already opens to be told with its end. What the caller has told stands in `words`: it may have died before.
void adopt(JudgeState& state, const KnownKey& key, const std::vector<LastWord>& words);

} // namespace lectio
