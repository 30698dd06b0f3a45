#include "platform/durable_file.h"

#include "platform/folder_names.h"
#include "platform/sha256.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "platform/write_all.h"
#include "util/unique_fd.h"

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_piece = 1U << 20U;

using Take = std::function<Result<void>(std::string_view)>;

Result<void> read_through(int file, const Path& shown, Clock& clock, SteadyTime until, const Take& take) {
    const auto buffer = std::make_unique<std::array<char, k_piece>>();
    for (;;) {
        if (stop_requested() || clock.steady() >= until) {
            return no_time_left("read", shown);
        }
        const ssize_t got = ::read(file, buffer->data(), buffer->size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return unable("read", shown);
        }
        if (got == 0) {
            return {};
        }
        LECTIO_TRY(take({buffer->data(), static_cast<std::size_t>(got)}));
    }
}

Result<void> sync_folder(int folder, const Path& shown) {
    const UniqueFd opened(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool synced = opened.valid() && ::fsync(opened.get()) == 0;
    return synced ? Result<void>{} : unable("sync", shown);
}

Result<FileDigest> fill(int to, const Path& shown, const Produce& produce, const NewFile& as) {
    Sha256 hash;
    FileDigest digest;
    LECTIO_TRY(produce([&](std::string_view bytes) {
        hash.add(bytes);
        digest.size.count += bytes.size();
        return write_all(to, bytes) ? Result<void>{} : unable("write", shown);
    }));
    digest.sha256 = hash.finish();
    if ((as.owner || as.group) && ::fchown(to, as.owner.value_or(static_cast<uid_t>(-1)),
                                           as.group.value_or(static_cast<gid_t>(-1))) != 0) {
        return unable("set the owner of", shown);
    }
    // After the owner, whose change takes special bits away; the umask is nobody's wish here.
    if (::fchmod(to, as.mode) != 0) {
        return unable("set the mode of", shown);
    }
    if (::fsync(to) != 0) {
        return unable("sync", shown);
    }
    return digest;
}

Result<UniqueFd> create_in(const UniqueFd& folder, const Path& file) {
    UniqueFd target(::openat(folder.get(), file.filename().c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target.valid()) {
        return unable("create", file);
    }
    return target;
}

Result<FileDigest> write_new(const Path& to, const Produce& produce, const NewFile& as) {
    const Result<UniqueFd> folder = open_trusted_folder(to.parent_path());
    LECTIO_TRY(folder);
    const std::string name = to.filename().string();
    const Result<UniqueFd> target = create_in(*folder, to);
    LECTIO_TRY(target);
    Result<FileDigest> digest = fill(target->get(), to, produce, as);
    const Result<void> named = digest ? sync_folder(folder->get(), to.parent_path()) : Result<void>{};
    if (!digest || !named) {
        ::unlinkat(folder->get(), name.c_str(), 0);
        return digest ? named.error() : digest.error();
    }
    return digest;
}

} // namespace

Result<FileDigest> digest_of(const Path& file, Clock& clock, SteadyTime until) {
    const Result<UniqueFd> opened = open_trusted_file(file);
    LECTIO_TRY(opened);
    ::posix_fadvise(opened->get(), 0, 0, POSIX_FADV_DONTNEED);
    Sha256 hash;
    FileDigest digest;
    LECTIO_TRY(read_through(opened->get(), file, clock, until, [&](std::string_view bytes) {
        hash.add(bytes);
        digest.size.count += bytes.size();
        return Result<void>{};
    }));
    digest.sha256 = hash.finish();
    return digest;
}

Result<FileDigest> sync_and_digest(const Path& file, Clock& clock, SteadyTime until) {
    LECTIO_TRY(sync_file(file));
    return digest_of(file, clock, until);
}

Result<FileDigest> copy_file(const Path& from, const Path& to, const NewFile& as, Clock& clock,
                             SteadyTime until) {
    const Result<UniqueFd> source = open_trusted_file(from);
    LECTIO_TRY(source);
    const Produce as_it_is = [&](const Give& give) {
        return read_through(source->get(), from, clock, until, give);
    };
    return write_new(to, as_it_is, as);
}

Result<FileDigest>
transform_file(const Path& from, const Path& to, Clock& clock, SteadyTime until,
               const std::function<Result<void>(std::string_view piece, const Give&)>& each,
               const std::function<Result<void>(const Give&)>& end) {
    const Result<UniqueFd> source = open_trusted_file(from);
    LECTIO_TRY(source);
    const Produce transformed = [&](const Give& give) -> Result<void> {
        LECTIO_TRY(read_through(source->get(), from, clock, until,
                                [&](std::string_view piece) { return each(piece, give); }));
        return end(give);
    };
    return write_new(to, transformed, NewFile{});
}

Result<FileDigest> make_file(const Path& to, const Produce& produce) {
    return write_new(to, produce, NewFile{});
}

Result<UniqueFd> create_file(const Path& file) {
    const Result<UniqueFd> folder = open_trusted_folder(file.parent_path());
    LECTIO_TRY(folder);
    return create_in(*folder, file);
}

Result<void> replace_file(const Path& from, const Path& to) {
    const Result<UniqueFd> folder = open_trusted_folder(to.parent_path());
    LECTIO_TRY(folder);
    if (::renameat(folder->get(), from.filename().c_str(), folder->get(), to.filename().c_str()) != 0) {
        return unable("rename", from);
    }
    return sync_folder(folder->get(), to.parent_path());
}

Result<void> sync_file(const Path& file) {
    const Result<UniqueFd> opened = open_trusted_file(file);
    LECTIO_TRY(opened);
    if (::fsync(opened->get()) != 0) {
        return unable("sync", file);
    }
    const Result<UniqueFd> folder = open_trusted_folder(file.parent_path());
    LECTIO_TRY(folder);
    return sync_folder(folder->get(), file.parent_path());
}

Result<void> remove_file(const Path& file) {
    const Result<UniqueFd> folder = open_trusted_folder(file.parent_path());
    LECTIO_TRY(folder);
    if (::unlinkat(folder->get(), file.filename().c_str(), 0) != 0) {
        return errno == ENOENT ? Result<void>{} : unable("remove", file);
    }
    return sync_folder(folder->get(), file.parent_path());
}

Result<Path> real_place(const Path& file) {
    const Result<UniqueFd> opened = open_trusted_file(file);
    LECTIO_TRY(opened);
    std::array<char, 4096> target{};
    const std::string link = fmt::format("/proc/self/fd/{}", opened->get());
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size <= 0 || static_cast<std::size_t>(size) == target.size()) {
        return unable("examine", file);
    }
    return Path(std::string(target.data(), static_cast<std::size_t>(size)));
}

} // namespace lectio
