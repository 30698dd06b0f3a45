#include "cleanup/untouchable.h"

#include "config/deploy.h"
#include "util/path.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace lectio::cleanup {
namespace {

// Its links followed as far as it is there; as it is written where that cannot be known.
Path in_truth(const Path& path) {
    std::error_code error;
    Path real = std::filesystem::weakly_canonical(path, error);
    return error ? path : real;
}

} // namespace

Untouchable::Untouchable(const Config& config)
    : m_whole{config.paths.state, config.paths.run}, m_itself{config.paths.logs} {
    m_itself.push_back(config.paths.env_file);
    if (!config.file.empty()) {
        m_itself.push_back(std::filesystem::absolute(config.file).lexically_normal());
    }
    if (!config.backup.dir.empty()) {
        m_whole.push_back(config.backup.dir);
    }
    for (const BackupSource& source : config.backup.sources) {
        m_itself.push_back(source.sqlite.path);
        m_itself.push_back(source.sqlite.latest);
        m_itself.insert(m_itself.end(), source.files.paths.begin(), source.files.paths.end());
    }
    if (config.deploy.frontend) {
        m_whole.push_back(releases_folder(config.deploy, config.deploy.frontend->path));
        m_whole.push_back(config.deploy.frontend->path);
    }
    if (config.deploy.backend) {
        m_whole.push_back(releases_folder(config.deploy, config.deploy.backend->path));
        m_code.push_back(config.deploy.backend->path);
        for (const std::string& shared : config.deploy.backend->shared) {
            m_itself.push_back(config.deploy.backend->path / shared);
        }
    }
    for (std::vector<Path>* paths : {&m_whole, &m_itself, &m_code}) {
        std::erase_if(*paths, [](const Path& path) { return path.empty(); });
        for (std::size_t i = 0, written = paths->size(); i < written; ++i) {
            paths->push_back(in_truth((*paths)[i]));
        }
    }
}

// The name itself is not followed: a link that is removed takes nothing with it.
bool Untouchable::holds(const Path& path, const Path& named) const {
    return holds_as_written(path, named) ||
           holds_as_written(in_truth(path.parent_path()) / path.filename(), in_truth(named));
}

bool Untouchable::holds_as_written(const Path& path, const Path& named) const {
    const auto contains = [&](const Path& wanted) { return lies_in(wanted, path); };
    const auto touches = [&](const Path& whole) { return lies_in(path, whole) || contains(whole); };
    return std::any_of(m_whole.begin(), m_whole.end(), touches) ||
           std::any_of(m_itself.begin(), m_itself.end(), contains) ||
           std::any_of(m_code.begin(), m_code.end(), [&](const Path& code) {
               return contains(code) || (lies_in(path, code) && (named == code || !lies_in(named, code)));
           });
}

} // namespace lectio::cleanup
