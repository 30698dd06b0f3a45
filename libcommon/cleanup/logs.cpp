#include "cleanup/logs.h"

#include "checks/log_reader.h"
#include "cleanup/matching.h"
#include "config/config.h"
#include "pipeline/tool_state.h"
#include "platform/newest_file.h"
#include "platform/shorten_log.h"
#include "platform/users.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <tuple>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <fcntl.h>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_still_runs = 24h;

constexpr Phrase k_other_names{"it has other names (hard links), and may be somebody else's",
                               "у файла есть другие имена (жёсткие ссылки): он может быть чужим"};
constexpr Phrase k_writes_anywhere{
    "{} ({}) writes to it without O_APPEND: shortened, it would become a file with a hole",
    "{} ({}) пишет в него без O_APPEND: после укорачивания получился бы файл с дырой"};
constexpr Phrase k_last_lines{"the last lines stay", "последние строки остались"};
constexpr Phrase k_packed{"packed as {}", "сжат в {}"};

// What speaks against it, whatever its age. Empty: nothing.
Text objection(const MatchedFile& log, const LogRule& rule, const OpenFiles& open,
               const Untouchable& untouchable) {
    if (untouchable.holds(log.path, folder_of_pattern(rule.files))) {
        return untouchable_words();
    }
    if (rule.action == LogRule::Action::remove) {
        return log.in_use_by.empty() ? Text{} : in_use_words(log);
    }
    if (log.names > 1) {
        return say(k_other_names);
    }
    const FileHolder* holder = open.holder(log.device, log.inode);
    return holder != nullptr && holder->writes_anywhere ? say(k_writes_anywhere, holder->name, holder->pid)
                                                        : Text{};
}

class Logs {
  public:
    Logs(const LogRule& rule, const OpenFiles& open, Sweep& sweep, const MatchedFiles& files)
        : m_rule(rule), m_open(open), m_sweep(sweep), m_files(files) {}

    // Freed, and what was done; nothing: there was nothing to gain.
    Result<std::optional<std::pair<Bytes, Text>>> clean(const MatchedFile& log) const {
        using Done = std::optional<std::pair<Bytes, Text>>;
        if (m_rule.action == LogRule::Action::remove) {
            const Result<Removed> removed = m_files.remove(log, m_open, m_sweep.may_go_on);
            LECTIO_TRY(removed);
            return Done({removed->freed, Text{}});
        }
        const Result<UniqueFd> opened = m_files.open(log, O_RDWR);
        LECTIO_TRY(opened);
        const bool packs = m_rule.action == LogRule::Action::compress;
        const Result<ShortenedLog> shortened = packs ? pack(log, opened->get()) : cut(log, opened->get());
        LECTIO_TRY(shortened);
        if (!shortened->changed) {
            return Done();
        }
        return Done({shortened->freed, packs ? say(k_packed, shortened->packed) : say(k_last_lines)});
    }

  private:
    // The positions are asked for each: a check may have read on since.
    [[nodiscard]] Result<ShortenedLog> cut(const MatchedFile& log, int fd) const {
        CutRules rules{m_sweep.config.cleanup.keep_lines, std::nullopt};
        const ReadUntil read = read_until(m_sweep.world, m_sweep.config);
        if (const auto position = read.find(log.inode); position != read.end()) {
            rules.keep_from = position->second;
        }
        return cut_log(fd, log.path, rules);
    }

    // With the time in its name it is known as a rotated log, also by our own log checks.
    [[nodiscard]] Result<ShortenedLog> pack(const MatchedFile& log, int fd) const {
        const Result<UniqueFd> folder = m_files.folder_of(log);
        LECTIO_TRY(folder);
        const auto now = std::chrono::floor<std::chrono::seconds>(m_sweep.world.clock.now().wall);
        const std::string name = fmt::format("{}-{:%Y%m%d%H%M%S}.gz", log.path.filename().string(),
                                             fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
        return pack_log(fd, folder->get(), name, log.path, m_sweep.may_go_on);
    }

    const LogRule& m_rule;
    const OpenFiles& m_open;
    Sweep& m_sweep;
    const MatchedFiles& m_files;
};

} // namespace

ReadUntil read_until(World& world, const Config& config) {
    ReadUntil all;
    const Now now = world.clock.now();
    for (const char* tool : {"health", "deepcheck"}) {
        StateKeeper keeper(world.files, config.paths.state / tool,
                           config.paths.run / fmt::format("{}-state", tool), "/dev/shm", effective_user());
        const ToolState state = keeper.load(now.wall, StateFile::Access::reader).state;
        if (!state.finished || elapsed(*state.finished, now) > k_still_runs) {
            continue;
        }
        for (const auto& [name, check] : state.judge.checks) {
            const auto kept = check.memory.find(std::string(k_log_position));
            const auto position = check.type == "log" && kept != check.memory.end()
                                      ? position_from_text(kept->second)
                                      : std::nullopt;
            if (position) {
                const auto [at, is_new] = all.try_emplace(position->inode, position->offset);
                at->second = std::min(at->second, position->offset);
            }
        }
    }
    return all;
}

bool is_meant(const MatchedFile& log, const LogRule& rule, WallTime now) {
    const bool old = !rule.older || now - log.modified >= *rule.older;
    const bool large = !rule.size || log.size > *rule.size;
    return log.type == FileInfo::Type::regular && old && large;
}

void clean_logs(const LogRule& rule, const OpenFiles& open, const Untouchable& untouchable, Sweep& sweep) {
    const std::string name = "logs " + rule.files;
    for_each_match(name, rule.files, open, sweep, [&](const MatchedFiles& files, const MatchedFile& log) {
        if (!is_meant(log, rule, sweep.world.clock.now().wall)) {
            return;
        }
        Deed deed{name, clean_line(log.path.string())};
        deed.words = objection(log, rule, open, untouchable);
        if (!deed.words.empty()) {
            deed.end = Deed::End::left;
        } else if (sweep.effect == Sweep::Effect::none) {
            deed.end = Deed::End::shown;
            deed.freed = log.on_disk;
        } else if (const auto cleaned = Logs(rule, open, sweep, files).clean(log)) {
            if (!*cleaned) {
                return;
            }
            std::tie(deed.freed, deed.words) = **cleaned;
        } else {
            failed(deed, cleaned.error());
        }
        sweep.deeds.push_back(std::move(deed));
    });
}

} // namespace lectio::cleanup
