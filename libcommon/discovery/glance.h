// What discovery reads of this host's files. Their paths come from command lines and configurations that any user of
// the host may have written, so it is bounded in each way: in time, in work, and to file systems that answer.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/host.h"
#include "words/phrase.h"

#include <set>
#include <string>
#include <vector>

namespace lectio {

class Glance {
  public:
    // Nothing is read after `end`, nor below a mount that may hang (platform/stranded.h): a thread that waits there
    // could not be ended, and would keep the run's lock.
    Glance(Files& files, std::vector<Mount> mounts, Clock& clock, SteadyTime end);

    // Links are followed. timeout: there is no more time; too_large: enough was read; busy: it may hang.
    Result<FileInfo> info(const Path& path);
    Result<std::string> read(const Path& path, Bytes limit);
    Result<std::vector<std::string>> list(const Path& folder);

    // What was left out, in words for the operator; each thing once.
    [[nodiscard]] const std::vector<Text>& missed() const { return m_missed; }
    void miss(Text what);

  private:
    Result<void> may_touch(const Path& path);

    Files& m_files;
    std::vector<Mount> m_mounts;
    Clock& m_clock;
    SteadyTime m_end;
    std::size_t m_looks = 0; // files and names in folders
    std::vector<Text> m_missed;
    std::set<std::string> m_told;
};

} // namespace lectio
