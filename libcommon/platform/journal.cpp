#include "platform/journal.h"

#include "platform/loaded_library.h"
#include "platform/threads.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
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

// ── libsystemd, loaded when the journal is first asked for (docs/decisions/0011) ──

#define LECTIO_LIBSYSTEMD(use)                                                                               \
    use(sd_journal_add_disjunction) use(sd_journal_add_match) use(sd_journal_close)                          \
        use(sd_journal_get_cursor) use(sd_journal_get_data) use(sd_journal_has_persistent_files)             \
            use(sd_journal_has_runtime_files) use(sd_journal_next) use(sd_journal_open)                      \
                use(sd_journal_previous) use(sd_journal_seek_cursor) use(sd_journal_seek_realtime_usec)      \
                    use(sd_journal_seek_tail) use(sd_journal_set_data_threshold) use(sd_journal_test_cursor)

struct Libsystemd {
    LECTIO_LIBSYSTEMD(LECTIO_FUNCTION)
    bool usable = false; // false: not installed, or too old; no function may be called
};

Libsystemd load_libsystemd() {
    Libsystemd table;
    LoadedLibrary library("libsystemd.so.0");
    LECTIO_LIBSYSTEMD(LECTIO_FIND)
    table.usable = library.lacking() == nullptr;
    return table;
}

const Libsystemd& libsystemd() {
    static const Libsystemd loaded = load_libsystemd();
    return loaded;
}

struct Closed {
    void operator()(sd_journal* journal) const { libsystemd().sd_journal_close(journal); }
};
using Journal = std::unique_ptr<sd_journal, Closed>;

bool match(sd_journal* journal, const char* field, const std::string& value) {
    const std::string whole = std::string(field) + "=" + value;
    return value.empty() || libsystemd().sd_journal_add_match(journal, whole.data(), whole.size()) >= 0;
}

std::optional<std::string> message_here(sd_journal* journal, std::size_t most) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (libsystemd().sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0 || size < k_message.size()) {
        return std::nullopt;
    }
    const std::string_view field(static_cast<const char*>(data), size);
    return std::string(field.substr(k_message.size(), most));
}

Result<Journal> open_journal() {
    if (!libsystemd().usable) {
        return Error{ErrorKind::not_found,
                     "libsystemd.so.0 is not installed, or too old (apt-get install libsystemd0)"};
    }
    sd_journal* raw = nullptr;
    if (const int opened = libsystemd().sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        opened < 0) {
        return errno_error("open the journal", -opened);
    }
    return Journal(raw);
}

std::vector<std::string> read_lines(const JournalRequest& request) {
    const Result<Journal> journal = open_journal();
    if (!journal.ok()) {
        return {};
    }
    sd_journal* const raw = journal->get();
    std::vector<std::string> lines;
    if (libsystemd().sd_journal_set_data_threshold(raw, request.line.count + k_message.size()) < 0 ||
        !match(raw, "_SYSTEMD_UNIT", request.unit) ||
        !match(raw, "_SYSTEMD_INVOCATION_ID", request.invocation) ||
        libsystemd().sd_journal_seek_tail(raw) < 0) {
        return {};
    }
    while (lines.size() < request.lines && libsystemd().sd_journal_previous(raw) > 0) {
        if (std::optional<std::string> line = message_here(raw, request.line.count)) {
            lines.push_back(std::move(*line));
        }
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

// Of systemd itself, about the unit: sd-messages.h, SD_MESSAGE_UNIT_STOPPING.
bool read_stopping(const std::string& unit, const std::string& invocation) {
    const Result<Journal> journal = open_journal();
    if (!journal.ok()) {
        return false;
    }
    sd_journal* const raw = journal->get();
    return match(raw, "MESSAGE_ID", "de5b426a63be47a7b6ac3eaac82e2f6f") && match(raw, "UNIT", unit) &&
           match(raw, "INVOCATION_ID", invocation) && match(raw, "_PID", "1") &&
           libsystemd().sd_journal_seek_tail(raw) >= 0 && libsystemd().sd_journal_previous(raw) > 0;
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

std::string field_here(sd_journal* journal, const char* name, std::size_t most) {
    const void* data = nullptr;
    std::size_t size = 0;
    const std::size_t prefix = std::string_view(name).size() + 1;
    if (libsystemd().sd_journal_get_data(journal, name, &data, &size) < 0 || size < prefix) {
        return {};
    }
    return std::string(std::string_view(static_cast<const char*>(data), size).substr(prefix, most));
}

// (a unit wrote it, or systemd said it of that unit) and it is as urgent: as journalctl(1) takes -u and -p.
bool restrict_to(sd_journal* journal, const JournalQuestion& question) {
    const auto urgent = [&] {
        bool good = true;
        for (int priority = 0; priority <= question.priority && question.priority < 7; ++priority) {
            good = good && match(journal, "PRIORITY", std::to_string(priority));
        }
        return good;
    };
    const auto of_units = [&](const char* field) {
        return std::all_of(question.units.begin(), question.units.end(),
                           [&](const std::string& unit) { return match(journal, field, unit); });
    };
    bool good = urgent() && of_units("_SYSTEMD_UNIT");
    if (!question.units.empty()) {
        good = good && libsystemd().sd_journal_add_disjunction(journal) >= 0 && urgent() &&
               of_units("UNIT") && match(journal, "_PID", "1");
    }
    return good;
}

// Where the first new entry is: behind where the reading stands, or just there; nothing: it cannot be found.
enum class New { behind, here };
std::optional<New> seek_new(sd_journal* journal, const JournalQuestion& question) {
    if (question.cursor.empty()) {
        const bool found = libsystemd().sd_journal_seek_realtime_usec(
                               journal, static_cast<std::uint64_t>(question.since)) >= 0;
        return found ? std::optional(New::behind) : std::nullopt;
    }
    if (libsystemd().sd_journal_seek_cursor(journal, question.cursor.c_str()) < 0) {
        return std::nullopt;
    }
    // Where the entry is gone (vacuumed away) this stands on the one that came after it, which is new.
    const bool is_new = libsystemd().sd_journal_next(journal) > 0 &&
                        libsystemd().sd_journal_test_cursor(journal, question.cursor.c_str()) <= 0;
    return is_new ? New::here : New::behind;
}

void keep_cursor(sd_journal* journal, JournalReading& reading) {
    char* cursor = nullptr;
    if (libsystemd().sd_journal_get_cursor(journal, &cursor) >= 0) {
        reading.cursor = cursor;
        std::free(cursor); // NOLINT(cppcoreguidelines-no-malloc): libsystemd's
    }
}

} // namespace

Result<JournalReading> read_new_entries(const JournalQuestion& question,
                                        const std::function<bool(const JournalEntry&)>& take) {
    const Result<Journal> journal = open_journal();
    if (!journal.ok()) {
        return journal.error();
    }
    sd_journal* const raw = journal->get();
    if (libsystemd().sd_journal_has_persistent_files(raw) <= 0 &&
        libsystemd().sd_journal_has_runtime_files(raw) <= 0) {
        return Error{ErrorKind::not_found, "there is no journal here that we may read"};
    }
    JournalReading reading{question.cursor, true};
    if (libsystemd().sd_journal_set_data_threshold(raw, question.line.count + 64) < 0 ||
        !restrict_to(raw, question)) {
        return Error{ErrorKind::io, "unable to search the journal"};
    }
    if (question.cursor.empty() && question.since == 0) {
        if (libsystemd().sd_journal_seek_tail(raw) >= 0 && libsystemd().sd_journal_previous(raw) > 0) {
            keep_cursor(raw, reading);
        }
        return reading;
    }
    std::optional<New> next = seek_new(raw, question);
    if (!next) {
        return Error{ErrorKind::invalid, "the journal does not know where the last run stopped"};
    }
    while (std::exchange(next, New::behind) == New::here || libsystemd().sd_journal_next(raw) > 0) {
        keep_cursor(raw, reading);
        const std::string unit = field_here(raw, "UNIT", question.line.count);
        if (!take({unit.empty() ? field_here(raw, "_SYSTEMD_UNIT", question.line.count) : unit,
                   field_here(raw, "MESSAGE", question.line.count)})) {
            reading.is_whole = false;
            break;
        }
    }
    return reading;
}

std::vector<std::string> last_journal_lines(const JournalRequest& request, Duration limit) {
    return within<std::vector<std::string>>(limit, [request] { return read_lines(request); });
}

bool was_asked_to_stop(const std::string& unit, const std::string& invocation, Duration limit) {
    return !invocation.empty() &&
           within<bool>(limit, [unit, invocation] { return read_stopping(unit, invocation); });
}

} // namespace lectio
