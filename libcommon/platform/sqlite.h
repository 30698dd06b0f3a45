// Database: one SQLite file, with Results instead of codes and a deadline on everything (sqlite.org/c3ref).
//
//     LECTIO_TRY(database.run("CREATE TABLE t (a INTEGER, b TEXT)"));
//     Result<Statement> insert = database.prepare("INSERT INTO t VALUES (?, ?)");
//     insert->bind(1, 42).bind(2, "text");
//     LECTIO_TRY(insert->run());
//
// Kinds of Error: invalid (damaged, or no database), busy (locked by another until the deadline), timeout (our own
// work passed it), no_space, permission, not_found, io; internal for wrong SQL, also where a table is missing.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace lectio {

class Statement {
  public:
    explicit Statement(sqlite3_stmt* statement) : m_statement(statement) {}

    // Parameters count from 1. They stay bound over reset(). What cannot be bound is told by the next step().
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind_bytes(int parameter, std::string_view bytes);

    // true: there is a row, columns may be read; false: done.
    Result<bool> step();
    // To the end, whatever the rows hold, then reset().
    Result<void> run();
    void reset();

    // Of the row, columns count from 0. NULL and other types give 0 or "". A view lives until the next step.
    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view bytes(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
    int m_unbound = 0; // the first failure of bind
};

class Database {
  public:
    // create: it may be absent. The file's type and owner are the caller's to look at: links are followed.
    // without_locks: reads what lies in the file, whoever may write there, and nothing of its log (immutable=1 in
    // sqlite.org/uri.html): what looks damaged may only have been changed meanwhile.
    enum class Access { read_only, read_write, create, without_locks };
    // Waiting for others' locks and one's own work both end at `deadline`, by `clock`.
    static Result<Database> at(const Path& path, Access access, Clock& clock, SteadyTime deadline);

    // One or more statements without parameters and rows.
    Result<void> run(const std::string& sql);
    Result<Statement> prepare(std::string_view sql);
    // First column of the first row; 0 without a row.
    Result<std::int64_t> number(std::string_view sql);
    [[nodiscard]] std::int64_t last_insert_id() const;
    // How many rows the last INSERT, UPDATE or DELETE has changed.
    [[nodiscard]] std::int64_t changes() const;

    // The write-ahead log (sqlite.org/wal.html) stays when the last connection closes and is copied back only by
    // empty_log(): a process of every minute would otherwise wait for the disk (fsync) at each end.
    Result<void> keep_log();
    // Copies the log back and makes it empty; what is kept long is read again by each process. Waits for nobody:
    // busy while somebody still reads from it.
    Result<void> empty_log();

    // `copy` becomes what this one is at one moment, committed and no more (sqlite.org/backup.html): in one step, for a
    // step that ends in between begins anew whenever somebody writes. Writers of a database with a log go on meanwhile,
    // those of one without wait. What is locked is waited for until the deadline; the copy itself is not cut short.
    Result<void> copy_into(Database& copy);

  private:
    struct Patience {
        Clock& clock;
        SteadyTime deadline;
    };
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    static int wait_for_lock(void* patience, int attempt);
    static int is_too_late(void* patience);

    Database(sqlite3* handle, std::unique_ptr<Patience> patience);
    std::unique_ptr<Patience> m_patience; // SQLite keeps its address: outlives the handle
    std::unique_ptr<sqlite3, Close> m_handle;
};

std::string sqlite_version(); // of the library, "3.40.1"

// Undone where it goes out of scope without commit().
class Transaction {
  public:
    // Takes the write lock at once: a transaction that began by reading could not be retried.
    static Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept : m_database(std::exchange(other.m_database, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Result<void> commit();

  private:
    explicit Transaction(Database& database) : m_database(&database) {}
    Database* m_database;
};

} // namespace lectio
