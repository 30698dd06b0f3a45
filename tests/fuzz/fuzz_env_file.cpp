// config.env, the secrets file: shell words that are read and never run; and what the bash suite's says as ours.
#include "cli/known_kinds.h"
#include "config/config.h"
#include "config/env_file.h"
#include "config/legacy_env.h"
#include "config/parse.h"
#include "property.h"

#include <algorithm>

using namespace lectio;
using fuzz::require;

namespace {

bool is_variable(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

void judge_as_configuration(const std::map<std::string, std::string>& values) {
    const LegacyConfig legacy = legacy_config(values, "/opt/lectio-monitor/config.env");
    Problems problems;
    std::optional<Node> tree = parse_toml(legacy.toml, problems);
    require(tree.has_value(), "it is a configuration");
    const Lookup lookup = [&](const std::string& name) -> std::optional<std::string> {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    };
    expand_references(*tree, lookup, problems);
    static const Kinds kinds = known_kinds();
    read_config(*tree, kinds, problems);
    require(!problems.has_errors(), "what does not fit is left out");
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
    judge_as_configuration(file.values);
    return 0;
}
