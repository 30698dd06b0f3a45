#include "backup/age.h"

#include "backup/program.h"
#include "config/backup.h"
#include "platform/users.h"
#include "util/text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

constexpr std::string_view k_first_line = "age-encryption.org/v1\n"; // c2sp.org/age, "Header"
constexpr Bytes k_first_bytes = {k_first_line.size()};
constexpr std::string_view k_error = "age: error: "; // filippo.io/age, cmd/age/tui.go
constexpr std::string_view k_no_age = "unable to start age: not found";
constexpr mode_t k_others_write = 022, k_others_at_all = 077;

bool is_trusted(uid_t owner) {
    return owner == 0 || owner == effective_user();
}

// Where others could change it, they would say for whom we encrypt.
Result<void> trust_recipients(const Path& file, Files& files) {
    const Result<FileInfo> info = files.info(file, Files::Follow::yes);
    LECTIO_TRY(info);
    if (!is_trusted(info->owner) || (info->mode & k_others_write) != 0) {
        return Error{ErrorKind::permission,
                     fmt::format("unable to use the recipients in {}: others may write to it",
                                 clean_line(file.string()))};
    }
    return {};
}

Result<std::vector<std::string>> command_for(const std::vector<std::string>& encrypt, Files& files) {
    const AgeRecipients recipients = recipients_of(encrypt);
    std::vector<std::string> command{"age", "--encrypt"};
    for (const std::string& key : recipients.keys) {
        command.insert(command.end(), {"--recipient", key});
    }
    for (const std::string& file : recipients.files) {
        LECTIO_TRY(trust_recipients(file, files));
        command.insert(command.end(), {"--recipients-file", file});
    }
    return command;
}

// It says first what is wrong, then where that may be reported.
Result<void> run_age(const Stream& stream, World& world, SteadyTime until) {
    const Result<StreamEnd> end = run_stream(stream, world, until);
    if (!end && end.error().kind == ErrorKind::not_found && end.error().message.starts_with(k_no_age)) {
        return Error{ErrorKind::not_found, "age is not installed: apt-get install age"};
    }
    LECTIO_TRY(end);
    if (end->status == 0) {
        return {};
    }
    const auto why = std::find_if(end->lines.begin(), end->lines.end(),
                                  [](const std::string& line) { return line.starts_with(k_error); });
    return Error{ErrorKind::io,
                 why != end->lines.end() ? *why : fmt::format("age: exit status {}", end->status)};
}

Result<FileDigest> write_by_age(const Stream& stream, World& world, SteadyTime until) {
    const Result<void> done = run_age(stream, world, until);
    Result<FileDigest> digest = done ? digest_of(stream.into, world.clock, until) : done.error();
    if (!digest) {
        [[maybe_unused]] const Result<void> removed =
            remove_file(stream.into); // what went wrong is what counts
    }
    return digest;
}

} // namespace

Result<void> try_recipients(const std::vector<std::string>& encrypt, World& world, SteadyTime until) {
    Result<std::vector<std::string>> command = command_for(encrypt, world.files);
    LECTIO_TRY(command);
    Stream stream; // nothing in, and what comes out is not kept
    stream.command = std::move(*command);
    return run_age(stream, world, until);
}

Result<FileDigest> encrypt_file(const std::vector<std::string>& encrypt, const Path& from, const Path& to,
                                World& world, SteadyTime until) {
    Result<std::vector<std::string>> command = command_for(encrypt, world.files);
    LECTIO_TRY(command);
    Stream stream;
    stream.command = std::move(*command);
    stream.from = from;
    stream.into = to;
    Result<FileDigest> digest = write_by_age(stream, world, until);
    LECTIO_TRY(digest);
    // Whatever else is called age on this host: what leaves it must not be plain.
    const Result<std::string> beginning = world.files.read_from(to, {}, k_first_bytes);
    if (!beginning || *beginning != k_first_line) {
        LECTIO_TRY(remove_file(to));
        return beginning ? Error{ErrorKind::invalid, "age has not encrypted it"} : beginning.error();
    }
    return digest;
}

Result<bool> has_identity(const Path& identity, Files& files) {
    if (identity.empty()) {
        return false;
    }
    const Result<FileInfo> info = files.info(identity, Files::Follow::yes);
    if (!info && info.error().kind == ErrorKind::not_found) {
        return false;
    }
    LECTIO_TRY(info);
    if (info->type != FileInfo::Type::regular || !is_trusted(info->owner) ||
        (info->mode & k_others_at_all) != 0) {
        return Error{ErrorKind::permission,
                     fmt::format("unable to use the key file {}: others may read it (chmod 600, chown root)",
                                 clean_line(identity.string()))};
    }
    return true;
}

Result<FileDigest> decrypt_file(const Path& identity, const Path& from, const Path& to, World& world,
                                SteadyTime until) {
    Stream stream;
    stream.command = {"age", "--decrypt", "--identity", identity.string()};
    stream.from = from;
    stream.into = to;
    return write_by_age(stream, world, until);
}

} // namespace lectio::backup
