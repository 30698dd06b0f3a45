// Session: what every command of lectio-backup works with.
#pragma once

#include "backup/archive.h"
#include "backup/offsite.h"
#include "cli/tool_session.h"
#include "options.h"
#include "platform/release_disk.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lectio::backup {

class Session : public ToolSession {
  public:
    Session(const Options& options, World world);

    // Loads the configuration. A value: leave with it, everything is said.
    std::optional<int> open();
    // Nobody else changes the archive from now on, and what was begun in it is ended; units that a restore has left stopped
    // run again. A value: leave with it.
    std::optional<int> lock();

    [[nodiscard]] const Options& options() const { return m_options; }
    [[nodiscard]] const BackupSettings& settings() const { return config().backup; }
    [[nodiscard]] Archive& archive() { return *m_archive; }
    [[nodiscard]] Offsite& offsite() { return *m_offsite; }
    [[nodiscard]] ReleaseDisk& disk() { return m_disk; }
    [[nodiscard]] Files& files() { return world().files; }
    // No deploy, no recovery and no other restore is at work from now on. A value: leave with it.
    std::optional<int> lock_host();
    // Of the next step: as long as the largest databases take.
    [[nodiscard]] SteadyTime until() const;
    // The same of a step with backups of this source: what goes to a repository elsewhere takes longer.
    [[nodiscard]] SteadyTime until(const BackupSource& source) const;
    [[nodiscard]] std::string local(WallTime time) const;

    // Into backup.log.
    void log(LogLevel level, const Text& words);
    void flush_log();

    // An id that no backup has, a source that nobody knows, and such.
    int no_such_backup(const std::string& id);
    int no_such_source(const std::string& name);

  private:
    const Options& m_options;
    SystemReleaseDisk m_disk;
    std::unique_ptr<Archive> m_archive;
    std::unique_ptr<Offsite> m_offsite;
    std::optional<Log> m_log;
    Lock m_lock, m_host_lock;
};

// Why a source is not backed up at all; empty: it is.
Text why_off(const BackupSource& source, const Config& config);
// What the configuration asks of backups and nobody can do: an operator believes what he has written.
std::vector<Text> not_possible(const Config& config);
nlohmann::json json_of(const Session& session, const Backup& backup);

} // namespace lectio::backup
