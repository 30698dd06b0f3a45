// The table of all commands.
#pragma once

#include "command.h"

#include <span>

namespace lectio::notify {

std::unique_ptr<Command> make_send();
std::unique_ptr<Command> make_flush();
std::unique_ptr<Command> make_poll();
std::unique_ptr<Command> make_setup();
std::unique_ptr<Command> make_simulate();
std::unique_ptr<Command> make_test();
std::unique_ptr<Command> make_status();
std::unique_ptr<Command> make_list();
std::unique_ptr<Command> make_ack();
std::unique_ptr<Command> make_mute();
std::unique_ptr<Command> make_unmute();
std::unique_ptr<Command> make_maintenance();
std::unique_ptr<Command> make_rejected();
std::unique_ptr<Command> make_retry();
std::unique_ptr<Command> make_unit();

// In the order of --help.
std::span<const CommandRow> all_commands();

} // namespace lectio::notify
