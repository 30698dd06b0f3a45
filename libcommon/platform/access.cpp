#include "platform/access.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr int k_most_links = 40; // as the kernel
constexpr mode_t k_read = 4;
constexpr mode_t k_search = 1;

Obstacle obstacle(Obstacle::Kind kind, const Path& path, mode_t mode = 0) {
    return {kind, path, mode & mode_t{07777}};
}

Obstacle::Kind kind_of(int error) {
    if (error == ENOENT || error == ENOTDIR) {
        return Obstacle::Kind::missing;
    }
    return error == ENAMETOOLONG ? Obstacle::Kind::long_name : Obstacle::Kind::cannot_look;
}

void put_in_front(std::deque<std::string>& steps, const Path& path) {
    std::deque<std::string> more;
    for (const Path& step : path.relative_path()) {
        more.push_back(step.string());
    }
    steps.insert(steps.begin(), more.begin(), more.end());
}

std::optional<Obstacle> judge_end(const Path& path, const struct stat& info,
                                  const std::optional<Reader>& reader) {
    if (!S_ISREG(info.st_mode)) {
        return obstacle(Obstacle::Kind::not_a_file, path, info.st_mode);
    }
    if (reader && !reader->may_read(info)) {
        return obstacle(Obstacle::Kind::not_readable, path, info.st_mode);
    }
    return info.st_size == 0 ? std::optional(obstacle(Obstacle::Kind::empty, path, info.st_mode))
                             : std::nullopt;
}

} // namespace

bool Reader::may_read(const struct stat& info) const {
    return may(info, k_read);
}

bool Reader::may_search(const struct stat& info) const {
    return may(info, k_search);
}

bool Reader::may(const struct stat& info, mode_t wanted) const {
    if (m_user.uid == 0) {
        return true;
    }
    if (info.st_uid == m_user.uid) { // the owner's bits decide, even when the group's say more
        return ((info.st_mode >> 6U) & wanted) == wanted;
    }
    const bool by_group = ((info.st_mode >> 3U) & wanted) == wanted;
    const bool by_rest = (info.st_mode & wanted) == wanted;
    if (by_group == by_rest) {
        return by_rest;
    }
    return in_group(info.st_gid) ? by_group : by_rest;
}

bool Reader::in_group(gid_t group) const {
    if (!m_groups) {
        m_groups = groups_of(m_user);
    }
    return std::find(m_groups->begin(), m_groups->end(), group) != m_groups->end();
}

std::optional<Obstacle> obstacle_to_reading(const Path& file, const std::optional<Reader>& reader) {
    std::deque<std::string> steps;
    put_in_front(steps, file);
    Path here = "/";
    int links = 0;
    for (;;) {
        struct stat info {};
        if (::lstat(here.c_str(), &info) != 0) {
            return obstacle(kind_of(errno), here);
        }
        if (S_ISLNK(info.st_mode)) {
            std::string target(static_cast<std::size_t>(info.st_size) + 1, '\0');
            const ssize_t size = ::readlink(here.c_str(), target.data(), target.size());
            if (size < 0) {
                return obstacle(Obstacle::Kind::cannot_look, here);
            }
            if (++links > k_most_links) {
                return obstacle(Obstacle::Kind::link_circle, file);
            }
            const Path to = target.substr(0, static_cast<std::size_t>(size));
            put_in_front(steps, to);
            here = to.is_absolute() ? Path("/") : here.parent_path();
            continue;
        }
        if (steps.empty()) {
            return judge_end(here, info, reader);
        }
        if (!S_ISDIR(info.st_mode)) {
            return obstacle(Obstacle::Kind::missing, here / steps.front());
        }
        if (reader && !reader->may_search(info)) {
            return obstacle(Obstacle::Kind::no_way_in, here, info.st_mode);
        }
        const std::string step = steps.front();
        steps.pop_front();
        if (step == "..") {
            here = here.parent_path();
        } else if (step != "." && !step.empty()) {
            here /= step;
        }
    }
}

} // namespace lectio
