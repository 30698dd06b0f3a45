// OpenFiles: what all processes of this host hold at one look, to know of any file whether it is wanted still.
#pragma once

#include "platform/files.h"

#include <map>
#include <string>
#include <utility>

#include <sys/types.h>

namespace lectio {

struct FileHolder {
    int pid = 0;      // 0: a lock is held there by somebody whom we may not see
    std::string name; // comm
    // Somebody writes to it at places of his own choosing: what is cut off at the beginning comes back as a hole.
    bool writes_anywhere = false;
};

class OpenFiles {
  public:
    using Holders = std::map<std::pair<dev_t, ino_t>, FileHolder>;

    OpenFiles() = default; // nobody holds anything
    explicit OpenFiles(Holders holders) : m_holders(std::move(holders)) {}
    // Descriptors, mapped files, programs, working folders and locks of processes other than this one (proc(5)). Only
    // root sees those of other users' processes, all but the locks. Error: /proc cannot be listed.
    static Result<OpenFiles> look();

    // Null: nobody holds it.
    [[nodiscard]] const FileHolder* holder(dev_t device, ino_t inode) const;

  private:
    class Look;
    Holders m_holders;
};

} // namespace lectio
