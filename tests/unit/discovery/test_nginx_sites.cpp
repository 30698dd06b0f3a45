// What is served, out of nginx's configuration: recorded ones, and each way to say a thing.
#include "discovery/nginx_sites.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

using Words = std::vector<std::string>;

NginxSites sites_in(const std::string& dump_text) {
    NginxDump dump(dump_text);
    return nginx_sites(parse_nginx(dump, dump.main()));
}

WebServer server(const std::string& directives, const std::string& before = "") {
    const NginxSites sites = sites_in("# configuration file /etc/nginx/nginx.conf:\nhttp { " + before +
                                      " server { " + directives + " } }");
    REQUIRE(sites.servers.size() == 1);
    return sites.servers[0];
}

NginxSites recorded(const std::string& name) {
    return sites_in(slurp(Path(LECTIO_SOURCE_FOLDER) / "tests/fixtures/nginx" / name));
}

} // namespace

TEST_CASE("a recorded configuration: Django behind nginx, certbot's redirect, a panel") {
    const NginxSites sites = recorded("lectio.txt");
    CHECK(sites.whole);
    CHECK(sites.user == "www-data");
    REQUIRE(sites.servers.size() == 4);
    CHECK(sites.servers[0].redirects);
    const WebServer& lectio = sites.servers[1];
    CHECK(lectio.names == Words{"lectio.example.org", "www.lectio.example.org", "lectio.example.net"});
    CHECK(lectio.listens == std::vector<WebListen>{{"*", 443, true}, {"::", 443, true}});
    CHECK(lectio.root == "/var/www/teaching_panel/frontend/build");
    CHECK(lectio.certificate == "/etc/letsencrypt/live/lectio.example.org/fullchain.pem");
    CHECK(lectio.backends == std::vector<WebBackend>{{"http", "unix:/run/teaching_panel.sock"},
                                                     {"http", "127.0.0.1:8001"},
                                                     {"http", "127.0.0.1:9000"}});
    CHECK(lectio.front.empty());
    CHECK_FALSE(lectio.redirects);
    const WebServer& panel = sites.servers[2];
    CHECK(panel.listens == std::vector<WebListen>{{"127.0.0.1", 8081, false}});
    CHECK(panel.root.empty());
    CHECK(panel.front == std::vector<WebBackend>{{"http", "127.0.0.1:3000"}});
    CHECK(sites.servers[3].names.empty());
    CHECK(sites.servers[3].redirects);
}

TEST_CASE("a recorded configuration: Debian's own") {
    const NginxSites sites = recorded("debian-12.txt");
    CHECK(sites.whole);
    REQUIRE(sites.servers.size() == 1);
    CHECK(sites.servers[0].names.empty());
    CHECK(sites.servers[0].root == "/var/www/html");
    CHECK(sites.servers[0].listens == std::vector<WebListen>{{"*", 80, false}, {"::", 80, false}});
}

TEST_CASE("names are host names and nothing else") {
    CHECK(server("server_name _ \"\" *.x.org mail.* ~^(.+)$ $host 192.0.2.1 localhost A.Example.org "
                 "a.example.org;")
              .names == Words{"a.example.org"});
    CHECK(server("server_name .example.org; server_name b.org;").names == Words{"example.org", "b.org"});
    CHECK(server("").names.empty());
    CHECK(is_host_name("xn--e1afmkfd.xn--p1ai"));
    CHECK_FALSE(is_host_name("a..b"));
    CHECK_FALSE(is_host_name("a/b"));
    CHECK_FALSE(is_host_name("пример.рф"));
    CHECK_FALSE(is_host_name("10.0.0.1"));
}

TEST_CASE("each way to write listen") {
    const auto listen = [](const std::string& words) { return server("listen " + words + ";").listens; };
    using Listens = std::vector<WebListen>;
    CHECK(server("").listens == Listens{{"*", 80, false}});
    CHECK(listen("8080") == Listens{{"*", 8080, false}});
    CHECK(listen("*:8080 default_server") == Listens{{"*", 8080, false}});
    CHECK(listen("192.0.2.7") == Listens{{"192.0.2.7", 80, false}});
    CHECK(listen("192.0.2.7:443 ssl http2") == Listens{{"192.0.2.7", 443, true}});
    CHECK(listen("[::]:80 ipv6only=on") == Listens{{"::", 80, false}});
    CHECK(listen("[::1]") == Listens{{"::1", 80, false}});
    CHECK(listen("localhost:8000") == Listens{{"127.0.0.1", 8000, false}});
    CHECK(listen("unix:/run/nginx.sock") == Listens{{"/run/nginx.sock", 0, false}});
    CHECK(listen("443 quic reuseport").empty());
    CHECK(listen("[::1:80").empty());
    CHECK(listen("a:0").empty());
    CHECK(listen("a:99999").empty());
    CHECK(server("listen 443; ssl on;").listens == Listens{{"*", 443, true}});
}

TEST_CASE("what location / is served from") {
    CHECK(server("", "root /srv/all;").root == "/srv/all");
    CHECK(server("root /srv/a;", "root /srv/all;").root == "/srv/a");
    CHECK(server("root /srv/a; location / { root /srv/b; }").root == "/srv/b");
    CHECK(server("root /srv/a; location /x/ { root /srv/b; }").root == "/srv/a");
    CHECK(server("root /srv/$host;").root.empty());
    CHECK(server("root html;").root.empty());
    CHECK(server("root /srv/a; location / { proxy_pass http://127.0.0.1:1; }").root.empty());
}

TEST_CASE("where requests are passed on to") {
    const auto passed = [](const std::string& words, const std::string& before = "") {
        return server("location / { " + words + "; }", before).front;
    };
    using Backends = std::vector<WebBackend>;
    CHECK(passed("proxy_pass http://127.0.0.1:8000/x") == Backends{{"http", "127.0.0.1:8000"}});
    CHECK(passed("proxy_pass https://[::1]:8443") == Backends{{"https", "[::1]:8443"}});
    CHECK(passed("proxy_pass http://backend.lan") == Backends{{"http", "backend.lan:80"}});
    CHECK(passed("proxy_pass http://unix:/run/a.sock:/x") == Backends{{"http", "unix:/run/a.sock"}});
    CHECK(passed("uwsgi_pass unix:/run/u.sock") == Backends{{"uwsgi", "unix:/run/u.sock"}});
    CHECK(passed("uwsgi_pass 127.0.0.1:3031") == Backends{{"uwsgi", "127.0.0.1:3031"}});
    CHECK(passed("fastcgi_pass app", "upstream app { server 127.0.0.1:9000 weight=2; }") ==
          Backends{{"fastcgi", "127.0.0.1:9000"}});
    CHECK(passed("proxy_pass http://$backend").empty());
    CHECK(passed("proxy_pass").empty());
    CHECK(passed("proxy_pass http://app", "upstream app { }").empty());
}

TEST_CASE("servers that only send elsewhere") {
    CHECK(server("return 301 https://x$request_uri;").redirects);
    CHECK(server("return https://x;").redirects);
    CHECK(server("return 444;").redirects);
    CHECK(server("location / { return 302 /app/; }").redirects);
    CHECK_FALSE(server("return 200 ok;").redirects);
    CHECK_FALSE(server("if ($host = x) { return 301 https://x; }").redirects);
    CHECK_FALSE(server("location /old/ { return 301 /new/; }").redirects);
}
