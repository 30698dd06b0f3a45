#include "cli/last_resort.h"

#include "cli/terminal.h"
#include "platform/clock.h"
#include "platform/host.h"
#include "report/report.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <array>
#include <exception>
#include <string>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio {
namespace {

constexpr std::string_view k_reason = "internal error: {}";
constexpr std::string_view k_nagios = "LECTIO UNKNOWN - internal error\n";

int leave(std::string_view tool, Format format, std::string_view what) {
    const std::string reason = fmt::format(k_reason, clean_line(redact(what)));
    constexpr auto k_status = static_cast<int>(ExitCode::internal);
    complain(fmt::format("{}: {}\n", tool, reason));
    if (format == Format::nagios) {
        return leave_nagios(ExitCode::internal, reason);
    }
    if (format == Format::json) {
        const std::string json = render_json_reason(std::string(tool), SystemHost().hostname(),
                                                    SystemClock().now().wall, k_status, reason);
        [[maybe_unused]] const Result<void> ignored = print(json); // it is a failure already
    }
    return k_status;
}

// Of who is past every catch: a thread that found no memory, a noexcept function that threw. They must not abort: an
// abort says nothing, and has no exit status of ours.
std::string_view g_tool;
Format g_format = Format::text;

[[noreturn]] void leave_at_once() noexcept {
    constexpr std::string_view k_words =
        ": internal error: ended in the middle, perhaps for lack of memory\n";
    if (g_format == Format::nagios) { // no allocation: there may be nothing left to allocate
        [[maybe_unused]] const ssize_t said = ::write(STDOUT_FILENO, k_nagios.data(), k_nagios.size());
        ::_exit(static_cast<int>(ExitCode::unknown));
    }
    [[maybe_unused]] ssize_t said = ::write(STDERR_FILENO, g_tool.data(), g_tool.size());
    said = ::write(STDERR_FILENO, k_words.data(), k_words.size());
    ::_exit(static_cast<int>(ExitCode::internal));
}

} // namespace

int run_or_say_why(std::string_view tool, Format format, const std::function<Result<int>()>& work) {
    g_tool = tool;
    g_format = format;
    std::set_terminate(&leave_at_once);
    try {
        const Result<int> status = work();
        return status ? *status : leave(tool, format, status.error().message);
    } catch (const std::exception& error) {
        return leave(tool, format, error.what());
    }
}

int leave_nagios(ExitCode code, std::string_view why) {
    constexpr std::array<std::string_view, 4> k_levels{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const int status = process_exit(code, Status::unknown, Format::nagios);
    [[maybe_unused]] const Result<void> ignored = print(
        fmt::format("LECTIO {} - {}\n", k_levels.at(static_cast<std::size_t>(status)), nagios_words(why)));
    return status;
}

int print_or_say_why(std::string_view tool, Lang lang, Format format, std::string_view text, int status) {
    const Result<void> printed = print(text);
    if (printed) {
        return status;
    }
    complain(fmt::format("{}: {}\n", tool, error_words(printed.error().message).in(lang)));
    return process_exit(ExitCode::internal, Status::unknown, format);
}

} // namespace lectio
