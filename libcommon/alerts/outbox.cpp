#include "alerts/outbox.h"

#include "alerts/message_json.h"
#include "util/text.h"

#include <algorithm>
#include <atomic>
#include <charconv>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_folder_mode = 0700;
constexpr mode_t k_file_mode = 0600;
// The same for putting and for taking, so that nothing is taken in that is not found again. Five thousand checks that fail
// with long texts, or a piped text of one letter a line, stay within it.
constexpr Bytes k_largest = 16_MB;
// Refused and damaged ones are for a person to look at: the newest so many are kept.
constexpr std::size_t k_kept_aside = 1000;
// A writer is done within seconds; what is older was left by one that died.
constexpr Duration k_writer_is_dead{600'000};

constexpr std::string_view k_fresh = ".new";
constexpr std::string_view k_begun = ".begun";
constexpr std::string_view k_temporary = ".tmp-";
constexpr std::string_view k_to = "to-"; // so that no channel can be called like the folders beside it
constexpr std::string_view k_rejected = "rejected";
constexpr std::string_view k_damaged = "damaged";

std::string_view ending(Letter::State state) {
    return state == Letter::State::begun ? k_begun : k_fresh;
}

bool is_letter(std::string_view file) {
    return !file.starts_with('.') && (file.ends_with(k_fresh) || file.ends_with(k_begun));
}

Letter letter_of(std::string_view file) {
    const bool begun = file.ends_with(k_begun);
    file.remove_suffix(begun ? k_begun.size() : k_fresh.size());
    return {std::string(file), begun ? Letter::State::begun : Letter::State::fresh, {}};
}

// "errors-0001769076000000-00004711-0.json" → "errors"; a channel's name may have dashes of its own.
std::string_view channel_of_aside(std::string_view file) {
    for (int part = 0; part < 3; ++part) {
        file = file.substr(0, std::min(file.rfind('-'), file.size()));
    }
    return file;
}

std::int64_t stamp_of(std::string_view name) {
    std::int64_t stamp = 0;
    std::from_chars(name.data(), name.data() + name.size(), stamp);
    return stamp;
}

// Sorts behind all that waits already, also when the clock was set back since then.
std::string next_name(WallTime time, const std::vector<std::string>& waiting) {
    static std::atomic<unsigned> counter{0}; // two messages of one process within a millisecond
    std::int64_t stamp = std::max<std::int64_t>(0, time.time_since_epoch().count());
    if (!waiting.empty()) {
        stamp = std::max(stamp, stamp_of(waiting.back()) + 1);
    }
    return fmt::format("{:016}-{:08}-{}", stamp, ::getpid(), counter.fetch_add(1));
}

// Files of waiting messages, in order; a folder that is not there yet holds none.
std::vector<std::string> letters_in(Files& files, const Path& folder) {
    std::vector<std::string> names = files.list(folder).value_or({});
    std::erase_if(names, [](const std::string& name) { return !is_letter(name); });
    return names;
}

bool is_critical(Files& files, const Path& path) {
    const Result<std::string> content = files.read(path, k_largest);
    const Result<Message> message = content ? message_from_json(*content) : Result<Message>(content.error());
    return message && message->level == Level::critical;
}

// Moves a file to where people find it, and lets the oldest there give way.
Result<void> keep_aside(Files& files, const Path& from, const Path& folder, const std::string& name) {
    LECTIO_TRY(files.make_folders(folder, k_folder_mode));
    LECTIO_TRY(files.rename(from, folder / name));
    std::vector<std::string> kept = files.list(folder).value_or({});
    for (std::size_t i = 0; i + k_kept_aside < kept.size(); ++i) {
        LECTIO_TRY(files.remove(folder / kept[i]));
    }
    return {};
}

} // namespace

Outbox::Outbox(Files& files, Path folder, OutboxLimits limits)
    : m_files(files), m_folder(std::move(folder)), m_limits(limits) {}

Path Outbox::folder_of(const std::string& channel) const {
    return m_folder / fmt::format("{}{}", k_to, channel);
}

Path Outbox::place(const std::string& channel, const Letter& letter) const {
    return folder_of(channel) / fmt::format("{}{}", letter.name, ending(letter.state));
}

Result<Outbox::Put> Outbox::put(const std::string& channel, const Message& message) {
    const std::string content = to_json(message);
    if (content.size() > k_largest.count) {
        return Error{ErrorKind::too_large,
                     fmt::format("unable to store a message of {}", format_size(Bytes{content.size()}))};
    }
    const Path folder = folder_of(channel);
    if (!m_files.info(folder)) {
        LECTIO_TRY(m_files.make_folders(m_folder.parent_path(), k_folder_mode)); // CONTRACT 6
        LECTIO_TRY(m_files.make_folders(m_folder, k_folder_mode));
        LECTIO_TRY(m_files.make_folders(folder, k_folder_mode));
        // The folders themselves must outlive a power cut, or what is in them does not.
        LECTIO_TRY(m_files.sync_folder(m_folder));
        LECTIO_TRY(m_files.sync_folder(m_folder.parent_path()));
    }
    Put put;
    LECTIO_TRY(make_room(channel, put));
    const std::string name = next_name(message.time, letters_in(m_files, folder));
    const Path place = folder / fmt::format("{}{}", name, k_fresh);
    if (const Result<void> written = write_atomically(m_files, place, content, k_file_mode); !written) {
        // It may be there and only its folder unsynced; whoever hears of the failure tells by another way, so
        // it must not be told from here as well.
        [[maybe_unused]] const Result<void> removed = m_files.remove(place);
        return written.error();
    }
    return put;
}

Result<void> Outbox::make_room(const std::string& channel, Put& put) {
    const Path folder = folder_of(channel);
    std::vector<std::string> names = letters_in(m_files, folder);
    std::vector<std::uint64_t> sizes;
    std::uint64_t total = 0;
    for (const std::string& name : names) {
        const Result<FileInfo> info = m_files.info(folder / name);
        sizes.push_back(info ? info->size.count : 0);
        total += sizes.back();
    }
    while (!names.empty() && (names.size() >= m_limits.messages || total >= m_limits.size.count)) {
        std::size_t victim = 0;
        while (victim < names.size() && is_critical(m_files, folder / names[victim])) {
            ++victim;
        }
        victim = victim == names.size() ? 0 : victim;
        // Its sender may have taken it out meanwhile: that makes room, too.
        Result<void> removed = m_files.remove(folder / names[victim]);
        if (!removed && removed.error().kind != ErrorKind::not_found) {
            return removed;
        }
        put.dropped += removed ? 1 : 0;
        total -= sizes[victim];
        names.erase(names.begin() + static_cast<std::ptrdiff_t>(victim));
        sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    return {};
}

Outbox::Waiting Outbox::waiting(const std::string& channel, std::size_t most, const Names& delivered) {
    Waiting waiting;
    const Path folder = folder_of(channel);
    std::vector<std::string> names = letters_in(m_files, folder);
    std::erase_if(names, [&](const std::string& name) {
        Letter letter = letter_of(name);
        const bool is_delivered = delivered.contains(letter.name);
        if (is_delivered) {
            waiting.delivered.push_back(std::move(letter));
        }
        return is_delivered;
    });
    waiting.total = names.size();
    for (const std::string& name : names) {
        if (waiting.letters.size() == most) {
            break;
        }
        const Result<std::string> content = m_files.read(folder / name, k_largest);
        const bool absent = !content && content.error().kind == ErrorKind::not_found;
        if (absent && !m_files.info(folder / name)) {
            --waiting.total; // taken out since the folder was read
            continue;
        }
        Result<Message> message = content ? message_from_json(*content) : Result<Message>(content.error());
        if (message) {
            waiting.letters.push_back(letter_of(name));
            waiting.letters.back().message = *std::move(message);
            continue;
        }
        // Only what was read and is no message is damaged; a disk that cannot be read today may be tomorrow.
        const bool damaged = content || absent /* a link to nowhere */ ||
                             content.error().kind == ErrorKind::invalid ||
                             content.error().kind == ErrorKind::too_large;
        if (damaged && set_aside(channel, name)) {
            --waiting.total;
        }
    }
    return waiting;
}

bool Outbox::set_aside(const std::string& channel, const std::string& file) {
    return keep_aside(m_files, folder_of(channel) / file, m_folder / k_damaged,
                      fmt::format("{}-{}", channel, file))
        .ok();
}

std::size_t Outbox::count_waiting(const std::string& channel, const Names& delivered) {
    const std::vector<std::string> names = letters_in(m_files, folder_of(channel));
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        return !delivered.contains(letter_of(name).name);
    }));
}

std::optional<WallTime> Outbox::waiting_since(const std::string& channel, const Names& delivered) {
    for (const std::string& name : letters_in(m_files, folder_of(channel))) {
        if (!delivered.contains(letter_of(name).name)) {
            return WallTime(Duration(stamp_of(name)));
        }
    }
    return std::nullopt;
}

std::size_t Outbox::count_rejected(const std::string& channel) {
    const std::vector<std::string> names = m_files.list(m_folder / k_rejected).value_or({});
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        return name.ends_with(".json") && channel_of_aside(name) == channel;
    }));
}

std::size_t Outbox::count_damaged(const std::string& channel) {
    const std::vector<std::string> names = m_files.list(m_folder / k_damaged).value_or({});
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        return is_letter(name) && channel_of_aside(name) == channel;
    }));
}

std::vector<std::string> Outbox::channels() {
    std::vector<std::string> channels;
    for (const std::string& name : m_files.list(m_folder).value_or({})) {
        if (name.starts_with(k_to) && count_waiting(name.substr(k_to.size())) > 0) {
            channels.push_back(name.substr(k_to.size()));
        }
    }
    return channels;
}

Result<void> Outbox::begin(const std::string& channel, std::vector<Letter>& letters) {
    return rename_all(channel, letters, Letter::State::begun);
}

Result<void> Outbox::unbegin(const std::string& channel, std::vector<Letter>& letters) {
    return rename_all(channel, letters, Letter::State::fresh);
}

Result<void> Outbox::rename_all(const std::string& channel, std::vector<Letter>& letters,
                                Letter::State state) {
    bool changed = false;
    for (Letter& letter : letters) {
        if (letter.state == state) {
            continue;
        }
        const Path before = place(channel, letter);
        Letter after = letter;
        after.state = state;
        LECTIO_TRY(m_files.rename(before, place(channel, after)));
        letter.state = state;
        changed = true;
    }
    return changed ? m_files.sync_folder(folder_of(channel)) : Result<void>();
}

Result<void> Outbox::remove(const std::string& channel, const Letter& letter) {
    return m_files.remove(place(channel, letter));
}

Result<void> Outbox::reject(const std::string& channel, const Letter& letter, const std::string& why) {
    const Path folder = m_folder / k_rejected;
    const std::string name = fmt::format("{}-{}", channel, letter.name);
    // The reason is for people and stands beside it; without it the message is kept all the same.
    LECTIO_TRY(keep_aside(m_files, place(channel, letter), folder, name + ".json"));
    [[maybe_unused]] const Result<void> noted =
        m_files.create_synced(folder / (name + ".why"), why + "\n", k_file_mode);
    return m_files.sync_folder(folder);
}

void Outbox::sweep(const std::string& channel, WallTime now) {
    const Path folder = folder_of(channel);
    for (const std::string& name : m_files.list(folder).value_or({})) {
        if (!name.starts_with(k_temporary)) {
            continue;
        }
        const Result<FileInfo> info = m_files.info(folder / name);
        if (info && (now - info->modified > k_writer_is_dead || info->modified - now > k_writer_is_dead)) {
            [[maybe_unused]] const Result<void> removed = m_files.remove(folder / name);
        }
    }
}

} // namespace lectio
