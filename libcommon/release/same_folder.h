// Whether two paths of a configuration mean one folder: "/srv/site/build" and "/srv/site/build/".
#pragma once

#include <filesystem>

namespace lectio::release {

inline bool same_folder(const std::filesystem::path& one, const std::filesystem::path& other) {
    const auto plain = [](const std::filesystem::path& path) {
        const std::filesystem::path normal = path.lexically_normal();
        return normal.has_filename() ? normal : normal.parent_path();
    };
    return plain(one) == plain(other);
}

} // namespace lectio::release
