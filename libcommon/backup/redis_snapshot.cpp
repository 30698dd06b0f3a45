#include "backup/redis_snapshot.h"

#include "platform/clock.h"
#include "platform/host.h"
#include "platform/processes.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "platform/users.h"
#include "util/number.h"
#include "util/text.h"
#include "util/unique_fd.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;
using Keys = std::map<int, std::uint64_t>;
using Info = std::map<std::string, std::string>;
using Connection = std::unique_ptr<RedisConnection>;

constexpr std::size_t k_mark_size = 40;
constexpr std::size_t k_longest_line = 4096;
constexpr Duration k_pause{100};
constexpr Duration k_to_ask = 10s;
// TIME tells the clock itself, a dump's "ctime" comes of time(), which Linux tells as it was at the kernel's last tick:
// a dump begun at once after TIME may seem to be of the second before.
constexpr std::int64_t k_lag_of_time_s = 1;
constexpr Duration k_first_try = 1s; // of a server that has only just been started
constexpr Bytes k_longest_said = 64_kB;
constexpr mode_t k_for_others = 077;
constexpr std::string_view k_server = "redis-server";

constexpr Phrase k_other_keys{"database {} holds {} keys instead of {}", "в базе {} ключей {} вместо {}"};
constexpr Phrase k_other_bytes{"its content has changed", "её содержимое изменилось"};
constexpr Phrase k_does_not_load{"redis-server does not load it: {}", "redis-server её не загружает: {}"};
constexpr Phrase k_no_server{"there is no redis-server on this host to load it",
                             "на этом сервере нет redis-server, чтобы её загрузить"};
constexpr Phrase k_older_server{"redis-server of this host is {}, older than the {} that wrote it",
                                "redis-server этого сервера — {}, он старше записавшего её {}"};
constexpr Phrase k_has_modules{"it holds data of modules", "в ней данные модулей"};
constexpr Phrase k_no_memory{"loading it takes {} of memory, {} are free",
                             "для загрузки нужно {} памяти, свободно {}"};
constexpr Phrase k_is_newer{"it holds values that are newer than this program",
                            "в ней значения новее этой программы"};

Error refusal(std::string_view command, const RedisReply& reply) {
    return {is_about_rights(reply) ? ErrorKind::permission : ErrorKind::busy,
            fmt::format("Redis: {}: {}", command, clean_line(reply.text))};
}

Duration left_until(SteadyTime until, World& world) {
    return std::max<Duration>(1s, std::chrono::duration_cast<Duration>(until - world.clock.steady()));
}

// An ACL may forbid it: then nothing is known.
Result<Info> ask_info(RedisConnection& redis, const std::string& section) {
    const Result<RedisReply> reply = redis.command({"INFO", section});
    LECTIO_TRY(reply);
    return reply->type == RedisReply::Type::string ? parse_redis_info(reply->text) : Info{};
}

std::string member(const Info& info, const std::string& key) {
    const auto found = info.find(key);
    return found == info.end() ? std::string() : found->second;
}

Result<std::string> ask_setting(RedisConnection& redis, const std::string& name) {
    const Result<RedisReply> reply = redis.command({"CONFIG", "GET", name});
    LECTIO_TRY(reply);
    const bool says = reply->type == RedisReply::Type::array && reply->items.size() == 2;
    return says ? reply->items[1].text : std::string();
}

// Since Redis 7 the append-only log is a folder.
Result<RedisPlace> ask_place(RedisConnection& redis) {
    Info set;
    for (const char* name : {"dir", "dbfilename", "appendonly", "appenddirname", "appendfilename"}) {
        Result<std::string> value = ask_setting(redis, name);
        LECTIO_TRY(value);
        set[name] = *std::move(value);
    }
    RedisPlace place;
    const Path folder = set["dir"];
    if (!folder.is_absolute() || set["dbfilename"].empty()) {
        return place;
    }
    place.dump = (folder / set["dbfilename"]).lexically_normal();
    if (set["appendonly"] == "yes") {
        const std::string& log = set["appenddirname"].empty() ? set["appendfilename"] : set["appenddirname"];
        place.append_only = (folder / log).lexically_normal();
    }
    return place;
}

// ── as a replica gets it ────────────────────────────────────────────────────────────────────────────────────

Result<FileDigest> receive_dump(RedisConnection& redis, const Path& into) {
    // Streamed, without a file on the server's disk, and nothing after it; older servers know neither and say so.
    for (const auto& [option, value] : {std::pair{"capa", "eof"}, std::pair{"rdb-only", "1"}}) {
        const Result<RedisReply> reply = redis.command({"REPLCONF", option, value});
        LECTIO_TRY(reply);
        if (is_about_rights(*reply)) {
            return refusal("REPLCONF", *reply);
        }
    }
    LECTIO_TRY(redis.send({"PSYNC", "?", "-1"}));
    return make_file(into, [&](const Give& give) -> Result<void> {
        for (RedisTransfer transfer; !transfer.is_whole();) {
            const Result<std::string> piece = redis.receive();
            LECTIO_TRY(piece);
            LECTIO_TRY(transfer.take(*piece, give));
        }
        return {};
    });
}

// ── a save of the server's own ──────────────────────────────────────────────────────────────────────────────

// None is at work any more.
Result<Info> wait_for_saves(RedisConnection& redis, World& world, SteadyTime until) {
    for (;;) {
        Result<Info> info = ask_info(redis, "persistence");
        LECTIO_TRY(info);
        if (info->empty()) {
            return Error{ErrorKind::permission, "Redis: INFO: it may not be asked whether it has saved"};
        }
        if (member(*info, "rdb_bgsave_in_progress") != "1" &&
            member(*info, "aof_rewrite_in_progress") != "1") {
            return info;
        }
        if (stop_requested() || world.clock.steady() >= until) {
            return Error{ErrorKind::timeout, "Redis: BGSAVE: it was not done in time"};
        }
        sleep_unless_stopped(world.clock, std::min(until, world.clock.steady() + k_pause));
    }
}

Result<void> save(RedisConnection& redis, World& world, SteadyTime until) {
    for (;;) {
        LECTIO_TRY(wait_for_saves(redis, world, until));
        const Result<RedisReply> reply = redis.command({"BGSAVE"});
        LECTIO_TRY(reply);
        if (reply->type != RedisReply::Type::error) {
            break;
        }
        // One of its own has begun between the two commands.
        if (reply->text.find("in progress") == std::string::npos) {
            return refusal("BGSAVE", *reply);
        }
    }
    const Result<Info> info = wait_for_saves(redis, world, until);
    LECTIO_TRY(info);
    return member(*info, "rdb_last_bgsave_status") == "ok"
               ? Result<void>{}
               : Error{ErrorKind::busy, "Redis: BGSAVE: it has failed; its log says why"};
}

// The file is one that the server has renamed into its place: it is not written to any more, and if another takes its
// place meanwhile, ours is still the one that we have opened.
Result<FileDigest> copy_saved(RedisConnection& redis, const RedisPlace& place, const Path& into, World& world,
                              SteadyTime until) {
    if (place.dump.empty()) {
        return Error{
            ErrorKind::permission,
            "Redis: CONFIG GET: it does not say where it saves; via = \"replication\" needs no file"};
    }
    const Result<RedisReply> before = redis.command({"TIME"});
    LECTIO_TRY(before);
    LECTIO_TRY(save(redis, world, until));
    Result<FileDigest> digest = copy_file(place.dump, into, NewFile{}, world.clock, until);
    LECTIO_TRY(digest);
    const Result<RdbFacts> facts = read_rdb(into, world.clock, until);
    const bool timed = before->type == RedisReply::Type::array && !before->items.empty();
    const auto begun = timed ? number_from<std::int64_t>(before->items[0].text) : std::nullopt;
    if (facts && begun && facts->created != 0 && facts->created + k_lag_of_time_s < *begun) {
        LECTIO_TRY(remove_file(into));
        return Error{ErrorKind::invalid,
                     fmt::format("unable to read {}: it is not what Redis has just saved (does it run in a "
                                 "container?); via = \"replication\" needs no file",
                                 clean_line(place.dump.string()))};
    }
    return digest;
}

Result<RedisSnapshot> take(const RedisSource& source, const Path& into, World& world, SteadyTime until,
                           const ReadThrough& read) {
    const Result<Connection> connection = world.redis.connect(source.url, left_until(until, world));
    LECTIO_TRY(connection);
    RedisConnection& redis = **connection;
    RedisSnapshot snapshot;
    snapshot.via = source.via;
    const Result<Info> server = ask_info(redis, "server");
    LECTIO_TRY(server);
    Result<RedisPlace> place = ask_place(redis);
    LECTIO_TRY(place);
    snapshot.place = *std::move(place);
    const Result<FileDigest> came = source.via == "bgsave"
                                        ? copy_saved(redis, snapshot.place, into, world, until)
                                        : receive_dump(redis, into);
    LECTIO_TRY(came);
    Result<RdbFacts> facts = read_rdb(into, world.clock, until);
    Result<FileDigest> lies_there = facts ? read(into, world.clock, until) : facts.error();
    if (lies_there && *lies_there != *came) {
        lies_there = Error{ErrorKind::io, fmt::format("unable to copy {}: other bytes lie there than came",
                                                      clean_line(into.string()))};
    }
    if (!lies_there) {
        LECTIO_TRY(remove_file(into));
        return lies_there.error();
    }
    snapshot.file = *std::move(lies_there);
    snapshot.facts = *std::move(facts);
    const std::string version = clean_line(member(*server, "redis_version"));
    snapshot.made_with = fmt::format("Redis {}", version.empty() ? snapshot.facts.server : version);
    return snapshot;
}

// ── a server of our own ─────────────────────────────────────────────────────────────────────────────────────

std::optional<std::pair<int, int>> version_in(std::string_view text) { // "7.0.15"
    const std::vector<std::string_view> parts = split(text, '.');
    const auto major = number_from<int>(parts.front());
    const auto minor = parts.size() > 1 ? number_from<int>(parts[1]) : std::nullopt;
    return major && minor ? std::optional(std::pair(*major, *minor)) : std::nullopt;
}

// "Redis server v=7.0.15 sha=00000000:0 …"; none: there is no such program.
std::optional<std::string> installed_version(World& world) {
    ProcessRequest request;
    request.command = {std::string(k_server), "--version"};
    const Result<ProcessAnswer> answer = world.processes.run(request);
    const std::size_t at = answer ? answer->out.find(" v=") : std::string::npos;
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::string rest = answer->out.substr(at + 3);
    return clean_line(rest.substr(0, rest.find_first_of(" \n")));
}

Keys keys_of(const Info& info) {
    constexpr std::string_view k_keys = "keys=";
    Keys all;
    for (const auto& [name, value] : info) { // "db0" "keys=2,expires=1,avg_ttl=0"
        if (!name.starts_with("db") || !value.starts_with(k_keys)) {
            continue;
        }
        if (const auto number = number_from<int>(std::string_view(name).substr(2))) {
            const std::string_view first = split(value, ',').front();
            all[*number] = number_from<std::uint64_t>(first.substr(k_keys.size())).value_or(0);
        }
    }
    return all;
}

// The words for the first database that differs; empty: none does.
Text difference(const Keys& found, const Keys& expected) {
    const auto in = [](const Keys& keys, int number) {
        const auto one = keys.find(number);
        return one == keys.end() ? std::uint64_t{0} : one->second;
    };
    for (const Keys* keys : {&expected, &found}) {
        for (const auto& [number, count] : *keys) {
            if (in(found, number) != in(expected, number)) {
                return say(k_other_keys, number, in(found, number), in(expected, number));
            }
        }
    }
    return {};
}

ProcessRequest server_of_our_own(const Path& dump, const std::string& socket, const Keys& keys) {
    ProcessRequest request;
    const int databases = keys.empty() ? 1 : keys.rbegin()->first + 1;
    // As a replica of nobody it keeps what has expired: the keys are those of the dump, at whatever time it is loaded.
    request.command = {std::string(k_server),
                       "--port",
                       "0",
                       "--dir",
                       dump.parent_path().string(),
                       "--dbfilename",
                       dump.filename().string(),
                       "--unixsocket",
                       socket,
                       "--unixsocketperm",
                       "700",
                       "--replicaof",
                       "127.0.0.1",
                       "0",
                       "--databases",
                       std::to_string(std::max(databases, 16)),
                       "--save",
                       "",
                       "--appendonly",
                       "no",
                       "--maxmemory",
                       "0",
                       "--daemonize",
                       "no",
                       "--logfile",
                       ""};
    request.max_output = k_longest_said;
    return request;
}

// What redis-server has said last of a dump that it did not load; empty: it has ended for another reason.
std::string complaint_of(const ProcessAnswer& answer) {
    std::string found;
    for (const std::string_view line : split_lines(answer.out)) {
        for (const std::string_view word : {"RDB", "rdb", "loading DB", "Bad file format"}) {
            const std::size_t sign = line.find(" # "); // of a warning
            if (sign != std::string_view::npos && line.find(word) != std::string_view::npos) {
                found = shorten(clean_line(line.substr(sign + 3)), 200);
            }
        }
    }
    return found;
}

Result<Text> flaw_when_loaded(const Path& dump, const RedisSnapshot& snapshot, World& world,
                              SteadyTime until) {
    const std::string socket = dump.filename().string() + ".sock";
    const Path named = dump.parent_path() / socket;
    LECTIO_TRY(remove_file(named));
    // By the folder's descriptor: a socket's path has room for 108 bytes (unix(7)), ours may be longer.
    const Result<UniqueFd> folder = open_trusted_folder(dump.parent_path());
    LECTIO_TRY(folder);
    const Secret url(fmt::format("unix:///proc/self/fd/{}/{}", folder->get(), socket));
    std::optional<Keys> loaded;
    ProcessRequest request = server_of_our_own(dump, socket, snapshot.facts.keys);
    request.timeout = left_until(until, world);
    request.enough = [&] {
        const Result<Connection> connection = world.redis.connect(url, k_first_try);
        const Result<Info> info = connection ? ask_info(**connection, "all") : connection.error();
        if (info && member(*info, "loading") == "0") {
            loaded = keys_of(*info);
        }
        return loaded.has_value();
    };
    const Result<ProcessAnswer> answer = world.processes.run(request);
    LECTIO_TRY(remove_file(named));
    LECTIO_TRY(answer);
    if (loaded) {
        return difference(*loaded, snapshot.facts.keys);
    }
    const std::string complaint = complaint_of(*answer);
    if (!complaint.empty()) {
        return say(k_does_not_load, complaint);
    }
    return answer->timed_out ? Error{ErrorKind::timeout, "redis-server has not loaded the dump in time"}
                             : Error{ErrorKind::io, "redis-server has ended before it had loaded the dump"};
}

// A server's socket belongs where nobody else can put one.
bool is_ours_alone(const Path& folder, Files& files) {
    const Result<FileInfo> info = files.info(folder, Files::Follow::yes);
    return info && info->owner == effective_user() && (info->mode & k_for_others) == 0;
}

} // namespace

std::uint64_t keys_in(const RdbFacts& facts) {
    std::uint64_t all = 0;
    for (const auto& [number, count] : facts.keys) {
        all += count;
    }
    return all;
}

Result<void> RedisTransfer::take(std::string_view piece, const Give& give) {
    while (m_state == State::lines && !piece.empty()) {
        const std::size_t end = piece.find('\n');
        m_held += piece.substr(0, end);
        if (m_held.size() > k_longest_line) {
            return Error{ErrorKind::protocol, "Redis: PSYNC: a line without an end"};
        }
        if (end == std::string_view::npos) {
            return {};
        }
        piece.remove_prefix(end + 1);
        const std::string whole(trim(std::exchange(m_held, {})));
        LECTIO_TRY(line(whole));
    }
    if (m_state == State::counted) {
        const std::string_view part = piece.substr(0, std::min<std::uint64_t>(piece.size(), m_left));
        LECTIO_TRY(give(part));
        m_left -= part.size();
        m_state = m_left == 0 ? State::whole : State::counted;
    } else if (m_state == State::marked) {
        m_held += piece;
        const std::size_t mark = m_held.find(m_mark);
        const bool over = mark != std::string::npos;
        const std::size_t sure = over ? mark : m_held.size() - std::min(m_held.size(), k_mark_size - 1);
        LECTIO_TRY(give(std::string_view(m_held).substr(0, sure)));
        m_held.erase(0, sure);
        m_state = over ? State::whole : State::marked;
    }
    return {};
}

Result<void> RedisTransfer::line(std::string_view text) {
    constexpr std::string_view k_marked = "$EOF:";
    if (text.empty() || text.starts_with("+FULLRESYNC")) {
        return {}; // an empty line says each second that the save goes on
    }
    if (text.starts_with('-')) {
        RedisReply reply;
        reply.type = RedisReply::Type::error;
        reply.text = text.substr(1);
        return refusal("PSYNC", reply);
    }
    if (text.starts_with(k_marked) && text.size() == k_marked.size() + k_mark_size) {
        m_mark = text.substr(k_marked.size());
        m_state = State::marked;
        return {};
    }
    const auto size = text.starts_with('$') ? number_from<std::uint64_t>(text.substr(1)) : std::nullopt;
    if (!size || *size == 0) {
        return Error{ErrorKind::protocol,
                     fmt::format("Redis: PSYNC: it answers {}", shorten(clean_line(text), 100))};
    }
    m_left = *size;
    m_state = State::counted;
    return {};
}

Result<Bytes> size_of_redis(const RedisSource& source, World& world) {
    const Result<Connection> connection = world.redis.connect(source.url, k_to_ask);
    LECTIO_TRY(connection);
    const Result<Info> info = ask_info(**connection, "memory");
    LECTIO_TRY(info);
    return Bytes{number_from<std::uint64_t>(member(*info, "used_memory")).value_or(0)};
}

Result<RedisPlace> place_of_redis(const RedisSource& source, World& world, Duration limit) {
    const Result<Connection> connection = world.redis.connect(source.url, limit);
    LECTIO_TRY(connection);
    return ask_place(**connection);
}

Result<RedisSnapshot> take_redis(const RedisSource& source, const Path& into, World& world, SteadyTime until,
                                 const ReadThrough& read) {
    const SteadyTime begun = world.clock.steady();
    const WallTime taken = world.clock.now().wall;
    Result<RedisSnapshot> snapshot = take(source, into, world, until, read);
    LECTIO_TRY(snapshot);
    snapshot->taken = std::chrono::floor<std::chrono::seconds>(taken);
    snapshot->took = std::chrono::duration_cast<Duration>(world.clock.steady() - begun);
    return snapshot;
}

Text why_not_loaded(const RedisSnapshot& snapshot, World& world) {
    const RdbFacts& facts = snapshot.facts;
    if (facts.modules) {
        return say(k_has_modules);
    }
    if (!facts.understood) {
        return say(k_is_newer);
    }
    const std::optional<std::string> installed = installed_version(world);
    if (!installed) {
        return say(k_no_server);
    }
    const auto ours = version_in(*installed);
    const auto its = version_in(facts.server);
    if (ours && its && *ours < *its) {
        return say(k_older_server, *installed, facts.server);
    }
    const Result<MemoryInfo> memory = world.host.memory();
    const Bytes wanted{facts.memory.count + facts.memory.count / 4};
    if (memory && memory->available < wanted) {
        return say(k_no_memory, format_size(wanted), format_size(memory->available));
    }
    return {};
}

Result<std::vector<Text>> flaws_of_redis(const Path& dump, const RedisSnapshot& snapshot, World& world,
                                         SteadyTime until) {
    const Result<FileDigest> digest = digest_of(dump, world.clock, until);
    LECTIO_TRY(digest);
    const Result<RdbFacts> facts = read_rdb(dump, world.clock, until);
    if (!facts && facts.error().kind == ErrorKind::invalid) {
        return std::vector{error_words(facts.error().message)};
    }
    LECTIO_TRY(facts);
    Text flaw = difference(facts->keys, snapshot.facts.keys);
    if (flaw.empty() && (*digest != snapshot.file || *facts != snapshot.facts)) {
        flaw = say(k_other_bytes);
    }
    // Elsewhere than in the archive it is the same file: its checksum has said so.
    if (flaw.empty() && is_ours_alone(dump.parent_path(), world.files) &&
        why_not_loaded(snapshot, world).empty()) {
        Result<Text> found = flaw_when_loaded(dump, snapshot, world, until);
        LECTIO_TRY(found);
        flaw = *std::move(found);
    }
    return flaw.empty() ? std::vector<Text>{} : std::vector{flaw};
}

} // namespace lectio::backup
