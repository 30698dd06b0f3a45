#include "platform/services.h"

#include "platform/loaded_library.h"
#include "platform/stop.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <limits>
#include <mutex>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr const char* k_systemd = "org.freedesktop.systemd1";
constexpr const char* k_manager_path = "/org/freedesktop/systemd1";
constexpr const char* k_manager = "org.freedesktop.systemd1.Manager";
constexpr const char* k_private_socket = "unix:path=/run/systemd/private";
constexpr std::uint64_t k_infinity = std::numeric_limits<std::uint64_t>::max();
constexpr std::chrono::milliseconds k_between_looks_at_stop = 100ms;
// What ends at once has ended by then.
constexpr Duration k_soon_stopped{500};
constexpr std::string_view k_no_answer = "no answer";

// ── libsystemd, loaded when a unit is first asked for (docs/decisions/0011) ──

#define LECTIO_LIBSYSTEMD(use)                                                                               \
    use(sd_bus_call) use(sd_bus_close_unref) use(sd_bus_error_free) use(sd_bus_is_open) use(sd_bus_is_ready) \
        use(sd_bus_match_signal) use(sd_bus_message_append) use(sd_bus_message_enter_container)              \
            use(sd_bus_message_exit_container) use(sd_bus_message_new_method_call)                           \
                use(sd_bus_message_peek_type) use(sd_bus_message_read) use(sd_bus_message_read_array)        \
                    use(sd_bus_message_read_basic) use(sd_bus_message_skip) use(sd_bus_message_unref)        \
                        use(sd_bus_message_verify_type) use(sd_bus_new) use(sd_bus_open_system)              \
                            use(sd_bus_process) use(sd_bus_set_address) use(sd_bus_slot_unref)               \
                                use(sd_bus_start) use(sd_bus_wait)

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

// ── RAII for what sd-bus counts ─────────────────────────────────────────────────────────────────────────────────

template<auto Free>
struct Freed {
    template<class T>
    void operator()(T* pointer) const {
        (libsystemd().*Free)(pointer);
    }
};
using BusPointer = std::unique_ptr<sd_bus, Freed<&Libsystemd::sd_bus_close_unref>>;
using MessagePointer = std::unique_ptr<sd_bus_message, Freed<&Libsystemd::sd_bus_message_unref>>;
using SlotPointer = std::unique_ptr<sd_bus_slot, Freed<&Libsystemd::sd_bus_slot_unref>>;

struct BusError {
    sd_bus_error raw = SD_BUS_ERROR_NULL;
    BusError() = default;
    BusError(const BusError&) = delete;
    BusError& operator=(const BusError&) = delete;
    ~BusError() { libsystemd().sd_bus_error_free(&raw); }
};

// As sd_booted(3) finds it, without loading libsystemd where there is nothing to ask.
bool systemd_is_running() {
    struct stat folder {};
    return ::lstat("/run/systemd/system", &folder) == 0 && S_ISDIR(folder.st_mode);
}

// Time that is left of one call, whatever it is spent on.
class TimeLimit {
  public:
    explicit TimeLimit(Duration timeout) : m_end(Steady::now() + timeout) {}
    [[nodiscard]] std::uint64_t left_us() const {
        const auto left =
            std::chrono::duration_cast<std::chrono::microseconds>(m_end - Steady::now()).count();
        return left > 0 ? static_cast<std::uint64_t>(left) : 0;
    }
    [[nodiscard]] bool over() const { return left_us() == 0; }
    [[nodiscard]] Steady::time_point end() const { return m_end; }

  private:
    Steady::time_point m_end;
};

Error call_error(std::string_view what, int error_number, const sd_bus_error& error) {
    const std::string_view name = error.name != nullptr ? error.name : "";
    const std::string words =
        fmt::format("systemd: unable to {}: {}", what,
                    error.message != nullptr ? error.message : ::strerrordesc_np(error_number));
    if (error_number == ETIMEDOUT || name == SD_BUS_ERROR_TIMEOUT || name == SD_BUS_ERROR_NO_REPLY) {
        return {ErrorKind::timeout, fmt::format("systemd does not answer (unable to {})", what)};
    }
    if (name == SD_BUS_ERROR_ACCESS_DENIED || name == SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED ||
        error_number == EPERM || error_number == EACCES) {
        return {ErrorKind::permission, words};
    }
    return {ErrorKind::io, words};
}

// ── properties ──────────────────────────────────────────────────────────────────────────────────────────────────

using Value = std::variant<std::monostate, std::string, std::uint64_t, std::int64_t, bool>;

// The value of a variant of a basic type; any other type is skipped. Negative: sd-bus says no.
int read_variant(sd_bus_message* message, Value& value) {
    char type = 0;
    const char* contents = nullptr;
    int r = libsystemd().sd_bus_message_peek_type(message, &type, &contents);
    if (r < 0) {
        return r;
    }
    const std::string_view kind(contents != nullptr ? contents : "");
    if (kind.size() != 1 || std::string_view("soutib").find(kind[0]) == std::string_view::npos) {
        return libsystemd().sd_bus_message_skip(message, "v");
    }
    if (r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, kind.data()); r < 0) {
        return r;
    }
    if (kind == "s" || kind == "o") {
        const char* text = "";
        r = libsystemd().sd_bus_message_read_basic(message, kind[0], &text);
        value = std::string(text);
    } else if (kind == "u") {
        std::uint32_t number = 0;
        r = libsystemd().sd_bus_message_read_basic(message, 'u', &number);
        value = std::uint64_t{number};
    } else if (kind == "t") {
        std::uint64_t number = 0;
        r = libsystemd().sd_bus_message_read_basic(message, 't', &number);
        value = number;
    } else if (kind == "i") {
        std::int32_t number = 0;
        r = libsystemd().sd_bus_message_read_basic(message, 'i', &number);
        value = std::int64_t{number};
    } else {
        int number = 0;
        r = libsystemd().sd_bus_message_read_basic(message, 'b', &number);
        value = number != 0;
    }
    return r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
}

template<class T>
T get_or(const Value& value, T fallback) {
    const T* held = std::get_if<T>(&value);
    return held != nullptr ? *held : fallback;
}

// "infinity" is 0; longer than a year is as good as that.
Duration duration_of(const Value& value) {
    const std::uint64_t microseconds = get_or<std::uint64_t>(value, 0);
    constexpr std::uint64_t k_year_us = std::uint64_t{366} * 24 * 3600 * 1'000'000;
    return microseconds > k_year_us ? Duration::zero()
                                    : Duration(static_cast<std::int64_t>(microseconds / 1000));
}

void set_property(UnitState& unit, std::string_view name, const Value& value) {
    const auto text = [&] { return get_or<std::string>(value, {}); };
    const auto number = [&] { return static_cast<std::uint32_t>(get_or<std::uint64_t>(value, 0)); };
    const auto integer = [&] { return static_cast<std::int32_t>(get_or<std::int64_t>(value, 0)); };
    if (name == "Id") {
        unit.id = text();
    } else if (name == "LoadState") {
        unit.load_state = text();
    } else if (name == "ActiveState") {
        unit.active_state = text();
    } else if (name == "SubState") {
        unit.sub_state = text();
    } else if (name == "UnitFileState") {
        unit.unit_file_state = text();
    } else if (name == "Type") {
        unit.type = text();
    } else if (name == "Result") {
        unit.result = text();
    } else if (name == "Restart") {
        unit.restart = text();
    } else if (name == "RestartUSec") {
        unit.restart_delay = duration_of(value);
    } else if (name == "ExecMainPID") {
        unit.last_main_pid = number();
    } else if (name == "MainPID") {
        unit.main_pid = number();
    } else if (name == "ExecMainCode") {
        unit.exit_code = integer();
    } else if (name == "ExecMainStatus") {
        unit.exit_status = integer();
    } else if (name == "NRestarts") {
        unit.restarts = number();
    } else if (name == "CanReload") {
        unit.can_reload = get_or<bool>(value, false);
    } else if (name == "StartLimitBurst") {
        unit.start_limit_burst = number();
    } else if (name == "StartLimitIntervalUSec") {
        unit.start_limit_interval = duration_of(value);
    } else if (name == "TimeoutStartUSec") {
        unit.start_timeout = duration_of(value);
    } else if (name == "TimeoutStopUSec") {
        unit.stop_timeout = duration_of(value);
    } else if (name == "WatchdogUSec") {
        unit.watchdog = duration_of(value);
    } else if (name == "NotifyAccess") {
        unit.notify_access = text();
    } else if (name == "StateChangeTimestamp") {
        const std::uint64_t microseconds = get_or<std::uint64_t>(value, 0);
        if (microseconds > 0 && microseconds != k_infinity) {
            unit.state_changed = WallTime(Duration(static_cast<std::int64_t>(microseconds / 1000)));
        }
    }
}

// v(aiai): exit statuses, signals.
int read_exit_statuses(sd_bus_message* message, ExitStatusSet& set) {
    constexpr const char* k_contents = "(aiai)";
    if (libsystemd().sd_bus_message_verify_type(message, SD_BUS_TYPE_VARIANT, k_contents) <= 0) {
        return libsystemd().sd_bus_message_skip(message, "v");
    }
    int r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, k_contents);
    r = r < 0 ? r : libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "aiai");
    for (std::vector<std::int32_t>* numbers : {&set.statuses, &set.signals}) {
        const void* data = nullptr;
        std::size_t size = 0;
        r = r < 0 ? r : libsystemd().sd_bus_message_read_array(message, 'i', &data, &size);
        if (r >= 0 && size > 0) {
            numbers->resize(size / sizeof(std::int32_t));
            ::memcpy(numbers->data(), data, numbers->size() * sizeof(std::int32_t));
        }
    }
    r = r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
    return r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
}

// as
int read_texts(sd_bus_message* message, std::vector<std::string>& texts) {
    int r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");
    const char* text = "";
    while (r >= 0 && (r = libsystemd().sd_bus_message_read_basic(message, 's', &text)) > 0) {
        texts.emplace_back(text);
    }
    return r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
}

// va(sasbttttuii): program, arguments, what became of it last
int read_commands(sd_bus_message* message, std::vector<std::vector<std::string>>& commands) {
    constexpr const char* k_contents = "a(sasbttttuii)";
    constexpr const char* k_command = "sasbttttuii";
    constexpr const char* k_rest = "bttttuii";
    if (libsystemd().sd_bus_message_verify_type(message, SD_BUS_TYPE_VARIANT, k_contents) <= 0) {
        return libsystemd().sd_bus_message_skip(message, "v");
    }
    int r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, k_contents);
    r = r < 0 ? r : libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "(sasbttttuii)");
    while (r >= 0 &&
           (r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, k_command)) > 0) {
        std::vector<std::string> arguments;
        r = libsystemd().sd_bus_message_skip(message, "s");
        r = r < 0 ? r : read_texts(message, arguments);
        r = r < 0 ? r : libsystemd().sd_bus_message_skip(message, k_rest);
        r = r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
        commands.push_back(std::move(arguments));
    }
    r = r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
    return r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
}

// v(as)
int read_names(sd_bus_message* message, std::vector<std::string>& names) {
    constexpr const char* k_contents = "as";
    if (libsystemd().sd_bus_message_verify_type(message, SD_BUS_TYPE_VARIANT, k_contents) <= 0) {
        return libsystemd().sd_bus_message_skip(message, "v");
    }
    int r = libsystemd().sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, k_contents);
    r = r < 0 ? r : read_texts(message, names);
    return r < 0 ? r : libsystemd().sd_bus_message_exit_container(message);
}

int read_property(sd_bus_message* reply, const std::string& name, UnitState& unit) {
    if (name == "RestartPreventExitStatus") {
        return read_exit_statuses(reply, unit.restart_prevented);
    }
    if (name == "RestartForceExitStatus") {
        return read_exit_statuses(reply, unit.restart_forced);
    }
    if (name == "TriggeredBy") {
        return read_names(reply, unit.triggered_by);
    }
    if (name == "After") {
        return read_names(reply, unit.after);
    }
    if (name == "ExecStart") {
        return read_commands(reply, unit.exec_start);
    }
    if (name == "ExecStartPre") {
        return read_commands(reply, unit.exec_start_pre);
    }
    Value value;
    const int r = read_variant(reply, value);
    if (r >= 0) {
        set_property(unit, name, value);
    }
    return r;
}

int read_properties(sd_bus_message* reply, UnitState& unit) {
    int r = libsystemd().sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
    while (r >= 0 &&
           (r = libsystemd().sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
        const char* name = "";
        if (r = libsystemd().sd_bus_message_read_basic(reply, 's', &name); r < 0) {
            return r;
        }
        if (r = read_property(reply, name, unit); r < 0) {
            return r;
        }
        r = libsystemd().sd_bus_message_exit_container(reply);
    }
    return r;
}

// The interface that has Result and, for services, all of ExecMain…: "nginx.service" → "…systemd1.Service".
std::string interface_of(std::string_view unit) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> k_kinds{
        {{".service", "Service"},
         {".socket", "Socket"},
         {".timer", "Timer"},
         {".mount", "Mount"},
         {".path", "Path"},
         {".swap", "Swap"}}};
    for (const auto& [suffix, interface] : k_kinds) {
        if (unit.ends_with(suffix)) {
            return fmt::format("{}.{}", k_systemd, interface);
        }
    }
    return {};
}

// One row of ListUnits: a(ssssssouso).
int read_units(sd_bus_message* reply, std::vector<UnitState>& units) {
    int r = libsystemd().sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(ssssssouso)");
    while (r >= 0) {
        const char* id = "";
        const char* description = "";
        const char* load = "";
        const char* active = "";
        const char* sub = "";
        const char* following = "";
        const char* path = "";
        std::uint32_t job = 0;
        const char* job_type = "";
        const char* job_path = "";
        r = libsystemd().sd_bus_message_read(reply, "(ssssssouso)", &id, &description, &load, &active, &sub,
                                             &following, &path, &job, &job_type, &job_path);
        if (r <= 0) {
            break;
        }
        UnitState& unit = units.emplace_back();
        unit.id = id;
        unit.load_state = load;
        unit.active_state = active;
        unit.sub_state = sub;
    }
    return r;
}

const char* method_of(Services::Verb verb) {
    switch (verb) {
    case Services::Verb::start:
        return "StartUnit";
    case Services::Verb::restart:
        return "RestartUnit";
    case Services::Verb::reload:
        return "ReloadUnit";
    case Services::Verb::stop:
        return "StopUnit";
    }
    return "";
}

} // namespace

// ── the connection ──────────────────────────────────────────────────────────────────────────────────────────────

class SystemServices::Bus {
  public:
    Result<UnitState> unit(const std::string& name, Duration timeout) {
        const TimeLimit limit(timeout);
        return taking_turns<UnitState>(limit, [&]() -> Result<UnitState> { return load_unit(name, limit); });
    }

    Result<std::vector<UnitState>> list(const char* state, const char* pattern, Duration timeout) {
        const TimeLimit limit(timeout);
        return taking_turns<std::vector<UnitState>>(limit, [&]() -> Result<std::vector<UnitState>> {
            Result<MessagePointer> reply =
                call_manager("ListUnitsByPatterns", limit, [&](sd_bus_message* message) {
                    return libsystemd().sd_bus_message_append(message, "asas", 1, state, 1, pattern);
                });
            if (!reply.ok()) {
                return reply.error();
            }
            std::vector<UnitState> units;
            if (const int r = read_units(reply->get(), units); r < 0) {
                return call_error("list units", -r, BusError().raw);
            }
            return units;
        });
    }

    Result<bool> host_is_stopping(Duration timeout) {
        const TimeLimit limit(timeout);
        return taking_turns<bool>(limit, [&]() -> Result<bool> {
            const Result<std::string> state = text_property(k_manager_path, k_manager, "SystemState", limit);
            LECTIO_TRY(state);
            return *state == "stopping";
        });
    }

    Result<JobResult> act(const std::string& name, Verb verb, Duration timeout) {
        const TimeLimit limit(timeout);
        return taking_turns<JobResult>(limit,
                                       [&]() -> Result<JobResult> { return do_job(name, verb, limit); });
    }

  private:
    // sd-bus is used by one thread at a time; who cannot get his turn in time says so.
    template<class T, class F>
    Result<T> taking_turns(const TimeLimit& limit, F&& work) {
        const std::unique_lock turn(m_mutex, limit.end());
        if (!turn.owns_lock()) {
            return Error{ErrorKind::timeout, "the D-Bus system bus does not answer"};
        }
        LECTIO_TRY(ensure_connected(limit));
        Result<T> result = work();
        if (libsystemd().sd_bus_is_open(m_bus.get()) <= 0) {
            m_bus.reset(); // the next call connects anew
        }
        return result;
    }

    Result<void> ensure_connected(const TimeLimit& limit) {
        if (m_bus) {
            return {};
        }
        if (!systemd_is_running()) {
            return Error{ErrorKind::not_found, "systemd is not running on this host"};
        }
        if (!libsystemd().usable) {
            return Error{ErrorKind::not_found,
                         "libsystemd.so.0 is not installed, or too old (apt-get install libsystemd0)"};
        }
        Result<BusPointer> bus = connect_system_bus(limit);
        if (!bus.ok() && ::geteuid() == 0) {
            if (Result<BusPointer> direct = connect_directly(limit); direct.ok()) {
                bus = std::move(direct);
            }
        }
        if (!bus.ok()) {
            return bus.error();
        }
        m_bus = std::move(bus).value();
        return {};
    }

    static Result<BusPointer> connect_system_bus(const TimeLimit& limit) {
        sd_bus* raw = nullptr;
        const int r = libsystemd().sd_bus_open_system(&raw);
        return await_ready(BusPointer(raw), r, limit);
    }

    static Result<BusPointer> connect_directly(const TimeLimit& limit) {
        sd_bus* raw = nullptr;
        int r = libsystemd().sd_bus_new(&raw);
        BusPointer bus(raw);
        if (r >= 0) {
            r = libsystemd().sd_bus_set_address(bus.get(), k_private_socket);
        }
        if (r >= 0) {
            r = libsystemd().sd_bus_start(bus.get());
        }
        return await_ready(std::move(bus), r, limit);
    }

    // sd_bus_call() waits for the connection's own handshake without any limit, so it is awaited here.
    static Result<BusPointer> await_ready(BusPointer bus, int r, const TimeLimit& limit) {
        while (r >= 0) {
            if ((r = libsystemd().sd_bus_is_ready(bus.get())) > 0) {
                return bus;
            }
            if (limit.over() || stop_requested()) {
                return Error{ErrorKind::timeout, "the D-Bus system bus does not answer"};
            }
            if (r >= 0 && (r = libsystemd().sd_bus_process(bus.get(), nullptr)) == 0) {
                r = wait_a_little(bus.get(), limit);
            }
        }
        Error error = errno_error("connect to the D-Bus system bus", -r);
        error.kind = error.kind == ErrorKind::permission ? error.kind : ErrorKind::io;
        return error;
    }

    static int wait_a_little(sd_bus* bus, const TimeLimit& limit) {
        const std::uint64_t slice = std::chrono::microseconds(k_between_looks_at_stop).count();
        const int r = libsystemd().sd_bus_wait(bus, std::min(slice, limit.left_us()));
        return r == -EINTR ? 0 : r;
    }

    template<class Append>
    Result<MessagePointer> call(const char* path, const char* interface, const char* member,
                                const TimeLimit& limit, Append&& append) {
        sd_bus_message* raw = nullptr;
        int r = libsystemd().sd_bus_message_new_method_call(m_bus.get(), &raw, k_systemd, path, interface,
                                                            member);
        const MessagePointer message(raw);
        if (r >= 0) {
            r = append(message.get());
        }
        BusError error;
        sd_bus_message* reply = nullptr;
        if (r >= 0) {
            // 0 would mean the default of 25 s.
            r = libsystemd().sd_bus_call(m_bus.get(), message.get(),
                                         std::max<std::uint64_t>(limit.left_us(), 1), &error.raw, &reply);
        }
        if (r < 0) {
            return call_error(member, -r, error.raw);
        }
        return MessagePointer(reply);
    }

    template<class Append>
    Result<MessagePointer> call_manager(const char* member, const TimeLimit& limit, Append&& append) {
        return call(k_manager_path, k_manager, member, limit, std::forward<Append>(append));
    }

    Result<UnitState> load_unit(const std::string& name, const TimeLimit& limit) {
        // LoadUnit and not GetUnit: the latter knows only what is in memory.
        const Result<MessagePointer> loaded = call_manager("LoadUnit", limit, [&](sd_bus_message* message) {
            return libsystemd().sd_bus_message_append(message, "s", name.c_str());
        });
        if (!loaded.ok()) {
            return loaded.error();
        }
        const char* path = "";
        if (const int r = libsystemd().sd_bus_message_read(loaded.value().get(), "o", &path); r < 0) {
            return call_error("LoadUnit", -r, BusError().raw);
        }
        UnitState unit;
        LECTIO_TRY(get_properties(path, fmt::format("{}.Unit", k_systemd), unit, limit));
        if (const std::string interface = interface_of(name);
            unit.load_state == "loaded" && !interface.empty()) {
            LECTIO_TRY(get_properties(path, interface, unit, limit));
        }
        if (unit.active_state == "deactivating") {
            unit.job = job_of(path, limit);
        }
        return unit;
    }

    // Empty also where the job has ended since: then the unit is not deactivating any more.
    std::string job_of(const char* path, const TimeLimit& limit) {
        const Result<MessagePointer> reply =
            property(path, fmt::format("{}.Unit", k_systemd).c_str(), "Job", limit);
        std::uint32_t id = 0;
        const char* job = "";
        if (!reply.ok() || libsystemd().sd_bus_message_read(reply->get(), "v", "(uo)", &id, &job) < 0 ||
            id == 0) {
            return {};
        }
        return text_property(job, fmt::format("{}.Job", k_systemd).c_str(), "JobType", limit).value_or("");
    }

    Result<MessagePointer> property(const char* path, const char* interface, const char* name,
                                    const TimeLimit& limit) {
        return call(path, "org.freedesktop.DBus.Properties", "Get", limit, [&](sd_bus_message* message) {
            return libsystemd().sd_bus_message_append(message, "ss", interface, name);
        });
    }

    Result<std::string> text_property(const char* path, const char* interface, const char* name,
                                      const TimeLimit& limit) {
        const Result<MessagePointer> reply = property(path, interface, name, limit);
        LECTIO_TRY(reply);
        const char* text = "";
        if (const int r = libsystemd().sd_bus_message_read(reply->get(), "v", "s", &text); r < 0) {
            return call_error("read a property", -r, BusError().raw);
        }
        return std::string(text);
    }

    Result<void> get_properties(const char* path, const std::string& interface, UnitState& unit,
                                const TimeLimit& limit) {
        const Result<MessagePointer> reply =
            call(path, "org.freedesktop.DBus.Properties", "GetAll", limit, [&](sd_bus_message* message) {
                return libsystemd().sd_bus_message_append(message, "s", interface.c_str());
            });
        if (!reply.ok()) {
            return reply.error();
        }
        if (const int r = read_properties(reply.value().get(), unit); r < 0) {
            return call_error("read properties", -r, BusError().raw);
        }
        return {};
    }

    // Jobs that ended while we listened: a job may be over before the answer that names it has been read.
    struct EndedJobs {
        std::vector<std::pair<std::string, std::string>> all; // path, result
        [[nodiscard]] const std::string* result_of(const std::string& path) const {
            const auto found =
                std::find_if(all.begin(), all.end(), [&](const auto& job) { return job.first == path; });
            return found != all.end() ? &found->second : nullptr;
        }
    };
    static int on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error*) {
        std::uint32_t id = 0;
        const char* path = "";
        const char* unit = "";
        const char* result = "";
        if (libsystemd().sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) {
            static_cast<EndedJobs*>(jobs)->all.emplace_back(path, result);
        }
        return 0;
    }

    Result<JobResult> do_job(const std::string& name, Verb verb, const TimeLimit& limit) {
        const auto begun = Steady::now();
        EndedJobs ended;
        Result<SlotPointer> listening = listen_for_jobs(ended, limit);
        if (!listening.ok()) {
            return listening.error();
        }
        if (verb == Verb::start || verb == Verb::restart) {
            // Not an error when it has never failed.
            static_cast<void>(call_manager("ResetFailedUnit", limit, [&](sd_bus_message* message) {
                return libsystemd().sd_bus_message_append(message, "s", name.c_str());
            }));
        }
        const Result<MessagePointer> queued =
            call_manager(method_of(verb), limit, [&](sd_bus_message* message) {
                return libsystemd().sd_bus_message_append(message, "ss", name.c_str(), "replace");
            });
        if (!queued.ok()) {
            return queued.error();
        }
        const char* job = "";
        if (const int r = libsystemd().sd_bus_message_read(queued.value().get(), "o", &job); r < 0) {
            return call_error(method_of(verb), -r, BusError().raw);
        }
        if (verb == Verb::start || verb == Verb::reload) {
            return JobResult{await_job(ended, job, limit), since(begun)};
        }
        const Duration left(static_cast<std::int64_t>(limit.left_us() / 1000));
        std::string result = await_job(ended, job, TimeLimit(std::min(k_soon_stopped, left)));
        if (result == k_no_answer && !limit.over() && !stop_requested()) {
            let_all_go_on(name, limit);
            result = await_job(ended, job, limit);
        }
        return JobResult{std::move(result), since(begun)};
    }

    static Duration since(Steady::time_point begun) {
        return std::chrono::duration_cast<Duration>(Steady::now() - begun);
    }

    // systemd sends SIGCONT with its SIGTERM, by KillMode=mixed to the main process only; a worker that stands still
    // (SIGSTOP) could not end, and the whole of TimeoutStopSec= would be waited for. Once it has been told to end: what
    // goes on before that takes up its work again. Not an error when there is no process.
    void let_all_go_on(const std::string& name, const TimeLimit& limit) {
        static_cast<void>(call_manager("KillUnit", limit, [&](sd_bus_message* message) {
            return libsystemd().sd_bus_message_append(message, "ssi", name.c_str(), "all", SIGCONT);
        }));
    }

    Result<SlotPointer> listen_for_jobs(EndedJobs& ended, const TimeLimit& limit) {
        sd_bus_slot* raw = nullptr;
        const int r = libsystemd().sd_bus_match_signal(m_bus.get(), &raw, k_systemd, k_manager_path,
                                                       k_manager, "JobRemoved", on_job_removed, &ended);
        SlotPointer slot(raw);
        if (r < 0) {
            return call_error("listen for jobs", -r, BusError().raw);
        }
        // Without a subscriber systemd sends no signals. Subscribing twice is an error and means nothing.
        static_cast<void>(call_manager("Subscribe", limit, [](sd_bus_message*) { return 0; }));
        return slot;
    }

    std::string await_job(const EndedJobs& ended, const std::string& job, const TimeLimit& limit) {
        for (;;) {
            if (const std::string* result = ended.result_of(job)) {
                return *result;
            }
            if (limit.over() || stop_requested()) {
                return std::string(k_no_answer);
            }
            int r = libsystemd().sd_bus_process(m_bus.get(), nullptr);
            if (r == 0) {
                r = wait_a_little(m_bus.get(), limit);
            }
            if (r < 0) {
                return std::string(k_no_answer);
            }
        }
    }

    std::timed_mutex m_mutex;
    BusPointer m_bus;
};

SystemServices::SystemServices() : m_bus(std::make_unique<Bus>()) {}
SystemServices::~SystemServices() = default;

Result<UnitState> SystemServices::unit(const std::string& name, Duration timeout) {
    return m_bus->unit(name, timeout);
}

Result<std::vector<UnitState>> SystemServices::failed_units(Duration timeout) {
    return m_bus->list("failed", "*", timeout);
}

Result<std::vector<UnitState>> SystemServices::active_services(Duration timeout) {
    return m_bus->list("active", "*.service", timeout);
}

Result<bool> SystemServices::host_is_stopping(Duration timeout) {
    return m_bus->host_is_stopping(timeout);
}

Result<JobResult> SystemServices::act(const std::string& name, Verb verb, Duration timeout) {
    return m_bus->act(name, verb, timeout);
}

} // namespace lectio
