#include "backup/snapshot.h"

#include "backup/postgres_scratch.h"
#include "platform/tree_size.h"

#include <algorithm>
#include <cstdint>

namespace lectio::backup {
namespace {

using snapshots::SqliteSnapshot;

constexpr Noun k_tables{"table", "tables", "таблица", "таблицы", "таблиц"};
constexpr Noun k_rows{"row", "rows", "строка", "строки", "строк"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};
constexpr Phrase k_written{"what {} has written", "вывод {}"};
constexpr Phrase k_other_bytes{"what comes out is not what the program has written",
                               "распаковывается не то, что записала программа"};
constexpr Noun k_keys{"key", "keys", "ключ", "ключа", "ключей"};

template<class Number>
Text so_many(Number number, const Noun& noun) {
    return lectio::counted(static_cast<std::int64_t>(number), noun);
}

constexpr Phrase k_not_loaded{"its checksum and its structure are proven, no server has loaded it: {}",
                              "проверены контрольная сумма и структура, сервером она не загружалась: {}"};

template<class... Fs>
struct Cases : Fs... {
    using Fs::operator()...;
};
template<class... Fs>
Cases(Fs...) -> Cases<Fs...>;

Result<Bytes> size_of_database(const Path& path, Files& files) {
    const Result<FileInfo> database = files.info(path, Files::Follow::yes);
    LECTIO_TRY(database);
    const Result<FileInfo> log = files.info(path.string() + "-wal", Files::Follow::yes);
    return Bytes{database->size.count + (log ? log->size.count : 0)};
}

Result<Bytes> size_of_files(const FilesSource& source, World& world, SteadyTime until) {
    Bytes all;
    for (const Path& path : source.paths) {
        const Result<FileInfo> info = world.files.info(path, Files::Follow::yes);
        LECTIO_TRY(info);
        if (info->type != FileInfo::Type::folder) {
            all.count += info->size.count;
            continue;
        }
        const Result<TreeSize> below = tree_size(path, world.clock, until);
        LECTIO_TRY(below);
        // tar knows no holes: a file of them is as long there as it is said to be.
        all.count += std::max(below->size.count, below->length.count);
    }
    return all;
}

// The dump lies there twice: by itself and in the tar. Indexes make no part of it, so half of the database is much.
Result<Bytes> size_of_dump(const PostgresSource& source, const Snapshot* before, World& world,
                           SteadyTime until) {
    if (before != nullptr && std::holds_alternative<PostgresSnapshot>(*before)) {
        const std::uint64_t last = plain_file(*before).size.count;
        return Bytes{2 * (last + last / 5)};
    }
    const Result<PostgresServer> server = look_at({source.url}, world.clock, until);
    LECTIO_TRY(server);
    return server->size;
}

Result<std::vector<Text>> flaws_of_bytes(const Path& plain, const FileDigest& should_be, World& world,
                                         SteadyTime until) {
    const Result<FileDigest> digest = digest_of(plain, world.clock, until);
    LECTIO_TRY(digest);
    return *digest == should_be ? std::vector<Text>() : std::vector{say(k_other_bytes)};
}

Result<Tried> tried_with(Result<std::vector<Text>> flaws) {
    LECTIO_TRY(flaws);
    return Tried{std::move(*flaws), Proof::restored};
}

Result<Tried> flaws_in_repository(const std::string& id, const BackupSource* source, Effort effort,
                                  World& world, SteadyTime until) {
    if (source == nullptr || !source->in_repository()) {
        return Error{ErrorKind::not_found, "restic is no longer in the configuration"};
    }
    Result<Text> flaw = flaw_of_structure(id, *source, world, until);
    if (flaw && flaw->empty() && effort == Effort::full) {
        flaw = flaw_of_content(id, *source, world, until);
    }
    LECTIO_TRY(flaw);
    return Tried{flaw->empty() ? std::vector<Text>() : std::vector{*flaw},
                 effort == Effort::full ? Proof::restored : Proof::unchanged};
}

} // namespace

Text counted(const Snapshot& snapshot) {
    return std::visit(
        Cases{[](const SqliteSnapshot& one) { return so_many(snapshots::total(one.facts.rows), k_rows); },
              [](const FilesSnapshot& one) { return so_many(one.files, k_files); },
              [](const ResticSnapshot& one) { return so_many(one.files, k_files); },
              [](const PostgresSnapshot& one) {
                  return join(", ", {so_many(one.rows.size(), k_tables),
                                     so_many(snapshots::total(one.rows), k_rows)});
              },
              [](const RedisSnapshot& one) { return so_many(keys_in(one.facts), k_keys); },
              [](const ExecSnapshot& one) { return say(k_written, one.made_with); }},
        snapshot);
}

Result<Bytes> size_of(const BackupSource& source, const Snapshot* before, World& world, SteadyTime until) {
    if (source.type == "postgres") {
        return size_of_dump(source.postgres, before, world, until);
    }
    if (source.type == "redis") {
        return size_of_redis(source.redis, world);
    }
    if (source.type == "exec" || source.in_repository()) { // how much comes is known when it has come
        return before != nullptr ? Bytes{plain_file(*before).size.count + plain_file(*before).size.count / 5}
                                 : Bytes{};
    }
    return source.type == "files" ? size_of_files(source.files, world, until)
                                  : size_of_database(source.sqlite.path, world.files);
}

Result<Snapshot> take(const BackupSource& source, const Path& into, Bytes min_free, const ReadThrough& read,
                      World& world, SteadyTime until) {
    if (source.type == "exec") {
        Result<ExecSnapshot> exec = take_exec(source.exec, into, min_free, world, until, read);
        LECTIO_TRY(exec);
        return Snapshot(std::move(*exec));
    }
    if (source.in_repository()) {
        Result<ResticSnapshot> restic = take_restic(source, into, world, until, read);
        LECTIO_TRY(restic);
        return Snapshot(std::move(*restic));
    }
    if (source.type == "files") {
        Result<FilesSnapshot> files = take_files(source.files, into, world, until, read, min_free);
        LECTIO_TRY(files);
        return Snapshot(std::move(*files));
    }
    if (source.type == "postgres") {
        // What stays there is told by the proof; it is no reason to have no backup.
        [[maybe_unused]] const Result<void> dropped =
            drop_leftovers({source.name, {source.postgres.url}, into.parent_path()}, world, until);
        Result<PostgresSnapshot> dump = take_postgres(source.postgres, into, world, until, read);
        LECTIO_TRY(dump);
        return Snapshot(std::move(*dump));
    }
    if (source.type == "redis") {
        Result<RedisSnapshot> redis = take_redis(source.redis, into, world, until, read);
        LECTIO_TRY(redis);
        return Snapshot(std::move(*redis));
    }
    Result<SqliteSnapshot> database =
        snapshots::take_sqlite(source.sqlite.path, into, world.files, world.clock, until, read);
    LECTIO_TRY(database);
    return Snapshot(std::move(*database));
}

Result<std::vector<Text>> flaws_of(const Path& plain, const Snapshot& snapshot, World& world,
                                   SteadyTime until) {
    return std::visit(
        Cases{[&](const SqliteSnapshot& one) {
                  return snapshots::flaws_of_sqlite(plain, one, world.clock, until);
              },
              [&](const FilesSnapshot& one) { return flaws_of_files(plain, one, world, until); },
              [&](const PostgresSnapshot& one) { return flaws_of_postgres(plain, one, world, until); },
              [&](const RedisSnapshot& one) { return flaws_of_redis(plain, one, world, until); },
              [&](const ExecSnapshot& one) { return flaws_of_bytes(plain, one.file, world, until); },
              [&](const ResticSnapshot& one) { return flaws_of_bytes(plain, one.file, world, until); }},
        snapshot);
}

Result<Tried> flaws_when_tried(const Path& plain, const Snapshot& snapshot, const BackupSource* source,
                               const std::string& id, Effort effort, World& world, SteadyTime until) {
    if (const auto* restic = std::get_if<ResticSnapshot>(&snapshot)) {
        return flaws_in_repository(restic->id, source, effort, world, until);
    }
    if (std::holds_alternative<ExecSnapshot>(snapshot)) {
        return proof_of(snapshot, source) == Proof::restored
                   ? tried_with(flaws_by_program(plain, source->exec, world, until))
                   : Tried{{}, Proof::unchanged};
    }
    const auto* dump = std::get_if<PostgresSnapshot>(&snapshot);
    return dump == nullptr ? Tried{}
                           : tried_with(flaws_when_restored(plain, *dump, source, id, world, until));
}

Proof proof_of(const Snapshot& snapshot, const BackupSource* source) {
    const bool asks_nobody = source == nullptr || source->type != "exec" || source->exec.verify.empty();
    const bool is_written = std::holds_alternative<ExecSnapshot>(snapshot);
    return is_in_repository(snapshot) || (is_written && asks_nobody) ? Proof::unchanged : Proof::restored;
}

Text lack_of_proof(const Snapshot& snapshot, World& world) {
    const auto* redis = std::get_if<RedisSnapshot>(&snapshot);
    const Text why = redis == nullptr ? Text{} : why_not_loaded(*redis, world);
    return why.empty() ? Text{} : say(k_not_loaded, why);
}

} // namespace lectio::backup
