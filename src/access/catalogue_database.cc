#include "access/catalogue_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <initializer_list>
#include <variant>

namespace bulkhead {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyTimeoutMs = 5000;
constexpr const char* kSchema =
    "CREATE TABLE projects (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
    " timezone TEXT NOT NULL, token TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE service_accounts (username TEXT PRIMARY KEY,"
    " project INTEGER NOT NULL REFERENCES projects(id), hash TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

Error Failure(sqlite3* handle) {
  const int code = sqlite3_errcode(handle) & 0xFF;
  const bool corrupt = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  // SQLite's own text can quote a value of a row; the code's text cannot.
  return Error{corrupt ? ErrorCode::kCorruption : ErrorCode::kUnavailable,
               std::string("catalogue: ") + sqlite3_errstr(code)};
}

using Parameter = std::variant<int64_t, std::string_view>;

class Statement {
 public:
  Statement(sqlite3* handle, const char* sql, std::initializer_list<Parameter> parameters = {})
      : handle_(handle) {
    ok_ = sqlite3_prepare_v2(handle, sql, -1, &statement_, nullptr) == SQLITE_OK;
    int index = 0;
    for (const Parameter& parameter : parameters) {
      ++index;
      int bound = SQLITE_OK;
      if (const auto* number = std::get_if<int64_t>(&parameter)) {
        bound = sqlite3_bind_int64(statement_, index, *number);
      } else {
        const auto text = std::get<std::string_view>(parameter);
        bound = sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                                  SQLITE_TRANSIENT);
      }
      ok_ = ok_ && bound == SQLITE_OK;
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // True: a row. False: the end.
  Result<bool> Step() {
    const int code = ok_ ? sqlite3_step(statement_) : SQLITE_ERROR;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      return Failure(handle_);
    }
    return code == SQLITE_ROW;
  }
  Result<void> Run() {
    const Result<bool> stepped = Step();
    return stepped ? Result<void>() : Result<void>(stepped.error());
  }
  [[nodiscard]] int64_t Number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string Text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
    return text == nullptr ? std::string() : std::string(text, size);
  }

 private:
  sqlite3* handle_;
  sqlite3_stmt* statement_ = nullptr;
  bool ok_ = false;
};

Result<int64_t> SingleNumber(sqlite3* handle, const char* sql) {
  Statement statement(handle, sql);
  const Result<bool> row = statement.Step();
  if (!row) {
    return row.error();
  }
  return *row ? statement.Number(0) : 0;
}

Result<void> Execute(sqlite3* handle, const char* sql) {
  return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK
             ? Result<void>()
             : Result<void>(Failure(handle));
}

// Two programs may open a new file at once: whoever gets the write lock first makes the tables.
Result<void> EnsureSchema(sqlite3* handle, const std::string& path) {
  if (Result<void> begun = Execute(handle, "BEGIN IMMEDIATE"); !begun) {
    return begun;
  }
  const Result<int64_t> version = SingleNumber(handle, "PRAGMA user_version");
  Result<void> made;
  if (!version) {
    made = version.error();
  } else if (*version == 0) {
    made = Execute(handle, kSchema);
  } else if (*version != kSchemaVersion) {
    made = Error{ErrorCode::kCorruption, path + " has a version that this program does not know"};
  }
  const Result<void> ended = Execute(handle, made ? "COMMIT" : "ROLLBACK");
  return made ? ended : made;
}

}  // namespace

void CatalogueDatabase::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<CatalogueDatabase> CatalogueDatabase::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{ErrorCode::kUnavailable, "cannot open " + path};
  }
  ::close(fd);
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  CatalogueDatabase database(handle);
  if (opened != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "cannot open " + path};
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  Result<void> ready =
      Execute(handle,
              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
              "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;");
  if (ready) {
    ready = EnsureSchema(handle, path);
  }
  if (!ready) {
    return ready.error();
  }
  return database;
}

Result<uint32_t> CatalogueDatabase::InsertProject(std::string_view name, std::string_view timezone,
                                                  std::string_view token) {
  Statement insert(handle_.get(), "INSERT INTO projects (name, timezone, token) VALUES (?, ?, ?)",
                   {name, timezone, token});
  if (Result<void> ran = insert.Run(); !ran) {
    return ran.error();
  }
  return static_cast<uint32_t>(sqlite3_last_insert_rowid(handle_.get()));
}

Result<void> CatalogueDatabase::InsertAccount(std::string_view username, uint32_t project,
                                              std::string_view hash) {
  return Statement(handle_.get(),
                   "INSERT INTO service_accounts (username, project, hash) VALUES (?, ?, ?)",
                   {username, int64_t{project}, hash})
      .Run();
}

Result<bool> CatalogueDatabase::RemoveAccount(std::string_view username) {
  Statement remove(handle_.get(), "DELETE FROM service_accounts WHERE username = ?", {username});
  if (Result<void> ran = remove.Run(); !ran) {
    return ran.error();
  }
  return sqlite3_changes(handle_.get()) > 0;
}

Result<std::vector<CatalogueProjectRow>> CatalogueDatabase::Projects() {
  Statement select(handle_.get(), "SELECT id, name, timezone, token FROM projects ORDER BY id");
  std::vector<CatalogueProjectRow> rows;
  while (true) {
    const Result<bool> row = select.Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return rows;
    }
    rows.push_back(
        {static_cast<uint32_t>(select.Number(0)), select.Text(1), select.Text(2), select.Text(3)});
  }
}

Result<std::vector<CatalogueAccountRow>> CatalogueDatabase::Accounts() {
  Statement select(handle_.get(), "SELECT username, project, hash FROM service_accounts");
  std::vector<CatalogueAccountRow> rows;
  while (true) {
    const Result<bool> row = select.Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return rows;
    }
    rows.push_back({select.Text(0), static_cast<uint32_t>(select.Number(1)), select.Text(2)});
  }
}

Result<int64_t> CatalogueDatabase::DataVersion() {
  return SingleNumber(handle_.get(), "PRAGMA data_version");
}

}  // namespace bulkhead
