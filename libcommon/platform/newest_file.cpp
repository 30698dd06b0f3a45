#include "platform/newest_file.h"

#include "util/text.h"

namespace lectio {
namespace {

constexpr std::uint64_t k_most_names = 200'000; // each is a stat

bool has_wildcard(std::string_view part) {
    return part.find_first_of("*?[") != part.npos;
}

class Search {
  public:
    Search(Files& files, Bytes at_least) : m_files(files), m_at_least(at_least) {}

    NewestFile find(const std::string& pattern) {
        const Path path(pattern);
        std::vector<std::string> parts;
        for (const Path& part : path.relative_path()) {
            parts.push_back(part.string());
        }
        descend("/", parts, 0);
        return std::move(m_newest);
    }

  private:
    void descend(const Path& folder, const std::vector<std::string>& parts, std::size_t level) {
        if (level == parts.size()) {
            return;
        }
        const bool last = level + 1 == parts.size();
        if (!has_wildcard(parts[level])) {
            last ? count(folder / parts[level]) : descend(folder / parts[level], parts, level + 1);
            return;
        }
        const Result<std::vector<std::string>> names = m_files.list(folder);
        if (!names) {
            if (names.error().kind != ErrorKind::not_found) {
                m_newest.not_readable = folder.string();
                m_newest.why = names.error().message;
            }
            return;
        }
        for (const std::string& name : *names) {
            const bool hidden = name.starts_with('.') && !parts[level].starts_with('.'); // as a shell has it
            if (hidden || !wildcard_match(parts[level], name)) {
                continue;
            }
            if (++m_seen > k_most_names) {
                m_newest.cut = true;
                return;
            }
            last ? count(folder / name) : descend(folder / name, parts, level + 1);
        }
    }

    void count(const Path& path) {
        const Result<FileInfo> info = m_files.info(path, Files::Follow::yes);
        if (!info || info->type != FileInfo::Type::regular) {
            return;
        }
        ++m_newest.found;
        if (info->size < m_at_least) {
            if (m_newest.too_small.empty() || info->modified > m_too_small_modified) {
                m_newest.too_small = path.string();
                m_newest.too_small_size = info->size;
                m_too_small_modified = info->modified;
            }
        } else if (m_newest.path.empty() || info->modified > m_newest.modified) {
            m_newest.path = path.string();
            m_newest.modified = info->modified;
            m_newest.size = info->size;
        }
    }

    Files& m_files;
    const Bytes m_at_least;
    NewestFile m_newest;
    WallTime m_too_small_modified;
    std::uint64_t m_seen = 0;
};

} // namespace

NewestFile newest_file(Files& files, const std::string& pattern, Bytes at_least) {
    return Search(files, at_least).find(pattern);
}

Path folder_of_pattern(const std::string& pattern) {
    Path folder("/");
    for (const Path& part : Path(pattern).parent_path().relative_path()) {
        if (has_wildcard(part.string())) {
            break;
        }
        folder /= part;
    }
    return folder;
}

} // namespace lectio
