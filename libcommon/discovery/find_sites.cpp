// What nginx and Caddy serve here: sites by their names, the folders they come from, the applications behind them.
#include "discovery/ask.h"
#include "discovery/caddy_sites.h"
#include "discovery/finder.h"
#include "discovery/nginx_sites.h"
#include "platform/users.h"
#include "util/text.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_serves{"{} serves this name from {}", "{} отдаёт этот сайт из {}"};
constexpr Phrase k_passes{"{} passes requests for this name on to {}",
                          "{} передаёт запросы к этому сайту на {}"};
constexpr Phrase k_names{"{} serves this name", "{} обслуживает это имя"};
constexpr Phrase k_nameless{"{} serves whoever asks on port {}", "{} отвечает всем, кто приходит на порт {}"};
constexpr Phrase k_answers{"{}; it answers {} now", "{}; сейчас ответ {}"};
constexpr Phrase k_untrusted{
    "{}; its certificate is not one that this host trusts, so that is not judged",
    "{}; его сертификату этот сервер не доверяет, поэтому сертификат не проверяется"};
constexpr Phrase k_build{"{} is served from this folder, and there is an index.html in it",
                         "из этой папки отдаётся {}, и в ней есть index.html"};
constexpr Phrase k_certificate{"the certificate that browsers get for {}",
                               "сертификат, который получают браузеры для {}"};
constexpr Phrase k_behind{"{} passes requests on to it", "сюда передаёт запросы {}"};
constexpr Phrase k_application{"{} listens there", "там слушает {}"};

constexpr Duration k_api_timeout{500};
constexpr std::size_t k_most_sites = 50;
constexpr std::uint16_t k_http = 80;
constexpr std::uint16_t k_https = 443;
constexpr const char* k_usual_nginx = "/etc/nginx/nginx.conf";
constexpr const char* k_caddy_api = "http://127.0.0.1:2019/config/";
constexpr std::string_view k_distribution_page = "/var/www/html"; // says "Welcome", and nobody misses it

// The shown name of a check is "site-lectio.test", of one without a name "http" or "http-8080".
std::string port_name(bool tls, std::uint16_t port) {
    const std::string scheme = tls ? "https" : "http";
    return port == (tls ? k_https : k_http) ? scheme : fmt::format("{}-{}", scheme, port);
}

std::string web_url(bool tls, const std::string& host, std::uint16_t port) {
    const bool usual = port == (tls ? k_https : k_http);
    const std::string bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return fmt::format("{}://{}{}", tls ? "https" : "http", bracketed, usual ? "" : fmt::format(":{}", port));
}

bool is_here(std::string_view host) {
    return host == "[::1]" || host.starts_with("127.");
}

// The port at the end of "127.0.0.1:8000"; 0: none.
std::uint16_t port_of(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    std::uint16_t port = 0;
    if (colon != std::string_view::npos) {
        std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    }
    return port;
}

// ── applications ───────────────────────────────────────────────────────────────────────────────────────────

const OwnedListener* listener_at(const Finder& finder, std::string_view address) {
    const bool is_socket = address.starts_with("unix:");
    const std::uint16_t port = is_socket ? 0 : port_of(address);
    const auto found = std::find_if(
        finder.view.listeners.begin(), finder.view.listeners.end(), [&](const OwnedListener& each) {
            return is_socket ? each.listener.port == 0 && each.listener.address == address.substr(5)
                             : port != 0 && each.listener.port == port;
        });
    return found == finder.view.listeners.end() ? nullptr : &*found;
}

// Who serves a socket that systemd holds for it (a socket unit): whoever was told to by --bind.
const RunningProgram* bound_to(const Finder& finder, const std::string& address) {
    const auto found = std::find_if(
        finder.view.programs.begin(), finder.view.programs.end(), [&](const RunningProgram& each) {
            return option_value(each.program.words, {"-b", "--bind", "--uds"}) == address;
        });
    return found == finder.view.programs.end() ? nullptr : &*found;
}

// An application that speaks HTTP at "127.0.0.1:8000" or "unix:/run/app.sock".
std::string add_application(Finder& finder, const std::string& address, const std::string& protocol,
                            Text why) {
    const bool is_socket = address.starts_with("unix:/");
    const std::uint16_t port = is_socket ? 0 : port_of(address);
    if (!is_utf8(address) || (port == 0 && !is_socket) ||
        (is_socket && address.find(':', 5) != std::string::npos)) {
        return {};
    }
    FoundCheck check;
    check.about = "app " + address;
    if (finder.found.find(check.about) != nullptr) {
        return check.about;
    }
    check.why = std::move(why);
    std::string base = is_socket ? "app-socket" : fmt::format("app-{}", port);
    const OwnedListener* listener = listener_at(finder, address);
    std::string owner = listener != nullptr ? finder.about_owner(*listener) : std::string();
    if (const RunningProgram* program = owner.empty() ? bound_to(finder, address) : nullptr) {
        owner = Finder::about_running(*program);
    }
    for (const RunningProgram& program : finder.view.programs) {
        if (!owner.empty() && Finder::about_running(program) == owner) {
            base = Finder::base_name(program) + (is_socket ? "-socket" : fmt::format("-{}", port));
        }
    }
    check.name = base;
    if (!owner.empty()) {
        check.needs.push_back(owner);
    }
    const std::string url = is_socket ? address + ":/" : protocol + "://" + address + "/";
    if (settle_page(finder, check, url, "")) {
        check.type = "http";
    } else if (port != 0) {
        check.type = "tcp";
        check.keys = {{"address", toml_text(address)}};
    } else {
        return {};
    }
    std::string about = check.about;
    finder.cover(port);
    finder.add(std::move(check));
    return about;
}

void find_applications(Finder& finder) {
    for (const OwnedListener& each : finder.view.listeners) {
        const auto owner = std::find_if(
            finder.view.programs.begin(), finder.view.programs.end(), [&](const RunningProgram& program) {
                const bool same_unit = !program.unit.empty() && program.unit == each.unit;
                return program.program.role == Program::Role::application &&
                       (same_unit || program.pid == each.listener.pid);
            });
        if (owner == finder.view.programs.end() || owner->program.name == "php-fpm") { // speaks FastCGI
            continue;
        }
        const Listener& socket = each.listener;
        const std::string address = socket.port == 0
                                        ? "unix:" + socket.address
                                        : host_and_port(address_to_ask(socket.address), socket.port);
        add_application(finder, address, "http", say(k_application, owner->program.name));
    }
}

// ── sites ──────────────────────────────────────────────────────────────────────────────────────────────────

class SiteFinder {
  public:
    // `server` runs the site; `user` is as whom.
    SiteFinder(Finder& finder, const RunningProgram& server, std::string user)
        : m_finder(finder), m_server(server), m_user(std::move(user)) {}

    void find(const std::vector<WebServer>& servers) {
        std::size_t left = k_most_sites;
        for (const WebServer& server : servers) {
            add_backends(server);
            if (!server.redirects && left > 0 && add_site(server)) {
                --left;
            }
        }
    }

  private:
    // TLS before plain: the plain one mostly sends there.
    static const WebListen* best_listen(const WebServer& server) {
        const WebListen* best = nullptr;
        for (const WebListen& listen : server.listens) {
            const bool better = best == nullptr || (listen.tls && !best->tls) ||
                                (listen.tls == best->tls && best->address == "::" && listen.address != "::");
            if (listen.port != 0 && better) {
                best = &listen;
            }
        }
        return best;
    }

    bool add_site(const WebServer& server) {
        const WebListen* listen = best_listen(server);
        if (listen == nullptr || !is_utf8(server.root)) {
            return false;
        }
        // nginx's [::] takes no IPv4.
        const std::string address = listen->address == "::" ? "::1" : address_to_ask(listen->address);
        const bool has_name = !server.names.empty();
        const std::string name = has_name ? server.names.front() : std::string();
        // The same name on another port is another site: a panel, a trial.
        const bool usual = listen->port == (listen->tls ? k_https : k_http);
        const std::string full = usual ? name : fmt::format("{}:{}", name, listen->port);
        const std::string about = has_name ? "site " + full : fmt::format("port {}", listen->port);
        if (m_finder.found.find(about) != nullptr) {
            return false;
        }
        const std::string base = web_url(listen->tls, has_name ? name : address, listen->port);
        const std::string resolve = has_name ? address : "";
        FoundCheck site;
        site.name = has_name ? "site-" + full : port_name(listen->tls, listen->port);
        site.about = about;
        site.type = "http";
        site.why = why_site(server, listen->port);
        site.gone = FoundCheck::Gone::wish;
        if (!settle_page(m_finder, site, base + "/", resolve)) {
            if (!has_name) {
                return false; // it does not talk to strangers; its port is connected to
            }
            site.settled = false;
        }
        const bool trusted = is_trusted(site);
        site.needs.push_back(Finder::about_running(m_server));
        for (const WebBackend& backend : server.front) {
            site.needs.push_back("app " + address_of(backend));
        }
        if (const std::string build = add_frontend(server, trusted ? base : "", resolve, about);
            !build.empty()) {
            site.needs.push_back(build);
        }
        if (listen->tls && trusted && has_name) {
            add_certificate(name, full, host_and_port(address, listen->port));
        }
        m_finder.cover(listen->port);
        m_finder.add(std::move(site));
        return true;
    }

    static bool is_trusted(const FoundCheck& site) {
        return std::none_of(site.keys.begin(), site.keys.end(),
                            [](const auto& key) { return key.first == "verify"; });
    }

    [[nodiscard]] Text why_site(const WebServer& server, std::uint16_t port) const {
        const std::string& who = m_server.program.name;
        if (server.names.empty()) {
            return say(k_nameless, who, port);
        }
        if (!server.front.empty()) {
            return say(k_passes, who, clean_line(server.front.front().address));
        }
        return server.root.empty() ? say(k_names, who) : say(k_serves, who, clean_line(server.root));
    }

    // `url`: empty where only the disk is to be looked at.
    std::string add_frontend(const WebServer& server, const std::string& url, const std::string& resolve,
                             const std::string& site) {
        const Path root = server.root;
        const Result<FileInfo> index =
            root.empty() ? Error{ErrorKind::not_found, ""} : m_finder.files.info(root / "index.html");
        if (server.root == k_distribution_page || !index || index->type != FileInfo::Type::regular) {
            return {};
        }
        m_finder.hold(root);
        FoundCheck check;
        const std::string of = site.substr(site.find(' ') + 1); // a name, or the number of a port
        check.name = "frontend-" + of;
        check.about = "frontend " + server.root;
        check.type = "frontend";
        check.keys.emplace_back("root", toml_text(server.root));
        if (!url.empty()) {
            check.keys.emplace_back("url", toml_text(url));
        }
        if (!url.empty() && !resolve.empty()) {
            check.keys.emplace_back("resolve", toml_text(resolve));
        }
        if (!m_user.empty() && find_user(m_user).ok()) {
            check.keys.emplace_back("reader", toml_text(m_user));
        }
        check.needs.push_back(Finder::about_running(m_server));
        check.why = say(k_build, server.names.empty() ? site : of);
        check.gone = FoundCheck::Gone::wish;
        std::string about = check.about;
        m_finder.add(std::move(check));
        return about;
    }

    void add_certificate(const std::string& name, const std::string& full, const std::string& address) {
        m_finder.add({"certificate-" + full,
                      "certificate " + full,
                      "tls",
                      {{"address", toml_text(address)},
                       {"server_name", toml_text(name)},
                       {"expires", "{ warn = \"14d\", critical = \"7d\" }"}},
                      {Finder::about_running(m_server)},
                      say(k_certificate, full),
                      true,
                      FoundCheck::Gone::wish});
    }

    // "localhost" is whichever of its addresses somebody listens on.
    [[nodiscard]] std::string address_of(const WebBackend& backend) const {
        constexpr std::string_view k_localhost = "localhost:";
        if (!backend.address.starts_with(k_localhost)) {
            return backend.address;
        }
        const OwnedListener* listener = listener_at(m_finder, backend.address);
        const std::string address =
            listener != nullptr ? address_to_ask(listener->listener.address) : "127.0.0.1";
        return host_and_port(address, port_of(backend.address));
    }

    // What nobody listens on was never part of a site that is well: a spare, or a rest of something old.
    [[nodiscard]] bool is_alive(const std::string& address) const {
        return listener_at(m_finder, address) != nullptr || m_finder.known.find("app " + address) != nullptr;
    }

    void add_backends(const WebServer& server) {
        for (const WebBackend& backend : server.backends) {
            const std::string address = address_of(backend);
            const bool speaks_http = backend.protocol == "http" || backend.protocol == "https";
            const std::string_view host = std::string_view(address).substr(0, address.rfind(':'));
            const bool local = address.starts_with("unix:/") || is_here(host);
            if (speaks_http && local && is_alive(address)) {
                add_application(m_finder, address, backend.protocol, say(k_behind, m_server.program.name));
            }
        }
    }

    Finder& m_finder;
    const RunningProgram& m_server;
    std::string m_user;
};

// ── web servers ────────────────────────────────────────────────────────────────────────────────────────────

// "nginx: master process /usr/sbin/nginx -p /srv -c nginx.conf"
Path nginx_configuration(const RunningProgram& nginx) {
    const std::vector<std::string>& words = nginx.program.words;
    const std::string file = option_value(words, {"-c"});
    if (file.empty() || file.starts_with('/')) {
        return file.empty() ? k_usual_nginx : file;
    }
    return Path(option_value(words, {"-p"})) / file;
}

// Whether its configuration could be read whole.
bool find_nginx(Finder& finder, const RunningProgram& nginx) {
    const Path configuration = nginx_configuration(nginx);
    NginxDump dump(finder.request.nginx_dump.value_or(""));
    NginxFiles files(finder.files);
    // What `nginx -T` prints is that of a server started in the usual way.
    const bool is_printed = configuration == k_usual_nginx && !dump.main().empty();
    const NginxTree tree = is_printed ? parse_nginx(dump, dump.main()) : parse_nginx(files, configuration);
    const NginxSites sites = nginx_sites(tree);
    // Debian's and Ubuntu's is built for www-data; elsewhere the configuration names somebody.
    SiteFinder(finder, nginx, sites.user.empty() ? "www-data" : sites.user).find(sites.servers);
    return sites.whole;
}

void find_caddy(Finder& finder, const RunningProgram& caddy) {
    const std::optional<std::string> config = ask_api(finder.world, k_caddy_api, k_api_timeout);
    if (config) {
        SiteFinder(finder, caddy, "caddy").find(caddy_sites(*config));
    }
}

} // namespace

bool settle_page(Finder& finder, FoundCheck& check, const std::string& url, const std::string& resolve) {
    check.keys = {{"url", toml_text(url)}};
    if (!resolve.empty()) {
        check.keys.emplace_back("resolve", toml_text(resolve));
    }
    const FoundCheck* before = finder.settled(check.about);
    const bool same_page =
        before != nullptr && !before->keys.empty() && before->keys.front() == check.keys.front();
    if (same_page && before->type == "http") {
        check.keys = before->keys;
        check.why = before->why;
        return true;
    }
    if (before != nullptr && before->type == "tcp") {
        return false; // requests that it does not understand fill its log
    }
    const Duration time = finder.time_to_ask();
    const WebAnswer answer =
        time == Duration::zero() ? WebAnswer{} : ask_page(finder.world, url, resolve, time);
    if (!answer.trusted) {
        check.keys.emplace_back("verify", "false");
        check.why = say(k_untrusted, check.why);
    }
    const bool is_page = answer.kind == WebAnswer::Kind::page && answer.status < 500;
    if (is_page) {
        check.why = say(k_answers, check.why, answer.status);
    }
    if (answer.status < 200 || answer.status > 299) {
        check.keys.emplace_back("status", "[\"2xx\", \"3xx\", \"4xx\"]"); // nobody knows which is right
    }
    check.keys.emplace_back("follow", "false");
    // What fails now, or is not trusted yet, is asked again in the next run.
    const bool speaks = answer.kind != WebAnswer::Kind::not_http;
    check.settled = (is_page && answer.trusted) || !speaks;
    return speaks;
}

void find_sites(Finder& finder) {
    int unread = 0;
    int read = 0;
    for (const RunningProgram& program : finder.view.programs) {
        if (program.program.name == "nginx") {
            ++(find_nginx(finder, program) ? read : unread);
        } else if (program.program.name == "caddy") {
            find_caddy(finder, program);
        }
    }
    finder.nginx_read = read > 0 && unread == 0;
    find_applications(finder);
}

} // namespace lectio
