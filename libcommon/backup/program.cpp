#include "backup/program.h"

#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Bytes k_longest_said = 4_MB;
constexpr int k_some_files_differ = 1; // gnu.org/software/tar/manual, "Synopsis": the exit status

} // namespace

Result<Said> run_program(ProcessRequest request, int worst, World& world, SteadyTime until) {
    const std::string name = std::filesystem::path(request.command.front()).filename().string();
    request.timeout =
        std::max<Duration>(1s, std::chrono::duration_cast<Duration>(until - world.clock.steady()));
    request.max_output = k_longest_said;
    const Result<ProcessAnswer> answer = world.processes.run(request);
    LECTIO_TRY(answer);
    if (answer->timed_out || !answer->exit_status) {
        return Error{ErrorKind::timeout, fmt::format("{} was ended before it was done", name)};
    }
    Said said{*answer->exit_status, {}, std::string(trim(answer->out))};
    for (const std::string_view line : split_lines(trim(answer->err))) {
        said.lines.push_back(shorten(clean_line(line), 200));
    }
    if (said.status > worst) {
        // What comes last ("Exiting with failure status due to previous errors") says nothing.
        const bool full = answer->err.find("No space left on device") != std::string::npos;
        return Error{full ? ErrorKind::no_space : ErrorKind::io,
                     said.lines.empty() ? fmt::format("{}: exit status {}", name, said.status)
                                        : said.lines.front()};
    }
    return said;
}

Result<Said> run_tar(std::vector<std::string> arguments, World& world, SteadyTime until) {
    ProcessRequest request;
    request.command = {"tar"};
    std::move(arguments.begin(), arguments.end(), std::back_inserter(request.command));
    return run_program(std::move(request), k_some_files_differ, world, until);
}

} // namespace lectio::backup
