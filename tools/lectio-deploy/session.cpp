#include "session.h"

#include "cli/terminal.h"
#include "release/deploy_site.h"
#include "util/text.h"

#include <algorithm>

namespace lectio::deploy {
namespace {

using release::Kind;

constexpr Phrase k_nothing{
    "the configuration has neither [deploy.frontend] nor [deploy.backend]: nobody says what is to be "
    "released where",
    "в настройках нет ни [deploy.frontend], ни [deploy.backend]: не сказано, что и куда выкладывать"};
constexpr Phrase k_not_configured{
    "the configuration has no [deploy.{}]: nobody says what is to be released where",
    "в настройках нет [deploy.{}]: не сказано, что и куда выкладывать"};
constexpr Phrase k_hint{
    "write there: [deploy.frontend] path = \"/var/www/SITE/build\", the folder that the web server serves",
    "напишите там: [deploy.frontend] path = \"/var/www/САЙТ/build\", папка, которую отдаёт веб-сервер"};
constexpr Phrase k_backend_hint{"write there: [deploy.backend] path = \"/var/www/SITE\", the project; "
                                "docs/configuration.md has its other keys",
                                "напишите там: [deploy.backend] path = \"/var/www/САЙТ\", папка проекта; "
                                "остальные ключи — в docs/configuration.md"};
constexpr Phrase k_which{"say which: lectio-deploy {0} frontend, or lectio-deploy {0} backend",
                         "уточните: lectio-deploy {0} frontend или lectio-deploy {0} backend"};

} // namespace

std::optional<int> Session::open() {
    const bool starting = m_options.while_units_start();
    if (const std::optional<int> left = load(starting ? LastGood::fall_back : LastGood::never)) {
        return left;
    }
    if (kinds().empty() && starting) {
        // Nothing is deployed here, so nothing was left unfinished; or nobody can say, which is said already.
        return loaded().ok() ? 0 : static_cast<int>(ExitCode::configuration);
    }
    if (kinds().empty()) {
        return leave(ExitCode::configuration, say(k_nothing), say(k_hint));
    }
    return choose_kind();
}

std::optional<int> Session::choose_kind() {
    const std::vector<Kind> all = kinds();
    const bool needs_one = m_options.wish == Wish::rollback || m_options.wish == Wish::adopt;
    const bool needs_all = m_options.wish == Wish::full || m_options.part == "full";
    const std::string named = m_options.id.value_or(m_options.before);
    m_kind = all.front();
    const bool is_of_code =
        m_options.wish == Wish::backend || (m_options.restore_database && m_options.part.empty());
    if (is_of_code || needs_all || m_options.part == to_string(Kind::backend)) {
        m_kind = Kind::backend;
    } else if (m_options.wish == Wish::frontend || m_options.wish == Wish::doctor ||
               m_options.part == to_string(Kind::frontend)) {
        m_kind = Kind::frontend;
    } else if (release::is_id(named)) {
        m_kind = release::kind_of_id(named);
    } else if (needs_one && all.size() > 1) {
        return leave(ExitCode::usage, say(k_which, m_options.wish == Wish::adopt ? "adopt" : "rollback"));
    }
    for (const Kind kind : {Kind::frontend, Kind::backend}) {
        const bool is_there = std::find(all.begin(), all.end(), kind) != all.end();
        if (!is_there && (kind == m_kind || needs_all)) {
            return leave(ExitCode::configuration, say(k_not_configured, to_string(kind)),
                         say(kind == Kind::backend ? k_backend_hint : k_hint));
        }
    }
    return std::nullopt;
}

std::vector<Kind> Session::kinds() const {
    std::vector<Kind> all;
    if (config().deploy.frontend) {
        all.push_back(Kind::frontend);
    }
    if (config().deploy.backend) {
        all.push_back(Kind::backend);
    }
    return all;
}

release::Places Session::places(Kind kind) const {
    return release::places_of(config(), kind);
}

void Session::say_progress(const Text& words) const {
    if (common().verbosity != Verbosity::quiet) {
        complain(clean(words.in(lang())) + "\n");
    }
}

} // namespace lectio::deploy
