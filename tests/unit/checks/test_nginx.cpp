#include "checks/nginx.h"
#include "support/bare_world.h"
#include "support/fake_processes.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

using Header = HeadersSettings::Header;

std::string dump(const std::string& http) {
    return "# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\n" + http + "\n}\n";
}

CheckResult judged(const std::string& http, const NginxSettings& settings) {
    return evaluate_nginx(exited(0, dump(http)), settings);
}

std::vector<std::string> seen(const CheckResult& result) {
    std::vector<std::string> words;
    for (const Finding& finding : result.findings) {
        words.push_back(finding.seen.en);
    }
    std::sort(words.begin(), words.end());
    return words;
}

using Words = std::vector<std::string>;

NginxSettings only_limits(std::vector<std::string> paths) {
    NginxSettings settings;
    settings.server_tokens = true;
    settings.limit_req = std::move(paths);
    return settings;
}

NginxSettings only_headers(std::vector<Header> headers) {
    NginxSettings settings;
    settings.server_tokens = true;
    settings.headers = std::move(headers);
    return settings;
}

} // namespace

TEST_CASE("nginx's own line says what its configuration lacks", "[nginx]") {
    const CheckResult broken = evaluate_nginx(
        exited(1, "",
               "nginx: [warn] conflicting server name \"x\" on 0.0.0.0:80, ignored\n"
               "nginx: [emerg] unknown directive \"lisen\" in /etc/nginx/sites-enabled/lectio:3\n"
               "nginx: configuration file /etc/nginx/nginx.conf test failed\n"),
        {});
    CHECK(broken.status == Status::warning);
    CHECK(broken.message.en == "nginx does not take its configuration: nginx: [emerg] unknown directive "
                               "\"lisen\" in /etc/nginx/sites-enabled/lectio:3");
    CHECK(broken.remedy == Remedy::cannot_help);
    // As it says so once it has opened the error log.
    const CheckResult logged =
        evaluate_nginx(exited(1, "",
                              "2026/11/23 02:50:59 [emerg] 1616#1616: unknown directive \"lisen\" in "
                              "/etc/nginx/sites-enabled/lectio:3\n"),
                       {});
    CHECK(logged.message == broken.message);
    const CheckResult refused = evaluate_nginx(
        exited(1, "",
               "nginx: [emerg] cannot load certificate key \"/etc/x.key\": BIO_new_file() failed "
               "(SSL: error:8000000D:system library::Permission denied)\n"
               "nginx: [emerg] open() \"/run/nginx.pid\" failed (13: Permission denied)\n"),
        {});
    CHECK(refused.status == Status::warning); // its first line counts
    const CheckResult not_root = evaluate_nginx(
        exited(1, "", "nginx: [emerg] open() \"/run/nginx.pid\" failed (13: Permission denied)\n"), {});
    CHECK(not_root.status == Status::unknown);
    CHECK(evaluate_nginx(Error{ErrorKind::not_found, "unable to run nginx: No such file or directory"}, {})
              .status == Status::unknown);
    ProcessAnswer late;
    late.timed_out = true;
    CHECK(evaluate_nginx(late, {}).message.en == "nginx -T has not ended within 10 s");
    ProcessAnswer killed; // by the kernel, say: no fault of the configuration
    killed.signal = 9;
    CHECK(evaluate_nginx(killed, {}).status == Status::unknown);
    CHECK(evaluate_nginx(killed, {}).message.en == "nginx -T was ended by signal SIGKILL");
    CHECK(evaluate_nginx(exited(3, "", ""), {}).message.ru ==
          "nginx не принимает свою конфигурацию: код завершения 3");
    CHECK(evaluate_nginx(exited(0, "hello\n"), {}).status == Status::unknown);
    CHECK(evaluate_nginx(exited(0, dump("server {")), {}).status != Status::ok);
}

TEST_CASE("paths that nginx passes on have a limit", "[nginx]") {
    const NginxSettings settings = only_limits({"/api/jwt/token/"});
    const Words open{"lectio.test: /api/jwt/token/ is passed on without a limit on requests"};
    const auto server = [](const std::string& inside) {
        return "server { server_name lectio.test; " + inside + " }";
    };
    CHECK(seen(judged(server("location / { proxy_pass http://a; }"), settings)) == open);
    CHECK(seen(judged("limit_req zone=all; " + server("location / { proxy_pass http://a; }"), settings))
              .empty());
    CHECK(seen(judged(server("location / { limit_req zone=x; proxy_pass http://a; }"), settings)).empty());
    CHECK(seen(judged("limit_req_dry_run on; " +
                          server("location / { limit_req zone=x; proxy_pass http://a; }"),
                      settings)) == open);
    CHECK(seen(judged(server("location / { limit_req zone=x; limit_req_dry_run off; proxy_pass http://a; }"),
                      settings))
              .empty());
    // An expression goes before a prefix, but not before "^~", nor before what is nested in it.
    CHECK(seen(judged(server("location /api/ { limit_req zone=x; proxy_pass http://a; }"
                             "location ~ /token/$ { proxy_pass http://a; }"),
                      settings)) == open);
    CHECK(seen(judged(server("location ^~ /api/ { limit_req zone=x; proxy_pass http://a; }"
                             "location ~ /token/$ { proxy_pass http://a; }"),
                      settings))
              .empty());
    CHECK(seen(judged(server("location = /api/jwt/token/ { limit_req zone=x; proxy_pass http://a; }"
                             "location ~* /TOKEN/ { proxy_pass http://a; }"),
                      settings))
              .empty());
    CHECK(seen(judged(server("location /api/ { proxy_pass http://a;"
                             "  location ~ /token/ { limit_req zone=x; proxy_pass http://a; } }"
                             "location ~ . { proxy_pass http://a; }"),
                      settings))
              .empty());
    // Where no file answers, the application does.
    const std::string spa = "root /srv; location / { try_files $uri @app; }";
    CHECK(seen(judged(server(spa + "location @app { proxy_pass http://a; } location ~ /\\. { deny all; }"),
                      settings)) == open);
    CHECK(seen(judged(server(spa + "location @app { limit_req zone=x; proxy_pass http://a; }"
                                   "location ~ /\\. { deny all; }"),
                      settings))
              .empty());
    CHECK(seen(judged(server("return 301 https://x;"), settings)) ==
          Words{"no server of nginx passes /api/jwt/token/ on"});
    // What only sends visitors elsewhere limits nothing.
    CHECK(seen(judged("server { listen 80; return 301 https://x; location / { proxy_pass http://a; } }" +
                          server("location / { limit_req zone=x; proxy_pass http://a; }"),
                      settings))
              .empty());
}

TEST_CASE("the limit that is advised can be pasted: a zone once, and one that pages can live with",
          "[nginx]") {
    const std::string open = "server { server_name lectio.test; location / { proxy_pass http://a; } }";
    const auto mend = [](const CheckResult& result, std::size_t i) { return result.findings.at(i).mend.en; };
    const CheckResult both = judged(open, only_limits({"/api/jwt/token/", "/api/jwt/register/", "/api/"}));
    REQUIRE(both.findings.size() == 3);
    CHECK(mend(both, 0) ==
          "http { limit_req_zone $binary_remote_addr zone=login:10m rate=5r/m; }  location "
          "/api/jwt/token/ { limit_req zone=login burst=3 nodelay; limit_req_status 429; … }");
    CHECK(mend(both, 1) == "location /api/jwt/register/ { limit_req zone=login burst=3 nodelay; "
                           "limit_req_status 429; … }  (limit_req_zone: as for /api/jwt/token/)");
    CHECK_THAT(mend(both, 2), Catch::Contains("zone=api:10m rate=10r/s") && Catch::Contains("burst=40"));
    CHECK(both.findings.at(2).why.en.find("passwords") == std::string::npos);
    // nginx takes no second zone of that name.
    const CheckResult known = judged("limit_req_zone $binary_remote_addr zone=login:1m rate=5r/m; " + open,
                                     only_limits({"/login/"}));
    CHECK(mend(known, 0) ==
          "location /login/ { limit_req zone=login burst=3 nodelay; limit_req_status 429; … }");
}

TEST_CASE("nginx takes bodies as large as the application does, and no larger", "[nginx]") {
    NginxSettings settings = only_limits({});
    settings.max_body = 200_MB;
    CHECK(seen(judged("client_max_body_size 200m; server { location / { proxy_pass http://a; } }", settings))
              .empty());
    const CheckResult large =
        judged("client_max_body_size 2G; server { server_name a; location /up/ { client_max_body_size 0; } }",
               settings);
    CHECK(seen(large) == Words{"a, location /up/: bodies of any size are taken, the application takes 200 MB",
                               "http: bodies of up to 2 GB are taken, the application takes 200 MB"});
    CHECK(large.findings.front().mend.en == "client_max_body_size 200m;");
    CHECK(seen(judged("server { listen 80; }", settings)) ==
          Words{"bodies of up to 1 MB are taken, the application takes 200 MB"});
    // One place for uploads is enough.
    CHECK(seen(judged("server { location /up/ { client_max_body_size 204800k; } }", settings)).empty());
}

TEST_CASE("the version is told once for each block that lets it be told", "[nginx]") {
    NginxSettings settings;
    CHECK(seen(judged("server { server_name a; } server { server_name b; }", settings)) ==
          Words{"http: nginx tells its version"});
    CHECK(seen(judged(
              "server_tokens off; server { server_name a; } server { server_name b; server_tokens on; }",
              settings)) == Words{"b: nginx tells its version"});
    CHECK(seen(judged("server { server_name a; server_tokens off; }", settings)).empty());
    settings.server_tokens = true;
    CHECK(seen(judged("server { server_name a; }", settings)).empty());
}

TEST_CASE("an add_header of a location stands instead of those around it", "[nginx]") {
    const NginxSettings settings = only_headers({Header::hsts, Header::nosniff, Header::frame});
    const std::string good = "add_header Strict-Transport-Security max-age=31536000 always; "
                             "add_header X-Content-Type-Options nosniff; "
                             "add_header Content-Security-Policy \"frame-ancestors 'none'\";";
    const auto server = [](const std::string& inside) {
        return "server { listen 443 ssl; server_name a; " + inside + " }";
    };
    CHECK(seen(judged(
                   server(good + "location / { proxy_pass http://a; } location /x/ { proxy_pass http://a; }"),
                   settings))
              .empty());
    CHECK(seen(judged(server("location / { proxy_pass http://a; } location /x/ { proxy_pass http://a; }"),
                      settings)) ==
          Words{"a: no Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options"});
    const CheckResult lost =
        judged(server(good + "location /static/ { add_header Cache-Control public; root /srv; }"
                             "location ~ /\\. { deny all; }"),
               settings);
    CHECK(seen(lost) == Words{"a, location /static/: no Strict-Transport-Security, X-Content-Type-Options, "
                              "X-Frame-Options (its own add_header stands instead of those around it)"});
    CHECK(lost.findings.front().mend.en.find(
              "location /static/ { add_header Strict-Transport-Security "
              "\"max-age=31536000\" always; add_header X-Content-Type-Options") == 0);
    CHECK(seen(judged(
                   server(good + "add_header_inherit merge; location / { add_header Cache-Control public; }"),
                   settings))
              .empty());
    // Of plain http no HSTS is asked, and of what sends visitors elsewhere nothing.
    CHECK(seen(judged("server { listen 80; server_name a; location / { proxy_pass http://a; } }",
                      settings)) == Words{"a: no X-Content-Type-Options, X-Frame-Options"});
    CHECK(seen(judged("server { listen 80; return 301 https://a; }" + server(good), settings)).empty());
    CHECK(seen(judged(server(good + "location = /old { add_header X-A b; return 301 /new; }"
                                    "location /in/ { internal; add_header X-A b; }"),
                      settings))
              .empty());
}

TEST_CASE("files that are nobody's business are not given away", "[nginx]") {
    const NginxSettings settings = only_limits({});
    const auto server = [](const std::string& inside) { return "server { server_name a; " + inside + " }"; };
    CHECK(seen(judged(server("root /srv;"), settings)) == Words{"a: /.env, /.git/HEAD is not denied"});
    CHECK(seen(judged(server("root /srv; location ~ /\\. { deny all; }"), settings)).empty());
    CHECK(seen(judged(server("root /srv; location ~ /\\.git { return 404; }"), settings)) ==
          Words{"a: /.env is not denied"});
    CHECK(seen(judged(server("root /srv; location / { allow 10.0.0.0/8; deny all; }"), settings)).empty());
    CHECK(seen(judged(server("location / { proxy_pass http://a; } location /static/ { alias /srv/; }"),
                      settings))
              .empty());
    CHECK(seen(judged(server("location / { root /srv; try_files $uri /index.html; }"), settings)).size() ==
          1);

    NginxSettings listed = settings;
    const std::string list = "location /files/ { autoindex on; alias /srv/files/; }";
    CHECK(seen(judged(server(list), listed)) == Words{"a, location /files/: autoindex is on"});
    listed.listed = {"/files/"};
    CHECK(seen(judged(server(list), listed)).empty());
    CHECK(seen(judged("autoindex on; " + server("autoindex off;"), settings)) ==
          Words{"http: autoindex is on"});
}

TEST_CASE("the command of the configuration is asked", "[nginx]") {
    NginxSettings settings;
    settings.command = {"docker", "exec", "web", "nginx", "-T"};
    FakeProcesses processes;
    processes.answers.emplace("docker", exited(0, dump("server_tokens off; server { listen 80; }")));
    BareWorld bare;
    const World world{bare.clock, bare.files, bare.host, bare.http, processes, bare.services, bare.redis};
    const std::map<std::string, std::string> nothing;
    const std::unique_ptr<Check> check = nginx_check_type().make(&settings);
    const CheckResult result = dynamic_cast<const BlockingCheck&>(*check).run(
        {world, bare.clock.now(), bare.clock.steady() + 30s, nothing});
    CHECK(result.status == Status::ok);
    CHECK(result.message.en == "nginx: 1 server looked at, nothing found");
    CHECK(processes.asked().front().command.front() == "docker");
}
