#include "pipeline/history_options.h"

namespace lectio {
namespace {

constexpr Phrase k_formats{"history knows the formats text and json",
                           "history знает только форматы text и json"};

} // namespace

CLI::App* add_history(CLI::App& app, HistoryQuestion& question) {
    CLI::App* history = app.add_subcommand("history", "What the runs have found: how long, what was done");
    history->add_option("check", question.check, "Only this one")->type_name("CHECK");
    history
        ->add_option("--since", question.since, "2h, 7d, 2026-11-20 or \"2026-11-20 10:00\" (default: 24h)")
        ->type_name("TIME");
    return history;
}

std::optional<int> refuse_history_format(std::string_view tool, const CommonOptions& options) {
    const bool good = options.format == Format::text || options.format == Format::json;
    return good ? std::nullopt : std::optional(wrong_usage(tool, say(k_formats), options));
}

} // namespace lectio
