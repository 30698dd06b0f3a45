#include "release/readable.h"

#include "discovery/nginx_sites.h"
#include "platform/readable_tree.h"
#include "release/frontend_checks.h"
#include "release/nginx_of_host.h"
#include "util/text.h"
#include "words/error_words.h"

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_time_for_tree = 60s;

constexpr Phrase k_by_check{"as health's check {} says", "так указано в проверке health {}"};
constexpr Phrase k_by_nginx{"as {} says", "так указано в {}"};
constexpr Phrase k_by_habit{"as is usual", "как обычно"};
constexpr Phrase k_nobody{
    "nothing says as which user the site is served: whether visitors get all of it is not "
    "known",
    "неизвестно, от чьего имени отдаётся сайт: отдадутся ли все файлы, непонятно"};
constexpr Phrase k_hint_nobody{"set reader in health's check of type frontend for this root",
                               "задайте reader в проверке health типа frontend для этого root"};
constexpr Phrase k_no_user{"the site is served by the user {} ({}), and there is none here: {}",
                           "сайт отдаётся от имени пользователя {} ({}), а такого здесь нет: {}"};
constexpr Phrase k_no_way_in{"{} ({}) may not enter the folder {} (mode {:03o})",
                             "{} ({}) не может войти в папку {} (права {:03o})"};
constexpr Phrase k_not_readable{"{} ({}) may not read {} (mode {:03o})",
                                "{} ({}) не может прочитать {} (права {:03o})"};
constexpr Phrase k_leads_nowhere{"{} leads nowhere", "{} ведёт в никуда"};
constexpr Phrase k_and_more{"{}; and {} more", "{}; и ещё {}"};
constexpr Phrase k_cannot_look{"unable to look whether visitors get all of it: {}",
                               "не удалось проверить, отдадутся ли все файлы: {}"};
constexpr Phrase k_hint_above{"the folders above are not ours to change: sudo chmod o+x {}",
                              "папки выше lectio-deploy не меняет: sudo chmod o+x {}"};
constexpr Phrase k_hint_rules{"look at owner, dirs and files of deploy.frontend",
                              "проверьте owner, dirs и files в deploy.frontend"};

// Empty: it does not say.
std::string nginx_user(World& world, const Path& configuration) {
    const std::optional<NginxTree> nginx = nginx_of_host(world, configuration);
    return nginx ? nginx_sites(*nginx).user : std::string();
}

Visitor visitor_named(std::string name, Text whence) {
    Result<User> user = find_user(name);
    return {std::move(name), user ? std::optional(std::move(*user)) : std::nullopt, std::move(whence)};
}

Text words_of(const Obstacle& obstacle, const Visitor& visitor) {
    const std::string path = clean_line(obstacle.path.string());
    switch (obstacle.kind) {
    case Obstacle::Kind::no_way_in:
        return say(k_no_way_in, visitor.name, visitor.whence, path, obstacle.mode);
    case Obstacle::Kind::not_readable:
        return say(k_not_readable, visitor.name, visitor.whence, path, obstacle.mode);
    default:
        return say(k_leads_nowhere, path);
    }
}

} // namespace

Visitor visitor_of(const Config& config, World& world, const std::filesystem::path& site,
                   const WebServerPlaces& places) {
    for (const auto& [check, settings] : frontend_checks_of(config, site)) {
        if (!settings->reader.empty()) {
            return visitor_named(settings->reader, say(k_by_check, check->name));
        }
    }
    if (const std::string user = nginx_user(world, places.nginx); !user.empty()) {
        return visitor_named(user, say(k_by_nginx, places.nginx.string()));
    }
    for (const std::string& user : places.usual_users) {
        if (Visitor usual = visitor_named(user, say(k_by_habit)); usual.user) {
            return usual;
        }
    }
    return {};
}

std::optional<Flaw> hidden_from(const Visitor& visitor, const std::filesystem::path& tree,
                                const std::filesystem::path& site, World& world) {
    if (visitor.name.empty()) {
        return Flaw{Flaw::Weight::warn, say(k_nobody), say(k_hint_nobody)};
    }
    if (!visitor.user) {
        const Result<User> again = find_user(visitor.name);
        const Text why = again ? Text{} : error_words(again.error().message);
        return Flaw{Flaw::Weight::warn, say(k_no_user, visitor.name, visitor.whence, why),
                    say(k_hint_nobody)};
    }
    const Reader reader(*visitor.user);
    for (const Path& above : {tree.parent_path(), site.parent_path()}) {
        if (const std::optional<Obstacle> obstacle = obstacle_to_entering(above, reader)) {
            return Flaw{Flaw::Weight::refuse, words_of(*obstacle, visitor),
                        say(k_hint_above, clean_line(obstacle->path.string()))};
        }
    }
    const Result<TreeReadability> seen =
        look_for_unreadable(tree, reader, world.clock, world.clock.steady() + k_time_for_tree);
    if (!seen) {
        return Flaw{Flaw::Weight::refuse, say(k_cannot_look, error_words(seen.error().message))};
    }
    if (seen->first.empty()) {
        return std::nullopt;
    }
    const Text first = words_of(seen->first.front(), visitor);
    return Flaw{Flaw::Weight::refuse,
                seen->unreadable == 1 ? first : say(k_and_more, first, seen->unreadable - 1),
                say(k_hint_rules)};
}

} // namespace lectio::release
