// Failover: what is critical does not wait for a channel that does not work while others do.
//
// The letters stay where they are; the others are given copies that say for whom they stand in. Once the channel
// works again its own are sent, and say through whom they were told meanwhile. Stored with the others first, then
// noted: killed in between the others know them already.
#pragma once

#include "alerts/channel_memory.h"
#include "alerts/delivery.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lectio {

// Letters of a channel that others have told, and which others. Bounded by what waits.
using Lent = std::map<std::string, std::vector<std::string>>;
Lent lent_of(World& world, const DeliverySettings& settings, const std::string& channel);

// It has failed for the time of `failover`, or refuses every message: that needs a person, so there is nothing to wait
// for.
bool fails_for_long(const Channel& channel, const Ledger& ledger, Duration failover, const Now& now);

class Failover {
  public:
    using HoldOf = std::function<Outbox::Hold(const Ledger&)>;
    using Channels = std::vector<std::unique_ptr<Channel>>;
    // All of them outlive this.
    Failover(World& world, const DeliverySettings& settings, Outbox& outbox, const Channels& channels,
             HoldOf hold_of);

    struct Copies {
        std::vector<std::string> to; // the channel of each
        std::map<std::string, Outbox::Put> gave_way;
    };
    // Work and time grow with what waits and no faster. What is not done by the deadline is done by the next run.
    Copies lend(SteadyTime deadline);

  private:
    struct Other {
        const Channel* channel;
        Known known;
        Outbox::Room room;
    };
    [[nodiscard]] std::vector<Other> others_of(const Channel& failing);
    void lend_of(const Channel& failing, const Ledger& ledger, SteadyTime deadline, Copies& copies);
    void give(Other& other, const std::vector<Message>& letters, const std::vector<std::string>& names,
              Lent& lent, Copies& copies);
    [[nodiscard]] Message copy_of(const Letter& letter, const Channel& failing, WallTime since) const;

    World& m_world;
    const DeliverySettings& m_settings;
    Outbox& m_outbox;
    const Channels& m_channels;
    HoldOf m_hold_of;
};

} // namespace lectio
