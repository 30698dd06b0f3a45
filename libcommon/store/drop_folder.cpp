#include "store/drop_folder.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_folder_mode = 0700;
constexpr mode_t k_file_mode = 0600;
constexpr Bytes k_largest = 64_kB;
constexpr std::string_view k_ending = ".json";

} // namespace

std::vector<std::string> DropFolder::names() const {
    std::vector<std::string> names = m_files.list(m_folder).value_or({});
    std::erase_if(names,
                  [](const std::string& name) { return name.starts_with('.') || !name.ends_with(k_ending); });
    return names;
}

Result<void> DropFolder::make() {
    if (m_files.info(m_folder)) {
        return {};
    }
    LECTIO_TRY(m_files.make_folders(m_folder, k_folder_mode));
    return m_files.sync_folder(m_folder.parent_path()); // or what is in it does not outlive a power cut
}

Result<void> DropFolder::drop(std::string_view name, std::string_view content) {
    LECTIO_TRY(make());
    const std::vector<std::string> lying = names();
    for (std::size_t i = 0; i + k_most <= lying.size(); ++i) {
        LECTIO_TRY(remove(lying[i]));
    }
    return write_atomically(m_files, m_folder / fmt::format("{}{}", name, k_ending), content, k_file_mode);
}

std::vector<Dropped> DropFolder::all() const {
    std::vector<Dropped> all;
    for (std::string& name : names()) {
        const Result<FileInfo> info = m_files.info(m_folder / name);
        Result<std::string> content = info && info->type == FileInfo::Type::regular
                                          ? m_files.read(m_folder / name, k_largest)
                                          : Result<std::string>(Error{ErrorKind::invalid, ""});
        if (content) {
            all.push_back({std::move(name), std::move(*content)});
        }
    }
    return all;
}

Result<void> DropFolder::remove(const std::string& name) {
    const Result<void> removed = m_files.remove(m_folder / name);
    const bool gone = removed.ok() || removed.error().kind == ErrorKind::not_found;
    return gone ? Result<void>() : removed;
}

} // namespace lectio
