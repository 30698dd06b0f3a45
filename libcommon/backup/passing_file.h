// A file that is needed for a while: what becomes of the rest, it goes.
#pragma once

#include "platform/durable_file.h"
#include "platform/files.h"

#include <utility>

namespace lectio::backup {

class PassingFile {
  public:
    explicit PassingFile(Path path) : m_path(std::move(path)) {}
    PassingFile(const PassingFile&) = delete;
    PassingFile& operator=(const PassingFile&) = delete;
    ~PassingFile() { [[maybe_unused]] const Result<void> gone = remove_file(m_path); }
    [[nodiscard]] const Path& path() const { return m_path; }

  private:
    Path m_path;
};

} // namespace lectio::backup
