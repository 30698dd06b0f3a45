// What a channel remembers (ledger.h), where it is kept, and what its reader has been told of: by what was delivered
// and by what waits in the outbox.
#pragma once

#include "alerts/channel.h"
#include "alerts/ledger.h"
#include "alerts/outbox.h"
#include "platform/world.h"
#include "store/kept_state.h"

#include <map>
#include <optional>
#include <string>

namespace lectio {

struct DeliverySettings;

// The ledger of a channel; it is written by the holder of lock_channel() alone.
KeptState ledger_file(World& world, const DeliverySettings& settings, const std::string& channel);

// The newest that is found, and where, when the outbox could not be written.
struct Recalled {
    Ledger ledger;
    Path stopgap;
};
Recalled recall(KeptState& file, WallTime now, StateFile::Access access);
Recalled recall(World& world, const DeliverySettings& settings, const std::string& channel);

Path lock_of(const DeliverySettings& settings, const std::string& channel);
// busy: another process empties the channel.
Result<Lock> lock_channel(World& world, const DeliverySettings& settings, const std::string& channel);

// Of letters that may still lie in the outbox.
Outbox::Names delivered_of(const Ledger& ledger);
// What the operator knows once this letter has arrived.
void note_told(Ledger& ledger, const Message& letter);
// What a later message of the same incidents answers.
void note_opening(Ledger& ledger, const Message& sent, const Outcome& outcome, WallTime now);
// A message leads with its first subject; what is not its beginning answers the message that was.
std::optional<std::int64_t> opening_of(const Ledger& ledger, const Message& message);
// The chat that has become another since it was configured; else empty.
std::string moved_chat(const Ledger& ledger, const Channel& channel);

// The last that was told of each incident, and the keys of texts: from what waits and what was delivered.
struct Known {
    std::map<std::string, Ledger::Told> told;
    std::map<std::string, WallTime> keys;
};
Known known_to(World& world, Outbox& outbox, const DeliverySettings& settings, const std::string& channel);
void note(Known& known, const Message& letter);
// The run that tells this letter has told the channel of its incidents already, or a later one has.
bool is_known(const Known& known, const Message& letter);

} // namespace lectio
