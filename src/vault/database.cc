#include "vault/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

#include "vault/plain_database.h"

namespace bulkhead {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

// SQLite's own messages can quote a value; the texts of its codes cannot.
Error Failure(sqlite3* handle) {
  const int code = sqlite3_errcode(handle) & 0xFF;
  const bool corrupt = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  if (code == SQLITE_NOMEM) {  // what SQLCipher calls a page whose tag does not fit, too
    return Error{ErrorCode::kUnavailable,
                 "vault: a page does not open (it was changed), or memory is short"};
  }
  return Error{corrupt ? ErrorCode::kCorruption : ErrorCode::kUnavailable,
               std::string("vault: ") + sqlite3_errstr(code)};
}

int Bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return sqlite3_bind_int64(statement, index, *number);
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  }
  const std::string_view bytes = std::get<Blob>(value).bytes;
  return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

Result<void> Execute(sqlite3* handle, const char* sql) {
  return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK
             ? Result<void>()
             : Result<void>(Failure(handle));
}

}  // namespace

SqlRows::SqlRows(SqlRows&& other) noexcept
    : handle_(other.handle_), statement_(std::exchange(other.statement_, nullptr)) {}

SqlRows::~SqlRows() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

Result<bool> SqlRows::Step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return Failure(handle_);
  }
  return code == SQLITE_ROW;
}

int64_t SqlRows::Number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view SqlRows::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

void VaultDatabase::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void VaultDatabase::Finaliser::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<VaultDatabase> VaultDatabase::Open(FileSystem& fs, const Options& options,
                                          const SecretBytes& key32) {
  const Result<DatabaseForm> form = FormOfDatabase(fs, options.path);
  const Result<void> encrypted = form && *form == DatabaseForm::kPlain
                                     ? EncryptPlainDatabase(fs, options.path, key32)
                                     : Result<void>();
  if (!form || !encrypted) {
    const Error& error = form ? encrypted.error() : form.error();
    return Error{error.code, options.path + ": " + error.message};
  }
  // Made here, so that it is never another user's to read; SQLite gives the WAL the same mode.
  const int fd = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{ErrorCode::kUnavailable, "cannot open " + options.path};
  }
  ::close(fd);
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(options.path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  VaultDatabase database(handle);
  if (opened != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "cannot open " + options.path};
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  Result<void> ready = SetDatabaseKey(handle, key32);
  if (ready) {
    ready = Execute(handle,
                    "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
                    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;");
  }
  if (ready) {
    ready = Execute(handle, options.sync_every_commit ? "PRAGMA synchronous=FULL"
                                                      : "PRAGMA synchronous=NORMAL");
  }
  if (ready) {
    ready = database.EnsureSchema(options);
  }
  if (!ready) {
    return Error{ready.error().code, options.path + ": " + ready.error().message};
  }
  return database;
}

Result<void> VaultDatabase::EnsureSchema(const Options& options) {
  Result<VaultTransaction> transaction = VaultTransaction::Begin(this);
  if (!transaction) {
    return transaction.error();
  }
  const Result<int64_t> version = Number("PRAGMA user_version", 0);
  if (!version) {
    return version.error();
  }
  if (*version == options.version) {
    return {};
  }
  const int64_t known = static_cast<int64_t>(options.upgrades.size()) + 1;
  if (*version < 0 || *version > options.version || *version > known) {
    return Error{ErrorCode::kCorruption, "a version that this program does not know"};
  }
  const std::string set_version = "PRAGMA user_version = " + std::to_string(options.version);
  if (*version == 0) {
    if (Result<void> made = Execute(handle_.get(), options.schema); !made) {
      return made;
    }
  }
  for (int64_t from = *version; from != 0 && from < options.version; ++from) {
    const char* upgrade = options.upgrades[static_cast<size_t>(from - 1)];
    if (Result<void> done = Execute(handle_.get(), upgrade); !done) {
      return done;
    }
  }
  if (Result<void> set = Execute(handle_.get(), set_version.c_str()); !set) {
    return set;
  }
  return transaction->Commit();
}

Result<SqlRows> VaultDatabase::Start(const char* sql, std::initializer_list<SqlValue> values) {
  std::unique_ptr<sqlite3_stmt, Finaliser>& prepared = prepared_[sql];
  if (prepared == nullptr) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK) {
      return Failure(handle_.get());
    }
    prepared.reset(statement);
  }
  SqlRows rows(handle_.get(), prepared.get());
  int index = 0;
  for (const SqlValue& value : values) {
    if (Bind(prepared.get(), ++index, value) != SQLITE_OK) {
      return Failure(handle_.get());
    }
  }
  return rows;
}

Result<void> VaultDatabase::Run(const char* sql, std::initializer_list<SqlValue> values) {
  Result<SqlRows> rows = Start(sql, values);
  if (!rows) {
    return rows.error();
  }
  while (true) {
    const Result<bool> row = rows->Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return {};
    }
  }
}

Result<int64_t> VaultDatabase::Number(const char* sql, int64_t otherwise,
                                      std::initializer_list<SqlValue> values) {
  Result<SqlRows> rows = Start(sql, values);
  if (!rows) {
    return rows.error();
  }
  const Result<bool> row = rows->Step();
  if (!row) {
    return row.error();
  }
  return *row ? rows->Number(0) : otherwise;
}

int64_t VaultDatabase::changes() const { return sqlite3_changes64(handle_.get()); }

Result<void> VaultDatabase::Checkpoint() {
  const Result<int64_t> busy = Number("PRAGMA wal_checkpoint(TRUNCATE)", 1);
  if (!busy) {
    return busy.error();
  }
  return *busy == 0 ? Result<void>()
                    : Result<void>(Error{ErrorCode::kUnavailable,
                                         "vault: another process is reading; try again"});
}

Result<void> VaultDatabase::Rewrite() {
  const Result<void> rewritten = Run("VACUUM");
  return rewritten ? Checkpoint() : rewritten;
}

Result<VaultTransaction> VaultTransaction::Begin(VaultDatabase* database) {
  if (Result<void> begun = database->Run("BEGIN IMMEDIATE"); !begun) {
    return begun.error();
  }
  return VaultTransaction(database);
}

VaultTransaction::VaultTransaction(VaultTransaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

VaultTransaction::~VaultTransaction() {
  if (database_ != nullptr) {
    // Where this fails SQLite has rolled back by itself.
    (void)database_->Run("ROLLBACK").has_value();
  }
}

Result<void> VaultTransaction::Commit() {
  Result<void> committed = database_->Run("COMMIT");
  if (committed) {
    database_ = nullptr;
  }
  return committed;
}

}  // namespace bulkhead
