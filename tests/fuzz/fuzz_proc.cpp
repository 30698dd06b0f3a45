// The files of /proc, command lines included: written by the kernel, with names in them that anybody chooses.
#include "discovery/programs.h"
#include "platform/proc_text.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    lectio::parse_meminfo(text);
    lectio::parse_oom_kills(text);
    lectio::parse_loadavg(text);
    lectio::parse_pressure(text);
    lectio::parse_uptime(text);
    lectio::parse_process_stat(text);
    lectio::parse_effective_user(text);
    lectio::parse_mounts(text);
    lectio::parse_listening_sockets(text);
    lectio::parse_unix_sockets(text);
    lectio::parse_unit_of_cgroup(text);
    if (const std::optional<lectio::Program> program = lectio::program_of(lectio::join_command_line(text))) {
        lectio::application_module(*program);
        lectio::option_value(program->words, {"-b", "--bind"});
    }
    return 0;
}
