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

} // namespace

std::optional<int> Session::open() {
    if (const std::optional<int> left = load(LastGood::never)) {
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

} // namespace lectio::cleanup
