#include "session.h"

#include "cli/terminal.h"
#include "release/frontend_site.h"
#include "util/text.h"

namespace lectio::deploy {
namespace {

constexpr Phrase k_no_frontend{
    "the configuration has no [deploy.frontend]: nobody says what is to be released where",
    "в настройках нет [deploy.frontend]: не сказано, что и куда выкладывать"};
constexpr Phrase k_no_frontend_hint{"write there: path = \"/var/www/SITE/build\"",
                                    "напишите там: path = \"/var/www/SITE/build\""};

} // namespace

std::optional<int> Session::open() {
    const bool starting = m_options.while_units_start();
    if (const std::optional<int> left = load(starting ? LastGood::fall_back : LastGood::never)) {
        return left;
    }
    if (!config().deploy.frontend && starting) {
        // Nothing is deployed here, so nothing was left unfinished; or nobody can say, which is said already.
        return loaded().ok() ? 0 : static_cast<int>(ExitCode::configuration);
    }
    if (!config().deploy.frontend) {
        return leave(ExitCode::configuration, say(k_no_frontend), say(k_no_frontend_hint));
    }
    return std::nullopt;
}

release::Places Session::places() const {
    return release::frontend_places(config());
}

void Session::say_progress(const Text& words) const {
    if (common().verbosity != Verbosity::quiet) {
        complain(clean(words.in(lang())) + "\n");
    }
}

} // namespace lectio::deploy
