// Exit codes, the same in every tool (DESIGN.md); the table is also in every --help.
#pragma once

#include "checks/check.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string_view>

namespace lectio {

enum class ExitCode : int {
    ok = 0,
    warning = 1,
    critical = 2,
    unknown = 3,
    usage = 64,        // wrong words on the command line (sysexits.h EX_USAGE)
    internal = 70,     // our own fault, or the report could not be written (EX_SOFTWARE)
    locked = 75,       // another run holds the lock (EX_TEMPFAIL)
    rights = 77,       // needs to be root (EX_NOPERM)
    configuration = 78 // wrong configuration (EX_CONFIG)
};

ExitCode exit_code(Status status);
ExitCode exit_code(const Error& error);

// What is handed to the shell: with --format nagios only 0 to 3, everything beyond is UNKNOWN but a wrong
// configuration with which the site was seen nevertheless, which is the worst of the site's status and WARNING
// (CONTRACT 5).
enum class Format { text, json, nagios, prometheus, html };
int process_exit(ExitCode code, Status site, Format format);

extern const std::string_view k_exit_code_help;

// What is said with ExitCode::rights, after what could not be done.
inline constexpr Phrase k_needs_rights{"{}; run with sudo", "{}; запустите через sudo"};

} // namespace lectio
