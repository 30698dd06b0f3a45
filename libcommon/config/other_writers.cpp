#include "config/other_writers.h"

#include "platform/users.h"
#include "util/text.h"

#include <algorithm>
#include <array>

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

bool is_interpreter(const Path& program) {
    constexpr std::array<std::string_view, 8> k_names{"sh",   "bash", "dash", "python",
                                                      "perl", "php",  "ruby", "node"};
    const std::string name = program.filename().string();
    return std::any_of(k_names.begin(), k_names.end(), [&](std::string_view known) {
        return name.starts_with(known) &&
               name.find_first_not_of("0123456789.", known.size()) == std::string::npos; // python3.11
    });
}

void add_programs_of(const Node& command, std::set<Path>& programs) {
    const auto* words = command.get<Node::Array>();
    bool more = words != nullptr;
    for (auto word = more ? words->begin() : Node::Array::const_iterator{}; more && word != words->end();
         ++word) {
        const auto* text = word->get<std::string>();
        const Path path = text != nullptr ? Path(*text) : Path();
        if (path.is_absolute()) {
            programs.insert(path);
        }
        const bool is_option = word != words->begin() && text != nullptr && text->starts_with('-');
        more = is_option || (word == words->begin() && is_interpreter(path));
    }
}

constexpr std::array<std::string_view, 8> k_commands{"command", "test",         "verify",        "restore",
                                                     "offsite", "offsite_list", "offsite_fetch", "restic"};

void collect_programs(const Node& node, std::set<Path>& programs) {
    if (const auto* array = node.get<Node::Array>()) {
        for (const Node& each : *array) {
            collect_programs(each, programs);
        }
    }
    const auto* table = node.get<Node::Table>();
    if (table == nullptr) {
        return;
    }
    const Node* user = node.find("user");
    const auto* name = user != nullptr ? user->get<std::string>() : nullptr;
    const bool by_root = name == nullptr || *name == "root";
    for (const Member& member : *table) {
        if (by_root && std::find(k_commands.begin(), k_commands.end(), member.key) != k_commands.end()) {
            add_programs_of(member.value.front(), programs);
        }
        collect_programs(member.value.front(), programs);
    }
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

std::set<Path> programs_of_root(const Node& root) {
    std::set<Path> programs;
    collect_programs(root, programs);
    return programs;
}

} // namespace lectio
