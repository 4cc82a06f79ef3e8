// SQLite as the vault's files use it: every page encrypted (SQLCipher), prepared statements kept,
// errors as Result, pragmas that leave no deleted value in a page and nothing in a temporary file.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bulkhead {

struct Blob {
  std::string_view bytes;
};
using SqlValue = std::variant<int64_t, std::string_view, Blob>;

// A running statement; gives its prepared form back when destroyed. Column views live until the
// next Step.
class SqlRows {
 public:
  SqlRows(sqlite3* handle, sqlite3_stmt* statement) : handle_(handle), statement_(statement) {}
  ~SqlRows();
  SqlRows(SqlRows&& other) noexcept;
  SqlRows& operator=(SqlRows&&) = delete;

  Result<bool> Step();  // true: a row; false: the end
  [[nodiscard]] int64_t Number(int column) const;
  [[nodiscard]] std::string_view Bytes(int column) const;  // text or blob

 private:
  sqlite3* handle_;
  sqlite3_stmt* statement_;
};

class VaultDatabase {
 public:
  struct Options {
    std::string path;
    const char* schema = "";  // made where the file is new, as version `version`
    int version = 1;          // a newer one is refused
    // The step from version 1 to 2, from 2 to 3, and so on up to `version`: each taken in the
    // transaction that also writes the new number.
    std::vector<const char*> upgrades;
    bool sync_every_commit = true;  // false: what a power cut takes back is replayed from the log
  };
  // A plain file, as older programs wrote it, is encrypted first. kCorruption: the key is another
  // one, or the file was changed.
  static Result<VaultDatabase> Open(FileSystem& fs, const Options& options,
                                    const SecretBytes& key32);

  // `sql` must be a literal: its address is the key of the prepared statement.
  Result<SqlRows> Start(const char* sql, std::initializer_list<SqlValue> values = {});
  // To the end, ignoring rows.
  Result<void> Run(const char* sql, std::initializer_list<SqlValue> values = {});
  // The first column of the first row; `otherwise` where there is none.
  Result<int64_t> Number(const char* sql, int64_t otherwise,
                         std::initializer_list<SqlValue> values = {});
  [[nodiscard]] int64_t changes() const;

  // All that was committed goes into the main file, synced, and the WAL is emptied. Fails where
  // another process is reading for longer than the busy timeout.
  Result<void> Checkpoint();
  // Rewrites the file without its free pages, then Checkpoint.
  Result<void> Rewrite();

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  struct Finaliser {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit VaultDatabase(sqlite3* handle) : handle_(handle) {}
  Result<void> EnsureSchema(const Options& options);

  std::unique_ptr<sqlite3, Closer> handle_;  // closed after the statements below
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, Finaliser>> prepared_;
};

// BEGIN IMMEDIATE until Commit; rolled back when destroyed before.
class VaultTransaction {
 public:
  static Result<VaultTransaction> Begin(VaultDatabase* database);
  ~VaultTransaction();
  VaultTransaction(VaultTransaction&& other) noexcept;
  VaultTransaction& operator=(VaultTransaction&&) = delete;
  Result<void> Commit();

 private:
  explicit VaultTransaction(VaultDatabase* database) : database_(database) {}
  VaultDatabase* database_;
};

}  // namespace bulkhead
