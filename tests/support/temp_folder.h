// TempFolder: a folder of one test, gone with it.
#pragma once

#include "platform/files.h"

#include <string>
#include <string_view>

namespace lectio {

class TempFolder {
  public:
    TempFolder();
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
