#include "failing_checks.h"

#include "checks/celery.h"
#include "checks/clock.h"
#include "checks/cmdline.h"
#include "checks/containers.h"
#include "checks/cron.h"
#include "checks/disk.h"
#include "checks/django.h"
#include "checks/dns.h"
#include "checks/docker.h"
#include "checks/drift.h"
#include "checks/exec.h"
#include "checks/file.h"
#include "checks/freshness.h"
#include "checks/frontend.h"
#include "checks/growth.h"
#include "checks/headers.h"
#include "checks/http.h"
#include "checks/journal.h"
#include "checks/load.h"
#include "checks/log.h"
#include "checks/memory.h"
#include "checks/nginx.h"
#include "checks/ports.h"
#include "checks/postgres.h"
#include "checks/pressure.h"
#include "checks/process.h"
#include "checks/reboot.h"
#include "checks/redis.h"
#include "checks/secrets.h"
#include "checks/sqlite.h"
#include "checks/systemd.h"
#include "checks/tcp.h"
#include "checks/tls.h"
#include "news_samples.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_processes.h"
#include "support/fake_redis.h"
#include "support/fake_services.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include <sys/stat.h>
#include <sys/wait.h>

namespace lectio {
namespace {

using All = std::vector<FailingCheck>;

Now ago(Duration time) {
    const Now now = sample_now();
    return {now.wall - time, now.boot - time, now.boot_id};
}

void celery(All& all) {
    CelerySettings settings;
    settings.broker = Secret("redis://127.0.0.1:6379/0");
    settings.workers = 2;
    settings.consumed = {"celery", "heavy"};
    const auto add = [&](const char* what, const CelerySample& sample) {
        all.push_back({"celery", what, evaluate_celery(sample, settings)});
    };
    CelerySample sample;
    add("nobody listens", sample);
    sample.listening = 2;
    add("nobody answers", sample);
    sample.answered = {{"celery@one", {"celery"}}, {"celery@two", {"celery"}}};
    add("a queue without a worker", sample);
    sample.failure = Error{ErrorKind::busy, "NOAUTH Authentication required."};
    add("the broker", sample);
}

void clock(All& all) {
    TimeSync sync;
    all.push_back({"clock", "kept by nobody", evaluate_clock(sync, {}, {})});
    sync.synchronised = true;
    sync.offset = std::chrono::milliseconds(400);
    all.push_back({"clock", "off", evaluate_clock(sync, {}, {})});
}

void cron(All& all) {
    CronSettings settings;
    settings.tools = {{"smoke", 15min}};
    const auto add = [&](const char* what, CronSample::Tool tool,
                         const std::map<std::string, std::string>& memory) {
        all.push_back(
            {"cron", what, evaluate_cron({{{"smoke", std::move(tool)}}}, settings, sample_now(), memory)});
    };
    add("late", {ago(40min), std::nullopt}, {});
    add("cannot be read", {std::nullopt, Error{ErrorKind::invalid, "not JSON"}}, {});
}

void disk(All& all) {
    const auto add = [&](const char* what, const DiskSpace& space) {
        all.push_back({"disk", what, evaluate_disk(space, {}, {})});
    };
    DiskSpace space{40_GB, 3_GB, 1000, 900};
    add("little", space);
    space.free = 1_GB;
    add("almost none", space);
    add("inodes", {40_GB, 20_GB, 1000, 20});
    space = {40_GB, 20_GB, 1000, 900, true};
    add("read-only", space);
    all.push_back(
        {"disk", "hangs",
         evaluate_hung_disk({"server:/x", "/mnt/media", "nfs4", "rw"}, Stranded::Outcome::hangs, {})});
}

void dns(All& all) {
    using Failure = DnsSample::Failure;
    DnsSettings settings;
    settings.name = "lectio.example";
    settings.expect = {"192.0.2.1"};
    const auto add = [&](const char* what, const DnsSample& sample) {
        all.push_back({"dns", what, evaluate_dns(sample, settings)});
    };
    DnsSample sample;
    sample.server = "127.0.0.1:53";
    sample.answers = {"192.0.2.7"};
    add("another answer", sample);
    sample.answers.clear();
    add("no answer of this kind", sample);
    sample.code = 3;
    add("NXDOMAIN", sample);
    sample.code = 2;
    add("SERVFAIL", sample);
    sample.code = 5;
    add("REFUSED", sample);
    sample.code = 0;
    sample.detail = "Connection refused";
    sample.failure = Failure::refused;
    add("nobody listens", sample);
    sample.failure = Failure::timeout;
    add("silent", sample);
    sample.failure = Failure::garbled;
    add("garbled", sample);
}

void docker(All& all) {
    const auto add = [&](const char* what, const DockerContainer& container) {
        DockerSample sample;
        sample.containers = {container};
        all.push_back({"docker", what, evaluate_docker(sample, {}, sample_now(), {})});
    };
    DockerSample missing;
    missing.missing = {"web"};
    all.push_back({"docker", "missing", evaluate_docker(missing, {}, sample_now(), {})});
    DockerContainer web;
    web.name = "web";
    web.id = "0a1b2c";
    web.policy = "always";
    web.state = "exited";
    web.exit_code = 1;
    add("exited", web);
    web.oom_killed = true;
    web.exit_code = 137;
    add("killed for lack of memory", web);
    web.oom_killed = false;
    web.state = "restarting";
    add("falls again and again", web);
    web.state = "paused";
    add("paused", web);
    web.state = "running";
    web.health = "unhealthy";
    web.health_output = "curl: (7) Failed to connect";
    add("unhealthy", web);
}

void exec(All& all) {
    const auto add = [&](const char* what, const ProcessAnswer& answer) {
        all.push_back({"exec", what, evaluate_exec(answer, {})});
    };
    ProcessAnswer answer;
    answer.exit_status = 1;
    answer.out = "QUEUE WARNING - 60 jobs wait\nthe oldest since 09:00";
    add("warning", answer);
    answer.exit_status = 2;
    answer.out = "QUEUE CRITICAL - 600 jobs wait";
    add("critical", answer);
    answer.exit_status = 127;
    answer.out.clear();
    answer.err = "sh: check_queue: not found";
    add("no status of a check's", answer);
    answer.exit_status.reset();
    answer.signal = SIGSEGV;
    add("killed", answer);
    answer.timed_out = true;
    add("no answer", answer);
}

FileSample seen(Duration age, std::uint64_t size, mode_t mode) {
    FileSample sample;
    sample.probe.sighting.mode = mode;
    sample.probe.sighting.size = size;
    sample.probe.sighting.modified = (sample_now().wall - age).time_since_epoch().count();
    sample.owner_seen = "root:root";
    return sample;
}

void file(All& all) {
    FileSettings settings;
    settings.path = "/var/backups/db.zst";
    const auto add = [&](const char* what, const FileSample& sample, const FileSettings& wanted) {
        all.push_back({"file", what, evaluate_file(sample, wanted, sample_now().wall, {})});
    };
    FileSample missing;
    missing.probe.sighting.error = ENOENT;
    add("missing", missing, settings);
    FileSample broken;
    broken.probe.sighting.error = EIO;
    add("the disk fails", broken, settings);
    const FileSample good = seen(30h, 5 * 1024, S_IFREG | 0644);
    FileSettings wanted = settings;
    wanted.must = FileSettings::Must::absent;
    add("must not be there", good, wanted);
    wanted = settings;
    wanted.age.critical = Amount{Amount::Unit::milliseconds, 26 * 3'600'000.0};
    add("too old", good, wanted);
    wanted = settings;
    wanted.size.warn = Amount{Amount::Unit::bytes, 1024};
    add("too large", good, wanted);
    wanted = settings;
    wanted.mode = FileMode{0600};
    add("another mode", good, wanted);
    add("a folder in its place", seen(1h, 0, S_IFDIR | 0755), settings);
    FileSample dangling;
    dangling.probe.sighting.link = true;
    std::strcpy(dangling.probe.sighting.target.data(), "/mnt/old/db.zst");
    dangling.probe.sighting.target_error = ENOENT;
    add("a link that leads nowhere", dangling, settings);
}

HttpAnswer answered(int status, std::string body = "", Headers headers = {}) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.headers = std::move(headers);
    answer.phase = HttpAnswer::Phase::done;
    answer.address = "127.0.0.1:443";
    answer.total = std::chrono::milliseconds(12);
    return answer;
}

HttpAnswer not_answered(HttpAnswer::Failure failure, HttpAnswer::Phase phase, std::string detail = "") {
    HttpAnswer answer;
    answer.failure = failure;
    answer.phase = phase;
    answer.detail = std::move(detail);
    answer.address = "127.0.0.1:443";
    answer.total = std::chrono::seconds(10);
    return answer;
}

void frontend(All& all) {
    FrontendSettings settings;
    settings.root = "/var/www/x/build";
    settings.url = "https://lectio.example";
    settings.reader = "www-data";
    settings.contains = {"id=\"root\""};
    const std::string index = "<div id=\"root\"></div><script src=\"/static/js/main.0a1b.js\"></script>";
    const Path script = settings.root / "static/js/main.0a1b.js";
    const auto add = [&](const char* what, const FrontendSample& sample) {
        all.push_back({"frontend", what, evaluate_frontend(sample, settings)});
    };
    FrontendSample sample;
    sample.index_obstacle = Obstacle{Obstacle::Kind::missing, settings.root / "index.html", 0};
    add("no page", sample);
    sample.index_obstacle = Obstacle{Obstacle::Kind::not_readable, settings.root / "index.html", 0600};
    add("the page cannot be read", sample);
    sample.index_obstacle = Obstacle{Obstacle::Kind::no_way_in, settings.root, 0700};
    add("no way into the folder", sample);
    sample.index_obstacle.reset();
    sample.index = index;
    FrontendFile file;
    file.path = "static/js/main.0a1b.js";
    file.obstacle = Obstacle{Obstacle::Kind::missing, script, 0};
    sample.files = {file};
    sample.page = answered(200, index);
    add("a script is missing", sample);
    file.obstacle = Obstacle{Obstacle::Kind::empty, script, 0644};
    sample.files = {file};
    add("a script is empty", sample);
    file.obstacle.reset();
    file.answer = answered(404);
    sample.files = {file};
    add("a script is not served", sample);
    file.answer = answered(200, "", {{"content-type", "text/html"}});
    sample.files = {file};
    add("HTML in place of a script", sample);
    file.answer = answered(200, "x", {{"content-type", "text/javascript"}, {"content-length", "1"}});
    file.forbidden = "localhost:";
    sample.files = {file};
    add("a forbidden text", sample);
    sample.files.front().forbidden.clear();
    sample.page = answered(403);
    add("the page is forbidden", sample);
    sample.page = answered(200, "<html>Welcome to nginx!");
    add("another page", sample);
}

void http(All& all) {
    using Failure = HttpAnswer::Failure;
    using Phase = HttpAnswer::Phase;
    HttpSettings settings;
    settings.url = "https://lectio.example/";
    const auto add = [&](const char* what, const HttpAnswer& answer, const HttpSettings& wanted) {
        all.push_back({"http", what, evaluate_http(answer, wanted)});
    };
    for (const int status : {301, 401, 403, 404, 429, 500, 502, 504}) {
        add(std::to_string(status).c_str(), answered(status, "<h1>nginx</h1>"), settings);
    }
    add("no such name", not_answered(Failure::dns, Phase::dns, "Name or service not known"), settings);
    add("the resolver is silent", not_answered(Failure::dns_timeout, Phase::dns), settings);
    add("nobody listens", not_answered(Failure::refused, Phase::connect, "Connection refused"), settings);
    add("no route", not_answered(Failure::unreachable, Phase::connect, "No route to host"), settings);
    add("no connection in time", not_answered(Failure::timeout, Phase::connect), settings);
    add("no TLS in time", not_answered(Failure::timeout, Phase::tls), settings);
    add("no answer in time", not_answered(Failure::timeout, Phase::first_byte), settings);
    add("the certificate", not_answered(Failure::tls, Phase::tls, "certificate has expired"), settings);
    add("cut off", not_answered(Failure::closed, Phase::body), settings);
    add("not HTTP", not_answered(Failure::not_http, Phase::first_byte, "Invalid Content-Length"), settings);
    add("in circles", not_answered(Failure::redirects, Phase::done, "Maximum (10) redirects followed"),
        settings);
    add("too large", not_answered(Failure::too_large, Phase::body), settings);
    HttpSettings wanted = settings;
    wanted.max_time = 5ms;
    add("slow", answered(200), wanted);
    wanted = settings;
    wanted.contains = {"id=\"root\""};
    add("lacks its text", answered(200, "<html>"), wanted);
    wanted = settings;
    wanted.not_contains = {"Traceback"};
    add("has what it must not", answered(200, "Traceback"), wanted);
    wanted = settings;
    wanted.json = {{"/checks/database", {"\"ok\""}}};
    add("JSON: another value", answered(200, R"({"checks":{"database":"error"}})"), wanted);
    add("JSON: no value", answered(200, "{}"), wanted);
    add("JSON: none", answered(200, "<html>"), wanted);
    wanted = settings;
    wanted.expect_headers = {{"content-type", "application/json*"}};
    add("another header", answered(200, "", {{"content-type", "text/html"}}), wanted);
}

void host(All& all) {
    all.push_back({"load", "overloaded", evaluate_load({{9, 8, 4}, 2}, {}, {})});
    const auto add = [&](const char* what, const MemorySample& sample, const MemorySettings& settings) {
        all.push_back(
            {"memory", what, evaluate_memory(sample, settings, sample_now(), {{"oom", "garbage"}})});
    };
    add("low", {{2_GB, 200_MB, 1_GB, 1_GB}, std::nullopt}, {});
    add("almost none", {{2_GB, 80_MB, 1_GB, 1_GB}, std::nullopt}, {});
    MemorySettings swapping;
    swapping.swap_used.warn = Amount{Amount::Unit::bytes, 512.0 * 1024 * 1024};
    add("swapping", {{2_GB, 1_GB, 1_GB, 100_MB}, std::nullopt}, swapping);
    all.push_back({"pressure", "memory", evaluate_pressure({5, 40, 5}, {}, {})});
    all.push_back({"pressure", "disk", evaluate_pressure({5, 5, 80}, {}, {})});
    PressureSettings cpu;
    cpu.cpu.warn = Amount{Amount::Unit::percent, 80};
    all.push_back({"pressure", "cpu", evaluate_pressure({95, 5, 5}, cpu, {})});
}

void killed_by_the_kernel(All& all) {
    const Now now = sample_now();
    const MemorySample before{{2_GB, 1_GB, 1_GB, 1_GB}, 0};
    const CheckResult first =
        evaluate_memory(before, {}, {now.wall - 1min, now.boot - 1min, now.boot_id}, {});
    const MemorySample after{{2_GB, 1_GB, 1_GB, 1_GB}, 1, {{now.boot, 123, "gunicorn"}}};
    all.push_back({"memory", "a kill", evaluate_memory(after, {}, now, first.memory)});
}

void log(All& all) {
    JournalCheckSettings journal;
    journal.units = {"teaching_panel.service"};
    JournalSample messages;
    messages.matched = {{"teaching_panel.service", 12}};
    messages.last = "Traceback (most recent call last): KeyError: 'plan'";
    all.push_back({"journal", "messages", evaluate_journal(messages, journal, sample_now(), {})});
    LogCheckSettings settings;
    settings.path = "/var/log/lectio/django.log";
    const auto add = [&](const char* what, const Tallies& counts, const char* last) {
        LogSample sample;
        sample.counts = counts;
        sample.last = last;
        all.push_back({"log", what, evaluate_log(sample, settings, sample_now(), {})});
    };
    settings.matches = {"ERROR"};
    add("lines", {{"matched", 3}}, "ERROR Internal Server Error: /api/homework/");
    settings = {};
    settings.path = "/var/log/nginx/access.log";
    settings.format = LogCheckSettings::Format::nginx_access;
    settings.window = 1h;
    settings.ratio.warn = Amount{Amount::Unit::percent, 1};
    settings.latency["p95"].warn = Amount{Amount::Unit::milliseconds, 1000};
    settings.attacks = {Attack::brute_force, Attack::scanner};
    add("answers with 5xx", {{"answers", 1234}, {"errors", 61}}, "");
    add("slow answers", {{"answers", 1234}, {time_bucket(0.02), 1100}, {time_bucket(2.5), 134}}, "");
    add("attempts", {{"answers", 1234}, {"brute-force/203.0.113.5", 83}, {"scanner/203.0.113.5", 4}}, "");
}

void process(All& all) {
    ProcessSettings settings;
    settings.match = "gunicorn.*teaching_panel";
    settings.min = 2;
    const auto add = [&](const char* what, const ProcessSample& sample, const ProcessSettings& wanted) {
        all.push_back({"process", what, evaluate_process(sample, wanted, {})});
    };
    ProcessInfo one = made_up_process(10, 1, "gunicorn: worker [teaching_panel]");
    add("too few", {{one}}, settings);
    ProcessSettings wanted = settings;
    wanted.max = 2;
    add("too many", {{one, one, one}}, wanted);
    wanted = settings;
    wanted.rss.warn = Amount{Amount::Unit::bytes, 500.0 * 1024 * 1024};
    one.rss = 900_MB;
    add("too large", {{one, one}}, wanted);
    wanted = settings;
    wanted.age.warn = Amount{Amount::Unit::milliseconds, 3'600'000};
    one.age = 30h;
    add("too old", {{one, one}}, wanted);
    wanted = settings;
    wanted.zombies.warn = Amount{Amount::Unit::number, 3};
    add("zombies", {{one, one}, {5, 60, "gunicorn", "teaching_panel.service"}}, wanted);
}

void redis(All& all) {
    RedisSettings settings;
    settings.url = Secret("redis://127.0.0.1:6379/0");
    settings.memory.critical = Amount{Amount::Unit::percent, 90};
    settings.queues["celery"].warn = Amount{Amount::Unit::number, 100};
    const auto add = [&](const char* what, const RedisSample& sample) {
        all.push_back({"redis", what, evaluate_redis(sample, settings, {})});
    };
    const auto refused = [&](const char* what, ErrorKind kind, const char* words) {
        RedisSample sample;
        sample.failure = Error{kind, words};
        add(what, sample);
    };
    const auto replied = [&](const char* what, RedisReply reply) {
        RedisSample sample;
        sample.ping = std::move(reply);
        add(what, sample);
    };
    refused("down", ErrorKind::io, "Connection refused");
    refused("silent", ErrorKind::timeout, "timed out");
    replied("password", redis_error("NOAUTH Authentication required."));
    replied("loading", redis_error("LOADING Redis is loading the dataset in memory"));
    replied("cannot save", redis_error("MISCONF Redis is configured to save RDB snapshots"));
    replied("busy", redis_error("BUSY Redis is busy running a script."));
    RedisSample sample;
    sample.ping = redis_status("PONG");
    sample.info = {{"used_memory", "950"}, {"maxmemory", "1000"}, {"role", "master"}};
    sample.lengths["celery"] = redis_number(5);
    add("memory", sample);
    sample.info["used_memory"] = "5";
    sample.lengths["celery"] = redis_number(640);
    add("a queue", sample);
    sample.lengths["celery"] = redis_number(5);
    sample.info["role"] = "slave";
    add("a replica", sample);
}

void systemd(All& all) {
    SystemdSettings settings;
    settings.unit = "teaching_panel.service";
    const auto add = [&](const char* what, const UnitState& unit) {
        all.push_back({"systemd", what, evaluate_unit(unit, settings, {}, sample_now())});
    };
    const auto fell = [&](const char* what, const char* result, std::int32_t code, std::int32_t status) {
        add(what, failed_unit(settings.unit, result, code, status));
    };
    fell("exit status", "exit-code", CLD_EXITED, 3);
    fell("killed", "signal", CLD_KILLED, SIGKILL);
    fell("crashed", "core-dump", CLD_DUMPED, SIGSEGV);
    fell("out of memory", "oom-kill", CLD_KILLED, SIGKILL);
    fell("watchdog", "watchdog", CLD_KILLED, SIGABRT);
    fell("too slow to start", "timeout", CLD_KILLED, SIGKILL);
    fell("given up", "start-limit-hit", CLD_EXITED, 1);
    UnitState unit = running_unit(settings.unit);
    unit.active_state = "inactive";
    unit.sub_state = "dead";
    add("stopped", unit);
    unit.active_state = "activating";
    unit.sub_state = "auto-restart";
    unit.restarts = 7;
    unit.result = "exit-code";
    unit.exit_code = CLD_EXITED;
    unit.exit_status = 1;
    add("falls again", unit);
    unit = running_unit(settings.unit);
    unit.active_state = "inactive";
    unit.load_state = "not-found";
    add("unknown", unit);
    unit.load_state = "masked";
    add("masked", unit);
    all.push_back({"systemd", "any unit",
                   evaluate_failed_units(std::vector<std::string>{"certbot.service", "logrotate.service"})});
}

void tcp(All& all) {
    using Failure = TcpSample::Failure;
    using Phase = TcpSample::Phase;
    TcpSettings settings;
    settings.address = "127.0.0.1:25";
    settings.expect = "220";
    const auto add = [&](const char* what, Failure failure, Phase phase, const char* detail,
                         const char* answer = "") {
        TcpSample sample;
        sample.failure = failure;
        sample.phase = phase;
        sample.detail = detail;
        sample.answer = answer;
        all.push_back({"tcp", what, evaluate_tcp(sample, settings)});
    };
    add("no such name", Failure::name, Phase::connecting, "Name or service not known");
    add("refused", Failure::refused, Phase::connecting, "Connection refused");
    add("no route", Failure::unreachable, Phase::connecting, "No route to host");
    add("no connection in time", Failure::timeout, Phase::connecting, "");
    add("silent", Failure::timeout, Phase::reading, "");
    add("broke", Failure::broken, Phase::reading, "Connection reset by peer");
    add("another answer", Failure::none, Phase::reading, "", "554 no SMTP service here\r\n");
    add("closed", Failure::none, Phase::reading, "");
}

void tls(All& all) {
    using Failure = TlsSample::Failure;
    BareWorld bare;
    const std::map<std::string, std::string> memory;
    TlsSettings settings;
    settings.address = "lectio.example:443";
    const auto add = [&](const char* what, const TlsSample& sample) {
        all.push_back(
            {"tls", what,
             evaluate_tls(sample, settings, {bare.world, sample_now(), bare.clock.steady() + 10s, memory})});
    };
    const auto lasting = [&](Duration left) {
        const WallTime end = sample_now().wall + left;
        TlsSample sample;
        sample.certificates.push_back({"lectio.example", end - 90 * 24h, end});
        sample.name_matches = true;
        return sample;
    };
    add("ends soon", lasting(12 * 24h));
    add("ends very soon", lasting(3 * 24h));
    add("ended", lasting(-1h));
    TlsSample sample = lasting(60 * 24h);
    sample.untrusted = "unable to get local issuer certificate";
    add("not trusted", sample);
    sample = lasting(60 * 24h);
    sample.name_matches = false;
    add("another name", sample);
    sample.has_names = false;
    add("no alternative names", sample);
    sample = lasting(60 * 24h);
    sample.certificates.front().refused_key = "RSA 1024";
    add("a weak key", sample);
    sample = lasting(60 * 24h);
    sample.old_protocol = "TLSv1.1";
    add("an old protocol", sample);
    sample = lasting(60 * 24h);
    sample.certificates.push_back(lasting(-24h).certificates.front());
    sample.certificates.back().is_needed = false;
    add("one that ended is shown along", sample);
    settings.file = "/etc/letsencrypt/live/lectio.example/fullchain.pem";
    all.push_back({"tls", "renewed, and never loaded",
                   evaluate_tls(lasting(12 * 24h), settings,
                                {bare.world, sample_now(), bare.clock.steady() + 10s, memory},
                                lasting(89 * 24h).certificates.front())});
    settings.file.clear();
    const auto fails = [&](const char* what, Failure failure, TlsSample::Phase phase, const char* detail) {
        TlsSample failing;
        failing.failure = failure;
        failing.phase = phase;
        failing.detail = detail;
        add(what, failing);
    };
    fails("refused", Failure::refused, TlsSample::Phase::connecting, "Connection refused");
    fails("silent", Failure::timeout, TlsSample::Phase::handshake, "");
    fails("stays without TLS", Failure::upgrade, TlsSample::Phase::upgrading, "502 command not implemented");
    fails("no TLS", Failure::handshake, TlsSample::Phase::handshake, "wrong version number");
}

void django(All& all) {
    DjangoSettings settings;
    settings.manage = "/srv/app/manage.py";
    settings.python = "/srv/app/venv/bin/python";
    const auto add = [&](const char* what, ProcessAnswer migrations,
                         std::optional<ProcessAnswer> deploy = {}) {
        DjangoSample sample;
        sample.migrations = std::move(migrations);
        sample.deploy = std::move(deploy);
        sample.user = "www-data";
        all.push_back({"django", what, evaluate_django(sample, settings)});
    };
    add("a migration", exited(0, "[X]  lessons.0001_initial\n[ ]  lessons.0002_room\n"));
    add("fails", exited(1, "", "Traceback:\nModuleNotFoundError: No module named 'celery'\n"));
    add("check --deploy", exited(0, "[X]  lessons.0001_initial\n"),
        exited(0, "", "WARNINGS:\n?: (security.W018) DEBUG is True.\n"));
}

void freshness(All& all) {
    FreshnessSettings settings;
    settings.age = {Amount{Amount::Unit::milliseconds, 26 * 3600e3},
                    Amount{Amount::Unit::milliseconds, 50 * 3600e3}};
    const auto add = [&](const char* what, const FreshnessSample& sample) {
        all.push_back({"freshness", what, evaluate_freshness(sample, settings, sample_now().wall, {})});
    };
    settings.files = "/var/backups/*.zst";
    FreshnessSample files;
    files.file = NewestFile{};
    add("no file", files);
    files.file->path = "/var/backups/db-1.zst";
    files.file->modified = sample_now().wall - 52h;
    files.file->size = 5_MB;
    add("an old file", files);
    settings.files.clear();
    settings.sql =
        FreshnessSql{Secret("postgresql://monitor@127.0.0.1/lectio"), "select max(at) from orders"};
    FreshnessSample value;
    add("no time", value);
    value.value = "next week";
    add("another value", value);
    value.value = std::to_string((sample_now().wall - 30h).time_since_epoch().count());
    add("an old time", value);
    value.value = std::to_string((sample_now().wall + 3h).time_since_epoch().count());
    add("a time to come", value);
}

void drift(All& all) {
    DriftSettings settings;
    settings.tool = "deepcheck";
    settings.name = "drift";
    settings.database.warn = Amount{Amount::Unit::percent, 10};
    const WallTime now = sample_now().wall;
    DriftArea nginx;
    nginx.word = "nginx";
    nginx.there = {{"/etc/nginx/nginx.conf", content_hash("1")}};
    nginx.look = "ls -ltR /etc/nginx | head -n 30";
    nginx.changed_at = [now](const std::string&) { return std::optional(now - 20min); };
    DriftArea build;
    build.word = "build";
    build.there = {{"index.html", content_hash("1")}};
    build.released = ReleasedBuild{"fe-1", build.there, {}};
    build.look = "sudo lectio-deploy status";
    const auto before =
        evaluate_drift({{nginx, build}, {{"database", {}, 50_MB}}, {}}, settings, now - 1h, {}).memory;
    nginx.there["/etc/nginx/nginx.conf"] = content_hash("2");
    build.there["debug.js"] = content_hash("2");
    all.push_back({"drift", "changed without a deploy",
                   evaluate_drift({{nginx, build}, {{"database", {}, 90_MB}}, {}}, settings, now, before)});
    DriftArea nowhere;
    nowhere.word = "code";
    nowhere.trouble = {"unable to look: no rights", "не удалось посмотреть: нет прав"};
    all.push_back({"drift", "cannot be looked at", evaluate_drift({{nowhere}, {}, {}}, settings, now, {})});
}

void growth(All& all) {
    GrowthSettings settings;
    settings.of = {"disk:/", "files:/srv/media"};
    settings.targets = growth_targets(settings.of, {});
    settings.full_in = {Amount{Amount::Unit::milliseconds, 30 * 86'400e3}, {}};
    settings.tells = true;
    std::map<std::string, std::string> memory;
    for (const GrowthTarget& target : settings.targets) {
        GrowthTrack track;
        for (int day = 4; day > 0; --day) {
            track.add(ago(day * 24h), Bytes{(200ULL - static_cast<std::uint64_t>(day)) << 30U});
        }
        memory["size-" + target.text] = track.to_text();
    }
    GrowthSample seen;
    seen.size = 200_GB;
    seen.room = 12_GB;
    GrowthSample unseen;
    unseen.trouble = {"unable to look: no rights", "не удалось посмотреть: нет прав"};
    all.push_back({"growth", "soon full", evaluate_growth({seen, seen}, settings, sample_now(), memory)});
    all.push_back(
        {"growth", "cannot be looked at", evaluate_growth({unseen, unseen}, settings, sample_now(), memory)});
}

void postgres(All& all) {
    PostgresSettings settings;
    settings.connections = {Amount{Amount::Unit::percent, 80}, Amount{Amount::Unit::percent, 95}};
    settings.oldest_transaction.warn = Amount{Amount::Unit::milliseconds, 300'000};
    settings.statement_timeout = 60s;
    settings.dead_rows.warn = Amount{Amount::Unit::percent, 20};
    settings.pool_min = 5;
    const auto add = [&](const char* what, const PostgresSample& sample) {
        all.push_back({"postgres", what, evaluate_postgres(sample, settings, {})});
    };
    const auto refused = [&](const char* what, ErrorKind kind, const char* words) {
        PostgresSample sample;
        sample.failure = Error{kind, words};
        add(what, sample);
    };
    refused("down", ErrorKind::io, "Connection refused");
    refused("silent", ErrorKind::timeout, "PostgreSQL does not answer in time");
    refused("password", ErrorKind::permission, "FATAL: password authentication failed for user \"monitor\"");
    refused("full", ErrorKind::busy, "FATAL: sorry, too many clients already");
    PostgresSample well;
    well.connections = 20;
    well.most_connections = 97;
    well.of_database = 8;
    well.statement_timeout = 30s;
    const auto with = [&](const char* what, void (*change)(PostgresSample&)) {
        PostgresSample sample = well;
        change(sample);
        add(what, sample);
    };
    with("connections", [](PostgresSample& it) { it.connections = 96; });
    with("a small pool", [](PostgresSample& it) { it.of_database = 2; });
    with("no limit", [](PostgresSample& it) { it.statement_timeout = 0ms; });
    with("an old transaction", [](PostgresSample& it) {
        it.oldest = {20min, 4321, "lectio", "gunicorn", "idle in transaction"};
    });
    with("dead rows", [](PostgresSample& it) { it.worst = {"public.lessons", 4000, 6000}; });
}

void sqlite(All& all) {
    SqliteSettings settings;
    settings.path = "/srv/db.sqlite3";
    const auto add = [&](const char* what, void (*change)(SqliteSample&)) {
        SqliteSample sample;
        sample.file.sighting.mode = S_IFREG | 0640;
        sample.file.sighting.size = 8192;
        sample.sighting.size = 8192_B;
        change(sample);
        all.push_back({"sqlite", what, evaluate_sqlite(sample, settings, {})});
    };
    add("gone", [](SqliteSample& it) { it.file.sighting.error = ENOENT; });
    add("damaged", [](SqliteSample& it) {
        it.sighting.check = SqliteSighting::Check::damaged;
        it.sighting.damage = {"Tree 3 page 7: btreeInitPage() returns error code 11"};
    });
    add("another file", [](SqliteSample& it) {
        it.sighting.unreadable =
            Error{ErrorKind::invalid, "unable to use the database: file is not a database"};
    });
    add("locked", [](SqliteSample& it) {
        it.sighting.locked = 5s;
        it.sighting.holder = 4321;
        it.holder = "python manage.py import";
    });
    add("a large log", [](SqliteSample& it) { it.sighting.log = 300_MB; });
}

void hardening(All& all) {
    HeadersSettings headers;
    headers.url = "https://lectio.test/";
    headers.require = {HeadersSettings::Header::hsts, HeadersSettings::Header::csp};
    headers.cors_origin = "https://evil.example";
    HeadersSample page;
    page.page.status = 200;
    page.page.headers = {{"server", "nginx/1.22.1"}};
    all.push_back({"headers", "none", evaluate_headers(page, headers)});
    page.foreign = HttpAnswer{};
    page.foreign->headers = {{"access-control-allow-origin", "https://evil.example"},
                             {"access-control-allow-credentials", "true"}};
    all.push_back({"headers", "open to strangers", evaluate_headers(page, headers)});

    const PortsSettings ports{{"22", "443", "127.0.0.0/8"}};
    all.push_back(
        {"ports", "a new one", evaluate_ports({{"0.0.0.0", 5432, 7, "postgres"}}, ports, {{"seen", ""}})});

    RebootSample reboot;
    reboot.asked_for = true;
    reboot.packages = {"linux-image-6.1.0-18-amd64", "libc6"};
    all.push_back({"reboot", "waits", evaluate_reboot(reboot)});

    all.push_back(
        {"cmdline", "sync workers",
         evaluate_cmdline({made_up_process(7, 1, "/srv/venv/bin/gunicorn -w 2 teaching_panel.wsgi")}, {})});

    NginxSettings nginx;
    nginx.limit_req = {"/api/jwt/token/"};
    const std::string site =
        "# configuration file /etc/nginx/nginx.conf:\n"
        "http { server { server_name lectio.test; location / { proxy_pass http://a; } } }";
    all.push_back({"nginx", "no limit", evaluate_nginx(exited(0, site), nginx)});
    const char* complaint = "nginx: [emerg] unknown directive \"lisen\" in /etc/nginx/nginx.conf:3\n";
    all.push_back({"nginx", "broken", evaluate_nginx(exited(1, "", complaint), nginx)});

    ContainerSetup container;
    container.name = "db";
    container.published = {{"0.0.0.0", "5432/tcp"}};
    all.push_back({"containers", "all of it", evaluate_containers({container}, {})});

    SecretsSample secrets;
    secrets.environments.push_back({7, "gunicorn", std::string("SECRET_KEY=change-in-production")});
    all.push_back({"secrets", "a default one", evaluate_secrets(secrets, {})});
}

} // namespace

std::vector<FailingCheck> failing_checks() {
    All all;
    for (const auto add : {celery,
                           clock,
                           cron,
                           disk,
                           django,
                           dns,
                           docker,
                           drift,
                           exec,
                           file,
                           freshness,
                           frontend,
                           growth,
                           hardening,
                           http,
                           host,
                           killed_by_the_kernel,
                           log,
                           postgres,
                           process,
                           redis,
                           sqlite,
                           systemd,
                           tcp,
                           tls}) {
        add(all);
    }
    return all;
}

} // namespace lectio
