// The names in a folder that is reached from a descriptor: what every walk through a tree of others begins with.
#pragma once

#include "platform/files.h"
#include "util/result.h"

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include <dirent.h>

namespace lectio {

// Each level of a walk holds a descriptor; a site is a dozen deep, and what is deeper than this is no site.
constexpr int k_deepest_folder = 200;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using FolderStream = std::unique_ptr<DIR, CloseFolder>;

// No link is followed. Null: errno says why.
FolderStream open_folder(int parent, const char* name);

// errno in words: "unable to WHAT static/js: Permission denied", the path cleaned.
Error unable(std::string_view what, const Path& shown);
// Of the walk's deadline, or of a run that is to end.
Error no_time_left(std::string_view what, const Path& shown);

// Calls `each(folder, name)` with every name in the folder until one fails; `folder` is its descriptor.
template<class Each>
Result<void> for_each_name(int parent, const std::string& name, const Path& shown, const Each& each) {
    const FolderStream stream = open_folder(parent, name.c_str());
    if (!stream) {
        return unable("open", shown);
    }
    for (;;) {
        errno = 0;
        const dirent* next = ::readdir(stream.get());
        if (next == nullptr) {
            return errno == 0 ? Result<void>{} : unable("list", shown);
        }
        const std::string_view entry = next->d_name;
        if (entry != "." && entry != "..") {
            LECTIO_TRY(each(::dirfd(stream.get()), std::string(entry)));
        }
    }
}

} // namespace lectio
