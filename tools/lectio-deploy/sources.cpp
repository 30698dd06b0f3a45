#include "sources.h"

#include "platform/copy_tree.h"
#include "platform/trusted_path.h"
#include "platform/unpack.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest = 20min; // a slow line, a large build

class FolderSource final : public release::BuildSource {
  public:
    FolderSource(Path folder, World& world, User as, std::function<bool(std::string_view)> leave_out)
        : m_folder(std::move(folder)), m_world(world), m_as(std::move(as)),
          m_leave_out(std::move(leave_out)) {}
    [[nodiscard]] std::string name() const override { return m_folder.string(); }
    Result<Received> bring(const Path& into) override {
        return copy_tree(m_folder, into, m_as, ReceiveLimits{}, m_world.clock,
                         m_world.clock.steady() + k_longest, m_leave_out);
    }

  private:
    Path m_folder;
    World& m_world;
    User m_as;
    std::function<bool(std::string_view)> m_leave_out;
};

class ArchiveSource final : public release::BuildSource {
  public:
    ArchiveSource(UniqueFd file, std::string shown, World& world, ReleaseDisk& disk, User as)
        : m_file(std::move(file)), m_shown(std::move(shown)), m_world(world), m_disk(disk),
          m_as(std::move(as)) {}
    [[nodiscard]] std::string name() const override { return m_shown; }
    Result<Received> bring(const Path& into) override {
        LECTIO_TRY(m_disk.make_folder(into));
        return unpack(m_file.get(), into, m_as, ReceiveLimits{}, TopFolder::strip, m_world.clock,
                      m_world.clock.steady() + k_longest);
    }

  private:
    UniqueFd m_file;
    std::string m_shown;
    World& m_world;
    ReleaseDisk& m_disk;
    User m_as;
};

} // namespace

Result<std::unique_ptr<release::BuildSource>>
open_source(const std::string& words, World& world, ReleaseDisk& disk, const User& as,
            const std::function<bool(std::string_view)>& leave_out) {
    using Source = std::unique_ptr<release::BuildSource>;
    if (words == "-") {
        UniqueFd file(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        return Source(std::make_unique<ArchiveSource>(std::move(file), "stdin", world, disk, as));
    }
    const Path path = std::filesystem::absolute(words).lexically_normal();
    const Path named = path.has_filename() ? path : path.parent_path();
    const Result<FileInfo> info = world.files.info(named, Files::Follow::yes);
    LECTIO_TRY(info);
    if (info->type == FileInfo::Type::folder) {
        return Source(std::make_unique<FolderSource>(named, world, as, leave_out));
    }
    Result<UniqueFd> file = open_trusted_file(named);
    LECTIO_TRY(file);
    return Source(std::make_unique<ArchiveSource>(std::move(*file), named.string(), world, disk, as));
}

} // namespace lectio::deploy
