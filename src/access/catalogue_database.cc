#include "access/catalogue_database.h"

#include <sqlite3.h>

#include <algorithm>
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

constexpr const char* kSettings =
    "PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    "PRAGMA trusted_schema=OFF;";

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

Result<void> CheckVersion(sqlite3* handle) {
  const Result<int64_t> version = SingleNumber(handle, "PRAGMA user_version");
  if (!version) {
    return version.error();
  }
  if (*version != kSchemaVersion) {
    return Error{ErrorCode::kCorruption,
                 "the catalogue's tables have a version that this program does not know"};
  }
  return {};
}

}  // namespace

void CatalogueDatabase::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<CatalogueDatabase> CatalogueDatabase::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  CatalogueDatabase database(handle);
  if (opened != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "cannot open " + path};
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (Result<void> ready = Execute(handle, kSettings); !ready) {
    return ready.error();
  }
  return database;
}

Result<CatalogueDatabase> CatalogueDatabase::Empty() {
  Result<CatalogueDatabase> database = Open(":memory:");
  if (!database) {
    return database.error();
  }
  if (Result<void> made = Execute(database->handle_.get(), kSchema); !made) {
    return made.error();
  }
  return database;
}

Result<CatalogueDatabase> CatalogueDatabase::FromImage(std::string_view image) {
  Result<CatalogueDatabase> database = Open(":memory:");
  if (!database) {
    return database.error();
  }
  // SQLite takes the copy over and grows it.
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(image.size() + 1));
  if (copy == nullptr) {
    return Error{ErrorCode::kUnavailable, "no memory for the catalogue"};
  }
  std::copy(image.begin(), image.end(), copy);
  const auto size = static_cast<sqlite3_int64>(image.size());
  sqlite3* handle = database->handle_.get();
  if (sqlite3_deserialize(handle, "main", copy, size, size + 1,
                          SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) !=
      SQLITE_OK) {
    return Failure(handle);
  }
  Result<void> ready = Execute(handle, kSettings);  // some belong to the database before
  if (ready) {
    ready = CheckVersion(handle);
  }
  if (!ready) {
    return ready.error();
  }
  return database;
}

Result<std::string> CatalogueDatabase::Image() {
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(handle_.get(), "main", &size, 0);
  if (bytes == nullptr) {
    return Error{ErrorCode::kUnavailable, "no memory for the catalogue"};
  }
  std::string image(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  sqlite3_free(bytes);
  return image;
}

Result<std::string> CatalogueDatabase::ImageOfPlainFile(const std::string& path) {
  Result<CatalogueDatabase> database = Open(path);
  if (!database) {
    return database.error();
  }
  sqlite3* handle = database->handle_.get();
  if (Result<void> known = CheckVersion(handle); !known) {
    return known.error();
  }
  Statement journal(handle, "PRAGMA journal_mode=DELETE");
  const Result<bool> row = journal.Step();
  if (!row) {
    return row.error();
  }
  if (!*row || journal.Text(0) != "delete") {
    return Error{ErrorCode::kUnavailable, "another process is using " + path};
  }
  return database->Image();
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

}  // namespace bulkhead
