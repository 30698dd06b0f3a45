#include "cli/exit_code.h"

namespace lectio {

const std::string_view k_exit_code_help =
    "Exit status: 0 all good, 1 warning, 2 critical, 3 unknown, 64 wrong usage, 70 internal error,\n"
    "75 another run holds the lock, 77 needs rights, 78 wrong configuration. With --format nagios only 0 to "
    "3.\n";

ExitCode exit_code(Status status) {
    switch (status) {
    case Status::ok:
    case Status::skipped:
        return ExitCode::ok;
    case Status::warning:
        return ExitCode::warning;
    case Status::critical:
        return ExitCode::critical;
    case Status::unknown:
        return ExitCode::unknown;
    }
    return ExitCode::internal;
}

ExitCode exit_code(const Error& error) {
    switch (error.kind) {
    case ErrorKind::busy:
        return ExitCode::locked;
    case ErrorKind::permission:
        return ExitCode::rights;
    default:
        return ExitCode::internal;
    }
}

int process_exit(ExitCode code, Status site, Format format) {
    if (format != Format::nagios || static_cast<int>(code) <= 3) {
        return static_cast<int>(code);
    }
    const bool seen = code == ExitCode::configuration && site != Status::unknown;
    return static_cast<int>(exit_code(seen ? worst(site, Status::warning) : Status::unknown));
}

} // namespace lectio
