// Offsite: copies of backups away from this server, by a command of the operator's own (rclone, restic, scp), and a look
// at what lies there.
//
//     offsite         = ["rclone", "copy", "{file}", "s3:backups/"]
//     offsite_list    = ["rclone", "lsjson", "s3:backups/"]
//     offsite_fetch   = ["rclone", "copyto", "s3:backups/{name}", "{file}"]
//
// Nothing is ever removed there: how long it stays is the remote's own rule. Which backups are away stands in their
// manifests here.
#pragma once

#include "backup/record.h"
#include "config/backup.h"
#include "platform/processes.h"
#include "platform/world.h"
#include "words/phrase.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::backup {

// Sizes by name (without folders) of what a program lists: JSON objects with Name, name, Path or path and Size or size, in a
// list (`rclone lsjson`) or one a line (`restic ls --json`); else lines whose last word is a name and one of whose words
// before it is a number (`rclone lsl`, `aws s3 ls`, `ls -l`).
class Listing {
  public:
    explicit Listing(std::string_view printed);
    // Some line of it gives this name this size.
    [[nodiscard]] bool has(const std::string& name, Bytes size) const;
    [[nodiscard]] bool has(const std::string& name) const { return m_sizes.contains(name); }

  private:
    void add_json(std::string_view text);
    void add_line(std::string_view line);
    std::multimap<std::string, std::uint64_t> m_sizes;
};

class Offsite {
  public:
    Offsite(const BackupSettings& settings, World& world) : m_settings(settings), m_world(world) {}

    [[nodiscard]] bool is_on() const { return !m_settings.offsite.empty(); }
    // The remote is asked what it has; without that the command's word is all there is.
    [[nodiscard]] bool can_look() const { return !m_settings.offsite_list.empty(); }

    // Those that are worth having elsewhere and are not there yet, the newest first.
    [[nodiscard]] std::vector<Backup> waiting(const std::vector<Backup>& backups) const;
    // The file, then its manifest; three times if need be. Empty: it is there, with the right size where can_look();
    // else why not.
    Text send(const Backup& backup, SteadyTime until);
    // Its file comes into the new file `into`, which is whatever the remote gives. Empty: it is there.
    Text fetch(const Backup& backup, const Path& into, SteadyTime until);
    // Whether the remote still has it; empty: it has.
    Text flaw(const Backup& backup, SteadyTime until);

  private:
    Text send_once(const Backup& backup, SteadyTime until);
    struct Answer {
        Text problem;
        std::string out;
    };
    // `name`: of the backup there.
    Answer ask(const std::vector<std::string>& command, const Path& file, const std::string& name,
               SteadyTime until);
    Answer ask(const std::vector<std::string>& command, const std::string& name, SteadyTime until) {
        return ask(command, m_settings.dir / name, name, until);
    }

    const BackupSettings& m_settings;
    World& m_world;
};

} // namespace lectio::backup
