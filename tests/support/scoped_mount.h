// A mount of one test, gone with it. Only root may, and not in every container: ask mounted().
#pragma once

#include "platform/files.h"

#include <string>

#include <sys/mount.h>

namespace lectio {

class ScopedMount {
  public:
    // A folder of the same file system at a second place.
    static ScopedMount again(const Path& what, const Path& where) {
        return {where, ::mount(what.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) == 0};
    }
    // A file system in memory: "size=1m,nr_inodes=100" (tmpfs(5)).
    static ScopedMount small(const Path& where, const std::string& options) {
        return {where, ::mount("tmpfs", where.c_str(), "tmpfs", 0, options.c_str()) == 0};
    }
    ~ScopedMount() {
        if (m_mounted) {
            ::umount2(m_where.c_str(), MNT_DETACH);
        }
    }
    ScopedMount(const ScopedMount&) = delete;
    ScopedMount& operator=(const ScopedMount&) = delete;
    [[nodiscard]] bool mounted() const { return m_mounted; }

  private:
    ScopedMount(Path where, bool mounted) : m_where(std::move(where)), m_mounted(mounted) {}
    Path m_where;
    bool m_mounted;
};

} // namespace lectio
