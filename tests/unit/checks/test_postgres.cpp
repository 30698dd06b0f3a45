#include "checks/postgres.h"
#include "support/bare_world.h"
#include "support/hostile_server.h"

#include <thread>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

Thresholds at(Amount::Unit unit, double warn, std::optional<double> critical = {}) {
    Thresholds thresholds{Amount{unit, warn}, {}};
    if (critical) {
        thresholds.critical = Amount{unit, *critical};
    }
    return thresholds;
}

PostgresSample well() {
    PostgresSample sample;
    sample.connected_in = 12ms;
    sample.connections = 20;
    sample.most_connections = 97;
    sample.of_database = 8;
    sample.statement_timeout = 30s;
    sample.size = 3_GB;
    return sample;
}

CheckResult judged(const PostgresSample& sample, const PostgresSettings& settings = {}) {
    return evaluate_postgres(sample, settings, {});
}

// The check itself against a server of the test's, by a real clock.
CheckResult look(const std::string& address, Duration timeout = 1s) {
    BareWorld bare;
    SystemClock clock;
    World world{clock, bare.files, bare.host, bare.http, bare.processes, bare.services, bare.redis};
    PostgresSettings settings;
    settings.url = Secret("postgresql://monitor:made-up-password@" + address + "/lectio?sslmode=disable");
    settings.timeout = timeout;
    const std::map<std::string, std::string> nothing;
    const CheckContext context{world, clock.now(), clock.steady() + 30s, nothing};
    const std::unique_ptr<Check> check = postgres_check_type().make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run(context);
}

} // namespace

TEST_CASE("a PostgreSQL that is well, in words and figures", "[postgres]") {
    const CheckResult result = judged(well());
    CHECK(result.status == Status::ok);
    CHECK(result.message.en == "connected in 12 ms");
    CHECK(result.message.ru == "подключение за 12 ms");
    CHECK(result.metrics.size() == 3);
}

TEST_CASE("each threshold of a PostgreSQL", "[postgres]") {
    PostgresSettings settings;
    settings.connections = at(Amount::Unit::percent, 80, 95);
    PostgresSample sample = well();
    sample.connections = 80;
    CHECK(judged(sample, settings).message.en == "80 of 97 connections are taken");
    CHECK(judged(sample, settings).status == Status::warning);
    sample.connections = 96;
    CHECK(judged(sample, settings).status == Status::critical);
    CHECK(judged(sample, settings).remedy == Remedy::cannot_help);

    settings = {};
    settings.pool_min = 10;
    CHECK(judged(well(), settings).message.ru == "к базе подключений 8, а пул сайта должен держать 10");

    settings = {};
    settings.connect_time = at(Amount::Unit::milliseconds, 10, 2000);
    CHECK(judged(well(), settings).message.en == "connecting takes 12 ms");
    CHECK(judged(well(), settings).metrics.back().value == Approx(0.012));

    settings = {};
    settings.size = at(Amount::Unit::bytes, 1e9);
    CHECK(judged(well(), settings).message.en == "the database is 3 GB large");

    settings = {};
    settings.lag = at(Amount::Unit::milliseconds, 30'000);
    sample = well();
    CHECK(judged(sample, settings).status == Status::ok); // no replica
    sample.lag = 90s;
    CHECK(judged(sample, settings).status == Status::warning);

    settings = {};
    settings.dead_rows = at(Amount::Unit::percent, 20);
    sample.worst = PostgresSample::Table{"public.\"Odd\x1b name\"", 3000, 7000};
    CHECK(judged(sample, settings).message.en.find("30% of the rows of public.") == 0);
    CHECK(judged(sample, settings).message.en.find('\x1b') == std::string::npos);
}

TEST_CASE("a statement must not run for ever", "[postgres]") {
    PostgresSettings settings;
    settings.statement_timeout = 60s;
    PostgresSample sample = well();
    CHECK(judged(sample, settings).status == Status::ok);
    sample.statement_timeout = 0ms;
    CHECK(judged(sample, settings).message.en.find("for ever") != std::string::npos);
    CHECK(judged(sample, settings).hint.en == "alter role … set statement_timeout = '60s'");
    sample.statement_timeout = 5min;
    CHECK(judged(sample, settings).message.en == "a statement may run for 5 m, expected at most 60 s");
}

TEST_CASE("the oldest transaction is named, where it may be seen", "[postgres]") {
    PostgresSettings settings;
    settings.oldest_transaction = at(Amount::Unit::milliseconds, 300'000);
    CHECK(judged(well(), settings).status == Status::ok);
    PostgresSample sample = well();
    sample.oldest = PostgresSample::Transaction{20min, 4321, "lectio", "gunicorn", "idle in transaction"};
    const CheckResult old = judged(sample, settings);
    CHECK(old.status == Status::warning);
    CHECK(old.message.en ==
          "a transaction has been open for 20 minutes: process 4321, lectio (gunicorn), idle in transaction");
    CHECK(old.hint.en.find("pg_terminate_backend(4321)") != std::string::npos);
    sample = well();
    sample.sees_all = false;
    CHECK(judged(sample, settings).message.en == "transactions of others are not seen");
}

TEST_CASE("several troubles of a PostgreSQL are told together, the hint of the worst", "[postgres]") {
    PostgresSettings settings;
    settings.connections = at(Amount::Unit::percent, 10, 15);
    settings.pool_min = 10;
    const CheckResult result = judged(well(), settings);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en ==
          "20 of 97 connections are taken; 8 connections to the database, the site's pool should hold 10");
    CHECK(result.hint.en.find("the site gets none either") == 0);
}

TEST_CASE("what keeps us out of a PostgreSQL", "[postgres]") {
    const auto with = [](ErrorKind kind) {
        PostgresSample sample;
        sample.failure = Error{kind, "FATAL: said so"};
        return evaluate_postgres(sample, {}, {{"level-size", "warning"}});
    };
    CHECK(with(ErrorKind::permission).remedy == Remedy::cannot_help);
    CHECK(with(ErrorKind::busy).message.en == "PostgreSQL has no free connection: FATAL: said so");
    CHECK(with(ErrorKind::timeout).message.en == "PostgreSQL does not answer in time");
    CHECK(with(ErrorKind::not_found).remedy == Remedy::outside_host);
    CHECK(with(ErrorKind::io).remedy == Remedy::try_it);
    CHECK(with(ErrorKind::internal).status == Status::unknown);
    for (const ErrorKind kind : {ErrorKind::permission, ErrorKind::io, ErrorKind::protocol}) {
        CHECK(with(kind).status == Status::critical);
        CHECK(with(kind).memory.contains("level-size"));
    }
}

TEST_CASE("what is no PostgreSQL is told in a line, in time", "[postgres]") {
    const auto asked = [](const HostileServer::Script& script) {
        HostileServer server(script);
        return look("127.0.0.1:" + std::to_string(server.port()));
    };
    const CheckResult http = asked([](Connection& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    CHECK(http.status == Status::critical);
    CHECK(http.message.en.find("PostgreSQL") != std::string::npos);

    CHECK(asked([](Connection& peer) { peer.wait_until_gone(); }).message.en ==
          "PostgreSQL does not answer in time");
    CHECK(asked([](Connection& peer) {
              while (peer.send("R")) { // a byte at a time, for ever
                  std::this_thread::sleep_for(10ms);
              }
          }).status == Status::critical);
    CHECK(asked([](Connection&) {}).status == Status::critical); // hangs up at once
    CHECK(asked([](Connection& peer) {
              peer.send(std::string("E\xff\xff\xff\xff") + std::string(100'000, '\x01'));
          }).status == Status::critical);

    // A refusal by the server's own words: severity, code, message.
    const std::string fields = std::string("SFATAL\0VFATAL\0C28P01\0Mno way <b>in</b>\0\0", 40);
    const CheckResult refused = asked([&](Connection& peer) {
        const char length = static_cast<char>(fields.size() + 4);
        peer.send(std::string("E\0\0\0", 4) + length + fields);
    });
    CHECK(refused.message.en.starts_with("PostgreSQL refuses us: 127.0.0.1:"));
    CHECK(refused.message.en.ends_with(": no way <b>in</b>"));
    CHECK(refused.remedy == Remedy::cannot_help);
    CHECK(refused.message.en.find("28P01") == std::string::npos);

    const CheckResult nobody = look("127.0.0.1:1");
    CHECK(nobody.status == Status::critical);
    CHECK(nobody.message.en == "PostgreSQL cannot be reached: 127.0.0.1:1: Connection refused");
    CHECK(nobody.message.ru == "PostgreSQL недоступен: 127.0.0.1:1: в соединении отказано");
    CHECK(nobody.message.en.find("made-up-password") == std::string::npos);
}
