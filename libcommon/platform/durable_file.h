// Whole files, however large, copied and read through; on the disk when the call returns.
//
// Every path is reached along trusted steps only (platform/trusted_path.h): who owns the folder can lead nothing of this
// elsewhere. Kinds of Error: timeout: not done by `until`, or the process is to end.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"
#include "util/unique_fd.h"
#include "util/units.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace lectio {

struct FileDigest {
    Bytes size;
    std::string sha256;
    bool operator==(const FileDigest&) const = default;
};

// Reads a whole file; what it was is returned. Who needs its content for something else takes the digest on the way.
using ReadThrough = std::function<Result<FileDigest>(const Path& file, Clock& clock, SteadyTime until)>;
// As the disk has it: what the kernel remembers of it is forgotten first, as far as it is written (posix_fadvise(2)).
Result<FileDigest> digest_of(const Path& file, Clock& clock, SteadyTime until);
// The same, of what somebody else has written: it is on the disk first, and so is its name.
Result<FileDigest> sync_and_digest(const Path& file, Clock& clock, SteadyTime until);

struct NewFile {
    mode_t mode = 0600;
    std::optional<uid_t> owner{}; // else as we are
    std::optional<gid_t> group{};
};
// `to` is a new file with all that is in `from`; what is there already is an Error, and on any Error nothing stays.
Result<FileDigest> copy_file(const Path& from, const Path& to, const NewFile& as, Clock& clock,
                             SteadyTime until);

// The same, for what somebody makes of it piece by piece: what `each` gives to `Give` is written, and `end` gives the rest.
using Give = std::function<Result<void>(std::string_view)>;
Result<FileDigest>
transform_file(const Path& from, const Path& to, Clock& clock, SteadyTime until,
               const std::function<Result<void>(std::string_view piece, const Give&)>& each,
               const std::function<Result<void>(const Give&)>& end);
// The same, for what comes from elsewhere: `produce` gives it.
using Produce = std::function<Result<void>(const Give&)>;
Result<FileDigest> make_file(const Path& to, const Produce& produce);
// A new file of ours alone, to be written to by somebody else: sync_file() afterwards.
Result<UniqueFd> create_file(const Path& file);
// `to` is what `from` was, from one moment to the next (rename(2)); both in one folder.
Result<void> replace_file(const Path& from, const Path& to);

// What somebody else has written there is on the disk, and so is the name.
Result<void> sync_file(const Path& file);
// The name is gone, and stays so. Not there: nothing to do.
Result<void> remove_file(const Path& file);
// Where the file is in truth, every link followed; it is a regular file that we may read.
Result<Path> real_place(const Path& file);

} // namespace lectio
