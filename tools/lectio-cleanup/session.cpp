#include "session.h"

#include "words/error_words.h"

#include <unistd.h>

namespace lectio::cleanup {
namespace {

constexpr mode_t k_run_mode = 0755;

constexpr Phrase k_nothing_asked{"the configuration has no [cleanup]: nobody says what may go",
                                 "в настройках нет [cleanup]: не сказано, что убирать"};
constexpr Phrase k_hint{
    "write there, for instance: temp = [ {{ files = \"/tmp/build-*\", older = \"7d\" }} ]",
    "напишите там, например: temp = [ {{ files = \"/tmp/build-*\", older = \"7d\" }} ]"};
constexpr Phrase k_not_built{"[cleanup] {} is set and not built yet: nothing of it is done",
                             "[cleanup] {} задано, но ещё не сделано: ничего из этого не выполняется"};

} // namespace

std::optional<int> Session::open() {
    const auto asks_for_more = [](const Config& config) { return !config.cleanup.ignored.empty(); };
    if (const std::optional<int> left = load(LastGood::never, asks_for_more)) {
        return left;
    }
    if (!settings().asks_for_something()) {
        return leave(ExitCode::configuration, say(k_nothing_asked), say(k_hint));
    }
    return std::nullopt;
}

std::optional<int> Session::lock() {
    Files& files = world().files;
    const Result<void> made = files.make_folders(config().paths.run, k_run_mode);
    if (!made) {
        return leave(made.error());
    }
    Result<Lock> held = files.lock(config().paths.run / "cleanup.lock", "lectio-cleanup", now());
    if (!held) {
        return held.error().kind == ErrorKind::busy
                   ? leave(ExitCode::locked, error_words(held.error().message))
                   : leave(held.error());
    }
    m_lock = std::move(*held);
    return std::nullopt;
}

Session::Effect Session::effect() const {
    using Apply = CleanupSettings::Apply;
    const bool wanted =
        settings().apply == Apply::always || (settings().apply == Apply::cron && !for_a_person());
    return !common().dry_run && (m_options.apply || wanted) ? Effect::real : Effect::none;
}

bool Session::for_a_person() const {
    return ::isatty(STDIN_FILENO) == 1 || ::isatty(STDOUT_FILENO) == 1 || ::isatty(STDERR_FILENO) == 1;
}

std::vector<Text> not_built(const CleanupSettings& settings) {
    std::vector<Text> all;
    for (const std::string& key : settings.ignored) {
        all.push_back(say(k_not_built, key));
    }
    return all;
}

} // namespace lectio::cleanup
