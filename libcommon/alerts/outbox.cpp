#include "alerts/outbox.h"

#include "alerts/message_json.h"
#include "util/text.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <set>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_folder_mode = 0700;
constexpr mode_t k_file_mode = 0600;
// The same for putting and for taking, so that nothing is taken in that is not found again. Five thousand checks that fail
// with long texts, or a piped text of one letter a line, stay within it.
constexpr Bytes k_largest = 16_MB;
// Of a full outbox this much is made free at once.
constexpr std::size_t k_spare = 1, k_whole = 100;
// Refused and damaged ones are for a person to look at: the newest so many are kept.
constexpr std::size_t k_kept_aside = 1000;
// A writer is done within seconds; what is older was left by one that died.
constexpr Duration k_writer_is_dead{600'000};

constexpr std::string_view k_fresh = ".new";
constexpr std::string_view k_later = ".later";
constexpr std::string_view k_muted = ".muted";
constexpr std::string_view k_begun = ".begun";
constexpr std::string_view k_temporary = ".tmp-";
constexpr std::string_view k_to = "to-"; // so that no channel can be called like the folders beside it
constexpr std::string_view k_rejected = "rejected";
constexpr std::string_view k_damaged = "damaged";

std::string_view ending(Letter::State state) {
    switch (state) {
    case Letter::State::later:
        return k_later;
    case Letter::State::muted:
        return k_muted;
    case Letter::State::begun:
        return k_begun;
    case Letter::State::fresh:
        break;
    }
    return k_fresh;
}

std::optional<Letter::State> state_of(std::string_view file) {
    for (const Letter::State state :
         {Letter::State::fresh, Letter::State::later, Letter::State::muted, Letter::State::begun}) {
        if (file.ends_with(ending(state))) {
            return state;
        }
    }
    return std::nullopt;
}

bool is_letter(std::string_view file) {
    return !file.starts_with('.') && state_of(file).has_value();
}

bool is_kept_back(std::string_view file) {
    return file.ends_with(k_later) || file.ends_with(k_muted);
}

bool is_held(std::string_view file, Outbox::Hold hold) {
    switch (hold) {
    case Outbox::Hold::later:
        return file.ends_with(k_later);
    case Outbox::Hold::later_and_muted:
        return is_kept_back(file);
    case Outbox::Hold::nothing:
        break;
    }
    return false;
}

Letter::State state_of_new(const Message& message) {
    return message.may_wait ? Letter::State::later
           : message.muted  ? Letter::State::muted
                            : Letter::State::fresh;
}

Letter letter_of(std::string_view file) {
    const Letter::State state = state_of(file).value_or(Letter::State::fresh);
    file.remove_suffix(ending(state).size());
    return {std::string(file), state, {}};
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

// What waits, as far as it matters for who gives way.
struct Tenant {
    std::string file;
    std::uint64_t size = 0;
    enum class Rank { passing, warning, critical }; // in this order they go
    Rank rank = Rank::passing;
};

Tenant::Rank rank_of(Level level) {
    switch (level) {
    case Level::critical:
        return Tenant::Rank::critical;
    case Level::warning:
        return Tenant::Rank::warning;
    case Level::info:
    case Level::resolved:
        break;
    }
    return Tenant::Rank::passing;
}

// All of whose incidents end in what waits behind it.
bool is_over_behind(const Message& message, const std::set<std::string>& ended) {
    return !message.subjects.empty() &&
           std::all_of(message.subjects.begin(), message.subjects.end(),
                       [&](const Subject& subject) { return ended.contains(identity(subject)); });
}

// From the newest back, so that an end is known before its opening. The end of what was told is not information like
// another: without its opening in the outbox somebody waits for it.
std::vector<Tenant> tenants(Files& files, const Path& folder, const std::vector<std::string>& names) {
    std::set<std::string> ended, opened;
    std::vector<Tenant> all;
    std::vector<Message> messages;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        const Result<std::string> content = files.read(folder / *name, k_largest);
        Message message = content ? message_from_json(*content).value_or({}) : Message{};
        Tenant tenant{*name, content ? content->size() : 0, rank_of(message.level)};
        if (is_over_behind(message, ended)) {
            tenant.rank = Tenant::Rank::passing;
        }
        for (const Subject& subject : message.subjects) {
            (is_over(subject.event) ? ended : opened).insert(identity(subject));
        }
        all.push_back(std::move(tenant));
        messages.push_back(std::move(message));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool ends_what_was_told =
            messages[i].level == Level::resolved &&
            std::any_of(messages[i].subjects.begin(), messages[i].subjects.end(),
                        [&](const Subject& subject) { return !opened.contains(identity(subject)); });
        if (ends_what_was_told) {
            all[i].rank = Tenant::Rank::warning;
        }
    }
    std::reverse(all.begin(), all.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const Tenant& a, const Tenant& b) { return a.rank < b.rank; });
    return all;
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

std::string_view channel_of_aside(std::string_view file) {
    for (int part = 0; part < 3; ++part) {
        file = file.substr(0, std::min(file.rfind('-'), file.size()));
    }
    return file;
}

Path Outbox::folder_of(const std::string& channel) const {
    return m_folder / fmt::format("{}{}", k_to, channel);
}

Path Outbox::place(const std::string& channel, const Letter& letter) const {
    return folder_of(channel) / fmt::format("{}{}", letter.name, ending(letter.state));
}

Result<Outbox::Put> Outbox::put(const std::string& channel, const Message& message) {
    Room room = room_of(channel);
    const PutAll put = put_all(channel, {message}, room);
    return put.why ? Result<Put>(*put.why) : Result<Put>(put.put);
}

Outbox::PutAll Outbox::put_all(const std::string& channel, const std::vector<Message>& messages, Room& room) {
    PutAll all;
    const Path folder = folder_of(channel);
    for (const Message& message : messages) {
        if (const Result<void> put = put_into(folder, message, room, all.put); !put) {
            all.why = put.error();
            break;
        }
        ++all.stored;
    }
    return all;
}

Result<void> Outbox::put_into(const Path& folder, const Message& message, Room& room, Put& put) {
    const std::string content = to_json(message);
    if (content.size() > k_largest.count) {
        return Error{ErrorKind::too_large,
                     fmt::format("unable to store a message of {}", format_size(Bytes{content.size()}))};
    }
    LECTIO_TRY(make_folders_for(folder));
    LECTIO_TRY(make_room(folder, room, put));
    const std::string name =
        fmt::format("{}{}", next_name(message.time, room.names), ending(state_of_new(message)));
    if (const Result<void> written = write_atomically(m_files, folder / name, content, k_file_mode);
        !written) {
        // It may be there and only its folder unsynced; whoever hears of the failure tells by another way, so
        // it must not be told from here as well.
        [[maybe_unused]] const Result<void> removed = m_files.remove(folder / name);
        return written.error();
    }
    room.names.push_back(name);
    room.size += content.size();
    return {};
}

Result<void> Outbox::make_folders_for(const Path& folder) {
    if (m_files.info(folder)) {
        return {};
    }
    LECTIO_TRY(m_files.make_folders(m_folder.parent_path(), k_folder_mode)); // CONTRACT 6
    LECTIO_TRY(m_files.make_folders(m_folder, k_folder_mode));
    LECTIO_TRY(m_files.make_folders(folder, k_folder_mode));
    // The folders themselves must outlive a power cut, or what is in them does not.
    LECTIO_TRY(m_files.sync_folder(m_folder));
    return m_files.sync_folder(m_folder.parent_path());
}

Outbox::Room Outbox::room_of(const std::string& channel) {
    const Path folder = folder_of(channel);
    Room room{letters_in(m_files, folder), 0};
    for (const std::string& name : room.names) {
        const Result<FileInfo> info = m_files.info(folder / name);
        room.size += info ? info->size.count : 0;
    }
    return room;
}

Result<void> Outbox::make_room(const Path& folder, Room& room, Put& put) {
    const auto is_full = [&](std::size_t share) { // of what the limits allow, kept free
        return room.names.size() + m_limits.messages / k_whole * share >= m_limits.messages ||
               room.size + m_limits.size.count / k_whole * share >= m_limits.size.count;
    };
    if (!is_full(0)) {
        return {};
    }
    for (const Tenant& tenant : tenants(m_files, folder, room.names)) {
        // Of what may go, some more than need be: each time all of them are read.
        if (!is_full(tenant.rank == Tenant::Rank::passing ? k_spare : 0)) {
            break;
        }
        // Its sender may have taken it out meanwhile: that makes room, too.
        Result<void> removed = m_files.remove(folder / tenant.file);
        if (!removed && removed.error().kind != ErrorKind::not_found) {
            return removed;
        }
        put.dropped += removed ? 1 : 0;
        put.critical += removed && tenant.rank == Tenant::Rank::critical ? 1 : 0;
        room.size -= std::min(room.size, tenant.size);
        std::erase(room.names, tenant.file);
    }
    return {};
}

Outbox::Waiting Outbox::waiting(const std::string& channel, std::size_t most, const Names& delivered,
                                Hold hold) {
    Waiting waiting;
    const Path folder = folder_of(channel);
    std::vector<std::string> names = letters_in(m_files, folder);
    std::erase_if(names, [&](const std::string& name) { return is_held(name, hold); });
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

std::size_t Outbox::count_waiting(const std::string& channel, const Names& delivered, Hold hold) {
    const std::vector<std::string> names = letters_in(m_files, folder_of(channel));
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        return !is_held(name, hold) && !delivered.contains(letter_of(name).name);
    }));
}

std::optional<WallTime> Outbox::waiting_since(const std::string& channel, const Names& delivered) {
    for (const std::string& name : letters_in(m_files, folder_of(channel))) {
        if (!is_kept_back(name) && !delivered.contains(letter_of(name).name)) {
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

Result<void> Outbox::unbegin(const std::string& channel, std::vector<Letter>& letters, Letter::State before) {
    return rename_all(channel, letters, before);
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
