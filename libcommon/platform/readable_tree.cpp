#include "platform/readable_tree.h"

#include "platform/folder_names.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

namespace lectio {
namespace {

constexpr std::size_t k_examples = 3;

class Walk {
  public:
    Walk(Path root, const Reader& reader, Clock& clock, SteadyTime until)
        : m_root(std::move(root)), m_reader(reader), m_clock(clock), m_until(until) {}

    Result<TreeReadability> walk(int folder) {
        struct stat info {};
        if (::fstat(folder, &info) != 0) {
            return unable("examine", m_root);
        }
        judge(info, m_root);
        LECTIO_TRY(inside(folder, ".", m_root, 0));
        return m_seen;
    }

  private:
    Result<void> inside(int parent, const std::string& name, const Path& shown, int depth) {
        if (depth > k_deepest_folder) {
            errno = ELOOP;
            return unable("go into", shown);
        }
        return for_each_name(parent, name, shown, [&](int folder, const std::string& entry) -> Result<void> {
            const Path path = shown / entry;
            if (stop_requested() || m_clock.steady() >= m_until) {
                return no_time_left("look through", path);
            }
            struct stat info {};
            if (::fstatat(folder, entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
                return unable("examine", path);
            }
            judge(info, path);
            return S_ISDIR(info.st_mode) ? inside(folder, entry, path, depth + 1) : Result<void>{};
        });
    }

    void judge(const struct stat& info, const Path& path) {
        ++m_seen.examined;
        const mode_t mode = info.st_mode & mode_t{07777};
        if (S_ISDIR(info.st_mode) && !m_reader.may_search(info)) {
            add({Obstacle::Kind::no_way_in, path, mode});
        } else if (S_ISREG(info.st_mode) && !m_reader.may_read(info)) {
            add({Obstacle::Kind::not_readable, path, mode});
        } else if (S_ISLNK(info.st_mode)) {
            const std::optional<Obstacle> on_the_way = obstacle_to_reading(path, m_reader);
            const bool matters = on_the_way && on_the_way->kind != Obstacle::Kind::empty &&
                                 on_the_way->kind != Obstacle::Kind::not_a_file;
            if (matters) {
                add(*on_the_way);
            }
        }
    }

    void add(const Obstacle& obstacle) {
        ++m_seen.unreadable;
        if (m_seen.first.size() < k_examples) {
            m_seen.first.push_back(obstacle);
        }
    }

    Path m_root;
    const Reader& m_reader;
    Clock& m_clock;
    SteadyTime m_until;
    TreeReadability m_seen;
};

} // namespace

std::optional<Obstacle> obstacle_to_entering(const Path& folder, const Reader& reader) {
    std::optional<Obstacle> found = obstacle_to_reading(folder / ".", reader);
    // A folder at the end of the way was reached and searched.
    return found && found->kind != Obstacle::Kind::not_a_file ? found : std::nullopt;
}

Result<TreeReadability> look_for_unreadable(const Path& root, const Reader& reader, Clock& clock,
                                            SteadyTime until) {
    const Result<UniqueFd> folder = open_trusted_folder(root);
    LECTIO_TRY(folder);
    return Walk(root, reader, clock, until).walk(folder->get());
}

} // namespace lectio
