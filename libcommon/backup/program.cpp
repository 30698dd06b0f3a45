#include "backup/program.h"

#include "platform/durable_file.h"
#include "platform/trusted_path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Bytes k_longest_said = 4_MB;
constexpr std::size_t k_longest_remark = 300, k_last_lines = 3;
constexpr int k_some_files_differ = 1; // gnu.org/software/tar/manual, "Synopsis": the exit status

// Less than `min_free` would stay free, were as much as there is of it written once more: it is compressed beside.
bool fills_the_disk(const UniqueFd& file, Bytes min_free) {
    struct statvfs room {};
    struct stat written {};
    return ::fstatvfs(file.get(), &room) == 0 && ::fstat(file.get(), &written) == 0 &&
           std::uint64_t{room.f_bavail} * room.f_frsize <
               min_free.count + static_cast<std::uint64_t>(written.st_size);
}

bool is_short(const UniqueFd& file, Bytes min_free) {
    struct statvfs room {};
    return ::fstatvfs(file.get(), &room) == 0 &&
           std::uint64_t{room.f_bavail} * room.f_frsize < min_free.count;
}

Error no_space_for(std::string_view name) {
    return {ErrorKind::no_space, fmt::format("{}: No space left on device", name)};
}

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

std::string StreamEnd::said() const {
    return shorten(fmt::format("{}", fmt::join(lines, "; ")), k_longest_remark);
}

Result<StreamEnd> run_stream(const Stream& stream, World& world, SteadyTime until) {
    UniqueFd from, into;
    if (!stream.from.empty()) {
        Result<UniqueFd> opened = open_trusted_file(stream.from);
        LECTIO_TRY(opened);
        from = std::move(*opened);
    }
    if (!stream.into.empty()) {
        Result<UniqueFd> made = create_file(stream.into);
        LECTIO_TRY(made);
        into = std::move(*made);
    }
    const auto left = std::chrono::duration_cast<Duration>(until - world.clock.steady());
    bool is_full = false;
    ProcessRequest request;
    request.command = stream.command;
    request.user = stream.user;
    request.input_from = from.get();
    request.output_to = into.get();
    request.timeout = std::max<Duration>(1s, std::min(stream.limit, left));
    request.max_output = k_longest_said;
    if (into.valid() && stream.min_free > 0_B) {
        request.enough = [&] { return is_full = fills_the_disk(into, stream.min_free); };
    }
    const std::string name = clean_line(std::filesystem::path(stream.command.front()).filename().string());
    const Result<ProcessAnswer> answer = world.processes.run(request);
    LECTIO_TRY(answer);
    if (is_full) {
        return no_space_for(name);
    }
    if (answer->timed_out) {
        return Error{ErrorKind::timeout, fmt::format("{} was ended before it was done", name)};
    }
    if (!answer->exit_status) {
        return Error{ErrorKind::io, fmt::format("{}: ended by signal {}", name, answer->signal)};
    }
    if (into.valid()) {
        LECTIO_TRY(sync_file(stream.into));
    }
    StreamEnd end{*answer->exit_status, {}};
    for (const std::string_view line : split_lines(trim(answer->err))) {
        end.lines.push_back(shorten(clean_line(line), k_longest_remark));
    }
    if (end.lines.size() > k_last_lines) {
        end.lines.erase(end.lines.begin(), end.lines.end() - k_last_lines);
    }
    return end;
}

Result<Said> run_tar(std::vector<std::string> arguments, World& world, SteadyTime until, const Filled& into) {
    ProcessRequest request;
    request.command = {"tar"};
    std::move(arguments.begin(), arguments.end(), std::back_inserter(request.command));
    UniqueFd file;
    bool is_full = false;
    if (into.min_free > 0_B) {
        Result<UniqueFd> opened = open_trusted_file(into.file);
        LECTIO_TRY(opened);
        file = std::move(*opened);
        if (is_short(file, into.min_free)) {
            return no_space_for("tar");
        }
        request.enough = [&] { return is_full = is_short(file, into.min_free); };
    }
    Result<Said> said = run_program(std::move(request), k_some_files_differ, world, until);
    return is_full ? no_space_for("tar") : std::move(said);
}

} // namespace lectio::backup
