// Discovery of hosts that are made up: what of a host becomes which check, and what stays when something is gone.
#include "discovery/discover.h"
#include "support/made_up_server.h"
#include "util/text.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> names(const Discovered& discovered) {
    std::vector<std::string> all;
    for (const FoundCheck& check : discovered.checks) {
        all.push_back(check.name);
    }
    return all;
}

} // namespace

TEST_CASE("the server of LEGACY.md becomes the checks that somebody would have written") {
    MadeUpServer server;
    CHECK(names(server.look()) ==
          std::vector<std::string>{"disk", "memory", "load", "clock", "units", "nginx", "teaching_panel",
                                   "teaching_panel-workers", "celery-default", "redis-server", "redis",
                                   "celery", "teaching_panel-8000", "frontend-lectio-test",
                                   "site-lectio-test"});
    CHECK(server.text("unit nginx.service") ==
          "[health.check.nginx]\ntype = \"systemd\"\nunit = \"nginx.service\"\n");
    CHECK(server.text("site lectio.test") == "[health.check.site-lectio-test]\n"
                                             "type = \"http\"\n"
                                             "url = \"http://lectio.test/\"\n"
                                             "resolve = \"127.0.0.1\"\n"
                                             "follow = false\n"
                                             "needs = [\"nginx\", \"frontend-lectio-test\"]\n");
    CHECK(server.text("frontend " + server.folder("build"))
              .find("url = \"http://lectio.test\"\nresolve = \"127.0.0.1\"\n") != std::string::npos);
    CHECK(server.text("app 127.0.0.1:8000") == "[health.check.teaching_panel-8000]\n"
                                               "type = \"http\"\n"
                                               "url = \"http://127.0.0.1:8000/\"\n"
                                               "status = [\"2xx\", \"3xx\", \"4xx\"]\n"
                                               "follow = false\n"
                                               "needs = [\"teaching_panel\"]\n");
    CHECK(server.text("workers teaching_panel.wsgi") == "[health.check.teaching_panel-workers]\n"
                                                        "type = \"process\"\n"
                                                        "match = \"gunicorn.*teaching_panel\\\\.wsgi\"\n"
                                                        "min = 2\n"
                                                        "needs = [\"teaching_panel\"]\n");
    CHECK(server.text("celery 127.0.0.1:6379 0") == "[health.check.celery]\n"
                                                    "type = \"celery\"\n"
                                                    "broker = \"redis://127.0.0.1:6379/0\"\n"
                                                    "needs = [\"redis\", \"celery-default\"]\n");
    CHECK_FALSE(server.has("celery 127.0.0.1:6379 5")); // somebody else who listens to patterns
    CHECK(server.text("units").find(
              "needs = [\"nginx\", \"teaching_panel\", \"celery-default\", \"redis-server\"]") !=
          std::string::npos);
    CHECK(server.known.find("unit teaching_panel.service")->why.en.find(server.folder("project")) !=
          std::string::npos);
}

TEST_CASE("a clock that nobody keeps, or that may not be asked for, is how the host was made") {
    MadeUpServer server;
    const std::string_view clock = "clock";
    SECTION("nobody keeps it") {
        server.host.sync = TimeSync{.synchronised = false};
        CHECK(server.look().find(clock) == nullptr);
    }
    SECTION("a container may not ask") {
        server.host.sync = Error{ErrorKind::permission, "unable to ask the kernel about its clock"};
        CHECK(server.look().find(clock) == nullptr);
    }
    SECTION("it was kept: that its service ended is to be told") {
        REQUIRE(server.look().find(clock) != nullptr);
        server.host.sync = TimeSync{.synchronised = false};
        CHECK(server.look().find(clock) != nullptr);
    }
}

TEST_CASE("what has been asked once is not asked again, and nothing changes") {
    MadeUpServer server;
    const Discovered first = server.look();
    const std::size_t asked = server.http.requests().size();
    CHECK(asked == 2);
    server.clock.advance(1min);
    CHECK(server.look().checks == first.checks);
    CHECK(server.processes.asked().empty());
    CHECK(server.http.requests().size() == asked);
}

TEST_CASE("what stops is watched on") {
    MadeUpServer server;
    const std::string before = config_of(server.look());
    for (const int pid : {100, 200, 300, 400}) {
        server.end(pid);
    }
    server.clock.advance(24h);
    const std::vector<std::string> all = names(server.look());
    CHECK(all.size() == 15);
    CHECK(server.text("site lectio.test").find("needs = [\"nginx\", \"frontend-lectio-test\"]") !=
          std::string::npos);
    server.clock.advance(24h * 7);
    CHECK(server.look().checks.size() == 5); // what every host has
}

TEST_CASE("an application that has stopped stays the consequence of its unit") {
    MadeUpServer server;
    server.look();
    const std::string before = server.text("app 127.0.0.1:8000");
    server.end(200); // nginx still passes requests on to it
    server.look();
    CHECK(server.text("app 127.0.0.1:8000") == before);
    CHECK(server.text("units").find("\"teaching_panel\"") != std::string::npos); // one fault, told once
}

TEST_CASE("what somebody took away is forgotten at once") {
    MadeUpServer server;
    server.look();
    SECTION("a name in nginx's configuration") {
        server.configure("server_name other.test;");
        server.look();
        CHECK_FALSE(server.has("site lectio.test"));
        CHECK(server.has("site other.test"));
    }
    SECTION("but not while that cannot be read whole") {
        server.configure("server_name other.test; }}");
        server.look();
        CHECK(server.has("site lectio.test"));
    }
    SECTION("a unit that was disabled, masked or removed") {
        server.end(300);
        server.look();
        CHECK(server.has("unit celery-default.service"));
        server.services.units["celery-default.service"].unit_file_state = "disabled";
        server.look();
        CHECK_FALSE(server.has("unit celery-default.service"));
        server.end(400);
        server.services.units.erase("redis-server.service");
        server.look();
        CHECK_FALSE(server.has("unit redis-server.service"));
    }
    SECTION("but not one that has failed") {
        server.end(300);
        server.services.units["celery-default.service"].active_state = "failed";
        server.services.units["celery-default.service"].unit_file_state = "disabled";
        server.look();
        CHECK(server.has("unit celery-default.service"));
    }
}

TEST_CASE("a certificate that this host trusts is watched, another is said to be unwatched") {
    MadeUpServer server;
    server.configure("listen 443 ssl; server_name lectio.test;");
    SECTION("trusted") {
        server.http.on("https://lectio.test/", page(302));
        server.look();
        CHECK(server.text("certificate lectio.test")
                  .find("address = \"127.0.0.1:443\"\nserver_name = \"lectio.test\"") != std::string::npos);
        CHECK(server.text("site lectio.test").find("status = [\"2xx\", \"3xx\", \"4xx\"]") !=
              std::string::npos);
    }
    const auto refuses = [&](const std::string& why) {
        server.http.on("https://lectio.test/", [why](const HttpRequest& request) {
            return request.verify ? failed(HttpAnswer::Failure::tls, HttpAnswer::Phase::tls, why) : page(200);
        });
    };
    SECTION("self-signed") {
        refuses("self-signed certificate");
        server.look();
        CHECK_FALSE(server.has("certificate lectio.test"));
        CHECK(server.text("site lectio.test").find("verify = false") != std::string::npos);
        CHECK(server.text("frontend " + server.folder("build")).find("url") == std::string::npos);
        CHECK(server.known.find("site lectio.test")->why.en.find("not one that this host trusts") !=
              std::string::npos);
        // It is looked at again: somebody may be about to set it up.
        server.http.on("https://lectio.test/", page(200));
        server.look();
        CHECK(server.has("certificate lectio.test"));
        CHECK(server.text("site lectio.test").find("verify") == std::string::npos);
    }
    SECTION("expired: a fault, not a custom") {
        refuses("certificate has expired");
        server.look();
        CHECK(server.has("certificate lectio.test"));
        CHECK(server.text("site lectio.test").find("verify") == std::string::npos);
    }
}

TEST_CASE("a site that is down when it is first seen is asked again, until it says how it answers") {
    MadeUpServer server;
    server.http.on("http://lectio.test/", page(502));
    server.look();
    CHECK(server.text("site lectio.test").find("status = [\"2xx\", \"3xx\", \"4xx\"]") != std::string::npos);
    server.http.on("http://lectio.test/", page(200));
    server.look();
    CHECK(server.text("site lectio.test").find("status") == std::string::npos);
    server.http.on("http://lectio.test/", page(404));
    server.look();
    CHECK(server.text("site lectio.test").find("status") == std::string::npos); // now that is a fault
}

TEST_CASE("a Redis that wants a password is only connected to") {
    MadeUpServer server;
    server.redis_is_locked = true;
    server.look();
    CHECK(server.text("redis 127.0.0.1:6379").find("type = \"tcp\"\naddress = \"127.0.0.1:6379\"") !=
          std::string::npos);
    CHECK_FALSE(server.has("celery 127.0.0.1:6379 0"));
}

TEST_CASE("without systemd the processes themselves are watched") {
    MadeUpServer server;
    server.services.broken = Error{ErrorKind::not_found, "no systemd"};
    for (auto& [pid, place] : server.host.places) {
        place.unit.clear();
    }
    server.look();
    CHECK_FALSE(server.has("units"));
    CHECK(server.text("program nginx") ==
          "[health.check.nginx]\ntype = \"process\"\nmatch = \"(^|[/ ])nginx([ :]|$)\"\n");
    CHECK(server.text("program gunicorn teaching_panel.wsgi")
              .find("match = \"(^|[/ ])gunicorn[ :].*teaching_panel\\\\.wsgi\"") != std::string::npos);
    CHECK(server.text("app 127.0.0.1:8000").find("needs = [\"gunicorn\"]") != std::string::npos);
    CHECK_FALSE(server.has("port 22"));
}

TEST_CASE("containers and people's sessions are not services of this host") {
    MadeUpServer server;
    server.run(600, "docker-0123.scope", "/usr/lib/postgresql/15/bin/postgres -D /data",
               {{"0.0.0.0", 5433, 600, "postgres"}});
    server.host.places[600].contained = true;
    server.run(700, "session-3.scope", "/usr/bin/gunicorn trial.wsgi",
               {{"127.0.0.1", 8001, 700, "gunicorn"}});
    server.look();
    for (const FoundCheck& check : server.known.checks) {
        CHECK(check.about.find("postgres") == std::string::npos);
        CHECK(check.about.find("8001") == std::string::npos);
        CHECK(check.about.find("5433") == std::string::npos);
    }
}

TEST_CASE("services that nobody knows by name are found by their ports") {
    MadeUpServer server;
    server.run(600, "my-api.service", "/opt/my-api",
               {{"0.0.0.0", 9999, 600, "my-api"}, {"127.0.0.1", 45678, 600, "my-api"}});
    server.look();
    CHECK(server.has("unit my-api.service"));
    CHECK(server.text("port 9999") ==
          "[health.check.my-api-9999]\ntype = \"tcp\"\naddress = \"127.0.0.1:9999\"\nneeds = [\"my-api\"]\n");
    CHECK_FALSE(server.has("port 45678")); // from the range that the kernel gives away
    CHECK_FALSE(server.has("port 22"));
}

TEST_CASE("an application behind a Unix socket that systemd holds for it") {
    MadeUpServer server;
    server.end(200);
    server.run(201, "teaching_panel.service",
               "/venv/bin/gunicorn --bind unix:/run/panel.sock teaching_panel.wsgi:application",
               {{"/run/panel.sock", 0, 1, "systemd"}});
    server.configure("server_name lectio.test; location / { proxy_pass http://unix:/run/panel.sock:/; }");
    server.http.on("unix:/run/panel.sock:/", page(200));
    server.look();
    CHECK(server.text("app unix:/run/panel.sock") == "[health.check.teaching_panel-socket]\n"
                                                     "type = \"http\"\n"
                                                     "url = \"unix:/run/panel.sock:/\"\n"
                                                     "follow = false\n"
                                                     "needs = [\"teaching_panel\"]\n");
    CHECK(server.text("site lectio.test").find("needs = [\"nginx\", \"teaching_panel-socket\"]") !=
          std::string::npos);
}

TEST_CASE("a port that does not talk to strangers is only connected to") {
    MadeUpServer server;
    server.configure("listen 8443; server_name lectio.test;",
                     "server { listen 80 default_server; return 444; }");
    server.http.on("http://127.0.0.1/", failed(HttpAnswer::Failure::closed, HttpAnswer::Phase::first_byte));
    server.look();
    CHECK(server.text("port 80").find("type = \"tcp\"\naddress = \"127.0.0.1:80\"") != std::string::npos);
    const std::size_t asked = server.http.requests().size();
    server.http.on("http://127.0.0.1/", page(200));
    server.look();
    CHECK(server.text("port 80").find("tcp") != std::string::npos);
    for (std::size_t i = asked; i < server.http.requests().size(); ++i) {
        CHECK(server.http.requests()[i].url != "http://127.0.0.1/");
    }
}

TEST_CASE("a server that talks only to those who know its name is only connected to") {
    MadeUpServer server;
    server.run(600, "caddy.service", "/usr/bin/caddy run --config /etc/caddy/Caddyfile",
               {{"::", 443, 600, "caddy"}});
    server.http.on("https://127.0.0.1/",
                   failed(HttpAnswer::Failure::tls, HttpAnswer::Phase::tls, "tlsv1 alert internal error"));
    server.look();
    CHECK(server.text("port 443").find("type = \"tcp\"\naddress = \"127.0.0.1:443\"\nneeds = [\"caddy\"]") !=
          std::string::npos);
}

TEST_CASE("a site that breaks off the handshake when it is first seen is watched all the same") {
    MadeUpServer server;
    server.configure("listen 443 ssl; server_name lectio.test;");
    server.http.on("https://lectio.test/",
                   failed(HttpAnswer::Failure::tls, HttpAnswer::Phase::tls, "no certificate"));
    server.look();
    CHECK(server.text("site lectio.test").find("type = \"http\"") != std::string::npos);
}

TEST_CASE("an upstream that nobody listens on is a spare, not a fault") {
    MadeUpServer server;
    server.configure("server_name lectio.test; location / { proxy_pass http://app; }",
                     "upstream app { server localhost:8000; server 127.0.0.1:8001 backup; }");
    server.look();
    CHECK(server.has("app 127.0.0.1:8000"));
    CHECK_FALSE(server.has("app 127.0.0.1:8001"));
    CHECK(server.text("site lectio.test").find("needs = [\"nginx\", \"teaching_panel-8000\"]") !=
          std::string::npos);
}

TEST_CASE("what Caddy serves is asked of Caddy") {
    MadeUpServer server;
    server.run(600, "caddy.service", "/usr/bin/caddy run", {{"::", 443, 600, "caddy"}});
    server.http.on("http://127.0.0.1:2019/config/",
                   page(200, R"({"apps":{"http":{"servers":{"srv0":{"listen":[":443"],"routes":[
                       {"match":[{"host":["cube.test"]}],"handle":[{"handler":"reverse_proxy",
                        "upstreams":[{"dial":"127.0.0.1:8000"}]}]}]}}}}})"));
    server.http.on("https://cube.test/", page(200));
    server.look();
    CHECK(server.text("site cube.test").find("url = \"https://cube.test/\"\nresolve = \"127.0.0.1\"\n") !=
          std::string::npos);
    CHECK(server.has("certificate cube.test"));
    CHECK_FALSE(server.has("port 443"));
}

TEST_CASE("Compose projects, where there is a check for them") {
    MadeUpServer server;
    server.run(600, "docker.service", "/usr/bin/dockerd -H fd://");
    server.http.on(
        "unix:/var/run/docker.sock:/containers/json",
        page(
            200,
            R"([{"Labels":{"com.docker.compose.project":"horoscopus","com.docker.compose.service":"web"}}])"));
    server.look();
    CHECK(server.text("compose horoscopus") ==
          "[health.check.horoscopus]\ntype = \"docker\"\nproject = \"horoscopus\"\nneeds = [\"docker\"]\n");
    server.known = {};
    server.missing_type = "docker";
    server.look();
    CHECK_FALSE(server.has("compose horoscopus"));
}

TEST_CASE("file systems that hold what was found") {
    MadeUpServer server;
    server.host.mount_list->push_back({"/dev/vdb", "/var/lib/redis", "ext4", "rw"});
    server.host.mount_list->push_back({"nas:/x", server.folder("build"), "nfs4", "rw"});
    server.host.mount_list->push_back({"/dev/vdc", "/srv/unused", "ext4", "rw"});
    server.look();
    CHECK(server.text("disk /var/lib/redis").find("[health.check.disk-var-lib-redis]") != std::string::npos);
    CHECK_FALSE(server.has("disk " + server.folder("build")));
    CHECK_FALSE(server.has("disk /srv/unused"));
}

TEST_CASE("what hangs holds nothing up") {
    MadeUpServer server;
    server.http.never("http://lectio.test/");
    server.http.never("http://127.0.0.1:8000/");
    const SteadyTime begin = server.clock.steady();
    server.look();
    CHECK(server.clock.steady() - begin < 4s);
    CHECK(server.has("site lectio.test"));
}

TEST_CASE("whatever processes call themselves, names are names and texts are texts") {
    MadeUpServer server;
    server.run(600, "a\"b]\n.service", "/opt/x", {{"0.0.0.0", 7000, 600, "x\"]\n[y"}});
    server.run(601, "проверка.service", "/opt/x", {{"0.0.0.0", 7001, 601, "\xFF"}});
    server.configure("server_name _; root \"/srv/a\\\"b\";");
    server.http.on("http://127.0.0.1/", page(200));
    for (const FoundCheck& check : server.look().checks) {
        INFO(check.about);
        CHECK(is_name(check.name));
        CHECK(is_utf8(config_of(check, server.known)));
        for (const auto& [key, value] : check.keys) {
            CHECK(value.find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("who only calls himself nginx does not lead us to his files") {
    MadeUpServer server;
    const auto nginx = [&]() -> ProcessInfo& { return server.host.process_list->front(); };
    REQUIRE(nginx().pid == 100);
    nginx().owner = 33;
    SECTION("another program") {
        server.host.places[100].program = "/usr/bin/python3.11";
    }
    SECTION("a program of his own of that name") {
        server.host.places[100].program = "/tmp/nginx";
    }
    server.look();
    CHECK_FALSE(server.has("site lectio.test"));
    REQUIRE(server.known.missed.size() == 1);
    CHECK(server.known.missed[0].en.find("process 100 calls itself nginx") != std::string::npos);
}

TEST_CASE("nginx is nginx whoever runs it, and while its file is exchanged") {
    MadeUpServer server;
    ProcessInfo& nginx = server.host.process_list->front();
    SECTION("as a user of its own") {
        nginx.owner = 33;
        server.host.places[100].program = "/usr/sbin/nginx";
    }
    SECTION("upgraded") {
        nginx.owner = 33;
        server.host.places[100].program = "/usr/sbin/nginx (deleted)";
    }
    SECTION("root's, from anywhere") {
        server.host.places[100].program = "/srv/openresty/nginx";
    }
    server.look();
    CHECK(server.has("site lectio.test"));
    CHECK(server.known.missed.empty());
}

TEST_CASE("a project on a mount that may hang is not touched, and that is said") {
    MadeUpServer server;
    server.host.mount_list->push_back({"x", server.folder("project"), "fuse.sshfs", "rw"});
    server.look();
    CHECK(server.known.find("unit teaching_panel.service")->why.en.find(server.folder("project")) ==
          std::string::npos);
    REQUIRE(server.known.missed.size() == 1);
    CHECK(server.known.missed[0].en.find("(fuse.sshfs) may hang") != std::string::npos);
}

TEST_CASE("who opens a thousand ports does not get a thousand checks") {
    MadeUpServer server;
    for (int port = 2000; port < 3000; ++port) {
        server.host.listener_list->push_back({"0.0.0.0", static_cast<std::uint16_t>(port), 200, "gunicorn"});
    }
    server.look();
    CHECK(server.known.checks.size() == 300);
    CHECK(server.has("site lectio.test"));
    REQUIRE_FALSE(server.known.missed.empty());
    CHECK(server.known.missed.back().en.find("more than 300 things") != std::string::npos);
}
