// A file that is needed for a while: what becomes of the rest, it goes.
#pragma once

#include "platform/durable_file.h"
#include "platform/files.h"

#include <utility>

namespace lectio::backup {

class PassingFile {
  public:
    // `goes`: it is about to be made, and what a process that was killed has left under its name would be in the way.
    enum class Earlier { stays, goes };
    explicit PassingFile(Path path, Earlier earlier = Earlier::stays) : m_path(std::move(path)) {
        if (earlier == Earlier::goes) {
            remove();
        }
    }
    PassingFile(const PassingFile&) = delete;
    PassingFile& operator=(const PassingFile&) = delete;
    ~PassingFile() { remove(); }
    [[nodiscard]] const Path& path() const { return m_path; }

  private:
    void remove() { [[maybe_unused]] const Result<void> gone = remove_file(m_path); }
    Path m_path;
};

} // namespace lectio::backup
