#include "checks/docker.h"
#include "platform/curl_http.h"
#include "support/bare_world.h"
#include "support/hostile_server.h"
#include "support/temp_folder.h"

#include <map>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const Now k_now{WallTime(Duration(1'769'076'000'000)), 5h, "boot"};

DockerContainer container(const std::string& name, const std::string& state = "running") {
    DockerContainer made;
    made.name = name;
    made.id = "0a1b2c";
    made.state = state;
    made.policy = "always";
    return made;
}

DockerContainer ended(std::int64_t code, const std::string& policy = "always") {
    DockerContainer made = container("web", "exited");
    made.exit_code = code;
    made.policy = policy;
    return made;
}

DockerSettings named() {
    DockerSettings settings;
    settings.containers = {"web", "db"};
    return settings;
}

DockerSettings of_project() {
    DockerSettings settings;
    settings.project = "horoscopus";
    return settings;
}

DockerSample sample_of(const std::vector<DockerContainer>& containers) {
    DockerSample sample;
    sample.containers = containers;
    return sample;
}

CheckResult judged(const DockerContainer& one, const DockerSettings& settings = named(),
                   const Now& now = k_now, const std::map<std::string, std::string>& memory = {}) {
    return evaluate_docker(sample_of({container("db"), one}), settings, now, memory);
}

// ── the Engine, as recorded from Docker 24 and shortened ──

constexpr const char* k_id = "4c01db0b339c4cf6a1d8f0c7e9b52e1f0a6d3f7e8c9b0a1d2e3f4a5b6c7d8e9f";

std::string inspected(const std::string& name, const std::string& state, const std::string& health = "null",
                      int restarts = 0) {
    return fmt::format(
        R"({{"Id":"{}","Created":"2026-01-22T09:00:00.1Z","Path":"gunicorn","State":{{"Status":"{}",
        "Running":true,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,"Pid":4242,"ExitCode":0,"Error":"",
        "StartedAt":"2026-01-22T09:00:01.2Z","FinishedAt":"0001-01-01T00:00:00Z","Health":{}}},"Image":"sha256:aa",
        "Name":"/{}","RestartCount":{},"HostConfig":{{"RestartPolicy":{{"Name":"unless-stopped","MaximumRetryCount":0}}}}}})",
        k_id, state, health, name, restarts);
}

std::string listed(const std::string& more_labels = "") {
    return fmt::format(R"([{{"Id":"{}","Names":["/horoscopus-web-1"],"State":"running","Status":"Up 2 hours",
        "Labels":{{"com.docker.compose.project":"horoscopus"{}}}}}])",
                       k_id, more_labels);
}

const std::string k_unhealthy =
    R"({"Status":"unhealthy","FailingStreak":3,"Log":[{"ExitCode":0,"Output":"old"},
    {"ExitCode":1,"Output":"connection refused\n\u001b[31mdb:5432"}]})";

// Answers by the beginning of the request's path; anything else is 404, as the Engine says it.
class Engine {
  public:
    explicit Engine(std::map<std::string, std::string> answers)
        : m_server([answers = std::move(answers)](Connection& peer) { serve(peer, answers); }, socket()) {}
    [[nodiscard]] std::string socket() const { return (m_folder / "docker.sock").string(); }

  private:
    static void serve(Connection& peer, const std::map<std::string, std::string>& answers) {
        for (;;) {
            const std::string request = peer.read_request();
            if (request.empty()) {
                return;
            }
            std::string answer = http_answer(R"({"message":"No such container: x"})", "", "404 Not Found");
            for (const auto& [path, said] : answers) {
                if (request.starts_with("GET " + path)) {
                    answer = said;
                }
            }
            if (!peer.send(answer)) {
                return;
            }
        }
    }

    TempFolder m_folder;
    HostileServer m_server;
};

CheckResult look(DockerSettings settings, const std::string& socket) {
    BareWorld bare;
    CurlHttp http;
    SystemClock clock;
    World world{clock, bare.files, bare.host, http, bare.processes, bare.services, bare.redis};
    settings.socket = socket;
    const std::unique_ptr<Check> check = docker_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const CheckContext context{world, clock.now(), clock.steady() + 10s, memory};
    Task<CheckResult> task = dynamic_cast<const AsyncCheck&>(*check).run(context);
    bool done = false;
    task.start([&] { done = true; });
    while (!done) {
        http.poll(10s);
    }
    return task.value();
}

} // namespace

TEST_CASE("docker: all is well", "[docker]") {
    const CheckResult good = judged(container("web"));
    CHECK(good.status == Status::ok);
    CHECK(good.message.en == "2 containers running");
    CHECK(good.message.ru == "работает 2 контейнера");
    DockerContainer starting = container("web");
    starting.health = "starting"; // Docker itself gives it its time and then calls it unhealthy
    CHECK(judged(starting).status == Status::ok);
}

TEST_CASE("docker: each state that is not running has its words", "[docker]") {
    const auto words = [](const DockerContainer& one) {
        const CheckResult result = judged(one);
        CHECK(result.status == Status::critical);
        CHECK(result.hint.en == "docker logs --tail 50 web");
        return result.message.en;
    };
    CHECK(words(container("web", "paused")) == "web is paused");
    CHECK(words(container("web", "removing")) == "web is removing");
    DockerContainer created = container("web", "created");
    created.error = "driver failed programming external connectivity: port is already allocated";
    CHECK_THAT(words(created), Catch::StartsWith("web was made, but never started: driver failed"));
    DockerContainer looping = container("web", "restarting");
    looping.exit_code = 1;
    CHECK(words(looping) == "web falls again and again, Docker is restarting it: exit code 1");
    CHECK(words(ended(0)) == "web is not running: ended by itself with exit code 0");
    CHECK(words(ended(3)) == "web is not running: exit code 3");
    CHECK(words(ended(137)) == "web is not running: ended by signal SIGKILL");
    CHECK(words(ended(127)) == "web is not running: its command is not found (exit code 127)");
    CHECK(words(ended(255)) == "web is not running: exit code 255");
    DockerContainer killed = ended(137);
    killed.oom_killed = true;
    CHECK(words(killed) == "web is not running: killed by the kernel for lack of memory");
}

TEST_CASE("docker: unhealthy, with what its health check said", "[docker]") {
    DockerContainer sick = container("web");
    sick.health = "unhealthy";
    sick.health_output = "connection refused\n\x1b[31mdb:5432";
    const CheckResult result = judged(sick);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "web is unhealthy");
    CHECK(result.evidence == "connection refused ?[31mdb:5432");
}

TEST_CASE("docker: a job of a project that has ended well is good, a service is not", "[docker]") {
    CHECK(judged(ended(0, "no"), of_project()).status == Status::ok);
    CHECK(judged(ended(0, "on-failure"), of_project()).status == Status::ok);
    CHECK(judged(ended(1, "no"), of_project()).status == Status::critical);
    CHECK(judged(ended(0, "always"), of_project()).status == Status::critical);
    CHECK(judged(ended(0, "no"), named()).status == Status::critical); // it was named: it must run
}

TEST_CASE("docker: missing containers, and a project without any", "[docker]") {
    DockerSample sample = sample_of({container("web")});
    sample.missing = {"db"};
    CHECK(evaluate_docker(sample, named(), k_now, {}).message.en == "there is no container db");
    CHECK(evaluate_docker({}, of_project(), k_now, {}).message.en ==
          "the Compose project horoscopus has no containers");
    CHECK(evaluate_docker({}, of_project(), k_now, {}).status == Status::critical);
}

TEST_CASE("docker: many troubles are not a page", "[docker]") {
    const DockerSample sample = sample_of(std::vector(9, container("web", "paused")));
    CHECK(evaluate_docker(sample, of_project(), k_now, {}).message.en ==
          "web is paused; web is paused; web is paused; and 6 more");
}

TEST_CASE("docker: a restart by Docker is told for a while, once", "[docker]") {
    DockerContainer web = container("web");
    web.restarts = 7;
    const CheckResult first = judged(web);
    CHECK(first.status == Status::ok); // when they were is not known
    Now now = k_now;
    const auto later = [&](Duration passed, std::int64_t restarts, const CheckResult& before) {
        now.wall += passed;
        now.boot += passed;
        web.restarts = restarts;
        return judged(web, named(), now, before.memory);
    };
    CHECK(later(1min, 7, first).status == Status::ok);
    const CheckResult grown = later(1min, 9, first);
    CHECK(grown.status == Status::warning);
    CHECK(grown.message.en == "Docker restarted web 2 times");
    CHECK(grown.remedy == Remedy::cannot_help);
    const CheckResult shown = later(10min, 9, grown);
    CHECK(shown.status == Status::warning);
    CHECK(later(4min, 10, shown).message.en == "Docker restarted web 3 times");
    CHECK(later(2min, 9, shown).status == Status::ok);
    SECTION("a new count begins when it is started by hand or made anew") {
        const CheckResult lower = judged(web, named(), now, {{"restarts-web", "0a1b2c 20"}});
        CHECK(lower.message.en == "Docker restarted web 9 times");
        CHECK(judged(web, named(), now, {{"restarts-web", "ffff 9"}}).status == Status::warning);
    }
    SECTION("what is kept may be garbage") {
        for (const char* kept : {"", " ", "0a1b2c", "0a1b2c x y z", "0a1b2c 9 -5 1/2/b"}) {
            CHECK_NOTHROW(judged(web, named(), now, {{"restarts-web", kept}}));
        }
    }
}

TEST_CASE("docker: the Engine answers", "[docker]") {
    SECTION("containers by name") {
        const Engine engine({{"/containers/web/json", http_answer(inspected("web", "running"))},
                             {"/containers/db/json", http_answer(inspected("db", "running", k_unhealthy))}});
        const CheckResult result = look(named(), engine.socket());
        CHECK(result.message.en == "db is unhealthy");
        CHECK(result.evidence == "connection refused ?[31mdb:5432");
        CHECK(result.memory.at("restarts-web") == fmt::format("{} 0", k_id));
    }
    SECTION("one of them is not there") {
        const Engine engine({{"/containers/web/json", http_answer(inspected("web", "running"))}});
        CHECK(look(named(), engine.socket()).message.en == "there is no container db");
    }
    SECTION("a project") {
        const Engine engine(
            {{"/containers/"
              "json?all=1&filters=%7B%22label%22%3A%5B%22com.docker.compose.project%3Dhoroscopus%22%5D%7D",
              http_answer(listed())},
             {fmt::format("/containers/{}/json", k_id),
              http_answer(inspected("horoscopus-web-1", "running"))}});
        const CheckResult result = look(of_project(), engine.socket());
        CHECK(result.message.en == "1 container running");
    }
    SECTION("what was run by hand beside the project does not count") {
        const Engine engine(
            {{"/containers/json", http_answer(listed(R"(,"com.docker.compose.oneoff":"True")"))}});
        CHECK_THAT(look(of_project(), engine.socket()).message.en, Catch::Contains("has no containers"));
    }
}

TEST_CASE("docker: the Engine does not answer, or not properly", "[docker]") {
    const auto said = [](const std::string& answer, const DockerSettings& settings) {
        const Engine engine({{"/containers/", answer}});
        const CheckResult result = look(settings, engine.socket());
        CHECK(result.status == Status::critical);
        CHECK_FALSE(result.message.ru.empty());
        return result.message.en;
    };
    for (const DockerSettings& settings : {named(), of_project()}) {
        CHECK(said(http_answer(R"({"message":"dial: \u001bno database"})", "", "500 Internal Server Error"),
                   settings) == "Docker answers HTTP 500: dial: ?no database");
        CHECK_THAT(said("garbage\r\n\r\n", settings), Catch::Contains("Docker does not answer"));
        CHECK_THAT(said(http_answer(std::string(9'000'000, ' ')), settings),
                   Catch::Contains("larger than allowed"));
        for (const std::string& body :
             {std::string(), std::string("[]x"), std::string("null"), std::string(100'000, '['),
              std::string(R"([{"Id":7}])"), std::string(R"([{"Id":"../../x"}])"),
              std::string(R"({"Id":"0a","Name":7,"State":"x"})"),
              std::string(R"({"Id":"0a","Name":"/x","State":{"Status":[]}})"), std::string("\xff\xfe")}) {
            CHECK(said(http_answer(body), settings) == "the answer of Docker cannot be understood");
        }
    }
    CHECK_THAT(look(named(), "/nowhere/docker.sock").message.en, Catch::Contains("Docker does not answer"));
    SECTION("silence") {
        const TempFolder folder;
        const std::string socket = (folder / "s").string();
        HostileServer silent([](Connection& peer) { peer.wait_until_gone(); }, socket);
        DockerSettings impatient = named();
        impatient.timeout = 200ms;
        CHECK_THAT(look(impatient, socket).message.en, Catch::Contains("no full answer"));
    }
}

TEST_CASE("docker: a failure of ours forgets no restarts", "[docker]") {
    DockerSample sample;
    sample.failure = CheckResult{};
    CHECK(evaluate_docker(sample, named(), k_now, {{"restarts-web", "0a 1"}}).memory.at("restarts-web") ==
          "0a 1");
}
