#include "backup/restic_snapshot.h"

#include "backup/files_snapshot.h"
#include "backup/manifest.h"
#include "backup/program.h"
#include "platform/trusted_path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

// restic.readthedocs.io, "Scripting": exit status 3 of `backup`: a snapshot was made, and some files could not be read.
constexpr int k_some_not_read = 3;
constexpr Bytes k_longest_said = 4_MB;
constexpr std::size_t k_most_missing = 5;         // that are named
constexpr std::size_t k_longest_head = 1U << 20U; // the first line of the list has every path and pattern
constexpr std::string_view k_fatal = "Fatal: ";
// Of what was written and read back, and of nothing else, restic says this; the rest may be the way there.
constexpr std::array<std::string_view, 5> k_damage{"ciphertext verification failed", "invalid data returned",
                                                   "returned invalid hash", "not found in repository",
                                                   "not found in index"};
constexpr std::size_t k_id_shown = 8; // as restic shows it
constexpr std::string_view k_contains_errors = "repository contains errors";

constexpr Phrase k_not_there{"the repository has no snapshot {}", "в хранилище нет снимка {}"};
constexpr Phrase k_damaged{"the repository is damaged: {}", "хранилище повреждено: {}"};

struct Answer {
    int status = 0;
    std::string out, err;
    bool cut = false; // it has said more than that
};

// Of what it says: why it gave up, if it says so, else what came first. That it tries again is no reason.
std::string reason_in(const ResticComplaints& complaints) {
    const auto is_fatal = [](const std::string& line) {
        return line.starts_with(k_fatal) && line.find(k_contains_errors) == std::string::npos;
    };
    const auto fatal = std::find_if(complaints.words.begin(), complaints.words.end(), is_fatal);
    if (fatal != complaints.words.end()) {
        return fatal->substr(k_fatal.size());
    }
    const auto first =
        std::find_if(complaints.words.begin(), complaints.words.end(), [](const std::string& line) {
            return !line.empty() && line.find("retrying after") == std::string::npos;
        });
    return first == complaints.words.end() ? std::string() : *first;
}

Error failed(const Answer& answer) {
    const std::string reason = reason_in(complaints_of(answer.err));
    return {ErrorKind::io, reason.empty() ? fmt::format("restic: exit status {}", answer.status)
                                          : fmt::format("restic: {}", reason)};
}

std::vector<std::string> command_of(const BackupSource& source, std::vector<std::string> arguments) {
    std::vector<std::string> command = source.restic;
    std::move(arguments.begin(), arguments.end(), std::back_inserter(command));
    return command;
}

Result<Answer> ask(const BackupSource& source, std::vector<std::string> arguments, World& world,
                   SteadyTime until) {
    ProcessRequest request;
    request.command = command_of(source, std::move(arguments));
    request.max_output = k_longest_said;
    request.timeout =
        std::max<Duration>(1s, std::chrono::duration_cast<Duration>(until - world.clock.steady()));
    Result<ProcessAnswer> answer = world.processes.run(request);
    LECTIO_TRY(answer);
    if (answer->timed_out || !answer->exit_status) {
        return Error{ErrorKind::timeout, "restic was ended before it was done"};
    }
    return Answer{*answer->exit_status, std::move(answer->out), std::move(answer->err), answer->cut};
}

Result<std::string> id_in(const Path& list) {
    const Result<UniqueFd> file = open_trusted_file(list);
    LECTIO_TRY(file);
    std::string head(k_longest_head, '\0');
    std::size_t length = 0;
    while (length < head.size()) {
        const ssize_t got = ::read(file->get(), head.data() + length, head.size() - length);
        if (got < 0) {
            return errno_error("unable to read " + list.string(), errno);
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    head.resize(length);
    return id_in_list(head.substr(0, head.find('\n')));
}

// The list is what the repository gives back, so it is there.
Result<void> list(ResticSnapshot& snapshot, const std::string& id, const BackupSource& source,
                  const Path& into, World& world, SteadyTime until, const ReadThrough& read) {
    Stream stream;
    stream.command = command_of(source, {"ls", "--json", "--no-lock", id});
    stream.into = into;
    const Result<StreamEnd> end = run_stream(stream, world, until);
    LECTIO_TRY(end);
    const Result<std::string> full_id = end->status == 0 ? id_in(into) : std::string();
    LECTIO_TRY(full_id);
    if (!full_id->starts_with(id)) { // it is unable to find it, and leaves with 0
        return Error{ErrorKind::io, fmt::format("restic: {}", end->said())};
    }
    snapshot.id = *full_id;
    Result<FileDigest> digest = read(into, world.clock, until);
    LECTIO_TRY(digest);
    snapshot.file = std::move(*digest);
    return {};
}

Result<ResticSnapshot> give(const BackupSource& source, const Path& into, World& world, SteadyTime until,
                            const ReadThrough& read) {
    ResticSnapshot snapshot;
    Result<std::vector<Path>> paths = in_truth(source.files.paths);
    LECTIO_TRY(paths);
    snapshot.paths = std::move(*paths);
    // --quiet: else it tells ten times a second how far it is.
    std::vector<std::string> arguments{"backup", "--json", "--quiet", "--one-file-system",
                                       "--tag",  "lectio", "--tag",   source.name};
    for (const std::string& pattern : source.files.exclude) {
        arguments.insert(arguments.end(), {"--exclude", pattern});
    }
    arguments.emplace_back("--");
    for (const Path& path : snapshot.paths) {
        arguments.push_back(path.string());
    }
    const Result<Answer> answer = ask(source, std::move(arguments), world, until);
    LECTIO_TRY(answer);
    if (answer->status != 0 && answer->status != k_some_not_read) {
        return failed(*answer);
    }
    const Result<ResticSummary> summary = summary_of(answer->out);
    LECTIO_TRY(summary);
    snapshot.files = summary->files;
    snapshot.content = summary->content;
    snapshot.added = summary->added;
    snapshot.missing = complaints_of(answer->err).files;
    snapshot.unread = snapshot.missing.size();
    if (answer->status == k_some_not_read && snapshot.unread == 0) { // it does not say which
        snapshot.unread = 1;
    }
    snapshot.missing.resize(std::min(snapshot.missing.size(), k_most_missing));
    LECTIO_TRY(list(snapshot, summary->id, source, into, world, until, read));
    const Result<Answer> version = ask(source, {"version"}, world, until); // "restic 0.14.0 compiled with …"
    LECTIO_TRY(version);
    const std::string words = clean_line(version->out.substr(0, version->out.find('\n')));
    snapshot.made_with = words.substr(0, words.find(" compiled"));
    return snapshot;
}

bool says(const Answer& answer, std::string_view words) {
    return answer.err.find(words) != std::string::npos;
}

// Nothing: it is whole, or nobody could say.
Result<Text> structure_once(const BackupSource& source, World& world, SteadyTime until) {
    const Result<Answer> answer = ask(source, {"check", "--no-lock", "--quiet"}, world, until);
    LECTIO_TRY(answer);
    if (answer->status == 0) {
        return Text{};
    }
    return says(*answer, k_contains_errors)
               ? Result<Text>(say(k_damaged, reason_in(complaints_of(answer->err))))
               : failed(*answer);
}

// What stands in a pattern for more than itself (pkg.go.dev/path/filepath#Match).
std::string literally(const std::string& path) {
    std::string pattern;
    for (const char c : path) {
        pattern += std::string_view("*?[]\\").find(c) != std::string_view::npos ? std::string{'\\', c}
                                                                                : std::string(1, c);
    }
    return pattern;
}

} // namespace

Result<ResticSnapshot> take_restic(const BackupSource& source, const Path& into, World& world,
                                   SteadyTime until, const ReadThrough& read) {
    return timed(world.clock, into, [&] { return give(source, into, world, until, read); });
}

Result<std::set<std::string>> ids_in_repository(const BackupSource& source, World& world, SteadyTime until) {
    const Result<Answer> there = ask(source, {"list", "--no-lock", "--quiet", "snapshots"}, world, until);
    LECTIO_TRY(there);
    if (there->status != 0) {
        return failed(*there);
    }
    if (there->cut) {
        return Error{ErrorKind::too_large, "restic lists more snapshots than can be read"};
    }
    const std::vector<std::string_view> lines = split_lines(there->out);
    return std::set<std::string>(lines.begin(), lines.end());
}

Result<Text> flaw_of_structure(const std::string& id, const BackupSource& source, World& world,
                               SteadyTime until) {
    const Result<std::set<std::string>> ids = ids_in_repository(source, world, until);
    LECTIO_TRY(ids);
    if (!ids->contains(id)) {
        return say(k_not_there, id.substr(0, k_id_shown));
    }
    // Nobody is kept from writing meanwhile: what is only half there at one moment is whole at the next.
    const Result<Text> flaw = structure_once(source, world, until);
    LECTIO_TRY(flaw);
    return flaw->empty() ? flaw : structure_once(source, world, until);
}

Result<Text> flaw_of_content(const std::string& id, const BackupSource& source, World& world,
                             SteadyTime until) {
    // What comes is a tar; all but its beginning is dropped as it comes.
    const Result<Answer> answer =
        ask(source, {"dump", "--no-lock", "--archive", "tar", id, "/"}, world, until);
    LECTIO_TRY(answer);
    if (answer->status == 0) {
        return Text{};
    }
    const bool is_damage = std::any_of(k_damage.begin(), k_damage.end(),
                                       [&](std::string_view words) { return says(*answer, words); });
    return is_damage ? Result<Text>(say(k_damaged, reason_in(complaints_of(answer->err)))) : failed(*answer);
}

Result<void> restore_restic(const std::string& id, const Path& folder, const Path& below,
                            const BackupSource& source, World& world, SteadyTime until) {
    std::vector<std::string> arguments{"restore",  "--no-lock", "--quiet",
                                       "--verify", "--target",  folder.string()};
    if (!below.empty()) {
        arguments.insert(arguments.end(), {"--include", literally(below.string())});
    }
    arguments.push_back(id);
    const Result<Answer> answer = ask(source, std::move(arguments), world, until);
    LECTIO_TRY(answer);
    return answer->status == 0 ? Result<void>{} : failed(*answer);
}

} // namespace lectio::backup
