#include "platform/sqlite.h"

#include "util/percent.h"

#include <fmt/format.h>

#include <sqlite3.h>

namespace lectio {
namespace {

constexpr Duration k_nap{5};                // while another one holds the lock
constexpr int k_steps_between_looks = 5000; // of SQLite's virtual machine: well below a millisecond

ErrorKind kind_of(int code, int system_error) {
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ErrorKind::invalid;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ErrorKind::busy;
    case SQLITE_INTERRUPT:
        return ErrorKind::timeout;
    case SQLITE_FULL:
        return ErrorKind::no_space;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ErrorKind::permission;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return system_error == 0 ? ErrorKind::io : kind_of_errno(system_error);
    default:
        return ErrorKind::internal;
    }
}

// SQLite remembers the errno of a call that may have had nothing to do with this code.
bool has_system_error(int code) {
    const int primary = code & 0xFF;
    return primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR || primary == SQLITE_FULL;
}

Error error_of(sqlite3* handle, std::string_view what, int code) {
    const int system_error = handle != nullptr && has_system_error(code) ? sqlite3_system_errno(handle) : 0;
    const char* words = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    if (system_error != 0) {
        const Error reason = errno_error(what, system_error);
        return Error{kind_of(code, system_error), fmt::format("{} ({})", reason.message, words)};
    }
    return Error{kind_of(code, 0), fmt::format("unable to {}: {}", what, words)};
}

int flags_of(Database::Access access) {
    switch (access) {
    case Database::Access::read_only:
        return SQLITE_OPEN_READONLY;
    case Database::Access::read_write:
        return SQLITE_OPEN_READWRITE;
    case Database::Access::create:
        return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Database::Access::without_locks:
        return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    }
    return SQLITE_OPEN_READONLY;
}

// What is in the file may come from anybody: its schema runs nothing and its pages are not believed.
void distrust(sqlite3* handle) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

} // namespace

// ── statement ───────────────────────────────────────────────────────────────────────────────────────────────

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    const int code = sqlite3_bind_int64(m_statement.get(), parameter, value);
    m_unbound = m_unbound == 0 ? code : m_unbound;
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    const int code =
        sqlite3_bind_text64(m_statement.get(), parameter, text.data() == nullptr ? "" : text.data(),
                            text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    m_unbound = m_unbound == 0 ? code : m_unbound;
    return *this;
}

Statement& Statement::bind_bytes(int parameter, std::string_view bytes) {
    const int code =
        sqlite3_bind_blob64(m_statement.get(), parameter, bytes.data() == nullptr ? "" : bytes.data(),
                            bytes.size(), SQLITE_TRANSIENT);
    m_unbound = m_unbound == 0 ? code : m_unbound;
    return *this;
}

Result<bool> Statement::step() {
    sqlite3* const handle = sqlite3_db_handle(m_statement.get());
    if (m_unbound != 0) {
        return error_of(handle, "bind a value", m_unbound);
    }
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    const Error error = error_of(handle, "use the database", code);
    reset();
    return error;
}

Result<void> Statement::run() {
    for (;;) {
        const Result<bool> row = step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            reset();
            return {};
        }
    }
}

void Statement::reset() {
    sqlite3_reset(m_statement.get());
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(m_statement.get(), column);
}

std::string_view Statement::text(int column) const {
    const unsigned char* text = sqlite3_column_text(m_statement.get(), column);
    const int size = sqlite3_column_bytes(m_statement.get(), column);
    return text == nullptr
               ? std::string_view()
               : std::string_view(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

std::string_view Statement::bytes(int column) const {
    const void* bytes = sqlite3_column_blob(m_statement.get(), column);
    const int size = sqlite3_column_bytes(m_statement.get(), column);
    return bytes == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

// ── database ────────────────────────────────────────────────────────────────────────────────────────────────

void Database::Close::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

int Database::wait_for_lock(void* patience, int) {
    if (is_too_late(patience) != 0) {
        return 0;
    }
    static_cast<Patience*>(patience)->clock.sleep_for(k_nap);
    return 1;
}

int Database::is_too_late(void* patience) {
    const auto& limit = *static_cast<Patience*>(patience);
    return limit.clock.steady() >= limit.deadline ? 1 : 0;
}

Database::Database(sqlite3* handle, std::unique_ptr<Patience> patience)
    : m_patience(std::move(patience)), m_handle(handle) {
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_handler(handle, wait_for_lock, m_patience.get());
    sqlite3_progress_handler(handle, k_steps_between_looks, is_too_late, m_patience.get());
    distrust(handle);
}

Result<Database> Database::at(const Path& path, Access access, Clock& clock, SteadyTime deadline) {
    sqlite3* handle = nullptr;
    const std::string name = access == Access::without_locks
                                 ? fmt::format("file:{}?immutable=1", percent_encoded_path(path.string()))
                                 : path.string();
    const int code = sqlite3_open_v2(name.c_str(), &handle, flags_of(access) | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<sqlite3, Close> owner(handle); // there is one after most failures, too
    if (code != SQLITE_OK) {
        return error_of(handle, fmt::format("open {}", path.string()), code);
    }
    return Database(owner.release(), std::make_unique<Patience>(Patience{clock, deadline}));
}

Result<void> Database::run(const std::string& sql) {
    const int code = sqlite3_exec(m_handle.get(), sql.c_str(), nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Result<void>()
                             : Result<void>(error_of(m_handle.get(), "use the database", code));
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v2(m_handle.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    if (code != SQLITE_OK) {
        return error_of(m_handle.get(), "use the database", code);
    }
    return Statement(statement);
}

Result<std::int64_t> Database::number(std::string_view sql) {
    Result<Statement> statement = prepare(sql);
    if (!statement) {
        return statement.error();
    }
    const Result<bool> row = statement->step();
    if (!row) {
        return row.error();
    }
    return *row ? statement->number(0) : 0;
}

std::int64_t Database::last_insert_id() const {
    return sqlite3_last_insert_rowid(m_handle.get());
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(m_handle.get());
}

Result<void> Database::keep_log() {
    int code = sqlite3_db_config(m_handle.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    code = code == SQLITE_OK ? sqlite3_wal_autocheckpoint(m_handle.get(), 0) : code;
    return code == SQLITE_OK ? Result<void>()
                             : Result<void>(error_of(m_handle.get(), "set up the database", code));
}

Result<void> Database::empty_log() {
    const SteadyTime deadline = std::exchange(m_patience->deadline, SteadyTime::min());
    const int code =
        sqlite3_wal_checkpoint_v2(m_handle.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    m_patience->deadline = deadline;
    return code == SQLITE_OK ? Result<void>()
                             : Result<void>(error_of(m_handle.get(), "copy the log back", code));
}

Result<void> Database::copy_into(Database& copy) {
    sqlite3_backup* const step = sqlite3_backup_init(copy.m_handle.get(), "main", m_handle.get(), "main");
    if (step == nullptr) {
        return error_of(copy.m_handle.get(), "copy the database", sqlite3_errcode(copy.m_handle.get()));
    }
    constexpr int k_all_pages = -1;
    int code = SQLITE_BUSY;
    do {
        code = sqlite3_backup_step(step, k_all_pages);
        // Some locks are refused without asking who waits (recovery of a log, a deadlock).
    } while ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && wait_for_lock(m_patience.get(), 0) != 0);
    const int finished = sqlite3_backup_finish(step);
    if (code == SQLITE_DONE && finished == SQLITE_OK) {
        return {};
    }
    return error_of(copy.m_handle.get(), "copy the database", code == SQLITE_DONE ? finished : code);
}

std::string sqlite_version() {
    return sqlite3_libversion();
}

// ── transaction ─────────────────────────────────────────────────────────────────────────────────────────────

Result<Transaction> Transaction::begin(Database& database) {
    LECTIO_TRY(database.run("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Transaction::~Transaction() {
    if (m_database != nullptr) {
        // Fails where SQLite has rolled back by itself (disk full): that is what is wanted.
        [[maybe_unused]] const Result<void> undone = m_database->run("ROLLBACK");
    }
}

Result<void> Transaction::commit() {
    Result<void> done = m_database->run("COMMIT");
    if (done) {
        m_database = nullptr;
    }
    return done;
}

} // namespace lectio
