// The checks of hardening by what an audit would name: headers, cmdline, ports, reboot, secrets.
#include "checks/cmdline.h"
#include "checks/containers.h"
#include "checks/findings.h"
#include "checks/headers.h"
#include "checks/ports.h"
#include "checks/reboot.h"
#include "checks/secrets.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_http.h"
#include "support/temp_folder.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

using Header = HeadersSettings::Header;
using Rule = CmdlineSettings::Rule;

bool finds(const CheckResult& result, std::string_view english) {
    return std::any_of(result.findings.begin(), result.findings.end(),
                       [&](const Finding& one) { return one.seen.en.find(english) != std::string::npos; });
}

Finding made_up(Status status, const char* seen) {
    return {status, verbatim(seen), verbatim("why"), verbatim(std::string("mend ") + seen)};
}

// A page of a site that is set up as it should be.
Headers good_headers() {
    return {{"server", "nginx"},
            {"strict-transport-security", "max-age=31536000; includeSubDomains"},
            {"content-security-policy", "default-src 'self'"},
            {"x-content-type-options", "nosniff"},
            {"x-frame-options", "DENY"},
            {"referrer-policy", "strict-origin-when-cross-origin"},
            {"permissions-policy", "camera=()"},
            {"set-cookie", "sessionid=1; Path=/; HttpOnly; Secure; SameSite=Lax"},
            {"set-cookie", "csrftoken=2; Path=/; Secure; SameSite=Lax"}};
}

HeadersSettings everything() {
    HeadersSettings settings;
    settings.url = "https://site.test/";
    settings.require = {Header::hsts,  Header::csp,      Header::nosniff,
                        Header::frame, Header::referrer, Header::permissions};
    settings.cookies = true;
    settings.hide_version = true;
    return settings;
}

CheckResult with_headers(const Headers& headers, const HeadersSettings& settings = everything()) {
    return evaluate_headers({page(200, "", headers), std::nullopt}, settings);
}

Headers changed(std::string_view name, const std::string& value) { // "": taken out
    Headers headers = good_headers();
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    if (!value.empty()) {
        headers.emplace_back(name, value);
    }
    return headers;
}

CheckResult asked_from_elsewhere(const Headers& headers) {
    HeadersSettings settings;
    settings.url = "https://site.test/";
    settings.cors_origin = "https://evil.example";
    return evaluate_headers({page(200), page(200, "", headers)}, settings);
}

std::vector<ProcessInfo> processes(std::initializer_list<const char*> lines) {
    std::vector<ProcessInfo> all;
    for (const char* line : lines) {
        all.push_back(made_up_process(static_cast<int>(all.size()) + 10, 1, line));
    }
    return all;
}

CheckResult started(std::initializer_list<const char*> lines) {
    return evaluate_cmdline(processes(lines), {});
}

// As ContainerInspect of Docker 24 has it, shortened.
constexpr const char* k_good_container =
    R"({"Id": "4c01db0b339c", "Name": "/web", "State": {"Status": "running", "ExitCode": 0},
    "Config": {"User": "app", "Cmd": ["gunicorn", "app.wsgi"], "Entrypoint": null,
               "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost/"]}},
    "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}, "Memory": 536870912, "Privileged": false, "Binds": null,
                   "PortBindings": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8000"}], "9/tcp": null}}})";

ContainerSetup container() {
    return container_setup_of(k_good_container).value();
}

CheckResult set_up(const ContainerSetup& one, const ContainersSettings& settings = {}) {
    return evaluate_containers({one}, settings);
}

Listener listener(const char* address, std::uint16_t port, const char* process = "x") {
    return {address, port, 5, process};
}

} // namespace

// ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("the worst finding speaks first, the rest is named, then counted") {
    CHECK(result_of({}, verbatim("well")).status == Status::ok);
    CHECK(result_of({}, verbatim("well")).message.en == "well");
    const CheckResult result = result_of({made_up(Status::warning, "a"), made_up(Status::critical, "b"),
                                          made_up(Status::warning, "c"), made_up(Status::warning, "d"),
                                          made_up(Status::warning, "e")},
                                         verbatim("well"));
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "b; a; c; and 2 more (all: sudo lectio-deepcheck audit)");
    CHECK(result.message.ru == "b; a; c; и ещё 2 (все: sudo lectio-deepcheck audit)");
    CHECK(result.hint.en == "mend b");
    CHECK(result.findings.size() == 5);
    CHECK(result.metrics.front().value == 5);
    CHECK(result.remedy == Remedy::cannot_help);
}

// ── headers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a check of headers that looks for nothing is wrong configuration") {
    const auto is_wrong = [](const std::vector<Member>& more) {
        const std::shared_ptr<void> settings = headers_check_type().schema().make();
        Problems found;
        Reading reading{found, {}};
        const Target target{&headers_check_type().schema(), settings.get()};
        Node::Table table{Member{"url", {}, {Node(std::string("https://site.example/"), {})}}};
        table.insert(table.end(), more.begin(), more.end());
        read_table(Node(table, {}), {&target, 1}, reading);
        return found.has_errors();
    };
    CHECK(is_wrong({}));
    CHECK(is_wrong({Member{"cookies", {}, {Node(false, {})}}}));
    CHECK_FALSE(is_wrong({Member{"cookies", {}, {Node(true, {})}}}));
    CHECK_FALSE(is_wrong({Member{"cors_origin", {}, {Node(std::string("https://evil.example"), {})}}}));
}

TEST_CASE("a page with all headers has no finding") {
    const CheckResult result = with_headers(good_headers());
    CHECK(result.status == Status::ok);
    CHECK(result.findings.empty());
}

TEST_CASE("each header that is missing or weak is named, and nothing else") {
    const auto [name, value, words] = GENERATE(table<const char*, const char*, const char*>({
        {"strict-transport-security", "", "no Strict-Transport-Security header"},
        {"strict-transport-security", "max-age=0", "HSTS holds for less than a second only"},
        {"strict-transport-security", "max-age=86400", "HSTS holds for 1 day only"},
        {"strict-transport-security", "includeSubDomains",
         "Strict-Transport-Security is \"includesubdomains\""},
        {"content-security-policy", "", "no Content-Security-Policy header"},
        {"x-content-type-options", "", "no X-Content-Type-Options header"},
        {"x-content-type-options", "sniff", "X-Content-Type-Options is \"sniff\""},
        {"x-frame-options", "", "no X-Frame-Options header"},
        {"x-frame-options", "ALLOW-FROM https://x", "X-Frame-Options is \"allow-from https://x\""},
        {"referrer-policy", "", "no Referrer-Policy header"},
        {"referrer-policy", "unsafe-url", "Referrer-Policy is \"unsafe-url\""},
        {"permissions-policy", "", "no Permissions-Policy header"},
        {"server", "nginx/1.22.1", "Server tells its version: nginx/1.22.1"},
        {"x-powered-by", "PHP/7.4", "X-Powered-By tells its version: PHP/7.4"},
    }));
    CAPTURE(name, value);
    const CheckResult result = with_headers(changed(name, value));
    CHECK(result.status == Status::warning);
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings.front().seen.en == words);
    CHECK_FALSE(result.findings.front().why.ru.empty());
    CHECK_FALSE(result.findings.front().mend.ru.empty());
}

TEST_CASE("max-age in quotes is right, and frame-ancestors stands for X-Frame-Options") {
    CHECK(with_headers(changed("strict-transport-security", "max-age=\"31536000\"")).status == Status::ok);
    Headers framed = changed("x-frame-options", "");
    std::erase_if(framed, [](const auto& header) { return header.first == "content-security-policy"; });
    framed.emplace_back("content-security-policy", "default-src 'self'; frame-ancestors 'none'");
    CHECK(with_headers(framed).status == Status::ok);
}

TEST_CASE("over http there is no HSTS, whatever the server says") {
    HeadersSettings plain = everything();
    plain.url = "http://site.test/";
    const CheckResult result = with_headers(good_headers(), plain);
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings.front().seen.en == "http://site.test/ is asked over http: there is no HSTS there");
    CHECK(result.findings.front().mend.en == "ask the https:// page");
}

TEST_CASE("each flag that a cookie lacks is named; the CSRF cookie is read by scripts") {
    const auto [cookie, words] = GENERATE(table<const char*, const char*>({
        {"sessionid=1; HttpOnly; SameSite=Lax", "the cookie sessionid lacks Secure"},
        {"sessionid=1; Secure; SameSite=Lax", "the cookie sessionid lacks HttpOnly"},
        {"sessionid=1; Secure; HttpOnly", "the cookie sessionid lacks SameSite"},
        {"sessionid=secure; httponly; samesite=lax", "the cookie sessionid lacks Secure"},
        {"sessionid=1; Secure; HttpOnly; SameSite=None", "the cookie sessionid lacks SameSite"},
    }));
    CAPTURE(cookie);
    const CheckResult result = with_headers(changed("set-cookie", cookie));
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings.front().seen.en == words);
}

TEST_CASE("a cookie without a name is none, and its value is not told as one") {
    for (const char* cookie : {"abcdef0123456789", "abcdef; Path=/x=y"}) {
        CAPTURE(cookie);
        CHECK(with_headers(changed("set-cookie", cookie)).findings.empty());
    }
}

TEST_CASE("of an error's page no header is judged, the error is told") {
    for (const int status : {502, 404}) {
        HeadersSample sample{page(status), std::nullopt};
        const CheckResult result = evaluate_headers(sample, everything());
        CHECK(result.status == Status::critical);
        CHECK(result.findings.empty());
        CHECK(result.message.en == fmt::format("HTTP {}, expected 200-399", status));
    }
}

TEST_CASE("CORS: cookies for a stranger are critical, the rest a warning, a named origin nothing") {
    const CheckResult open = asked_from_elsewhere({{"access-control-allow-origin", "https://evil.example"},
                                                   {"access-control-allow-credentials", "true"}});
    CHECK(open.status == Status::critical);
    CHECK(open.message.ru == "https://evil.example может читать ответы с куками посетителя");
    CHECK(asked_from_elsewhere(
              {{"access-control-allow-origin", "*"}, {"access-control-allow-credentials", "true"}})
              .status == Status::warning);
    CHECK(asked_from_elsewhere({{"access-control-allow-origin", "https://evil.example"}}).status ==
          Status::warning);
    CHECK(asked_from_elsewhere({{"access-control-allow-origin", "*"}}).status == Status::ok);
    CHECK(asked_from_elsewhere({{"access-control-allow-origin", "https://site.test"},
                                {"access-control-allow-credentials", "true"}})
              .status == Status::ok);
    CHECK(asked_from_elsewhere({}).status == Status::ok);
}

// ── cmdline ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("sync workers of gunicorn are found however they are written, others are not") {
    const auto [line, sync] = GENERATE(table<const char*, bool>({
        {"/usr/bin/python3 /srv/venv/bin/gunicorn -w 3 app.wsgi", true},
        {"gunicorn -k sync app.wsgi", true},
        {"gunicorn --worker-class=sync app.wsgi", true},
        {"gunicorn --threads 1 app.wsgi", true},
        {"gunicorn --threads 4 app.wsgi", false},
        {"gunicorn --threads 4 --threads 1 app.wsgi", true}, // the last one counts
        {"gunicorn -k gthread app.wsgi", false},
        {"gunicorn -kgevent app.wsgi", false},
        {"gunicorn --worker-class uvicorn.workers.UvicornWorker app.wsgi", false},
        {"gunicorn -c gunicorn.conf.py app.wsgi", false}, // what stands there is not seen
        {"gunicorn --config=/etc/g.py app.wsgi", false},
        {"/usr/bin/gunicorn-helper app.wsgi", false},
    }));
    CAPTURE(line);
    const CheckResult result = started({line});
    CHECK(finds(result, "gunicorn runs sync workers") == sync);
    CHECK(result.status == (sync ? Status::warning : Status::ok));
}

TEST_CASE("a secret on a command line is masked before the line is cut") {
    const CheckResult result = started({"gunicorn --bind=127.0.0.1:8000 --env "
                                        "REDIS_URL=redis://:S3cretBrokerPassw0rd@127.0.0.1:6379/0 p.wsgi"});
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings.front().seen.en.find("S3cret") == std::string::npos);
}

TEST_CASE("a master's workers are not masters") {
    std::vector<ProcessInfo> all = processes({"gunicorn app.wsgi", "gunicorn app.wsgi", "gunicorn app.wsgi"});
    all[1].parent = all[2].parent = all[0].pid;
    CHECK(evaluate_cmdline(all, {}).findings.size() == 1);
}

TEST_CASE("one Celery worker for all queues is found, one for each is not") {
    CHECK(finds(started({"/srv/venv/bin/celery -A app worker"}), "one Celery worker"));
    CHECK(finds(started({"celery -A app worker -Q default,heavy"}), "one Celery worker"));
    CHECK(started({"celery -A app worker -Q default", "celery -A app worker -Q heavy"}).status == Status::ok);
    CHECK(started({"celery -A app worker -Q default"}).status == Status::ok);
    CHECK(started({"celery -A app beat"}).status == Status::ok);
    CmdlineSettings only_gunicorn;
    only_gunicorn.rules = {Rule::async_workers};
    CHECK(evaluate_cmdline(processes({"celery -A app worker"}), only_gunicorn).status == Status::ok);
}

TEST_CASE("a development server is found where the rule asks for it, and once") {
    CmdlineSettings settings;
    settings.rules = {Rule::no_development_server};
    const auto judged = [&](std::initializer_list<const char*> lines) {
        return evaluate_cmdline(processes(lines), settings);
    };
    const CheckResult found =
        judged({"python manage.py runserver 0.0.0.0:8000", "python manage.py runserver 0.0.0.0:8000",
                "node /app/node_modules/.bin/vite"});
    CHECK(found.findings.size() == 2);
    CHECK(finds(found, "a development server runs: python manage.py runserver 0.0.0.0:8000"));
    CHECK(judged({"uvicorn app.main:app --reload", "flask run", "next dev"}).findings.size() == 3);
    CHECK(judged(
              {"gunicorn -k sync app.wsgi", "uvicorn app.main:app", "python manage.py migrate", "vite build"})
              .status == Status::ok);
}

TEST_CASE("where no process matches nothing was looked at, and that is said") {
    const CheckResult none = started({});
    CHECK(none.status == Status::unknown);
    CHECK(none.message.ru == "ни один процесс не подходит: смотреть не на что");
}

// ── ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("what listens where it may is well; what else does is named once, the new one as new") {
    const PortsSettings settings{{"22", "443", "127.0.0.0/8"}};
    const CheckResult well =
        evaluate_ports({listener("0.0.0.0", 22), listener("::", 443), listener("127.0.0.1", 6379),
                        listener("::1", 6379), listener("/run/x.sock", 0)},
                       settings, {});
    CHECK(well.status == Status::ok);
    CHECK(well.message.en == "4 listeners, all allowed");
    const std::vector<Listener> open{listener("0.0.0.0", 6379, "redis-server"),
                                     listener("0.0.0.0", 6379, "redis"), listener("::", 8080, "")};
    const CheckResult first = evaluate_ports(open, settings, {});
    CHECK(first.status == Status::warning);
    REQUIRE(first.findings.size() == 2);
    CHECK(first.findings[0].seen.en == "0.0.0.0:6379 is open: redis-server");
    CHECK(first.findings[0].why.en.starts_with("data stands open"));
    CHECK(first.findings[1].seen.en == "[::]:8080 is open: of a process that is not ours to see");
    CHECK_FALSE(finds(first, "new")); // there is nothing to compare with yet
    const CheckResult again = evaluate_ports(open, settings, first.memory);
    CHECK_FALSE(finds(again, "new"));
    const CheckResult later = evaluate_ports({open[0], listener("203.0.113.5", 9)}, settings, again.memory);
    CHECK(finds(later, "new: 203.0.113.5:9 is open"));
    CHECK_FALSE(finds(later, "new: 0.0.0.0:6379"));
}

// ── reboot ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a reboot that is asked for, and a kernel that is newer than the one that runs") {
    RebootSample sample;
    sample.running = "6.1.0-9-amd64";
    sample.installed = {"6.1.0-9-amd64"};
    CHECK(evaluate_reboot(sample).status == Status::ok);
    sample.installed = {"6.1.0-9-amd64", "6.1.0-18-amd64"};
    CHECK(evaluate_reboot(sample).message.en == "kernel 6.1.0-9-amd64 runs, 6.1.0-18-amd64 is installed");
    sample.running = "6.1.0-18-amd64";
    CHECK(evaluate_reboot(sample).status == Status::ok);
    sample.running = "6.8.0-aws"; // the host's of a container
    CHECK(evaluate_reboot(sample).status == Status::ok);
    sample.asked_for = true;
    sample.packages = {"libc6", "dbus"};
    CHECK(evaluate_reboot(sample).message.ru == "сервер ждёт перезагрузки ради libc6, dbus");
    sample.packages = {"a", "b", "c", "d", "e", "f", "g"};
    CHECK(evaluate_reboot(sample).message.en == "a reboot is waiting, for a, b, c, d, e and 2 more");
}

TEST_CASE("what is looked at for a reboot is read as Debian writes it") {
    const TempFolder root;
    SystemFiles files;
    for (const char* folder : {"run", "boot", "proc/sys/kernel"}) {
        std::filesystem::create_directories(root / folder);
    }
    spill(root / "proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
    spill(root / "run/reboot-required", "*** System restart required ***\n");
    spill(root / "run/reboot-required.pkgs", "libc6\ndbus\nlibc6\n");
    spill(root / "boot/vmlinuz-6.1.0-9-amd64", "");
    spill(root / "boot/initrd.img-6.1.0-9-amd64", "");
    const RebootSample sample = look_for_reboot(files, root.path()).value();
    CHECK(sample.asked_for);
    CHECK(sample.packages == std::vector<std::string>{"libc6", "dbus"});
    CHECK(sample.running == "6.1.0-9-amd64");
    CHECK(sample.installed == std::vector<std::string>{"6.1.0-9-amd64"});
    std::filesystem::remove_all(root / "boot");
    CHECK(look_for_reboot(files, root.path()).value().installed.empty());
    std::filesystem::remove_all(root / "proc");
    CHECK_FALSE(look_for_reboot(files, root.path()));
}

TEST_CASE("this very host can be looked at") {
    SystemFiles files;
    CHECK_FALSE(look_for_reboot(files).value().running.empty());
}

// ── containers ──────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a container is read as the Engine tells of it") {
    const ContainerSetup setup = container();
    CHECK(setup.name == "web");
    CHECK(setup.user == "app");
    CHECK(setup.memory_limit == 536870912);
    CHECK(setup.healthcheck);
    CHECK(setup.published.size() == 1);
    CHECK(set_up(setup).status == Status::ok);
    for (const char* text : {"", "{", "[]", "null", R"({"Id": "xyz", "Name": "/a", "Config": {"User": ""}})",
                             R"({"Id": "ab", "Name": "/a"})", R"({"Id": "ab", "Config": {"User": ""}})"}) {
        CAPTURE(text);
        CHECK_FALSE(container_setup_of(text));
    }
    CHECK(container_setup_of(R"({"Id": "ab", "Name": "/a", "Config": {"Healthcheck": {"Test": ["NONE"]}},
                                 "HostConfig": {"PortBindings": 5, "Binds": [5], "Memory": "x"}})")
              .has_value());
}

TEST_CASE("each way in which a container is not as it should be is named alone") {
    const auto expect = [](const ContainerSetup& one, const char* words) {
        const CheckResult result = set_up(one);
        CAPTURE(words);
        REQUIRE(result.findings.size() == 1);
        CHECK(result.status == Status::warning);
        CHECK(result.findings.front().seen.en == words);
    };
    for (const char* root : {"", "root", "0", "0:0", "root:root"}) {
        ContainerSetup one = container();
        one.user = root;
        expect(one, "web runs as root");
    }
    ContainerSetup one = container();
    one.restart_policy = "no";
    expect(one, "web is not restarted when it falls");
    one = container();
    one.memory_limit = 0;
    expect(one, "web has no memory limit");
    one = container();
    one.healthcheck = false;
    expect(one, "web has no health check");
    one = container();
    one.privileged = true;
    expect(one, "web is privileged");
    one = container();
    one.holds_docker_socket = true;
    expect(one, "web holds Docker's socket");
    one = container();
    one.command = "python manage.py runserver 0.0.0.0:8000";
    expect(one, "web runs a development server: python manage.py runserver 0.0.0.0:8000");
    one = container();
    one.published = {{"0.0.0.0", "5432/tcp"}, {"::", "5432/tcp"}};
    expect(one, "web publishes 5432/tcp on all addresses");
    one.published = {{"203.0.113.5", "6379/tcp"}};
    expect(one, "web publishes 6379/tcp on 203.0.113.5");
}

TEST_CASE("what opens the host to a container is seen, however it was asked for") {
    const auto finding = [](const char* more) {
        const std::string text = fmt::format(
            R"({{"Id": "ab", "Name": "/web", "Config": {{"User": "app", "Cmd": ["x"]}}, {}}})", more);
        const std::optional<ContainerSetup> setup = container_setup_of(text);
        REQUIRE(setup);
        ContainersSettings settings;
        settings.require.clear();
        const CheckResult result = set_up(*setup, settings);
        CAPTURE(more);
        REQUIRE(result.findings.size() == 1);
        return result.findings.front().seen.en;
    };
    for (const char* socket :
         {R"("HostConfig": {"Binds": ["/var/run/docker.sock:/s:ro"]})",
          R"("HostConfig": {"Mounts": [{"Source": "/var/run/docker.sock"}]})",
          R"("Mounts": [{"Type": "bind", "Source": "/run/docker.sock", "Destination": "/s"}])"}) {
        CHECK(finding(socket) == "web holds Docker's socket");
    }
    CHECK(finding(R"("Mounts": [{"Source": "/"}])") == "web holds the whole file system of the host");
    CHECK(finding(R"("HostConfig": {"PidMode": "host"})") == "web sees the processes of the host");
    CHECK(finding(R"("HostConfig": {"CapAdd": ["NET_ADMIN", "CAP_SYS_ADMIN"]})") == "web has CAP_SYS_ADMIN");
    CHECK(finding(R"("HostConfig": {"PublishAllPorts": true, "PortBindings": {}},
                     "NetworkSettings": {"Ports": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}]}})") ==
          "web publishes 32768/tcp on all addresses");
}

TEST_CASE("what may be published is, and a job that is done needs nothing") {
    ContainersSettings settings;
    settings.published = {"443", "53/udp"};
    ContainerSetup one = container();
    one.published = {{"0.0.0.0", "443/tcp"}, {"", "53/udp"}};
    CHECK(set_up(one, settings).status == Status::ok);
    one.published.push_back({"0.0.0.0", "53/tcp"});
    CHECK(set_up(one, settings).findings.size() == 1);
    ContainerSetup job = container();
    job.user = "";
    job.job = true;
    CHECK(evaluate_containers({job, container()}, {}).status == Status::ok);
    CHECK(set_up(job).status == Status::unknown);
    CHECK(evaluate_containers({}, {}).message.ru == "контейнеров нет, смотреть не на что");
    ContainersSettings nothing;
    nothing.require = {};
    ContainerSetup bare = container();
    bare.user = "";
    bare.healthcheck = false;
    CHECK(set_up(bare, nothing).status == Status::ok);
}

// ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a default secret is named by its variable, never by its value") {
    const std::vector<std::string> values{"change-in-production"};
    CHECK(names_of_defaults("A=1\nSECRET_KEY=CHANGE-in-production-please\n# B=change-in-production\n", '\n',
                            values) == std::vector<std::string>{"SECRET_KEY"});
    CHECK(names_of_defaults("export JWT = change-in-production", '\n', values) ==
          std::vector<std::string>{"JWT"});
    CHECK(names_of_defaults("  jwt_secret: change-in-production", '\n', values) ==
          std::vector<std::string>{"jwt_secret"});
    CHECK(names_of_defaults("x\nhunter change-in-production", '\n', values) ==
          std::vector<std::string>{"line 2"});
    CHECK(names_of_defaults(std::string_view("A=1\0K=change-in-production\0", 27), '\0', values) ==
          std::vector<std::string>{"K"});
    CHECK(names_of_defaults("A=1", '\n', {""}).empty());
}

TEST_CASE("files and environments with default secrets, files open to all, and those that are not there") {
    const TempFolder folder;
    SystemFiles files;
    const Path good = folder / "good";
    const Path bad = folder / "bad";
    spill(good, "SECRET_KEY=8f7d6a\n");
    spill(bad, "SECRET_KEY=change-in-production\n");
    std::filesystem::permissions(good, std::filesystem::perms(0640));
    std::filesystem::permissions(bad, std::filesystem::perms(0644));
    const auto file = [&](const Path& path) {
        return SecretsSample::File{path, files.info(path, Files::Follow::yes), files.read(path, 1_MB)};
    };
    SecretsSample sample;
    sample.files = {file(good)};
    sample.environments.push_back({7, "gunicorn", std::string("SECRET_KEY=8f7d6a\0", 18)});
    CHECK(evaluate_secrets(sample, {}).status == Status::ok);

    sample.files.push_back(file(bad));
    sample.files.push_back(file(folder / "absent"));
    sample.environments.push_back({8, "celery", std::string("X=1\0DB=changeme\0", 16)});
    sample.environments.push_back({9, "celery", std::string("X=1\0DB=changeme\0", 16)}); // a worker of it
    const CheckResult result = evaluate_secrets(sample, {});
    CHECK(result.status == Status::critical);
    CHECK(result.findings.size() == 4);
    CHECK(finds(result, "bad: SECRET_KEY"));
    CHECK(finds(result, "bad can be read by everyone on this host (mode 644)"));
    CHECK(finds(result, "there is no " + (folder / "absent").string()));
    CHECK(finds(result, "environment of process 8 (celery): DB"));
    for (const Finding& finding : result.findings) {
        CHECK(finding.seen.ru.find("change-in-production") == std::string::npos);
    }
}

TEST_CASE("what the site serves of itself is found; the page that it answers to everything is not") {
    SecretsSettings settings;
    settings.url = "https://site.test";
    SecretsSample sample;
    sample.made_up = page(404, "not found");
    sample.pages = {{"/.env", page(404, "not found")}, {"/.git/HEAD", page(403)}, {"/x", page(301)}};
    CHECK(evaluate_secrets(sample, settings).status == Status::ok);
    sample.made_up = page(200, "<html>app</html>");
    sample.pages = {{"/.env", page(200, "<html>app</html>")}};
    CHECK(evaluate_secrets(sample, settings).status == Status::ok);
    // A page that differs each time.
    const auto differing = [](const char* nonce) {
        return page(200, fmt::format("<!doctype html><title>App</title><meta content=\"{}\">", nonce));
    };
    sample.made_up = differing("1");
    sample.pages = {{"/.env", differing("2")}, {"/docs/", differing("3")}};
    CHECK(evaluate_secrets(sample, settings).status == Status::ok);
    sample.made_up = page(404);
    CHECK(evaluate_secrets(sample, settings).findings.size() == 1); // /docs/, which is a page of its own
    sample.pages = {{"/.git/HEAD", page(200, "ref: refs/heads/main\n")}};
    const CheckResult served = evaluate_secrets(sample, settings);
    CHECK(served.status == Status::critical);
    CHECK(served.message.en == "https://site.test/.git/HEAD is served to everyone (HTTP 200)");
    CHECK(served.message.ru == "https://site.test/.git/HEAD отдаётся всем (HTTP 200)");
    CHECK(served.hint.en.find("location ~ /\\.") != std::string::npos);
    sample.pages = {{"/db.sqlite3", page(200, "SQLite format 3")}};
    const std::string other =
        evaluate_secrets(sample, settings).hint.en; // no rule for hidden files closes that
    CHECK(other.find("take it out of the folder that nginx serves") == 0);
}

TEST_CASE("with the site down, what is known of files is told all the same") {
    const TempFolder folder;
    spill(folder / "bad", "SECRET_KEY=change-in-production\n");
    BareWorld bare;
    bare.http.on_any([](const HttpRequest&) {
        HttpAnswer refused;
        refused.failure = HttpAnswer::Failure::refused;
        return refused;
    });
    SecretsSettings settings;
    settings.files = {folder / "bad"};
    settings.url = "http://site.test";
    const auto check = secrets_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const CheckContext context{bare.world, bare.clock.now(), bare.clock.steady() + std::chrono::seconds(50),
                               memory};
    Task<CheckResult> task = static_cast<const AsyncCheck&>(*check).run(context);
    bool done = false;
    task.start([&] { done = true; });
    for (int turn = 0; !done && turn < 10'000; ++turn) {
        bare.http.poll(Duration(100));
    }
    REQUIRE(done);
    const CheckResult result = task.value();
    CHECK(result.status == Status::critical);
    CHECK(finds(result, "bad: SECRET_KEY"));
    CHECK_THAT(result.message.en, Catch::Contains("site.test") && Catch::Contains("SECRET_KEY"));
}

TEST_CASE("the line against files that begin with a dot leaves certificates their renewal") {
    SecretsSettings settings;
    settings.url = "https://site.test";
    SecretsSample sample;
    sample.pages = {{"/.env", page(200, "A=1")}};
    CHECK_THAT(evaluate_secrets(sample, settings).hint.en, Catch::Contains("/\\.(?!well-known/)"));
}
