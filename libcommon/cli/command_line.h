// The command line: options that every tool knows, CLI11's errors as exit code 64, help with examples.
// Included by a tool's options.cpp only (CLI11 is slow to compile).
#pragma once

#include "cli/common_options.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace lectio {

// Name, one-line description, version, examples under the options, exit codes last.
void describe(CLI::App& app, std::string_view name, std::string_view summary, std::string_view examples,
              std::string_view exit_codes = k_exit_code_help);

// Adds --config, --check-config, --dry-run … (DESIGN.md). They stand before or after a subcommand
// (fallthrough).
enum class Reports {
    text_and_json,
    of_the_whole,
    all
}; // of_the_whole: lectio-status, which has no line for Nagios
void add_common_options(CLI::App& app, CommonOptions& options, Reports reports);
// Adds what means something only where checks are run: --only, --no-recovery …
void add_check_options(CLI::App& app, CommonOptions& options);

// Parses; help and version are printed to stdout (0, or 70 where that cannot be written), wrong usage to stderr
// (64; where a report for Nagios was asked for and exists: its UNKNOWN line, 3). A value: leave with it.
std::optional<int> parse(CLI::App& app, int argc, char** argv, Reports reports = Reports::text_and_json);

// The commands of a tool, each with what is wished by it.
template<class Wish>
class Commands {
  public:
    explicit Commands(CLI::App& app) : m_app(app) {}
    CLI::App* operator()(const char* name, Wish wish, const char* help) {
        CLI::App* added = m_app.add_subcommand(name, help);
        m_wishes.emplace_back(added, wish);
        return added;
    }
    // After parse(): the one that was given; none: none was.
    [[nodiscard]] std::optional<Wish> given() const {
        for (const auto& [command, wish] : m_wishes) {
            if (command->parsed()) {
                return wish;
            }
        }
        return std::nullopt;
    }

  private:
    CLI::App& m_app;
    std::vector<std::pair<const CLI::App*, Wish>> m_wishes;
};

// The same for what only the tool itself can find wrong with its command line: said in the language of the
// configuration that the options name, or of the one that would be found.
int wrong_usage(std::string_view tool, const Text& why, const CommonOptions& options);

} // namespace lectio
