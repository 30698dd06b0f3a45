#include "platform/journal.h"

#include "platform/threads.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include <systemd/sd-journal.h>

namespace lectio {
namespace {

constexpr std::string_view k_message = "MESSAGE=";

struct Closed {
    void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};
using Journal = std::unique_ptr<sd_journal, Closed>;

bool match(sd_journal* journal, const char* field, const std::string& value) {
    const std::string whole = std::string(field) + "=" + value;
    return value.empty() || sd_journal_add_match(journal, whole.data(), whole.size()) >= 0;
}

std::optional<std::string> message_here(sd_journal* journal, std::size_t most) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0 || size < k_message.size()) {
        return std::nullopt;
    }
    const std::string_view field(static_cast<const char*>(data), size);
    return std::string(field.substr(k_message.size(), most));
}

std::vector<std::string> read_lines(const JournalRequest& request) {
    sd_journal* raw = nullptr;
    if (sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0) {
        return {};
    }
    const Journal journal(raw);
    std::vector<std::string> lines;
    if (sd_journal_set_data_threshold(raw, request.line.count + k_message.size()) < 0 ||
        !match(raw, "_SYSTEMD_UNIT", request.unit) ||
        !match(raw, "_SYSTEMD_INVOCATION_ID", request.invocation) || sd_journal_seek_tail(raw) < 0) {
        return {};
    }
    while (lines.size() < request.lines && sd_journal_previous(raw) > 0) {
        if (std::optional<std::string> line = message_here(raw, request.line.count)) {
            lines.push_back(std::move(*line));
        }
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

// Of systemd itself, about the unit: sd-messages.h, SD_MESSAGE_UNIT_STOPPING.
bool read_stopping(const std::string& unit, const std::string& invocation) {
    sd_journal* raw = nullptr;
    if (sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0) {
        return false;
    }
    const Journal journal(raw);
    return match(raw, "MESSAGE_ID", "de5b426a63be47a7b6ac3eaac82e2f6f") && match(raw, "UNIT", unit) &&
           match(raw, "INVOCATION_ID", invocation) && match(raw, "_PID", "1") &&
           sd_journal_seek_tail(raw) >= 0 && sd_journal_previous(raw) > 0;
}

// What `work` returns, or T() where it takes longer than `limit`: it is left behind then.
template<class T>
T within(Duration limit, std::function<T()> work) {
    struct Shared {
        std::mutex mutex;
        std::condition_variable done;
        std::optional<T> value;
    };
    const auto shared = std::make_shared<Shared>();
    const Result<void> started = start_abandonable([shared, work = std::move(work)] {
        T value = work();
        const std::lock_guard lock(shared->mutex);
        shared->value = std::move(value);
        shared->done.notify_one();
    });
    std::unique_lock lock(shared->mutex);
    if (started) {
        shared->done.wait_for(lock, limit, [&] { return shared->value.has_value(); });
    }
    return shared->value.value_or(T());
}

} // namespace

std::vector<std::string> last_journal_lines(const JournalRequest& request, Duration limit) {
    return within<std::vector<std::string>>(limit, [request] { return read_lines(request); });
}

bool was_asked_to_stop(const std::string& unit, const std::string& invocation, Duration limit) {
    return !invocation.empty() &&
           within<bool>(limit, [unit, invocation] { return read_stopping(unit, invocation); });
}

} // namespace lectio
