// config.toml, with references to variables, as any run reads it.
#include "config/legacy_env.h"
#include "config/parse.h"
#include "load_from_memory.h"
#include "property.h"
#include "util/text.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

using namespace lectio;
using fuzz::require;

namespace {

constexpr const char* k_file = "/etc/lectio-monitor/config.toml";

LoadedConfig load(fuzz::MemoryFiles& files) {
    ConfigRequest request;
    request.file = k_file;
    request.environment = [](const std::string& name) {
        return name == "LECTIO_CONFIG" ? std::nullopt : std::optional<std::string>("7");
    };
    return fuzz::load_from_memory(files, std::move(request));
}

// What comes too early has the place one past the last character, and the end of a file that one past its newline.
bool is_place_in(const Position& place, std::string_view text) {
    constexpr std::string_view k_mark = "\xEF\xBB\xBF";
    text.remove_prefix(text.starts_with(k_mark) ? k_mark.size() : 0);
    std::uint32_t line = 1, column = 1;
    for (const char c : text) {
        if (line == place.line && c == '\n') {
            break;
        }
        if (c == '\n') {
            ++line;
            column = 1;
        } else if (line == place.line) {
            column += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
        }
    }
    return place.line == line && place.column >= 1 && place.column <= column + 1;
}

// As TOML, all in one line: what it stands for is to come back from it.
std::string printed(const Node& node);
std::string printed(const Node::Table& table) {
    std::string text;
    for (const Member& member : table) {
        text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_quoted(member.key),
                            printed(member.value.front()));
    }
    return "{" + text + "}";
}
std::string printed(const Node::Array& array) {
    std::string text;
    for (const Node& item : array) {
        text += (text.empty() ? "" : ", ") + printed(item);
    }
    return "[" + text + "]";
}
std::string printed(double number) {
    const std::string text = fmt::format("{}", number);
    return std::isfinite(number) && text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}
std::string printed(const Node& node) {
    struct Printer {
        std::string operator()(bool value) const { return value ? "true" : "false"; }
        std::string operator()(std::int64_t value) const { return std::to_string(value); }
        std::string operator()(double value) const { return printed(value); }
        std::string operator()(const std::string& value) const { return toml_quoted(value); }
        std::string operator()(const Node::Date&) const { return "2026-01-22"; }
        std::string operator()(const Node::Array& value) const { return printed(value); }
        std::string operator()(const Node::Table& value) const { return printed(value); }
    };
    return std::visit(Printer{}, node.value());
}

void judge_tree(std::string_view text) {
    Problems problems;
    const std::optional<Node> tree = parse_toml(text, problems);
    require(tree.has_value() == problems.all().empty(), "either a tree or a problem");
    if (tree) {
        const std::string once = printed(*tree);
        Problems none;
        const std::optional<Node> again = parse_toml("x = " + once, none);
        require(again && again->find("x") != nullptr && printed(*again->find("x")) == once,
                "what was read, printed and read again is the same");
    } else {
        require(problems.all().size() == 1, "a syntax error is the only problem");
    }
}

void judge_problems(const LoadedConfig& loaded, std::string_view text) {
    require(loaded.ok() != loaded.problems.has_errors(), "it is refused for a reason, and for nothing else");
    for (const Problem& problem : loaded.problems.all()) {
        const bool elsewhere =
            problem.position == Position{} && problem.severity == Problem::Severity::warning;
        require(elsewhere || is_place_in(problem.position, text), "a problem has its place in the file");
        for (const Lang lang : {Lang::en, Lang::ru}) {
            const std::string& words = problem.message.in(lang);
            require(is_utf8(words) && !words.empty(), "a problem has words in both languages");
        }
    }
    const std::string lines = problem_lines(loaded).ru;
    for (const std::string_view line : split_lines(lines)) {
        require(line.empty() || line.find(k_file) != std::string_view::npos, "a problem is one line");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    judge_tree(text);
    fuzz::MemoryFiles files;
    files.content[k_file] = text;
    const LoadedConfig loaded = load(files);
    judge_problems(loaded, text);
    if (loaded.ok()) { // and then it is broken: the last good one is used
        require(keep_last_good(files, loaded).ok(), "a good configuration is kept");
        files.content[k_file] = "[health";
        const LoadedConfig fallen = load(files);
        const bool at_its_place =
            loaded.config.paths.state == Paths{}.state; // else the broken one does not know it
        require(!at_its_place || fallen.use == LoadedConfig::Use::last_good, "the last good one loads again");
    }
    return 0;
}
