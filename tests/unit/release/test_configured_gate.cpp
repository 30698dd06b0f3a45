// The gate as the configuration describes it, over a made-up web.
#include "cli/known_kinds.h"
#include "config/parse.h"
#include "release/configured_gate.h"
#include "release/maintenance_page.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;
using Outcome = Verdict::Outcome;

namespace {

const std::string k_checks = R"(
[health.check.site]
type = "http"
url = "http://site.example/"
every = "1h"
[health.check.api]
type = "http"
url = "http://site.example/api/health/"
[health.check.elsewhere]
type = "http"
url = "http://other.example/"
[health.check.build]
type = "frontend"
root = "/srv/site/build/"
url = "http://site.example/"
[health.check.off]
type = "http"
url = "http://site.example/off"
enabled = false
)";

const std::string k_walk = R"(
[smoke]
base_url = "http://site.example"
[smoke.login.teacher]
post = "/token/"
json = { email = "x@test.local", password = "made-up-pw" }
token = "/access"
[[smoke.step]]
name = "lessons"
as = "teacher"
get = "/lessons/"
[[smoke.step]]
name = "order"
as = "teacher"
post = "/orders/"
)";

class Deploy {
  public:
    explicit Deploy(const std::string& toml) {
        Problems problems;
        const std::optional<Node> root = parse_toml(toml, problems);
        REQUIRE(root);
        loaded.config = read_config(*root, known_kinds(), problems);
        loaded.use = LoadedConfig::Use::present;
        CHECK_FALSE(problems.has_errors());
        answers("/", page(200));
        answers("/api/health/", page(200));
        answers("/token/", page(200, R"({"access":"token-of-teacher"})"));
        answers("/lessons/", page(200));
        answers("/orders/", page(201));
    }
    void answers(const std::string& path, HttpAnswer answer) {
        bare.http.on("http://site.example" + path, std::move(answer), 1ms);
    }
    ConfiguredGate gate() { return ConfiguredGate(loaded, world, "/srv/site/build"); }
    Verdict watch(Patience patience = k_files_patience) {
        ConfiguredGate it = gate();
        return release::watch(it, loaded.config.deploy.gate, bare.clock, patience);
    }
    [[nodiscard]] long asked(const std::string& path) const {
        const auto& all = bare.http.requests();
        return std::count_if(all.begin(), all.end(), [&](const HttpRequest& request) {
            return request.url == "http://site.example" + path;
        });
    }

    LoadedConfig loaded;
    BareWorld bare;
    FakeHost host;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
};

std::string gate_of(const std::string& inside) {
    return "[deploy]\ngate = { " + inside + " }\n";
}

} // namespace

TEST_CASE("configured gate: the named checks are asked in each look, whatever their `every` says",
          "[configured_gate]") {
    Deploy deploy(k_checks + gate_of(R"(checks = ["site", "health/api"])"));
    CHECK(deploy.watch().outcome == Outcome::passed);
    CHECK(deploy.asked("/") == 3);
    CHECK(deploy.asked("/api/health/") == 3);

    deploy.answers("/api/health/", page(502));
    const Verdict verdict = deploy.watch();
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(verdict.looks == 2);
    CHECK(words_of_failures(verdict.last).en.starts_with("health/api: HTTP 502"));
}

TEST_CASE("configured gate: what hangs is unknown at the end of its time and does not pass",
          "[configured_gate]") {
    Deploy deploy(k_checks + gate_of(R"(checks = ["site"], within = "5s")"));
    deploy.bare.http.never("http://site.example/");
    const Verdict verdict = deploy.watch(k_start_patience);
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(verdict.took <= 5s);
    CHECK(verdict.last.checks.front().status == Status::unknown);
}

TEST_CASE("configured gate: a gate that names nothing asks health's checks of this site",
          "[configured_gate]") {
    Deploy deploy(k_checks);
    CHECK(deploy.gate().chosen() == std::vector<std::string>{"build", "site", "api"});
    CHECK(deploy.gate().has_checks());
    Deploy other("[health.check.site]\ntype = \"http\"\nurl = \"http://site.example/\"\n");
    CHECK(other.gate().chosen().empty());
    CHECK_FALSE(other.gate().has_checks());
    CHECK(other.watch().outcome == Outcome::asks_nothing);
}

TEST_CASE("configured gate: what is switched off is not asked, what cannot be asked does not pass",
          "[configured_gate]") {
    Deploy off(k_checks + gate_of(R"(checks = ["site", "off"])"));
    CHECK(off.gate().switched_off() == std::vector<std::string>{"off"});
    CHECK(off.watch().outcome == Outcome::passed);

    Deploy nowhere(k_checks + gate_of(R"(checks = ["site", "deepcheck/there-is-none"])"));
    const Verdict verdict = nowhere.watch();
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(words_of_failures(verdict.last).en ==
          "deepcheck/there-is-none: deploy.gate names a check that there is not");
}

TEST_CASE("configured gate: the walk comes once, after the checks", "[configured_gate]") {
    Deploy deploy(k_checks + k_walk + gate_of(R"(checks = ["site"], smoke = true)"));
    const Verdict verdict = deploy.watch();
    CHECK(verdict.outcome == Outcome::passed);
    CHECK(deploy.asked("/token/") == 1);
    CHECK(deploy.asked("/orders/") == 1);
    CHECK(verdict.last.checks.size() == 4); // the connection, the login, both steps
}

TEST_CASE("configured gate: a failed walk is asked once more, but nothing is sent twice",
          "[configured_gate]") {
    Deploy deploy(k_checks + k_walk + gate_of(R"(checks = ["site"], smoke = true)"));
    int asked = 0;
    deploy.bare.http.on("http://site.example/lessons/",
                        [&](const HttpRequest&) { return page(++asked == 1 ? 500 : 200); });
    CHECK(deploy.watch().outcome == Outcome::passed);
    CHECK(asked == 2);
    CHECK(deploy.asked("/orders/") == 1);

    deploy.answers("/orders/", page(500));
    const Verdict verdict = deploy.watch();
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(words_of_failures(verdict.last).en.starts_with("smoke/order: HTTP 500"));
    CHECK(deploy.asked("/orders/") == 2); // once a walk
}

TEST_CASE("configured gate: what stood behind a login that comes late is asked after all",
          "[configured_gate]") {
    Deploy deploy(k_checks + k_walk + gate_of(R"(checks = ["site"], smoke = true)"));
    int asked = 0;
    deploy.bare.http.on("http://site.example/token/", [&](const HttpRequest&) {
        return ++asked == 1 ? page(502) : page(200, R"({"access":"token-of-teacher"})");
    });
    CHECK(deploy.watch().outcome == Outcome::passed);
    CHECK(deploy.asked("/lessons/") == 1);
    asked = 0;
    deploy.answers("/lessons/", page(500));
    CHECK(deploy.watch().outcome == Outcome::failed);
}

TEST_CASE("configured gate: a walk without a step that could be asked is told before anything is done",
          "[configured_gate]") {
    Deploy deploy(k_checks + gate_of(R"(checks = ["site"], smoke = true)"));
    ConfiguredGate gate = deploy.gate();
    const Verdict before = look_before(gate, deploy.loaded.config.deploy.gate, deploy.bare.clock);
    CHECK(before.outcome == Outcome::failed);
    CHECK(words_of_failures(before.last).en.starts_with("smoke: "));
}

TEST_CASE("configured gate: errors are counted in the logs that checks read",
          "[configured_gate][error_share]") {
    const TempFolder folder;
    const Path log = folder / "access.log";
    spill(log, "");
    const std::string gate_with_errors = gate_of(R"(checks = ["site"], errors = "1%")");
    Deploy deploy(k_checks +
                  "[deepcheck.check.visitors]\ntype = \"log\"\nformat = \"nginx-access\"\npath = \"" +
                  log.string() + "\"\n" + gate_with_errors);
    SystemFiles files;
    const World world{
        deploy.bare.clock, files, deploy.host, deploy.bare.http, deploy.bare.processes, deploy.bare.services,
        deploy.bare.redis};
    ConfiguredGate gate(deploy.loaded, world, "/srv/site/build");
    CHECK_FALSE(gate.too_many_errors()); // nobody has begun to count
    gate.begin_to_count();
    CHECK_FALSE(gate.too_many_errors());
    std::string lines;
    for (int i = 0; i < 40; ++i) {
        lines += "::1 - - [23/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 502 12 \"-\" \"-\"\n";
    }
    spill(log, lines);
    REQUIRE(gate.too_many_errors());
    CHECK(gate.too_many_errors()->en.starts_with("of 40 answers since the swap 40 were errors"));

    Deploy blind(k_checks + gate_with_errors);
    CHECK(blind.watch().outcome == Outcome::failed);
    CHECK(words_of_failures(blind.watch().last).en.find("no access log to count in") != std::string::npos);
}

TEST_CASE("configured gate: the page is seen where visitors ask, with the status that says it is for a while",
          "[configured_gate][maintenance]") {
    Deploy deploy(k_checks + gate_of(R"(checks = ["site"])"));
    const std::string text = MaintenancePage::mark();
    const auto unseen = [&] {
        ConfiguredGate gate = deploy.gate();
        const std::optional<Text> why = gate.unseen_page(text, deploy.bare.clock.steady() + 10s);
        return why ? why->en : "";
    };
    CHECK(unseen() == "http://site.example/ answers 200 without it");
    CHECK(deploy.asked("/") > 5); // a web server may look for the file a moment later
    CHECK(deploy.asked("/api/health/") == 0);
    deploy.answers("/", page(200, text));
    CHECK(unseen() == "http://site.example/ shows it with status 200 instead of 503");
    deploy.answers("/", page(503, "<h1>503</h1>"));
    CHECK(unseen() == "http://site.example/ answers 503 without it");
    deploy.answers("/", page(503, text));
    CHECK(unseen().empty());
    // A gate that asks nothing over HTTP: health knows where the site is.
    const std::string load = "[health.check.load]\ntype = \"load\"\n" + gate_of(R"(checks = ["load"])");
    Deploy other(k_checks + load);
    other.answers("/", page(503, text));
    ConfiguredGate gate = other.gate();
    CHECK_FALSE(gate.unseen_page(text, other.bare.clock.steady() + 10s));
    Deploy nowhere(load);
    ConfiguredGate blind = nowhere.gate();
    CHECK(blind.unseen_page(text, nowhere.bare.clock.steady() + 10s)->en.starts_with("no check"));
}
