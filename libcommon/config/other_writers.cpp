#include "config/other_writers.h"

#include "platform/users.h"
#include "util/text.h"

#include <fmt/format.h>

#include <sys/stat.h>

namespace lectio {
namespace {

constexpr Phrase k_owned{"{} belongs to {}, and root does what it says",
                         "{} принадлежит пользователю {}, а написанное в нём выполняет root"};
constexpr Phrase k_writable{"{} can be changed by others, and root does what it says",
                            "{} могут изменить посторонние, а написанное в нём выполняет root"};
constexpr Phrase k_folder_owned{"{} lies in a folder of {}, and root does what it says",
                                "{} лежит в папке пользователя {}, а написанное в нём выполняет root"};
constexpr Phrase k_folder_writable{"{} lies in a folder that others can write to, and root does what it says",
                                   "{} лежит в папке, куда могут писать посторонние, а написанное в нём "
                                   "выполняет root"};
constexpr Phrase k_mend{"run: chown root:root {0} && chmod go-w {0}",
                        "выполните: chown root:root {0} && chmod go-w {0}"};

bool is_trusted(uid_t owner, uid_t us) {
    return owner == 0 || owner == us;
}

bool others_write(const FileInfo& info) {
    const bool group_writes = (info.mode & S_IWGRP) != 0 && info.group != 0;
    return group_writes || (info.mode & S_IWOTH) != 0;
}

std::string name_of(uid_t uid) {
    const Result<User> user = find_user(uid);
    return user ? user->name : fmt::format("{}", uid);
}

} // namespace

std::optional<Config::Note> note_of_other_writers(const Path& path, const FileInfo& file,
                                                  const FileInfo& folder, uid_t us) {
    const std::string shown = path.string();
    if (!is_trusted(file.owner, us)) {
        return Config::Note{say(k_owned, shown, name_of(file.owner)), say(k_mend, shown), {}};
    }
    if (others_write(file)) {
        return Config::Note{say(k_writable, shown), say(k_mend, shown), {}};
    }
    const std::string around = path.parent_path().string();
    if (!is_trusted(folder.owner, us)) {
        return Config::Note{say(k_folder_owned, shown, name_of(folder.owner)), say(k_mend, around), {}};
    }
    // In a sticky folder (/tmp) others may add names, but not exchange ours.
    if (others_write(folder) && (folder.mode & S_ISVTX) == 0) {
        return Config::Note{say(k_folder_writable, shown), say(k_mend, around), {}};
    }
    return std::nullopt;
}

std::optional<Config::Note> note_of_other_writers(Files& files, const Path& path) {
    if (effective_user() != 0) {
        return std::nullopt;
    }
    std::error_code failed;
    const Path absolute = std::filesystem::absolute(path, failed);
    const Result<FileInfo> file = files.info(absolute, Files::Follow::yes);
    const Result<FileInfo> folder = files.info(absolute.parent_path(), Files::Follow::yes);
    return !failed && file && folder ? note_of_other_writers(absolute, *file, *folder, 0) : std::nullopt;
}

} // namespace lectio
