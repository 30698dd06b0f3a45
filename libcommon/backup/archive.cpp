#include "backup/archive.h"

#include "backup/age.h"
#include "backup/passing_file.h"
#include "platform/stop.h"
#include "platform/zstd_file.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;
using Kind = ReleaseDisk::Named::Kind;

constexpr std::string_view k_temporary = ".lectio-tmp-";
constexpr std::string_view k_unfinished = ".tmp-"; // of write_atomically(): a manifest that was being written
constexpr mode_t k_folder_mode = 0700;
constexpr mode_t k_file_mode = 0600;
constexpr mode_t k_latest_mode = 0640;
constexpr Duration k_in_trash = 72h;
constexpr Duration k_proof_holds = 24h * 7;
constexpr std::ptrdiff_t k_fewest = 3; // proven ones, below which the trash is worth something

constexpr Phrase k_file_gone{"its file is missing", "его файла нет"};
constexpr Phrase k_file_changed{"its file has changed: {} instead of {}, SHA-256 {}",
                                "его файл изменился: {} вместо {}, SHA-256 {}"};
constexpr Phrase k_shrunk{"{} instead of {} in the one before", "{} вместо {} в предыдущей"};
constexpr Phrase k_newest_fails{"the newest backup does not pass its proof: none is removed",
                                "последняя копия не проходит проверку: ничего не удаляем"};
constexpr Phrase k_not_proven_at_all{"`verify` is off, so no backup is proven and none is removed",
                                     "`verify` выключен: копии не проверяются, поэтому ничего не удаляем"};
constexpr Phrase k_unreadable{"the manifest {} cannot be read: none is removed",
                              "описание {} не читается: ничего не удаляем"};

std::uint64_t random_bits() {
    std::random_device entropy; // getrandom(2)
    return (std::uint64_t{entropy()} << 32U) | entropy();
}

// Others may have files that pass there, too.
bool is_unfinished_manifest(const std::string& name) {
    return name.starts_with(k_unfinished) && name.find(".json-") != std::string::npos;
}

// As its folder has it: links above it are followed, itself not.
Path name_in_truth(const Path& path) {
    std::error_code problem;
    const Path folder = std::filesystem::weakly_canonical(path.parent_path(), problem);
    return (problem ? path.parent_path() : folder) / path.filename();
}

// What takes such a name takes the rows with it that were written since.
bool is_of_a_database(const Path& path, const std::vector<BackupSource>& sources) {
    const Path name = name_in_truth(path);
    const auto is_its = [&](const Path& database) {
        constexpr std::array<std::string_view, 4> k_files{"", "-wal", "-shm", "-journal"};
        return std::any_of(k_files.begin(), k_files.end(), [&](std::string_view file) {
            Path its = database;
            its += file;
            return its == name;
        });
    };
    return std::any_of(sources.begin(), sources.end(), [&](const BackupSource& source) {
        const Path& database = source.sqlite.path;
        std::error_code problem;
        return !database.empty() && (is_its(name_in_truth(database)) ||
                                     is_its(std::filesystem::weakly_canonical(database, problem)));
    });
}

Bytes share_of(Bytes size, const Amount& share) {
    return {static_cast<std::uint64_t>(static_cast<double>(size.count) * share.value / 100)};
}

} // namespace

Path Archive::temporary(const std::string& name) const {
    return m_settings.dir / fmt::format("{}{}", k_temporary, name);
}

WallTime Archive::now() const {
    return m_world.clock.now().wall;
}

Result<void> Archive::save(const Backup& backup) {
    return write_atomically(m_world.files, m_settings.dir / backup.manifest_name(), to_json(backup),
                            k_file_mode);
}

Result<void> Archive::tidy() {
    Files& files = m_world.files;
    LECTIO_TRY(files.make_folders(m_settings.dir, k_folder_mode));
    LECTIO_TRY(files.make_folders(trash(), k_folder_mode));
    const Result<std::vector<std::string>> names = files.list(m_settings.dir);
    LECTIO_TRY(names);
    for (const std::string& name : *names) {
        if (!name.ends_with(".json") || name.starts_with('.')) {
            continue;
        }
        const Result<std::string> text = files.read(m_settings.dir / name, k_longest_manifest);
        const Result<Backup> backup = text ? backup_from_json(*text) : text.error();
        if (!backup || backup->manifest_name() != name) {
            continue;
        }
        // The manifest is written when the file is whole: its last step is done for it.
        const Path waiting = temporary(backup->file_name());
        if (files.info(waiting, Files::Follow::no)) {
            LECTIO_TRY(m_disk.move(waiting, file_of(*backup)));
        }
        if (backup->trashed) {
            LECTIO_TRY(put_in_trash(*backup));
        }
    }
    for (const std::string& name : *names) {
        if (name.starts_with(k_temporary)) {
            LECTIO_TRY(sweep(m_settings.dir / name));
        } else if (is_unfinished_manifest(name)) {
            const Result<FileInfo> info = files.info(m_settings.dir / name, Files::Follow::no);
            if (info && info->type == FileInfo::Type::regular) {
                LECTIO_TRY(remove_file(m_settings.dir / name));
            }
        }
    }
    return {};
}

// A program of the operator's that was to make a file may have made a folder (`rclone copy` instead of `copyto`).
Result<void> Archive::sweep(const Path& path) {
    const Result<FileInfo> info = m_world.files.info(path, Files::Follow::no);
    const bool is_folder = info && info->type == FileInfo::Type::folder;
    return is_folder ? m_disk.remove_tree(path) : remove_file(path);
}

// As much as lies there at once: the plain copy beside the packed one, either while it is made or while it is proven.
Result<void> Archive::has_room(const BackupSource& source, const Backup* before, SteadyTime until) {
    const Result<Bytes> plain =
        size_of(source, before != nullptr ? &before->snapshot : nullptr, m_world, until);
    LECTIO_TRY(plain);
    const Bytes packed =
        before != nullptr ? Bytes{before->packed.size.count + before->packed.size.count / 5} : *plain;
    // It is encrypted when the plain copy is gone: then it lies there packed, and packed again.
    const Bytes most{m_settings.encrypt.empty() ? plain->count : std::max(plain->count, packed.count)};
    return is_free({most.count + packed.count}, source.name);
}

Result<void> Archive::has_room_for(const Backup& backup) {
    return is_free({backup.packed.size.count + (backup.compressed ? backup.compressed->size.count : 0) +
                    plain_file(backup.snapshot).size.count},
                   backup.source);
}

Result<void> Archive::is_free(Bytes needed, const std::string& source) {
    const Bytes wanted{needed.count + m_settings.min_free.count};
    const Result<ReleaseDisk::Room> room = m_disk.room(m_settings.dir);
    LECTIO_TRY(room);
    if (room->free >= wanted) {
        return {};
    }
    return Error{ErrorKind::no_space,
                 fmt::format("unable to back up {}: {} free, {} needed", clean_line(source),
                             format_size(room->free), format_size(wanted))};
}

// Manifests know the second: two within one would have no order, and the newest would be either.
void Archive::wait_for_a_second_of_its_own(const Contents& there, const std::string& source,
                                           SteadyTime until) {
    using std::chrono::floor, std::chrono::seconds;
    const auto is_taken = [&] {
        return std::any_of(there.backups.begin(), there.backups.end(), [&](const Backup& backup) {
            return backup.source == source && floor<seconds>(backup.time) == floor<seconds>(now());
        });
    };
    while (is_taken() && !stop_requested() && m_world.clock.steady() < until) {
        const Duration left = std::chrono::ceil<Duration>(floor<seconds>(now()) + 1s - now());
        sleep_unless_stopped(m_world.clock, std::min(until, m_world.clock.steady() + left));
    }
}

// A manifest that cannot be read does not say what its backup holds or whether it counted; but it says by its name when it was
// made, and its file lies there: that much of it is still a measure, where it is newer and larger than what can be read.
// Otherwise an archive that has lost its manifests would take a database that was emptied for a good one.
std::optional<Archive::Measure> Archive::measure_of(const Contents& there, const BackupSource& source,
                                                    const Backup* before) {
    const std::string newest = before != nullptr ? before->stem() : std::string();
    std::optional<Measure> measure;
    if (before != nullptr) {
        measure = {before->compressed_size(), content_of(before->snapshot)};
    }
    const Result<std::vector<std::string>> names = m_world.files.list(m_settings.dir);
    for (const std::string& manifest : there.unreadable) {
        const std::string stem = manifest.substr(0, manifest.rfind('.'));
        const std::optional<WallTime> time = time_in_stem(stem, source.name);
        if (!time || is_to_come(*time, there.read_at) || stem <= newest || !names) {
            continue;
        }
        const auto file = std::find_if(names->begin(), names->end(), [&](const std::string& name) {
            return name.starts_with(stem + ".") && name != manifest &&
                   (source.type != "files" || is_list_of_repository(name) == source.in_repository());
        });
        const Result<FileInfo> info =
            file == names->end() ? Error{} : m_world.files.info(m_settings.dir / *file, Files::Follow::no);
        if (info && info->type == FileInfo::Type::regular && (!measure || measure->packed < info->size)) {
            measure = {info->size, measure ? measure->content : std::nullopt};
        }
    }
    return measure;
}

Result<Backup> Archive::make(const BackupSource& source, SteadyTime until) {
    const SteadyTime begun = m_world.clock.steady();
    const Result<Contents> there = contents();
    LECTIO_TRY(there);
    const Backup* before = there->newest(source.name);
    if (before != nullptr && is_in_repository(before->snapshot) != source.in_repository()) {
        before = nullptr; // a tar and what restic has are nothing to compare
    }
    LECTIO_TRY(has_room(source, before, until));
    const bool is_encrypted = !m_settings.encrypt.empty() && !source.in_repository();
    if (is_encrypted) { // before hours of work that nobody could read
        LECTIO_TRY(try_recipients(m_settings.encrypt, m_world, until));
    }
    wait_for_a_second_of_its_own(*there, source.name, until);
    Backup backup;
    backup.id = make_id(random_bits());
    backup.source = source.name;
    backup.type = source.type;
    const Path plain = temporary(backup.id + ".plain");
    const PassingFile unnamed(temporary(backup.id + ".packed")); // its name says when it was taken
    // Packed by whoever takes it, on the way to its digest: the plain file is read once for both.
    const ReadThrough pack = [&](const Path& file, Clock& clock, SteadyTime end) -> Result<FileDigest> {
        Result<Compressed> compressed = compress_file(file, unnamed.path(), clock, end);
        LECTIO_TRY(compressed);
        backup.packed = std::move(compressed->packed);
        return std::move(compressed->plain);
    };
    Result<Snapshot> snapshot = take(source, plain, m_settings.min_free, pack, m_world, until);
    LECTIO_TRY(snapshot);
    LECTIO_TRY(remove_file(plain));
    backup.snapshot = std::move(*snapshot);
    backup.time = taken(backup.snapshot);
    const Path packed = temporary(backup.file_name());
    LECTIO_TRY(replace_file(unnamed.path(), packed));
    if (const std::optional<Measure> measure = measure_of(*there, source, before)) {
        const Bytes content = content_of(backup.snapshot);
        for (const auto& [is, was] : {std::pair{backup.packed.size, measure->packed},
                                      std::pair{content, measure->content.value_or(content)}}) {
            if (is < share_of(was, m_settings.shrink)) {
                backup.state = State::suspect;
                backup.reason = say(k_shrunk, format_size(is), format_size(was)).in(m_lang);
            }
        }
    }
    if (is_encrypted) {
        LECTIO_TRY(seal(backup, packed, plain, source.sqlite.latest, until));
    }
    backup.took = std::chrono::duration_cast<Duration>(m_world.clock.steady() - begun) - backup.restore_took;
    LECTIO_TRY(save(backup));
    LECTIO_TRY(m_disk.move(temporary(backup.file_name()), file_of(backup)));
    return backup;
}

// What is plain goes before its name is known to anybody, whatever becomes of the rest.
Result<void> Archive::seal(Backup& backup, const Path& zst, const Path& plain, const Path& latest,
                           SteadyTime until) {
    const PassingFile compressed(zst), expanded(plain);
    if (m_settings.verify) {
        const Result<Proven> proven = look_at(zst, backup, plain, Effort::full, until);
        if (!proven) {
            if (backup.state != State::suspect) {
                backup.reason = error_words(proven.error().message).in(m_lang);
            }
        } else {
            backup = judged(backup, *proven);
        }
        give_latest(backup, plain, latest, until);
        LECTIO_TRY(remove_file(plain));
    }
    backup.compressed = backup.packed;
    Result<FileDigest> sealed =
        encrypt_file(m_settings.encrypt, zst, temporary(backup.file_name()), m_world, until);
    LECTIO_TRY(sealed);
    backup.packed = std::move(*sealed);
    return remove_file(zst);
}

Result<Text> Archive::flaw_of_file(const Backup& backup, SteadyTime until) {
    return flaw_in(file_of(backup), backup.packed, until);
}

Result<Text> Archive::flaw_in(const Path& file, const FileDigest& should_be, SteadyTime until) {
    const Result<FileDigest> digest = digest_of(file, m_world.clock, until);
    if (!digest && digest.error().kind == ErrorKind::not_found) {
        return say(k_file_gone);
    }
    LECTIO_TRY(digest);
    return *digest == should_be
               ? Text{}
               : say(k_file_changed, digest->size.count, should_be.size.count, digest->sha256.substr(0, 12));
}

Result<Backup> Archive::prove(const Backup& backup, const Path& latest, Effort effort, SteadyTime until) {
    const Path plain = temporary(backup.id + ".plain");
    LECTIO_TRY(remove_file(plain));
    const Result<Proven> proven = look_at(file_of(backup), backup, plain, effort, until);
    const PassingFile expanded(plain);
    LECTIO_TRY(proven);
    Backup now_is = judged(backup, *proven);
    LECTIO_TRY(save(now_is));
    give_latest(now_is, plain, latest, until);
    LECTIO_TRY(remove_file(plain));
    return now_is;
}

Result<Archive::Proven> Archive::prove_copy(const Path& file, const Backup& backup, SteadyTime until) {
    const PassingFile plain(temporary(backup.id + ".plain"));
    LECTIO_TRY(remove_file(plain.path()));
    return look_at(file, backup, plain.path(), Effort::full, until);
}

Backup Archive::judged(const Backup& backup, const Proven& proven) const {
    Backup now_is = backup;
    if (!proven.flaw.empty()) {
        now_is.state = State::bad;
        now_is.reason = proven.flaw.in(m_lang);
        return now_is;
    }
    now_is.unchanged = std::chrono::floor<std::chrono::seconds>(now());
    const bool knows_nobody = proof_of(backup.snapshot, m_settings.source(backup.source)) == Proof::unchanged;
    // What was found bad, and is good when it is read again, was the disk's fault.
    if (proven.proof == Proof::restored) {
        now_is.verified = now_is.unchanged;
        now_is.restore_took = proven.took;
        now_is.state = State::verified;
    } else if (backup.verified) { // its bytes are those that were proven, maybe within this second
        now_is.unchanged = std::max(*now_is.unchanged, *backup.verified + std::chrono::seconds(1));
        now_is.state = State::verified;
    } else if (knows_nobody) {
        now_is.state = State::unchanged;
    } // else it could have been proven and was not: it counts as little as before
    if (backup.state == State::suspect) {
        now_is.state = State::suspect;
    }
    now_is.reason = now_is.counts() ? std::string() : backup.reason;
    return now_is;
}

Result<Archive::Proven> Archive::look_at(const Path& file, const Backup& backup, const Path& plain,
                                         Effort effort, SteadyTime until) {
    const SteadyTime begun = m_world.clock.steady();
    Result<Text> flaw = flaw_in(file, backup.packed, until);
    LECTIO_TRY(flaw);
    Proven proven{std::move(*flaw), Proof::unchanged, {}};
    if (proven.flaw.empty() && !backup.compressed) {
        Result<Proven> inside = look_into(file, backup, plain, effort, until);
        LECTIO_TRY(inside);
        proven = std::move(*inside);
    } else if (proven.flaw.empty()) {
        const Result<bool> has_key = has_identity(m_settings.identity, m_world.files);
        LECTIO_TRY(has_key);
        if (*has_key) {
            const PassingFile zst(temporary(backup.id + ".zst"));
            const Result<FileDigest> digest = decrypt(backup, file, zst.path(), until);
            LECTIO_TRY(digest);
            Result<Proven> inside = look_into(zst.path(), backup, plain, effort, until);
            LECTIO_TRY(inside);
            proven = std::move(*inside);
        }
    }
    proven.took = std::chrono::duration_cast<Duration>(m_world.clock.steady() - begun);
    return proven;
}

Result<Archive::Proven> Archive::look_into(const Path& zst, const Backup& backup, const Path& plain,
                                           Effort effort, SteadyTime until) {
    const Result<FileDigest> out =
        expand_file(zst, plain, plain_file(backup.snapshot).size, m_world.clock, until);
    const bool not_it =
        !out && (out.error().kind == ErrorKind::invalid || out.error().kind == ErrorKind::too_large);
    if (not_it) {
        return Proven{error_words(out.error().message), Proof::unchanged, {}};
    }
    LECTIO_TRY(out);
    const Result<std::vector<Text>> flaws = flaws_of(plain, backup.snapshot, m_world, until);
    LECTIO_TRY(flaws);
    if (!flaws->empty()) {
        return Proven{flaws->front(), Proof::unchanged, {}};
    }
    const Result<Tried> tried = flaws_when_tried(plain, backup.snapshot, m_settings.source(backup.source),
                                                 backup.id, effort, m_world, until);
    LECTIO_TRY(tried);
    return Proven{tried->flaws.empty() ? Text{} : tried->flaws.front(), tried->proof, {}};
}

// Its file is what it was, so what age refuses is the key.
Result<FileDigest> Archive::decrypt(const Backup& backup, const Path& file, const Path& zst,
                                    SteadyTime until) {
    LECTIO_TRY(can_be_read(backup));
    LECTIO_TRY(remove_file(zst));
    Result<FileDigest> digest = decrypt_file(m_settings.identity, file, zst, m_world, until);
    if (!digest) {
        return Error{digest.error().kind,
                     fmt::format("unable to decrypt {}: {}", backup.stem(), digest.error().message)};
    }
    if (*digest != *backup.compressed) {
        return Error{ErrorKind::invalid,
                     fmt::format("unable to decrypt {}: it is not what it was", backup.stem())};
    }
    return digest;
}

void Archive::give_latest(Backup& backup, const Path& plain, const Path& latest, SteadyTime until) {
    if (!backup.counts() || latest.empty() || !m_world.files.info(plain, Files::Follow::no)) {
        return;
    }
    if (const Result<void> given = replace_latest(plain, latest, until); !given) {
        backup.no_latest = error_words(given.error().message).in(m_lang);
    }
}

// Owned by whom the folder belongs to: the runbook has it copied over the database by hand.
Result<void> Archive::replace_latest(const Path& from, const Path& latest, SteadyTime until) {
    if (is_of_a_database(latest, m_settings.sources)) {
        return Error{ErrorKind::invalid,
                     fmt::format("unable to replace {}: it is a database that is backed up, or its log",
                                 latest.string())};
    }
    const Result<FileInfo> folder = m_world.files.info(latest.parent_path(), Files::Follow::yes);
    LECTIO_TRY(folder);
    const Path beside = latest.parent_path() / fmt::format("{}{}", k_temporary, latest.filename().string());
    LECTIO_TRY(remove_file(beside));
    LECTIO_TRY(copy_file(from, beside, {k_latest_mode, folder->owner, folder->group}, m_world.clock, until));
    const Result<void> replaced = replace_file(beside, latest);
    if (!replaced) {
        LECTIO_TRY(remove_file(beside));
    }
    return replaced;
}

Result<void> Archive::unpack(const Backup& backup, const Path& into, SteadyTime until) {
    Path zst = file_of(backup);
    std::optional<PassingFile> decrypted;
    if (backup.compressed) {
        zst = temporary(backup.id + ".zst");
        const Result<FileDigest> digest = decrypt(backup, file_of(backup), zst, until);
        LECTIO_TRY(digest);
        decrypted.emplace(zst);
    }
    const Result<FileDigest> out =
        expand_file(zst, into, plain_file(backup.snapshot).size, m_world.clock, until);
    LECTIO_TRY(out);
    const Result<std::vector<Text>> flaws = flaws_of(into, backup.snapshot, m_world, until);
    if (flaws && flaws->empty()) {
        return {};
    }
    LECTIO_TRY(remove_file(into));
    return flaws ? Error{ErrorKind::invalid,
                         fmt::format("unable to restore {}: {}", backup.stem(), flaws->front().en)}
                 : flaws.error();
}

Result<void> Archive::can_be_read(const Backup& backup) {
    const Result<bool> has_key =
        backup.compressed ? has_identity(m_settings.identity, m_world.files) : Result<bool>(true);
    LECTIO_TRY(has_key);
    return *has_key ? Result<void>{}
                    : Error{ErrorKind::permission,
                            fmt::format("unable to decrypt {}: it is encrypted, and `identity` names no key "
                                        "file that is here",
                                        backup.stem())};
}

Result<Archive::Pruned> Archive::prune(const BackupSource& source, SteadyTime until, Effect effect) {
    Pruned pruned;
    const Result<Contents> there = contents();
    LECTIO_TRY(there);
    if (!m_settings.verify) {
        pruned.frozen = say(k_not_proven_at_all);
        return pruned;
    }
    if (!there->unreadable.empty()) {
        pruned.frozen = say(k_unreadable, clean_line(there->unreadable.front()));
        return pruned;
    }
    Sweep sweep = superfluous(there->of(source.name),
                              {m_settings.keep, source.every, m_settings.goes_away(source)}, now());
    pruned.frozen = sweep.frozen;
    pruned.awaits_remote = sweep.awaits_remote;
    if (!sweep.frozen.empty() || sweep.ids.empty() || effect == Effect::none) {
        pruned.ids = std::move(sweep.ids);
        pruned.later = sweep.later;
        return pruned;
    }
    const Backup& newest = *there->newest(source.name);
    const std::optional<WallTime> read = newest.verified ? newest.verified : newest.unchanged;
    const bool proven_lately = read && !is_to_come(*read, now()) && now() - *read < k_proof_holds;
    Result<Text> flaw = flaw_of_file(newest, until);
    LECTIO_TRY(flaw);
    if (!proven_lately || !flaw->empty()) {
        const Result<Backup> again = prove(newest, {}, Effort::cheap, until);
        LECTIO_TRY(again);
        if (!again->counts()) {
            pruned.frozen = say(k_newest_fails);
            return pruned;
        }
    }
    for (const std::string& id : sweep.ids) {
        Backup one = *there->find(id);
        one.trashed = std::chrono::floor<std::chrono::seconds>(now());
        LECTIO_TRY(save(one));
        LECTIO_TRY(put_in_trash(one));
        pruned.ids.push_back(id);
    }
    pruned.later = sweep.later;
    return pruned;
}

// The manifest says so first, and goes last: at every moment it is known what becomes of the file.
Result<void> Archive::put_in_trash(Backup backup) {
    const Result<ReleaseDisk::Named> file = m_disk.look_at(file_of(backup));
    LECTIO_TRY(file);
    if (file->kind != Kind::nothing) {
        LECTIO_TRY(m_disk.move(file_of(backup), trash() / backup.file_name()));
    }
    return m_disk.move(m_settings.dir / backup.manifest_name(), trash() / backup.manifest_name());
}

Result<std::vector<std::string>> Archive::empty_trash() {
    std::vector<std::string> gone;
    const Result<Contents> kept_ones = contents();
    LECTIO_TRY(kept_ones);
    const Result<Contents> there = read(trash());
    LECTIO_TRY(there);
    for (const Backup& backup : there->backups) {
        const bool time_is_over = backup.trashed && now() - *backup.trashed >= k_in_trash;
        const auto proven =
            std::count_if(kept_ones->backups.begin(), kept_ones->backups.end(),
                          [&](const Backup& one) { return one.source == backup.source && one.counts(); });
        if (!time_is_over || proven < k_fewest) {
            continue;
        }
        LECTIO_TRY(remove_file(trash() / backup.file_name()));
        LECTIO_TRY(remove_file(trash() / backup.manifest_name()));
        gone.push_back(backup.id);
    }
    return gone;
}

} // namespace lectio::backup
