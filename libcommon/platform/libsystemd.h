#pragma once

#include "platform/loaded_library.h"

#include <string_view>

#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>

namespace lectio {

#define LECTIO_LIBSYSTEMD(use)                                                                               \
    use(sd_bus_call) use(sd_bus_close_unref) use(sd_bus_error_free) use(sd_bus_is_open) use(sd_bus_is_ready) \
        use(sd_bus_match_signal) use(sd_bus_message_append) use(sd_bus_message_enter_container) use(         \
            sd_bus_message_exit_container) use(sd_bus_message_new_method_call) use(sd_bus_message_peek_type) \
            use(sd_bus_message_read) use(sd_bus_message_read_array) use(sd_bus_message_read_basic)           \
                use(sd_bus_message_skip) use(sd_bus_message_unref) use(sd_bus_message_verify_type)           \
                    use(sd_bus_new) use(sd_bus_open_system) use(sd_bus_process) use(sd_bus_set_address)      \
                        use(sd_bus_slot_unref) use(sd_bus_start) use(sd_bus_wait)                            \
                            use(sd_journal_add_disjunction) use(sd_journal_add_match) use(sd_journal_close)  \
                                use(sd_journal_get_cursor) use(sd_journal_get_data)                          \
                                    use(sd_journal_has_persistent_files) use(sd_journal_has_runtime_files)   \
                                        use(sd_journal_next) use(sd_journal_open) use(sd_journal_previous)   \
                                            use(sd_journal_seek_cursor) use(sd_journal_seek_realtime_usec)   \
                                                use(sd_journal_seek_tail) use(sd_journal_set_data_threshold) \
                                                    use(sd_journal_test_cursor)

/// What is used of libsystemd, loaded with its six libraries when a unit or the journal is first asked for: most runs of
/// most tools ask for neither (docs/decisions/0011).
struct Libsystemd {
    LECTIO_LIBSYSTEMD(LECTIO_FUNCTION)
    bool usable = false; ///< false: not installed, or too old (before v240); no function may be called
};

/// What is said where it is not usable.
inline constexpr std::string_view k_no_libsystemd =
    "libsystemd.so.0 is not installed, or too old (apt-get install libsystemd0)";

/// May be called from any thread; loads once.
const Libsystemd& libsystemd();

} // namespace lectio
