#include "stand_in_types.h"

namespace lectio::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;
using Later = Schema<NotYet>;

const Schema<HttpLike>& http() {
    static const Schema<HttpLike> schema{
        required("url", &HttpLike::url, "what is asked").check(http_url_complaint),
        optional("status", &HttpLike::status, "expected"),
        optional("follow", &HttpLike::follow, "redirects"),
        optional("verify", &HttpLike::verify, "the certificate"),
        optional("contains", &HttpLike::contains, "must be there"),
        optional("json", &HttpLike::json, "pointer = value"),
        optional("max_time", &HttpLike::max_time, "slower: warning").between(1ms, 1h),
        optional("timeout", &HttpLike::timeout, "then critical").between(10ms, 1h),
        optional("resolve", &HttpLike::resolve, "ask this address"),
    };
    return schema;
}

const Later& systemd() {
    static const Later schema{
        later<std::string>("unit", "name"),
        later<Thresholds>("restarts", "in the last hour").units({Amount::Unit::number}).grows(),
        later<std::string>("stopped", "on purpose").one_of({"critical", "warning", "ok"}),
    };
    return schema;
}

const Later& process() {
    static const Later schema{later<std::string>("match", "regular expression").needed(),
                              later<int>("min", "at least").between(0, 100000),
                              later<Thresholds>("cpu", "of one").units({Amount::Unit::percent}),
                              later<std::string>("user", "whose")};
    return schema;
}

const Schema<DiskLike>& disk() {
    static const Schema<DiskLike> schema{
        required("path", &DiskLike::path, "mount point"),
        optional("free", &DiskLike::free, "space")
            .units({Amount::Unit::percent, Amount::Unit::bytes})
            .runs_out(),
        optional("inodes", &DiskLike::inodes, "inodes").units({Amount::Unit::percent}).runs_out(),
    };
    return schema;
}

const Later& memory() {
    static const Later schema{
        later<Thresholds>("available", "memory").units({Amount::Unit::bytes}).runs_out(),
        later<Thresholds>("swap_used", "swap").units({Amount::Unit::bytes}).grows(),
        later<std::string>("oom", "a kill by the kernel").one_of({"warn", "critical", "ok"}),
    };
    return schema;
}

const Later& frontend() {
    static const Later schema{
        later<Path>("root", "the build").needed(),
        later<std::string>("url", "the site").check(http_url_complaint).needed(),
        later<std::string>("reader", "who must be able to read"),
        later<std::string>("contains", "in index.html"),
        later<Texts>("forbid", "in no script"),
        later<Duration>("max_time", "slower: warning"),
        later<Duration>("timeout", "then critical"),
        later<std::string>("resolve", "ask this address"),
    };
    return schema;
}

const Later& no_ttl() {
    static const Later schema{later<std::string>("pattern", "keys").needed(),
                              later<int>("sample", "how many"),
                              later<Amount>("warn", "share").units({Amount::Unit::percent})};
    return schema;
}

const Later& redis() {
    static const Later schema{
        later<std::string>("url", "where").check(redis_url_complaint).needed(),
        later<Thresholds>("memory", "of maxmemory").units({Amount::Unit::percent}).grows(),
        later<std::map<std::string, Thresholds>>("queues", "LLEN").units({Amount::Unit::number}).grows(),
        later<NotYet>("no_ttl", no_ttl(), "keys without an end"),
        later<Thresholds>("evictions", "since the last run"),
        later<Thresholds>("rdb_age", "of the last save").units({Amount::Unit::milliseconds}).grows(),
        later<std::string>("aof", "state of the log"),
    };
    return schema;
}

const Later& celery() {
    static const Later schema{later<std::string>("broker", "where").check(redis_url_complaint).needed(),
                              later<int>("workers", "at least").between(1, 1000),
                              later<Duration>("timeout", "of the answer"),
                              later<Texts>("consumed", "queues that somebody reads")};
    return schema;
}

const Later& sqlite() {
    static const Later schema{
        later<Path>("path", "the database").needed(),
        later<Thresholds>("size", "of the file").units({Amount::Unit::bytes}).grows(),
        later<bool>("quick_check", "of its pages"),
        later<Thresholds>("wal", "of the log").units({Amount::Unit::bytes}).grows(),
        later<Thresholds>("locked", "for how long").units({Amount::Unit::milliseconds}).grows(),
        later<Thresholds>("free_pages", "share").units({Amount::Unit::percent}).grows(),
    };
    return schema;
}

const Later& postgres() {
    static const Later schema{
        later<Secret>("url", "where").needed(),
        later<std::string>("sslmode", "at least").one_of({"disable", "require", "verify-full"}),
        later<Thresholds>("connect_time", "to a connection").units({Amount::Unit::milliseconds}).grows(),
        later<Thresholds>("connections", "share").units({Amount::Unit::percent}).grows(),
        later<int>("pool_min", "of the pool").between(0, 10000),
        later<Duration>("statement_timeout", "at most"),
        later<Thresholds>("oldest_transaction", "age").units({Amount::Unit::milliseconds}).grows(),
        later<Thresholds>("lag", "of the replica").units({Amount::Unit::milliseconds}).grows(),
        later<Thresholds>("dead_rows", "share").units({Amount::Unit::percent}).grows(),
        later<Thresholds>("size", "of the database").units({Amount::Unit::bytes}).grows(),
    };
    return schema;
}

const Later& django() {
    static const Later schema{later<Path>("manage", "manage.py").needed(), later<Path>("python", "which"),
                              later<std::string>("user", "who"), later<bool>("deploy_check", "too")};
    return schema;
}

const Later& source() {
    static const Later schema{later<std::string>("url", "where").needed(),
                              later<std::string>("query", "what"), later<std::string>("pointer", "what"),
                              later<std::string>("key", "what")};
    return schema;
}

const Later& freshness() {
    static const Later schema{
        later<std::string>("files", "pattern"),
        later<Bytes>("min_size", "at least"),
        later<NotYet>("sql", source(), "from a database"),
        later<NotYet>("json", source(), "over HTTP"),
        later<NotYet>("redis", source(), "from Redis"),
        later<Thresholds>("age", "of the newest").units({Amount::Unit::milliseconds}).grows().needed(),
    };
    return schema;
}

const Later& tls() {
    static const Later schema{
        later<std::string>("address", "host:port").check(address_complaint).needed(),
        later<Thresholds>("expires", "days left").units({Amount::Unit::milliseconds}).runs_out(),
    };
    return schema;
}

const Later& log() {
    static const Later schema{
        later<Path>("path", "the log").needed(),
        later<Texts>("matches", "expressions").or_single(),
        later<std::string>("format", "of a line").one_of({"nginx-access"}),
        later<std::string>("start", "first run").one_of({"end", "begin"}),
        later<Thresholds>("ratio", "share").units({Amount::Unit::percent}).grows(),
        later<std::map<std::string, Thresholds>>("latency", "percentiles"),
        later<Texts>("attacks", "what is looked for"),
        later<int>("min_samples", "fewer are not judged"),
        later<Thresholds>("count", "lines").units({Amount::Unit::number}).grows(),
        later<Duration>("window", "counted over"),
    };
    return schema;
}

const Later& headers() {
    static const Later schema{later<std::string>("url", "the page").needed(),
                              later<Texts>("require", "names"),
                              later<std::string>("cors_origin", "a stranger"),
                              later<bool>("cookies", "flags"), later<bool>("hide_version", "none is told")};
    return schema;
}

const Later& containers() {
    static const Later schema{later<Path>("socket", "where"), later<std::string>("project", "which"),
                              later<Texts>("require", "of each"), later<Texts>("published", "ports")};
    return schema;
}

const Later& secrets() {
    static const Later schema{later<Texts>("files", "where"), later<Texts>("values", "none of these"),
                              later<Texts>("environments", "of processes"),
                              later<std::string>("url", "the site"), later<Texts>("reachable", "paths")};
    return schema;
}

const Later& cmdline() {
    static const Later schema{later<std::string>("match", "which").needed(), later<Texts>("rules", "names")};
    return schema;
}

const Later& reboot() {
    static const Later schema{};
    return schema;
}

const Later& journal() {
    static const Later schema{
        later<Texts>("units", "whose"),
        later<std::string>("priority", "or worse").one_of({"err", "warning", "info"}),
        later<Texts>("matches", "expressions").or_single(),
        later<Thresholds>("count", "messages").units({Amount::Unit::number}).grows(),
        later<Duration>("window", "counted over"),
    };
    return schema;
}

const Later& nginx() {
    static const Later schema{
        later<Texts>("command", "prints it"), later<Texts>("limit_req", "paths"),
        later<Bytes>("max_body", "at most"),  later<bool>("server_tokens", "told"),
        later<Texts>("headers", "names"),     later<Texts>("listed", "paths"),
    };
    return schema;
}

const Later& ports() {
    static const Later schema{later<Texts>("allow", "may listen").needed()};
    return schema;
}

const Later& growth() {
    static const Later schema{
        later<Texts>("of", "what").needed(),
        later<Thresholds>("full_in", "time left").units({Amount::Unit::milliseconds}).runs_out()};
    return schema;
}

const Later& drift() {
    static const Later schema{
        later<Texts>("watch", "what must not change").needed(),
        later<Thresholds>("database", "change of its size").units({Amount::Unit::percent}).grows(),
        later<Path>("build", "its folder"), later<Path>("code", "its folder")};
    return schema;
}

const Later& unit_action() {
    static const Later schema{later<std::string>("unit", "which").needed(), later<Texts>("test", "first")};
    return schema;
}

const Schema<TreeLike>& fix_permissions() {
    static const Schema<TreeLike> schema{
        required("path", &TreeLike::path, "tree"), optional("owner", &TreeLike::owner, "user:group"),
        optional("dirs", &TreeLike::dirs, "mode"), optional("files", &TreeLike::files, "mode")};
    return schema;
}

const Later& restore_frontend() {
    static const Later schema{later<Path>("path", "the build").needed(),
                              later<Texts>("from", "copies").needed()};
    return schema;
}

const Later& rollback() {
    static const Later schema{later<std::string>("part", "which").one_of({"frontend", "backend"}).needed()};
    return schema;
}

const Later& exec_action() {
    static const Later schema{later<Texts>("command", "program").needed(), later<std::string>("user", "who"),
                              later<Duration>("timeout", "then killed")
                                  .between(std::chrono::milliseconds(100), std::chrono::minutes(5))};
    return schema;
}

} // namespace

const Kinds& stand_in_kinds() {
    static const Kinds kinds{{{"celery", "workers answer", &celery()},
                              {"cmdline", "command lines", &cmdline()},
                              {"containers", "containers", &containers()},
                              {"disk", "space", &disk()},
                              {"django", "migrations", &django()},
                              {"drift", "changes without a deploy", &drift()},
                              {"freshness", "new enough", &freshness()},
                              {"frontend", "the build", &frontend()},
                              {"growth", "when it is full", &growth()},
                              {"headers", "headers", &headers()},
                              {"http", "an answer", &http()},
                              {"journal", "messages", &journal()},
                              {"log", "new lines", &log()},
                              {"memory", "memory", &memory()},
                              {"nginx", "nginx", &nginx()},
                              {"ports", "who listens", &ports()},
                              {"postgres", "PostgreSQL", &postgres()},
                              {"process", "processes", &process()},
                              {"reboot", "a reboot", &reboot()},
                              {"redis", "Redis", &redis()},
                              {"secrets", "secrets", &secrets()},
                              {"sqlite", "SQLite", &sqlite()},
                              {"systemd", "a unit is active", &systemd()},
                              {"tls", "a certificate", &tls()}},
                             {{"exec", "a program", &exec_action()},
                              {"fix-permissions", "owner and modes", &fix_permissions()},
                              {"reload", "reloads", &unit_action()},
                              {"restart", "restarts", &unit_action()},
                              {"restore-frontend", "puts a build back", &restore_frontend()},
                              {"rollback", "serves the release before", &rollback()},
                              {"start", "starts", &unit_action()}}};
    return kinds;
}

} // namespace lectio::test
