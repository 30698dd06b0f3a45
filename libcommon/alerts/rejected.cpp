#include "alerts/rejected.h"

#include "alerts/message_json.h"
#include "alerts/outbox.h"
#include "util/text.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr std::string_view k_ending = ".json";
constexpr Bytes k_largest = 16_MB; // as the outbox reads
constexpr Bytes k_longest_reason = 4_kB;
constexpr mode_t k_folder_mode = 0700;

Path folder_of(const Path& outbox) {
    return outbox / "rejected";
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "errors-0001769076000000-00004711-0": what stands before the three numbers is a channel.
bool is_id(std::string_view id) {
    const std::string_view channel = channel_of_aside(id);
    if (channel.empty() || channel.size() == id.size() || channel.find('/') != std::string_view::npos) {
        return false;
    }
    std::string_view numbers = id.substr(channel.size());
    for (int part = 0; part < 3; ++part) {
        const std::size_t end = std::min(numbers.find('-', 1), numbers.size());
        if (numbers.empty() || numbers.front() != '-' || !is_number(numbers.substr(1, end - 1))) {
            return false;
        }
        numbers.remove_prefix(end);
    }
    return numbers.empty();
}

std::optional<Rejected> read_rejected(Files& files, const Path& outbox, const std::string& file) {
    const Path folder = folder_of(outbox);
    if (!is_id(file.substr(0, file.size() - k_ending.size()))) {
        return std::nullopt;
    }
    const Result<std::string> content = files.read(folder / file, k_largest);
    Result<Message> message = content ? message_from_json(*content) : Result<Message>(content.error());
    if (!message) {
        return std::nullopt;
    }
    Rejected rejected;
    rejected.id = file.substr(0, file.size() - k_ending.size());
    rejected.channel = std::string(channel_of_aside(rejected.id));
    rejected.why = trim(files.read(folder / (rejected.id + ".why"), k_longest_reason).value_or(""));
    rejected.message = std::move(*message);
    return rejected;
}

} // namespace

std::vector<Rejected> rejected_messages(Files& files, const Path& outbox) {
    std::vector<Rejected> all;
    for (const std::string& file : files.list(folder_of(outbox)).value_or({})) {
        if (file.starts_with('.') || !file.ends_with(k_ending)) {
            continue;
        }
        if (std::optional<Rejected> rejected = read_rejected(files, outbox, file)) {
            all.push_back(std::move(*rejected));
        }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Rejected& a, const Rejected& b) { return a.message.time < b.message.time; });
    return all;
}

std::vector<std::string> strange_among_rejected(Files& files, const Path& outbox) {
    std::vector<std::string> strange;
    for (const std::string& file : files.list(folder_of(outbox)).value_or({})) {
        const bool reason = file.ends_with(".why") && is_id(file.substr(0, file.size() - 4));
        const bool ours = file.ends_with(k_ending) && read_rejected(files, outbox, file);
        if (!reason && !ours && !file.starts_with('.')) {
            strange.push_back(file);
        }
    }
    return strange;
}

Result<void> put_back(Files& files, const Path& outbox, const Rejected& rejected) {
    const Path folder = folder_of(outbox);
    const Path to = outbox / fmt::format("to-{}", rejected.channel);
    const std::string name = rejected.id.substr(rejected.channel.size() + 1);
    LECTIO_TRY(files.make_folders(to, k_folder_mode));
    LECTIO_TRY(files.rename(folder / (rejected.id + std::string(k_ending)), to / (name + ".new")));
    LECTIO_TRY(files.sync_folder(to));
    LECTIO_TRY(files.sync_folder(folder));
    [[maybe_unused]] const Result<void> removed = files.remove(folder / (rejected.id + ".why"));
    return {};
}

} // namespace lectio
