// postgres: a PostgreSQL lets us in soon enough, has connections left, and nothing in it grows without end.
#pragma once

#include "checks/check_type.h"
#include "util/secret.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace lectio {

struct PostgresSettings {
    Secret url;
    Duration timeout{5'000};
    std::string sslmode;
    Thresholds connect_time, connections, oldest_transaction, lag, dead_rows, size;
    int pool_min = 0;
    std::optional<Duration> statement_timeout;
};

// What was seen; what was not asked, or is not told to us, is absent.
struct PostgresSample {
    std::optional<Error> failure; // of connecting or of a query: nothing below was seen
    Duration connected_in{};
    bool sees_all = true; // the sessions of others, too (pg_monitor)

    std::int64_t connections = 0,
                 most_connections = 0;         // of the server, and how many others than superusers may have
    std::int64_t of_database = 0;              // without ours
    std::optional<Duration> statement_timeout; // 0: none
    std::optional<Bytes> size;
    std::optional<Duration> lag;

    struct Transaction {
        Duration age{};
        int pid = 0;
        std::string user, program, state;
    };
    std::optional<Transaction> oldest;
    struct Table {
        std::string name;
        double dead = 0, living = 0;
    };
    std::optional<Table> worst; // with the largest share of dead rows
};

// Pure. `memory`: the levels of the last run.
CheckResult evaluate_postgres(const PostgresSample& sample, const PostgresSettings& settings,
                              const std::map<std::string, std::string>& memory);
CheckType postgres_check_type();

// A failure to connect or to ask, as a result: for checks that speak to a PostgreSQL.
CheckResult postgres_failure(const Error& error);

} // namespace lectio
