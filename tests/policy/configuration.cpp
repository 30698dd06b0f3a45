// The key table against the rest: docs/configuration.md is written from it, it knows every key of both examples, and
// every type stands in the lists that people write. `policy-configuration` compares, with --update it writes the page.
#include "checks/all_checks.h"
#include "config/config.h"
#include "config/env_file.h"
#include "config/parse.h"
#include "recovery/all_actions.h"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

Kinds all_kinds() {
    Kinds kinds;
    for (const CheckType& type : all_checks()) {
        kinds.checks.push_back({type.name, type.help, &type.schema()});
    }
    for (const ActionType& type : all_actions()) {
        kinds.actions.push_back({type.name, type.help, &type.schema()});
    }
    return kinds;
}

std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A cell of a Markdown table: bars end it, angle brackets vanish.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') {
            out += "\\|";
        } else if (c == '<') {
            out += "&lt;";
        } else {
            out += c;
        }
    }
    return out;
}

std::string code(std::string_view text) {
    return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

void add_rows(std::string& page, const SchemaBase& schema, const std::string& prefix, bool section_later) {
    for (const RowInfo& row : schema.rows()) {
        const std::string later = row.later && !section_later ? " *(not built yet)*" : "";
        page += fmt::format("| `{}{}` | {} | {} | {} | {}{} |\n", prefix, row.name, cell(row.type),
                            row.required ? "**required**" : code(row.default_words), cell(row.range),
                            cell(row.help), later);
        if (row.table != nullptr) {
            const bool named = row.shape == RowInfo::Shape::named_tables;
            add_rows(page, *row.table, fmt::format("{}{}{}", prefix, row.name, named ? ".NAME." : "."),
                     section_later || row.later);
        }
    }
}

std::string page_of(const Kinds& kinds) {
    std::string page =
        "# Configuration\n\n"
        "Written from the key table in the code by `policy-configuration --update`; a test holds it against "
        "that and against\n[config.example.toml](../config/config.example.toml) and "
        "[config.more.toml](../config/config.more.toml). Do not edit.\n\n"
        "Durations: `\"500ms\"` `\"5s\"` `\"2m\"` `\"1h\"` `\"14d\"`. Sizes: `\"256MB\"` `\"2GB\"` (powers "
        "of "
        "1024). Shares: `\"10%\"`.\nThresholds: `{ warn = …, critical = … }`, either may be absent. Commands "
        "are "
        "lists: program and arguments, no shell.\n`${NAME}` is taken from paths.env_file, then from the "
        "environment; `${NAME:-default}` where it may be absent.\n"
        "What such a variable holds is masked (`***`) wherever it would be shown, unless its name or its "
        "form says "
        "that it is no\nsecret: a name with a part such as HOST, PORT, EMAIL, USER, NAME, PATH, DIR, ID or "
        "SERVICE; fewer than 6 characters, a\nnumber, a path, a URL without user, query or key. A name with "
        "TOKEN, "
        "PASS, SECRET, KEY, DSN, CRED, AUTH, WEBHOOK, PWD\nor PIN is always taken for a secret's.\nNames: "
        "`a-z 0-9 _ -`, at most 64 "
        "characters.\n";
    for (const Section& section : all_sections(kinds)) {
        page += fmt::format("\n## {}\n\n{}\n", cell(section.header), cell(section.help));
        if (!section.schema->rows().empty()) {
            page += "\n| key | type | default | range | what it is |\n|---|---|---|---|---|\n";
            add_rows(page, *section.schema, "", false);
        }
    }
    return page;
}

// The examples load without an error: unknown keys are errors, so every key of theirs is in the table.
int problems_of(const std::string& path, const Kinds& kinds) {
    Problems problems;
    std::optional<Node> root = parse_toml(slurp(path), problems);
    if (root) {
        expand_references(
            *root, [](const std::string&) { return std::optional<std::string>("1"); }, problems);
        read_config(*root, kinds, problems);
    }
    int errors = 0;
    for (const Problem& problem : problems.all()) {
        if (problem.severity == Problem::Severity::error) {
            std::cerr << path << ":" << problem.position.line << ":" << problem.position.column << ": "
                      << problem.message.en << "\n";
            ++errors;
        }
    }
    return errors;
}

bool has_any(const std::string& text, std::initializer_list<std::string> forms) {
    return std::any_of(forms.begin(), forms.end(),
                       [&](const std::string& form) { return text.find(form) != std::string::npos; });
}

// The lists that people write: in both READMEs, and in the example either in use or named in a comment, or in its sequel.
int check_lists(const std::string& source, const std::vector<KindSchema>& types) {
    int faults = 0;
    const auto text_of = [&](const char* where) { return slurp(fmt::format("{}/{}", source, where)); };
    const auto expect = [&](const char* where, const std::string& text, std::string_view name,
                            std::initializer_list<std::string> forms) {
        if (!has_any(text, forms)) {
            std::cerr << where << " does not list " << name << "\n";
            ++faults;
        }
    };
    const std::string examples = text_of("config/config.example.toml") + text_of("config/config.more.toml");
    for (const auto& [name, help, schema] : types) {
        expect("README.md", text_of("README.md"), name, {fmt::format("`{}`", name)});
        expect("README.ru.md", text_of("README.ru.md"), name, {fmt::format("`{}`", name)});
        expect("config/config.example.toml and config.more.toml", examples, name,
               {fmt::format("= \"{}\"", name), fmt::format("  {} ", name), fmt::format("| {}", name)});
    }
    return faults;
}

int check_rows(const Kinds& kinds) {
    int faults = 0;
    for (const Section& section : all_sections(kinds)) {
        for (const RowInfo& row : section.schema->rows()) {
            if (row.help.empty() || row.type.empty()) {
                std::cerr << section.header << ": " << row.name << " has no help\n";
                ++faults;
            }
        }
    }
    return faults;
}

int run(const std::string& source, bool update) {
    const Kinds kinds = all_kinds();
    const std::string path = source + "/docs/configuration.md";
    const std::string page = page_of(kinds);
    if (update) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << page;
    }
    int faults = check_rows(kinds) + check_lists(source, kinds.checks) + check_lists(source, kinds.actions) +
                 problems_of(source + "/config/config.example.toml", kinds) +
                 problems_of(source + "/config/config.more.toml", kinds);
    if (slurp(path) != page) {
        std::cerr << path << " is not what the key table says; run, in the build folder, "
                  << "tests/policy/policy-configuration --update and read what changed\n";
        ++faults;
    }
    return faults == 0 ? 0 : 1;
}

} // namespace
} // namespace lectio

int main(int count, char** arguments) {
    const bool update = count > 1 && std::string_view(arguments[1]) == "--update";
    return lectio::run(LECTIO_SOURCE_FOLDER, update);
}
