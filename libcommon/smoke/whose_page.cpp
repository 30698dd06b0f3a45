#include "smoke/whose_page.h"

#include "checks/http_expect.h"

#include <string_view>

namespace lectio {
namespace {

constexpr Phrase k_nginx_page{"this is nginx's own welcome page: the site's server block is not in use",
                              "это страница самого nginx: настройки сайта не подключены"};
constexpr Phrase k_apache_page{"this is Apache's own page: another web server answers here",
                               "это страница самого Apache: отвечает другой веб-сервер"};
constexpr Phrase k_frontend_page{"this is the page of the frontend: nginx has found nothing else at this "
                                 "path (look at the path and at its locations)",
                                 "это страница фронтенда: ничего другого nginx по этому пути не нашёл "
                                 "(проверьте путь и location в nginx)"};
constexpr Phrase k_allowed_hosts{"Django does not know this host name: look at ALLOWED_HOSTS",
                                 "Django не знает такого имени сайта: проверьте ALLOWED_HOSTS"};

} // namespace

Text whose_page(const HttpAnswer& answer, Wanted wanted) {
    const auto has = [&](std::string_view part) { return answer.body.find(part) != std::string::npos; };
    if (has("Welcome to nginx!")) {
        return say(k_nginx_page);
    }
    if (has("Apache2 Debian Default Page") || has("Apache2 Ubuntu Default Page")) {
        return say(k_apache_page);
    }
    if (has("DisallowedHost") || (answer.status == 400 && has("<h1>Bad Request (400)</h1>"))) {
        return say(k_allowed_hosts);
    }
    return wanted == Wanted::data && is_html(answer) && has("id=\"root\"") ? say(k_frontend_page) : Text{};
}

} // namespace lectio
