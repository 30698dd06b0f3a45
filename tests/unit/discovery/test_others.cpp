// What Caddy and Docker tell of themselves.
#include "discovery/caddy_sites.h"
#include "discovery/compose_projects.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("Caddy's configuration as its admin API gives it") {
    // `caddy adapt` of: cube.example.org { root * /srv/www; file_server; handle /api/* { reverse_proxy 127.0.0.1:8000 } }
    //                   :8080 { respond "x" }   and of old.example.org { redir https://cube.example.org{uri} }
    const std::vector<WebServer> sites = caddy_sites(R"({"apps":{"http":{"servers":{
        "srv0":{"listen":[":443"],"routes":[
          {"match":[{"host":["cube.example.org"]}],"handle":[{"handler":"subroute","routes":[
            {"handle":[{"handler":"vars","root":"/srv/www"}]},
            {"group":"group2","handle":[{"handler":"subroute","routes":[{"handle":[
              {"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:8000"},{"dial":"unix//run/app.sock"}]}]}]}],
             "match":[{"path":["/api/*"]}]},
            {"handle":[{"handler":"file_server","hide":["./Caddyfile"]}]}]}],"terminal":true},
          {"match":[{"host":["old.example.org"]}],"handle":[{"handler":"subroute","routes":[{"handle":[
            {"handler":"static_response","headers":{"Location":["https://cube.example.org{http.request.uri}"]},
             "status_code":302}]}]}],"terminal":true}]},
        "srv1":{"listen":[":8080"],"routes":[{"handle":[{"body":"x","handler":"static_response"}]}]}}}}})");
    REQUIRE(sites.size() == 2);
    CHECK(sites[0].names == std::vector<std::string>{"cube.example.org"});
    CHECK(sites[0].listens == std::vector<WebListen>{{"*", 443, true}});
    CHECK(sites[0].root == "/srv/www");
    CHECK(sites[0].backends ==
          std::vector<WebBackend>{{"http", "127.0.0.1:8000"}, {"http", "unix:/run/app.sock"}});
    CHECK_FALSE(sites[0].redirects);
    CHECK(sites[1].redirects);
}

TEST_CASE("whatever Caddy's port answers, it ends") {
    for (const std::string text :
         {"", "null", "[]", "{}", "{\"apps\":5}", "{\"apps\":{\"http\":{\"servers\":[]}}}",
          "{\"apps\":{\"http\":{\"servers\":{\"a\":{\"listen\":[5,\":x\",\":99999\"],\"routes\":[5,{}]}}}}"
          "}"}) {
        CHECK(caddy_sites(text).empty());
    }
    CHECK(caddy_sites(std::string(100'000, '[')).empty());
}

TEST_CASE("Compose projects in the list of containers") {
    const std::vector<ComposeProject> projects = compose_projects(R"([
      {"Id":"a","Names":["/horoscopus-web-1"],"State":"running","Labels":{"com.docker.compose.project":"horoscopus",
        "com.docker.compose.service":"web","com.docker.compose.project.working_dir":"/srv/horoscopus"}},
      {"Id":"b","Names":["/horoscopus-db-1"],"State":"running","Labels":{"com.docker.compose.project":"horoscopus",
        "com.docker.compose.service":"db","com.docker.compose.project.working_dir":"/srv/horoscopus"}},
      {"Id":"c","Names":["/lone"],"State":"running","Labels":{}}, {"Labels":null}, 5])");
    REQUIRE(projects.size() == 1);
    CHECK(projects[0].name == "horoscopus");
    CHECK(projects[0].folder == "/srv/horoscopus");
    CHECK(projects[0].services == std::vector<std::string>{"db", "web"});
    for (const std::string text :
         {"", "{}", "[[]]", "[{\"Labels\":[]}]", "[{\"Labels\":{\"com.docker.compose.project\":5}}]"}) {
        CHECK(compose_projects(text).empty());
    }
}
