// config.env, the secrets file: shell words that are read and never run; and what the bash suite's says as ours.
#include "config/env_file.h"
#include "load_from_memory.h"
#include "property.h"

#include <algorithm>
#include <utility>

using namespace lectio;
using fuzz::require;

namespace {

bool is_variable(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// With nothing but this file: what health_check.sh was told, as our configuration.
void judge_as_configuration(std::string_view text) {
    constexpr const char* k_file = "/opt/lectio-monitor/config.env";
    fuzz::MemoryFiles files;
    files.content[k_file] = text;
    ConfigRequest request;
    request.environment = [](const std::string&) { return std::nullopt; };
    request.usual_env_file = k_file;
    const LoadedConfig loaded = fuzz::load_from_memory(files, std::move(request));
    require(loaded.ok(), "whatever it says, what does not fit is left out");
    require(loaded.config.channels.size() <= 1, "alerts go to one chat");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const EnvFile file = parse_env_file(text, [](const std::string&) { return std::nullopt; });
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const EnvFile::Remark& remark : file.remarks) {
        require(remark.line >= 1 && remark.line <= lines, "a remark has its place in the file");
    }
    for (const auto& [name, value] : file.values) {
        require(is_variable(name), "a variable has a name");
    }
    judge_as_configuration(text);
    return 0;
}
