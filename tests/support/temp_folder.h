// TempFolder: a folder of one test, gone with it.
#pragma once

#include "platform/files.h"

#include <string>
#include <string_view>

namespace lectio {

class TempFolder {
  public:
    // in_memory: where there is room in /dev/shm, for what syncs some ten thousand times: each fsync waits for all that the
    // disk has to do.
    enum class Kept { on_disk, in_memory };
    explicit TempFolder(Kept kept = Kept::on_disk);
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    [[nodiscard]] const Path& path() const { return m_path; }
    Path operator/(std::string_view name) const { return m_path / name; }

  private:
    Path m_path;
};

// For arranging and looking at what is on disk; a failure ends the test.
void spill(const Path& path, std::string_view content);
std::string slurp(const Path& path);

} // namespace lectio
