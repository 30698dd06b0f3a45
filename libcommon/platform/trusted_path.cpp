#include "platform/trusted_path.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr int k_most_links = 40; // as the kernel

std::deque<std::string> steps_of(const Path& path) {
    std::deque<std::string> steps;
    for (const Path& step : path.relative_path()) {
        if (!step.empty() && step != ".") {
            steps.push_back(step.string());
        }
    }
    return steps;
}

bool is_roots_or_ours(const struct stat& seen) {
    return seen.st_uid == 0 || seen.st_uid == ::geteuid();
}

// In a sticky folder everybody may add names, but not exchange those of others.
bool only_we_lay_in(const struct stat& folder) {
    const bool others_write = (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return is_roots_or_ours(folder) && (!others_write || (folder.st_mode & S_ISVTX) != 0);
}

bool leads_down(const Path& target) {
    return target.is_relative() &&
           std::none_of(target.begin(), target.end(), [](const Path& step) { return step == ".."; });
}

enum class Goal { folder_to_change, file_to_read };

class Way {
  public:
    Way(const Path& path, Goal goal) : m_path(path), m_goal(goal), m_steps(steps_of(path)) {}

    Result<UniqueFd> go() {
        LECTIO_TRY(begin_at_root());
        while (!m_steps.empty()) {
            const std::string step = std::move(m_steps.front());
            m_steps.pop_front();
            LECTIO_TRY(take(step));
        }
        return m_goal == Goal::file_to_read ? file() : folder();
    }

  private:
    Result<UniqueFd> folder() {
        if (!S_ISDIR(m_here_is.st_mode)) {
            return unable(ENOTDIR);
        }
        return std::move(m_here);
    }

    Result<UniqueFd> file() {
        if (!S_ISREG(m_here_is.st_mode)) {
            return Error{ErrorKind::invalid,
                         fmt::format("unable to open {}: not a regular file", m_path.string())};
        }
        if (!m_strangers_link.empty() && !m_strangers.contains(m_here_is.st_uid)) {
            return laid_by_another(m_strangers_link);
        }
        // The descriptor has no rights; by it the very file that was looked at is opened, whatever its name is by now.
        UniqueFd opened(::open(fmt::format("/proc/self/fd/{}", m_here.get()).c_str(),
                               O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        return opened.valid() ? Result<UniqueFd>(std::move(opened)) : Result<UniqueFd>(unable(errno));
    }

    [[nodiscard]] Error laid_by_another(const Path& link) const {
        return Error{ErrorKind::permission,
                     fmt::format("unable to open {}: this link may have been laid by another user: {}",
                                 m_path.string(), link.string())};
    }

    // Whether what the link leads to may be used: at once, or (a file to read) if it turns out to be a file of his. A link
    // of root's is as good as laid by whoever owns the folder that it lies in: he may have moved it there.
    bool trust(const struct stat& seen, const Path& link) {
        std::set<uid_t> who{seen.st_uid};
        const bool others_write = (m_here_is.st_mode & (S_IWGRP | S_IWOTH)) != 0;
        if (is_roots_or_ours(seen) && !others_write) {
            who.insert(m_here_is.st_uid);
        }
        if (!m_strangers_link.empty()) { // of each of several
            std::erase_if(who, [&](uid_t one) { return !m_strangers.contains(one); });
        }
        if (m_goal == Goal::folder_to_change || who.empty()) {
            return false;
        }
        m_strangers = std::move(who);
        m_strangers_link = m_strangers_link.empty() ? link : m_strangers_link;
        return true;
    }

    Result<void> begin_at_root() {
        m_shown = "/";
        return arrive(UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)));
    }

    Result<void> take(const std::string& step) {
        UniqueFd next(::openat(m_here.get(), step.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat seen {};
        if (!next.valid() || ::fstat(next.get(), &seen) != 0) {
            return unable(errno);
        }
        if (S_ISLNK(seen.st_mode)) {
            return follow(next, seen, m_shown / step);
        }
        m_shown /= step;
        return arrive(std::move(next));
    }

    Result<void> arrive(UniqueFd next) {
        m_here = std::move(next);
        if (!m_here.valid() || ::fstat(m_here.get(), &m_here_is) != 0) {
            return unable(errno);
        }
        return {};
    }

    Result<void> follow(const UniqueFd& link, const struct stat& seen, const Path& shown) {
        std::array<char, 4096> text{};
        const ssize_t size = ::readlinkat(link.get(), "", text.data(), text.size());
        if (size <= 0 || ++m_links > k_most_links) {
            return unable(size <= 0 ? errno : ELOOP);
        }
        const Path target(std::string(text.data(), static_cast<std::size_t>(size)));
        const bool laid_by_us = is_roots_or_ours(seen) && only_we_lay_in(m_here_is);
        if (!laid_by_us && !leads_down(target) && !trust(seen, shown)) {
            return laid_by_another(shown);
        }
        const std::deque<std::string> more = steps_of(target);
        m_steps.insert(m_steps.begin(), more.begin(), more.end());
        return target.is_absolute() ? begin_at_root() : Result<void>{};
    }

    [[nodiscard]] Error unable(int reason) const {
        return errno_error(fmt::format("open {}", m_path.string()), reason);
    }

    const Path& m_path;
    Goal m_goal;
    std::set<uid_t> m_strangers; // who may have laid a link that root may follow to files of theirs only
    Path m_strangers_link;
    std::deque<std::string> m_steps; // that are left
    UniqueFd m_here;
    struct stat m_here_is {};
    Path m_shown; // where that is
    int m_links = 0;
};

} // namespace

Result<UniqueFd> open_trusted_folder(const Path& path) {
    return Way(path, Goal::folder_to_change).go();
}

Result<UniqueFd> open_trusted_file(const Path& path) {
    return Way(path, Goal::file_to_read).go();
}

} // namespace lectio
