#include "platform/tree_place.h"

#include "platform/copy_tree.h"
#include "platform/folder_names.h"
#include "platform/remove_tree.h"
#include "platform/trusted_path.h"
#include "util/text.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::string_view k_copying = "copying";
constexpr std::string_view k_replaced = "replaced";

// Down from `folder` along folders only; the last step may be anything, and is not followed.
Result<UniqueFd> open_below(int folder, const Path& below, const Path& shown) {
    UniqueFd here(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const Path& step : below) {
        if (step == "..") {
            errno = EXDEV;
            return unable("open", shown / below);
        }
        if (here.valid() && !step.empty()) {
            here = UniqueFd(::openat(here.get(), step.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        }
    }
    return here.valid() ? Result<UniqueFd>(std::move(here)) : unable("open", shown / below);
}

std::string of_descriptor(const UniqueFd& fd) {
    return fmt::format("/proc/self/fd/{}", fd.get());
}

} // namespace

Result<HeldFolder> HeldFolder::hold(const Path& path) {
    Result<UniqueFd> folder = open_trusted_folder(path);
    LECTIO_TRY(folder);
    return HeldFolder(std::move(*folder), path);
}

Result<FileInfo> HeldFolder::info(const Path& below) const {
    const Result<UniqueFd> found = open_below(m_folder.get(), below, m_shown);
    LECTIO_TRY(found);
    return SystemFiles().info(of_descriptor(*found), Files::Follow::yes);
}

Result<std::string> HeldFolder::read(const Path& below, Bytes limit) const {
    const Result<UniqueFd> found = open_below(m_folder.get(), below, m_shown);
    LECTIO_TRY(found);
    return SystemFiles().read(of_descriptor(*found), limit);
}

Result<TreePlace> TreePlace::at(const Path& path) {
    Result<UniqueFd> parent = open_trusted_folder(path.parent_path());
    LECTIO_TRY(parent);
    return TreePlace(std::move(*parent), path);
}

Result<HeldFolder> TreePlace::stage(const HeldFolder& source, const std::string& aside,
                                    const TreeRules& rules, Clock& clock, SteadyTime until) {
    sweep();
    const std::string copying = hidden_name(k_copying);
    CopyRules copy;
    copy.tree = rules;
    Result<void> done =
        copy_folder(source.m_folder.get(), ".", m_parent.get(), copying, source.m_shown, copy, clock, until);
    if (done &&
        ::renameat2(m_parent.get(), copying.c_str(), m_parent.get(), aside.c_str(), RENAME_NOREPLACE) != 0) {
        done = unable("rename the copy to", m_path.parent_path() / aside);
    }
    if (!done) {
        discard(copying);
        return done.error();
    }
    sync_parent();
    Result<UniqueFd> staged = open_below(m_parent.get(), aside, m_path.parent_path());
    LECTIO_TRY(staged);
    return HeldFolder(std::move(*staged), m_path.parent_path() / aside);
}

Result<void> TreePlace::exchange_with(const std::string& aside) {
    const std::string name = m_path.filename().string();
    const auto rename = [&](unsigned flags) {
        return ::renameat2(m_parent.get(), aside.c_str(), m_parent.get(), name.c_str(), flags) == 0;
    };
    bool done = rename(RENAME_EXCHANGE);
    if (!done && errno == ENOENT) {
        done = rename(RENAME_NOREPLACE);
    } else if (!done && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
        LECTIO_TRY(by_three_renames(aside));
        done = true;
    }
    if (!done) {
        return unable("put a copy in place of", m_path);
    }
    sync_parent();
    return {};
}

// A process that is killed between the first two leaves nothing in the place; the copy is whole under `aside`, and
// whoever looks next finds the place empty.
Result<void> TreePlace::by_three_renames(const std::string& aside) const {
    const std::string name = m_path.filename().string();
    const std::string replaced = hidden_name(k_replaced);
    const auto rename = [&](const std::string& from, const std::string& to) {
        return ::renameat(m_parent.get(), from.c_str(), m_parent.get(), to.c_str()) == 0;
    };
    if (!rename(name, replaced)) {
        return unable("put a copy in place of", m_path);
    }
    if (!rename(aside, name)) {
        const Error error = unable("put a copy in place of", m_path);
        [[maybe_unused]] const bool back = rename(replaced, name);
        return error;
    }
    return rename(replaced, aside) ? Result<void>{} : unable("rename", m_path);
}

void TreePlace::discard(const std::string& aside) {
    // What cannot be removed stays hidden and is tried again before the next copy.
    [[maybe_unused]] const Result<Removed> removed =
        remove_tree_in(m_parent.get(), aside, m_path.parent_path() / aside);
}

void TreePlace::keep_last(std::size_t keep, const std::function<bool(std::string_view name)>& is_one) {
    std::vector<std::string> names;
    [[maybe_unused]] const Result<void> listed =
        for_each_name(m_parent.get(), ".", m_path.parent_path(), [&](int, const std::string& name) {
            if (is_one(name)) {
                names.push_back(name);
            }
            return Result<void>{};
        });
    std::sort(names.begin(), names.end());
    for (std::size_t i = 0; i + keep < names.size(); ++i) {
        discard(names[i]);
    }
}

// Only a copy that was never whole has such a name: nothing that anybody could still want.
void TreePlace::sweep() {
    const std::string left_behind = fmt::format(".{}.{}-", m_path.filename().string(), k_copying);
    [[maybe_unused]] const Result<void> listed =
        for_each_name(m_parent.get(), ".", m_path.parent_path(), [&](int, const std::string& name) {
            if (name.starts_with(left_behind)) {
                discard(name);
            }
            return Result<void>{};
        });
}

std::string TreePlace::hidden_name(std::string_view what) const {
    return fmt::format(".{}.{}-{}", m_path.filename().string(), what, ::getpid());
}

// The copy itself is on the disk. What a power cut may undo is its name, and then the next run does this again.
void TreePlace::sync_parent() const {
    const UniqueFd parent(::openat(m_parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.valid()) {
        [[maybe_unused]] const int synced = ::fsync(parent.get());
    }
}

} // namespace lectio
