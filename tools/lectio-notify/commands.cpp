#include "commands.h"

#include <array>

namespace lectio::notify {

std::span<const CommandRow> all_commands() {
    static constexpr std::array k_commands{
        CommandRow{"send", "Store a message and try to deliver it, for at most 2 s", make_send},
        CommandRow{"flush", "Deliver what waits, for at most 50 s", make_flush},
        CommandRow{"poll", "For cron: deliver, then obey operators for 50 s", make_poll},
        CommandRow{"setup", "Connect a Telegram bot: finds the chat, writes the channel down, sends a test",
                   make_setup},
        CommandRow{"test", "Send a real message through the channels and say what is wrong", make_test},
        CommandRow{"status", "What waits, the channels, mutes and open incidents", make_status},
        CommandRow{"list", "Open incidents", make_list},
        CommandRow{"ack", "Acknowledge: no reminders of an incident until it gets worse", make_ack},
        CommandRow{"mute", "Send nothing for a while; failures are mended all the same", make_mute},
        CommandRow{"unmute", "End the mute", make_unmute},
        CommandRow{"maintenance", "Mend nothing and send nothing, for at most 2 h", make_maintenance},
        CommandRow{"rejected", "Messages that a server has refused for good, and why", make_rejected},
        CommandRow{"retry", "Put such messages back, and try at once what waits", make_retry},
        CommandRow{"simulate", "What would have been told? Recorded runs judged again", make_simulate},
        CommandRow{"unit", "Tell that a unit of systemd fell; for ExecStopPost= and OnFailure=", make_unit},
    };
    return k_commands;
}

} // namespace lectio::notify
