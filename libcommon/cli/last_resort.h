// What is left when nothing can be done any more: words and the right exit code instead of an abort.
#pragma once

#include "cli/exit_code.h"

#include <functional>
#include <string_view>

namespace lectio {

// The work of main, its exit status. An error, and what throws past everybody (a process without a free
// descriptor, a host without memory), ends as an internal error, 70, said in the format that was asked for.
int run_or_say_why(std::string_view tool, Format format, const std::function<Result<int>()>& work);

// For what ended before there was anything to report: "LECTIO UNKNOWN - why", and the exit status 3 (README:
// with --format nagios only 0 to 3).
int leave_nagios(std::string_view why);

} // namespace lectio
