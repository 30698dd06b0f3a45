// Archive: the folder of the backups, and all that is done in it. Every call but contents() is made under the lock of
// lectio-backup; every step is durable, and what a call that died has left is finished or removed by tidy().
//
//   SOURCE-TIME-ID.sqlite3.zst (or .tar.zst), SOURCE-TIME-ID.json   a backup and its manifest, which is there first
//   SOURCE-TIME-ID.sqlite3.zst.age                    an encrypted one: it was proven before it was encrypted
//   .lectio-tmp-…                                     what is not whole yet, or is plain for a while
//   trash/                                            what was pruned, for three days
#pragma once

#include "backup/record.h"
#include "backup/retention.h"
#include "config/backup.h"
#include "platform/release_disk.h"
#include "platform/world.h"
#include "words/phrase.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lectio::backup {

class Archive {
  public:
    // `lang`: of the reasons that manifests keep.
    Archive(const BackupSettings& settings, World& world, ReleaseDisk& disk, Lang lang)
        : m_settings(settings), m_world(world), m_disk(disk), m_lang(lang) {}

    struct Contents {
        WallTime read_at;                    // by the clock of whoever asks
        std::vector<Backup> backups;         // the oldest first, without the trash
        std::vector<std::string> unreadable; // manifests that are none
        std::vector<std::string> missing;    // ids of manifests without a file
        [[nodiscard]] const Backup* find(std::string_view id) const;
        [[nodiscard]] std::vector<Backup> of(std::string_view source) const;
        // What is dated later than now is the newest only where there is nothing else (docs/decisions/0056): a clock that
        // runs ahead would otherwise hide each backup after it.
        //
        // The newest that counts; `at`: of this moment or before. nullptr: none.
        [[nodiscard]] const Backup* newest(std::string_view source,
                                           std::optional<WallTime> at = std::nullopt) const;
        // The newest that was copied away from this server; nullptr: none.
        [[nodiscard]] const Backup* newest_away(std::string_view source) const;
        // The newest, whatever it is worth; nullptr: none.
        [[nodiscard]] const Backup* last(std::string_view source) const;
        // Those that are dated later than now.
        [[nodiscard]] std::vector<Backup> to_come(std::string_view source) const;
    };
    // An empty archive where the folder is not there yet.
    Result<Contents> contents();

    // The folder is there, ours alone; what was begun and not ended is ended or gone.
    Result<void> tidy();
    // no_space: it would not leave min_free. Otherwise what take() says. One that is encrypted was proven before, and its
    // `latest` was replaced; what kept it from being proven is its reason, what kept that from being replaced its no_latest.
    Result<Backup> make(const BackupSource& source, SteadyTime until);
    // Unpacks it beside and proves it, which the manifest remembers; its `latest` is replaced by what was proven, or its
    // no_latest says why not. Where it cannot be decrypted here, or nobody knows what is in it, its bytes are compared and no
    // more. What it is now is returned; an Error: it could not be looked at.
    Result<Backup> prove(const Backup& backup, const Path& latest, Effort effort, SteadyTime until);
    // The same of a copy of it that lies in `file`: what it is, and how far the proof went. Nothing remembers it.
    struct Proven {
        Text flaw;
        Proof proof = Proof::restored;
        Duration took{};
    };
    Result<Proven> prove_copy(const Path& file, const Backup& backup, SteadyTime until);
    // A name in the folder for what is needed for a while; what is left under it goes.
    [[nodiscard]] Path temporary(const std::string& name) const;
    // It goes, whatever it is. Not there: nothing to do.
    Result<void> sweep(const Path& path);
    // As much as a copy of it takes while it is proven is free, and min_free beside; else no_space.
    Result<void> has_room_for(const Backup& backup);
    // Proven, into a new file. permission: it is encrypted, and cannot be decrypted here.
    Result<void> unpack(const Backup& backup, const Path& into, SteadyTime until);

    // permission: it is encrypted, and no key is here that we may use.
    Result<void> can_be_read(const Backup& backup);

    struct Pruned {
        std::vector<std::string> ids;
        std::size_t later = 0;
        Text frozen;
        bool awaits_remote = false;
    };
    enum class Effect { real, none };
    // Moves to the trash what the rule does not keep; the newest that stays is read through first.
    Result<Pruned> prune(const BackupSource& source, SteadyTime until, Effect effect);
    // What has lain in the trash for three days goes, where three proven ones are still there.
    Result<std::vector<std::string>> empty_trash();

    Result<void> save(const Backup& backup);
    // Whether its file is what the manifest says, byte by byte; the words say what is wrong.
    Result<Text> flaw_of_file(const Backup& backup, SteadyTime until);
    [[nodiscard]] Path file_of(const Backup& backup) const { return m_settings.dir / backup.file_name(); }

  private:
    static constexpr Bytes k_longest_manifest = 4_MB;
    [[nodiscard]] Path trash() const { return m_settings.dir / "trash"; }
    Result<void> has_room(const BackupSource& source, const Backup* before, SteadyTime until);
    // What tells one that is much smaller than the one before; none: there is nothing to compare it with.
    struct Measure {
        Bytes packed;
        std::optional<Bytes> content;
    };
    // `before`: nullptr where the newest is of another kind than the one that is made.
    std::optional<Measure> measure_of(const Contents& there, const BackupSource& source,
                                      const Backup* before);
    void wait_for_a_second_of_its_own(const Contents& there, const std::string& source, SteadyTime until);
    Result<Contents> read(const Path& folder);
    Result<void> is_free(Bytes wanted, const std::string& source);
    Result<void> seal(Backup& backup, const Path& zst, const Path& plain, const Path& latest,
                      SteadyTime until);
    // `file` is `backup`: `plain` is there afterwards, where anything could be unpacked.
    Result<Proven> look_at(const Path& file, const Backup& backup, const Path& plain, Effort effort,
                           SteadyTime until);
    Result<Proven> look_into(const Path& zst, const Backup& backup, const Path& plain, Effort effort,
                             SteadyTime until);
    [[nodiscard]] Backup judged(const Backup& backup, const Proven& proven) const;
    Result<FileDigest> decrypt(const Backup& backup, const Path& file, const Path& zst, SteadyTime until);
    Result<Text> flaw_in(const Path& file, const FileDigest& digest, SteadyTime until);
    Result<void> put_in_trash(Backup backup);
    // A backup is as good without it.
    void give_latest(Backup& backup, const Path& plain, const Path& latest, SteadyTime until);
    Result<void> replace_latest(const Path& from, const Path& latest, SteadyTime until);
    [[nodiscard]] WallTime now() const;

    const BackupSettings& m_settings;
    World& m_world;
    ReleaseDisk& m_disk;
    Lang m_lang;
};

} // namespace lectio::backup
