#include "restore_redis.h"

#include "backup/stopped_units.h"
#include "backup/take_place.h"
#include "commands.h"
#include "platform/stop.h"
#include "util/text.h"
#include "words/error_words.h"

#include <chrono>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_ask = 10s;

constexpr Phrase k_would_stop{"nobody may serve it meanwhile: stop the server first",
                              "в это время сервер не должен работать: сначала остановите его"};
constexpr Phrase k_would_move{"{} would be replaced; what is there now would move to {}",
                              "{} было бы заменено; то, что там сейчас, переехало бы в {}"};
constexpr Phrase k_elsewhere{"Redis is on another host: restore --to a file and carry it there",
                             "Redis на другом сервере: восстановите через --to в файл и перенесите его туда"};
constexpr Phrase k_no_place{
    "the server has not said where it keeps its dump (CONFIG GET): restore --to a file "
    "and put it there by hand",
    "сервер не сказал, где его дамп (CONFIG GET): восстановите через --to в файл и "
    "положите его туда сами"};
constexpr Phrase k_runs{"Redis runs: as it stops it would write its own dump over the restored one",
                        "Redis работает: останавливаясь, он записал бы свой дамп поверх восстановленного"};
constexpr Phrase k_stop_hint{
    "stop it (systemctl stop redis-server), then again: lectio-backup restore {}",
    "остановите его (systemctl stop redis-server) и повторите: lectio-backup restore {}"};
constexpr Phrase k_log_is_on{
    "its append-only file is on: at its start it loads {} and ignores the dump. First, while it runs: "
    "redis-cli "
    "CONFIG SET appendonly no, redis-cli CONFIG REWRITE; once it has loaded the dump the same with yes",
    "у него включён журнал AOF: при запуске он загружает {}, а не дамп. Сначала, пока он работает: redis-cli "
    "CONFIG SET appendonly no, redis-cli CONFIG REWRITE; когда он загрузит дамп — то же с yes"};
constexpr Phrase k_log_was_on{
    "when this was backed up its append-only file was on: if it still is, the server loads {} and ignores "
    "the dump. "
    "Start it with `appendonly no`, then: redis-cli CONFIG SET appendonly yes, redis-cli CONFIG REWRITE",
    "когда делалась копия, журнал AOF был включён: если он и сейчас включён, сервер загрузит {}, а не дамп. "
    "Запустите его с `appendonly no`, затем: redis-cli CONFIG SET appendonly yes, redis-cli CONFIG REWRITE"};
constexpr Phrase k_written{"restored: {} is as it was at {}", "восстановлено: {} — как на {}"};
constexpr Phrase k_was_aside{"what was there before lies in {}", "то, что было раньше, лежит в {}"};
constexpr Phrase k_start{"now start the server: it loads the dump",
                         "теперь запустите сервер: он загрузит дамп"};

bool is_on_this_host(const Secret& url) {
    const Result<RedisAddress> address = parse_redis_url(url);
    return address && (!address->socket.empty() || address->host == "localhost" || address->host == "::1" ||
                       address->host.starts_with("127."));
}

const RedisSnapshot& snapshot_of(const RedisRestore& restore) {
    return std::get<RedisSnapshot>(restore.backup.snapshot);
}

// Nobody answers there: neither a server that hangs nor one that does not let us in.
bool is_silence(const Error& error) {
    return error.kind == ErrorKind::io || error.kind == ErrorKind::not_found;
}

// Whole beside it, as it must be owned, before the first name changes.
Result<void> exchange(Session& session, const RedisRestore& restore, const Path& dump, Path& aside) {
    Files& files = session.files();
    const Result<FileInfo> old = files.info(dump, Files::Follow::yes);
    const Result<FileInfo> like = old ? old : files.info(dump.parent_path(), Files::Follow::yes);
    LECTIO_TRY(like);
    const NewFile as{old ? old->mode : mode_t{0660}, like->owner, like->group};
    const Path beside = dump.parent_path() / fmt::format(".lectio-tmp-{}", restore.backup.id);
    LECTIO_TRY(remove_file(beside));
    LECTIO_TRY(copy_file(restore.scratch, beside, as, session.world().clock, session.until()));
    Result<void> done = take_place(beside, dump, restore.backup.id, files, session.disk(), aside);
    if (!done) {
        LECTIO_TRY(remove_file(beside));
    }
    return done;
}

} // namespace

Text steps_of(Session& session, const RedisRestore& restore) {
    const RedisPlace& place = snapshot_of(restore).place;
    if (!is_on_this_host(restore.source.redis.url) || place.dump.empty()) {
        return say(place.dump.empty() ? k_no_place : k_elsewhere);
    }
    const Text moves = say(k_would_move, place.dump.string(),
                           name_aside(place.dump, restore.backup.id, session.files()).string());
    const Text words = restore.source.units.empty() ? join("\n", {say(k_would_stop), moves})
                                                    : with_units(moves, restore.source);
    return place.append_only.empty() ? words
                                     : join("\n", {words, say(k_log_was_on, place.append_only.string())});
}

int put_in_place(Session& session, const RedisRestore& restore) {
    if (!is_on_this_host(restore.source.redis.url)) {
        return session.leave(ExitCode::critical, say(k_elsewhere));
    }
    const Result<RedisPlace> runs = place_of_redis(restore.source.redis, session.world(), k_to_ask);
    if (!runs && !is_silence(runs.error())) {
        return session.leave(runs.error());
    }
    const bool stops = !restore.source.units.empty();
    if (runs && (!stops || !runs->append_only.empty())) {
        const Text stop = say(k_stop_hint, restore.source.name);
        return session.leave(ExitCode::critical, say(k_runs),
                             runs->append_only.empty()
                                 ? stop
                                 : join("\n", {say(k_log_is_on, runs->append_only.string()), stop}));
    }
    const RedisPlace& place = runs && !runs->dump.empty() ? *runs : snapshot_of(restore).place;
    if (place.dump.empty()) {
        return session.leave(ExitCode::critical, say(k_no_place));
    }
    const Result<void> unpacked = session.archive().unpack(restore.backup, restore.scratch, session.until());
    if (!unpacked) {
        return session.leave(unpacked.error());
    }
    // Who is stopped is started again before we leave, also when we are asked to.
    StoppedUnits units(session.settings().dir, session.world());
    if (stops) {
        take_time_to_stop();
        if (const Result<void> stopped = units.stop(restore.source.units); !stopped) {
            return session.leave(stopped.error());
        }
        const Result<RedisPlace> still = place_of_redis(restore.source.redis, session.world(), k_to_ask);
        if (still || !is_silence(still.error())) {
            return session.leave(ExitCode::critical, say(k_runs), say(k_stop_hint, restore.source.name));
        }
    }
    Path aside;
    const Result<void> done = exchange(session, restore, place.dump, aside);
    const Result<void> removed = remove_file(restore.scratch);
    if (!done || !removed) {
        const Error& error = (done ? removed : done).error();
        const Text words = error_words(error.message);
        return session.leave(exit_code(error),
                             aside.empty() ? words : join("\n", {words, say(k_was_aside, aside.string())}));
    }
    Text words =
        join("\n", {say(k_written, place.dump.string(), session.local(restore.backup.time)), restore.taken});
    session.log(LogLevel::warn, words);
    if (!aside.empty()) {
        words = join("\n", {words, say(k_was_aside, aside.string())});
    }
    const bool has_log = !place.append_only.empty();
    if (has_log || !stops) {
        words = join("\n", {words, has_log ? say(k_log_was_on, place.append_only.string()) : say(k_start)});
    }
    const std::vector<Text> problems = units.start();
    for (const Text& problem : problems) {
        session.log(LogLevel::error, problem);
        words = join("\n", {words, problem});
    }
    session.flush_log();
    return session.say_outcome(words,
                               !problems.empty() ? 2
                               : has_log         ? 1
                                                 : 0,
                               {{"backup", json_of(session, restore.backup)},
                                {"path", place.dump.string()},
                                {"aside", aside.string()}});
}

} // namespace lectio::backup
