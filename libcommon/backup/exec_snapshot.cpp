#include "backup/exec_snapshot.h"

#include "backup/manifest.h"
#include "backup/program.h"
#include "util/text.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

constexpr Phrase k_refused{"{} says that it cannot be restored (exit status {}){}",
                           "{} говорит, что восстановить её нельзя (код {}){}"};

std::string name_of(const std::vector<std::string>& command) {
    return clean_line(std::filesystem::path(command.front()).filename().string());
}

std::string after_colon(const std::string& said) {
    return said.empty() ? said : ": " + said;
}

Error failed(const std::vector<std::string>& command, const StreamEnd& end) {
    return {ErrorKind::io,
            fmt::format("{}: exit status {}{}", name_of(command), end.status, after_colon(end.said()))};
}

Stream stream_of(const ExecSource& source, const std::vector<std::string>& command) {
    Stream stream;
    stream.command = command;
    stream.user = source.user;
    stream.limit = source.timeout;
    return stream;
}

Result<ExecSnapshot> let_it_write(const ExecSource& source, const Path& into, Bytes min_free, World& world,
                                  SteadyTime until, const ReadThrough& read) {
    Stream stream = stream_of(source, source.command);
    stream.into = into;
    stream.min_free = min_free;
    const Result<StreamEnd> end = run_stream(stream, world, until);
    LECTIO_TRY(end);
    if (end->status != 0) {
        return failed(source.command, *end);
    }
    ExecSnapshot snapshot;
    snapshot.made_with = name_of(source.command);
    snapshot.extension = source.extension;
    Result<FileDigest> digest = read(into, world.clock, until);
    LECTIO_TRY(digest);
    if (digest->size == 0_B) {
        return Error{ErrorKind::invalid, fmt::format("{}: it has written nothing{}", snapshot.made_with,
                                                     after_colon(end->said()))};
    }
    snapshot.file = std::move(*digest);
    return snapshot;
}

} // namespace

Result<ExecSnapshot> take_exec(const ExecSource& source, const Path& into, Bytes min_free, World& world,
                               SteadyTime until, const ReadThrough& read) {
    return timed(world.clock, into, [&] { return let_it_write(source, into, min_free, world, until, read); });
}

Result<std::vector<Text>> flaws_by_program(const Path& plain, const ExecSource& source, World& world,
                                           SteadyTime until) {
    Stream stream = stream_of(source, source.verify);
    stream.from = plain;
    const Result<StreamEnd> end = run_stream(stream, world, until);
    LECTIO_TRY(end);
    return end->status == 0
               ? std::vector<Text>()
               : std::vector{say(k_refused, name_of(source.verify), end->status, after_colon(end->said()))};
}

Result<void> restore_by_program(const Path& plain, const ExecSource& source, World& world, SteadyTime until) {
    Stream stream = stream_of(source, source.restore);
    stream.from = plain;
    const Result<StreamEnd> end = run_stream(stream, world, until);
    LECTIO_TRY(end);
    return end->status == 0 ? Result<void>{} : failed(source.restore, *end);
}

} // namespace lectio::backup
