// What is left when nothing can be done any more: words and the right exit code instead of an abort.
#pragma once

#include "cli/exit_code.h"

#include <functional>
#include <string_view>

namespace lectio {

// The work of main, its exit status. An error, and what throws past everybody (a process without a free
// descriptor, a host without memory), ends as an internal error, 70, said in the format that was asked for.
int run_or_say_why(std::string_view tool, Format format, const std::function<Result<int>()>& work);

// For what ended before there was anything to report: "LECTIO UNKNOWN - why" and the exit status 3, for a wrong
// configuration WARNING and 1 (README: with --format nagios only 0 to 3; CONTRACT 5).
int leave_nagios(ExitCode code, std::string_view why);

// Prints what the tool has to say. Returns `status`; where it cannot be written (a closed pipe, a full disk), one
// line on standard error says so, and it is 70, for Nagios 3.
int print_or_say_why(std::string_view tool, Lang lang, Format format, std::string_view text, int status);

} // namespace lectio
